#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_recv, as a user runs it
. "$(dirname "$0")/lib.sh"

common splinter_recv "$recv"

# ---- arguments, and what is not there

run "$recv" a b c
ok 'three arguments are too many' says 2 'too many arguments'
run "$recv" -b bus a b
ok 'two arguments and --bus are too many' says 2 'only KEY is allowed'
for bad in 0 -1 x '' 1.5; do
    run "$recv" --count="$bad" "$BUS"
    ok "--count='$bad' is refused" \
        says 2 "--count: '$bad' is not allowed; it takes a whole number from 1"
done
run "$recv" --timeout=soon "$BUS"
ok '--timeout=soon is refused' says 2 "--timeout: 'soon' is not allowed"
run "$recv" --null --raw "$BUS"
ok '--null and --raw exclude each other' says 2 'exclude each other'
run "$recv" "$BUS" ''
ok 'an empty KEY is refused' says 2 'KEY'
run "$recv" "$BUS" k
ok 'a missing bus: status 3' says 3 "bus '$BUS' does not exist"
run "$recv" --wait --timeout=50 "$BUS" k
ok 'a missing bus with --wait and --timeout: status 4' says 4 'was not created in time'
run "$send" --create "$BUS" other x
run "$recv" "$BUS" k
ok 'a missing key: status 3' says 3 "key 'k' does not exist"
run "$recv" --wait --timeout=50 "$BUS" k
ok 'a missing key with --wait and --timeout: status 4' says 4 'no new value'
run "$recv" --timeout=50 "$BUS" other
ok 'a key that does not change: status 4' says 4 'within 50 ms'
ok 'and nothing was printed' [ ! -s "$T/out" ]
run "$recv" --timeout=0 "$BUS" other
ok '--timeout=0 only looks' says 4 'within 0 ms'

# ---- the value that is there

printf 'a\0b\377' >"$T/in"
input=$T/in
run "$send" --stdin "$BUS" k
input=/dev/null
run "$recv" --current --oneshot "$BUS" k
ok '--current --oneshot: the bytes as they are, and a newline' printed 'a\0b\377\n'
run "$recv" --current --oneshot --null "$BUS" k
ok '--null ends with a zero byte' printed 'a\0b\377\0'
run "$recv" --current --oneshot --raw "$BUS" k
ok '--raw ends with nothing' printed 'a\0b\377'
run "$send" "$BUS" k text
run "$recv" --current --count=1 --epoch "$BUS" k
ok '--epoch puts a number and a tab before it' \
    eval 'is_status 0 && grep -qx "[1-9][0-9]*	text" "$T/out"'
run "$recv" --current --oneshot --bus="$BUS" k
ok '--bus' printed 'text\n'
run env SPLINTER_BUS="$BUS" "$recv" --current --oneshot other
ok 'the only argument is KEY, of the bus in SPLINTER_BUS' printed 'x\n'
run "$send" -b "$BUS" 'to the default key'
run env SPLINTER_BUS="$BUS" "$recv" --current --oneshot
ok 'the default key' printed 'to the default key\n'
run "$send" --type=int64 "$BUS" number -42
run "$recv" --current --oneshot "$BUS" number
ok 'a value of the type int64 is printed as a number' printed '-42\n'
run "$recv" --current --oneshot --raw "$BUS" number
ok '--raw: its bytes' eval 'is_status 0 && [ "$(wc -c <"$T/out")" = 8 ]'
head -c 60000 /dev/zero | tr '\0' z >"$T/in"
input=$T/in
run "$send" --stdin "$BUS" big
input=/dev/null
run "$recv" --current --oneshot --raw "$BUS" big
ok 'a large value' cmp -s "$T/in" "$T/out"

# ---- following

start "$recv" --verbose --count=3 "$BUS" k
ok 'says with --verbose that it follows' bg_says 'following'
for v in one two three; do
    run "$send" "$BUS" k $v
    bg_printed $v
done
ended
ok 'prints each new value, not the one that was there, and ends after three' \
    bg_wrote 'one\ntwo\nthree\n'

start "$recv" --verbose --oneshot "$BUS" k
bg_says 'following'
run "$send" "$BUS" other y
run "$send" "$BUS" k mine
ended
ok 'other keys do not matter' bg_wrote 'mine\n'

start "$recv" --wait --verbose --oneshot "$BUS" new
bg_says 'following'
run "$send" "$BUS" new born
ended
ok '--wait: waits for a key' bg_wrote 'born\n'

start "$recv" --wait --verbose --oneshot "$BUS.later" k
ok '--wait: says that it waits for the bus' bg_says 'waiting for bus'
run "$send" --create "$BUS.later" k first
ended
ok '--wait: the first value of a bus that did not exist is not missed' bg_wrote 'first\n'

# A reader that is stopped meanwhile misses values, and knows how many.
run "$send" "$BUS" k before
start "$recv" --current "$BUS" k
bg_printed before
seq 1 100 >"$T/in"
input=$T/in
run "$send" --lines "$BUS" k
input=/dev/null
ok 'the last value always comes' bg_printed 100
signal_it TERM
ended
sum=$(sum_of '^splinter_recv: \([0-9]*\) values* of key.*missed.*' "$T/bg.err")
lines=$(wc -l <"$T/bg.out")
ok 'what was printed and what was missed make all that was sent' [ $((sum + lines)) = 101 ]
ok 'SIGTERM: status 0' is_status 0

# What was missed is said without being asked for, unless it is asked not to.
for option in --current --quiet; do
    run "$send" "$BUS" k before
    start "$recv" --current $option "$BUS" k
    bg_printed before
    signal_it STOP
    input=$T/in
    run "$send" --lines "$BUS" k
    input=/dev/null
    signal_it CONT
    bg_printed 100
    signal_it TERM
    ended
    if [ $option = --quiet ]; then
        ok '--quiet: nothing is said of values that were missed' [ ! -s "$T/bg.err" ]
    else
        ok 'values that were missed are reported' \
            grep -q 'values* of key .k. w[a-z]* missed' "$T/bg.err"
    fi
done

# A key that expires and is set again: nobody knows how many values came in between.
run "$send" --ttl 300 "$BUS" again old
start "$recv" --wait --current --verbose --count=2 "$BUS" again
bg_says 'following'
run "$recv" --wait "$BUS" again --timeout 400
run "$send" "$BUS" again young
if bg_printed old; then
    ended
    ok 'a key that was removed and set again is reported as such' \
        grep -q "key 'again' was removed and set again" "$T/bg.err"
else
    signal_it TERM
    ended
    skip 'a key that was removed and set again is reported as such' 'the key was gone too soon'
fi

run "$send" --ttl 2000 "$BUS" brief v
start "$recv" --verbose "$BUS" brief
eventually grep -qE 'following|does not exist' "$T/bg.err"
ended
ok 'a key that goes away: status 3' is_status 3
ok 'an expired key is called expired' grep -qE 'has expired in|does not exist' "$T/bg.err"

# ---- a bus that is removed, and made again

follows_the_name "$recv" ''

# ---- signals and output

start "$recv" --verbose "$BUS" k
bg_says 'following'
signal_it INT
ended
ok 'SIGINT while waiting: status 0' is_status 0

start "$recv" --wait --verbose "$BUS.never" k
bg_says 'waiting'
signal_it TERM
ended
ok 'SIGTERM while waiting for a bus: status 0' is_status 0

for signal in INT TERM HUP; do
    start "$recv" --verbose --oneshot "$BUS" k
    bg_says 'following'
    signal_it $signal
    ended
    ok "SIG$signal before the value of --oneshot: not status 0" died_of $signal
done
start "$recv" --verbose --wait --oneshot "$BUS.never" k
bg_says 'waiting'
signal_it TERM
ended
ok 'nor if the bus never came' died_of TERM
start "$recv" --verbose --count=2 "$BUS" k
bg_says 'following'
run "$send" "$BUS" k 'one of two'
bg_printed 'one of two'
signal_it TERM
ended
ok 'SIGTERM before the last value of --count: not status 0' died_of TERM
ok 'and what had come was printed' file_is "$T/bg.out" 'one of two\n'

if [ -e /dev/full ]; then
    timeout "$WATCHDOG" "$recv" --current --oneshot "$BUS" k >/dev/full 2>"$T/err"
    status=$?
    ok 'a full disk is reported, status 1' says 1 'cannot write to standard output: No space'
fi
timeout "$WATCHDOG" "$recv" --current --oneshot "$BUS" k >&- 2>"$T/err"
status=$?
ok 'closed standard output is an error' says 1 'cannot write to standard output'

# The reader goes; nothing more is sent, so no write would ever fail.
run_into_head "$recv" --current "$BUS" k
ok 'a reader that goes ends it quietly, also when nothing comes' eval 'is_status 0 && silent'

# ---- a file, and one that may only be read

run "$send" --create "$T/store" k 'in a file'
run "$recv" --current --oneshot "$T/store" k
ok 'a file store' printed 'in a file\n'

finish
