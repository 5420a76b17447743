# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests: a place to build in, and a name for the bus that nobody else has.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d "${AUTOPKGTEST_TMP:-${TMPDIR:-/tmp}}/splinter.XXXXXX")
bus=splinter_autopkgtest_$$
trap 'rm -rf "$tmp" "/dev/shm/$bus"*' EXIT
cd "$tmp"

# The name a store has in each library.
name_of() {
    case $1 in
        splinter) echo "$bus" ;;
        splinter_p) echo "$tmp/store" ;;
    esac
}

# client MODULE PROGRAM: runs it, and sees that it says ok and leaves no store behind.
client() {
    name=$(name_of "$1")
    status=0
    timeout 120 "$2" "$name" >out || status=$?
    cat out
    [ $status = 0 ] || {
        echo "$2 ended with status $status"
        exit 1
    }
    grep -q ': ok$' out
    [ ! -e "/dev/shm/$bus" ]
    [ ! -e "$tmp/store" ]
}
