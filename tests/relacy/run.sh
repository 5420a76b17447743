#!/bin/sh
# The memory orders of the protocols, checked by Relacy.  TAP; needs Relacy and a C++ compiler, else
# exit 77.  The search is random, but with fixed seeds: each run of this does the same.
#
#   run.sh                   all models: clean as the library does it, and each order left out shows
#   run.sh MODEL             one model (-l lists them)
#   run.sh MODEL ORDER...    the model without each of these orders, and the run that fails
#
# CXX: the compiler (c++)
here=$(cd "$(dirname "$0")" && pwd) || exit 1
CXX=${CXX:-c++}
case ${1-} in
    -l) exec sed -n 's/^MODEL(\([a-z]*\),.*/\1/p' "$here"/*.hpp ;;
    -*) sed -n '5,7s/^#   //p' "$0"; exit 2 ;;
esac
# shellcheck disable=SC2086 # the compiler may have arguments
if ! command -v ${CXX%% *} >/dev/null; then
    echo "1..0 # SKIP the compiler $CXX was not found"
    exit 77
fi
# shellcheck disable=SC2086 # the compiler may have arguments
if ! echo '#include <relacy/relacy.hpp>' | $CXX -E -x c++ - >/dev/null 2>&1; then
    echo '1..0 # SKIP Relacy was not found (relacy/relacy.hpp)'
    exit 77
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-relacy.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# Relacy is of 2013, and has macros for new and delete: warnings about it tell nothing.  To optimize
# takes longer than all runs.
# shellcheck disable=SC2086 # the compiler may have arguments
if ! $CXX -std=c++11 -O0 -w -o "$tmp/models" "$here/main.cpp" >"$tmp/out" 2>&1; then
    sed 's/^/# /' "$tmp/out"
    echo 'not ok 1 - the models compile'
    echo '1..1'
    exit 1
fi
"$tmp/models" "$@"
