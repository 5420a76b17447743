#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: check
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS

json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }
field() { grep -q "^$1  *$2\$" "$T/out"; }

run "$ctl" create
run "$ctl" set k v
run "$ctl" check
ok 'nothing is wrong' eval 'is_status 0 && silent && field problems 0 && field keys 1'
run "$ctl" check --repair
ok 'nothing to repair' eval 'is_status 0 && silent && field problems 0 && field repaired 0'
run "$ctl" -f "$T/store" create
i=0
while [ $i -lt 20 ]; do
    run "$ctl" -f "$T/store" set "key$i" "the-value-$i"
    i=$((i + 1))
done
run "$ctl" -f "$T/store" check
ok 'of a file' eval 'is_status 0 && field keys 20'

# A byte of a value changes.
damage() { # FILE TEXT
    at=$(grep -abo -- "$2" "$1" | head -n 1 | cut -d: -f1)
    printf X | dd of="$1" bs=1 seek=$((at + 4)) conv=notrunc 2>/dev/null
}
cp "$T/store" "$T/sound"
damage "$T/store" 'the-value-7'
cp "$T/store" "$T/damaged"
run "$ctl" -f "$T/store" check
ok 'damage is found, in words' eval \
    'is_status 6 && field problems 1 && grep -q "^found  *[s1].*record" "$T/out"'
cp "$T/damaged" "$T/store"
if json; then
    run "$ctl" -f "$T/store" check --json
    ok '--json' eval \
        'is_status 6 && grep -q "\"problems\":1,.*\"found\":\[{\"state\":\"found\"," "$T/out"'
fi
run "$ctl" -f "$T/store" check --repair
ok '--repair says what was lost' eval \
    'is_status 6 && field lost 1 && grep -q "^lost  *1 record was found damaged" "$T/out"'
run "$ctl" -f "$T/store" check
ok 'after that all is well' eval 'is_status 0 && field keys 19'
run "$ctl" -f "$T/store" get key8
ok 'and the others are there' printed 'the-value-8'
damage "$T/store" 'the-value-9'
run "$ctl" -f "$T/store" check --repair
ok '--repair of a file whose index looks whole' eval 'is_status 6 && field lost 1 && field keys 18'
run "$ctl" -f "$T/store" check
ok 'after that all is well, too' eval 'is_status 0 && field keys 18'

head -c 4096 /dev/zero >"$T/zeroes"
run "$ctl" -f "$T/zeroes" check
ok 'what is no store is a finding' eval 'is_status 6 && grep -q "is not a store" "$T/out"'
cp "$T/sound" "$T/header"
printf '\377\377\377\377' | dd of="$T/header" bs=1 seek=40 conv=notrunc 2>/dev/null
run "$ctl" -f "$T/header" check
ok 'so is a damaged header' is_status 6
run "$ctl" -b "$BUS.none" check
ok 'no such bus' says 3 "bus '$BUS.none' does not exist"
run "$ctl" check --repair --repair
ok 'an option twice is no harm' is_status 0

printf 'set more v\ncheck\nset other v\n' >"$T/in"
run "$ctl" exec "$T/in"
ok 'in exec' eval 'is_status 0 && field keys 2'

finish
