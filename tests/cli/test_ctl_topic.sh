#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: topic publish, topic tail, topic remove and topic list
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
# shellcheck disable=SC2034 # in an eval
escape=$(printf '\033')
says_also() { grep -qF -- "$1" "$T/err"; }
lists() { run "$ctl" topic list && grep -q -- "$1" "$T/out"; }

run "$ctl" create --max-value 4096
run "$ctl" topic list
ok 'no topics' printed ''

# ---- publish

run "$ctl" topic publish t v
ok 'an absent topic: status 3, and how to make it' \
    says 3 "topic 't' does not exist in bus '$BUS'; --create makes it"
run "$ctl" topic publish --capacity 4 t v
ok '--capacity needs --create' says 2 'they need --create'
run "$ctl" topic publish --create --capacity 0 t v
ok '--capacity 0' says 2 "--capacity: '0' is not allowed"
run "$ctl" topic publish --create --max-message 5000 t v
ok '--max-message of more than fits' eval 'is_status 1 && says_also "5000"'
run "$ctl" topic publish --create --capacity 100000 t v
ok 'a bus without room for it' says 1 "bus '$BUS' is full"
run "$ctl" topic publish '' v
ok 'an empty name' says 2 'a name of 0 bytes is not allowed; it takes 1 to 253'
run "$ctl" topic publish "$(printf '%0254d' 0)" v
ok 'a long name' says 2 'a name of 254 bytes is not allowed'
run "$ctl" topic publish t
ok 'nothing to publish' says 2 'gives the value'
run "$ctl" topic publish t v --lines
ok 'VALUE and --lines' says 2 'one of VALUE, --lines, --stdin and --file'
run "$ctl" topic publish --create t ''
ok 'an empty message' says 2 'an empty value is not allowed'
run "$ctl" topic publish --create --capacity 4 --max-message 100 t one
ok '--create' eval 'is_status 0 && silent && lists "^ *1  *4  *100  *1  *2  *[0-9]*  *t$"'
run "$ctl" topic publish --create t two
ok '--create of one that is there' eval 'is_status 0 && lists "^ *2  *4 .* t$"'
run "$ctl" topic publish --create --capacity 5 t x
ok 'with another capacity: status 5' says 5 "topic 't' has a capacity of 4, and 5 was asked for"
printf '%0101d' 0 >"$T/in"
run "$ctl" topic publish t --file "$T/in"
ok 'a message that is too long: both lengths' eval 'is_status 1 && says_also 101 && says_also 100'
head -c 1000000 /dev/zero >"$T/in"
run "$ctl" topic publish t --file "$T/in"
ok 'one that no value of the bus is as long as' says 1 'takes at most 4096'
run "$ctl" queue push --create --capacity 2 q x
run "$ctl" topic publish q x
ok 'the name is that of a queue' says 1 "'q' is no topic"
printf '3\n\n4\n5\n6\n7' >"$T/in"
input=$T/in
run "$ctl" topic publish t --lines
ok '--lines: without the empty ones, and with the last one' eval \
    'is_status 0 && says_also "1 empty line was left out" && lists "^ *4  *4  *100  *4  *8 "'
input=$T/in
printf '1\n2\nx\n4\n' >"$T/in"
run "$ctl" topic publish t --lines --type int64
ok '--lines: one that is wrong is named, and those before it are published' eval \
    "says 2 'standard input:3: ' && lists '^ *4  *4  *100  *6  *10 '"
{ printf 'short\n'; printf '%05000d\n' 0; } >"$T/in"
run "$ctl" topic publish t --lines
ok '--lines: one that is too long is named' says 1 'standard input:2: '
head -c 1000000 /dev/zero >"$T/in"
run "$ctl" topic publish t --lines
ok '--lines: an endless one is not read to its end' says 1 'standard input:1: '
printf 'a\nb' >"$T/in"
run "$ctl" topic publish t --stdin
input=/dev/null
ok '--stdin: all of it is one message' is_status 0
run "$ctl" topic tail t --from newest --count 1
ok 'tail: the newest one' printed 'a\nb\n'

# ---- tail

run "$ctl" topic publish --create --capacity 4 u 1
for n in 2 3 4 5 6; do run "$ctl" topic publish u $n; done
run "$ctl" topic tail none
ok 'an absent topic' says 3 "topic 'none' does not exist in bus '$BUS'"
for bad in x -1 '' 0 last; do
    run "$ctl" topic tail u --from="$bad"
    ok "--from='$bad' is refused" says 2 "--from: '$bad' is not allowed"
done
run "$ctl" topic tail u --from 8
ok '--from beyond the next one' \
    says 2 "--from: '8' is not allowed; the next message of topic 'u' has the number 7"
run "$ctl" topic tail u --from oldest --count 4
ok 'the oldest ones' printed '3\n4\n5\n6\n'
run "$ctl" topic tail u --from 5 --count 2
ok 'from a number' printed '5\n6\n'
run "$ctl" topic tail u --from 1 --count 1
ok 'overtaken: how many were lost' eval \
    'printed "3\n" && says_also "2 messages of topic" && says_also "number 3"'
run "$ctl" topic tail u --from oldest --timeout 0
ok 'all that is there, and status 4' eval 'file_is "$T/out" "3\n4\n5\n6\n" && says 4 "within 0 ms"'
run "$ctl" topic tail u --from newest --count 1 --long
ok '--long' eval 'is_status 0 && grep -q "^ *6  *[0-9]*  *1  bytes  6$" "$T/out"'
run "$ctl" topic publish u --type int64 -- -42
run "$ctl" topic tail u --from newest --count 1
ok 'a number' printed '-42\n'
start "$ctl" topic tail u --from newest
bg_printed '-42'
run "$ctl" topic publish u later
ok 'one that comes later' bg_printed later
signal_it TERM
ended
ok 'SIGTERM ends it in order' bg_wrote '-42\nlater\n'
start "$ctl" topic tail u --count 2 --from newest
bg_printed later
signal_it INT
ended
ok 'SIGINT before --count: the status says so' is_status 130
start "$ctl" topic tail u --from newest --count 3
bg_printed later
run "$ctl" topic publish u more
ok 'not the ones before' eval 'bg_printed more && file_is "$T/bg.out" "later\nmore\n"'
signal_it STOP
for n in 1 2 3 4 5 6; do run "$ctl" topic publish u $n; done
signal_it CONT
ended
ok 'overtaken while it runs' eval \
    'bg_wrote "later\nmore\n3\n" && grep -q "2 messages of topic" "$T/bg.err"'
head -c 4000 /dev/zero | tr '\0' x >"$T/in"
run "$ctl" topic publish --create --capacity 2 big 1
run "$ctl" topic publish big --file "$T/in"
run "$ctl" topic tail big --from oldest --count 2
{ echo 1; cat "$T/in"; echo; } >"$T/want"
ok 'a long message' eval 'is_status 0 && cmp -s "$T/out" "$T/want"'
run_into_head "$ctl" topic tail u --from oldest --timeout 1000
ok 'a reader that goes' eval 'is_status 0 || is_status 4'
chmod 400 "/dev/shm/$BUS"
run "$ctl" topic tail u --from newest --count 1
ok 'a bus that may only be read' printed '6\n'
run "$ctl" topic list
ok 'list: also' eval 'is_status 0 && grep -q " u$" "$T/out"'
chmod 600 "/dev/shm/$BUS"

# ---- on a terminal, and JSON

printf 'a\033[2Jb\377' >"$T/bytes"
run "$ctl" topic publish u --file "$T/bytes"
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    timeout -k 5 "$WATCHDOG" script -qec "'$ctl' topic tail u --from newest --count 1" /dev/null \
        </dev/null >"$T/out" 2>"$T/err"
    ok 'nothing that a terminal obeys reaches one' eval \
        'grep -qF "a\\x1b[2Jb\\xff" "$T/out" && ! grep -q "$escape" "$T/out"'
else
    skip 'nothing that a terminal obeys reaches one' 'script (of util-linux) was not found'
fi
run "$ctl" topic tail u --from newest --count 1
ok 'to a file it goes as it is' eval '{ cat "$T/bytes"; echo; } | cmp -s - "$T/out"'
run "$ctl" --json topic tail u --from 1 --count 1
if [ "$status" = 0 ]; then
    ok 'JSON: an event where messages were lost' grep -q \
        '^{"schema":1,"event":"lost","topic":"u","lost":[0-9]*,"number":[0-9]*}$' "$T/out"
    run "$ctl" --json topic tail u --from newest --count 1
    ok 'JSON: a message' grep -q \
        '"event":"message","topic":"u",.*"size":7,"type":"bytes","value_base64":"YRtbMkpi/w=="' \
        "$T/out"
    run "$ctl" --json topic list
    ok 'JSON: list' grep -q '"messages":4,"capacity":4,.*"topic":"u"}' "$T/out"
    run "$ctl" --json topic publish u v
    ok 'JSON: publish' grep -q '^{"schema":1,"topic":"u","count":1,"number":[0-9]*}$' "$T/out"
else
    skip 'JSON' 'built without jansson'
fi

# ---- remove

run "$ctl" topic remove none --force
ok 'remove: an absent topic' says 3 "topic 'none' does not exist in bus '$BUS'"
run "$ctl" topic remove q --force
ok 'remove: the name is that of a queue' eval 'is_status 1 && says_also "q"'
run "$ctl" topic remove u
ok 'remove: it asks, and there is no terminal' \
    says 2 "there is no terminal to ask on: 'Remove topic 'u' of bus '$BUS' with all its messages?'"
start "$ctl" topic tail u --from newest
eventually [ -s "$T/bg.out" ]
run "$ctl" topic remove u --force
ok 'remove --force' eval 'is_status 0 && silent && ! lists " u$"'
ended
ok 'remove: who reads it is told' eval \
    'is_status 3 && grep -qF "topic '\''u'\'' of bus '\''$BUS'\'' was removed" "$T/bg.err"'
run "$ctl" topic remove u --force
ok 'remove: again' is_status 3
run "$ctl" topic publish --create --capacity 100 u 1
ok 'remove: its slots are free again, and the first message has the number 1' \
    eval 'is_status 0 && lists "^ *1  *100  *[0-9]*  *1  *2  *[0-9]*  *u$"'

# ---- a bus that goes away

mkfifo "$T/fifo"
run "$ctl" -b "$BUS.gone" create
input=$T/fifo
start "$ctl" -b "$BUS.gone" topic publish --create --lines t
input=/dev/null
exec 9>"$T/fifo"
echo a >&9
eventually eval '"$ctl" -b "$BUS.gone" topic list 2>/dev/null | grep -q "t$"'
run "$ctl" -b "$BUS.gone" destroy --force
ok 'publish --lines: says that nobody will see the messages' \
    eventually eval 'echo b >&9; grep -q "was removed; this goes on with" "$T/bg.err"'
exec 9>&-
ended

# ---- in exec

printf 'topic publish u --lines\n' >"$T/in"
input=$T/in
run "$ctl" exec
input=/dev/null
ok 'exec: --lines has no input of its own' says 2 '--lines: standard input has the commands'
printf 'topic publish u a\ntopic publish none b\n' >"$T/in"
run "$ctl" exec "$T/in"
ok 'exec: the line of an error' says 3 "in:2: topic 'none' does not exist"

finish
