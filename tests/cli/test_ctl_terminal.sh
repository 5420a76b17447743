#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl on a terminal: colours, questions, and bytes that a terminal might obey
command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 </dev/null || {
    echo '1..0 # SKIP script (of util-linux) was not found'
    exit 0
}
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
TERM=xterm
export SPLINTER_BUS TERM
unset NO_COLOR

# on_terminal WORDS: what a person sees, without carriage returns, in $T/out.
on_terminal() {
    timeout -k 5 "$WATCHDOG" script -qec "$1" /dev/null <"$input" >"$T/seen" 2>"$T/err"
    status=$?
    tr -d '\r' <"$T/seen" >"$T/out"
}
escape=$(printf '\033')
has() { grep -qF -- "$1" "$T/out"; }

run "$ctl" create
run "$ctl" set k text
printf 'a\033[2Jb\377' >"$T/bytes"
run "$ctl" set bytes --file "$T/bytes"
run "$ctl" incr n 42

on_terminal "'$ctl' get k"
ok 'text, and a newline' printed 'text\n'
on_terminal "'$ctl' get bytes"
ok 'other bytes are quoted' eval 'is_status 0 && has "a\\x1b[2Jb\\xff" && ! has "$escape"'
ok 'with a hint' has 'is quoted; to a file or a pipe it goes as it is'
on_terminal "'$ctl' get n"
ok 'a number is printed as one' printed '42\n'
run "$ctl" set "$(printf 'key\033[2J')" v
on_terminal "'$ctl' list"
ok 'so are keys' eval 'has "key\\x1b[2J" && ! has "$escape"'
run "$ctl" unset "$(printf 'key\033[2J')"

on_terminal "'$ctl' head k"
ok 'headings have a colour' has "$escape[1mepoch"
on_terminal "NO_COLOR=1 '$ctl' head k"
ok 'not with NO_COLOR' eval 'is_status 0 && ! has "$escape"'
on_terminal "NO_COLOR= '$ctl' head k"
ok 'an empty NO_COLOR does not count' has "$escape[1m"
on_terminal "TERM=dumb '$ctl' head k"
ok 'not on a dumb terminal' eval 'is_status 0 && ! has "$escape"'
run "$ctl" head k
ok 'not in a file' eval '! has "$escape"'

# ---- questions

answer() {
    printf '%s\n' "$1" >"$T/in"
    input=$T/in
}
for no in n '' x; do
    answer "$no"
    on_terminal "'$ctl' unset --prefix k"
    ok "unset --prefix asks, and '$no' is no: status 5" eval \
        'is_status 5 && has "Remove 1 key that begins with '\''k'\''" && has "nothing was done"'
done
answer y
on_terminal "'$ctl' unset --prefix k"
ok 'y is yes' eval 'is_status 0 && has "removed"'
run "$ctl" get k
ok 'and it is gone' is_status 3
run "$ctl" topic publish --create t v
answer n
on_terminal "'$ctl' topic remove t"
ok 'topic remove asks' eval \
    'is_status 5 && has "with all its messages?" && "$ctl" topic list | grep -q " t$"'
answer y
on_terminal "'$ctl' topic remove t"
ok 'y is yes' eval 'is_status 0 && [ -z "$("$ctl" topic list)" ]'
answer n
on_terminal "'$ctl' destroy"
ok 'destroy asks' eval 'is_status 5 && has "with all that is in it?" && [ -e "/dev/shm/$BUS" ]'
answer y
on_terminal "'$ctl' destroy"
ok 'y is yes' eval 'is_status 0 && [ ! -e "/dev/shm/$BUS" ]'

# Work that takes longer than a second shows how far it is, and takes that away again.
input=/dev/null
run "$ctl" create
run "$ctl" set bytes --file "$T/bytes"
mkfifo "$T/fifo"
{
    echo '{"dump":"splinter","schema":1}'
    echo '{"key":"slow/1","value":"v"}'
    sleep 1.5
    echo '{"key":"slow/2","value":"v"}'
    echo '{"key":"slow/3","value":"v"}'
} >"$T/fifo" &
pids="$pids $!"
on_terminal "NO_COLOR=1 '$ctl' restore '$T/fifo'"
ok 'long work shows its progress' eval \
    'is_status 0 && has "restoring: " && has "bytes, " && has "/s$escape[K" && has "restored   3"'
printf '{"dump":"splinter","schema":1}\n{"key":"slow/1","value":"v"}\n' >"$T/short"
on_terminal "NO_COLOR=1 '$ctl' restore --merge ours '$T/short'"
ok 'short work does not' eval 'is_status 0 && has "kept" && ! has "restoring"'
on_terminal "'$ctl' dump"
ok 'bytes of a dump are escaped' eval 'is_status 0 && has "\"value_base64\":" && ! has "$escape"'

finish
