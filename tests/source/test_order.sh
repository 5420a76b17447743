#!/bin/sh
# Every access that orders others names its pair, and the pair is there: the tags in the comments
# of lib/ (see lib/atomic.h) have both ends, and docs/guarantees.md explains each.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-order.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# The tags of the sources below $1, one a line; lib/atomic.h, which tells what they are, has none.
tags() {
    find "$1" -name '*.[ch]' ! -name atomic.h -exec cat {} + |
        grep -o '\[[<>=][a-z][a-z-]*\]' | tr -d '[]'
}
# Names with one end only, of the tags in file $1.
single() {
    sed 's/^.//' "$1" | sort -u | while read -r name; do
        out=$(grep -c "^>$name\$" "$1")
        in=$(grep -c "^<$name\$" "$1")
        both=$(grep -c "^=$name\$" "$1")
        if [ "$both" = 0 ]; then
            [ "$out" = 0 ] && echo "[<$name] has no [>$name]"
            [ "$in" = 0 ] && echo "[>$name] has no [<$name]"
        elif [ "$both" = 1 ]; then
            echo "[=$name] is there once"
        elif [ $((out + in)) != 0 ]; then
            echo "$name is a pair of stores and loads, and a [=$name], too"
        fi
    done
}

tags "$top_srcdir/lib" >"$tmp/tags"
: >"$tmp/why"
[ "$(wc -l <"$tmp/tags")" -ge 40 ] || echo "only $(wc -l <"$tmp/tags") tags were found" >"$tmp/why"
empty 'the sources have tags'

single "$tmp/tags" >"$tmp/why"
empty 'every tag has its other end'

sed 's/^.//' "$tmp/tags" | sort -u | while read -r name; do
    grep -q "^| *\`$name\` *|" "$top_srcdir/docs/guarantees.md" || echo "$name"
done >"$tmp/why"
empty 'docs/guarantees.md explains every tag'

sed -n 's/^| *`\([a-z-]*\)` *|.*/\1/p' "$top_srcdir/docs/guarantees.md" | while read -r name; do
    grep -q "^.$name\$" "$tmp/tags" || echo "$name"
done >"$tmp/why"
empty 'and none that is not there'

# A row of the table in docs/guarantees.md for each tag: in which functions below $1 it stands.
rows() {
    (cd "$1" && find lib -name '*.[ch]' ! -name atomic.h | sort | while read -r file; do
        awk -v file="$file" '
            /^}/ { inside = 0 }
            !inside && /^[A-Za-z_].*\(/ && !/^__attribute__/ {
                name = $0
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
            }
            /^{/ { inside = 1 }
            {
                for (text = $0; match(text, /\[[<>=][a-z][a-z-]*\]/);
                     text = substr(text, RSTART + RLENGTH)) {
                    tag = substr(text, RSTART + 1, RLENGTH - 2)
                    print substr(tag, 2) "|" substr(tag, 1, 1) "|`" file "` `" name "()`"
                }
            }' "$file"
    done) | LC_ALL=C sort -u | awk -F '|' '
        function row() {
            if (tag != "")
                print "| `" tag "` in | " (both == "" ? out : both) " | " \
                    (both == "" ? in_ : "the same") " |"
        }
        $1 != tag { row(); tag = $1; out = in_ = both = "" }
        $2 == ">" { out = out (out == "" ? "" : ", ") $3 }
        $2 == "<" { in_ = in_ (in_ == "" ? "" : ", ") $3 }
        $2 == "=" { both = both (both == "" ? "" : ", ") $3 }
        END { row() }'
}
rows "$top_srcdir" >"$tmp/rows"
grep '^| `[a-z-]*` in |' "$top_srcdir/docs/guarantees.md" >"$tmp/written"
{
    [ -s "$tmp/rows" ] || echo 'no access with a tag was found'
    diff "$tmp/written" "$tmp/rows" | sed -n 's/^> /write: /p; s/^< /not so: /p'
} >"$tmp/why"
empty 'docs/guarantees.md says in which functions the accesses stand'

# The check itself: one end taken away, whichever, is noticed.
sort -u "$tmp/tags" | while read -r tag; do
    if [ "${tag#=}" = "$tag" ]; then
        grep -vx -e "$tag" "$tmp/tags" >"$tmp/less"
    else
        { grep -vx -e "$tag" "$tmp/tags"; echo "$tag"; } >"$tmp/less"
    fi
    [ -n "$(single "$tmp/less")" ] || echo "without $tag"
done >"$tmp/why"
empty 'a tag that loses its other end is noticed'

# A store that must come before a load: x86 does not show all that goes wrong without.
sed -n 's/^=//p' "$tmp/tags" | sort -u | while read -r name; do
    grep -q "\"$name: " "$top_srcdir"/tests/relacy/*.hpp || echo "$name"
done >"$tmp/why"
empty 'tests/relacy leaves out each order of a tag with ='

# Nothing else tells the reason of a fence: each has a tag, on its line or in the comment above.
find "$top_srcdir/lib" -name '*.[ch]' ! -name atomic.h -exec awk '
    FNR == 1 { near = -9 }
    /\[[<>=][a-z-]*\]/ { near = FNR }
    /fence_(acquire|release|seq_cst)\(\);/ && FNR - near > 4 {
        print FILENAME ":" FNR ": " $0
    }' {} + >"$tmp/why"
empty 'every fence has a tag'
echo "1..$n"
