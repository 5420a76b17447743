#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every copy of the version, of the soname's number and of the project's address is the one of
# configure.ac.  TAP.
top=${TOP_SRCDIR:-.}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-version.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

n=0
# same WHAT WANTED FOUND
same() {
    n=$((n + 1))
    if [ "$2" = "$3" ] && [ -n "$3" ]; then
        echo "ok $n - $1"
    else
        echo "# '$3' instead of '$2'"
        echo "not ok $n - $1"
    fi
}
skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

version=$(sed -n 's/^AC_INIT(\[libsplinter\], \[\([^]]*\)\].*/\1/p' "$top/configure.ac")
url=$(sed -n '/^AC_INIT/,/)$/s/.*\[\(https:[^]]*\)\].*/\1/p' "$top/configure.ac")
mail=$(sed -n '/^AC_INIT/,/)$/s/.*\[\([^]]*@[^]]*\)\].*/\1/p' "$top/configure.ac")
same 'configure.ac has a version' "$version" \
    "$(echo "$version" | grep -E '^[0-9]+\.[0-9]+\.[0-9]+$')"
same 'this is its build' "$version" "${VERSION:-$version}"
same 'NEWS begins with it' "libsplinter $version" \
    "$(sed -n '1s/^\(libsplinter [0-9.]*\).*/\1/p' "$top/NEWS")"

# The calls and the tools say it, which test_install.sh looks at; so do the pkg-config modules.

# The .spec is made by configure; what is typed in it by hand is its list of changes.
spec=$top/rpm/libsplinter.spec.in
same 'the spec takes it from configure' '@PACKAGE_VERSION@' \
    "$(sed -n 's/^Version: *//p' "$spec" 2>/dev/null || :)"
same 'the latest change in the spec is of it' "$version" \
    "$(sed -n '/^%changelog/,$s/^\* .* - \([0-9.]*\)-.*/\1/p' "$spec" | head -n 1)"
release=$(sed -n 's/^Release: *\([0-9]*\).*/\1/p' "$spec")
same 'and of its release' "$release" \
    "$(sed -n '/^%changelog/,$s/^\* .* - [0-9.]*-\(.*\)/\1/p' "$spec" | head -n 1)"

current=$(sed -n 's/^lib_version_info = \([0-9]*\):.*/\1/p' "$top/lib/Makemodule.am")
age=$(sed -n 's/^lib_version_info = .*:\([0-9]*\)$/\1/p' "$top/lib/Makemodule.am")
major=$((current - age))
same "the spec's soname is that of -version-info" "$major" \
    "$(sed -n 's/^%global somajor *//p' "$spec")"

for page in "$top"/man/*.in; do
    if ! grep -qE '^\.Os .*@(PACKAGE_)?VERSION@' "$page" || ! grep -q '^\.Dd @' "$page"; then
        echo "${page##*/}"
    fi
done >"$tmp/pages"
same 'version and date of the pages come from configure.ac' "no page" \
    "no page$(tr '\n' ' ' <"$tmp/pages")"

# Nothing else has a version of ours in it: these say how it looked at some time, or are licences.
if [ -f "$top/debian/changelog" ]; then
    same 'debian/changelog begins with it' "$version" \
        "$(sed -n '1s/^libsplinter (\(.*\)-[^-]*) .*/\1/p' "$top/debian/changelog")"
    for package in libsplinter libsplinter-p; do
        library=$(echo "$package" | tr - _)
        same "debian: lib${package#lib}$major has the soname of -version-info" \
            "$library.so.$major" \
            "$(sed -n '1s/ .*//p' "$top/debian/$package$major.symbols" 2>/dev/null)"
    done
    # An address that differs would send somebody elsewhere.
    host=$(echo "$url" | sed 's:^https\://::;s:/.*::')
    (cd "$top" && grep -ho 'https\{0,1\}://[a-z0-9.-]*' debian/control debian/watch \
        debian/copyright debian/upstream/metadata rpm/libsplinter.spec.in | sed 's:.*//::' |
        grep -vxE 'www\.apache\.org|www\.debian\.org' | sort -u) >"$tmp/hosts"
    same 'the packages have the address of configure.ac' "$host" "$(cat "$tmp/hosts")"
    (cd "$top" && grep -ho '<[a-z0-9.+-]*@[a-z0-9.-]*>' debian/control debian/changelog \
        debian/copyright rpm/libsplinter.spec.in | tr -d '<>' | sort -u) >"$tmp/mails"
    same 'and the mail address' "$mail" "$(cat "$tmp/mails")"
else
    skip 'debian/ agrees' 'there is no debian/ in a release tarball'
fi
echo "1..$n"
