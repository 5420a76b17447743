#!/bin/sh
# The documentation is true as far as that can be tested: links lead somewhere, every page is in
# the index, names exist, the README's program compiles and runs, Doxygen has no complaint.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
top_builddir=${TOP_BUILDDIR:-.}
lib_dir=${LIB_DIR:-$top_builddir/lib/.libs}
include_dir=${HEADER_DIR:-$top_srcdir/include}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-docs.XXXXXX") || exit 1
store=splinter_docs_$$
trap 'rm -rf "$tmp" "/dev/shm/$store"' EXIT
trap 'exit 1' HUP INT TERM
cd "$top_srcdir" || exit 1

n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); sed 's/^/# /' "$tmp/why"; echo "not ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
# empty NAME: passes if nothing was found that is wrong.
empty() { if [ -s "$tmp/why" ]; then not_ok "$1"; else ok "$1"; fi; }

for page in ./*.md docs/*.md; do
    sed -n 's/](/\n&/gp' "$page" | sed -n 's/^](\([^)#]*\).*/\1/p' | grep -v '://' | grep . |
        while read -r link; do
            [ -e "${page%/*}/$link" ] || echo "$page: $link"
        done
done >"$tmp/why"
empty 'every link leads to a file'

for page in docs/*.md; do
    [ "$page" = docs/index.md ] || grep -qF "](${page#docs/})" docs/index.md || echo "$page"
done >"$tmp/why"
empty 'every page is in docs/index.md'

# Names that look like ours: calls and types of the header, tools, pages, or files.
sed 's/[^A-Za-z0-9_*]/\n/g' ./*.md docs/*.md |
    grep -E '^(splinter|SPLINTER)_[A-Za-z0-9_]+$' | sort -u |
    while read -r name; do
        grep -qw "$name" include/splinter.h && continue
        [ -e "tools/$name.c" ] || [ -e "man/$name.5.in" ] && continue
        case $name in splinter_p | splinter_debug | SPLINTER_STAGES | SPLINTER_P_1) continue ;; esac
        grep -rqw "$name" tests configure.ac lib Makefile.am */Makemodule.am bench debian rpm &&
            continue
        echo "$name"
    done >"$tmp/why"
empty 'every name of ours exists'

# The first C program of the README.
# shellcheck disable=SC2016 # no expansion is meant
sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' |
    sed "s/\"weather\"/\"$store\"/" >"$tmp/weather.c"
what="the README's program compiles without a warning and runs"
# shellcheck disable=SC2086 # lists of flags
if ${CC:-cc} $TEST_CFLAGS $SANITIZER_FLAGS -std=c99 -Wall -Wextra -Werror -I"$include_dir" \
    -o "$tmp/weather" "$tmp/weather.c" $TEST_LDFLAGS -L"$lib_dir" -lsplinter -pthread \
    >"$tmp/why" 2>&1 &&
    LD_LIBRARY_PATH=$lib_dir "$tmp/weather" >"$tmp/said" 2>"$tmp/why" &&
    [ "$(cat "$tmp/said")" = -4 ]; then
    ok "$what"
else
    cat "$tmp/said" >>"$tmp/why" 2>/dev/null
    not_ok "$what"
fi

# What a reader of docs/ comes to: the pages, and the pictures in the one that shows them.
if ! command -v doxygen >/dev/null; then
    skip 'doxygen makes the pages without a warning' 'doxygen was not found'
    skip 'the pages are there, with their pictures' 'doxygen was not found'
    skip 'every link of a page leads to a file' 'doxygen was not found'
else
    { cat Doxyfile; echo "OUTPUT_DIRECTORY = $tmp"; } | doxygen - >"$tmp/why" 2>&1
    empty 'doxygen makes the pages without a warning'
    {
        grep -q 'message bus' "$tmp/html/index.html" || echo 'index.html is not the README'
        for picture in store.svg floors.svg; do
            # Which name Doxygen gives to the page depends on its version.
            grep -qF "$picture" "$tmp"/html/md_docs_*architecture.html ||
                echo "no $picture in the architecture"
            [ -s "$tmp/html/$picture" ] || echo "$picture was not copied"
        done
        sed -n 's/.*[ *]\(splinter_[a-z_]*\)(.*/\1/p' include/splinter.h | sort -u |
            while read -r call; do
                grep -q "$call" "$tmp/html/splinter_8h.html" || echo "$call is missing"
            done
    } >"$tmp/why" 2>&1
    empty 'the pages are there, with their pictures'
    (
        cd "$tmp/html" || exit
        # shellcheck disable=SC2094 # it is not written to
        for page in *.html; do
            grep -o '\(href\|src\)="[^"#]*' "$page" | sed 's/^[^"]*"//' | sort -u |
                grep -v '^[a-z]*:' | while read -r link; do
                    [ -z "$link" ] || [ -e "$link" ] || echo "$page: $link"
                done
            grep -n '](' "$page" | sed "s/^/$page: /"
        done
    ) >"$tmp/why" 2>&1
    empty 'every link of a page leads to a file'
fi
echo "1..$n"
