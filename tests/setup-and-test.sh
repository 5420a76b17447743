#!/bin/sh
# All tests, from a bare Debian machine: installs what is missing (as root, or through sudo),
# then runs, each in a build tree of its own outside this one,
#   make check, built by gcc;
#   make check, built by clang with AddressSanitizer and UndefinedBehaviorSanitizer;
#   those tests with threads, built by clang with ThreadSanitizer;
#   the unit tests under valgrind's memcheck;
#   the fuzzer, for a minute (tests/fuzz/run.sh);
#   how much of lib/ the tests go through, by gcov (tests/coverage/run.sh);
#   make distcheck, with the tests of what is installed and of the sources;
#   the models of the protocols, by spin (tests/model/run.sh);
#   their memory orders, by Relacy (tests/relacy/run.sh);
#   the unit tests on i386, armhf, arm64 and s390x, cross-compiled (tests/foreign/run.sh);
#   configure, where something is missing or wrong (tests/configure/run.sh);
#   the Debian and RPM packages, built, linted and used in a new root (tests/packages/run.sh).
# The last line says "N passed, M failed, K skipped": every TAP result, and one for
# valgrind, fuzz and distcheck.  The exit status is 0 only if nothing failed.
#
# Each test runs whole in the stage gcc, and those with threads in tsan, too.  Elsewhere loops are
# shorter.  Two stages run at a time, for most of them wait now and then, or use one core only.
# What a stage has to say is printed when it ends.
#
# SPLINTER_STAGES chooses among
# "gcc clang tsan valgrind fuzz coverage distcheck model relacy foreign configure packages".
# SPLINTER_STAGE_JOBS: stages at a time (2, on one core 1)
set -u
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
# First those that do not wait for packages to be installed; then the long ones, so that both
# workers end at about the same time.
stages=${SPLINTER_STAGES:-tsan fuzz packages gcc clang foreign coverage distcheck model valgrind
    relacy configure}
for this in $stages; do
    case $this in
        gcc | clang | tsan | valgrind | fuzz | coverage | distcheck | model | relacy | \
            foreign | configure | packages) ;;
        *)
            echo "there is no stage $this" >&2
            exit 2 ;;
    esac
done
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS DESTDIR
LC_ALL=C
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
jobs=$(nproc 2>/dev/null || echo 1)
at_a_time=${SPLINTER_STAGE_JOBS:-$((jobs > 1 ? 2 : 1))}

# Ends all processes below process $1; each is stopped first, so that it starts no other meanwhile.
end_below() {
    # shellcheck disable=SC2013 # words are meant
    for below in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        kill -s STOP "$below" 2>/dev/null || continue
        (end_below "$below")
        kill "$below"
        kill -s CONT "$below"
    done
}

work=$(mktemp -d "${TMPDIR:-/tmp}/splinter-check.XXXXXX") || exit 1
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    trap '' HUP INT TERM
    end_below $$
    wait
    chmod -R u+w "$work" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# ---- what is needed ---------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null || {
        echo "missing: $*; this script installs packages on Debian only" >&2
        return 1
    }
    echo "installing: $*"
    (
        [ -e "$work/apt-updated" ] || as_root apt-get update -q || exit
        touch "$work/apt-updated"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
            --no-install-recommends "$@"
    ) >"$work/apt.out" 2>&1 || {
        cat "$work/apt.out"
        return 1
    }
}

missing=
need() { # command or header, package
    case $1 in
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac || missing="$missing $2"
}
# What the stage $1 needs besides.
need_for() {
    case $1 in
        coverage) need gcovr gcovr ;;
        model) need spin spin ;;
        relacy) need /usr/include/relacy/relacy.hpp relacy-dev ;;
        foreign)
            [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || return
            need qemu-arm-static qemu-user-static
            for machine in arm-linux-gnueabihf:armhf aarch64-linux-gnu:arm64 \
                s390x-linux-gnu:s390x i686-linux-gnu:i386; do
                need "${machine%:*}-gcc" "gcc-${machine%:*}"
                need "/usr/${machine%:*}/include/stdio.h" "libc6-dev-${machine#*:}-cross"
            done ;;
        packages)
            command -v dpkg-query >/dev/null || return
            for package in $(sh tests/packages/run.sh --needs ci); do
                # shellcheck disable=SC2016 # dpkg-query expands it
                dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
                    grep -qx installed || missing="$missing $package"
            done ;;
    esac
}
# The packages for all stages at once; if that fails, for each, to see which lacks what it needs.
install_for_stages() {
    missing=
    for this in $stages; do need_for "$this"; done
    # shellcheck disable=SC2086 # a list
    [ -z "$missing" ] || apt_install $missing || for this in $stages; do
        missing=
        need_for "$this"
        # shellcheck disable=SC2086 # a list
        [ -z "$missing" ] || apt_install $missing || touch "$work/lacking.$this"
    done
    touch "$work/installed"
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
need /usr/include/jansson.h libjansson-dev
need /usr/include/histedit.h libedit-dev
need /usr/include/curses.h libncurses-dev
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # a list
    apt_install $missing || exit 1
fi

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

# The tree is copied, so that what was built in it, and what is built here, never meet.
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

# What failed is named again at the end, where somebody looks first.
say_failed() { # STAGE NAME...
    failed=$((failed + 1))
    echo "failed: $*" >>"$work/failures"
}

# The same for each test that failed in the build tree $1.
name_failed_in() {
    find "$1" -name '*.trs' -exec grep -HE '^:test-result: (FAIL|XPASS|ERROR)' {} + |
        sed "s,^$1/,failed: $name: ,; s/\\.trs::test-result: [A-Z]*//" >>"$work/failures"
}

# Adds up the results of every test that ran in the build tree $1.
count() {
    name_failed_in "$1"
    results=$(find "$1" -name '*.trs' -exec grep -h '^:test-result:' {} +)
    p=$(echo "$results" | grep -cE ': (PASS|XFAIL)')
    f=$(echo "$results" | grep -cE ': (FAIL|XPASS|ERROR)')
    s=$(echo "$results" | grep -c ': SKIP')
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
}

# One configuration: $1 is its name, the rest configure's arguments.  $only: which tests, if not
# all; $without: a variable of the Makefile with tests that are left out.
only=
without=
configuration() {
    name=$1
    shift
    echo
    echo "== make check: $name"
    mkdir "$work/$name"
    start=$(date +%s)
    if ! (cd "$work/$name" && ../src/configure "$@" >configure.out 2>&1); then
        cat "$work/$name/configure.out"
        say_failed "$name: configure"
        return
    fi
    if ! (cd "$work/$name" && make -j"$jobs" >build.out 2>&1); then
        cat "$work/$name/build.out"
        say_failed "$name: the build"
        return
    fi
    # -k, so that a test that does not compile does not hide the others; VERBOSE prints the
    # logs of those that fail.
    (cd "$work/$name" &&
        timeout 2700 make -k -j"$jobs" check VERBOSE=1 ${without:+"$without="} \
            ${only:+"TESTS=$only" "check_PROGRAMS=$only" check_LTLIBRARIES=}
    ) >"$work/$name/check.out" 2>&1
    status=$?
    grep -h 'warning:' "$work/$name/build.out" "$work/$name/check.out"
    count "$work/$name"
    if [ $status != 0 ]; then
        cat "$work/$name/check.out"
        # A failure that no test reports: of the compiler, or of time.
        if [ "$f" = 0 ]; then
            say_failed "$name: make check ended with status $status"
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
        say_failed "$name"
        result=FAILED
    fi
    echo "== $name: $result, $(($(date +%s) - start)) s"
}

# A test does one in $1 of what it does again and again, and leaves out what takes long.
shorter() {
    SPLINTER_TEST_SHORT=1
    SPLINTER_TEST_DIVISOR=$1
    SPLINTER_TEST_SCRIPTS=$((1000 / $1))
    export SPLINTER_TEST_SHORT SPLINTER_TEST_DIVISOR SPLINTER_TEST_SCRIPTS
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
    tree=$work/gcc
    if [ -d "$work/stages/gcc" ]; then
        until [ -e "$work/stages/gcc/ended" ]; do sleep 1; done
    else
        tree=$work/memcheck
        mkdir "$tree" && cd "$tree" && ../src/configure CC=gcc && make -j"$jobs" || return 1
    fi
    # shellcheck disable=SC2086 # a list
    cd "$tree" && make -j"$jobs" $tests || return 1
    result=0
    for t in $tests; do
        echo "$t"
        CK_FORK=no CK_TIMEOUT_MULTIPLIER=20 SPLINTER_TEST_DIVISOR=20 timeout 600 \
            ./libtool --mode=execute valgrind -q --fair-sched=yes --error-exitcode=9 \
            --leak-check=no "$t" >valgrind.out 2>&1 || {
            status=$?
            [ $status = 124 ] && echo "$t took longer than 600 s" >>valgrind.out
            result=1
        }
        cat valgrind.out
        grep -q '^not ok' valgrind.out && result=1
        grep -q '^ok' valgrind.out || result=1
    done
    return $result
}

fuzz() {
    timeout 600 sh "$work/src/tests/fuzz/run.sh" 60
}

# The table is worth its lines when all is well, too.
coverage() {
    stage coverage timeout 2400 sh "$work/src/tests/coverage/run.sh" "$work/coverage"
    if [ "$result" = passed ]; then
        cat "$work/coverage.out"
    else
        name_failed_in "$work/coverage"
    fi
}

distcheck() {
    mkdir -p "$work/dist" && cd "$work/dist" || return 1
    shorter 10
    # What is compiled does the same as in the stage gcc, and the packages run all tests of the
    # tarball.
    scripts=$(cd ../src && echo tests/abi/test_*.sh tests/install/*.sh tests/man/*.sh \
        tests/source/*.sh)
    ../src/configure CC=gcc &&
        timeout 1800 make -j"$jobs" distcheck VERBOSE=1 \
            TESTS="tests/unit/test_verbs tests/unit/test_verbs_p $scripts"
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
    shorter 8
    name=foreign
    timeout 2400 sh tests/foreign/run.sh -d "$work/foreign"
    status=$?
    count "$work/foreign"
    if [ $status != 0 ] && [ "$f" = 0 ]; then
        say_failed "foreign: tests/foreign/run.sh ended with status $status"
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
    if [ $status = 0 ]; then
        grep -E '# SKIP|^# |^ok .* s\)$' "$work/$name.out"
    else
        cat "$work/$name.out"
    fi
    sed -n "s/^not ok/failed: $name:/p" "$work/$name.out" >>"$work/failures"
    [ $status != 0 ] && [ "$f" = 0 ] && say_failed "$name: ended with status $status"
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    echo "== $name: $p passed, $f failed, $s skipped, $(($(date +%s) - start)) s"
}

if ! sh ./autogen.sh >"$work/autogen.out" 2>&1; then
    cat "$work/autogen.out"
    echo
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi

run_stage() {
    # Nobody looks for a program while it is being installed: these two use what there is.
    case $1 in
        tsan | fuzz) ;;
        *) until [ -e "$work/installed" ]; do sleep 1; done ;;
    esac
    if [ -e "$work/lacking.$1" ]; then
        echo
        echo "== $1: what it needs cannot be installed"
        say_failed "$1: what it needs cannot be installed"
        return
    fi
    case $1 in
        gcc) configuration gcc CC=gcc ;;
        clang)
            shorter 8
            without=tree_tests
            configuration clang CC=clang --enable-sanitizer=address,undefined ;;
        tsan) under_tsan ;;
        valgrind) stage valgrind under_valgrind ;;
        fuzz) stage fuzz fuzz ;;
        coverage) coverage ;;
        distcheck) stage distcheck distcheck ;;
        # They have no configuration, so they run once.
        model) tap model env CC=gcc timeout 1800 sh tests/model/run.sh ;;
        relacy) tap relacy env CXX=g++ timeout 600 sh tests/relacy/run.sh ;;
        foreign) foreign ;;
        configure) tap configure timeout 1800 sh tests/configure/run.sh ;;
        packages)
            shorter 10
            tap packages timeout 2400 sh tests/packages/run.sh ci ;;
    esac
}

# Runs each stage that no other worker has taken, and prints its name when it has ended.
worker() {
    for this in $stages; do
        mkdir "$work/stages/$this" 2>/dev/null || continue
        (
            began=$(date +%s)
            run_stage "$this"
            echo $passed $failed $skipped $(($(date +%s) - began)) >"$work/stages/$this/counts"
        ) >"$work/stages/$this/out" 2>&1
        touch "$work/stages/$this/ended"
        echo "$this"
    done
    echo end
}

mkdir "$work/stages" && mkfifo "$work/ends" && exec 3<>"$work/ends" || exit 1
install_for_stages 3<&- &
times=
running=0
while [ $running -lt "$at_a_time" ]; do
    worker >&3 3<&- &
    running=$((running + 1))
done
while [ $running -gt 0 ] && read -r this <&3; do
    if [ "$this" = end ]; then
        running=$((running - 1))
        continue
    fi
    cat "$work/stages/$this/out"
    if read -r p f s seconds <"$work/stages/$this/counts"; then
        times="$times $this $seconds s$([ "$f" = 0 ] || echo " ($f failed)"),"
        passed=$((passed + p))
        failed=$((failed + f))
        skipped=$((skipped + s))
    else
        say_failed "$this: no result"
    fi
done

echo
[ ! -e "$work/failures" ] || cat "$work/failures"
echo "stages, in the order of their ends:${times%,}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
