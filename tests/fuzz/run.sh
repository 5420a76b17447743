#!/bin/sh
# Fuzz the library with stores whose bytes are anybody's (script.h says how):
#
#   sh tests/fuzz/run.sh [SECONDS [FOLDER]]      or: make fuzz FUZZ_SECONDS=3600
#
# Builds with clang, libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, makes the seeds,
# and fuzzes. FOLDER keeps what was learnt (corpus) for the next run, and the inputs that were too
# much (crash-*, timeout-*); without it a folder is made and removed. To repeat one of them:
#
#   FOLDER/fuzz_image FOLDER/crash-...
#
# FUZZ_JOBS processes work at once (1). CONFIG_DIR is where config.h is (made up if there is none).
# Exit status: 0 nothing was found, 1 something was, 77 clang or libFuzzer is missing.
set -u
src=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
seconds=${1:-60}
keep=${2:-}
jobs=${FUZZ_JOBS:-1}
CC=${FUZZ_CC:-clang}

case $seconds in
    '' | *[!0-9]*)
        echo "run.sh: '$seconds' is no number of seconds" >&2
        exit 2 ;;
esac
if [ -n "$keep" ]; then
    mkdir -p "$keep" || exit 1
    dir=$(cd "$keep" && pwd) || exit 1
else
    dir=$(mktemp -d "${TMPDIR:-/tmp}/splinter-fuzz.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
fi

sanitize=-fsanitize=address,undefined
cat >"$dir/try.c" <<'END'
int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n);
int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n > 9; }
END
if ! "$CC" $sanitize -fsanitize=fuzzer -o "$dir/try" "$dir/try.c" 2>/dev/null; then
    echo "run.sh: $CC does not build with -fsanitize=fuzzer;" \
        'on Debian: apt-get install clang libclang-rt-*-dev' >&2
    exit 77
fi
rm -f "$dir/try" "$dir/try.c"

if [ -z "${CONFIG_DIR:-}" ]; then
    CONFIG_DIR=$dir
    echo '#define PACKAGE_VERSION "0"' >"$dir/config.h"
fi

set --
for c in "$src"/lib/*.c; do
    case $c in */backing_shm.c) ;; *) set -- "$@" "$c" ;; esac
done
for c in calls image script watch; do
    set -- "$@" "$src/tests/fuzz/$c.c"
done
flags="-g -O1 -std=gnu11 -pthread -fno-omit-frame-pointer -fno-sanitize-recover=all $sanitize"
build() { # output, further arguments: the sources
    out=$1
    shift
    # shellcheck disable=SC2086 # a list
    "$CC" $flags -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I"$CONFIG_DIR" -I"$src/include" \
        -I"$src/lib" -I"$src/tests/fuzz" -include "$src/tests/fuzz/watch.h" -o "$out" "$@" || exit 1
}
build "$dir/make_corpus" "$src/tests/fuzz/make_corpus.c" "$src/tests/fuzz/corpus.c" "$@"
flags="$flags -fsanitize=fuzzer"
build "$dir/fuzz_image" "$src/tests/fuzz/fuzz_image.c" "$@"

mkdir -p "$dir/corpus" "$dir/seeds" || exit 1
"$dir/make_corpus" "$dir/seeds" || exit 1
cd "$dir" || exit 1
many=
[ "$jobs" = 1 ] || many="-jobs=$jobs -workers=$jobs"
# shellcheck disable=SC2086 # a list
./fuzz_image -max_total_time="$seconds" -max_len=300 -timeout=30 -print_final_stats=1 -verbosity=1 \
    -reload=1 $many corpus seeds >fuzz.log 2>&1
status=$?
grep -E '^(# |stat::|==|SUMMARY|artifact|Base64|[^#]*runtime error)' fuzz.log
if [ $status != 0 ]; then
    tail -n 60 fuzz.log
    exit 1
fi
