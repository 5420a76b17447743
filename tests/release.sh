#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# release.sh - makes a release, up to the signing
#
#     sh tests/release.sh [--quick] FOLDER      release the version that configure.ac has
#     sh tests/release.sh --open VERSION        begin the next one
#
# The first works in a clone of the last commit, in FOLDER, and leaves this tree alone: it dates the
# release in every place that has a date, commits that, runs all tests (--quick: only what make
# distcheck runs), makes the tarball twice and compares, builds the packages from it, and says what
# is left to do by hand, which is what needs a key.  It can be tried as often as one likes.
#
# The second changes the copies of the version in this tree, and begins their lists of changes.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS DESTDIR TAR_OPTIONS CDPATH

die() {
    echo "release.sh: $*" >&2
    exit 1
}
usage() { sed -n '3,/^set -eu/s/^# \{0,1\}//p' "$0"; }
say() { echo "== $*"; }

version_of() { sed -n 's/^AC_INIT(\[libsplinter\], \[\([^]]*\)\].*/\1/p' "$1/configure.ac"; }
maintainer() { sed -n 's/^Maintainer: //p' "$top/debian/control"; }

quick=no
opening=
case ${1:-} in
    --help) usage; exit 0 ;;
    --open)
        [ $# = 2 ] || die '--open takes a version, such as 1.2.3'
        opening=$2 ;;
    --quick)
        quick=yes
        shift ;;
esac

# ---- the next version -------------------------------------------------------------

# prepend FILE: puts standard input before what is there.
prepend() {
    cat - "$1" >"$1.new"
    cat "$1.new" >"$1"
    rm -f "$1.new"
}

if [ -n "$opening" ]; then
    old=$(version_of "$top")
    echo "$opening" | grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' ||
        die "'$opening' is not a version; one is three numbers, as in $old"
    newest=$(printf '%s\n%s\n' "$old" "$opening" | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)
    { [ "$newest" = "$opening" ] && [ "$old" != "$opening" ]; } ||
        die "$opening is not later than $old"
    cd "$top"
    sed -i "s/^AC_INIT(\[libsplinter\], \[[^]]*\]/AC_INIT([libsplinter], [$opening]/" configure.ac
    printf 'libsplinter %s, not yet released\n\n' "$opening" | prepend NEWS
    printf 'libsplinter (%s-1~1) UNRELEASED; urgency=medium\n\n  * New version.\n\n -- %s  %s\n\n' \
        "$opening" "$(maintainer)" "$(date -uR)" | prepend debian/changelog
    {
        sed '/^%changelog/q' rpm/libsplinter.spec.in
        printf '* %s %s - %s-1\n- New version\n\n' \
            "$(date -u '+%a %b %d %Y')" "$(maintainer)" "$opening"
        sed '1,/^%changelog/d' rpm/libsplinter.spec.in
    } >rpm/libsplinter.spec.in.new
    cat rpm/libsplinter.spec.in.new >rpm/libsplinter.spec.in
    rm -f rpm/libsplinter.spec.in.new
    VERSION=$opening TOP_SRCDIR=$top sh tests/install/test_version.sh | grep '^not ok' &&
        die 'a copy of the version was missed'
    say "$opening is open: configure.ac, NEWS, debian/changelog and rpm/libsplinter.spec.in;" \
        'see git diff'
    exit 0
fi

# ---- the release ------------------------------------------------------------------

[ $# = 1 ] || { usage >&2; exit 2; }
out=$1
[ ! -e "$out" ] || die "$out exists already"
git -C "$top" rev-parse -q --verify HEAD >/dev/null || die 'this is not a clone'
[ -z "$(git -C "$top" status --porcelain --untracked-files=no)" ] ||
    die 'there are changes that are not committed'
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$(version_of "$top")

say "libsplinter $version from $(git -C "$top" log -1 --format='%h, %s')"
git clone -q "$top" "$out/tree"
cd "$out/tree"
git config user.name "$(git -C "$top" config user.name || echo 'Splinter maintainers')"
git config user.email "$(git -C "$top" config user.email || maintainer | sed 's/.*<//;s/>.*//')"

VERSION=$version TOP_SRCDIR=. sh tests/install/test_version.sh >"$out/version.log" || {
    cat "$out/version.log"
    die 'the copies of the version differ'
}
grep '^not ok' "$out/version.log" && die 'the copies of the version differ'
grep -qx "libsplinter $version, not yet released" NEWS ||
    die "NEWS does not say 'libsplinter $version, not yet released'"

say 'dates'
sed -i "1s/, not yet released/ ($(date -u +%Y-%m-%d))/" NEWS
today=$(date -u '+%B %-d, %Y')
sed -i "s/^AC_SUBST(\[MAN_DATE\], .*/AC_SUBST([MAN_DATE], ['$today'])/" configure.ac
today=$(date -u '+%a %b %d %Y')
sed -i "0,/^\* .* - $version-/s/^\* [A-Z][a-z][a-z] [A-Z][a-z][a-z] [0-9]* [0-9]* /* $today /" \
    rpm/libsplinter.spec.in
# The first signature line is that of the newest entry.
sed -i "0,/^ -- /s/^\( -- .*>  \).*/\1$(date -uR)/" debian/changelog
# From now on the layout of this format version does not change.
format=$(sed -n 's/^#define STORE_FORMAT \([0-9]*\)u.*/\1/p' lib/layout.h)
sed -i "1s/, not released/, released with $version/" "tests/abi/layout-$format.txt"
git commit -q -a -m "release: $version" -m 'Dates, and the layout of a store as it is from now on.'
git log -1 --stat --format='   %s' | cat

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
say 'the tarball, twice, and make distcheck'
for copy in one two; do
    git clone -q . "$out/$copy"
    (
        cd "$out/$copy"
        ./autogen.sh
        mkdir build
        cd build
        ../configure
        if [ $copy = one ]; then SPLINTER_TEST_SHORT=1 make distcheck; else make dist; fi
    ) >"$out/$copy.log" 2>&1 || {
        grep '^not ok' "$out/$copy.log" || tail -n 40 "$out/$copy.log"
        die "it failed; $out/$copy.log has all of it"
    }
done
tarball=libsplinter-$version.tar.xz
cmp "$out/one/build/$tarball" "$out/two/build/$tarball" || die 'the tarball is not the same twice'
mv "$out/one/build/$tarball" "$out/"
rm -rf "$out/one" "$out/two"

if [ $quick = no ]; then
    say 'all tests, as they are run for each change'
    sh tests/setup-and-test.sh >"$out/tests.log" 2>&1 || {
        tail -n 40 "$out/tests.log"
        die "they failed; $out/tests.log has all of it"
    }
    tail -n 1 "$out/tests.log"
    say 'the packages'
    SPLINTER_PACKAGES_DIR=$out/packages sh tests/packages/run.sh ci >"$out/packages.log" || {
        cat "$out/packages.log"
        die 'the packages failed'
    }
    grep -E '^(not )?ok' "$out/packages.log"
fi
(cd "$out" && sha256sum "$tarball" | tee SHA256SUMS)

cat <<END
== $out/$tarball is ready.  What is left needs a key, or the place where releases go:
   git pull --ff-only $out/tree HEAD
   git tag -s v$version -m 'libsplinter $version'
   gpg --armor --detach-sign $out/$tarball
   gpg --clearsign $out/SHA256SUMS
   git push --follow-tags
   upload the tarball, its .asc and SHA256SUMS.asc
   sh tests/release.sh --open NEXT-VERSION
END
case $(sed -n 's/^Homepage: //p' debian/control) in
    *example.org*)
        echo '== The address of the project is still that of a reserved domain:' \
            'see docs/releasing.md.' ;;
esac
