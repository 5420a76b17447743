#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: watch, with a feed and without
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
# shellcheck disable=SC2034 # in an eval
escape=$(printf '\033')

# seen FORMAT: these lines were printed, each with its spaces squeezed, and the epochs left out.
squeezed() { sed 's/^ *//; s/   */ /g; s/^\([^ ]*\) [0-9-]* /\1 /; s/ *$//' "$1"; }
seen() {
    # shellcheck disable=SC2059 # a format it is
    printf -- "$1" >"$T/want"
    squeezed "${2:-$T/out}" | cmp -s - "$T/want"
}
says_also() { grep -qF -- "$1" "$T/err"; }
lines_are() { [ "$(wc -l <"$2")" = "$1" ]; }
bg_has() { grep -q -- "$1" "$T/bg.out"; }

# ---- arguments

run "$ctl" create --feed 64
for bad in -1 x '' 18446744073709551616; do
    run "$ctl" watch --from="$bad"
    ok "--from='$bad' is refused" says 2 "--from: '$bad' is not allowed"
    run "$ctl" watch --count="$bad"
    ok "--count='$bad' is refused" says 2 "--count: '$bad' is not allowed"
    run "$ctl" watch --timeout="$bad"
    ok "--timeout='$bad' is refused" says 2 "--timeout: '$bad' is not allowed"
done
run "$ctl" watch --count 0
ok '--count=0 is refused' says 2 "--count: '0' is not allowed"
run "$ctl" watch --from 0 --state
ok '--from and --state exclude each other' says 2 '--from and --state exclude each other'
run "$ctl" watch ''
ok 'an empty KEY' says 2 'KEY: a key of 0 bytes is not allowed'
run "$ctl" watch --exec ''
ok 'an empty COMMAND' says 2 'the COMMAND is empty'
run "$ctl" watch --from 1
ok '--from beyond the last change' \
    says 2 "--from: '1' is not allowed; the last change of bus '$BUS' has the number 0"

# ---- the state, and what has happened, by the feed

run "$ctl" watch --state --count 1
ok 'an empty bus: ready' seen '- ready - - -\n'
run "$ctl" set a 1
printf 'x\033[2J\377' >"$T/bytes"
run "$ctl" set --file "$T/bytes" bytes
printf 'line\n' >"$T/bytes"
run "$ctl" set --file "$T/bytes" line
run "$ctl" incr number 42
run "$ctl" unset line
run "$ctl" watch --from 0 --count 5
# shellcheck disable=SC2034 # in an eval
all='1 set a 1 1\n2 set bytes 6 0x781b5b324aff\n3 set line - -\n4 set number 8 42\n'
ok 'all changes: text, bytes in hexadecimal, a number, and a value that is gone' eval \
    'is_status 0 && silent && seen "${all}5 unset line - -\n"'
run "$ctl" watch --from 3 --count 1
ok '--from N begins after N' eval "is_status 0 && seen '4 set number 8 42\n'"
run "$ctl" watch --from 0 --count 2 number --prefix by
ok 'KEY and --prefix: both' eval \
    "is_status 0 && seen '2 set bytes 6 0x781b5b324aff\n4 set number 8 42\n'"
run "$ctl" watch --state --count 2 a
ok '--state of one key, and ready' seen '5 set a 1 1\n5 ready - - -\n'
run "$ctl" watch --from 0 --timeout 0 none
ok 'nothing in time: status 4' says 4 "nothing happened in bus '$BUS' within 0 ms"
run "$ctl" watch --timeout 50
ok 'nothing in time: also later' says 4 'within 50 ms'

start "$ctl" watch --state
bg_printed ready
run "$ctl" set new value
ok 'a change is printed when it comes' bg_printed value
run "$ctl" set --ttl 1 short v
ok 'a key that expires' bg_printed expired
run "$ctl" set --ephemeral mine v -- true
ok 'a key that goes with its owner' bg_printed gone
signal_it TERM
ended
ok 'SIGTERM ends it in order: status 0' is_status 0
start "$ctl" watch --state --prefix none --count 2
bg_printed ready
signal_it TERM
ended
ok 'SIGTERM before --count is reached: the status says so' is_status 143
run_into_head "$ctl" watch --from 0
ok 'a reader that goes ends it quietly' eval 'is_status 0 && silent'
run "$ctl" set key v
"$ctl" watch --state >/dev/full 2>"$T/err"
status=$?
[ ! -e /dev/full ] || ok 'a full disk is reported' says 1 'cannot write to standard output'

# Nobody has a key but owners that are dead.
run "$ctl" -b "$BUS.dead" create --feed 64
start "$ctl" -b "$BUS.dead" watch --state
bg_printed ready
# shellcheck disable=SC2016 # for the command
"$ctl" -b "$BUS.dead" set --ephemeral mine v -- sh -c 'kill -s KILL $PPID' >/dev/null 2>&1
ok 'a killed owner: its key is gone, though nobody else writes' bg_printed gone
signal_it TERM
ended

# ---- a gap

seq 200 | sed 's/.*/set k& &/' >"$T/in"
run "$ctl" exec "$T/in"
run "$ctl" watch --from 3 --count 2
ok 'a gap is told, and how many changes are lost at most' eval \
    'is_status 0 && grep -q "gap" "$T/out" && says_also "has a gap: up to" && lines_are 2 "$T/out"'
echo 'watch --from 999999' >"$T/in"
run "$ctl" exec "$T/in"
ok 'an error in the lines of exec says where' says 2 "in:1: --from: '999999' is not allowed"

# ---- --exec

# shellcheck disable=SC2016 # for the command
run "$ctl" watch k7 --state --count 2 --exec \
    'echo "$SPLINTER_EVENT/$SPLINTER_KEY/$SPLINTER_SIZE/$SPLINTER_TYPE/$SPLINTER_VALUE/$(cat)"'
ok '--exec: a command for each event, with the value on standard input' \
    printed 'set/k7/1/bytes/1/7\nready//0///\n'
# shellcheck disable=SC2016 # for the command
run "$ctl" watch --state --count 1 k7 --exec "'$ctl' get \$SPLINTER_KEY; cat >/dev/null"
ok '--exec: SPLINTER_BUS leads to the bus' printed '7'
run "$ctl" -f "$T/plain" create --feed 64
(
    cd "$T" || exit
    "$ctl" -f plain set k v
    # shellcheck disable=SC2016 # for the command
    "$ctl" -f plain watch --state --count 1 --exec "'$ctl' get \$SPLINTER_KEY"
) >"$T/out" 2>"$T/err"
status=$?
ok '--exec: also to a file without a slash in its name' printed 'v'
run "$ctl" watch --state --count 2 k7 --exec 'exit 3'
ok '--exec: a command that fails is reported, and the next one runs: status 1' eval \
    'says 1 "status 3, at the event '\''set'\'' of key '\''k7'\''" && lines_are 2 "$T/err"'
start "$ctl" watch --state k7 --exec 'echo begun; sleep 0.3; echo whole'
bg_printed begun
signal_it TERM
ended
ok '--exec: SIGTERM waits for the command' eval 'is_status 0 && bg_has whole'

# ---- without a feed

run "$ctl" -b "$BUS.plain" create
SPLINTER_BUS=$BUS.plain
run "$ctl" set a 1
run "$ctl" set b 1
run "$ctl" watch --from 0
ok 'without a feed: no --from' says 1 "--from needs a feed, and bus '$BUS.plain' was made without"
run "$ctl" watch --state --count 2 b none b
ok 'without a feed: the state of named keys' eval \
    "is_status 0 && seen '- set b 1 1\n- ready - - -\n' && says_also 'can be missed'"
ok 'without a feed: it says so once' [ "$(grep -c 'can be missed' "$T/err")" = 1 ]
run "$ctl" watch --state --count 3
ok 'without a feed: the state of all' eval 'is_status 0 && grep -q "ready" "$T/out"'
start "$ctl" watch a --prefix b --state
bg_printed ready
run "$ctl" set b 2
ok 'without a feed: a change' eventually bg_has ' b  .*  2$'
signal_it STOP
seq 9 | sed 's/.*/set a &/' >"$T/in"
run "$ctl" exec "$T/in"
run "$ctl" unset b
signal_it CONT
ok 'without a feed: the last one of several' eventually bg_has ' a  .*  9$'
ok 'without a feed: a removal' bg_printed 'unset'
signal_it TERM
ended
ok 'without a feed: how many were missed' eval \
    'is_status 0 && grep -q "[1-9][0-9]* values were missed" "$T/bg.err"'
rm "/dev/shm/$BUS.plain"
run "$ctl" create
start "$ctl" watch
bg_says 'can be missed'
rm "/dev/shm/$BUS.plain"
ok 'it says that the bus was removed' bg_says "bus '$BUS.plain' was removed"
signal_it INT
ended
ok 'SIGINT ends it' is_status 0

# ---- JSON

SPLINTER_BUS=$BUS
run "$ctl" --json watch --state --count 2 k7
if [ "$status" = 0 ]; then
    sed 's/:[0-9][0-9]*,"epoch":[0-9]*/:N,"epoch":N/' "$T/out" >"$T/json"
    set='"event":"set","key":"k7","size":1,"type":"bytes","revision":1,"missed":0,"value":"7"'
    ok 'JSON: an object a line' grep -qxF "{\"schema\":1,\"number\":N,\"epoch\":N,$set}" "$T/json"
    ok 'JSON: ready' grep -q '"epoch":null,"event":"ready","key":null,.*"value":null}$' "$T/out"
    run "$ctl" --json watch --from 0 --count 1
    ok 'JSON: a gap has its first number' grep -q '"event":"gap".*"first":1,' "$T/out"
    printf 'x\377' >"$T/bytes"
    run "$ctl" set --file "$T/bytes" bytes
    run "$ctl" --json watch --state --count 1 bytes
    ok 'JSON: what is no text' grep -q '"value_base64":"eP8="' "$T/out"
    run "$ctl" --json watch --state --count 1 number
    run "$ctl" incr number
    run "$ctl" --json watch --state --count 1 number
    ok 'JSON: a number' grep -q '"int64":43' "$T/out"
else
    skip 'JSON' 'built without jansson'
fi
if command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    run "$ctl" set "$(printf 'key\033[2J')" "$(printf 'v\033[2J')"
    timeout -k 5 "$WATCHDOG" script -qec "'$ctl' watch --state --prefix key --count 2" /dev/null \
        </dev/null >"$T/out" 2>"$T/err"
    ok 'nothing that a terminal obeys reaches one' eval \
        'grep -q "key.x1b.* 0x761b5b324a" "$T/out" && ! grep -q "$escape" "$T/out"'
else
    skip 'nothing that a terminal obeys reaches one' 'script (of util-linux) was not found'
fi

finish
