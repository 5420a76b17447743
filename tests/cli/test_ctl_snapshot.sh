#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: snapshot, load and clone
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
: "${TOP_BUILDDIR:=.}"
rooms=$TOP_BUILDDIR/tests/cli/rooms

run "$ctl" create --slots 100 --max-value 1000 --feed 64 --mode 640
run "$ctl" set k v --type text
run "$ctl" set k v2 --type text
run "$ctl" set mortal v --ttl 3600000
run "$ctl" incr n
"$rooms" fill "$BUS"
"$TOP_BUILDDIR/tests/cli/owner" "$BUS" owned >"$T/owner" &
pids="$pids $!"
eventually grep -qs ready "$T/owner"

run "$ctl" snapshot "$T/snap"
ok 'snapshot says nothing' eval 'printed "" && silent'
run "$ctl" diff --epochs "$T/snap"
ok 'it is the same, with all epochs' printed ''
run "$ctl" -f "$T/snap" head k
ok 'and revisions' grep -q '^revision  *2$' "$T/out"
run "$ctl" -f "$T/snap" list
ok 'without ephemeral keys' printed 'k\nmortal\nn\n'
ok 'its mode is that of the bus' eval '[ "$(stat -c %a "$T/snap")" = 640 ]'
run "$ctl" snapshot "$T/snap"
ok 'a file that is there is not replaced' says 5 "'$T/snap' exists already"
run "$ctl" snapshot --mode 600 "$T/snap2"
ok '--mode' eval '[ "$(stat -c %a "$T/snap2")" = 600 ]'
run "$ctl" snapshot --mode 999 "$T/snap3"
ok '--mode 999 is refused' says 2 '--mode'
run "$ctl" snapshot "$T/none/snap"
ok 'a folder that is not there' says 1 "cannot copy '$BUS' to '$T/none/snap'"
run "$ctl" -f "$T/snap" snapshot "$T/snap4"
run "$ctl" -f "$T/snap" diff --epochs "$T/snap4"
ok 'of a file' printed ''
ok 'nothing is left beside them' eval '[ "$(ls "$T" | grep -c "^snap")" = 3 ]'

# ---- load

run "$ctl" -b "$BUS.2" load "$T/snap"
ok 'load into memory' eval 'printed "" && silent'
run "$ctl" -b "$BUS.2" diff "$T/snap"
ok 'nothing differs' printed ''
run "$ctl" -b "$BUS.2" info
ok 'nor do the limits' eval 'grep -q "^slots  *100$" "$T/out" && grep -q "^feed  *64$" "$T/out" &&
    grep -q "^max value  *1000$" "$T/out" && grep -q "^where  *memory$" "$T/out"'
"$rooms" show "$BUS.2" >"$T/out"
status=$?
ok 'messages and items are there, also one that a worker had' printed \
    'news two 300\nnews three 0\nwork first 300\nwork second 0\n'
ok 'the mode, too' eval '[ "$(stat -c %a "/dev/shm/$BUS.2")" = 640 ]'
run "$ctl" -b "$BUS.2" load "$T/snap"
ok 'a bus that is there is not replaced' says 5 "'$BUS.2' exists already"
run "$ctl" -f "$T/loaded" load "$T/snap"
run "$ctl" -f "$T/loaded" diff --epochs "$T/snap"
ok 'load into a file: with all epochs' printed ''
run "$ctl" -b "$BUS.3" load "$T/none"
ok 'no such file' says 3 "'$T/none' does not exist"
echo text >"$T/text"
run "$ctl" -b "$BUS.3" load "$T/text"
ok 'no store' says 1 'is not a store'
ok 'nothing was made' eval '[ ! -e "/dev/shm/$BUS.3" ]'

# ---- clone

run "$ctl" clone "$BUS.4"
ok 'clone from memory to memory' eval 'printed "" && silent'
run "$ctl" diff "$BUS.4"
ok 'nothing differs' printed ''
run "$ctl" clone "$T/clone"
run "$ctl" diff --epochs "$T/clone"
ok 'to a file' printed ''
run "$ctl" -f "$T/clone" clone "$BUS.5"
run "$ctl" diff "$BUS.5"
ok 'and back' printed ''
(cd "$T" && "$ctl" clone --to-file plain) >"$T/out" 2>"$T/err"
status=$?
ok '--to-file' eval 'is_status 0 && [ -f "$T/plain" ]'
run "$ctl" clone "$BUS.4"
ok 'a bus that is there' says 5 "'$BUS.4' exists already"
longest=$BUS.$(printf '%0254d' 0 | cut -c "${#BUS}-253")
run "$ctl" clone "/$longest"
ok 'the longest name, with a slash in front' eval 'is_status 0 && [ -e "/dev/shm/$longest" ]'
run "$ctl" clone ''
ok 'an empty name' says 2 'cannot be empty'
printf 'clone %s\nset new v\nsnapshot %s\nload %s\n' "$BUS.6" "$T/snap6" "$T/snap6" >"$T/in"
run "$ctl" exec --keep-going "$T/in"
ok 'in exec' says 5 "'$BUS' exists already"
run "$ctl" -f "$T/snap6" list
ok 'the store stays open in between' printed 'k\nmortal\nn\nnew\n'

# ---- signals

seq 1 100000 | sed 's/.*/{"key":"key\/&","value":"v"}/' >"$T/lines"
{
    echo '{"dump":"splinter","schema":1,"slots":100000,"max_value":8}'
    cat "$T/lines"
} >"$T/dump"
run "$ctl" -b "$BUS.many" restore --create "$T/dump"
# The signal may come before, in or after the copy: there is all of it, or nothing.
whole_or_nothing() {
    if [ -e "$1" ]; then
        "$ctl" -b "$BUS.many" diff "$2" >/dev/null 2>&1
    else
        [ $status != 0 ]
    fi
}
for target in "$T/cut" "$BUS.cut"; do
    case $target in */*) path=$target ;; *) path=/dev/shm/$target ;; esac
    for pause in 0 0.02 0.05 0.1; do
        start "$ctl" -b "$BUS.many" clone "$target"
        eventually test -s "$T/bg.pid"
        sleep $pause
        signal_it INT 2>/dev/null
        ended
        ok "SIGINT: all or nothing: ${target##*/} $pause" whole_or_nothing "$path" "$target"
        rm -f "$path"
        ok 'and nothing beside it' eval '! ls "${path%/*}" | grep -q "^${path##*/}"'
    done
done

finish
