#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: dump and restore
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
: "${TOP_BUILDDIR:=.}"

counts() { # "restored 6" "kept 1" ...: and all others are 0
    for pair in "$@"; do
        grep -qx "$(echo "$pair" | sed 's/_/ /g; s/ \([0-9]*\)$/  *\1/')" "$T/out" || return 1
    done
    [ "$(grep -vc ' 0$' "$T/out")" = $# ]
}
header='{"dump":"splinter","schema":1}'
# of_lines LINE...: restores a dump of these lines behind a header
of_lines() {
    {
        echo "$header"
        printf '%s\n' "$@"
    } >"$T/lines"
    run "$ctl" restore --merge theirs "$T/lines"
}

# ---- there and back

run "$ctl" create --slots 300 --max-value 70000 --feed 64
run "$ctl" dump
ok 'of an empty bus: a header and an end' eval \
    'is_status 0 && silent && [ "$(wc -l <"$T/out")" = 2 ] &&
     grep -q "^{\"dump\":\"splinter\",\"schema\":1,.*\"slots\":300,\"max_value\":70000,.*}$" \
         "$T/out" &&
     grep -qx "{\"end\":true,\"records\":0}" "$T/out"'

printf 'a"\\/\n\t\001\177\303\274' >"$T/text"
printf 'a\000\377' >"$T/binary"
head -c 70000 /dev/zero | tr '\0' '"' >"$T/large"
run "$ctl" set --type text text --file "$T/text"
run "$ctl" set --type 300 binary --file "$T/binary"
run "$ctl" set --type json large --file "$T/large"
run "$ctl" incr number -- -42
run "$ctl" set --ttl 3600000 mortal v
run "$ctl" set "$(printf 'key\377')" v
run "$ctl" set "$(printf 'key"\\\n')" v
i=0
while [ $i -lt 100 ]; do # values of all remainders of base64, and some
    head -c $((i + 1)) /dev/urandom >"$T/value"
    run "$ctl" set "random/$i" --file "$T/value"
    i=$((i + 1))
done
run "$ctl" dump
cp "$T/out" "$T/dump"
ok 'dump: a record a line' eval 'is_status 0 && silent && [ "$(wc -l <"$T/out")" = 109 ]'
ok 'text, with escapes' grep -qF \
    '"type":"text","value":"a\"\\/\n\u0009\u0001\u007f' "$T/dump"
ok 'bytes that are no text' grep -qx \
    '{"key":"binary","epoch":[0-9]*,"type":"300","value_base64":"YQD/"}' "$T/dump"
ok 'a number' grep -q '^{"key":"number",.*"type":"int64","int64":-42,' "$T/dump"
ok 'an end of life' grep -q '^{"key":"mortal",.*"expires_ms":[0-9]\{13\},"value":"v"}$' "$T/dump"
ok 'a key that is no text' grep -q '^{"key_base64":"a2V5/w==",' "$T/dump"
if command -v jq >/dev/null; then
    ok 'jq reads it' eval 'jq -e . <"$T/dump" >/dev/null'
else
    skip 'jq reads it' 'jq was not found'
fi

run "$ctl" -b "$BUS.2" restore --create "$T/dump"
ok 'restore --create' eval 'is_status 0 && silent && counts "restored 107"'
run "$ctl" -b "$BUS.2" info
ok 'the bus has the limits of the dump' eval \
    'grep -q "^slots  *300$" "$T/out" && grep -q "^max value  *70000$" "$T/out" &&
     grep -q "^feed  *64$" "$T/out"'
run "$ctl" diff "$BUS.2"
ok 'and nothing differs' printed ''
run "$ctl" -b "$BUS.2" dump
sed 's/"epoch":[0-9]*,//; s/"expires_ms":[0-9]*,//; 1d' "$T/out" | sort >"$T/second"
sed 's/"epoch":[0-9]*,//; s/"expires_ms":[0-9]*,//; 1d' "$T/dump" | sort >"$T/first"
ok 'its dump is the same, but for epochs' cmp -s "$T/first" "$T/second"
run "$ctl" -b "$BUS.2" incr number
ok 'the number still is one' printed '-41\n'
run "$ctl" -b "$BUS.2" restore --create "$T/dump"
ok 'restore --create of a bus that is there' says 5 "'$BUS.2' exists already"
run "$ctl" -b "$BUS.none" restore "$T/dump"
ok 'restore without --create of one that is not' says 3 "bus '$BUS.none' does not exist"
run "$ctl" -f "$T/store" restore --create "$T/dump"
ok 'restore --create of a file' is_status 0
run "$ctl" diff "$T/store"
ok 'nor does that differ' printed ''

run "$ctl" dump --prefix random/
ok 'dump --prefix' eval '[ "$(grep -c "^{\"key\":\"random/" "$T/out")" = 100 ] &&
    [ "$(wc -l <"$T/out")" = 102 ]'

# ---- to a file

chmod 640 "/dev/shm/$BUS"
(umask 0 && run "$ctl" dump "$T/file")
ok 'dump FILE: the mode is that of the bus' eval '[ "$(stat -c %a "$T/file")" = 640 ]'
for file in dump file; do # but for times
    sed '1d; s/"expires_ms":[0-9]*,//' "$T/$file" >"$T/$file.rest"
done
ok 'its lines are those of standard output' cmp -s "$T/file.rest" "$T/dump.rest"
rm "$T/file.rest"
run "$ctl" unset mortal
ln -s file "$T/link"
run "$ctl" dump "$T/link"
ok 'a file that is there is replaced, through a link too' \
    eval '[ -L "$T/link" ] && ! grep -q mortal "$T/file"'
ok 'nothing is left beside it' eval '[ "$(ls "$T" | grep -c "^file\|^link")" = 2 ]'
run "$ctl" -f "$T/store" dump "$T/store"
ok 'the bus itself' says 2 "'$T/store' is the bus itself"
longest=$(printf '%0255d' 0)
run "$ctl" dump "$T/$longest"
ok 'the longest name' eval 'is_status 0 && [ -f "$T/$longest" ]'
run "$ctl" dump "$T/${longest}0"
ok 'a name that is too long' says 1 'File name too long'
run "$ctl" dump "$T/none/file"
ok 'a folder that is not there' says 1 "cannot make '$T/none/file': No such file"
run "$ctl" dump "$T"
ok 'a folder' says 1 "cannot make '$T': Is a directory"
if [ -e /dev/full ]; then
    run "$ctl" dump /dev/full
    ok 'a full disk' says 1 'cannot write to /dev/full'
fi
run_into_head "$ctl" dump
ok 'a reader that goes ends it quietly' eval 'is_status 0 && silent'
mkfifo "$T/fifo"
"$ctl" dump "$T/fifo" 2>"$T/err" &
dumper=$!
cat "$T/fifo" >"$T/out"
wait $dumper
status=$?
ok 'a pipe with a name' eval 'is_status 0 && silent && grep -q end "$T/out"'

# A restore that waits for more lines gets a signal.
run "$ctl" -f "$T/big" create --max-value 1000000
head -c 900000 /dev/zero | tr '\0' x >"$T/value"
run "$ctl" -f "$T/big" set k --file "$T/value"
for signal in INT TERM HUP; do
    start "$ctl" -f "$T/big" restore --merge theirs "$T/fifo"
    exec 8<>"$T/fifo"
    echo "$header" >&8
    echo '{"key":"before-the-signal","value":"v"}' >&8
    eventually "$ctl" -f "$T/big" head before-the-signal >/dev/null 2>&1
    signal_it $signal
    ended
    exec 8>&-
    ok "SIG$signal ends a restore" died_of $signal
    run "$ctl" -f "$T/big" unset before-the-signal
done
# A dump that is written gets one, sooner or later: there is all of it, or nothing.
{
    echo '{"dump":"splinter","schema":1,"slots":50000,"max_value":8}'
    seq 1 50000 | sed 's/.*/{"key":"key\/&","value":"v"}/'
} >"$T/many"
run "$ctl" -b "$BUS.many" restore --create "$T/many"
mkdir "$T/there"
for pause in 0 0.02 0.05 0.1; do
    start "$ctl" -b "$BUS.many" dump "$T/there/dump"
    eventually test -s "$T/bg.pid"
    sleep $pause
    signal_it INT 2>/dev/null
    ended
    if [ -e "$T/there/dump" ]; then
        ok "SIGINT: all of the dump: $pause" eval '[ "$(wc -l <"$T/there/dump")" = 50002 ]'
    else
        ok "SIGINT: nothing of the dump: $pause" died_of INT
    fi
    rm -f "$T/there/dump"
    ok 'and nothing beside it' rmdir "$T/there"
    mkdir "$T/there"
done
for where in "$BUS.half" "$T/half"; do
    exec 8<>"$T/fifo"
    case $where in */*) folder=$T ;; *) folder=/dev/shm ;; esac
    start "$ctl" -b "$where" restore --create "$T/fifo"
    echo '{"dump":"splinter","schema":1,"slots":9,"max_value":9}' >&8
    eventually eval 'ls "$folder" | grep -q "^${where##*/}\.new"'
    signal_it INT
    ended
    exec 8>&-
    ok "SIGINT leaves no half of a bus: ${where##*/}" eval \
        'died_of INT && ! ls "$folder" | grep -q "^${where##*/}"'
done

# ---- --merge

run "$ctl" -b "$BUS.m" create
run "$ctl" -b "$BUS.m" set old 1
run "$ctl" -b "$BUS.m" set same 1
run "$ctl" -b "$BUS.m" dump "$T/merge"
run "$ctl" -b "$BUS.m" set new 1
for i in 1 2 3; do run "$ctl" -b "$BUS.m" set old 2; done
sed '/"same"/s/"epoch":[0-9]*,/"epoch":1000000,/; s/"value":"1"/"value":"dump"/' "$T/merge" \
    >"$T/merge2"
run "$ctl" -b "$BUS.m" restore "$T/merge2"
ok 'without --merge a key that is there is refused' \
    eval 'says 5 "exists already" && grep -q "line 2: key" "$T/err"'
run "$ctl" -b "$BUS.m" restore --merge ours "$T/merge2"
ok '--merge ours' eval 'is_status 0 && counts "kept 2"'
run "$ctl" -b "$BUS.m" restore --merge newest "$T/merge2"
ok '--merge newest' eval 'is_status 0 && counts "kept 1" "restored 1"'
run "$ctl" -b "$BUS.m" get same
ok 'it took the newer one' printed 'dump'
run "$ctl" -b "$BUS.m" get old
ok 'and left the other' printed '2'
run "$ctl" -b "$BUS.m" restore --merge theirs "$T/merge2"
ok '--merge theirs' eval 'is_status 0 && counts "restored 2"'
run "$ctl" -b "$BUS.m" get old
ok 'it took both' printed 'dump'
run "$ctl" -b "$BUS.m" restore --merge all "$T/merge2"
ok '--merge all is refused' says 2 'it takes newest, theirs or ours'

# ---- what is wrong

of_lines '{"key":"a","value":"1"}' '{"key":"b","value":1}' '{"key":"c","value":"3"}'
ok 'a line that is broken is named' says 1 "$T/lines: line 3: 'value' is no string"
ok 'nothing behind it was restored' counts 'restored 1' 'broken 1'
run "$ctl" get c
ok 'nothing indeed' is_status 3
run "$ctl" restore --keep-going --merge theirs "$T/lines"
ok '--keep-going: all others' eval 'is_status 1 && counts "restored 2" "broken 1"'
while IFS='|' read -r line wrong; do
    of_lines "$line"
    ok "$line" says 1 "line 2: $wrong"
done <<'EOF'
{"key":"k","value":"v"|byte 23: ',' or '}' is missing
{"key":"k","value":"v"} {}|byte 25: something is behind the object
[]|byte 1: this is no JSON object
{"key":"k","value":"v",}|byte 24: the name of a member is missing
{"key":"k" "value":"v"}|byte 12: ',' or '}' is missing
{"key" "k"}|byte 8: ':' is missing
{"key":"k","key":"k"}|byte 17: this member is there twice
{"key":"k","value":"v|byte 22: the string has no closing quote
{"key":"k","value":"\ud83dx"}|byte 22: a high surrogate without a low one behind it
{"key":"k","value":"\ude00"}|byte 22: a low surrogate without a high one before it
{"key":"k","value":"\u12g4"}|byte 22: \u takes four hexadecimal digits
{"key":"k","value":"\x"}|byte 22: a backslash before a character that needs none
{"key":"k","value":nul}|byte 20: a value is missing
{"key":"k","value":01}|byte 20: this is no number
{"key":"k","x":1.}|byte 18: a digit is missing behind the point
{"key":"k","x":1e}|byte 18: the exponent has no digit
{"value":"v"}|'key' is missing
{"key":"","value":"v"}|'key' is empty
{"key":"a\u0000","value":"v"}|'key' has a zero byte
{"key":7,"value":"v"}|'key' is no string
{"key":"k"}|'value' is missing
{"key":"k","value":""}|'value' is empty
{"key":"k","value":"v","value_base64":"AA=="}|'value' is there twice, also as base64
{"key":"k","value_base64":"AA="}|'value' is no base64
{"key":"k","value_base64":"AB=="}|'value' is no base64
{"key":"k","value_base64":"A==="}|'value' is no base64
{"key":"k","value":"v","epoch":-1}|'epoch' is no whole number
{"key":"k","value":"v","epoch":1.5}|'epoch' is no whole number
{"key":"k","value":"v","expires_ms":"x"}|'expires_ms' is no whole number
{"key":"k","value":"v","type":"words"}|'type' is neither
{"key":"k","value":"v","type":65536}|'type' is neither
{"key":"k","int64":5}|'int64' is there, but the type is not int64
{"key":"k","type":"int64","int64":9223372036854775808}|'int64' is no whole number
EOF
long=$(printf '%0256d' 0)
of_lines "{\"key\":\"$long\",\"value\":\"v\"}"
ok 'a key that is too long' says 1 "'key' is too long"
of_lines "{\"key\":\"${long#0}\",\"value\":\"v\"}"
ok 'the longest key' eval 'is_status 0 && counts "restored 1"'
of_lines "$(printf '{"key":"k","value":"\377"}')"
ok 'what is not UTF-8' says 1 'is not UTF-8'
printf '%s\n{"key":"k","value":"a\000b"}\n' "$header" >"$T/zero"
run "$ctl" restore --merge theirs "$T/zero"
ok 'a zero byte' says 1 'line 2: byte 22:'
deep=$(printf '%0100d' 0 | tr 0 '[')
of_lines "{\"key\":\"k\",\"x\":$deep"
ok 'arrays in arrays' says 1 'are in one another'

head -c 4000000 /dev/zero | tr '\0' x >"$T/long"
{ echo "$header"; echo '{"key":"k","value":"v"}'; cat "$T/long"; } >"$T/lines"
run "$ctl" restore --merge theirs "$T/lines"
ok 'a line that is too long' says 1 "line 3 of $T/lines has more than"

of_lines ' {	"x" : [ 1 , {"y":[]} , -0.5e+3 , true ] ,'\
' "value":"v\u00fc\ud83d\ude00\/" ,"key":"spaces"} '
ok 'spaces, any order and other members are fine' eval 'is_status 0 && counts "restored 1"'
run "$ctl" get spaces
ok 'and escapes' printed 'v\303\274\360\237\230\200/'
printf 'a\302\233\302\251b\177' >"$T/c1"
run "$ctl" set spaces --file "$T/c1"
run "$ctl" dump --prefix spaces
ok 'no character that a terminal obeys' grep -qF "\"a\\u009b$(printf '\302\251')b\\u007f\"" "$T/out"
run "$ctl" restore --merge theirs "$T/out"
run "$ctl" get spaces
ok 'and it comes back' eval 'is_status 0 && cmp -s "$T/out" "$T/c1"'
of_lines '{"key":"x","value":null,"value_base64":"eA==","expires_ms":null,"type":null}' '' '  '
ok 'null is as good as absent, and so are empty lines' eval 'is_status 0 && counts "restored 1"'
of_lines '{"key":"x","value":"v","expires_ms":18446744073709551615}'
ok 'a life that is too long for a number' eval 'is_status 0 && counts "restored 1"'
of_lines '{"key":"x","value":"v","expires_ms":1}'
ok 'a life that has ended' eval 'is_status 0 && counts "expired 1"'

for text in '' x '{}' '{"dump":"other","schema":1}' '{"dump":"splinter"}' \
    '{"dump":"splinter","schema":0}' '{"key":"a","value":"b"}'; do
    echo "$text" >"$T/lines"
    run "$ctl" restore "$T/lines"
    ok "no header: $text" says 1 'is no dump that this splinterctl can read'
done
echo '{"dump":"splinter","schema":2}' >"$T/lines"
run "$ctl" restore "$T/lines"
ok 'a later schema' says 1 'it has schema 2'
head -n 5 "$T/dump" >"$T/lines"
run "$ctl" restore --merge theirs "$T/lines"
ok 'a dump that was cut off' says 1 'was cut off behind line 5'
run "$ctl" -b "$BUS.cut" restore --create "$T/lines"
ok 'makes no bus' eval 'is_status 1 && [ ! -e "/dev/shm/$BUS.cut" ]'
echo '{"dump":"splinter","schema":1,"slots":0,"max_value":1}' >"$T/lines"
run "$ctl" -b "$BUS.cut" restore --create "$T/lines"
ok 'limits that are not allowed' says 1 '--create: line 1'
cat "$T/dump" "$T/dump" >"$T/lines"
run "$ctl" restore --merge theirs "$T/lines"
ok 'two dumps in one file' says 1 'line 110: there is more behind'
run "$ctl" restore "$T/none"
ok 'no such file' says 1 "cannot open '$T/none'"

# ---- a target that goes away

mkfifo "$T/fifo"
run "$ctl" -b "$BUS.gone" create
start "$ctl" -b "$BUS.gone" restore "$T/fifo"
exec 9>"$T/fifo"
printf '%s\n{"key":"k","value":"v"}\n' "$header" >&9
eventually eval '"$ctl" -b "$BUS.gone" get k >"$T/out" 2>&1'
run "$ctl" -b "$BUS.gone" destroy --force
exec 9>&-
ended
ok 'is told of' eval 'is_status 1 && bg_says "was removed meanwhile"'

# ---- a target that is too small

run "$ctl" -b "$BUS.small" create --slots 3 --max-value 10
{
    echo "$header"
    for i in 1 2 3 4 5; do
        printf '{"key":"k%s","value":"small"}\n{"key":"l%s","value":"12345678901"}\n' $i $i
    done
} >"$T/lines"
run "$ctl" -b "$BUS.small" restore "$T/lines"
ok 'values that are too large are named' says 1 \
    "line 3: the value of key 'l1' has 11 bytes, and bus '$BUS.small' takes at most 10"
ok 'a bus that is full, too' grep -q "line 8: there is no room in bus '$BUS.small' for key 'k4'" \
    "$T/err"
ok 'both are counted' counts 'restored 3' 'too_large 3' 'no_room 1'
run "$ctl" -b "$BUS.small" restore --merge theirs --keep-going "$T/lines"
ok '--keep-going' eval 'is_status 1 && counts "restored 3" "too_large 5" "no_room 2"'
{
    echo "$header"
    seq 1 100 | sed 's/.*/{"key":"k&","value":"12345678901"}/'
} >"$T/lines"
run "$ctl" -b "$BUS.small" restore "$T/lines"
ok 'not all of many are named' eval 'counts "too_large 100" && [ "$(wc -l <"$T/err")" = 21 ]'

# ---- what is in no dump

"$TOP_BUILDDIR/tests/cli/owner" "$BUS.m" owned >"$T/owner" &
pids="$pids $!"
eventually grep -qs ready "$T/owner"
"$TOP_BUILDDIR/tests/cli/rooms" fill "$BUS.m"
run "$ctl" -b "$BUS.m" dump
ok 'ephemeral keys, topics and queues are not in it' eval \
    'is_status 0 && ! grep -q owned "$T/out" &&
    [ "$(wc -l <"$T/out")" = 5 ]'
ok 'and it says so' eval 'grep -q "left out: 1 topic and 1 queue" "$T/err" &&
    grep -q "left out: 1 ephemeral key, which belongs to" "$T/err"'

echo restore >"$T/lines"
input=$T/lines
run "$ctl" exec
ok 'restore cannot read what exec reads' says 2 'standard input has the commands'
input=/dev/null

finish
