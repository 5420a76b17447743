#!/bin/sh
# The models of the protocols, checked by spin.  TAP; needs spin and a C compiler, else exit 77.
#
#   run.sh                 what CI runs: small bounds, and the seeded bugs that must be found
#   run.sh --large         large bounds: an hour or more, 8 GB
#   run.sh -l              lists the cases
#   run.sh PATTERN...      the cases, of any size, whose name contains a pattern
#   run.sh -t PATTERN...   shows for each, if there is one, the run that leads to the error
#
# SPLINTER_MODEL_MEMORY: MB for one search (900, with --large or a pattern 8000)
# SPLINTER_MODEL_JOBS: searches at a time (2, with --large 1)
here=$(cd "$(dirname "$0")" && pwd) || exit 1
trail=no
size=small
patterns=
usage() { sed -n '4,8s/^#   //p' "$0"; }
while [ $# -gt 0 ]; do
    case $1 in
        --large) size=large ;;
        -l) grep '|' "$here/cases" | sed '/^#/d; s/ *|/|/g'; exit 0 ;;
        -t) trail=yes ;;
        -h | --help) usage; exit 0 ;;
        -*) echo "run.sh: there is no option '$1'" >&2; usage >&2; exit 2 ;;
        *) patterns="$patterns$1
" ;;
    esac
    shift
done

CC=${CC:-cc}
# shellcheck disable=SC2086 # the compiler may have arguments
if ! command -v spin >/dev/null; then
    echo '1..0 # SKIP spin was not found'
    exit 77
elif ! command -v ${CC%% *} >/dev/null; then
    echo "1..0 # SKIP the compiler $CC was not found"
    exit 77
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-model.XXXXXX") || exit 1
workers=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    # A search first: the shell that waits for it would outlive it no longer than that.
    for w in "$tmp"/*.pid; do [ -s "$w" ] && kill "$(cat "$w")" 2>/dev/null; done
    for w in $workers; do kill "$w" 2>/dev/null; done
    wait
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# ---- which cases ------------------------------------------------------------

sed '/^#/d; /^$/d; s/ *| */|/g' "$here/cases" >"$tmp/all"
if [ -n "$patterns" ]; then
    printf %s "$patterns" >"$tmp/patterns"
    cut -d'|' -f1 "$tmp/all" | grep -nF -f "$tmp/patterns" | sed 's/:.*//' >"$tmp/lines"
    while read -r line; do sed -n "${line}p" "$tmp/all"; done <"$tmp/lines" >"$tmp/chosen"
    [ -s "$tmp/chosen" ] || { echo "run.sh: no case is named so; -l lists them" >&2; exit 2; }
elif [ $size = large ]; then
    grep '|large|' "$tmp/all" >"$tmp/chosen"
else
    grep '|small|\||seed|' "$tmp/all" >"$tmp/chosen"
fi
memory=900
jobs=2
details=no
if [ $size = large ] || [ -n "$patterns" ]; then memory=8000 jobs=1 details=yes; fi
memory=${SPLINTER_MODEL_MEMORY:-$memory}
jobs=${SPLINTER_MODEL_JOBS:-$jobs}

# ---- one case -----------------------------------------------------------------

# Prints nothing; leaves $tmp/N.result, "ok" or "not ok" and the name, and $tmp/N.why.
one() { # number, line
    IFS='|' read -r name kind model defs expected <<EOF
$2
EOF
    dir=$tmp/$1.dir
    why=$tmp/$1.why
    mkdir "$dir" && cd "$dir" || return
    # A seeded bug is found in less time than it takes to compile well.
    case $kind in seed) optimize=-O0 ;; small) optimize=-O1 ;; *) optimize=-O2 ;; esac
    # SAFETY: assertions and invalid end states, no liveness cycles.
    # shellcheck disable=SC2086 # lists
    if ! spin $defs -a "$here/$model.pml" >"$why" 2>&1 ||
        ! $CC $optimize -w -DSAFETY -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c >>"$why" 2>&1; then
        echo "not ok @ - $name" >"$tmp/$1.result"
        return
    fi
    ./pan -m100000 >out 2>&1 &
    pan=$!
    echo $pan >"$tmp/$1.pid"
    wait $pan
    rm -f "$tmp/$1.pid"
    errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' out)
    found='what it found is not clear'
    if grep -q 'assertion violated\|invalid end state' out && [ "${errors:-0}" -gt 0 ]; then
        found='a bug'
    elif [ "$errors" = 0 ] &&
        ! grep -q 'Search not completed\|max search depth\|out of memory' out; then
        found=nothing
    fi
    {
        echo "$model.pml $defs: has to find $expected, found $found"
        grep -e 'assertion violated' -e 'invalid end state (' -e 'states, stored' \
            -e 'Search not' -e 'total actual' -e 'elapsed' out
    } >"$why" 2>&1
    # shellcheck disable=SC2086 # a list
    [ $trail = yes ] && [ -f "$model.pml.trail" ] &&
        spin $defs -k "$model.pml.trail" -p -g "$here/$model.pml" >>"$why" 2>&1
    if [ "$found" = "$expected" ]; then
        echo "ok @ - $name" >"$tmp/$1.result"
    else
        echo "not ok @ - $name" >"$tmp/$1.result"
    fi
    cd / && rm -rf "$dir"
}

worker() { # its number
    n=0
    while read -r line; do
        [ $((n % jobs)) = "$1" ] && one $n "$line"
        n=$((n + 1))
    done <"$tmp/chosen"
}

w=0
while [ $w -lt "$jobs" ]; do
    worker $w &
    workers="$workers $!"
    w=$((w + 1))
done

# ---- results, in order, as they come -------------------------------------------

total=$(wc -l <"$tmp/chosen")
failed=0
n=0
while [ $n -lt "$total" ]; do
    while [ ! -s "$tmp/$n.result" ]; do
        alive=no
        for w in $workers; do kill -0 "$w" 2>/dev/null && alive=yes; done
        if [ $alive = no ] && [ ! -s "$tmp/$n.result" ]; then
            echo "not ok @ - case $n: no result" >"$tmp/$n.result"
        fi
        sleep 0.2
    done
    case $(cat "$tmp/$n.result") in not*) failed=1 verbose=yes ;; *) verbose=$details ;; esac
    [ $verbose = yes ] && sed 's/^/# /' "$tmp/$n.why" 2>/dev/null
    sed "s/@/$((n + 1))/" "$tmp/$n.result"
    n=$((n + 1))
done
workers=
echo "1..$((total))"
exit $failed
