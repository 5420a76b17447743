#!/bin/sh
# The static library keeps to itself: every name in it that is not of the public interface has our
# prefix and is hidden, and a program may have functions of any other name.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
lib_dir=${LIB_DIR:-${TOP_BUILDDIR:-.}/lib/.libs}
header_dir=${HEADER_DIR:-$top_srcdir/include}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-static.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# An installed one is in the linker's directory rather than in .libs.
[ -f "$lib_dir/libsplinter.a" ] || [ ! -f "$lib_dir/../libsplinter.a" ] || lib_dir=$lib_dir/..
if [ ! -f "$lib_dir/libsplinter.a" ]; then
    echo '1..0 # SKIP no static library was built'
    exit 0
fi

# What the files of lib/ share, as the sources call it.
sed -n 's/^#define \([a-z_0-9]*\) splinter__.*/\1/p' "$top_srcdir/lib/names.h" >"$tmp/names"

for name in libsplinter libsplinter_p; do
    archive=$lib_dir/$name.a
    nm "$archive" 2>/dev/null |
        awk 'NF == 3 && $2 ~ /^[A-TV-Z]$/ { print $3 }' | sort -u >"$tmp/defined"
    # Sanitizers have symbols of their own.
    grep -v -e '^splinter_' -e '^__[a-z]*san' -e '^__odr_asan' -e '^DW\.ref\.' "$tmp/defined" \
        >"$tmp/why"
    [ "$(grep -c '^splinter__' "$tmp/defined")" -ge 60 ] ||
        grep -q . "$tmp/why" || grep -c '^splinter__' "$tmp/defined" >>"$tmp/why"
    [ ! -s "$tmp/why" ] || echo 'a name that files of lib/ share goes into lib/names.h' >>"$tmp/why"
    empty "$name.a defines no name without our prefix"

    readelf -sW "$archive" 2>/dev/null |
        awk '$5 == "GLOBAL" && $7 != "UND" && $8 ~ /^splinter__/ && $6 != "HIDDEN" { print $8 }' \
            >"$tmp/why"
    empty "$name.a hides what is not public"

    {
        echo '#include <splinter.h>'
        sed 's/.*/int &(void); int &(void) { return 1; }/' "$tmp/names"
        cat <<'C'
int main(void)
{
    struct splinter_open_options o = {.struct_size = sizeof o, .flags = SPLINTER_ANONYMOUS,
                                      .slots = 10, .max_value = 100};
    splinter_store *s;
    char out[8];
    size_t len = 0;
    if (splinter_store_open(&s, 0, &o) || splinter_store_set(s, "key", "value", 5, 0, 0) ||
        splinter_store_get(s, "key", out, sizeof out, &len, 0) || len != 5)
        return 1;
    splinter_store_close(s);
    return 0;
}
C
    } >"$tmp/program.c"
    : >"$tmp/why"
    [ "$(wc -l <"$tmp/names")" -ge 60 ] || echo 'lib/names.h has too few names' >"$tmp/why"
    # shellcheck disable=SC2086 # lists
    ${CC:-cc} ${SANITIZER_FLAGS:-} ${TEST_CFLAGS:-} -fno-builtin -Wno-error -w -I"$header_dir" \
        -o "$tmp/program" "$tmp/program.c" "$archive" \
        ${TEST_LDFLAGS:-} -pthread >>"$tmp/why" 2>&1 &&
        { "$tmp/program" || echo "the program ended with status $?" >>"$tmp/why"; }
    empty "a program that defines every name of ours links with $name.a, and runs"
done
echo "1..$n"
