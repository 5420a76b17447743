#!/bin/sh
# Each list of errors is right: what tests/crash/test_listed.c makes every call return is what the
# section ERRORS of its man page lists, no more and no less, and what the comment in splinter.h
# says.  TAP.
#
# How the pages and the header are read: a list in ERRORS is about the calls that the paragraph
# before it begins with; about those of the list before, if it begins with none.  If an item has
# calls in parentheses, it is about these alone.  "another error of" before a list is an item of its
# own: one that the kernel may give, and that the test makes happen with an errno that no list has.
# In a comment of the header every errno after the word "Returns" counts, and "an error of
# splinter_...()" stands for those of that call.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
top_builddir=${TOP_BUILDDIR:-.}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-errors.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

if [ "${CHECK_INSTALLED:-no}" = yes ]; then
    echo '1..0 # SKIP an installed library cannot be made to fail'
    exit 0
fi

# What no test can make happen: "CALL ERRNO why".
cat >"$tmp/impossible" <<'END'
splinter_watch_open ECANCELED a destructor of the library has run, which ends the process
splinter_poll EAGAIN it only looks at the length; no step lies between its two looks at the slot
END

# "CALL ERRNO" for each item of a list, and "CALL other".
listed() {
    cat "$@" | awk '
        function calls_in(line,   i, word, words) {
            count = split(line, word, /[^a-z_]+/)
            for (i = 1; i <= count; i++)
                if (word[i] ~ /^splinter_/)
                    words = words " " word[i]
            return words
        }
        function item_ends(   i, call, number) {
            number = split(only ? only : subjects, call, " ")
            for (i = 1; item && i <= number; i++)
                print call[i], item
            item = only = ""
        }
        /^\.Sh / { errors = /^\.Sh ERRORS/; paragraph = 1; intro = subjects = ""; next }
        !errors { next }
        /^\.Pp/ { paragraph = 1; intro = ""; next }
        /^\.Bl / {
            list = 1
            if (begins)
                subjects = begins
            begins = ""
            if (intro ~ /another error of/) {
                number = split(subjects, call, " ")
                for (i = 1; i <= number; i++)
                    print call[i], "other"
            }
            next
        }
        /^\.El/ { item_ends(); list = 0; paragraph = 1; next }
        /^\.It Bq Er / { item_ends(); item = $4; next }
        list && /^\.Pq / { only = only calls_in($0) }
        list && /^\.Po/ { open = 1 }
        list && open { only = only calls_in($0) }
        list && /^\.Pc/ { open = 0 }
        list { next }
        paragraph && /^\.Fn splinter/ { begins = begins calls_in($0); next }
        paragraph && /^and$/ { next }
        { paragraph = 0; intro = intro " " $0 }'
}

# "CALLS ERRNO" for each errno of a comment, with a comma between the calls that share it, and
# "CALLS other".
said() {
    awk '
        function errors_in(text,   i, n, word, set) {
            n = split(text, word, /[^A-Za-z0-9_]+/)
            for (i = 1; i <= n; i++)
                if (word[i] ~ /^E[A-Z0-9][A-Z0-9]+$/)
                    set = set " " word[i]
            if (text ~ /another error of/)
                set = set " other"
            while (match(text, /an error of splinter_[a-z_]+/)) {
                set = set " " of[substr(text, RSTART + 12, RLENGTH - 12)]
                text = substr(text, RSTART + RLENGTH)
            }
            return set
        }
        function group_ends(   i, n, error) {
            n = split(set, error, " ")
            for (i = 1; group && i <= n; i++)
                print group, error[i]
            group = ""
        }
        /^ *\/\*/ { group_ends(); text = ""; comment = 1 }
        comment { sub(/^ *\/?\*+ /, " "); text = text " " $0 }
        /\*\// { comment = 0; gsub(/ +/, " ", text)
                 sub(/.* (Returns?|Both return) /, "", text); set = errors_in(text); next }
        !comment && /^int splinter_/ {
            call = $2
            sub(/\(.*/, "", call)
            of[call] = set
            group = group (group ? "," : "") call
        }
        END { group_ends() }' "$1" | sort -u
}

# by_group LISTED SAID: the lists of the pages, put together as the header does.
by_group() {
    awk '
        FNR == NR { n = split($1, call, ","); for (i = 1; i <= n; i++) group[call[i]] = $1; next }
        $1 in group { print group[$1], $2 }' "$2" "$1" | sort -u
}

# unlike LISTED HAPPENED: what the two differ in.
unlike() {
    awk -v impossible="$tmp/impossible" '
        BEGIN {
            while ((getline line < impossible) > 0) {
                split(line, word, " ")
                excused[word[1] " " word[2]] = 1
            }
        }
        FNR == NR { listed[$0] = 1; next }
        ($0 in listed) { happened[$0] = 1; next }
        { print $0 ": it happened, and the page does not list it" }
        END {
            for (is in listed)
                if (!(is in happened) && !(is in excused))
                    print is ": the page lists it, and no test made it happen"
            for (is in excused) {
                if (is in happened)
                    print is ": it is said to be impossible, but happened"
                if (!(is in listed))
                    print is ": it is said to be impossible, and is not listed"
            }
        }' "$1" "$2"
}

unset SPLINTER_TEST_DISK
: >"$tmp/why"
for program in test_listed test_listed_p; do
    "$top_builddir/tests/crash/$program" >"$tmp/$program" 2>&1 || {
        echo "$program ended with $?"
        grep -v '^# error\|^ok' "$tmp/$program"
    } >>"$tmp/why"
done
sed -n 's/^# error //p' "$tmp/test_listed" "$tmp/test_listed_p" | sort -u >"$tmp/happened"
empty 'every error that is to happen does, in memory and in files'

listed "$top_srcdir"/man/*.3.in | sort -u >"$tmp/listed"
said "$top_srcdir/include/splinter.h" >"$tmp/said"
sed -n 's/^int \(splinter_[a-z_]*\)(.*/\1/p' "$top_srcdir/include/splinter.h" | sort >"$tmp/calls"
: >"$tmp/why"
[ "$(wc -l <"$tmp/calls")" -ge 30 ] || echo "only $(wc -l <"$tmp/calls") calls" >"$tmp/why"
while read -r call; do
    for list in listed happened said; do
        grep -q "^\([a-z_,]*,\)\{0,1\}${call}[, ]" "$tmp/$list" || echo "$call: nothing $list"
    done
done <"$tmp/calls" >>"$tmp/why"
cut -d ' ' -f 1 "$tmp/listed" "$tmp/happened" | sort -u | grep -vxF -f "$tmp/calls" >>"$tmp/why"
empty 'every call has a list of errors, in its page and in the header, and returned some'

unlike "$tmp/listed" "$tmp/happened" >"$tmp/why"
empty 'what the pages list is what the calls return'

by_group "$tmp/listed" "$tmp/said" >"$tmp/grouped"
diff "$tmp/grouped" "$tmp/said" |
    sed -n 's/^</only the page:/p; s/^>/only the header:/p' >"$tmp/why"
empty 'what the header says is what the pages list'

# The check itself: in each page an errno that is wrong, the first or the last, is noticed, and so
# is one in the header.
for page in "$top_srcdir"/man/*.3.in; do
    for other in "$top_srcdir"/man/*.3.in; do
        [ "$other" = "$page" ] || cat "$other"
    done >"$tmp/others"
    for line in 1 '$'; do
        errno=$(sed -n '/^\.Sh ERRORS/,$s/^\.It Bq Er //p' "$page" | sed -n "${line}p")
        [ "$errno" ] || continue
        sed "/^\.Sh ERRORS/,\$s/^\.It Bq Er $errno\$/.It Bq Er EXDEV/" "$page" >"$tmp/page"
        listed "$tmp/others" "$tmp/page" | sort -u >"$tmp/changed"
        unlike "$tmp/changed" "$tmp/happened" >"$tmp/found"
        grep -q 'EXDEV: the page lists it' "$tmp/found" &&
            grep -q " $errno: it happened" "$tmp/found" || echo "$page: $errno"
    done
done >"$tmp/why"
empty 'an errno that is wrong in a page is noticed'

for errno in EUSERS EACCES ENAMETOOLONG ESTALE; do
    sed "s/\([^_A-Z]\)$errno\([^_A-Z]\)/\1EXDEV\2/" "$top_srcdir/include/splinter.h" \
        >"$tmp/splinter.h"
    said "$tmp/splinter.h" >"$tmp/found"
    by_group "$tmp/listed" "$tmp/found" | cmp -s - "$tmp/found" && echo "$errno"
done >"$tmp/why"
empty 'an errno that is wrong in the header is noticed'
echo "1..$n"
