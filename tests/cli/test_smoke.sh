#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinter_test, as a user runs it
. "$(dirname "$0")/lib.sh"

tool=splinter_test
common splinter_test "$smoke"

run "$smoke" argument
ok 'an argument is refused' says 2 'only options are allowed'
run "$smoke"
ok 'it works' eval 'is_status 0 && silent && grep -q "^libsplinter .* works$" "$T/out"'
ok 'and no step failed' eval '! grep -q FAILED "$T/out"'
run "$smoke" --bus="$BUS"
ok '--bus: the store has that name' is_status 0
ok 'and is gone' [ ! -e "/dev/shm/$BUS" ]
run "$send" --create "$BUS" key kept
run "$smoke" -b "$BUS"
ok 'a bus that exists is not touched: status 1' \
    eval 'is_status 1 && grep -q "FAILED  create.*exists" "$T/out"'
run "$recv" --current --oneshot "$BUS" key
ok 'what is in it is there' printed 'kept\n'

finish
