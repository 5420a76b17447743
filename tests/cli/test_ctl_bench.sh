#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl bench: there are figures, and nothing is left
. "$(dirname "$0")/lib.sh"

json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }
# As a person sees a duration, and a number; both are more than 0.
time='[0-9.]*[1-9][0-9.]* \(ns\|microseconds\|milliseconds\)'
many='[0-9.]*[1-9][0-9.]*\( thousand\| million\)\{0,1\}'

run "$ctl" bench --seconds 1
ok 'status 0, and no word on standard error' eval 'is_status 0 && silent'
for line in "get        $time each: $many a second in one process" \
    "set        $time each: $many a second in one process" \
    "processes  [1-9][0-9]*, one of which sets: $many gets and $many sets a second" \
    "wake-up    $time from a set until a process that slept has it; 99 of 100 in $time" \
    "topic      $many messages a second to another process" \
    "queue      $many items a second to another process, which acknowledges each" \
    "feed       $many changes a second are told to another process"; do
    ok "${line%% *}: in words" grep -qx "$line" "$T/out"
done
ok 'nothing else' [ "$(wc -l <"$T/out")" = 7 ]
mkdir "$T/d"
run "$ctl" bench --seconds 1 --in "$T/d"
ok 'in a file: how long a set takes to disk' \
    eval 'is_status 0 && grep -qx "sync       $time until a set is on disk" "$T/out"'
ok 'and the file is gone' [ -z "$(ls "$T/d")" ]
if json; then
    run "$ctl" --json bench --seconds 1
    ok '--json: one object' \
        eval 'is_status 0 && grep -q "^{\"schema\":1,\"where\":\"memory\",.*}\$" "$T/out"'
    for member in get_ns set_ns processes gets_per_second sets_per_second wake_p50_ns wake_p99_ns \
        topic_per_second queue_per_second feed_per_second; do
        ok "--json: $member" grep -q "\"$member\":[1-9]" "$T/out"
    done
    ok '--json: what does not apply is null' grep -q '"sync_ns":null' "$T/out"
fi

# With a bus that is open, twice.
run "$ctl" -b "$BUS" create
printf 'set k v\nbench --seconds 0.5\nbench --seconds 0.5\nget k\n' >"$T/in"
run "$ctl" -b "$BUS" exec "$T/in"
ok 'among other commands' \
    eval 'is_status 0 && [ "$(grep -c ^feed "$T/out")" = 2 ] && grep -q "v\$" "$T/out"'
run "$ctl" -b "$BUS" list
ok 'whose bus it leaves alone' printed 'k\n'

# ---- it is stopped

# children PID
children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
has_children() { [ -n "$(children "$1")" ] || [ ! -e "/proc/$1" ]; }
gone() {
    for child in $1; do
        [ ! -e "/proc/$child/exe" ] || return 1 # one that nobody has waited for has none
    done
}
for signal in INT TERM HUP KILL; do
    start "$ctl" bench --seconds 600 --in "$T/d"
    eventually [ -s "$T/bg.pid" ]
    bench=$(cat "$T/bg.pid")
    eventually eval 'find "/proc/$bench/fd" -lname "$T/d/*" 2>/dev/null | grep -q . ||
        [ ! -e "/proc/$bench" ]'
    signal_it "$signal"
    ended
    ok "SIG$signal ends it" eval '[ "$status" -gt 128 ]'
    ok 'and no file is left' [ -z "$(ls "$T/d")" ]
done
start "$ctl" bench --seconds 2
eventually [ -s "$T/bg.pid" ]
bench=$(cat "$T/bg.pid")
eventually has_children "$bench"
workers=$(children "$bench")
signal_it KILL
ended
ok 'nor a process of it' eventually gone "$workers"
ok 'nor anything in /dev/shm' eval '! find /dev/shm -name "*bench*" | grep -q .'

# ---- bad input

for bad in 0 -1 x '' 0.05 601 1.2345; do
    run "$ctl" bench --seconds="$bad"
    ok "--seconds='$bad' is refused" says 2 "--seconds: '$bad' is not allowed"
done
run "$ctl" bench --in "$T/none"
ok 'a folder that is not there' says 1 "cannot make a bus to measure: "
ok '... is named' grep -q "$T/none" "$T/err"
run "$ctl" bench --in ''
ok 'an empty name of a folder' says 2 "--in: the name of a folder cannot be empty"
: >"$T/file"
run "$ctl" bench --in "$T/file"
ok 'a file that is no folder' says 1 "cannot make a bus to measure: "

finish
