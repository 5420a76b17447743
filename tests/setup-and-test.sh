#!/bin/sh
# All tests, from a bare Debian machine: installs what is missing (as root, or through sudo),
# then runs, each in a build tree of its own outside this one,
#   make check, built by gcc;
#   make check, built by clang with AddressSanitizer and UndefinedBehaviorSanitizer;
#   those tests with threads, built by clang with ThreadSanitizer;
#   the unit tests under valgrind's memcheck;
#   the fuzzer, for a minute (tests/fuzz/run.sh);
#   how much of lib/ the tests go through, by gcov (tests/coverage/run.sh);
#   make distcheck;
#   the models of the protocols, by spin (tests/model/run.sh);
#   the unit tests on i386, armhf, arm64 and s390x, cross-compiled (tests/foreign/run.sh);
#   configure, where something is missing or wrong (tests/configure/run.sh);
#   the Debian and RPM packages, built, linted and used in a new root (tests/packages/run.sh).
# The last line says "N passed, M failed, K skipped": every TAP result, and one for
# valgrind, fuzz and distcheck.  The exit status is 0 only if nothing failed.
#
# SPLINTER_STAGES chooses among
# "gcc clang tsan valgrind fuzz coverage distcheck model foreign configure packages".
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
stages=${SPLINTER_STAGES:-gcc clang tsan valgrind fuzz coverage distcheck model foreign configure
    packages}
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS DESTDIR
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
jobs=$(nproc 2>/dev/null || echo 1)

# ---- what is needed ---------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

updated=no
apt_install() {
    command -v apt-get >/dev/null || {
        echo "missing: $*; this script installs packages on Debian only" >&2
        exit 1
    }
    echo "installing: $*"
    if [ $updated = no ]; then
        as_root apt-get update -q >/dev/null || exit 1
        updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" \
        >"${TMPDIR:-/tmp}/splinter-apt.$$" 2>&1 || {
        cat "${TMPDIR:-/tmp}/splinter-apt.$$"
        rm -f "${TMPDIR:-/tmp}/splinter-apt.$$"
        return 1
    }
    rm -f "${TMPDIR:-/tmp}/splinter-apt.$$"
}

missing=
need() { # command or header, package
    case $1 in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac || missing="$missing $2"
}
need gcc gcc
need g++ g++
need make make
need autoconf autoconf
need automake automake
need libtoolize libtool
need pkg-config pkg-config
need xz xz-utils
need readelf binutils
need mandoc mandoc
need clang clang
need valgrind valgrind
need /usr/include/stdio.h libc6-dev
need /usr/include/xxhash.h libxxhash-dev
need /usr/include/check.h check
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list
    apt_install $missing || exit 1
fi

# The tree is copied, so that what was built in it, and what is built here, never meet.
work=$(mktemp -d "${TMPDIR:-/tmp}/splinter-check.XXXXXX") || exit 1
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

case " $stages " in
    *' clang '* | *' tsan '* | *' fuzz '*)
        echo 'int main(void) { return 0; }' >"$work/t.c"
        if ! clang -fsanitize=address,undefined,fuzzer-no-link -o "$work/t" "$work/t.c" \
            2>/dev/null; then
            # Where the run-time library is a package of its own, it is named after the release.
            major=$(clang -dumpversion | sed 's/\..*//')
            apt_install "libclang-rt-$major-dev" || exit 1
        fi ;;
esac

mkdir "$work/src"
tar -cf - --exclude=./.git --exclude=./build --exclude=./autom4te.cache . |
    tar -xf - -C "$work/src" || exit 1
cd "$work/src" || exit 1
[ -f Makefile ] && make distclean >/dev/null 2>&1
find . \( -name '*.o' -o -name '*.lo' -o -name '*.la' -o -name '*.trs' \) -exec rm -f {} +

# ---- the stages ---------------------------------------------------------------

passed=0
failed=0
skipped=0

# Adds up the results of every test that ran in the build tree $1.
count() {
    results=$(find "$1" -name '*.trs' -exec grep -h '^:test-result:' {} +)
    p=$(echo "$results" | grep -cE ': (PASS|XFAIL)')
    f=$(echo "$results" | grep -cE ': (FAIL|XPASS|ERROR)')
    s=$(echo "$results" | grep -c ': SKIP')
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
}

# One configuration: $1 is its name, the rest configure's arguments.  $only: which tests, if not
# all.
only=
configuration() {
    name=$1
    shift
    echo
    echo "== make check: $name"
    mkdir "$work/$name"
    start=$(date +%s)
    if ! (cd "$work/$name" && ../src/configure "$@" >configure.out 2>&1); then
        cat "$work/$name/configure.out"
        echo "== $name: configure failed"
        failed=$((failed + 1))
        return
    fi
    if ! (cd "$work/$name" && make -j"$jobs" >build.out 2>&1); then
        cat "$work/$name/build.out"
        echo "== $name: the build failed"
        failed=$((failed + 1))
        return
    fi
    # -k, so that a test that does not compile does not hide the others; VERBOSE prints the
    # logs of those that fail.
    (cd "$work/$name" &&
        timeout 900 make -k -j"$jobs" check VERBOSE=1 \
            ${only:+"TESTS=$only" "check_PROGRAMS=$only"}) >"$work/$name/check.out" 2>&1
    status=$?
    grep -h 'warning:' "$work/$name/build.out" "$work/$name/check.out"
    count "$work/$name"
    if [ $status != 0 ]; then
        cat "$work/$name/check.out"
        # A failure that no test reports: of the compiler, or of time.
        if [ "$f" = 0 ]; then
            echo "== $name: make check ended with status $status"
            failed=$((failed + 1))
        fi
    fi
    echo "== $name: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
}

# One result for a whole stage: $1 is its name, the rest the command.
stage() {
    name=$1
    shift
    echo
    echo "== $name"
    start=$(date +%s)
    ("$@") >"$work/$name.out" 2>&1
    status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        result=passed
    elif [ $status = 77 ]; then
        cat "$work/$name.out"
        skipped=$((skipped + 1))
        result=skipped
    else
        cat "$work/$name.out"
        failed=$((failed + 1))
        result=FAILED
    fi
    echo "== $name: $result, $(($(date +%s) - start)) s"
}

# The tests with threads; the shell tests have none, and the crash tests none that TSan sees.
under_tsan() {
    only='tests/unit/test_verbs tests/unit/test_store tests/unit/test_durable tests/unit/test_errors
        tests/stress/test_threads tests/stress/test_processes tests/fuzz/test_hostile'
    # shellcheck disable=SC2086,SC2116 # on one line
    only=$(echo $only)
    configuration tsan CC=clang --enable-sanitizer=thread --disable-shared
    only=
}

# Not for leaks: memcheck looks for pointers in all that is mapped to write, page by page, in each
# of the hundreds of children, and stores are mapped as long as they may ever get; of 430 s that was
# 420. LeakSanitizer, in the stage clang, finds the same. --fair-sched lets threads take turns.
under_valgrind() {
    tests='tests/unit/test_verbs tests/unit/test_errors tests/unit/test_store
        tests/unit/test_durable'
    [ -d "$work/gcc" ] || {
        mkdir "$work/gcc" || return 1
        (cd "$work/gcc" && ../src/configure CC=gcc && make -j"$jobs") || return 1
    }
    # shellcheck disable=SC2086 # a list
    cd "$work/gcc" && make -j"$jobs" $tests || return 1
    result=0
    for t in $tests; do
        echo "$t"
        CK_FORK=no CK_TIMEOUT_MULTIPLIER=20 SPLINTER_TEST_DIVISOR=20 timeout 600 \
            ./libtool --mode=execute valgrind -q --fair-sched=yes --error-exitcode=9 \
            --leak-check=no "$t" >valgrind.out 2>&1 || result=1
        cat valgrind.out
        grep -q '^not ok' valgrind.out && result=1
        grep -q '^ok' valgrind.out || result=1
    done
    return $result
}

fuzz() {
    timeout 300 sh "$work/src/tests/fuzz/run.sh" 60
}

# The table is worth its lines when all is well, too.
coverage() {
    command -v gcovr >/dev/null || apt_install gcovr || {
        failed=$((failed + 1))
        return
    }
    stage coverage timeout 1800 sh "$work/src/tests/coverage/run.sh" "$work/coverage"
    [ "$result" != passed ] || cat "$work/coverage.out"
}

distcheck() {
    mkdir -p "$work/dist" && cd "$work/dist" || return 1
    ../src/configure CC=gcc && SPLINTER_TEST_SHORT=1 timeout 900 make -j"$jobs" distcheck VERBOSE=1
}

# The other machines, where Debian has cross compilers for them.
foreign() {
    echo
    echo '== foreign'
    if [ "$(dpkg --print-architecture)" != amd64 ]; then
        echo '== foreign: this stage runs on amd64'
        skipped=$((skipped + 1))
        return
    fi
    start=$(date +%s)
    missing=
    need qemu-arm-static qemu-user-static
    for machine in arm-linux-gnueabihf:armhf aarch64-linux-gnu:arm64 s390x-linux-gnu:s390x \
        i686-linux-gnu:i386; do
        need "${machine%:*}-gcc" "gcc-${machine%:*}"
        need "/usr/${machine%:*}/include/stdio.h" "libc6-dev-${machine#*:}-cross"
    done
    # shellcheck disable=SC2086 # a list
    if [ -n "$missing" ] && ! apt_install $missing; then
        failed=$((failed + 1))
        return
    fi
    timeout 1800 sh tests/foreign/run.sh -d "$work/foreign"
    status=$?
    count "$work/foreign"
    if [ $status != 0 ] && [ "$f" = 0 ]; then
        failed=$((failed + 1))
    fi
    echo "== foreign: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
}

# A script that prints TAP itself: $1 is the stage's name, the rest the command.
tap() {
    name=$1
    shift
    echo
    echo "== $name"
    start=$(date +%s)
    "$@" >"$work/$name.out" 2>&1
    status=$?
    p=$(grep '^ok ' "$work/$name.out" | grep -cv '# SKIP')
    f=$(grep -c '^not ok ' "$work/$name.out")
    s=$(grep -c '^ok .*# SKIP' "$work/$name.out")
    # What was skipped, and why, is worth a line; so is what was built.
    if [ $status = 0 ]; then grep -E '# SKIP|^# ' "$work/$name.out"; else cat "$work/$name.out"; fi
    [ $status != 0 ] && [ "$f" = 0 ] && f=1
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    echo "== $name: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
}

packages() {
    # shellcheck disable=SC2046 # a list
    set -- $(sh tests/packages/run.sh --needs ci)
    dpkg-query -W "$@" >/dev/null 2>&1 || apt_install "$@" || {
        failed=$((failed + 1))
        return
    }
    tap packages timeout 1800 sh tests/packages/run.sh ci
}

models() {
    command -v spin >/dev/null || apt_install spin || {
        failed=$((failed + 1))
        return
    }
    # They have no configuration, so they run once.
    tap model env CC=gcc timeout 1200 sh tests/model/run.sh
}

if ! sh ./autogen.sh >"$work/autogen.out" 2>&1; then
    cat "$work/autogen.out"
    echo
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi

for this in $stages; do
    case $this in
        gcc) configuration gcc CC=gcc ;;
        clang) configuration clang CC=clang --enable-sanitizer=address,undefined ;;
        tsan) under_tsan ;;
        valgrind) stage valgrind under_valgrind ;;
        fuzz) stage fuzz fuzz ;;
        coverage) coverage ;;
        distcheck) stage distcheck distcheck ;;
        model) models ;;
        foreign) foreign ;;
        configure) tap configure timeout 900 sh tests/configure/run.sh ;;
        packages) packages ;;
        *)
            echo "there is no stage $this" >&2
            exit 2 ;;
    esac
done

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
