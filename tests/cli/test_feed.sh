#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_logtee and splinter_recv on a bus with a feed: each change is accounted for.  TAP.
. "$(dirname "$0")/lib.sh"

# As many changes as the feed surely keeps, with those that remove the keys again: a 32-bit machine
# allows shorter feeds.
n=500
feed=1024
run "$send" --create --feed $feed "$BUS" k v
[ "$status" = 0 ] || {
    n=100
    feed=256
}
rm -f "/dev/shm/$BUS"
seq 1 $n >"$T/lines"

send_lines() { # OPTION... BUS KEY
    input=$T/lines
    run "$send" --lines "$@"
    input=/dev/null
}

# What was printed, and what was said to be missed: of all that $T/bg.out and $T/bg.err have.
missed_by() { sum_of "^$1: \\([0-9]*\\) values* of key .* missed.*" "$T/bg.err"; }
accounts_for() { # TOOL NUMBER
    is_status 0 && [ $(($(wc -l <"$T/bg.out") + $(missed_by "$1"))) = "$2" ]
}

# stop_it: SIGTERM.  What was set before it is accounted for, so no test waits for it.
stop_it() {
    signal_it TERM
    ended
}

run "$send" --create --feed $feed --slots=2000 "$BUS" k before
ok "--create --feed $feed" eval 'is_status 0 && silent'
run "$send" --create --slots=2000 "$BUS.plain" k before
run "$send" --create --feed $feed "$BUS.plain" k before
ok '... of a bus that is there, and has none: it says so' \
    eval 'is_status 0 && grep -qF "was there, and has no feed" "$T/err"'
run "$send" --create --feed $feed "$BUS" k before
ok '... and has one: it says nothing' eval 'is_status 0 && silent'

# ---- what is said

for tool in "$logtee" "$recv"; do
    start "$tool" --verbose "$BUS" k
    bg_says 'following'
    ok "${tool##*/}: says that it follows by the feed" \
        grep -q 'follows by the feed, which tells of every change' "$T/bg.err"
    stop_it
    ok '... and ends' eval 'is_status 0 && [ ! -s "$T/bg.out" ]'
    start "$tool" --verbose "$BUS.plain" k
    bg_says 'following'
    ok "${tool##*/}: says that there is none" \
        grep -q 'has no feed: values that are replaced quickly may be missed' "$T/bg.err"
    stop_it
    ok '... and ends' eval 'is_status 0 && [ ! -s "$T/bg.out" ]'
done
run "$send" --create --feed 0 "$BUS.none" k v
start "$recv" --verbose "$BUS.none" k
bg_says 'following'
ok '--feed 0: no feed' grep -q 'has no feed' "$T/bg.err"
stop_it

# ---- many changes

start "$logtee" --verbose "$BUS"
bg_says 'following'
i=0
while [ $((i += 1)) -le 20 ]; do
    echo "many.$i	$i"
    "$send" "$BUS" many.$i $i
done >"$T/want"
stop_it
ok 'logtee: different keys: each one is printed, in order' \
    eval 'is_status 0 && cmp -s "$T/want" "$T/bg.out"'
ok 'logtee: nothing was missed' grep -q '20 values, 0 missed' "$T/bg.err"

# The keys are set as fast as it goes, and removed again.
start "$logtee" --verbose --format=json "$BUS"
bg_says 'following'
run "$perf" --bus="$BUS" --keys=$n --readers=1 --no-writer --duration=0.001
ok 'many keys that come and go' is_status 0
stop_it
missed=$(sum_of '.*"key":.*"missed":\([0-9]*\).*' "$T/bg.out")
values=$(grep -c '"epoch":' "$T/bg.out")
ok 'logtee: each one is printed, or said to be missed' \
    eval 'is_status 0 && [ $((missed + values)) = $n ]'
ok 'logtee: and it had no gap' eval '! grep -q gap "$T/bg.err"'

start "$logtee" --verbose "$BUS"
bg_says 'following'
send_lines "$BUS" k
stop_it
ok 'logtee: one key: each value is printed, or said to be missed' accounts_for splinter_logtee $n
ok 'logtee: the last one is printed' [ "$(tail -n 1 "$T/bg.out")" = "k	$n" ]

start "$logtee" --verbose --format=json --prefix=k "$BUS"
bg_says 'following'
run "$send" "$BUS" other v
send_lines "$BUS" k
stop_it
missed=$(sum_of '.*"key":"k","missed":\([0-9]*\)}.*' "$T/bg.out")
values=$(grep -c '"value":' "$T/bg.out")
ok 'logtee: json, and a prefix: the same' [ $((missed + values)) = $n ]
ok 'logtee: the total says the same' \
    eval 'tail -n 1 "$T/bg.out" | grep -qxF "{\"values\":$values,\"missed\":$missed}"'

start "$recv" --verbose "$BUS" k
bg_says 'following'
run "$send" "$BUS" other v
send_lines "$BUS" k
stop_it
ok 'recv: each value is printed, or said to be missed' accounts_for splinter_recv $n
ok 'recv: the last one is printed' [ "$(tail -n 1 "$T/bg.out")" = $n ]

# A key that comes and goes: nobody can tell which of its values are read in time, but the lives
# that the tool did not see are counted also.
for tool in "$logtee" "$recv"; do
    start "$tool" --wait --verbose "$BUS" brief
    bg_says 'following'
    for i in 1 2 3 4 5 6 7 8; do
        printf '%s\n' $i.1 $i.2 $i.3 >"$T/in"
        input=$T/in
        run "$send" --lines --ttl 1 "$BUS" brief
        input=/dev/null
    done
    run "$send" "$BUS" brief last
    stop_it
    missed=$(missed_by "${tool##*/}")
    also=$(sum_of '.*key .brief. was removed and set again: \([0-9]*\) value.*' "$T/bg.err")
    ok "${tool##*/}: a key that is removed: all of its values" \
        [ $(($(wc -l <"$T/bg.out") + missed + also)) = 25 ]
    ok "${tool##*/}: and it is sure of that" eval '! grep -q perhaps "$T/bg.err"'
    run "$send" --ttl 1 "$BUS" brief over
done

# ---- more than the feed keeps

run "$send" --create --feed 64 "$BUS.small" k before
run "$send" "$BUS.small" other before
for tool in "$logtee" "$recv"; do
    start "$tool" --verbose "$BUS.small" k
    bg_says 'following'
    signal_it STOP
    send_lines "$BUS.small" k
    seq 1 2000 >"$T/in"
    input=$T/in
    run "$send" --lines "$BUS.small" other
    input=/dev/null
    signal_it CONT
    ok "${tool##*/}: a gap: says so" bg_says 'the feed of bus'
    stop_it
    ok "${tool##*/}: and how much may be lost" grep -qE 'up to [0-9]+ changes are lost' "$T/bg.err"
    ok "${tool##*/}: goes on with what is there" grep -q "$n\$" "$T/bg.out"
    ok "${tool##*/}: the revision tells of what is lost" accounts_for "${tool##*/}" $n
done
start "$logtee" --verbose "$BUS.small"
bg_says 'following'
signal_it STOP
send_lines "$BUS.small" k
run "$send" "$BUS.small" new.1 born
send_lines "$BUS.small" other
signal_it CONT
ok 'logtee: a gap, all keys: a new one is found' bg_printed 'new.1	born'
run "$send" "$BUS.small" new.2 later
stop_it
ok 'logtee: what comes after a gap' grep -q 'new.2	later' "$T/bg.out"
ok 'logtee: all of it' accounts_for splinter_logtee $((2 * n + 2))

# ---- the same as without

run "$recv" --timeout=50 "$BUS" k
ok 'recv: a key that does not change: status 4' says 4 'within 50 ms'
run "$recv" --current --oneshot "$BUS" k
ok 'recv: --current --oneshot' printed "$n\n"
run "$logtee" --timeout=0 "$BUS"
ok 'logtee: nothing new: status 4' says 4 'no new value within 0 ms'
run "$logtee" --current --count=2 "$BUS.small" new.1 new.2
ok 'logtee: --current --count' printed 'new.1\tborn\nnew.2\tlater\n'
run "$send" --ttl 2000 "$BUS" goes v
start "$recv" --verbose "$BUS" goes
eventually grep -qE 'following|does not exist' "$T/bg.err"
ended
ok 'recv: a key that expires, and that nobody removes: status 3' is_status 3
ok 'recv: it is called expired' grep -qE 'has expired in|does not exist' "$T/bg.err"

# An owner that is killed: nobody removes its key, but it is gone.
"$TOP_BUILDDIR/tests/cli/owner" "$BUS" owned >"$T/owner" &
owner=$!
pids="$pids $owner"
eventually grep -q ready "$T/owner"
start "$recv" --current --verbose "$BUS" owned
ok 'recv: a key with an owner is there' bg_printed 'mine'
kill -KILL $owner
ended
ok 'recv: a key whose owner is killed: status 3' is_status 3
ok 'recv: it says that the owner is gone' grep -qF "'owned' has lost its owner in" "$T/bg.err"

# A bus that is made again, with a feed and without.
for how in '--feed 64' '--feed 0'; do
    run "$send" --create --feed $feed "$BUS.again" k old
    start "$logtee" --wait --verbose "$BUS.again"
    bg_says 'following'
    run "$send" "$BUS.again" k 'last in the old one'
    rm "/dev/shm/$BUS.again"
    bg_says 'was removed; waiting'
    # shellcheck disable=SC2086 # two words
    run "$send" --create $how "$BUS.again" k new
    ok "logtee: the bus is made again with $how" bg_printed 'new'
    run "$send" "$BUS.again" k newer
    stop_it
    ok '... and followed' bg_wrote 'k\tlast in the old one\nk\tnew\nk\tnewer\n'
    rm -f "/dev/shm/$BUS.again"
done

finish
