#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_logtee, as a user runs it
. "$(dirname "$0")/lib.sh"

common splinter_logtee "$logtee"

# ---- arguments, and what is not there

run "$logtee" --format=xml "$BUS"
ok '--format=xml is refused, with what is allowed' says 2 'it takes plain or json'
run "$logtee" --count=0 "$BUS"
ok '--count=0 is refused' says 2 "--count: '0' is not allowed"
run "$logtee" --prefix=a "$BUS" k
ok '--prefix and a KEY exclude each other' says 2 'exclude each other'
run "$logtee" "$BUS"
ok 'a missing bus: status 3' says 3 "bus '$BUS' does not exist"
run "$send" --create "$BUS" log.a one
run "$send" "$BUS" log.b two
run "$send" "$BUS" other three
run "$logtee" "$BUS" nokey
ok 'a missing key that was named: status 3' says 3 "key 'nokey' does not exist"
run "$logtee" --timeout=50 "$BUS"
ok 'nothing new: status 4' says 4 'no new value within 50 ms'
ok 'and no output' [ ! -s "$T/out" ]

# ---- what is there

run "$logtee" --current --count=3 "$BUS"
ok '--current: all keys, in the order in which they were set' \
    printed 'log.a\tone\nlog.b\ttwo\nother\tthree\n'
ok 'the total is reported at the end' says 0 '3 values, 0 missed'
run "$logtee" --current --count=3 "$BUS"
ok 'nothing was consumed' printed 'log.a\tone\nlog.b\ttwo\nother\tthree\n'
run "$logtee" --current --count=2 --prefix=log. "$BUS"
ok '--prefix' printed 'log.a\tone\nlog.b\ttwo\n'
run "$logtee" --current --count=2 "$BUS" other log.a
ok 'named keys' printed 'log.a\tone\nother\tthree\n'
run "$logtee" --current --timeout=50 "$BUS" other
ok 'status 4 also after values' eval 'is_status 4 && file_is "$T/out" "other\tthree\n"'
run "$logtee" --current --count=1 --timestamps "$BUS" other
ok '--timestamps: RFC 3339' \
    eval 'is_status 0 &&
        grep -qE "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z	other	three$" "$T/out"'

run "$logtee" --current --count=1 --bus="$BUS" other
ok '--bus: all arguments are keys' printed 'other\tthree\n'
run env SPLINTER_BUS="$BUS" "$logtee" --current --count=3
ok 'without arguments: the bus in SPLINTER_BUS' printed 'log.a\tone\nlog.b\ttwo\nother\tthree\n'

# A terminal would obey what is in a key, so there it is shown; elsewhere it is as it is.
ugly=$(printf 'a\033[2Jb')
run "$send" "$BUS" "$ugly" v
run "$logtee" --current --count=1 "$BUS" "$ugly"
ok 'a key is as it is' printed "$ugly\tv\n"
if command -v script >/dev/null; then
    run script -qec "'$logtee' --current --count=1 --prefix=a '$BUS'" /dev/null
    ok 'on a terminal what it would obey is shown' grep -qF 'a\x1b[2Jb' "$T/out"
else
    skip 'on a terminal what it would obey is shown' 'script was not found'
fi
# ---- JSON

run "$logtee" --current --count=1 --format=json "$BUS" other
printf '{"key":"other","epoch":[0-9]*,"revision":1,"type":"bytes","value":"three"}' >"$T/want"
ok 'json: key, epoch, revision, type, value' eval 'is_status 0 && grep -qxf "$T/want" "$T/out"'
for type in text json int64 256 65535; do
    run "$send" --type=$type "$BUS" typed -5
    run "$logtee" --current --count=1 --format=json "$BUS" typed
    case $type in
        [0-9]*) printf '"type":%s,"value":"-5"}' $type >"$T/want" ;;
        int64) printf '"type":"int64","value":-5}' >"$T/want" ;;
        *) printf '"type":"%s","value":"-5"}' $type >"$T/want" ;;
    esac
    ok "json: the type $type" grep -qFf "$T/want" "$T/out"
done
run "$send" --type int64 "$BUS" typed -9223372036854775808
run "$logtee" --current --count=1 "$BUS" typed
ok 'plain: a number is a number' printed 'typed\t-9223372036854775808\n'
run "$logtee" --current --count=1 --format=json "$BUS" other
ok 'json: no life, no member' eval '! grep -q ttl "$T/out"'
run "$send" --ttl 1000000 "$BUS" mortal v
run "$logtee" --current --count=1 --format=json "$BUS" mortal
ok 'json: the life that is left' \
    grep -qE '"type":"bytes","ttl_ms":[1-9][0-9]{4,6},"value":"v"}' "$T/out"
run "$logtee" --current --count=1 --format=json "$BUS" other
ok 'json: the total is also an object' \
    eval 'silent && tail -n 1 "$T/out" | grep -qxF "{\"values\":1,\"missed\":0}"'
printf 'q"\\\n\t\001\303\251' >"$T/in"
input=$T/in
run "$send" --stdin "$BUS" esc
printf 'ab\377' >"$T/in"
run "$send" --stdin "$BUS" bin
printf '\300\200' >"$T/in"
run "$send" --stdin "$BUS" overlong
input=/dev/null
run "$logtee" --current --count=1 --format=json "$BUS" esc
printf '"value":"q\\"\\\\\\n\\u0009\\u0001\303\251"}\n' >"$T/want"
ok 'json: text is escaped' grep -qFf "$T/want" "$T/out"
run "$logtee" --current --count=1 --format=json "$BUS" bin
ok 'json: bytes that are no text are base64' grep -qF '"value_base64":"YWL/"}' "$T/out"
run "$logtee" --current --count=1 --format=json "$BUS" overlong
ok 'json: an overlong form is no text' grep -qF '"value_base64":"wIA="}' "$T/out"
run "$logtee" --current --count=1 --format=json --timestamps "$BUS" bin
ok 'json: the time when asked' grep -qE '^\{"time":"[^"]*Z","key":"bin"' "$T/out"

# ---- following

start "$logtee" --verbose --count=2 "$BUS"
bg_says 'following'
run "$send" "$BUS" log.a new
bg_printed new
run "$send" "$BUS" fresh born
ended
ok 'follows old keys and new ones; begins with what is newer' bg_wrote 'log.a\tnew\nfresh\tborn\n'

start "$logtee" --wait --verbose --count=1 "$BUS.later"
bg_says 'waiting for bus'
run "$send" --create "$BUS.later" k first
ended
ok '--wait: the first value of a bus that did not exist is not missed' bg_wrote 'k\tfirst\n'

start "$logtee" --wait --verbose --count=1 "$BUS" awaited
bg_says 'following'
run "$send" "$BUS" awaited here
ended
ok '--wait: a named key that did not exist' bg_wrote 'awaited\there\n'

seq 1 2000 >"$T/in"
start "$logtee" --verbose --format=json "$BUS" log.a
bg_says 'following'
input=$T/in
run "$send" --lines "$BUS" log.a
input=/dev/null
ok 'the last value always comes' bg_printed '"value":"2000"'
signal_it TERM
ended
ok 'SIGTERM: status 0' is_status 0
missed=$(sum_of '.*"key":"log.a","missed":\([0-9]*\)}.*' "$T/bg.out")
values=$(grep -c '"value":' "$T/bg.out")
ok 'json: values and missed ones make all that were sent' [ $((missed + values)) = 2000 ]
ok 'json: the total says the same' grep -qxF "{\"values\":$values,\"missed\":$missed}" "$T/bg.out"

start "$logtee" --verbose "$BUS" log.a
bg_says 'following'
input=$T/in
run "$send" --lines "$BUS" log.a
input=/dev/null
bg_printed '	2000'
signal_it INT
ended
ok 'SIGINT: status 0' is_status 0
missed=$(sum_of '^splinter_logtee: \([0-9]*\) values* of key .* missed.*' "$T/bg.err")
values=$(wc -l <"$T/bg.out")
ok 'plain: values and missed ones make all that were sent' [ $((missed + values)) = 2000 ]

start "$logtee" --verbose --count=2 "$BUS" log.a
bg_says 'following'
run "$send" "$BUS" log.a 'one of two'
bg_printed 'one of two'
signal_it TERM
ended
ok 'SIGTERM before the last value of --count: not status 0' died_of TERM
ok 'and the total was reported' grep -q '1 value' "$T/bg.err"

# Many keys: a look at all of them takes long, and is not taken at each change.
"$perf" --bus="$BUS.many" --keys=150000 --readers=1 --duration=60 >/dev/null 2>&1 &
pids="$pids $!"
many=$!
eventually [ -e "/dev/shm/$BUS.many" ]
start "$logtee" --verbose --format=json --prefix=mine "$BUS.many"
ok 'many keys: it follows' bg_says following
input=$T/in
run "$send" --lines "$BUS.many" mine.1
input=/dev/null
ok 'many keys: the last value always comes' bg_printed '"value":"2000"'
run "$send" "$BUS.many" mine.2 cold
ok 'many keys: and so does one of a key that did not change before' bg_printed cold
signal_it TERM
ended
missed=$(sum_of '.*"key":"mine.1","missed":\([0-9]*\)}.*' "$T/bg.out")
values=$(grep -c '"key":"mine.1".*"value":' "$T/bg.out")
ok 'many keys: values and missed ones make all that were sent' [ $((missed + values)) = 2000 ]
kill "$many"
wait "$many" 2>/dev/null
pids=${pids% "$many"}

# A key that expires and is set again begins at revision 1: what was in between is unknown.
run "$send" --ttl 200 "$BUS" again old
start "$logtee" --current --count=2 --format=json --verbose "$BUS" again
if bg_printed '"value":"old"'; then
    gone() {
        run "$recv" --current --oneshot "$BUS" again
        is_status 3
    }
    eventually gone
    run "$send" "$BUS" again young
    ended
    ok 'a key that was removed and set again is reported as such' \
        grep -qF '{"key":"again","missed":0,"recreated":true}' "$T/bg.out"
else
    signal_it TERM 2>/dev/null
    ended
    skip 'a key that was removed and set again is reported as such' 'the key was gone too soon'
fi

# ---- a bus that is removed, and made again

follows_the_name "$logtee" 'k\t'

# ---- files

start "$logtee" --verbose --output="$T/log" "$BUS" log.b
bg_says 'following'
run "$send" "$BUS" log.b first
ok '--output' eventually grep -qs first "$T/log"
mv "$T/log" "$T/log.1"
signal_it HUP
ok 'SIGHUP reopens it' bg_says 'reopened'
run "$send" "$BUS" log.b second
ok 'what comes then goes to the new file' eventually grep -qs second "$T/log"
signal_it TERM
ended
ok 'and only there' \
    eval 'is_status 0 && file_is "$T/log.1" "log.b\tfirst\n" && file_is "$T/log" "log.b\tsecond\n"'
run "$logtee" --current --count=1 --output="$T/log" "$BUS" log.b
ok '--output appends' file_is "$T/log" 'log.b\tsecond\nlog.b\tsecond\n'
run "$logtee" --output="$T/none/log" "$BUS"
ok '--output that cannot be opened' says 1 "cannot open '$T/none/log'"
if [ -e /dev/full ]; then
    run "$logtee" --current --count=1 --output=/dev/full "$BUS"
    ok 'a full disk is reported, status 1' says 1 'cannot write to /dev/full: No space'
fi
# A file that takes no more has whole records.  The limit of the shell is in units of 512 or 1024,
# and must leave the bus alone.
for n in 1 2 3 4 5 6 7 8 9; do
    head -c 60000 /dev/zero | tr '\0' $n >"$T/in"
    input=$T/in
    run "$send" --stdin "$BUS" full.$n
done
input=/dev/null
whole() { # FILE
    [ -s "$1" ] && [ "$(tail -c 1 "$1" | wc -l)" = 1 ] && awk '
        !/^{.*"}$/ && length != 60000 + length("full.1 ") { exit 1 }' "$1"
}
for format in plain json; do
    rm -f "$T/log"
    run sh -c 'ulimit -f 512 && exec "$0" "$@"' "$logtee" --current --count=9 --prefix=full. \
        --format=$format --output="$T/log" "$BUS"
    ok "$format: a file that is full: status 1" says 1 "cannot write to $T/log"
    ok "$format: it ends with a whole record" whole "$T/log"
done
run sh -c 'log=$1 && shift && ulimit -f 512 && exec "$0" "$@" >"$log"' "$logtee" "$T/log" \
    --current --count=9 --prefix=full. "$BUS"
ok "so does standard output" eval 'is_status 1 && whole "$T/log"'
printf 'half a rec' >"$T/log"
run "$logtee" --current --count=1 --output="$T/log" "$BUS" log.b
ok 'a record does not run into half of one that was there' \
    file_is "$T/log" 'half a rec\nlog.b\tsecond\n'
run_into_head "$logtee" --current "$BUS" log.b
ok 'a reader that goes ends it quietly' eval 'is_status 0 && silent'

finish
