#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: create, destroy, info and buses
. "$(dirname "$0")/lib.sh"

# field NAME: of what info has printed.
field() { sed -n "s/^$1   *//p" "$T/out"; }
json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }

# ---- create

run "$ctl" -b "$BUS" create --slots 77 --max-value 999 --mode 640 --feed 64
ok 'create prints nothing' eval 'printed "" && silent'
ok '--mode' [ "$(stat -c %a "/dev/shm/$BUS")" = 640 ]
run "$ctl" -b "$BUS" create
ok 'what exists already is refused: status 5' says 5 "bus '$BUS' exists already"
run "$ctl" -f "$T/none/store" create
ok 'in a folder that is not there' says 1 "$T/none/store"
for bad in 0 -1 x '' 999999999999; do
    run "$ctl" -b "$BUS.bad" create --slots="$bad"
    ok "--slots='$bad' is refused" says 2 "--slots: '$bad' is not allowed"
    run "$ctl" -b "$BUS.bad" create --max-value="$bad"
    ok "--max-value='$bad' is refused" says 2 "--max-value: '$bad' is not allowed"
done
run "$ctl" -b "$BUS.bad" create --mode=888
ok '--mode=888 is refused' says 2 "--mode: '888' is not allowed"
run "$ctl" -b "$BUS.bad" create --feed=99999999
ok '--feed=99999999 is refused' says 2 "--feed: '99999999' is not allowed"
ok 'and nothing was made' [ ! -e "/dev/shm/$BUS.bad" ]

# ---- info

run "$ctl" -b "$BUS" set k v
run "$ctl" -b "$BUS" info
ok 'info: the geometry' eval \
    '[ "$(field slots)" = 77 ] && [ "$(field "max value")" = 999 ] && [ "$(field feed)" = 64 ]'
ok 'info: what it holds' eval '[ "$(field keys)" = 1 ] && [ "$(field where)" = memory ]'
ok 'info: nobody has it open' eval '! grep -q ^pid "$T/out"'
start "$recv" --verbose "$BUS" k
bg_says 'following'
reader=$(cat "$T/bg.pid")
run "$ctl" -b "$BUS" info
ok 'info: who has it open' grep -q "^ *$reader  running  splinter_recv\$" "$T/out"
signal_it STOP
stopped() {
    run "$ctl" -b "$BUS" info
    grep -q "^ *$reader  stopped  splinter_recv\$" "$T/out"
}
ok 'info: and that it is stopped' eventually stopped
signal_it CONT
signal_it TERM
ended
start "$TOP_BUILDDIR/tests/cli/owner" "$BUS" mine
bg_printed ready
owner=$(cat "$T/bg.pid")
run "$ctl" -b "$BUS" set plain v
run "$ctl" -b "$BUS" info
ok 'info: an ephemeral key, and whose it is' \
    grep -qx " *$owner  running  owner  -       mine" "$T/out"
ok 'info: of no other key' eval '! grep -q "plain\|k\$" "$T/out"'
if json; then
    run "$ctl" -b "$BUS" --json info
    object='{"owner":'$owner',"state":"running","name":"owner","ttl_ms":null,"key":"mine"}'
    ok 'info --json: the same' grep -qF "\"owned\":[$object]" "$T/out"
fi
signal_it STOP
owner_stopped() {
    run "$ctl" -b "$BUS" info
    grep -qx " *$owner  stopped  owner  -       mine" "$T/out"
}
ok 'info: the owner is stopped' eventually owner_stopped
signal_it KILL
ended
run "$ctl" -b "$BUS" info
ok 'info: the owner is gone, and so is the key' eval '! grep -q mine "$T/out"'
run "$ctl" -b "$BUS" lock --ttl 60000 door -- "$ctl" -b "$BUS" info
ok 'info: a lease, its holder and its life' \
    grep -q "^ *[1-9][0-9]*  running  splinterctl   *[1-9][0-9]*  door\$" "$T/out"
run "$ctl" -f "$T/store" create
run "$ctl" -f "$T/store" info
ok 'info of a file' eval '[ "$(field where)" = file ] && [ "$(field bus)" = "$T/store" ]'
if json; then
    run "$ctl" -b "$BUS" --json info
    for member in schema:1 slots:77 'where:"memory"' 'processes:\[\]' "bus:\"$BUS\""; do
        ok "info --json: $member" grep -q "\"${member%%:*}\":${member#*:}" "$T/out"
    done
    ok 'info --json: one line' [ "$(wc -l <"$T/out")" = 1 ]
fi

# ---- buses

run "$ctl" -b "$BUS.two" create
echo 'no store' >"/dev/shm/$BUS.none"
run "$ctl" buses
ok 'buses: both, and nothing else' eval \
    '[ "$(grep -c " $BUS\(\.[a-z]*\)*\$" "$T/out")" = 2 ] && grep -q " $BUS.two\$" "$T/out"'
ok 'buses: with their keys and slots' grep -q "^ *[1-9]  *77  *999 .* 64  $BUS\$" "$T/out"
if json; then
    run "$ctl" --json buses
    ok 'buses --json: an object a line' grep -q "^{\"schema\":1,.*\"bus\":\"$BUS.two\"}\$" "$T/out"
fi

# ---- destroy

run "$ctl" -b "$BUS" destroy
ok 'destroy without a terminal needs --force' eval 'says 2 "--force" && [ -e "/dev/shm/$BUS" ]'
run "$ctl" -b "$BUS.none" destroy --force
ok 'what is no store is not removed' eval 'is_status 1 && [ -e "/dev/shm/$BUS.none" ]'
run "$ctl" -b "$BUS" destroy --force
ok 'destroy --force' eval 'printed "" && silent && [ ! -e "/dev/shm/$BUS" ]'
run "$ctl" -b "$BUS" destroy --force
ok 'what is not there: status 3' says 3 "bus '$BUS' does not exist"
run "$ctl" -f "$T/store" destroy --force
ok 'destroy of a file' eval 'is_status 0 && [ ! -e "$T/store" ]'

finish
