#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: get, head, ttl, set, append, incr, decr and touch
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS

field() { sed -n "s/^$1   *//p" "$T/out"; }
json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }
head_of() { run "$ctl" head "$1"; } # then field
epoch_of() { head_of "$1" && field epoch; }

run "$ctl" create --max-value 1000 --slots 4
ok 'a bus' is_status 0

# ---- set and get

run "$ctl" set k 'a value'
ok 'set prints nothing' eval 'printed "" && silent'
run "$ctl" get k
ok 'get prints the bytes and nothing else' printed 'a value'
run "$ctl" set k -- --stdin
run "$ctl" get k
ok 'a value that looks like an option, after --' printed '--stdin'
printf 'a\0b\377\n' >"$T/in"
input=$T/in
run "$ctl" set --stdin k
input=/dev/null
run "$ctl" get k
ok 'any bytes, from standard input' printed 'a\0b\377\n'
printf 'c\0d' >"$T/in"
run "$ctl" set k --file "$T/in"
run "$ctl" get k
ok 'any bytes, from a file' printed 'c\0d'
run "$ctl" set --stdin k v
ok 'only one of VALUE and --stdin' says 2 'one of VALUE, --stdin and --file'
run "$ctl" set k
ok 'none of them' says 2 'one of VALUE, --stdin and --file'
run "$ctl" set k ''
ok 'an empty value' says 2 'empty'
run "$ctl" set --stdin k
ok 'an empty standard input' says 2 'empty'
run "$ctl" set k --file "$T/none"
ok 'a file that is not there' says 1 "cannot open '$T/none'"
run "$ctl" set k --file "$T"
ok 'a file that is a folder' says 1 "cannot read '$T'"
run "$ctl" set '' v
ok 'an empty KEY' says 2 'KEY: a key of 0 bytes is not allowed'
run "$ctl" set "$(head -c 300 /dev/zero | tr '\0' k)" v
ok 'a KEY that is too long' says 2 'KEY: a key of 300 bytes is not allowed'
run "$ctl" set k "$(head -c 1001 /dev/zero | tr '\0' v)"
ok 'a value that is too large' says 1 "bus '$BUS' takes values of at most 1000 bytes"
head -c 1001 /dev/zero >"$T/in"
run "$ctl" set k --file "$T/in"
ok 'nor from a file' says 1 "bus '$BUS' takes values of at most 1000 bytes"
run "$ctl" get k
ok 'and the value is as it was' printed 'c\0d'
run "$ctl" get none
ok 'a key that is absent: status 3' says 3 "key 'none' does not exist in bus '$BUS'"
run "$ctl" get --meta k
ok 'get --meta: what is known, an empty line, the value' eval \
    '[ "$(field size)" = 3 ] && [ "$(sed -n "/^\$/=" "$T/out")" = 8 ]'

# ---- conditions, types and lives

run "$ctl" set --if-absent k w
ok '--if-absent: it is there, status 5' says 5 "key 'k' exists already"
run "$ctl" set --if-absent new w
ok '--if-absent: it is not' is_status 0
epoch=$(epoch_of new)
run "$ctl" set --if-epoch "$epoch" new x
ok '--if-epoch: it is' is_status 0
run "$ctl" set --if-epoch "$epoch" new y
ok '--if-epoch: it is another by now, status 5' says 5 'another epoch'
run "$ctl" set --if-epoch 1 none y
ok '--if-epoch: the key is absent, status 3' says 3 'does not exist'
run "$ctl" set --if-epoch=0 new y
ok '--if-epoch=0 is refused' says 2 "--if-epoch: '0' is not allowed"
run "$ctl" set --if-absent --if-epoch 1 new y
ok 'both conditions' says 2 'exclude each other'
run "$ctl" set --type json new '{}'
head_of new
ok '--type json' [ "$(field type)" = json ]
run "$ctl" set --type 300 new x
head_of new
ok '--type 300' [ "$(field type)" = 300 ]
for bad in 255 65536 jsom; do
    run "$ctl" set --type $bad new x
    ok "--type $bad is refused" says 2 "--type: '$bad' is not allowed"
done
run "$ctl" set --type int64 new twelve
ok '--type int64 takes a number' says 2 "'twelve' is not a whole number"
for bad in 0 -5 soon; do
    run "$ctl" set --ttl=$bad new x
    ok "--ttl=$bad is refused" says 2 "--ttl: '$bad' is not allowed"
done
run "$ctl" ttl new
ok 'ttl: none' printed 'none\n'
run "$ctl" set --ttl 3600000 new x
run "$ctl" ttl new
ok 'ttl: what is left' eval 'is_status 0 && [ "$(cat "$T/out")" -le 3600000 ]'
run "$ctl" set --ttl 1 new x
sleep 0.1
run "$ctl" get new
ok 'a life that is over' says 3 'does not exist'
run "$ctl" ttl new
ok 'ttl of it: status 3' is_status 3

# ---- append, incr, decr, touch

run "$ctl" append log one
run "$ctl" append log -- -two
run "$ctl" get log
ok 'append makes a key and adds to it' printed 'one-two'
run "$ctl" append log "$(head -c 999 /dev/zero | tr '\0' v)"
ok 'append: too large' says 1 'at most 1000 bytes'
run "$ctl" incr n
ok 'incr: an absent key is 0' printed '1\n'
run "$ctl" incr n 41
ok 'incr by N' printed '42\n'
run "$ctl" get --number n
ok 'get --number prints it' printed '42\n'
run "$ctl" get --number k
ok 'get --number of another type' says 1 "key 'k' is no number"
run "$ctl" decr n 50
ok 'decr by N' printed '-8\n'
run "$ctl" incr n -- -2
ok 'incr by less than 0' printed '-10\n'
for bad in x 1.5 '' 9223372036854775808; do
    run "$ctl" incr n "$bad"
    ok "incr by '$bad' is refused" says 2 "N: '$bad' is not allowed"
done
run "$ctl" decr n -- -9223372036854775808
ok 'decr by what has no opposite' says 2 'is not allowed'
run "$ctl" set --type int64 n 9223372036854775807
run "$ctl" incr n
ok 'incr: out of range' says 1 'would leave the range'
run "$ctl" incr log
ok 'incr of what is no number' says 1 'its type is not int64, which set --type int64 gives it'
before=$(epoch_of log)
run "$ctl" touch log
ok 'touch prints nothing' printed ''
ok 'touch: a new epoch, the same value' \
    eval '[ "$(epoch_of log)" -gt "$before" ] && [ "$("$ctl" get log)" = one-two ]'
run "$ctl" touch none
ok 'touch of an absent key: status 3' is_status 3

# ---- a bus that is full

run "$ctl" set last slot
run "$ctl" set one-more slot
ok 'a bus that is full' says 1 "bus '$BUS' is full: "

# ---- JSON

if json; then
    run "$ctl" set --json last text
    ok 'set --json: the epoch' grep -q '^{"schema":1,"key":"last","epoch":[0-9]*}$' "$T/out"
    run "$ctl" get --json last
    ok 'get --json: text' grep -q '"key":"last","value":"text"}$' "$T/out"
    printf 'a\377' >"$T/in"
    run "$ctl" set last --file "$T/in"
    run "$ctl" get --json last
    ok 'get --json: other bytes in base64' grep -q '"value_base64":"Yf8="}$' "$T/out"
    printf 'a\302\233\302\251b\177' >"$T/in"
    run "$ctl" set last --file "$T/in"
    run "$ctl" get --json last
    ok 'get --json: no character that a terminal obeys' \
        grep -q "\"value\":\"a\\\\u009B$(printf '\302\251')b\\\\u007F\"}\$" "$T/out"
    run "$ctl" get --json n
    ok 'get --json: a number' grep -q '"int64":9223372036854775807}$' "$T/out"
    run "$ctl" ttl --json n
    ok 'ttl --json: none is null' grep -q '"ttl_ms":null' "$T/out"
    run "$ctl" decr --json n
    ok 'decr --json' grep -q '"int64":9223372036854775806}$' "$T/out"
    run "$ctl" head --json n
    ok 'head --json: no value' \
        eval 'grep -q "\"type\":\"int64\"" "$T/out" && ! grep -q value "$T/out"'
fi

finish
