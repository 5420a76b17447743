#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: queue push, queue work, queue remove and queue list
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
says_also() { grep -qF -- "$1" "$T/err"; }
# lists QUEUE WAITING TAKEN
lists() {
    "$ctl" queue list >"$T/list" 2>&1 && grep -q "^ *$2  *$3  *.* $1\$" "$T/list"
}
push() { # QUEUE ITEM...
    queue=$1
    shift
    for item; do "$ctl" queue push "$queue" "$item" || return; done
}

run "$ctl" create --max-value 4096
run "$ctl" queue list
ok 'no queues' printed ''

# ---- push

run "$ctl" queue push q v
ok 'an absent queue: status 3, and how to make it' \
    says 3 "queue 'q' does not exist in bus '$BUS'; --create makes it"
run "$ctl" queue push --create --capacity 2 --max-message 100 q one
ok '--create' eval 'is_status 0 && silent && lists q 1 0'
run "$ctl" queue push --create --capacity 3 q x
ok 'with another capacity: status 5' says 5 'has a capacity of 2, and 3 was asked for'
run "$ctl" queue push q two
run "$ctl" queue push q three --timeout 0
ok 'full, and --timeout 0: status 5' says 5 "queue 'q' of bus '$BUS' is full"
run "$ctl" queue push q three --timeout 20
ok 'full, and no room in time: status 4' says 4 'was full for 20 ms'
for bad in -1 x ''; do
    run "$ctl" queue push q v --timeout="$bad"
    ok "--timeout='$bad' is refused" says 2 "--timeout: '$bad' is not allowed"
done
run "$ctl" queue push q ''
ok 'an empty item' says 2 'an empty value is not allowed'
start "$ctl" queue push q three
run "$ctl" queue work q --count 1 -- cat
ok 'a push that waits for room' printed 'one'
ended
ok 'gets it' eval 'is_status 0 && lists q 2 0'
run "$ctl" topic publish --create --capacity 2 t x
run "$ctl" queue push t x
ok 'the name is that of a topic' says 1 "'t' is no queue"
seq 5 >"$T/in"
input=$T/in
run "$ctl" queue push --create --lines r
input=/dev/null
ok '--lines, and the default capacity' eval \
    'is_status 0 && lists r 5 0 && grep -q "^ *5  *0  *64 .* r$" "$T/list"'

# ---- work: arguments

run "$ctl" queue work q
ok 'without a COMMAND' says 2 'a COMMAND to run is missing'
run "$ctl" queue work none -- true
ok 'an absent queue' says 3 "queue 'none' does not exist in bus '$BUS'"
for option in jobs retries delay limit count timeout; do
    for bad in -1 x ''; do
        run "$ctl" queue work q --$option="$bad" -- true
        ok "--$option='$bad' is refused" says 2 "--$option: '$bad' is not allowed"
    done
done
run "$ctl" queue work q --jobs 0 -- true
ok '--jobs 0' says 2 "--jobs: '0' is not allowed; it takes a whole number from 1 to 256"
run "$ctl" queue work q --retries 1 -- true
ok '--retries needs --dead' says 2 '--retries needs --dead'
run "$ctl" queue work q --dead q -- true
ok '--dead is another queue' says 2 "it has to be another queue than 'q'"
run "$ctl" queue push --create --max-message 10 small x
run "$ctl" queue work q --dead small -- true
ok '--dead: one whose items are shorter' \
    says 5 "queue 'small' takes items of at most 10 bytes, and 'q' of 100"
run "$ctl" queue work q -- "$T/none"
ok 'a COMMAND that is not there' eval "says 127 \"cannot run '\$T/none'\" && lists q 2 0"
: >"$T/none"
run "$ctl" queue work q -- "$T/none"
ok 'one that cannot be run' eval "says 126 \"cannot run '\$T/none'\" && lists q 2 0"

# ---- work

run "$ctl" queue work q --timeout 0 -- cat
ok 'the items in their order; none left: status 4' eval \
    'is_status 4 && file_is "$T/out" "twothree" && says_also "no item waits" && lists q 0 0'
push q x
# shellcheck disable=SC2016 # for the command
run "$ctl" queue work q --count 1 -- sh -c 'echo \
    "$SPLINTER_QUEUE/$SPLINTER_NUMBER/$SPLINTER_SIZE/$SPLINTER_TYPE/$SPLINTER_DELIVERY/$(cat)"'
ok 'what a command is told' eval 'is_status 0 && grep -qx "q/[0-9]*/1/bytes/1/x" "$T/out"'
push q x
run "$ctl" queue work q --count 1 -- "$ctl" get none
ok 'SPLINTER_BUS leads to the bus' says 0 "key 'none' does not exist in bus '$BUS'"
ok 'and what has failed is there again' lists q 1 0
# shellcheck disable=SC2016 # for the command
run "$ctl" queue work q --timeout 0 --delay 0 -- sh -c \
    'echo $SPLINTER_DELIVERY; [ $SPLINTER_DELIVERY = 4 ]'
ok 'without --dead it comes back until it is done' eval \
    'is_status 4 && file_is "$T/out" "2\n3\n4\n" && says_also "failed with exit status 1"'
push q x
# shellcheck disable=SC2016 # for the command
run "$ctl" queue work q --timeout 0 --delay 0 --dead d --retries 2 -- sh -c \
    'echo $SPLINTER_DELIVERY; kill -s KILL $$'
ok '--dead: after --retries it goes there' eval \
    'is_status 4 && file_is "$T/out" "1\n2\n3\n" && says_also "failed with signal 9" &&
     says_also "goes to queue '\''d'\'': it was handed out 3 times" && lists q 0 0 && lists d 1 0'
run "$ctl" queue work d --count 1 -- cat
ok 'and has its bytes' printed 'x'
push d 1 2
push q x
run "$ctl" queue work q --delay 0 --dead d --retries 0 -- false
ok '--dead is full: the item stays, and the worker ends: status 1' eval \
    "says 1 \"into queue 'd': that is full\" && lists q 1 0 && lists d 2 0"
run "$ctl" queue work q --count 1 -- true
seq 8 >"$T/in"
input=$T/in
run "$ctl" queue push r --lines
input=/dev/null
run "$ctl" queue work r --jobs 4 --timeout 0 -- sh -c 'read n; echo $n'
ok '--jobs: each item once' eval \
    '[ "$(sort "$T/out" | tr -d "\n")" = "11$(printf 22334455)678" ] && lists r 0 0'
push q x
# Two commands that wait for each other.
push r a b
run "$ctl" queue work r --jobs 2 --count 2 -- sh -c \
    ": >'$T/'\$(cat); while [ ! -e '$T/a' ] || [ ! -e '$T/b' ]; do sleep 0.05; done"
ok '--jobs: they run at the same time' eval 'is_status 0 && lists r 0 0'
run "$ctl" queue work q --count 1 --limit 50 --delay 0 -- sh -c 'sleep 60; echo late'
ok '--limit: the command is ended, and the item goes back' eval \
    'is_status 0 && says_also "as its time was over" && lists q 1 0 && [ ! -s "$T/out" ]'
run "$ctl" queue work q --count 1 -- true

# ---- signals

for number in INT TERM HUP; do
    push q x y
    start "$ctl" queue work q -- sh -c 'echo begun; sleep 0.3; echo whole'
    bg_printed begun
    signal_it $number
    ended
    ok "SIG$number: the command that runs is waited for, and no other begins" eval \
        'bg_wrote "begun\nwhole\n" && lists q 1 0'
    run "$ctl" queue work q --timeout 0 -- true
done
push q x
start "$ctl" queue work q --count 2 -- sh -c 'echo begun; sleep 0.3'
bg_printed begun
signal_it TERM
ended
ok 'before --count is reached: the status says so' is_status 143
push q x
start "$ctl" queue work q -- sh -c 'echo begun; sleep 60; echo whole'
bg_printed begun
ok 'an item that a worker has is listed as taken' lists q 0 1
signal_it TERM
signal_it INT
sleep 0.2
signal_it INT
ended
ok 'a second signal: the command is ended, and the item goes back' eval \
    'file_is "$T/bg.out" "begun\n" && lists q 1 0'
start "$ctl" queue work q -- sh -c 'trap "" TERM; echo begun; sleep 60; echo whole'
bg_printed begun
signal_it TERM
sleep 0.2
signal_it TERM
ended
ok 'also one that ignores SIGTERM' eval 'file_is "$T/bg.out" "begun\n" && lists q 1 0'

# A worker that is killed.
# shellcheck disable=SC2016 # for the command
start "$ctl" queue work q -- sh -c 'trap "echo told; exit" TERM; echo begun
    while :; do sleep 0.05; done'
bg_printed begun
signal_it KILL
# shellcheck disable=SC2016 # for the command
run "$ctl" queue work q --count 1 -- sh -c 'cat; echo " $SPLINTER_DELIVERY"'
ok 'a killed worker: the next one has its item' grep -qx 'x [2-9]' "$T/out"
ok 'and its command is told' eventually grep -qx told "$T/bg.out"
ended
push q poison
# shellcheck disable=SC2016 # for the command
for _ in 1 2; do
    run "$ctl" queue work q --dead d2 --retries 1 -- sh -c 'kill -s KILL $PPID'
done
run "$ctl" queue work q --dead d2 --retries 1 --timeout 0 -- echo never
ok 'an item that kills its workers goes to the dead' eval \
    'is_status 4 && [ ! -s "$T/out" ] && lists q 0 0 && lists d2 1 0'

# ---- a queue or a bus that goes, and JSON

run "$ctl" queue remove none --force
ok 'remove: an absent queue' says 3 "queue 'none' does not exist in bus '$BUS'"
run "$ctl" queue remove t --force
ok 'remove: the name is that of a topic' eval 'is_status 1 && says_also t'
run "$ctl" queue remove d2
ok 'remove: it asks, and there is no terminal' \
    says 2 "there is no terminal to ask on: 'Remove queue 'd2' of bus '$BUS' with all its items?'"
run "$ctl" queue push --create --capacity 1 full x
start "$ctl" queue push full y
sleep 0.2 # it may wait by now, or not
run "$ctl" queue remove full --force
ended
ok 'remove: a push that waits for room is told' eval \
    'is_status 3 && grep -qF "queue '\''full'\'' " "$T/bg.err"'
start "$ctl" queue work d2 -- sh -c 'echo begun; sleep 0.3; echo whole'
bg_printed begun
run "$ctl" queue remove d2 --force
ok 'remove --force, also of an item that a worker has' eval \
    'is_status 0 && silent && ! lists d2 "[0-9]*" "[0-9]*"'
ended
ok 'remove: the worker is told' eval \
    'is_status 3 && grep -qF "queue '\''d2'\'' of bus '\''$BUS'\'' was removed" "$T/bg.err"'
push q x
start "$ctl" queue work q -- echo begun
bg_printed begun
rm "/dev/shm/$BUS"
ok 'it says that the bus was removed' bg_says "bus '$BUS' was removed"
signal_it TERM
ended
run "$ctl" create --max-value 4096
run "$ctl" --json queue push --create --capacity 2 q v
if [ "$status" = 0 ]; then
    ok 'JSON: push' grep -qx '{"schema":1,"queue":"q","count":1,"number":1}' "$T/out"
    run "$ctl" --json queue list
    ok 'JSON: list' grep -q \
        '"waiting":1,"taken":0,"capacity":2,"max_message":4056,"newest":1,"queue":"q"}$' "$T/out"
else
    skip 'JSON' 'built without jansson'
fi

# ---- in exec: an error leaves no item behind

run "$ctl" queue push --create r 1
printf 'queue work r -- %s/none\nqueue work r --timeout 0 -- cat\n' "$T" >"$T/in"
rm -f "$T/none"
run "$ctl" exec --keep-going "$T/in"
ok 'exec: an error gives the item back at once' eval 'is_status 127 && file_is "$T/out" "1"'

finish
