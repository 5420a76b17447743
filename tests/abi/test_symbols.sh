#!/bin/sh
# What the libraries export is what the header declares, with the library's own version node;
# the header stands alone in every language it claims; every call and constant has a man page.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
top_builddir=${TOP_BUILDDIR:-.}
lib_dir=${LIB_DIR:-$top_builddir/lib/.libs}
header=${HEADER_DIR:-$top_srcdir/include}/splinter.h
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-abi.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); sed 's/^/# /' "$tmp/why" 2>/dev/null; echo "not ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# The functions the header declares: comments and directives go, names before "(" stay.
awk '
    { text = text " " ($0 ~ /^[ \t]*#/ ? "" : $0) "\n" }
    END {
        while ((at = index(text, "/*")) > 0) {
            rest = substr(text, at + 2)
            end = index(rest, "*/")
            text = substr(text, 1, at - 1) " " substr(rest, end + 2)
        }
        while (match(text, /splinter_[a-z0-9_]+[ \t]*\(/)) {
            name = substr(text, RSTART, RLENGTH)
            sub(/[ \t]*\(/, "", name)
            print name
            text = substr(text, RSTART + RLENGTH)
        }
    }' "$header" | LC_ALL=C sort -u >"$tmp/declared"

if [ "$(wc -l <"$tmp/declared")" -ge 29 ]; then
    ok 'the header declares at least the 29 calls of version 1.0'
else
    cp "$tmp/declared" "$tmp/why"
    not_ok 'the header declares at least the 29 calls of version 1.0'
fi

# same NAME MAP-OR-LIST: compares $tmp/found with the header.
same() {
    if diff "$tmp/declared" "$tmp/found" >"$tmp/why"; then ok "$1"; else not_ok "$1"; fi
}

check_library() { # name node
    sed -n 's/^[ \t]*\(splinter_[a-z0-9_]*\);.*/\1/p' "$top_srcdir/lib/$1.map" |
        LC_ALL=C sort >"$tmp/found"
    same "$1.map lists the calls of the header"

    what="$1.so exports the calls of the header and nothing else, as $2"
    object=$lib_dir/$1.so
    if [ ! -f "$object" ]; then
        skip "$what" 'no shared library was built'
        skip "the soname is $1.so.1" 'no shared library was built'
        return
    fi
    if ! command -v "${READELF:-readelf}" >/dev/null; then
        skip "$what" 'readelf was not found'
        skip "the soname is $1.so.1" 'readelf was not found'
        return
    fi
    if [ "$HAVE_VERSION_SCRIPT" = no ]; then
        skip "$what" 'the linker takes no version scripts'
    else
        # Defined, global, not the absolute symbol that stands for the node itself.
        "${READELF:-readelf}" --dyn-syms -W "$object" |
            awk '$7 != "UND" && $7 != "ABS" && ($5 == "GLOBAL" || $5 == "WEAK") && $8 != "" &&
                 $1 ~ /:$/ { print $8 }' |
            LC_ALL=C sort >"$tmp/exported"
        sed "s/\$/@@$2/" "$tmp/declared" >"$tmp/wanted"
        if diff "$tmp/wanted" "$tmp/exported" >"$tmp/why"; then ok "$what"; else not_ok "$what"; fi
    fi
    "${READELF:-readelf}" -d -W "$object" >"$tmp/why"
    if grep -q "SONAME.*\[$1\.so\.1\]" "$tmp/why"; then
        ok "the soname is $1.so.1"
    else
        not_ok "the soname is $1.so.1"
    fi
}
check_library libsplinter SPLINTER_1.0
check_library libsplinter_p SPLINTER_P_1.0

# Debian's symbols files, which are in a clone and not in a release tarball.
check_symbols() { # package library
    what="debian/$1.symbols lists what $2.map exports"
    file=$top_srcdir/debian/$1.symbols
    if [ ! -f "$file" ]; then
        skip "$what" 'there is no debian/ in a release tarball'
        return
    fi
    sh "$top_srcdir/tests/abi/symbols.sh" "$top_srcdir/lib/$2.map" "$1" "${VERSION:-unknown}" \
        "$file" >"$tmp/found"
    if diff "$file" "$tmp/found" >"$tmp/why"; then
        ok "$what"
    else
        echo 'sh tests/abi/update.sh writes it anew' >>"$tmp/why"
        not_ok "$what"
    fi
}
check_symbols libsplinter1 libsplinter
check_symbols libsplinter-p1 libsplinter_p

# The header alone, warnings as errors.
header_alone() { # compiler language standard
    what="the header compiles alone as $3"
    if [ -z "$1" ]; then
        skip "$what" 'no such compiler was found'
        return
    fi
    echo '#include <splinter.h>' >"$tmp/alone.$2"
    # shellcheck disable=SC2086 # the compiler may have arguments
    if $1 "-std=$3" -pedantic -Wall -Wextra -Wundef -Werror -I"${header%/*}" \
        -c -o "$tmp/alone.o" "$tmp/alone.$2" 2>"$tmp/why"; then
        ok "$what"
    else
        not_ok "$what"
    fi
}
if [ -z "$CXX" ]; then
    for candidate in g++ clang++; do
        command -v $candidate >/dev/null && CXX=$candidate && break
    done
fi
header_alone "${CC:-cc}" c c99
header_alone "${CC:-cc}" c c11
header_alone "$CXX" cc c++17

# Where page $1 is: in the build tree, or ready in the source tree of a tarball.
page_of() {
    for dir in "$top_builddir/man" "$top_srcdir/man"; do
        [ -f "$dir/$1" ] && echo "$dir/$1" && return
    done
    echo "there is no page $1" >"$tmp/why"
    return 1
}

# has_page FILE PATTERN: there is a page FILE, and it, or the page it links to, has a line that
# matches.
has_page() {
    page=$(page_of "$1") || return 1
    target=$(sed -n '1s:^\.so man3/::p' "$page")
    [ -z "$target" ] || page=$(page_of "$target") || return 1
    grep -Eq "$2" "$page" && return
    echo "$page has no line that matches $2" >"$tmp/why"
    return 1
}

# Not of an installed library: a package may be installed without its documentation.
if [ "$CHECK_INSTALLED" != yes ]; then
    while read -r call; do
        what="$call has a man page that names it"
        if has_page "$call.3" "^\.Nm $call( ,)?\$"; then ok "$what"; else not_ok "$what"; fi
    done <"$tmp/declared"

    sed -n 's/^#define \(SPLINTER_[A-Z0-9_]*\) .*/\1/p' "$header" >"$tmp/constants"
    while read -r constant; do
        what="$constant has a man page that tells of it"
        if has_page "$constant.3const" "^\.(It )?Dv (.* )?$constant( |\$)"; then
            ok "$what"
        else
            not_ok "$what"
        fi
    done <"$tmp/constants"

    # The other way round: what has a page is in the header.
    for page in "$top_builddir"/man/*.3 "$top_builddir"/man/*.3const; do
        name=${page##*/}
        name=${name%.3*}
        [ "$name" = splinter ] && continue
        cat "$tmp/declared" "$tmp/constants" | grep -qx "$name" || echo "$page"
    done >"$tmp/why"
    if [ -s "$tmp/why" ]; then
        not_ok 'no page is of something that the header does not have'
    else
        ok 'no page is of something that the header does not have'
    fi
fi

echo "1..$n"
