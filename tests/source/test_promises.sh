#!/bin/sh
# Each promise names its tests, and each test its promises: docs/guarantees.md lists, under the
# heading of a promise such as P3 or C5, files of tests/ and the names of tests in them; at each
# name stands the tag [P3], on its line or in the comment above.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-promises.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$top_srcdir" || exit 1

# What docs/guarantees.md names: "PROMISE|FILE|NAME".  An item of a list begins with a file.
awk '
    function item_ends(   part, parts, i, file) {
        parts = split(item, part, "`")
        file = part[2]
        for (i = 4; promise && i <= parts; i += 2)
            print promise "|" file "|" part[i]
        item = ""
    }
    /^## / { item_ends(); promise = $2 ~ /^[CP][0-9]+:$/ ? substr($2, 1, length($2) - 1) : "" }
    /^- `tests\// { item_ends(); item = $0; next }
    item && /^  / { item = item " " $0; next }
    { item_ends() }
    END { item_ends() }' docs/guarantees.md >"$tmp/named"

# Where the tags are: "PROMISE|FILE|LINE", with the line of the test: the first after the comment.
find tests \( -name '*.[ch]' -o -name '*.sh' -o -name '*.pml' -o -name cases \) \
    ! -name test_promises.sh -exec grep -l '\[[CP][0-9]' {} + | sort | while read -r file; do
    awk -v file="$file" '
        {
            for (text = $0; match(text, /\[[CP][0-9]+\]/); text = substr(text, RSTART + RLENGTH))
                waiting[++count] = substr(text, RSTART + 1, RLENGTH - 2)
        }
        /^ *(\/\*|\*|#)/ { next }
        { while (count) print waiting[count--] "|" file "|" FNR }
        END { while (count) print waiting[count--] "|" file "|" 0 }' "$file"
done >"$tmp/tags"

# Where the names are: "FILE|LINE|NAME".  A name is followed by no other letter, or word.
cut -d '|' -f 2 "$tmp/named" | sort -u | while read -r file; do
    [ -f "$file" ] || continue
    awk -v named="$tmp/named" -v file="$file" '
        BEGIN {
            while ((getline line < named) > 0) {
                split(line, part, "|")
                if (part[2] == file)
                    names[part[3]] = 1
            }
        }
        {
            for (name in names) {
                at = index($0, name)
                before = at > 1 ? substr($0, at - 1, 1) : ""
                after = substr($0, at + length(name))
                if (at && before !~ /[A-Za-z0-9_]/ && after ~ /^ *$|^ *[|(]|^[^A-Za-z0-9_ ,]/)
                    print file "|" FNR "|" name
            }
        }' "$file"
done >"$tmp/places"

# mismatches NAMED TAGS: names without the tag, and tags that stand at no test named for them.
mismatches() {
    awk -F '|' -v places="$tmp/places" '
        BEGIN {
            while ((getline line < places) > 0) {
                split(line, part, "|")
                at = part[1] "|" part[2]
                name[at, ++names[at]] = part[3]
            }
        }
        FNR == NR { named[$0] = 1; next }
        {
            ok = 0
            at = $2 "|" $3
            for (i = 1; i <= names[at]; i++)
                if (($1 "|" $2 "|" name[at, i]) in named)
                    ok = tagged[$1 "|" $2 "|" name[at, i]] = 1
            if (!ok)
                print $2 ":" $3 ": [" $1 "] is at no test that docs/guarantees.md names for it"
        }
        END {
            for (is in named)
                if (!(is in tagged)) {
                    split(is, part, "|")
                    print part[2] ": no [" part[1] "] at \"" part[3] "\""
                }
        }' "$1" "$2"
}

: >"$tmp/why"
sed -n 's/^## \([CP][0-9]*\):.*/\1/p' docs/guarantees.md >"$tmp/promises"
[ "$(wc -l <"$tmp/promises")" -ge 9 ] || echo "only $(wc -l <"$tmp/promises") promises" >"$tmp/why"
while read -r promise; do
    grep -q "^$promise|" "$tmp/named" || echo "$promise names no test"
done <"$tmp/promises" >>"$tmp/why"
empty 'every promise has tests'

while IFS='|' read -r promise file name; do
    if [ ! -f "$file" ]; then
        echo "$promise: there is no $file"
    elif ! cut -d '|' -f 1,3 "$tmp/places" | grep -qxF "$file|$name"; then
        echo "$promise: there is no \"$name\" in $file"
    fi
done <"$tmp/named" >"$tmp/why"
empty 'every test that docs/guarantees.md names exists'

mismatches "$tmp/named" "$tmp/tags" >"$tmp/why"
empty 'every such test has its tag, and every tag is at such a test'

# The check itself: one end taken away, whichever, is noticed.
for end in named tags; do
    lines=$(wc -l <"$tmp/$end")
    line=1
    : >"$tmp/why"
    while [ "$line" -le "$lines" ]; do
        sed "${line}d" "$tmp/$end" >"$tmp/less"
        if [ "$end" = named ]; then
            mismatches "$tmp/less" "$tmp/tags"
        else
            mismatches "$tmp/named" "$tmp/less"
        fi >"$tmp/found"
        [ -s "$tmp/found" ] || echo "without $(sed -n "${line}p" "$tmp/$end")" >>"$tmp/why"
        line=$((line + 1))
    done
    case $end in
    named) empty 'a name that goes from docs/guarantees.md is noticed' ;;
    *) empty 'a tag that goes from tests/ is noticed' ;;
    esac
done
echo "1..$n"
