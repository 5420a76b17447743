#!/bin/sh
# The house has floors: no file of lib/ calls one above it, in the order of lib_sources in
# lib/Makemodule.am; none includes the header of one above it; and the objects of no program in
# tools/ need each other in a circle.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
top_builddir=${TOP_BUILDDIR:-.}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-floors.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

if [ "${CHECK_INSTALLED:-no}" = yes ]; then
    echo '1..0 # SKIP an installed library has no objects to look at'
    exit 0
fi

# The files of lib/ from the ground up, without ".c", one a line.
sed -n '/^lib_sources = /,/[^\\]$/s/^\tlib\/\([a-z_]*\)\.c.*/\1/p' "$top_srcdir/lib/Makemodule.am" \
    >"$tmp/order"

# arrows: of the output of nm, "FROM TO NAME" for each name that one object uses of another.  A
# member of an archive, or an object, is a line that ends with a colon.
arrows() {
    awk '
        /^[^ ].*\.o:$/ { file = $1; sub(/\.o:$/, "", file); sub(/.*\//, "", file)
                         sub(/.*-/, "", file); next }
        NF == 2 && $1 == "U" { use[++uses] = file; name[uses] = $2; next }
        NF == 3 && $2 ~ /^[A-TV-Z]$/ { home[$3] = file }
        END {
            for (i = 1; i <= uses; i++)
                if (name[i] in home && home[name[i]] != use[i])
                    print use[i], home[name[i]], name[i]
        }' | sort -u
}

# upward ORDER: of arrows, those that lead to a file that comes later.
upward() {
    awk -v order="$1" '
        BEGIN { while ((getline file < order) > 0) floor[file] = ++count }
        !($1 in floor) || !($2 in floor) { print "neither above nor below: " $0; next }
        floor[$1] < floor[$2] { print $1 ".c calls " $3 "() of " $2 ".c, which is above it" }'
}

archive=$top_builddir/lib/.libs/libcommon.a
if [ -f "$archive" ] && ! nm "$archive" | grep -q ' T '; then
    echo '1..0 # SKIP the objects have no names, as with link-time optimization'
    exit 0
fi
{ nm "$archive" 2>/dev/null || echo; } | arrows >"$tmp/lib"
: >"$tmp/why"
[ "$(wc -l <"$tmp/order")" -ge 20 ] || echo "only $(wc -l <"$tmp/order") sources listed" >"$tmp/why"
[ "$(wc -l <"$tmp/lib")" -ge 40 ] ||
    echo "only $(wc -l <"$tmp/lib") calls between files found in $archive" >>"$tmp/why"
empty 'the library has files and calls between them'

upward "$tmp/order" <"$tmp/lib" >"$tmp/why"
empty 'no file of lib/ calls one above it'

# What the linker does not see, in line or as a macro, is in a header.
while read -r file; do
    for source in "$top_srcdir/lib/$file.c" "$top_srcdir/lib/$file.h"; do
        [ ! -f "$source" ] || sed -n "s/^#include \"\([a-z_]*\)\.h\".*/$file \1 include/p" "$source"
    done
done <"$tmp/order" | awk -v order="$tmp/order" '
    BEGIN { while ((getline file < order) > 0) floor[file] = ++count }
    ($2 in floor) && floor[$1] < floor[$2] { print $1 " includes " $2 ".h, which is above it" }' \
    >"$tmp/why"
empty 'no file of lib/ includes the header of one above it'

# Headers alone, such as layout.h, are below all: they include no header of a file.
for header in "$top_srcdir"/lib/*.h; do
    name=$(basename "$header" .h)
    grep -qx "$name" "$tmp/order" && continue
    sed -n 's/^#include "\([a-z_]*\)\.h".*/\1/p' "$header" | while read -r other; do
        # A step is nothing but a macro in a normal build.
        ! grep -qx "$other" "$tmp/order" || [ "$other" = fault ] ||
            echo "$name.h includes $other.h, which belongs to $other.c"
    done
done >"$tmp/why"
empty 'a header without a file includes none of a file'

: >"$tmp/why"
for program in "$top_builddir"/tools/splinter_*.o; do
    [ -f "$program" ] || echo "no objects in $top_builddir/tools" >"$tmp/why"
done
nm "$top_builddir"/tools/*.o "$top_builddir"/tools/*/*.o 2>/dev/null | arrows >"$tmp/tools"
cut -d ' ' -f 1,2 "$tmp/tools" | tsort >"$tmp/sorted" 2>"$tmp/circle" || true
sed -n 's/^tsort: //p' "$tmp/circle" >>"$tmp/why"
empty 'no circle among the files of tools/'

# The check itself: turned round, every call is one to a file above.
awk '{ line[NR] = $0 } END { for (i = NR; i; i--) print line[i] }' "$tmp/order" >"$tmp/redro"
: >"$tmp/why"
[ "$(upward "$tmp/redro" <"$tmp/lib" | wc -l)" = "$(wc -l <"$tmp/lib")" ] ||
    echo 'some calls to a file above are not noticed' >"$tmp/why"
empty 'a call to a file above is noticed'
echo "1..$n"
