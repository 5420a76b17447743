#!/bin/sh
# Nothing is too long: files of C, lines of C and shell, and the functions of lib/ and tools/.  TAP.
#
# A function over the limit says above it, in the comment that it has anyway, why it is not parted:
# "One piece: ..." (CONTRIBUTING.md).
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-limits.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

columns=100
function_lines=60
# Lines of a file of C: FOLDER LIMIT.
file_lines='lib 500
tools 500
tests 900
bench 900'

# What may be over a limit, one a line: FINDING # REASON.  A finding is what the test prints,
# without the number of the line.
exceptions=''

# sources ROOT PATTERN... -- FOLDER...: the files there, with paths from ROOT on.  What make writes
# into a tree that is built in place is none of them.
sources() {
    (cd "$1" && shift && {
        names=
        while [ "$1" != -- ]; do
            names="$names${names:+ -o }-name $1"
            shift
        done
        shift
        for folder; do
            # shellcheck disable=SC2086 # options
            [ ! -d "$folder" ] || (set -f; find "$folder" \( $names \) ! -name layout_fields.h)
        done | sort
    })
}

# Each of these prints what is over a limit in the tree $1, one finding a line.
files_over() {
    echo "$file_lines" | while read -r folder limit; do
        sources "$1" '*.c' '*.h' -- "$folder" | while read -r file; do
            lines=$(wc -l <"$1/$file")
            [ "$lines" -le "$limit" ] || echo "$file: $((lines)) lines, at most $limit"
        done
    done
}
lines_over() {
    sources "$1" '*.c' '*.h' '*.sh' -- lib tools tests bench include | while read -r file; do
        expand "$1/$file" | awk -v file="$file" -v limit="$columns" '
            length($0) > limit {
                sub(/^ */, "")
                print file ":" FNR ": a line has over " limit " columns: " substr($0, 1, 50)
            }'
    done
}
functions_over() {
    sources "$1" '*.c' '*.h' -- lib tools | while read -r file; do
        # Of the lines since the last empty one, or the last that ended something, `above` is what
        # is a comment, and `name` the function.
        awk -v file="$file" -v limit="$function_lines" '
            /^}/ {
                if (begin && FNR - begin + 1 > limit && above !~ /One piece:/)
                    print file ":" begin ": " name "() has " FNR - begin + 1 \
                        " lines, at most " limit
                begin = 0
            }
            /^{/ { begin = FNR }
            begin { next }
            /^$/ || /^}/ { above = name = ""; comment = 0; next }
            /^\/\*/ { comment = 1 }
            comment { above = above $0 }
            /\*\/$/ { comment = 0; next }
            !comment && /^[A-Za-z_].*\(/ && !/^__attribute__/ {
                name = $0
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
            }' "$1/$file"
    done
}

# unexpected KIND: the findings of KIND_over that are no exception.
unexpected() {
    "$1_over" "$top_srcdir" | while read -r line; do
        finding=$(printf '%s\n' "$line" | sed 's/:[0-9]*:/:/')
        printf '%s\n' "$finding" >>"$tmp/all"
        case $nl$exceptions in *"$nl$finding # "*) continue ;; esac
        printf '%s\n' "$line"
    done
}
nl='
'

: >"$tmp/all"
sources "$top_srcdir" '*.c' '*.h' '*.sh' -- lib tools tests bench include >"$tmp/files"
: >"$tmp/why"
[ "$(wc -l <"$tmp/files")" -ge 150 ] || echo "only $(wc -l <"$tmp/files") files" >"$tmp/why"
empty 'there are files to look at'

unexpected files >"$tmp/why"
empty 'no file of C is too long'

unexpected lines >"$tmp/why"
empty "no line has over $columns columns"

unexpected functions >"$tmp/why"
empty 'no function of lib/ or tools/ is too long without a reason'

printf '%s\n' "$exceptions" | grep . | while read -r line; do
    case $line in
        *\ #\ ?*) grep -qxF -e "${line%% #*}" "$tmp/all" || echo "not needed: $line" ;;
        *) echo "without a reason: $line" ;;
    esac
done >"$tmp/why"
empty 'every exception has a reason and is needed'

# ---- the check itself, on made-up sources -------------------------------------------

# repeat COUNT TEXT
repeat() {
    awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) print text }'
}
# function_of LINES COMMENT
function_of() {
    printf '/* What it does.%s */\nstatic int f(int a,\n             int b)\n{\n' "${2:+  $2}"
    repeat $(($1 - 2)) '    a++;'
    printf '}\n\n'
}
wide=$(repeat "$columns" x | tr -d '\n')

# notices KIND COUNT: does KIND_over find so many things in $tmp/made?
notices() {
    "$1_over" "$tmp/made" >"$tmp/found"
    [ "$(wc -l <"$tmp/found")" -eq "$2" ] || {
        echo "$1: $2 expected, found:"
        cat "$tmp/found"
    }
}
made() {
    rm -rf "$tmp/made"
    for folder in lib tools tests/unit bench include; do mkdir -p "$tmp/made/$folder"; done
}

made
echo "$file_lines" | while read -r folder limit; do
    repeat "$limit" '' >"$tmp/made/$folder/right.c"
    repeat "$((limit + 1))" '' >"$tmp/made/$folder/long.h"
done
notices files 4 >"$tmp/why"
empty 'a file that is too long is noticed'

made
for folder in lib tools tests/unit bench include; do
    echo "$wide" >"$tmp/made/$folder/right.h"
    echo "x$wide" >"$tmp/made/$folder/long.h"
done
echo "x$wide" >"$tmp/made/tests/long.sh"
notices lines 6 >"$tmp/why"
empty 'a line that is too long is noticed'

made
function_of "$function_lines" '' >"$tmp/made/lib/right.c"
{
    function_of "$((function_lines + 1))" ''
    function_of "$((function_lines + 1))" 'One piece: it says why.'
    function_of 3 ''
    function_of "$((function_lines + 1))" ''
} >"$tmp/made/lib/long.c"
function_of "$((function_lines + 1))" '' >"$tmp/made/tools/long.h"
{
    notices functions 3
    grep -q "^lib/long.c:4: f() has $((function_lines + 1)) lines, at most $function_lines\$" \
        "$tmp/found" || cat "$tmp/found"
} >"$tmp/why"
empty 'a function that is too long and gives no reason is noticed'
echo "1..$n"
