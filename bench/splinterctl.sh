#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl.sh - how fast splinterctl is with many small records
#
#     sh bench/splinterctl.sh [--keys N] [--rounds N] [--dir DIR] [--json] [SPLINTERCTL]
#
# Fills a bus in memory with N keys (1000000) by exec, lists it, dumps it, restores the dump into
# another bus, and makes a snapshot in DIR (a new folder in $TMPDIR), which cp copies after that.
# Each round (3) does all of this once, and a figure is the median of the rounds.
#
# Prints a line for each figure, with the aim, or with --json an object.  Exit status: 0 if all was
# measured, 1 if something failed, 2 for wrong arguments.
set -u
LC_ALL=C
export LC_ALL
keys=1000000
rounds=3
dir=${TMPDIR:-/tmp}
json=no

wrong() {
    echo "splinterctl.sh: $*" >&2
    exit 2
}
number() { # OPTION VALUE
    case $2 in
        '' | *[!0-9]* | 0*) wrong "$1: '$2' is not allowed; it takes a whole number from 1 on" ;;
    esac
}
while [ $# -gt 0 ]; do
    case $1 in
        --keys | --rounds | --dir)
            [ $# -gt 1 ] || wrong "$1 needs an argument"
            case $1 in
                --keys) number "$1" "$2" && keys=$2 ;;
                --rounds) number "$1" "$2" && rounds=$2 ;;
                --dir) dir=$2 ;;
            esac
            shift ;;
        --json) json=yes ;;
        --help)
            sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0"
            exit 0 ;;
        -*) wrong "unknown option '$1'; allowed are --keys, --rounds, --dir, --json and --help" ;;
        *) break ;;
    esac
    shift
done
[ $# -le 1 ] || wrong "too many arguments: it takes the path of splinterctl"
ctl=${1:-splinterctl}
command -v "$ctl" >/dev/null || wrong "there is no program '$ctl'"
[ -d "$dir" ] || wrong "--dir: '$dir' is no folder"

bus=splinter_bench.$$
work=$(mktemp -d "$dir/splinter-bench.XXXXXX") || exit 1
clean_up() {
    for name in $bus $bus.restored; do
        "$ctl" -b $name destroy --force 2>/dev/null
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

progress() {
    [ ! -t 2 ] || printf '\r\033[K%s' "${1:+round $round of $rounds: $1 ...}" >&2
}

# timed FIGURE COMMAND...: adds the seconds that it took to the file of the figure.
timed() {
    figure=$1
    shift
    progress "$figure"
    begin=$(date +%s%N)
    "$@" || {
        progress ''
        echo "splinterctl.sh: $figure failed" >&2
        exit 1
    }
    end=$(date +%s%N)
    echo $((end - begin)) | awk '{ print $1 / 1e9 }' >>"$work/$figure.s"
}
median() { sort -n "$work/$1.s" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

list() { "$ctl" -b $bus list >"$work/list"; }
dump() { "$ctl" -b $bus dump >"$work/dump"; }
restore() { "$ctl" -b $bus.restored restore --create "$work/dump" >/dev/null; }
snapshot() { "$ctl" -b $bus snapshot "$work/snapshot"; }
copy() { cp "$work/snapshot" "$work/copy"; }
copy_to_disk() { cp "$work/snapshot" "$work/copy2" && sync "$work/copy2"; }
create() { "$ctl" -b $bus create --slots "$keys" --max-value 64; }

progress "$keys commands"
awk -v n="$keys" 'BEGIN { for (i = 1; i <= n; i++) printf "set key-%d value-%d\n", i, i }' \
    >"$work/commands"
round=0
while [ $((round += 1)) -le "$rounds" ]; do
    create || exit 1
    timed exec "$ctl" -b $bus exec "$work/commands"
    timed list list
    timed dump dump
    timed restore restore
    timed snapshot snapshot
    timed cp copy
    timed cp-and-sync copy_to_disk
    "$ctl" -b $bus destroy --force && "$ctl" -b $bus.restored destroy --force || exit 1
    rm -f "$work/snapshot" "$work/copy" "$work/copy2"
done
progress ''

# row NAME VALUE UNIT more|less AIM; without AIM it explains the one above.
row() {
    awk -v name="$1" -v value="$2" -v unit="$3" -v which="${4:-}" -v aim="${5:-}" -v json=$json '
        BEGIN {
            ok = which == "more" ? value + 0 >= aim + 0 : value + 0 <= aim + 0
            if (json == "yes")
                printf "{\"name\":\"%s\",\"value\":%s,\"unit\":\"%s\",\"aim\":%s,\"ok\":%s}\n",
                    name, value, unit, aim == "" ? "null" : aim,
                    aim == "" ? "null" : ok ? "true" : "false"
            else
                printf "%-34s %10s %-10s %s\n", name, value, unit, aim == "" ? "" :
                    sprintf("%s %-7s %s", which == "more" ? ">" : "<", aim, ok ? "ok" : "MISSED")
        }'
}
a_second() { awk -v n="$keys" -v s="$(median "$1")" 'BEGIN { printf "%d\n", n / s }'; }
row 'exec: set' "$(a_second exec)" 'lines/s' more 200000
row 'list' "$(median list)" s less 1
row 'dump' "$(a_second dump)" 'records/s' more 500000
row 'restore' "$(a_second restore)" 'records/s' more 500000
row 'snapshot, to cp of its file' \
    "$(awk -v a="$(median snapshot)" -v b="$(median cp)" 'BEGIN { printf "%.2f\n", a / b }')" \
    times less 2
row '  the snapshot, which is on disk' "$(median snapshot)" s
row '  cp' "$(median cp)" s
row '  cp and sync' "$(median cp-and-sync)" s
