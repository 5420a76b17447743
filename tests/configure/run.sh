#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh - what configure says if something is missing or wrong: each time one sentence, with the
# thing's name and what to do.  TAP; a part of tests/setup-and-test.sh, not of make check, because
# each line is a run of configure.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
unset CC CXX CFLAGS CPPFLAGS LDFLAGS CONFIG_SITE PKG_CONFIG PKG_CONFIG_PATH
unset MAKEFLAGS MFLAGS MAKELEVEL
LC_ALL=C
export LC_ALL
[ -x "$top/configure" ] || {
    echo '1..0 # SKIP there is no configure; autogen.sh makes it'
    exit 0
}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-configure.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

n=0
failed=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        failed=$((failed + 1))
        tail -n 15 "$tmp/out" | sed 's/^/# /'
        echo "not ok $n - $2"
    fi
}

# refuses NAME SENTENCE ARGUMENT...: configure fails, and its error is one line with the sentence.
refuses() {
    name=$1
    sentence=$2
    shift 2
    rm -rf "$tmp/build"
    mkdir "$tmp/build"
    (cd "$tmp/build" && timeout 300 "$top/configure" "$@") >"$tmp/out" 2>&1
    status=$?
    # Autoconf's own errors begin with a line that says where.
    grep '^configure: error:' "$tmp/out" | grep -v 'error: in .*:$' >"$tmp/error"
    [ $status != 0 ] && [ "$(wc -l <"$tmp/error")" = 1 ] && grep -qF -- "$sentence" "$tmp/error"
    result $? "$name"
}

# takes NAME LINE ARGUMENT...: configure succeeds, and its summary has the line.
takes() {
    name=$1
    line=$2
    shift 2
    rm -rf "$tmp/build"
    mkdir "$tmp/build"
    (cd "$tmp/build" && timeout 300 "$top/configure" "$@") >"$tmp/out" 2>&1 &&
        sed 's/  */ /g' "$tmp/out" | grep -qF -- "$line"
    result $? "$name"
}

# A compiler that is like the one here but for one thing.
compiler() { # NAME ARGUMENTS
    printf '#!/bin/sh\nexec cc "$@" %s\n' "$2" >"$tmp/$1"
    chmod +x "$tmp/$1"
}
compiler old '-std=c89 -pedantic-errors'
compiler no-atomics "-D'__atomic_always_lock_free(size,p)=0'"
# Headers that are not there: found first, they stop the compiler.
broken() { # HEADER
    mkdir -p "$tmp/no-$(basename "$1")/$(dirname "$1")"
    echo '#error not here' >"$tmp/no-$(basename "$1")/$1"
}
broken xxhash.h
broken linux/futex.h

refuses 'a machine without lock-free 64-bit atomics' 'has no lock-free 64-bit atomics' \
    CC="$tmp/no-atomics"
refuses 'a compiler without C11' "the compiler $tmp/old does not compile C11" CC="$tmp/old"
refuses 'no compiler' 'compiler cannot create executables' CC=no-such-compiler
refuses 'a cross build without a cross compiler' 'needs a compiler for it, and' \
    --host=riscv32-unknown-linux-gnu CC=cc
refuses 'no xxhash.h' 'on Debian: apt-get install libxxhash-dev' CPPFLAGS="-I$tmp/no-xxhash.h"
refuses 'no Linux' 'splinter needs Linux' CPPFLAGS="-I$tmp/no-futex.h"
refuses '--enable-sanitizer without a list' '--enable-sanitizer needs a list' --enable-sanitizer
refuses 'a sanitizer that is none' 'cannot link with -fsanitize=nonsense' \
    --enable-sanitizer=nonsense
refuses 'a relative folder for completions' 'takes an absolute path, or no' \
    --with-bash-completion-dir=here
PKG_CONFIG_LIBDIR=$tmp/nothing
export PKG_CONFIG_LIBDIR
refuses 'tests of an installed library that is not installed' \
    'needs the pkg-config modules splinter and splinter_p' --enable-check-installed
takes 'no Check and no pkg-config modules: the unit tests are skipped' \
    'unit tests skipped: Check 0.11 or later was not found; on Debian: apt-get install check'
# Said again by make check, where no unit test runs.
no_check() {
    # As a test, not only as a file of the tarball.
    grep -q '^am__append_[0-9]* = tests/unit/no_check\.sh' "$tmp/build/Makefile" &&
        sh "$top/tests/unit/no_check.sh" >"$tmp/out" 2>&1 && grep -q 'SKIP.*Check' "$tmp/out"
}
no_check
result $? 'make check says that it skips them'
takes 'no jansson: splinterctl without --json' 'JSON of splinterctl no: jansson 2.11 or later'
takes '--without-jansson' 'JSON of splinterctl no: --without-jansson' --without-jansson
refuses '--with-jansson, and there is none' 'jansson 2.11 or later was not found' --with-jansson
for what in 'libedit 3.1:its prompt:libedit-dev' 'ncurses 6.0:its full screen:libncurses-dev'; do
    library=${what%% *}
    says=${what#*:}
    takes "no $library: splinterctl without ${says%:*}" \
        "${says%:*} no: ${what%%:*} or later was not found; on Debian: apt-get install ${what##*:}"
    takes "--without-$library" "${says%:*} no: --without-$library" "--without-$library"
    refuses "--with-$library, and there is none" "${what%%:*} or later was not found" \
        "--with-$library"
done
# What pkg-config finds in a cross build without the other machine's Check.
mkdir "$tmp/pc"
cat >"$tmp/pc/check.pc" <<'END'
Name: check
Description: of another machine
Version: 0.15
Libs: -lcheck_of_another_machine
END
PKG_CONFIG_LIBDIR=$tmp/pc
takes 'a Check that does not link: the unit tests are skipped' \
    'unit tests skipped: the Check that was found does not link for'
no_check
result $? 'and make check says so'
unset PKG_CONFIG_LIBDIR
cross=
for triplet in aarch64-linux-gnu s390x-linux-gnu arm-linux-gnueabihf i686-linux-gnu; do
    [ "$(cc -dumpmachine 2>/dev/null)" != $triplet ] || continue
    echo 'int main(void) { return 0; }' >"$tmp/t.c"
    $triplet-gcc -o "$tmp/t" "$tmp/t.c" 2>/dev/null && cross=$triplet && break
done
if [ -n "$cross" ]; then
    # The same if the library is really another machine's.
    takes "a cross build for $cross: this machine's Check is not taken" 'unit tests skipped: ' \
        --host=$cross PKG_CONFIG=pkg-config
else
    n=$((n + 1))
    echo "ok $n - a cross build: this machine's Check is not taken" \
        "# SKIP there is no cross compiler"
fi
takes 'no mandoc: the pages are built, not linted' 'man page lint no: mandoc was not found' \
    ac_cv_prog_MANDOC=
(cd "$tmp/build" && make man/splinter_set.3 man/splinter.7) >"$tmp/out" 2>&1 &&
    [ -s "$tmp/build/man/splinter.7" ]
result $? 'and they are there without it'
takes 'no completions' 'bash completions no' --with-bash-completion-dir=no
takes 'a folder for those of zsh' 'zsh completion /some/where' --with-zsh-completion-dir=/some/where
takes 'no completion for fish' 'fish completion no' --with-fish-completion-dir=no

echo "1..$n"
[ $failed = 0 ]
