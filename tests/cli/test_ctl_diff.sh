#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: diff
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS
: "${TOP_BUILDDIR:=.}"
other=$BUS.2

json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }
finds() { # FORMAT
    tr -s ' ' <"$T/out" | sed 's/ $//' >"$T/found"
    is_status 6 && file_is "$T/found" "$1"
}
top='difference left size right size left type right type kind key\n'

run "$ctl" create
run "$ctl" -b "$other" create --slots 10
run "$ctl" diff "$other"
ok 'two empty ones are the same, whatever their limits' eval 'printed "" && silent'
for bus in "$BUS" "$other"; do
    for key in same z/value value type expiry; do run "$ctl" -b "$bus" set $key one; done
done
run "$ctl" diff "$other"
ok 'keys that are the same' printed ''
run "$ctl" diff "$other" --epochs
ok 'with the same epochs here' printed ''
run "$ctl" touch same
run "$ctl" diff "$other"
ok 'epochs do not count' printed ''
run "$ctl" diff "$other" --epochs
ok 'but with --epochs' finds "${top}epoch 3 3 bytes bytes key same\n"
run "$ctl" set value two
run "$ctl" set z/value longer
run "$ctl" set type one --type text
run "$ctl" set expiry one --ttl 1000000
run "$ctl" set left v --type 300
run "$ctl" -b "$other" set right vv
run "$ctl" diff "$other"
ok 'all differences, sorted by key' finds "${top}\
expiry 3 3 bytes bytes key expiry
only-left 1 - 300 - key left
only-right - 2 - bytes key right
type 3 3 text bytes key type
value 3 3 bytes bytes key value
value 6 3 bytes bytes key z/value
"
cp "$T/found" "$T/first"
run "$ctl" diff "$BUS" "$other"
ok 'LEFT names the first one' eval 'is_status 6 && tr -s " " <"$T/out" | cmp -s - "$T/first"'
run "$ctl" -b "$other" diff "$BUS" --prefix z
ok '--prefix, and the other way round' finds "${top}value 3 6 bytes bytes key z/value\n"
run "$ctl" diff "$other" --prefix none
ok '--prefix of no key' printed ''
if json; then
    run "$ctl" diff "$other" --json --prefix left
    row='{"schema":1,"difference":"only-left","left_size":1,"right_size":null,"left_type":"300",'
    row=$row'"right_type":null,"kind":"key","key":"left"}'
    ok '--json' eval 'is_status 6 && file_is "$T/out" "$row\n"'
fi

run "$ctl" snapshot "$T/snap"
run "$ctl" diff "$T/snap"
ok 'a snapshot' printed ''
run "$ctl" diff "$T/snap" "$T/snap"
ok 'a store and itself' printed ''
(cd "$T" && "$ctl" diff --other-file snap) >"$T/out" 2>"$T/err"
status=$?
ok '--other-file' printed ''
"$TOP_BUILDDIR/tests/cli/owner" "$BUS" owned >"$T/owner" &
pids="$pids $!"
eventually grep -qs ready "$T/owner"
run "$ctl" diff "$T/snap"
ok 'ephemeral keys are not compared' printed ''
"$TOP_BUILDDIR/tests/cli/rooms" fill "$BUS"
run "$ctl" diff "$T/snap"
ok 'topics and queues are' finds "${top}\
only-left 2 - - - topic news
only-left 2 - - - queue work
"
"$TOP_BUILDDIR/tests/cli/rooms" fill "$T/snap"
run "$ctl" diff "$T/snap"
ok 'and are the same' printed ''
run "$ctl" topic publish news more
run "$ctl" queue work work --count 1 -- true
run "$ctl" diff "$T/snap"
ok 'or not' eval 'is_status 6 && grep -q "^messages .* topic  *news$" "$T/out" &&
    grep -q "^items .* queue  *work$" "$T/out" && [ "$(wc -l <"$T/out")" = 3 ]'

(cd "$T" && "$ctl" diff snap) >"$T/out" 2>"$T/err"
status=$?
ok 'a file without a slash: how to name it' \
    says 3 "bus 'snap' does not exist in memory; the file is './snap'"
run "$ctl" diff "$BUS.none"
ok 'there is no such bus' says 3 "bus '$BUS.none' does not exist"
run "$ctl" diff "$T/none"
ok 'or file' says 3 'does not exist'
run "$ctl" diff
ok 'OTHER is missing' is_status 2
run "$ctl" diff a b c
ok 'too many' is_status 2

finish
