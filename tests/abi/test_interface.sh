#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The libraries have the interface that is kept in this folder, or more: whatever a program was
# linked with is still there, with the same types.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
lib_dir=${LIB_DIR:-${TOP_BUILDDIR:-.}/lib/.libs}
here=$top_srcdir/tests/abi
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}
if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
    skip_all 'abidw was not found; on Debian: apt-get install abigail-tools'
fi
[ -f "$lib_dir/libsplinter.so" ] || skip_all 'no shared library was built'
[ -z "$SANITIZER_FLAGS" ] || skip_all 'a sanitizer changes what the library shows'
readelf -S -W "$lib_dir/libsplinter.so" | grep -q '\.debug_info' ||
    skip_all 'the library has no debug information (-g)'
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-interface.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# The kept files name the architecture as abidw does.
headers=${HEADER_DIR:-$top_srcdir/include}
sh "$here/interface.sh" "$lib_dir/libsplinter.so" "$headers" >"$tmp/now" 2>/dev/null
architecture=$(sed -n "1s/.* architecture='\([^']*\)'.*/\1/p" "$tmp/now")
machine=
for file in "$here"/libsplinter.*.abi; do
    if sed -n 1p "$file" | grep -q "architecture='$architecture'"; then
        machine=${file#"$here/libsplinter."}
        machine=${machine%.abi}
    fi
done
[ -n "$machine" ] || skip_all "no interface is kept for ${architecture:-this machine}"

n=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        sed 's/^/# /' "$tmp/why"
        echo "not ok $n - $2"
    fi
}
for library in libsplinter libsplinter_p; do
    kept=$here/$library.$machine.abi
    sh "$here/interface.sh" "$lib_dir/$library.so" "$headers" >"$tmp/now" 2>"$tmp/why"
    result $? "the interface of $library can be read"
    # Calls that are new are no harm to any program; test_symbols.sh sees to them.
    abidiff --no-added-syms "$kept" "$tmp/now" >"$tmp/why" 2>&1
    result $? "$library has every call and type that is kept for it"

    # The comparison sees a call that is gone, and a member that moved.
    sed -e '/<elf-symbol name=.splinter_store_append/d' \
        -e '/<function-decl name=.splinter_store_append/,/<\/function-decl>/d' \
        "$tmp/now" >"$tmp/less"
    ! abidiff --no-added-syms "$kept" "$tmp/less" >"$tmp/why" 2>&1
    result $? "a missing call in $library would be seen"
    sed "s/layout-offset-in-bits='128'/layout-offset-in-bits='192'/" "$tmp/now" >"$tmp/moved"
    ! abidiff --no-added-syms "$kept" "$tmp/moved" >"$tmp/why" 2>&1
    result $? "a member that moved in $library would be seen"
done
echo "1..$n"
