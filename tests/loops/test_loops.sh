#!/bin/sh
# A watch in the event loops of others: asyncio, over ctypes; and libuv, through node and an addon
# that is compiled here.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
lib_dir=${LIB_DIR:-${TOP_BUILDDIR:-.}/lib/.libs}
header_dir=${HEADER_DIR:-$top_srcdir/include}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-loops.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

if [ ! -f "$lib_dir/libsplinter.so" ]; then
    echo '1..0 # SKIP no shared library was built'
    exit 0
fi
if [ -n "${SANITIZER_FLAGS:-}" ]; then
    echo '1..0 # SKIP an interpreter cannot load a library with a sanitizer'
    exit 0
fi

n=0
# said WHAT STATUS: the result of a command, whose output is in $tmp/out.
said() {
    n=$((n + 1))
    sed 's/^[^#]/# &/' "$tmp/out"
    if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
skipped() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

what='asyncio tells of each key'
if ! python3 -c 'import asyncio, ctypes, sys; sys.exit(sys.version_info < (3, 7))' 2>/dev/null; then
    skipped "$what" 'there is no python3, or it is older than 3.7'
elif ! python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$lib_dir/libsplinter.so" \
    2>/dev/null; then
    skipped "$what" 'python3 is for another machine'
else
    python3 "$top_srcdir/tests/loops/loop.py" "$lib_dir/libsplinter.so" >"$tmp/out" 2>&1
    said "$what" $?
fi

what='libuv tells of each key, in the loop of node'
# shellcheck disable=SC2086 # lists
if ! node -e 'process.exit(+(+process.versions.napi < 3))' 2>/dev/null; then
    skipped "$what" 'there is no node, or it has no Node-API'
elif ! ${CC:-cc} ${TEST_CFLAGS:-} -fPIC -shared -I"$header_dir" -o "$tmp/addon.node" \
    "$top_srcdir/tests/loops/addon.c" ${TEST_LDFLAGS:-} -L"$lib_dir" -lsplinter \
    -Wl,-rpath,"$lib_dir" >"$tmp/out" 2>&1; then
    said "$what" 1
elif ! node -e 'require(process.argv[1])' "$tmp/addon.node" 2>/dev/null; then
    skipped "$what" 'node is for another machine, or does not show its libuv'
else
    node "$top_srcdir/tests/loops/loop.js" "$tmp/addon.node" >"$tmp/out" 2>&1
    said "$what" $?
fi
echo "1..$n"
