#!/bin/sh
# From a fault step to its function: the table in docs/architecture.md has each prefix of the steps
# fault_point("prefix: what was done") of lib/, with the files and functions that they stand in; and
# no other.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
page=$top_srcdir/docs/architecture.md
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-steps.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# steps FOLDER: "PREFIX FILE FUNCTION STEP" of each step in the sources there, separated by tabs.
steps() {
    (cd "$1" && find . -name '*.[ch]' | sort | while read -r file; do
        awk -v file="lib/${file#./}" '
            BEGIN { OFS = "\t" }
            /^}/ { name = "none" }
            # The name of a function stands before the first parenthesis of a line that begins one.
            /^[A-Za-z_].*\(/ && !/^__attribute__/ {
                name = $0
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
            }
            match($0, /fault_point\("[^"]*"/) {
                step = substr($0, RSTART + 13, RLENGTH - 14)
                prefix = step
                if (!sub(/: .*/, "", prefix))
                    prefix = "(without a prefix)"
                print prefix, file, name, step
            }' "$file"
    done)
}

# rows: of what steps() printed, the rows that the table should have, in order.
rows() {
    awk -F '\t' '
        {
            row = "| `" $1 "` | `" $2 "` |"
            if (!(row in functions))
                functions[row] = ""
            if (!((row, $3) in listed)) {
                listed[row, $3] = 1
                functions[row] = functions[row] (functions[row] == "" ? " `" : ", `") $3 "()`"
            }
        }
        END { for (row in functions) print row functions[row] " |" }' | LC_ALL=C sort
}

# table: the rows that the page $1 has.
table() {
    sed -n '/^| step | file | functions |$/,/^$/p' "$1" | sed 1,2d | grep .
}

# differences TABLE ROWS
differences() {
    LC_ALL=C sort "$1" >"$tmp/sorted"
    LC_ALL=C comm -23 "$tmp/sorted" "$2" | sed 's/^/not in lib\/:    /'
    LC_ALL=C comm -13 "$tmp/sorted" "$2" | sed 's/^/not in the table: /'
}

steps "$top_srcdir/lib" >"$tmp/steps"
rows <"$tmp/steps" >"$tmp/rows"
table "$page" >"$tmp/table"

: >"$tmp/why"
[ "$(wc -l <"$tmp/steps")" -ge 100 ] || echo "only $(wc -l <"$tmp/steps") steps found" >"$tmp/why"
[ "$(wc -l <"$tmp/table")" -ge 30 ] ||
    echo "only $(wc -l <"$tmp/table") rows in docs/architecture.md" >>"$tmp/why"
empty 'there are steps and a table of them'

# All that are there: as many as the sources have calls of fault_point().
find "$top_srcdir/lib" -name '*.[ch]' ! -name fault.h -exec cat {} + | grep -c 'fault_point(' \
    >"$tmp/calls"
: >"$tmp/why"
[ "$(cat "$tmp/calls")" -eq "$(wc -l <"$tmp/steps")" ] ||
    echo "$(cat "$tmp/calls") calls, $(wc -l <"$tmp/steps") steps" >"$tmp/why"
grep -F '(without a prefix)' "$tmp/steps" >>"$tmp/why"
grep "$(printf '\tnone\t')" "$tmp/steps" >>"$tmp/why"
empty 'every step has a prefix, and a function around it'

differences "$tmp/table" "$tmp/rows" >"$tmp/why"
empty 'the table has every prefix with its files and functions, and no other'

# The check itself: each row taken away, and each step that moves to another file.
# shellcheck disable=SC2094 # nothing is written to what is read
while read -r row; do
    grep -vxF -e "$row" "$tmp/table" >"$tmp/less"
    [ -n "$(differences "$tmp/less" "$tmp/rows")" ] || echo "without $row"
done <"$tmp/rows" >"$tmp/why"
mkdir "$tmp/made"
printf 'int f(void)\n{\n    fault_point("made up: by a test");\n}\n' >"$tmp/made/new.c"
steps "$tmp/made" | rows | cat - "$tmp/rows" | LC_ALL=C sort >"$tmp/more"
# shellcheck disable=SC2016 # no expansion is meant
differences "$tmp/table" "$tmp/more" |
    grep -qxF 'not in the table: | `made up` | `lib/new.c` | `f()` |' ||
    echo 'a step that was added' >>"$tmp/why"
# shellcheck disable=SC2016
sed 's,`lib/lock\.c`,`lib/new.c`,' "$tmp/rows" >"$tmp/moved"
[ "$(differences "$tmp/table" "$tmp/moved" | grep -c '^not in lib')" -ge 2 ] ||
    echo 'steps that moved to another file' >>"$tmp/why"
empty 'a row that is missing, a new step and one that moved are noticed'
echo "1..$n"
