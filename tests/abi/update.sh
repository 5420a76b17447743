#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update.sh - writes anew, in a clone, what the tests in this folder compare with:
#
#     sh tests/abi/update.sh [BUILD-TREE]
#
#   debian/*.symbols   from the version scripts; what was there keeps its version
#   layout-N.txt       the layout of format version N, from a build tree
#   lib*.ARCH.abi      the interface as abidw sees it, from a build tree (with -g)
#
# See what it did with git diff: what a release has promised may be added to, not changed.  It
# refuses to write a layout that a release has.  The build tree is configured and built here if none
# is named.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^AC_INIT(\[libsplinter\], \[\([^]]*\)\].*/\1/p' "$top/configure.ac")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-update.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

symbols() { # package library
    file=$top/debian/$1.symbols
    sh "$here/symbols.sh" "$top/lib/$2.map" "$1" "$version" "$file" >"$tmp/symbols"
    cat "$tmp/symbols" >"$file"
}
symbols libsplinter1 libsplinter
symbols libsplinter-p1 libsplinter_p

build=${1:-}
if [ -z "$build" ]; then
    build=$tmp/build
    mkdir "$build"
    [ -x "$top/configure" ] || sh "$top/autogen.sh"
    (cd "$build" && "$top/configure" CFLAGS='-g -O2' >/dev/null)
fi
make -s -C "$build" all tests/abi/layout

# The layout of this format version; that of versions no release has is of no use.
"$build/tests/abi/layout" >"$tmp/layout"
format=$(sed -n 's/^STORE_FORMAT //p' "$tmp/layout")
for file in "$here"/layout-*.txt; do
    if [ -e "$file" ] && sed -n 1p "$file" | grep -q 'not released'; then rm -f "$file"; fi
done
file=$here/layout-$format.txt
if [ ! -e "$file" ]; then
    { echo "# format version $format, not released" && cat "$tmp/layout"; } >"$file"
elif ! sed 1d "$file" | cmp -s - "$tmp/layout"; then
    kept=$(sed -n '1s/^# //p' "$file")
    echo "update.sh: the layout of format version $format has changed, and $kept;" >&2
    echo 'update.sh: raise STORE_FORMAT in lib/layout.h' >&2
    exit 1
fi

# The interface.
if command -v abidw >/dev/null; then
    for library in libsplinter libsplinter_p; do
        sh "$here/interface.sh" "$build/lib/.libs/$library.so" "$top/include" >"$tmp/abi"
        cat "$tmp/abi" >"$here/$library.$(uname -m).abi"
    done
else
    echo 'update.sh: abidw was not found, the *.abi files stay;' \
        'on Debian: apt-get install abigail-tools' >&2
    exit 1
fi
