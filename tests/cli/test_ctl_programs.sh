#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: set --ephemeral and lock, which run a command
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS

run "$ctl" create
is_absent() { ! "$ctl" head "$1" >"$T/out" 2>"$T/err"; }
is_there() { "$ctl" head "$1" >"$T/out" 2>"$T/err"; }

# ---- the command that both run

for with in 'set --ephemeral e v' 'lock e'; do
    # shellcheck disable=SC2086 # words
    {
        run "$ctl" $with -- "$ctl" head e
        ok "$with: the key is there while the command runs" \
            eval 'is_status 0 && grep -q "^owner  *[1-9]" "$T/out"'
        ok "$with: and not after" is_absent e
        run "$ctl" $with -- sh -c 'exit 7'
        ok "$with: the status of the command" is_status 7
        # shellcheck disable=SC2016 # for the command
        run "$ctl" $with -- sh -c 'kill -s KILL $$'
        ok "$with: of one that a signal has ended" is_status 137
        run "$ctl" $with -- "$T/none"
        ok "$with: of one that is not there" says 127 "cannot run '$T/none'"
        : >"$T/none"
        run "$ctl" $with -- "$T/none"
        ok "$with: of one that cannot be run" says 126 "cannot run '$T/none'"
        rm "$T/none"
        run "$ctl" $with --
        ok "$with: a COMMAND is missing" says 2 "a COMMAND to run is missing"
        echo input >"$T/in"
        input=$T/in
        run "$ctl" $with -- cat
        input=/dev/null
        ok "$with: the command has standard input" printed 'input\n'
        # SIGTERM is passed on.
        start "$ctl" $with -- sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
        bg_printed ready
        signal_it TERM
        ended
        ok "$with: SIGTERM is passed on" is_status 9
        ok "$with: and then the key is gone" is_absent e
        # SIGKILL cannot be; the command is told.
        start "$ctl" $with -- sh -c 'trap "echo told; exit" TERM
            echo ready; while :; do sleep 0.05; done'
        bg_printed ready
        signal_it KILL
        ok "$with: SIGKILL leaves no key" eventually is_absent e
        ok "$with: and the command is told" eventually grep -qx told "$T/bg.out"
        ended
    }
done
run "$ctl" -f "$T/store" create
for with in 'set --ephemeral e v' 'lock e'; do
    for options in "-b $BUS" "-b /$BUS" "-f $T/store"; do
        # shellcheck disable=SC2086 # words
        run env SPLINTER_BUS="$BUS.none" "$ctl" $options $with -- "$ctl" head e
        ok "$options $with: SPLINTER_BUS leads the command to the bus" is_status 0
    done
    # shellcheck disable=SC2086 # words
    (cd "$T" && "$ctl" -f store $with -- "$ctl" head e) >"$T/out" 2>"$T/err"
    status=$?
    ok "-f store $with: also without a slash" is_status 0
done
run "$ctl" set --ephemeral e v
ok '--ephemeral needs a COMMAND' says 2 'a COMMAND to run is missing'
run "$ctl" set e v -- true
ok 'a COMMAND needs --ephemeral' says 2 'a COMMAND needs --ephemeral'

# ---- lock

# shellcheck disable=SC2016 # for the command
run "$ctl" lock l -- sh -c 'echo $SPLINTER_TOKEN'
ok 'the token is in SPLINTER_TOKEN' grep -qx '[1-9][0-9]*' "$T/out"
first=$(cat "$T/out")
# shellcheck disable=SC2016 # for the command
run "$ctl" lock l -- sh -c 'echo $SPLINTER_TOKEN'
ok 'and the next one is larger' [ "$(cat "$T/out")" -gt "$first" ]
for bad in -1 x ''; do
    run "$ctl" lock --timeout="$bad" l -- true
    ok "--timeout='$bad' is refused" says 2 "--timeout: '$bad' is not allowed"
    run "$ctl" lock --ttl="$bad" l -- true
    ok "--ttl='$bad' is refused" says 2 "--ttl: '$bad' is not allowed"
done
run "$ctl" lock --ttl=9 l -- true
ok '--ttl=9 is refused: too short to be renewed' says 2 "--ttl: '9' is not allowed"
start "$ctl" lock l --ttl 100 -- sh -c 'echo ready; while :; do sleep 0.05; done'
bg_printed ready
run "$ctl" lock --timeout 0 l -- true
ok 'held, and --timeout 0: status 5' says 5 "lock 'l' of bus '$BUS' is held"
run "$ctl" lock --timeout 300 l -- true
ok 'held, and its life is renewed; the timeout is over: status 4' says 4 'within 300 ms'
{ timeout "$WATCHDOG" "$ctl" lock l -- echo next >"$T/next" 2>&1; } &
waiter=$!
signal_it KILL
wait $waiter
ok 'a killed holder: the next one has the lock' file_is "$T/next" 'next\n'
ended
start "$ctl" lock l --ttl 60 -- sh -c 'echo ready; while :; do sleep 0.05; done'
bg_printed ready
signal_it STOP
run "$ctl" lock l -- echo next
ok 'a stopped holder keeps nobody waiting beyond --ttl' printed 'next\n'
signal_it CONT
ended
ok 'and it says that it has lost the lock' grep -q "lock 'l' of bus '$BUS' was lost" "$T/bg.err"
ok 'and ends its command' is_status 143
run "$ctl" -b "$BUS.again" create
start "$ctl" -b "$BUS.again" lock l -- sh -c 'echo ready; while :; do sleep 0.05; done'
bg_printed ready
run "$ctl" -b "$BUS.again" destroy --force
run "$ctl" -b "$BUS.again" create
ended
ok 'a bus that is removed takes its locks along, and the command is told' \
    eval 'is_status 143 && grep -q "was removed, and with it lock .l." "$T/bg.err"'
run "$ctl" set plain v
run "$ctl" lock plain -- true
ok 'a key that is no lock: status 5' says 5 'is no lock'
run "$ctl" get plain
ok 'and it is as it was' printed 'v'

finish
