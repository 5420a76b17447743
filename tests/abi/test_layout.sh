#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layout of a store and its format version change together: for each version the folder has a
# file with everything that two libraries must agree on, and what is built has to be the same.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
top_builddir=${TOP_BUILDDIR:-.}
here=$top_srcdir/tests/abi
if [ "$CHECK_INSTALLED" = yes ]; then
    echo '1..0 # SKIP of an installed library the layout is not known'
    exit 0
fi
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-layout.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); sed 's/^/# /' "$tmp/why" 2>/dev/null; echo "not ok $n - $1"; }

if "$top_builddir/tests/abi/layout" >"$tmp/now" 2>"$tmp/why" && [ -s "$tmp/now" ]; then
    ok 'the layout can be printed'
else
    not_ok 'the layout can be printed'
    echo "1..$n"
    exit 0
fi

# Each member of each structure begins where the one before it ends: so none is missing, and no
# compiler puts in bytes of its own.
awk '
    / at [0-9]+, [0-9]+ bytes$/ {
        split($1, name, ".")
        if (name[1] != structure) { structure = name[1]; end = 0 }
        at = $3 + 0
        if (at != end) print $0 ": " (at - end) " bytes before it belong to nothing"
        end = at + $4
    }
    / bytes$/ && $1 == structure ":" && $2 != end { print $0 ": members end at " end }
    ' "$tmp/now" >"$tmp/why"
if [ -s "$tmp/why" ]; then
    not_ok 'every byte of a structure belongs to a member'
else
    ok 'every byte of a structure belongs to a member'
fi

version=$(sed -n 's/^STORE_FORMAT //p' "$tmp/now")
kept=$here/layout-$version.txt
what="the layout is the one kept for format version $version"
if [ ! -f "$kept" ]; then
    echo "there is no tests/abi/layout-$version.txt; sh tests/abi/update.sh writes it" >"$tmp/why"
    not_ok "$what"
else
    # Lines that only machines of one byte order, or word size, print.
    cp "$kept" "$tmp/kept"
    for lines in '^little-endian' '^64-bit'; do
        grep -q "$lines" "$tmp/now" || sed -i "/$lines/d" "$tmp/kept"
    done
    sed -i 1d "$tmp/kept"
    if diff "$tmp/kept" "$tmp/now" >"$tmp/why"; then
        ok "$what"
    else
        cat >>"$tmp/why" <<END
The layout of a store has changed, and STORE_FORMAT (lib/layout.h) is still $version.
If a library with version $version has been released, raise STORE_FORMAT; then, or if not,
sh tests/abi/update.sh BUILD-TREE writes what is compared with.
END
        not_ok "$what"
    fi
fi
echo "1..$n"
