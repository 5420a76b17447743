#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_perf, as a user runs it; and that its verification finds what is wrong
. "$(dirname "$0")/lib.sh"

common splinter_perf "$perf"

run "$perf" argument
ok 'an argument is refused' says 2 'only options'
run "$perf" --value-size=31
ok '--value-size=31 is refused' says 2 'from 32'
run "$perf" --readers=0
ok '--readers=0 is refused' says 2 'from 1'
run "$perf" --keys=0
ok '--keys=0 is refused' says 2 'from 1'
for bad in 0 -1 1. .5 1.2345 x ''; do
    run "$perf" --duration="$bad"
    ok "--duration='$bad' is refused" says 2 "--duration: '$bad' is not allowed"
done
run "$perf" --self-test=other
ok '--self-test=other is refused' says 2 'torn, stale or foreign'
for bad in 70000 x; do
    run "$perf" --feed=$bad
    ok "--feed=$bad is refused" \
        says 2 "--feed: '$bad' is not allowed; it takes a whole number from 0"
done

quick='--keys=500 --duration=0.2'
# shellcheck disable=SC2086 # $quick is a list
{
    run "$perf" $quick
    ok 'threads: a table, no integrity failures, status 0' \
        eval 'is_status 0 &&
            grep -q "^15 readers, 1 writer, as threads" "$T/out" &&
            grep -q "^integrity failures  0$" "$T/out"'
    ok 'no progress if standard error is no terminal' silent
    run "$perf" $quick --feed 64 --json
    ok '--feed: it says that there is one' grep -q '"feed":64,' "$T/out"
    run "$perf" $quick --processes --json
    ok '... and that there is none' grep -q '"feed":0,' "$T/out"
    ok 'processes: JSON, no integrity failures, status 0' \
        eval 'is_status 0 &&
            grep -q "^{.*\"workers\":\"processes\".*\"integrity_failures\":0,.*}$" "$T/out"'
    ok 'something was read and written' eval '! grep -q "\"operations\":0," "$T/out"'
    ok 'percentiles are there' grep -q '"p50_ns":[0-9]*,"p99_ns":[0-9]*,"p999_ns":[0-9]' "$T/out"
    # Where /proc is something else, a store without a name may not be possible.
    if unshare -rm true 2>/dev/null; then
        run unshare -rm sh -c 'mount -t tmpfs none /proc && exec "$0" --keys=1 --duration=0.001' \
            "$perf"
        ok 'without /proc: it works, or says why' \
            eval 'is_status 0 || says 1 "cannot make a store without a name:"'
    else
        skip 'without /proc: it works, or says why' 'there are no namespaces for users'
    fi
    run "$perf" $quick --no-writer --readers=2 --value-size=32
    ok 'without a writer' eval 'is_status 0 && grep -q "^2 readers, no writer" "$T/out"'
    run "$perf" $quick --readers=3 --value-size=5001 --keys=20
    ok 'values of an odd size' is_status 0
    run "$perf" $quick --readers=3 --feed=64
    ok 'a store with a feed' is_status 0
    run "$perf" $quick --readers=3 --keys=1
    ok 'one key' is_status 0

    for fault in torn stale foreign; do
        for mode in '' --processes; do
            run "$perf" $quick $mode --json --self-test=$fault
            ok "a reader's copy that is $fault is found, status 1 $mode" \
                eval 'is_status 1 && grep -q "\"$fault\":[1-9]" "$T/out"'
        done
    done
    run "$perf" $quick --no-writer --self-test=stale
    ok 'the table also names it' eval 'is_status 1 && grep -q "stale [1-9]" "$T/out"'

    for scenario in feed topic queue; do
        for mode in '' --processes; do
            run "$perf" $quick --readers=3 $mode --json --scenario=$scenario
            ok "$scenario: nothing is lost unnoticed, and nothing comes twice $mode" \
                eval 'is_status 0 && grep -q "\"scenario\":\"$scenario\"" "$T/out" &&
                    grep -q "\"integrity_failures\":0," "$T/out"'
            ok '... and something was sent and received' \
                eval '! grep -q "\"operations\":0," "$T/out"'
        done
        for fault in torn stale foreign; do
            run "$perf" $quick --readers=2 --json -S $scenario --self-test=$fault
            ok "$scenario: a reader's copy that is $fault is found" \
                eval 'is_status 1 && grep -q "\"$fault\":[1-9]" "$T/out"'
        done
        run "$perf" $quick --readers=2 -S $scenario
        ok "$scenario: as a table" eval 'is_status 0 && grep -q "a $scenario" "$T/out"'
        run "$perf" -S $scenario --no-writer
        ok "$scenario without a writer is refused" says 2 "'$scenario' needs a writer"
    done
    run "$perf" --scenario=other
    ok '--scenario=other is refused' says 2 'keys, feed, topic or queue'
    run "$perf" --scenario=feed --feed=0
    ok 'the scenario feed needs a feed' says 2 'a number from 1'

    SPLINTER_BUS=$BUS.none run "$perf" $quick -b "$BUS"
    ok 'a bus by name' is_status 0
    ok 'which it made and removed' [ ! -e "/dev/shm/$BUS" ]
    run "$send" --create --slots=600 "$BUS" mine kept
    run "$perf" $quick --processes --bus="$BUS"
    ok 'a bus that exists' is_status 0
    run "$logtee" --current --timeout=0 "$BUS"
    ok 'is left as it was' eval 'is_status 4 && file_is "$T/out" "mine\tkept\n"'
    run "$perf" $quick --scenario=feed --bus="$BUS"
    ok 'the scenario feed on a bus without one' says 1 "bus '$BUS' has no feed"
    for scenario in topic queue; do
        run "$perf" $quick --scenario=$scenario --bus="$BUS"
        ok "the scenario $scenario on a bus that exists" is_status 0
        run "$logtee" --current --timeout=0 "$BUS"
        ok 'which is left as it was' eval 'is_status 4 && file_is "$T/out" "mine\tkept\n"'
    done
    run "$perf" --keys=601 --bus="$BUS"
    ok 'a bus without room: both numbers' says 1 'room for 599 more keys, not 601'

    start "$perf" --keys=500 --duration=1000 --bus="$BUS.int"
    eventually [ -e "/dev/shm/$BUS.int" ]
    sleep 1 # a busy machine needs that until something is measured
    signal_it INT
    ended
    ok 'SIGINT ends it early, with status 0' \
        eval 'if [ -s "$T/bg.out" ]; then is_status 0; else died_of INT; fi'
    ok 'and removes its bus' [ ! -e "/dev/shm/$BUS.int" ]
    # Mostly while the keys are set, before anything is measured; a slow shell comes later.
    start "$perf" --json --keys=300000 --duration=1000 --bus="$BUS.int"
    eventually [ -e "/dev/shm/$BUS.int" ]
    signal_it TERM
    ended
    ok 'SIGTERM before anything was measured: no numbers, and not status 0' \
        eval 'if [ -s "$T/bg.out" ]; then is_status 0; else died_of TERM; fi'
    ok 'and the bus is gone, too' [ ! -e "/dev/shm/$BUS.int" ]
    if [ -e /dev/full ]; then
        timeout "$WATCHDOG" "$perf" $quick >/dev/full 2>"$T/err"
        status=$?
        ok 'the table on a full disk is an error' says 1 'cannot write'
    fi
}

finish
