#!/bin/sh
# From a bare Debian machine to a message between two processes: installs what is missing to
# build (as root, or through sudo), builds in ./build, sends one message, measures.
set -eu
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
for folder in . build; do
    if [ -e $folder ] && [ ! -w $folder ]; then
        cat >&2 <<END
demo.sh: this builds in $PWD/build, and $(id -un) may not write to $(cd $folder && pwd),
which belongs to $(stat -c %U $folder).  Make a clone of your own: git clone $PWD
END
        exit 1
    fi
done

missing=
need() { # command or header, package
    case $1 in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac || missing="$missing $2"
}
need gcc gcc
need make make
need /usr/include/stdio.h libc6-dev
need /usr/include/xxhash.h libxxhash-dev
need pkg-config pkg-config
if [ ! -x configure ]; then
    need autoconf autoconf
    need automake automake
    need libtoolize libtool
fi
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || {
        cat >&2 <<END
demo.sh: the build needs what Debian has in these packages, and it is not here:
  $missing
This script installs packages on Debian only.  Install them by the names that they have here, and
run it again.
END
        exit 1
    }
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        cat >&2 <<END
demo.sh: some packages are missing, and there is no sudo to install them.  As root:

    apt-get install$missing

Then run this again.
END
        exit 1
    fi
    echo "== installing$missing"
    as_root apt-get update -q >/dev/null
    # shellcheck disable=SC2086 # a list
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        $missing >/dev/null
fi

echo '== building'
mkdir -p build
log() { "$@" >build/demo.log 2>&1 || { cat build/demo.log >&2; exit 1; }; }
[ -x configure ] || log sh ./autogen.sh
if [ -f config.status ]; then
    dir=. # configured in place: there it stays
else
    dir=build
    [ -f build/config.status ] || (cd build && ../configure >demo.log 2>&1) || {
        cat build/demo.log >&2
        exit 1
    }
fi
# One after the other: `all` is a make of its own, and two would build the library at once.
log make -C "$dir" -j"$(nproc)" all
log make -C "$dir" -j"$(nproc)" bench/splinter_bench
tools=$dir/tools

bus=splinter_demo_$$
trap 'rm -f "/dev/shm/$bus" build/demo.received' EXIT
trap 'exit 1' HUP INT TERM

echo
echo "== one process receives, another sends"
echo "\$ splinter_recv --wait --current --oneshot $bus greeting &"
"$tools/splinter_recv" --wait --current --oneshot --timeout 20000 "$bus" greeting \
    >build/demo.received &
receiver=$!
echo "\$ splinter_send --create $bus greeting 'hello from process $$'"
"$tools/splinter_send" --create "$bus" greeting "hello from process $$"
wait "$receiver"
echo "received by process $receiver: $(cat build/demo.received)"

echo
echo '== how fast it is here (make bench prints all of it)'
"$dir/bench/splinter_bench" --quick

tools=$(cd "$tools" && pwd)
cat <<END

== what next
The programs are in $tools.  In two terminals:
    $tools/splinter_recv --wait --current
    $tools/splinter_send --create hello
To install all of it:  make -C $dir install, and, as root, ldconfig
To write a program:    "In C" in README.md, and $PWD/tools/splinter_test.c
To run the tests:      make -C $dir check
END
