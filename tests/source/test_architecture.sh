#!/bin/sh
# docs/architecture.md and docs/floors.svg show the house as it is: every file of lib_sources in
# lib/Makemodule.am, in that order, and the headers that have no file.  The files and functions of
# lib/ that the page names exist.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-house.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$top_srcdir" || exit 1
page=docs/architecture.md
picture=docs/floors.svg

# same FILE SHOWN: what is wrong with the second list, which should be the first.
same() {
    diff "$1" "$2" | sed -n 's/^</missing, or not here: /p; s/^>/too much, or not here: /p'
}

# The names in the table of the page, and in the boxes of the picture, without ".c".
in_table() {
    # shellcheck disable=SC2016 # no expansion is meant
    sed -n '/^| file | what it offers |$/,/^$/s/^| `\([a-z_]*\)\.c` |.*/\1/p' "$1"
}
in_picture() {
    sed -n 's/.*class="file"[^>]*>\([a-z_]*\)<.*/\1/p' "$1"
}

sed -n '/^lib_sources = /,/[^\\]$/s/^\tlib\/\([a-z_]*\)\.c.*/\1/p' lib/Makemodule.am >"$tmp/sources"
: >"$tmp/why"
[ "$(wc -l <"$tmp/sources")" -ge 20 ] || echo "only $(wc -l <"$tmp/sources")" >"$tmp/why"
empty 'lib_sources lists the files of the library'

in_table "$page" >"$tmp/table"
same "$tmp/sources" "$tmp/table" >"$tmp/why"
empty 'the table has them all, in that order'

in_picture "$picture" >"$tmp/boxes"
same "$tmp/sources" "$tmp/boxes" >"$tmp/why"
empty 'so has the picture'

# Whatever else is there: the page names it, and the picture.
for file in lib/*.[ch]; do
    name=${file#lib/}
    case $name in
        *.c) short=${name%.c} ;;
        *) short=$name ;;
    esac
    grep -qx "${name%.?}" "$tmp/sources" && continue
    grep -qF "\`$name\`" "$page" || echo "$name is not in $page"
    grep -qw "$short" "$picture" || echo "$name is not in $picture"
done >"$tmp/why"
empty 'files of one library alone and headers without a file are in both'

sed -n 's/.*headers alone: \(.*\)<.*/\1/p' "$picture" | tr -d ' ' | tr , '\n' |
    while read -r name; do
        [ -f "lib/$name" ] && ! grep -qx "${name%.h}" "$tmp/sources" || echo "$name"
    done >"$tmp/why"
empty 'the picture has no header that is not there, or belongs to a file'

# shellcheck disable=SC2016
for text in docs/*.md CONTRIBUTING.md; do
    grep -o '`\(lib\|tools\|tests\|bench\|include\)/[a-z0-9_/-]*\.[a-z]*`' "$text" | tr -d '`' |
        while read -r file; do
            [ -e "$file" ] || echo "$text: $file"
        done
done >"$tmp/why"
empty 'files that the pages name exist'

# shellcheck disable=SC2016
grep -o '`[a-z_]*()`' "$page" | tr -d '`()' | sort -u | while read -r name; do
    [ "$name" = fork ] || grep -qw "$name" lib/*.[ch] include/splinter.h || echo "$name()"
done >"$tmp/why"
empty 'functions that the page names exist'

# The check itself: a name that is missing, or that stands elsewhere.
sed '3{h;d;};4G' "$tmp/sources" >"$tmp/moved"
sed 3d "$tmp/sources" >"$tmp/less"
for list in moved less; do
    [ -n "$(same "$tmp/sources" "$tmp/$list")" ] || echo "$list"
done >"$tmp/why"
third=$(sed -n 3p "$tmp/sources")
sed "/^| \`$third\.c\`/d" "$page" >"$tmp/page"
sed "/class=\"file\"[^>]*>$third</d" "$picture" >"$tmp/picture"
in_table "$tmp/page" | cmp -s - "$tmp/less" || echo 'a row that was taken away' >>"$tmp/why"
in_picture "$tmp/picture" | cmp -s - "$tmp/less" || echo 'a box that was taken away' >>"$tmp/why"
empty 'a name that is missing, or in another place, is noticed'
echo "1..$n"
