#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - builds the packages as a distribution would, and uses them in a clean root
#
#     sh tests/packages/run.sh [PART...]
#
#   tarball     make dist, twice in different places: the same to the byte
#   deb         dpkg-buildpackage, twice in the same tree
#   lintian     lintian --pedantic: no error, no warning
#   blhc        every compiler call in the build's log has the hardening flags
#   other-deb   built, linted and used in a root of the other release: Debian 13 on 12, 12 on 13
#   deb-root    in a new root: apt install, the README's program, the tools, purge, nothing left
#   rpm         rpmbuild -ta, with its tests
#   rpmlint     rpmlint, with the filters of rpmlint.toml
#   rpm-root    the same as deb-root, with rpm
#   clean-deb   dpkg-buildpackage in a new root that has the build dependencies and nothing else
#   autopkgtest the package's own tests in a new root
#   piuparts    install, upgrade, purge
#   reprotest   built under another time, locale, path, umask ...: the same to the byte
#   multiarch   -dev for i386 is built, too, and both are installed in one root
#
# "ci" stands for the first nine (the default), "all" for everything.  A part that needs another
# one's result gets it first.  TAP; the status is 0 if nothing failed.  A part whose tool is missing
# is skipped, and the tool is named: run.sh --needs PART... prints the Debian packages to install.
#
# It needs root for the parts with a root of their own, and the network for what goes into that
# root: it comes from where this machine's apt gets its Debian packages.  Nothing is written outside
# a folder of its own, which is removed at the end.  With SPLINTER_PACKAGES_DIR=FOLDER it is that
# one: it is kept, with the packages in FOLDER/out, and a part that has passed there is not
# repeated.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS DESTDIR TAR_OPTIONS CDPATH
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
jobs=$(nproc 2>/dev/null || echo 1)

ci='tarball deb lintian blhc other-deb deb-root rpm rpmlint rpm-root'
all="$ci clean-deb autopkgtest piuparts reprotest multiarch"
print_needs=no
parts=
for this; do
    case $this in
        --needs) print_needs=yes ;;
        --help) sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        ci) parts="$parts $ci" ;;
        all) parts="$parts $all" ;;
        *)
            case " $all " in
                *" $this "*) parts="$parts $this" ;;
                *)
                    echo "run.sh: there is no part '$this'; the parts are: $all, ci, all" >&2
                    exit 2 ;;
            esac ;;
    esac
done
[ -n "$parts" ] || parts=$ci

# ---- what each part needs ------------------------------------------------------

# The build dependencies are read from debian/control, so that they are in one place.
build_depends() {
    sed -n '/^Build-Depends/,/^[^ B]/p' "$top/debian/control" |
        sed 's/^Build-Depends[^:]*://;/^[A-Z]/d' |
        tr ',' '\n' | sed 's/[(<].*//;s/debhelper-compat/debhelper/;s/ //g' | grep .
}

needs() { # part
    case $1 in
        tarball) echo autoconf automake libtool pkg-config make gcc xz-utils libxxhash-dev ;;
        deb) echo dpkg-dev build-essential g++ && build_depends ;;
        lintian) echo lintian ;;
        blhc) echo blhc ;;
        rpm) echo rpm doxygen ;;
        rpmlint) echo rpmlint ;;
        other-deb | deb-root | clean-deb | multiarch) echo mmdebstrap ;;
        rpm-root) echo mmdebstrap rpm ;;
        autopkgtest) echo mmdebstrap autopkgtest ;;
        piuparts) echo mmdebstrap piuparts ;;
        reprotest) echo reprotest faketime locales-all disorderfs fakeroot diffoscope-minimal ;;
    esac | tr ' ' '\n'
}

# The parts that come before a part.
before() {
    case $1 in
        tarball) ;;
        deb | rpm) echo tarball ;;
        rpmlint | rpm-root) echo tarball rpm ;;
        *) echo tarball deb ;;
    esac
}

if [ $print_needs = yes ]; then
    for this in $parts; do
        for that in $(before "$this") "$this"; do needs "$that"; done
    done | sort -u | tr '\n' ' '
    echo
    exit 0
fi

# Where tests are to be short, another stage has run all of them; here a few see that the compiler's
# flags of the distribution, and its way to build, change nothing.
few_tests=
few_programs=
if [ -n "${SPLINTER_TEST_DIVISOR:-}" ]; then
    for this in unit/test_verbs unit/test_verbs_p unit/test_store unit/test_store_p \
        unit/test_durable_p crash/test_recover crash/test_rebuild cli/test_send.sh \
        install/test_install.sh; do
        few_tests="$few_tests tests/$this"
        case $this in *.sh) ;; *) few_programs="$few_programs tests/$this" ;; esac
    done
fi

# ---- TAP ------------------------------------------------------------------------

if [ -n "${SPLINTER_PACKAGES_DIR:-}" ]; then
    mkdir -p "$SPLINTER_PACKAGES_DIR" && work=$(cd "$SPLINTER_PACKAGES_DIR" && pwd) || exit 1
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/splinter-packages.XXXXXX") || exit 1
fi
chmod 755 "$work"

# Nothing of the host's may be mounted below when it is removed.
clean_up() {
    [ -z "${SPLINTER_PACKAGES_DIR:-}" ] || return
    if grep -q " $work" /proc/mounts; then
        echo "# $work has something mounted; it is left" >&2
        return
    fi
    chmod -R u+w "$work" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

n=0
failed=0
skipped=' '
done_parts=' '

# part NAME: runs part_NAME in a shell of its own, after what it needs, with its output in a file.
# Lines of its output that begin with "says: " are shown; status 77 and a line "skip: " skip it.
part() {
    case $done_parts in *" $1 "*) return ;; esac
    done_parts="$done_parts$1 "
    for that in $(before "$1"); do part "$that"; done
    n=$((n + 1))
    what=$(sed -n "s/^#   $1  *//p" "$0" | head -n 1)
    for that in $(before "$1"); do
        case $skipped in
            *" $that "*)
                skipped="$skipped$1 "
                echo "ok $n - $1 # SKIP it needs the part $that, which was skipped"
                return ;;
        esac
        if [ ! -e "$work/$that.ok" ]; then
            failed=$((failed + 1))
            echo "not ok $n - $1: it needs the part $that, which failed"
            return
        fi
    done
    if [ -e "$work/$1.ok" ]; then
        echo "ok $n - $1: $what (before)"
        return
    fi
    start=$(date +%s)
    # Not under "if", which would take "set -e" away from all that is below.
    (
        set -e
        cd "$work"
        "part_$(echo "$1" | tr - _)"
    ) >"$work/$1.log" 2>&1 </dev/null
    status=$?
    sed -n 's/^says: /# /p' "$work/$1.log"
    case $status in
        0)
            : >"$work/$1.ok"
            echo "ok $n - $1: $what ($(($(date +%s) - start)) s)" ;;
        77)
            skipped="$skipped$1 "
            echo "ok $n - $1 # SKIP $(sed -n 's/^skip: //p' "$work/$1.log" | tail -n 1)" ;;
        *)
            # A test's log may be long; what failed in it comes first.
            grep -n '^not ok' "$work/$1.log" | head -n 50 | sed 's/^/# line /'
            tail -n 150 "$work/$1.log" | sed 's/^/# /'
            failed=$((failed + 1))
            echo "not ok $n - $1: $what (status $status)" ;;
    esac
}
skip() {
    echo "skip: $*"
    exit 77
}
have() { command -v "$1" >/dev/null || skip "$1 was not found; on Debian: apt-get install $2"; }
root_only() { [ "$(id -u)" = 0 ] || skip 'it makes a root of its own, and needs root for it'; }

# ---- the tarball ------------------------------------------------------------------

# make dist from a copy of the tree in the folder $1.
make_dist() {
    mkdir -p "$1/src" "$1/build"
    (cd "$top" && tar -cf - --exclude=./.git --exclude=./build --exclude=./autom4te.cache .) |
        tar -xf - -C "$1/src"
    (
        cd "$1/src"
        if [ -f Makefile ]; then make distclean >/dev/null 2>&1 || :; fi
        sh ./autogen.sh >/dev/null 2>&1
        cd ../build
        ../src/configure >/dev/null
        make dist-xz
    )
}

# Nothing that a test needs is only in the tree.
tarball_has_all() {
    tar -tf "$1" | sed 's,[^/]*/,,' | sort >in-tarball
    (cd "$top" && find bench completions docs include lib man tests tools -type f |
        grep -vE '\.(o|lo|la|dirstamp)$' | sort) >in-tree
    if comm -23 in-tree in-tarball | grep .; then
        echo 'is in the tree and not in the tarball'
        exit 1
    fi
}

part_tarball() {
    have autoreconf autoconf
    have libtoolize libtool
    # The time of the last change, or, where there is no history, of the version's one home.
    rm -rf one another
    SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct 2>/dev/null ||
        stat -c %Y "$top/configure.ac")
    export SOURCE_DATE_EPOCH
    make_dist "$work/one"
    # Elsewhere, later, and under another umask.
    sleep 1
    (umask 077 && make_dist "$work/another/place")
    cmp one/build/libsplinter-*.tar.xz another/place/build/libsplinter-*.tar.xz
    rm -rf out
    mkdir out
    mv one/build/libsplinter-*.tar.xz out/
    rm -rf another
    tarball_has_all out/libsplinter-*.tar.xz
    cd out
    echo "says: $(sha256sum -- *.tar.xz)"
}

# ---- Debian -----------------------------------------------------------------------

version_of_tarball() {
    (cd "$work/out" && echo libsplinter-*.tar.xz) | sed 's/^libsplinter-//;s/\.tar\.xz$//'
}

# The source package, ready to build, in the folder $1.
debian_source() {
    v=$(version_of_tarball)
    rm -rf "$1"
    mkdir -p "$1"
    cp "out/libsplinter-$v.tar.xz" "$1/libsplinter_$v.orig.tar.xz"
    tar -xf "out/libsplinter-$v.tar.xz" -C "$1"
    cp -a "$top/debian" "$1/libsplinter-$v/debian"
}

part_deb() {
    have dpkg-buildpackage dpkg-dev
    have dh debhelper
    debian_source deb
    cd "deb/libsplinter-$v"
    dpkg-checkbuilddeps || skip 'build dependencies are missing; run.sh --needs deb names them'
    DEB_BUILD_OPTIONS="parallel=$jobs ${DEB_BUILD_OPTIONS:-}" SPLINTER_TESTS=$few_tests \
        dpkg-buildpackage -us -uc >../build.log 2>&1 || {
        cat ../build.log
        exit 1
    }
    cp ../*.deb ../*.dsc ../*.changes ../*.buildinfo ../*.debian.tar.xz ../*.orig.tar.xz \
        "$work/out/"
    # Again, after all that the first one did to the tree.
    DEB_BUILD_OPTIONS="parallel=$jobs nocheck" dpkg-buildpackage -us -uc >../again.log 2>&1 || {
        cat ../again.log
        exit 1
    }
    for deb in ../*.deb; do cmp "$deb" "$work/out/${deb##*/}"; done
    for deb in "$work"/out/*.deb; do
        case $deb in
            *-dbgsym_*) ;;
            *) echo "says: ${deb##*/}" ;;
        esac
    done
}

lintian_options='--pedantic --display-info --allow-root --fail-on error,warning
    --suppress-tags newer-standards-version'

part_lintian() {
    have lintian lintian
    # As root it says that this is not recommended; that is not about the package.  An older lintian
    # does not know the newest policy.
    status=0
    lintian $lintian_options out/*.changes >lintian.out 2>&1 || status=$?
    cat lintian.out
    sed -n 's/^[PI]: /says: &/p' lintian.out
    return $status
}

part_blhc() {
    have blhc blhc
    blhc --all --debian deb/build.log
    # A log without compiler calls would pass, too.
    grep -q -- '-fstack-protector-strong.*-c ' deb/build.log
}

# ---- roots --------------------------------------------------------------------------

# Where this machine's apt gets its Debian packages.
sources() {
    apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | sort -u
}
this_codename() { . /etc/os-release && echo "$VERSION_CODENAME"; }
release= # if not this one
codename() { if [ -n "$release" ]; then echo "$release"; else this_codename; fi; }

# make_root FOLDER-OR-TARBALL PACKAGES [OPTION...]
make_root() {
    root_only
    have mmdebstrap mmdebstrap
    sources | sed "s/$(this_codename)/$(codename)/" |
        grep -v -- "${SOURCES_WITHOUT:-^$}" >sources.list
    [ -s sources.list ] || skip 'apt of this machine has no Debian packages'
    to=$1
    include=$2
    shift 2
    rm -rf "$to"
    set -- --mode=root --variant=apt ${include:+"--include=$include"} "$@"
    # What apt needs here to reach its packages: proxies and the like are in its configuration.
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >apt.conf || :
    [ -s apt.conf ] && set -- "$@" --aptopt="$work/apt.conf"
    mmdebstrap "$@" "$(codename)" "$to" - <sources.list
}

# The packages with the libraries that splinterctl is linked with, each after a comma.  No root can
# download them later, as it has no lists.
linked_with() {
    dpkg-query -W -f '${Depends},' libjansson-dev libedit-dev libncurses-dev | tr ',|' '\n\n' |
        sed -n 's/^ *\(lib\(jansson\|edit\|ncursesw\)[0-9]*\) .*/,\1/p' | tr -d '\n'
}

# The root for trying the packages: a compiler, pkg-config and man, and nothing of splinter.  Made
# once; each part takes a copy.
user_root() { # FOLDER
    [ -e base.made ] || {
        rm -rf base
        make_root base "gcc,libc6-dev,pkg-config,man-db$(linked_with)"
        : >base.made
    }
    rm -rf "$1"
    cp -a base "$1"
}

# in_root FOLDER COMMAND...: with /proc, a /dev/shm of its own and its own processes, where the
# machine allows that.
in_root() {
    root=$1
    shift
    if unshare -m -p -f --kill-child true 2>/dev/null; then
        # shellcheck disable=SC2016 # expanded by the inner shell
        unshare -m -p -f --kill-child sh -c '
            root=$1
            shift
            mount --make-rprivate /
            mount -t proc proc "$root/proc"
            mkdir -p "$root/dev/shm"
            mount -t tmpfs tmpfs "$root/dev/shm"
            exec chroot "$root" "$@"' sh "$root" "$@"
    else
        mkdir -p "$root/dev/shm"
        chroot "$root" "$@"
    fi
}

# Every path, but for what the package managers themselves keep and log.
paths() {
    (cd "$1" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \
        -o -path ./run -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg \
        -o -path ./var/lib/apt -o -path './var/lib/rpm' -o -path './root' \
        -o -path './usr/lib/sysimage' \) -prune -o -print | sort)
}

# What a user does first.  FOLDER has the packages installed; the program is the README's.
try_root() { # FOLDER [VARIABLE=VALUE...]
    root=$1
    shift
    mkdir -p "$root/try"
    awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$top/README.md" >"$root/try/example.c"
    grep -q 'splinter_poll' "$root/try/example.c"
    cp "$here/try.sh" "$root/try/"
    in_root "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" sh /try/try.sh
    rm -rf "$root/try"
}

part_deb_root() {
    user_root deb-root
    paths deb-root >before
    mkdir deb-root/debs
    cp out/*.deb deb-root/debs/
    # The names are those of a file of this machine: apt takes the packages themselves.
    # shellcheck disable=SC2016
    in_root deb-root sh -c 'apt-get install -y --no-install-recommends /debs/*.deb'
    rm -rf deb-root/debs
    try_root deb-root
    # shellcheck disable=SC2016
    in_root deb-root sh -c '
        installed=$(dpkg-query -W -f "\${Package} \${Source}\n" |
            sed -n "s/ libsplinter.*//p; s/^\(libsplinter[^ ]*\) *$/\1/p" | sort -u)
        echo "purging:" $installed
        [ -n "$installed" ] && apt-get purge -y $installed'
    paths deb-root >after
    diff before after
    echo 'says: after the purge the root has the files it had before'
    rm -rf deb-root
}

# The tests ran in other parts.  Here the question is if the build, lintian and a user of that
# release find what they need.
part_other_deb() {
    case $(this_codename) in
        bookworm) release=trixie ;;
        trixie) release=bookworm ;;
        *) skip 'this is neither Debian 12 nor 13' ;;
    esac
    make_root other "$( { echo build-essential lintian man-db; build_depends; } | tr ' ' '\n' |
        grep -vxE 'check|mandoc' | sort -u | paste -sd , -)"
    debian_source other/build
    # shellcheck disable=SC2016
    in_root other sh -e -c 'cd /build/libsplinter-*/ && DEB_BUILD_OPTIONS="parallel=$1 nocheck" \
        DEB_BUILD_PROFILES=nocheck dpkg-buildpackage -us -uc -Pnocheck
        lintian $2 /build/*.changes
        apt-get install -y --no-install-recommends /build/*.deb' sh "$jobs" "$lintian_options" \
        >other.out 2>&1 || { cat other.out; exit 1; }
    sed -n 's/^[PI]: /says: &/p' other.out
    try_root other
    echo "says: built, linted and used on $release"
    rm -rf other
}

part_clean_deb() {
    make_root clean "$( { echo build-essential; build_depends; } | sort -u | paste -sd , -)"
    debian_source clean/build
    # shellcheck disable=SC2016
    in_root clean sh -c 'cd /build/libsplinter-*/ && DEB_BUILD_OPTIONS="parallel=$1" \
        dpkg-buildpackage -us -uc' sh "$jobs"
    # The same packages as on this machine, if it has the same compiler.
    for deb in clean/build/*.deb; do
        cmp "$deb" "out/${deb##*/}" && echo "says: ${deb##*/} is the same"
    done || :
    rm -rf clean
}

part_autopkgtest() {
    have autopkgtest autopkgtest
    packages=$( { echo build-essential apt-utils; build_depends; } | tr ' ' '\n' | sort -u |
        paste -sd , -)
    make_root auto "$packages" --skip=cleanup/apt/lists
    set -- autopkgtest out/*.dsc out/libsplinter1_*.deb out/libsplinter-p1_*.deb \
        out/libsplinter-dev_*.deb out/splinter-tools_*.deb --no-built-binaries \
        --summary-file="$work/autopkgtest.summary"
    rm -f autopkgtest.summary
    # The chroot has no /proc of its own, which the tests of descriptors need.
    if unshare -m true 2>/dev/null; then
        # shellcheck disable=SC2016
        unshare -m sh -e -c '
            mount --make-rprivate /
            mount -t proc proc "$0/proc"
            mkdir -p "$0/dev/shm"
            mount -t tmpfs tmpfs "$0/dev/shm"
            exec "$@"' "$work/auto" "$@" -- chroot "$work/auto"
    else
        "$@" -- chroot "$work/auto"
    fi
    sed 's/^/says: /' autopkgtest.summary
    rm -rf auto
}

part_piuparts() {
    have piuparts piuparts
    make_root piuparts.tar.gz debfoster,adduser
    piuparts -b piuparts.tar.gz -d "$(codename)" --keep-sources-list --skip-logrotatefiles-test \
        --warn-on-leftovers-after-purge out/*.changes || exit 1
}

part_multiarch() {
    [ "$(dpkg --print-architecture)" = amd64 ] || skip 'it is written for amd64 with i386'
    # Of the security suite mirrors may have one architecture only, and the C library has to be of
    # the same version for both.
    SOURCES_WITHOUT='-security '
    packages=build-essential,crossbuild-essential-i386,libxxhash-dev:i386,pkg-config:i386
    packages=$packages,libjansson-dev:i386,libedit-dev:i386,libncurses-dev:i386
    packages=$( { echo $packages; build_depends; } |
        grep -vxE 'check|mandoc|doxygen|lib(xxhash|jansson|edit|ncurses)-dev' |
        sort -u | paste -sd , -)
    make_root multi "$packages" --architectures=amd64,i386
    debian_source multi/build
    mkdir multi/debs multi/nodoc
    for profiles in cross,nocheck cross,nocheck,nodoc; do
        # shellcheck disable=SC2016
        in_root multi sh -c 'cd /build/libsplinter-*/ && DEB_BUILD_OPTIONS="parallel=$1 nocheck" \
            dpkg-buildpackage -ai386 -B -P"$2" -us -uc' sh "$jobs" $profiles
        case $profiles in
            *nodoc) cp multi/build/libsplinter-dev_*_i386.deb multi/nodoc/ ;;
            *) cp multi/build/libsplinter1_*_i386.deb multi/build/libsplinter-p1_*_i386.deb \
                multi/build/libsplinter-dev_*_i386.deb multi/debs/ ;;
        esac
    done
    cp out/libsplinter1_*_amd64.deb out/libsplinter-p1_*_amd64.deb \
        out/libsplinter-dev_*_amd64.deb multi/debs/
    unset SOURCES_WITHOUT
    in_root multi sh -c 'apt-get install -y --no-install-recommends /debs/*.deb'
    in_root multi dpkg-query -W -f '${db:Status-Abbrev} ${binary:Package}\n' 'libsplinter*' \
        >multi.list
    sed 's/^/says: /' multi.list
    [ "$(grep -c '^ii .*libsplinter.*:amd64$' multi.list)" = 3 ]
    [ "$(grep -c '^ii .*libsplinter.*:i386$' multi.list)" = 3 ]
    # A program for each, with the .pc file of each.
    mkdir multi/try
    cp "$top/debian/tests/client.c" multi/try/
    in_root multi sh -e -c '
        cd /try
        cc -o amd64 client.c $(pkg-config --cflags --libs splinter)
        ./amd64 multiarch
        i686-linux-gnu-gcc -o i386 client.c $(i686-linux-gnu-pkg-config --cflags --libs splinter)
        readelf -h i386 | grep -q "Intel 80386"
        # Not every kernel runs it.
        ./i386 multiarch || [ $? = 126 ]'
    # Both, and the header, are what they were when one of them is built without documentation.
    in_root multi sh -c 'dpkg -i /nodoc/*.deb && ! dpkg -L libsplinter-dev:i386 | grep /man/'
    in_root multi sh -c 'dpkg -L libsplinter-dev:amd64 | grep -q /man3/splinter_set.3.gz'
    rm -rf multi
}

part_reprotest() {
    have reprotest reprotest
    have faketime faketime
    have disorderfs disorderfs
    debian_source reprotest
    cd "reprotest/libsplinter-$v"
    reprotest --vary=+all,-user_group,-domain_host,-fileordering \
        -c 'DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -us -uc' . '../*.deb'
}

# ---- RPM ----------------------------------------------------------------------------

part_rpm() {
    have rpmbuild rpm
    rm -rf rpm
    [ -z "$few_tests" ] || set -- --define "splinter_tests $few_tests" \
        --define "splinter_programs $few_programs"
    # The packages that the spec names are those of Fedora; what is needed is here by other names.
    rpmbuild -ta "$@" --nodeps --define "_topdir $work/rpm" --define "_smp_mflags -j$jobs" \
        --define 'dist %{nil}' out/libsplinter-*.tar.xz >rpm.build 2>&1 || {
        cat rpm.build
        exit 1
    }
    grep -q '^# PASS: *[1-9]' rpm.build
    sed -n 's/^# \(PASS\|FAIL\|SKIP\): .*/says: %check &/p' rpm.build
    rm -rf out/rpm
    mkdir out/rpm
    find rpm/RPMS -name '*.rpm' -exec cp {} out/rpm/ \;
    # Elsewhere: dnf install refuses all that it is given if a source package is among them.
    cp rpm/SRPMS/*.src.rpm out/
    (cd out && for rpm in *.src.rpm rpm/*.rpm; do echo "says: ${rpm#rpm/}"; done)
}

part_rpmlint() {
    have rpmlint rpmlint
    v=$(version_of_tarball)
    tar -xOf "out/libsplinter-$v.tar.xz" "libsplinter-$v/rpm/libsplinter.spec" >libsplinter.spec
    status=0
    rpmlint -c "$here/rpmlint.toml" out/*.src.rpm out/rpm/*.rpm libsplinter.spec \
        >rpmlint.out 2>&1 || status=$?
    cat rpmlint.out
    sed -n 's/.*\([0-9][0-9]* packages and .* warnings\).*/says: \1/p' rpmlint.out
    # It says nothing of a file that is not there.
    grep -q ' and 1 specfiles checked' rpmlint.out
    # Warnings do not change its status.
    ! grep -E ': [WE]: ' rpmlint.out || status=1
    return $status
}

part_rpm_root() {
    have rpm rpm
    user_root rpm-root
    # Where rpm, here or on Fedora, puts 64-bit libraries; Debian's linker does not look there.
    libdir=$(rpm --eval '%{_libdir}')
    echo "$libdir" >rpm-root/etc/ld.so.conf.d/rpm.conf
    # What Fedora's packages filesystem, pkgconf-pkg-config and cmake-filesystem own.
    mkdir -p "rpm-root$libdir/pkgconfig" "rpm-root$libdir/cmake" rpm-root/usr/share/licenses
    in_root rpm-root ldconfig
    paths rpm-root >before
    set --
    for rpm in out/rpm/*.rpm; do
        case $rpm in
            *-debuginfo-* | *-debugsource-*) ;;
            *) set -- "$@" "$work/$rpm" ;;
        esac
    done
    # Nothing is required that is not in these packages, in the C library, in rpm itself or in what
    # splinterctl is linked with.
    rpm -qp --provides "$@" | sed 's/ .*//' | sort -u >provides
    rpm -qp --requires "$@" | sed 's/ .*//' | sort -u |
        grep -vE '^(rpmlib|config|lib(c|pthread)\.so|ld-linux|rtld|/usr/bin/pkg-config)' |
        grep -vE '^lib(jansson|edit|ncursesw|tinfo)\.so' |
        grep -vx cmake-filesystem >requires || :
    if comm -13 provides requires | grep .; then
        echo 'is required and provided by none of the packages'
        exit 1
    fi
    # The C library of this root is not in rpm's data base.
    rpm --root "$work/rpm-root" --dbpath /var/lib/rpm --initdb
    rpm --root "$work/rpm-root" --dbpath /var/lib/rpm -i --nodeps "$@"
    in_root rpm-root ldconfig
    try_root rpm-root PKG_CONFIG_PATH="$libdir/pkgconfig"
    # shellcheck disable=SC2046 # a list of names
    rpm --root "$work/rpm-root" --dbpath /var/lib/rpm -e --nodeps \
        $(rpm -qp --queryformat '%{name} ' "$@")
    in_root rpm-root ldconfig
    paths rpm-root >after
    diff before after
    echo 'says: after the removal the root has the files it had before'
    rm -rf rpm-root
}

# ---- what was asked for ----------------------------------------------------------------

for this in $parts; do part "$this"; done
echo "1..$n"
[ $failed = 0 ]
