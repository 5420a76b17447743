#!/bin/sh
# Which lines and branches of lib/ and tools/ the tests go through:
#
#   sh tests/coverage/run.sh [FOLDER]       or: make coverage
#
# Builds with gcc --coverage, runs the tests below tests/unit, crash, stress, fuzz and cli, and the
# one that makes each error happen, shorter if they can be, and prints a table by file.  The build
# is in FOLDER, which stays, so that gcov and gcovr can be asked for more; without FOLDER it is made
# and removed.
#
#   COVERAGE_MISSED=yes   also prints the lines with a branch that was not taken
#   COVERAGE_TESTS=...    an extended regular expression: only the tests whose names match
#
# Exit status: 0 if every test passed and lib/ reaches the floor, which is in tests/coverage/floor;
# 1 if not; 77 if gcc, gcovr or configure is missing.
set -u
src=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL CC CXX CFLAGS CPPFLAGS LDFLAGS LIBS DESTDIR GCOV_PREFIX
jobs=$(nproc 2>/dev/null || echo 1)
which_tests=${COVERAGE_TESTS:-^tests/((unit|crash|stress|fuzz|cli)/|man/test_errors)}

lacks() {
    echo "run.sh: $1" >&2
    exit 77
}
command -v gcc >/dev/null || lacks 'gcc was not found; on Debian: apt-get install gcc'
command -v gcovr >/dev/null || lacks 'gcovr was not found; on Debian: apt-get install gcovr'
[ -x "$src/configure" ] || lacks 'there is no configure; run ./autogen.sh first'
[ ! -f "$src/config.status" ] ||
    lacks "$src is configured in place; run make distclean there first"

if [ $# -gt 0 ]; then
    mkdir -p "$1" || exit 1
    dir=$(cd "$1" && pwd) || exit 1
else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/splinter-coverage.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
fi
cd "$dir" || exit 1

# ---- build ------------------------------------------------------------------

# -O0, for then a branch of the program is one of the source.  Nothing is inlined (the macro takes
# the attribute away): else each place that a function is copied to has branches of its own.
# Static, for each shared library keeps its counts where at_end.c, which is in the program, does not
# reach them.  Counts are atomic, for tests have threads.  fork() is not the builtin, of which gcc
# makes one whose child forgets what it did in handlers of pthread_atfork().
if [ ! -f Makefile ]; then
    gcc -O2 -Wall -D_GNU_SOURCE -c "$src/tests/coverage/at_end.c" -o at_end.o || exit 1
    "$src/configure" --disable-shared CC=gcc LDFLAGS="-Wl,$dir/at_end.o" \
        CFLAGS='-g -O0 --coverage -fprofile-update=atomic -fprofile-abs-path -fno-builtin-fork' \
        CPPFLAGS='-Dalways_inline=unused' >configure.out 2>&1 || {
        cat configure.out
        exit 1
    }
    rm -f ./*conftest*.gc*
fi
make -j"$jobs" >build.out 2>&1 || {
    cat build.out
    exit 1
}

# ---- run --------------------------------------------------------------------

tests=$(make -s coverage-tests | grep -E "$which_tests")
# shellcheck disable=SC2086 # a list
tests=$(echo $tests)
programs=$(make -s coverage-helpers)
for t in $tests; do
    case $t in
    */test_errors.sh) programs="$programs tests/crash/test_listed tests/crash/test_listed_p" ;;
    *.sh) ;;
    *) programs="$programs $t" ;;
    esac
done
find . -name '*.gcda' -exec rm -f {} +
export SPLINTER_TEST_SHORT=1 SPLINTER_TEST_DIVISOR=10 SPLINTER_TEST_SCRIPTS=100
timeout 1800 make -k -j"$jobs" check VERBOSE=1 "TESTS=$tests" "check_PROGRAMS=$programs" \
    >check.out 2>&1
tests_status=$?
if [ $tests_status != 0 ]; then
    cat check.out
    echo "run.sh: a test failed"
fi

# ---- look -------------------------------------------------------------------

# Several objects are made of one source, with and without its fault points; gcovr adds them up.
# Branches that nobody can take are left out: those that gcc makes of its own on lines without code,
# and the ways out of a call by an exception, which C does not have.  A process that ends while its
# other threads go on writes counts that do not agree with each other, and gcov works out negative
# ones from them: such a line is passed over, for that object.
look() {
    gcovr --root "$src" --object-directory "$dir" --filter "$src/lib/" --filter "$src/tools/" \
        --exclude-unreachable-branches --exclude-throw-branches --gcov-ignore-parse-errors \
        "$@" "$dir"
}
look --csv -o table.csv >gcovr.out 2>&1 || {
    cat gcovr.out
    exit 1
}
if [ "${COVERAGE_MISSED:-}" = yes ]; then
    look --branches
    look
fi
awk -F, -v floor_file="$src/tests/coverage/floor" '
    function percent(part, all) { return all ? 100 * part / all : 100 }
    function row(name, l, lines, b, branches) {
        printf "%-28s %6d %6.1f%% %8d %6.1f%%\n", name, lines, percent(l, lines), branches,
            percent(b, branches)
    }
    BEGIN {
        while ((getline line < floor_file) > 0)
            if (split(line, word, " ") == 2 && word[1] != "#")
                floor[word[1]] = word[2]
        printf "%-28s %6s %7s %8s %7s\n", "", "lines", "run", "branches", "taken"
    }
    NR > 1 {
        row($1, $3, $2, $6, $5)
        split($1, part, "/")
        lines[part[1]] += $2; l[part[1]] += $3; branches[part[1]] += $5; b[part[1]] += $6
    }
    END {
        row("lib/", l["lib"], lines["lib"], b["lib"], branches["lib"])
        row("tools/", l["tools"], lines["tools"], b["tools"], branches["tools"])
        low = 0
        if (percent(l["lib"], lines["lib"]) < floor["lines"]) {
            print "lib/: fewer lines are run than the floor, " floor["lines"] "%"
            low = 1
        }
        if (percent(b["lib"], branches["lib"]) < floor["branches"]) {
            print "lib/: fewer branches are taken than the floor, " floor["branches"] "%"
            low = 1
        }
        exit low || !("lines" in floor) || !("branches" in floor)
    }' table.csv || exit 1
[ $tests_status = 0 ]
