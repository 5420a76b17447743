#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The prompt of splinterctl, in a terminal: what a person types and sees.  TAP.
. "$(dirname "$0")/lib.sh"
terminal=${TOP_BUILDDIR:-.}/tests/cli/terminal
TERM=vt100
SPLINTER_BUS=$BUS
XDG_STATE_HOME=$T/state
HOME=$T
export TERM SPLINTER_BUS XDG_STATE_HOME HOME
unset NO_COLOR
# libedit 3.1 does not free the names of functions that are added to it.
echo 'leak:wcsdup' >"$T/leaks"
LSAN_OPTIONS=suppressions=$T/leaks:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}
export LSAN_OPTIONS

# prompt SIZE [ARGUMENT]...: obeys the lines of standard input; what it shows is in $T/out.
prompt() {
    size=$1
    shift
    timeout -k 5 "$WATCHDOG" "$terminal" "$size" "$ctl" "$@" >"$T/out" 2>"$T/err"
    status=$?
}
has() { grep -qF -- "$1" "$T/out"; }

prompt 80x24 <<END_OF_KEYS
type quit\\r
end
show
END_OF_KEYS
if has 'COMMAND is missing'; then
    echo '1..0 # SKIP splinterctl was built without libedit'
    exit 0
fi
ok 'quit leaves; without a command the status is 0' has 'status 0'

run "$ctl"
ok 'without a terminal a command is missing' says 2 'COMMAND is missing'

for size in 80x24 200x60; do
    rm -f "$T/state/splinter/history"
    prompt $size <<END_OF_KEYS
prompt $BUS>
enter create
enter set alpha one
enter set 'two words' two
enter set alpine three
enter list
wait alpine
show
prompt $BUS>
type cr\\t
wait create
wait [OPTION]...
type \\x15get tw\\t\\r
prompt $BUS>
type set alpi\\t\\tHERE
wait set alpine HERE
wait KEY
type \\x15get al\\t
wait get alp
type \\t
wait alpha
show
type \\x15list --so\\tep\\t
wait list --sort epoch
type \\x15
enter get nosuch
wait key 'nosuch' does not exist
enter help head
wait Usage: splinterctl head KEY
prompt $BUS>
type get alpha oops
wait get alpha oops
type \\x03
wait oops^C
enter get alpha
wait one
show
enter get nosuch
prompt $BUS>
type \\x04
end
END_OF_KEYS
    ok "$size: commands, completion, hints and errors" eval 'is_status 0 && has "status 3"'
    ok "$size: it tells how to begin" has "'help' lists the commands, Tab completes"
    ok "$size: no line is wider than the screen" \
        eval '! grep -q ".\{$((${size%x*} + 1))\}" "$T/out"'
    [ $status = 0 ] || diagnose
done
ok 'the history has the lines' eval \
    'grep -qx "set alpine three" "$T/state/splinter/history" &&
    grep -qx "get nosuch" "$T/state/splinter/history"'
ok 'but not the one that was abandoned' eval '! grep -q oops "$T/state/splinter/history"'
ok 'only its user may read it' [ "$(stat -c %a "$T/state/splinter/history")" = 600 ]
ok 'nor the folder' [ "$(stat -c %a "$T/state/splinter")" = 700 ]

run "$ctl" create
run "$ctl" set alpha one
prompt 80x24 <<END_OF_KEYS
prompt $BUS>
type \\e[A
wait get nosuch
type \\x15
enter  set secret 1
enter get "unclosed
wait a quote is not closed
enter lock x -- sh -c 'echo run\$((6*7)); exec sleep 1000'
wait run42
type \\x03
gone NEVER
enter get alpha
wait one
size 60x20
prompt $BUS>
type get alph\\t
wait get alpha
type \\r
enter quit
end
END_OF_KEYS
ok 'a command that is interrupted comes back to the prompt' has 'status 0'
ok 'a line that begins with a space is not kept' eval '! grep -q secret "$T/state/splinter/history"'

prompt 80x24 --json <<END_OF_KEYS
prompt $BUS>
enter head alpha
wait epoch
enter lock x --timeout 0 -- sh -c 'exit 7'
prompt $BUS>
type \\x04
end
END_OF_KEYS
ok 'the status of a COMMAND, too' has 'status 7'

# ---- in a shell with jobs

if command -v bash >/dev/null; then
    echo 'PS1="ready> "' >"$T/rc"
    cat >"$T/keys" <<END_OF_KEYS
prompt ready>
enter $ctl
prompt $BUS>
type get al
wait get al
type \\x1a
prompt ready>
enter fg
wait > get al
type pha\\r
wait one
prompt $BUS>
enter lock x -- sh -c 'echo in\$((40+2))side; sleep 1; echo don\$((40+3))'
wait in42side
type \\x1a
prompt ready>
enter fg
wait don43
prompt $BUS>
enter quit
prompt ready>
enter exit
end
END_OF_KEYS
    timeout -k 5 "$WATCHDOG" "$terminal" 80x24 bash --rcfile "$T/rc" -i <"$T/keys" \
        >"$T/out" 2>"$T/err"
    status=$?
    ok 'Ctrl-Z stops it, and a command that runs; fg goes on' is_status 0
else
    skip 'Ctrl-Z' 'bash was not found'
fi

# Nobody could continue it in a window of its own.
prompt 80x24 <<END_OF_KEYS
prompt $BUS>
type get al
wait get al
type \\x1a
type pha\\r
wait one
prompt $BUS>
enter quit
end
END_OF_KEYS
ok 'Ctrl-Z does not stop it without a shell' has 'status 0'

# ---- it ends

prompt 80x24 <<END_OF_KEYS
prompt $BUS>
type get al
wait get al
hangup
end
END_OF_KEYS
ok 'a terminal that goes away ends it' has 'signal 1'
prompt 80x24 <<END_OF_KEYS
prompt $BUS>
signal 15
end
END_OF_KEYS
ok 'so does SIGTERM' has 'signal 15'

# ---- the history of several prompts

seq 1 2500 | sed 's/^/get key/' >"$T/state/splinter/history"
for i in 1 2 3 4; do
    {
        echo "prompt $BUS>"
        for j in 1 2 3 4 5 6 7 8; do
            echo "enter list --prefix p$i-$j"
        done
        printf 'enter quit\nend\n'
    } >"$T/keys.$i"
    timeout -k 5 "$WATCHDOG" "$terminal" 80x24 "$ctl" <"$T/keys.$i" >"$T/out.$i" 2>&1 &
    pids="$pids $!"
done
for p in $pids; do
    wait "$p"
done
pids=
# shellcheck disable=SC2126 # grep -c counts no less
ok 'no line is lost or torn' \
    [ "$(grep -cx 'list --prefix p[1-4]-[1-8]' "$T/state/splinter/history")" = 32 ]
ok 'the file was made shorter' eval '[ "$(wc -l <"$T/state/splinter/history")" -lt 1100 ]'
rm -rf "$T/state"
: >"$T/state"
prompt 80x24 <<END_OF_KEYS
prompt $BUS>
enter get alpha
wait one
show
prompt $BUS>
type \\x04
end
END_OF_KEYS
ok 'a history that cannot be kept is told, and no more' \
    eval 'has "the line is not kept" && has "status 0"'

finish
