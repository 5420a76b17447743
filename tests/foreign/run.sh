#!/bin/sh
# The tests on other machines: builds with Debian's cross compilers for each ARCH, runs the tests
# there (under qemu's user emulation, or natively where the kernel runs such programs, as
# a 64-bit x86 does with i386), and carries stores from that machine to this one and back.
#
#   tests/foreign/run.sh [--all] [-d DIR] [ARCH...]
#
#   ARCH    i386, armhf (both 32-bit), arm64, s390x (big-endian), as Debian names
#           them; without any: all four
#   --all   every test that can run there: stress tests and the tests of the tools, too
#   -d DIR  build in DIR, which stays; else in a temporary folder, which goes
#
# Needed for each: gcc-TRIPLET, libc6-dev-ARCH-cross; and qemu-user-static.  This says what is
# missing.  Check for the other machine is downloaded by apt into DIR and not installed:
# the machine's own list of architectures stays as it is, and nothing here needs root.
#
# Exit status: 0 if everything passed; 1 if something failed; 2 for wrong arguments; 77 if
# something that is needed is missing, or there was nothing to run.
#
# What the emulation does not show: qemu-user passes futexes, record locks, memfd_create, seals
# and fallocate on to the kernel of this machine, so those are real; but it runs the other
# machine's loads and stores with the order of this machine's.  On an x86 host a missing barrier is
# therefore not seen; the model in tests/model/ is for that.  And qemu-user does nothing for
# MADV_DONTFORK, so a child keeps its parent's locks.
set -u
top_srcdir=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CC CXX CFLAGS CPPFLAGS LDFLAGS DESTDIR PKG_CONFIG_PATH
jobs=$(nproc 2>/dev/null || echo 1)

usage() {
    sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"
}

all=no
dir=
while [ $# -gt 0 ]; do
    case $1 in
        --all) all=yes ;;
        -d)
            [ $# -gt 1 ] || { echo "run.sh: -d needs a folder" >&2; exit 2; }
            dir=$2
            shift ;;
        --help) usage; exit 0 ;;
        -*) echo "run.sh: unknown option '$1'; allowed are --all, -d DIR and --help" >&2; exit 2 ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- i386 armhf arm64 s390x
for arch; do
    case $arch in
        i386 | armhf | arm64 | s390x) ;;
        *)
            echo "run.sh: unknown machine '$arch'; allowed are i386, armhf, arm64 and s390x" >&2
            exit 2 ;;
    esac
done
if [ ! -x "$top_srcdir/configure" ]; then
    echo "run.sh: there is no configure; run ./autogen.sh first" >&2
    exit 77
fi
if [ -f "$top_srcdir/config.status" ]; then
    echo "run.sh: $top_srcdir is configured in place; run make distclean there first" >&2
    exit 77
fi
if [ -n "$dir" ]; then
    mkdir -p "$dir" || exit 1
    dir=$(cd "$dir" && pwd)
else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/splinter-foreign.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
fi
native=$(dpkg --print-architecture 2>/dev/null || uname -m)

# Word size and byte order of what compiler $1 makes.
kind_of() {
    echo "__SIZEOF_POINTER__ __BYTE_ORDER__" | "$1" -E -P - 2>/dev/null
}

# quietly FILE COMMAND...: prints what the command said only if it failed.
quietly() {
    said=$1
    shift
    "$@" >"$said" 2>&1 || {
        tail -n 100 "$said"
        return 1
    }
}

# Check for machine $1, from the distribution this one is made of, unpacked in $2.  Only apt's own
# files in $2 are written.
fetch_check() {
    [ -e "$2/unpacked" ] && return 0
    mkdir -p "$2/state/lists/partial" "$2/cache/archives/partial" "$2/debs" || return 1
    : >"$2/status"
    # The distribution itself, for updates and security have no Check.
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e $keys ] && signed=" signed-by=$keys" || signed=
    # shellcheck disable=SC2016 # apt expands these
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
        'Identifier: Packages' 'Component: main' 'Label: Debian' |
        while read -r uri suite component; do
            case $suite in *-*) continue ;; esac
            echo "deb [arch=$1$signed] $uri $suite $component"
        done | sort -u >"$2/sources.list"
    if [ ! -s "$2/sources.list" ]; then
        echo "apt knows no list of packages of Debian; as root: apt-get update"
        return 1
    fi
    cat >"$2/apt.conf" <<END
Dir::State "$2/state";
Dir::State::status "$2/status";
Dir::Cache "$2/cache";
Dir::Etc::sourcelist "$2/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Sandbox::User "";
END
    (
        APT_CONFIG=$2/apt.conf
        export APT_CONFIG
        cd "$2/debs" && apt-get update -q && apt-get download -q check libsubunit-dev
    ) >"$2/out" 2>&1 || {
        tail -n 20 "$2/out"
        return 1
    }
    for deb in "$2"/debs/*.deb; do
        dpkg-deb -x "$deb" "$2/root" || return 1
    done
    touch "$2/unpacked"
}

# The tools of this machine, to meet those of the others.
build_native() {
    [ -e "$dir/native/built" ] && return 0
    mkdir -p "$dir/native" && cd "$dir/native" || return 1
    quietly out "$top_srcdir/configure" --disable-shared &&
        quietly out make -j"$jobs" && quietly out make tests/foreign/other_machine &&
        touch built
}

# A folder of commands that run the programs of build tree $1 as they should be run.
wrap() {
    mkdir -p "$1/run" || return 1
    for program in splinter_send splinter_recv splinter_logtee splinter_perf splinter_test \
        other_machine; do
        real=$1/tools/$program
        [ $program = other_machine ] && real=$1/tests/foreign/$program
        [ -x "${real%/*}/.libs/$program" ] && real=${real%/*}/.libs/$program
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/lib/.libs exec %s %s "$@"\n' \
            "$1" "$emulator" "$real" >"$1/run/$program" && chmod +x "$1/run/$program" || return 1
    done
}

# Runs everything for one machine.  0 passed, 1 failed, 77 something is missing.
machine() {
    arch=$1
    case $arch in
        i386) triplet=i686-linux-gnu multiarch=i386-linux-gnu qemu=qemu-i386 ;;
        armhf) triplet=arm-linux-gnueabihf multiarch=$triplet qemu=qemu-arm ;;
        arm64) triplet=aarch64-linux-gnu multiarch=$triplet qemu=qemu-aarch64 ;;
        s390x) triplet=s390x-linux-gnu multiarch=$triplet qemu=qemu-s390x ;;
    esac
    if [ "$arch" = "$native" ]; then
        echo "$arch: this machine is one; make check is the test"
        return 0
    fi
    for tool in "$triplet-gcc" apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || {
            echo "$arch: $tool is missing; on Debian: apt-get install gcc-$triplet" \
                "libc6-dev-$arch-cross qemu-user-static"
            return 77
        }
    done
    here=$dir/$arch
    mkdir -p "$here" && cd "$here" || return 1

    # Run by the kernel where it can, with the loader of the cross compiler's C library.
    sysroot=/usr/$triplet
    emulator=
    ldflags=
    echo 'int main(void) { return 0; }' >t.c
    if ! quietly t.out "$triplet-gcc" -o t t.c; then
        echo "$arch: $triplet-gcc makes no programs;" \
            "on Debian: apt-get install libc6-dev-$arch-cross"
        return 77
    fi
    loader=$(readelf -l t | sed -n 's/.*interpreter: \(.*\)].*/\1/p')
    native_flags="-Wl,--dynamic-linker=$sysroot/lib/${loader##*/} -Wl,-rpath,$sysroot/lib"
    # shellcheck disable=SC2086 # a list
    if "$triplet-gcc" -o t t.c $native_flags && ./t 2>/dev/null; then
        ldflags=$native_flags
    else
        for candidate in $qemu-static $qemu; do
            command -v "$candidate" >/dev/null && emulator="$candidate -L $sysroot" && break
        done
        if [ -z "$emulator" ]; then
            echo "$arch: $qemu-static is missing; on Debian: apt-get install qemu-user-static"
            return 77
        fi
        if ! "$triplet-gcc" -o t t.c || ! $emulator ./t; then
            echo "$arch: $emulator does not run what $triplet-gcc makes"
            return 1
        fi
    fi
    echo "$arch: ${emulator:-run by the kernel}"

    fetch_check "$arch" "$here/check" || return 1
    root=$here/check/root/usr
    if [ ! -f config.status ]; then
        quietly configure.out "$top_srcdir/configure" --host="$triplet" LDFLAGS="$ldflags" \
            CHECK_CFLAGS="-I$root/include -I$root/include/$multiarch" \
            CHECK_LIBS="-L$root/lib/$multiarch -lcheck_pic -lsubunit -lm -lrt -pthread" || return 1
    fi
    quietly build.out make -j"$jobs" &&
        quietly build2.out make tests/foreign/other_machine || return 1
    grep -h 'warning:' build.out build2.out

    wrap "$here" || return 1
    kin=no
    [ "$(kind_of "$triplet-gcc")" = "$(kind_of gcc)" ] && kin=yes
    export EXCHANGE_NATIVE="$dir/native" EXCHANGE_FOREIGN="$here/run" EXCHANGE_KIN=$kin

    # One compiler sees the tests that do not run here, too, and runs those of both libraries.  The
    # others run those of one: libsplinter_p has all of libsplinter, and files.
    few=
    # shellcheck disable=SC2016 # make expands these
    if [ $all = yes ]; then
        tests='$(check_PROGRAMS) $(filter tests/cli/% tests/abi/%,$(sh_tests) $(tree_tests))'
    else
        tests='$(unit_tests)'
        case $arch in
            armhf) few='$(filter-out %_p,$(unit_tests))' ;;
            arm64 | s390x) few='$(filter %_p,$(unit_tests))' ;;
        esac
        tests=${few:-$tests}
    fi
    # Two at a time: the emulation is slow, and tests have watchdogs.
    # shellcheck disable=SC2016 # make expands it
    make -k -j"$jobs" check VERBOSE=1 TESTS="$tests tests/foreign/test_exchange.sh" \
        ${few:+"check_PROGRAMS=$few" check_LTLIBRARIES=} \
        LOG_COMPILER="${emulator:+./libtool --mode=execute $emulator}" \
        TOOLS_DIR="$here/run" TESTS_ENVIRONMENT=CK_TIMEOUT_MULTIPLIER=10 >check.out 2>&1
    status=$?
    grep -h 'warning:' check.out
    counts=$(sed -n 's/^# \(PASS\|SKIP\|FAIL\|ERROR\): */ \1 /p' check.out | tail -n 4 |
        tr '\n' ' ')
    echo "$arch:$counts"
    if [ $status != 0 ]; then
        grep -vE '^(PASS|ok|SKIP|# (XFAIL|XPASS))' check.out | tail -n 200
        return 1
    fi
    # A run that tested nothing has not passed.
    grep -q '^# PASS: *[1-9]' check.out
}

build_native || exit 1
result=77
for arch; do
    start=$(date +%s)
    (machine "$arch")
    case $? in
        0) [ $result = 77 ] && result=0; says=passed ;;
        77) says='not run' ;;
        *) result=1; says=FAILED ;;
    esac
    echo "$arch: $says, $(($(date +%s) - start)) s"
done
exit $result
