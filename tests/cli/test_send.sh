#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_send, as a user runs it
. "$(dirname "$0")/lib.sh"

value_is() { # BUS KEY FORMAT
    run "$recv" --current --oneshot --raw "$1" "$2"
    printed "$3"
}

common splinter_send "$send"

# ---- arguments

run "$send"
ok 'without arguments: says that VALUE is missing' says 2 'VALUE is missing'
run "$send" a b c d
ok 'four arguments are too many' says 2 'too many arguments'
run "$send" --stdin a b c
ok 'three arguments are too many with --stdin' says 2 'too many arguments'
run "$send" "$BUS" k ''
ok 'an empty VALUE: says that it must have at least 1 byte' says 2 'at least 1 byte'
run "$send" "$BUS" '' v
ok 'an empty KEY is refused' says 2 'KEY: a key of 0 bytes'
long=$(printf '%0300d' 0)
run "$send" "$BUS" "$long" v
ok 'a KEY that is too long is refused, with the limit' says 2 'it takes 1 to 255'
for bad in 0 -1 +1 ' 1' 1x '' 268435457 99999999999999999999 0x10 1.5; do
    run "$send" --create --slots="$bad" "$BUS" k v
    ok "--slots='$bad' is refused, with what is allowed" says 2 'from 1 to 268435456'
done
run "$send" --create --max-value=0 "$BUS" k v
ok '--max-value=0 is refused, with what is allowed' says 2 'from 1 to 1073741824'
run "$send" --ttl=0 "$BUS" k v
ok '--ttl=0 is refused' says 2 "--ttl: '0' is not allowed"
run "$send" --slots=5 "$BUS" k v
ok '--slots without --create is refused' says 2 'need --create'
for bad in 70000 x '' -1 1.5; do
    run "$send" --create --feed="$bad" "$BUS" k v
    ok "--feed='$bad' is refused, with what is allowed" \
        says 2 "--feed: '$bad' is not allowed; it takes a whole number from 0 to "
done
for n in 64 0; do
    run "$send" --feed $n "$BUS" k v
    ok "--feed $n without --create is refused" says 2 'need --create'
done
ok 'none of these created the bus' [ ! -e "/dev/shm/$BUS" ]

# ---- a bus that is not there

run "$send" "$BUS" k v
ok 'a missing bus: status 3, and --create is named' says 3 "bus '$BUS' does not exist; --create"
ok 'nothing was created' [ ! -e "/dev/shm/$BUS" ]
run "$send" --create "$T/none/store" k v
ok 'a file store in a directory that is missing' says 1 'cannot create'
echo 'this is no store' >"$T/text"
run "$send" "$T/text" k v
ok 'a file that is no store' says 1 'not a store'
ok 'and how it begins' says 1 'begins with "this is no s"'
ok 'and the message names it once' [ "$(grep -oF "$T/text" "$T/err" | wc -l)" = 1 ]

"$send" --create "$T/store" k v
gzip -c "$T/store" >"$T/store.gz"
run "$send" "$T/store.gz" k v
ok 'a compressed copy of a store' says 1 'compressed with gzip: decompress it first'
gunzip -c "$T/store.gz" >"$T/copy"
run "$send" "$T/copy" k w
ok 'which is one when it has been decompressed' printed ''

# ---- the mode of a new bus

for bad in 0 8 1000 rw -1 ''; do
    run "$send" --create --mode="$bad" "$BUS.m" k v
    ok "--mode='$bad' is refused, with what is allowed" says 2 'from 1 to 777'
done
run "$send" --mode=660 "$BUS.m" k v
ok '--mode without --create is refused' says 2 'need --create'
(umask 022 && "$send" --create --mode=0666 "$BUS.m" k v)
ok '--mode is that of the new bus, less the umask' [ "$(stat -c %a "/dev/shm/$BUS.m")" = 644 ]
(umask 022 && "$send" --create "$BUS.n" k v)
ok 'without --mode it is 600' [ "$(stat -c %a "/dev/shm/$BUS.n")" = 600 ]
rm -f "/dev/shm/$BUS.m" "/dev/shm/$BUS.n"

# ---- sending

run "$send" --create --slots=4 --max-value=64 "$BUS" k v
ok '--create makes the bus' eval 'is_status 0 && silent'
ok 'the value is there' value_is "$BUS" k v
run "$send" -b "$BUS" 'a value'
ok 'one argument and --bus: the default key' value_is "$BUS" __debug 'a value'
run "$send" --bus="$BUS" k 'by option'
ok 'two arguments and --bus: KEY and VALUE' value_is "$BUS" k 'by option'
run "$send" --bus="$BUS" "$BUS" k v
ok 'three arguments and --bus are too many' says 2 'only KEY and VALUE are allowed'
run env SPLINTER_BUS="$BUS" "$send" k environment
ok 'two arguments are KEY and VALUE: of the bus in SPLINTER_BUS' value_is "$BUS" k environment
run env SPLINTER_BUS="$BUS" "$send" 'one word'
ok 'one argument is VALUE' value_is "$BUS" __debug 'one word'
run env SPLINTER_BUS="$BUS.none" "$send" "$BUS" k 'by argument'
ok 'three arguments: SPLINTER_BUS does not matter' value_is "$BUS" k 'by argument'
run env SPLINTER_BUS="$BUS.none" "$send" -b "$BUS" k 'by letter'
ok 'nor with --bus' value_is "$BUS" k 'by letter'
input=$T/text
run env SPLINTER_BUS="$BUS" "$send" --stdin k
input=/dev/null
ok '--stdin: one argument is KEY' value_is "$BUS" k 'this is no store\n'
run env SPLINTER_BUS="$BUS" "$recv" --current --oneshot k
ok 'splinter_recv: one argument is KEY' printed 'this is no store\n\n'
run env SPLINTER_BUS= "$send" --stdin k
ok 'an empty SPLINTER_BUS is none' eval "! grep -qF \"bus ''\" \"\$T/err\""
run "$send" "/$BUS" k slash
ok 'a leading slash makes no difference' value_is "$BUS" k slash
run "$send" -- "$BUS" k -5
ok 'a VALUE that looks like an option, after --' value_is "$BUS" k -5
for dashed in -5 -5.5 -.5 -1e3 -inf -x ---- --no-option --created; do
    run "$send" "$BUS" k "$dashed"
    ok "VALUE $dashed" value_is "$BUS" k "$dashed"
done
for option in -c --create --ttl=5 -h -V -b --; do
    run "$send" "$BUS" k $option
    ok "$option after an argument: says that it has to come first" says 2 "'$option' comes after"
    run "$send" -- "$BUS" k $option
    ok "it is the VALUE if -- is before the arguments" value_is "$BUS" k "$option"
    run "$send" "$BUS" k -- $option
    ok "or before the VALUE" value_is "$BUS" k "$option"
done
run "$send" -b "$BUS" -- -c
ok 'a single VALUE after --' value_is "$BUS" __debug -c
run "$send" -b "$BUS" k --stdin
ok 'an option that comes too late is not sent' value_is "$BUS" k --
run "$send" -- "$BUS" k -5
run "$send" "$BUS" k "$long"
ok 'a VALUE that is too long: both numbers' \
    says 1 "the value has 300 bytes; bus '$BUS' takes at most 64"
run "$send" "$BUS" k3 v
run "$send" "$BUS" k4 v
run "$send" "$BUS" k5 v
ok 'a full bus: what ran out is said once' \
    says 1 "splinter_send: bus '$BUS' is full: all 4 slots of the store have a key"
ok 'what was there is intact' value_is "$BUS" k -5

# ---- names are of others, and a terminal obeys what is in them

ugly=$(printf 'a\033[2Jb\nc\302\205d\377e\303\251')
for tool in "$send" "$recv" "$logtee"; do
    run "$tool" -b "$BUS$ugly" k
    ok "${tool##*/}: a message shows the bytes of a name" \
        eval 'grep -qF "a\x1b[2Jb\x0ac\xc2\x85d\xffe$(printf "\303\251")" "$T/err"'
    ok 'and is one line' [ "$(wc -l <"$T/err")" -le 2 ]
done
for option in --ttl --no-such --s; do
    run "$send" $option
    ok "an option that is wrong is named: $option" says 2 "'$option'"
done
run "$send" --stdin=x k v
ok 'an argument that an option does not take' says 2 "'--stdin=x' takes no argument"
run "$send" -Qc k v
ok 'a letter that is no option' says 2 "'-Q'"
run "$send" -st
ok 'a letter that lacks its argument' says 2 "'-t' needs an argument"

# ---- types

for number in 0 -1 9223372036854775807 -9223372036854775808; do
    run "$send" --type=int64 "$BUS" k "$number"
    run "$recv" --current --oneshot "$BUS" k
    ok "--type=int64 $number" printed "$number\n"
done
for bad in 9223372036854775808 -9223372036854775809 1.5 x -- +1 ' 1' 1x; do
    run "$send" --type=int64 -- "$BUS" k "$bad"
    ok "--type=int64 '$bad' is refused" eval '! is_status 0 && grep -q "whole number" "$T/err"'
done
run "$recv" --current --oneshot "$BUS" k
ok 'and changes nothing' printed '-9223372036854775808\n'
printf '17\n' >"$T/in"
input=$T/in
run "$send" --type=int64 --stdin "$BUS" k
input=/dev/null
run "$recv" --current --oneshot "$BUS" k
ok '--type=int64 from standard input, with a newline' printed '17\n'
run "$send" --create --max-value=8 "$BUS.8" k v
run "$send" --type=int64 "$BUS.8" k -9223372036854775808
ok '--type=int64 where values have at most 8 bytes' is_status 0
run "$send" --create --max-value=7 "$BUS.7" k v
run "$send" --type=int64 "$BUS.7" k 1
ok '--type=int64 where they are shorter' says 1 'a number has 8'
for bad in no 255 65536 int ''; do
    run "$send" --type="$bad" "$BUS" k v
    ok "--type='$bad' is refused" says 2 "--type: '$bad' is not allowed"
done

# ---- standard input

printf 'a\0b\377\n' >"$T/in"
input=$T/in
run "$send" --stdin "$BUS" k
input=/dev/null
ok '--stdin takes any bytes, the newline included' value_is "$BUS" k 'a\0b\377\n'
printf dash >"$T/in"
input=$T/in
run "$send" "$BUS" k -
input=/dev/null
ok "'-' is the same as --stdin" value_is "$BUS" k dash
run "$send" --stdin "$BUS" k
ok 'empty standard input is refused' says 1 'at least 1 byte'
printf '%064d' 7 >"$T/in"
input=$T/in
run "$send" --stdin "$BUS" k
ok 'exactly max_value bytes are taken' is_status 0
printf '%065d' 7 >"$T/in"
run "$send" --stdin "$BUS" k
ok 'one more is not: both numbers' says 1 "65 bytes or more; bus '$BUS' takes at most 64"
if [ -e /dev/zero ]; then
    input=/dev/zero
    run "$send" --stdin "$BUS" k
    ok 'input that never ends is not read to its end' says 1 '65 bytes or more'
fi
input=/dev/null
timeout "$WATCHDOG" "$send" --stdin "$BUS" k <&- 2>"$T/err"
status=$?
ok 'closed standard input is an error' says 1 'cannot read standard input'

# ---- lines

printf 'one\n\ntwo\nthree' >"$T/in"
input=$T/in
run "$send" --lines "$BUS" k
input=/dev/null
ok '--lines: says how many empty lines it left out' says 0 '1 empty line was not sent'
run "$recv" --current --oneshot "$BUS" k
ok '--lines: the last line counts, also without a newline' printed 'three\n'
{ echo short; printf '%0100d\n' 0; echo after; } >"$T/in"
input=$T/in
run "$send" --lines "$BUS" k
input=/dev/null
ok '--lines: a line that is too long' says 1 'line 2 has'
ok '--lines: the lines before it were sent' value_is "$BUS" k short

# One at a time: each line is sent when it is there, not at the end of the input.
mkfifo "$T/fifo"
input=$T/fifo
start "$send" --lines "$BUS" k
input=/dev/null
exec 3>"$T/fifo"
echo first >&3
ok '--lines: a line is sent as soon as it is there' eventually value_is "$BUS" k first
echo second >&3
ok '--lines: and the next' eventually value_is "$BUS" k second
signal_it TERM
ended
ok 'SIGTERM ends it, as a signal does' [ "$status" -gt 128 -o "$status" = 124 ]
exec 3>&-

# ---- the rest

run "$send" --ttl 1 "$BUS" k brief
gone() {
    run "$recv" --current --oneshot "$BUS" k
    is_status 3
}
ok '--ttl: the value expires' eventually gone
run "$send" --create "$T/store" k 'in a file'
ok 'a path with a slash is a file store' value_is "$T/store" k 'in a file'
ok 'it is a regular file' [ -f "$T/store" ]
(cd "$T" && run "$send" --create --file plain k v && exit "$status")
ok '--file: a name without a slash is also a file' [ -f "$T/plain" ]


# ---- files: to disk, and back from what a power cut or a copy left

run "$send" --sync "$T/store" k synced
ok '--sync' eval 'is_status 0 && silent'
run "$send" --sync "$BUS" k synced
ok '--sync: a bus in memory has nothing to bring to disk' eval 'is_status 0 && silent'
start "$logtee" --verbose "$T/store"
bg_says 'following'
run "$send" --sync "$T/store" marker THE-VALUE-ON-DISK
cp "$T/store" "$T/copy"
cp "$T/store" "$T/bad"
signal_it TERM
ended
ok 'a copy of a store in use opens' value_is "$T/copy" k synced
run "$recv" --current --oneshot "$T/copy" marker
ok 'and says nothing of it' eval 'silent && printed "THE-VALUE-ON-DISK\n"'
at=$(grep -abo THE-VALUE-ON-DISK "$T/bad" | head -n 1 | cut -d: -f1)
printf X | dd of="$T/bad" bs=1 seek="$at" conv=notrunc 2>/dev/null
run "$send" "$T/bad" k next
ok 'records that were damaged are counted' says 0 "'$T/bad': 1 record was damaged or is missing"
ok 'what was not is there' value_is "$T/bad" k next
chmod 400 "$T/copy"
if [ "$(id -u)" != 0 ]; then
    run "$send" "$T/copy" k v
    ok 'a file that may only be read is not written' says 1 'may only be read'
fi

finish
