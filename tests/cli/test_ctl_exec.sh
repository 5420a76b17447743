#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: exec, which runs the commands of a file or of standard input
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS

# exec_lines FORMAT [OPTION]...: from standard input.
exec_lines() {
    # shellcheck disable=SC2059 # a format it is
    printf -- "$1" >"$T/in"
    shift
    input=$T/in
    run "$ctl" exec "$@"
    input=/dev/null
}

exec_lines 'create\nset a 1\nget a\n'
ok 'from standard input; the bus may be made there' printed '1'
run "$ctl" exec "$T/in"
ok 'from a file; where it is and what failed' \
    says 5 "splinterctl: $T/in:1: bus '$BUS' exists already"
exec_lines "set q 'single  \"q\"'\nget q\n"
ok 'single quotes' printed 'single  "q"'
exec_lines 'set q "double '"'q'"' \\"x\\" \\\\ \\n"\nget q\n'
ok 'double quotes, and backslashes in them' printed 'double '"'q'"' "x" \\ \\n'
exec_lines 'set q a\\ b\\#c\nget q\n'
ok 'a backslash' printed 'a b#c'
exec_lines 'set q a"b"'"'c d'"'e\nget q\n'
ok 'quotes inside a word' printed 'abc de'
exec_lines '# a comment\n\n   \t\n  set q a#b # another\nget q\r\n'
ok 'comments, empty lines, and the ends of lines of others' printed 'a#b'
exec_lines 'set q ""\n'
ok 'an empty word is a word' says 2 'standard input:1: an empty value is not allowed'
exec_lines 'set q last\nget q'
ok 'a last line without a newline' printed 'last'
exec_lines ''
ok 'nothing at all' printed ''

# ---- failures

exec_lines 'set a 1\nget none\nset a 2\n'
ok 'it stops at the first failure, with its status' says 3 "standard input:2: key 'none'"
run "$ctl" get a
ok 'and nothing after it is done' printed '1'
exec_lines 'get none\nset a 3\nfrobnicate\nget a\n' --keep-going
ok '--keep-going: the status of the first' says 3 "standard input:1: key 'none'"
ok '--keep-going: each is named' grep -q "standard input:3: there is no command" "$T/err"
ok '--keep-going: and counted' grep -qx 'splinterctl: 2 commands failed' "$T/err"
ok '--keep-going: the others are done' file_is "$T/out" '3'
exec_lines 'set q "open\n'
ok 'a quote that is not closed' says 2 'standard input:1: a quote is not closed'
exec_lines 'set q a\0b\n'
ok 'a zero byte' says 2 'standard input:1: the line has a zero byte'
exec_lines 'get\n'
ok 'a missing argument' says 2 'standard input:1: get: too few arguments'
exec_lines 'set --ttl 0 a b\n'
ok 'a number out of range' says 2 "standard input:1: --ttl: '0' is not allowed"
exec_lines 'lsit\n'
ok 'no such command: its line, and not the help of exec' \
    eval 'says 2 "standard input:1: there is no command" &&
          grep -qx "Try .splinterctl --help.\." "$T/err"'
exec_lines '--json get a\n'
ok 'an option before the command' says 2 "1: '--json': options come after the command here"
exec_lines 'get -b other a\n'
ok 'another bus' says 2 'all its commands work on one bus'
exec_lines 'exec file\n'
ok 'exec in exec' says 2 'exec cannot run exec'
exec_lines 'set --stdin a\n'
ok 'standard input has the commands' says 2 'standard input has the commands'
run "$ctl" exec "$T/none"
ok 'a file that is not there' says 1 "cannot open '$T/none'"
run "$ctl" exec "$T"
ok 'a folder' says 1 "cannot read $T"
head -c 100000 /dev/zero | tr '\0' x >"$T/long"
{ printf 'set a ' && cat "$T/long" && printf '\n'; } >"$T/in"
run "$ctl" exec "$T/in"
ok 'a long line' says 1 'takes values of at most 65536 bytes'

# ---- what a line leaves behind

exec_lines 'get a\nset --ephemeral e v -- cat\nlock l -- cat\nget a\n'
ok 'a command that is run does not read the lines' eval 'is_status 0 && silent'
exec_lines 'set --ephemeral e v -- true\nget e\n'
ok 'a key that was ephemeral is gone in the next line' says 3 "standard input:2: key 'e'"
exec_lines 'get a\nset a read-only-no-more\n'
ok 'a bus that was opened to read is opened to write' is_status 0
exec_lines 'set a 1\ndestroy --force\nset a 2\n'
ok 'after destroy there is no bus' says 3 'standard input:3: bus'
exec_lines 'create\nset a 1\nunset --prefix a\n'
ok 'no question may read the lines' says 2 '--force'
if ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; then
    exec_lines 'get --json a\nget a\n'
    ok '--json is for one line' eval '[ "$(grep -c schema "$T/out")" = 1 ]'
fi

# A signal is not for one line alone.
printf 'set here 1\nwatch --state\nset after 1\n' >"$T/in"
for signal in INT TERM HUP; do
    start "$ctl" exec --keep-going "$T/in"
    bg_printed ready
    signal_it $signal
    ended
    ok "SIG$signal in watch ends exec" eval 'died_of $signal && ! "$ctl" get after >"$T/out" 2>&1'
done

# Whoever writes the lines reads what they print before the next one.
mkfifo "$T/fifo"
start "$ctl" exec "$T/fifo"
exec 9>"$T/fifo"
echo 'get a' >&9
ok 'a line is answered at once' bg_printed 1
exec 9>&-
ended
ok 'and the end of the input is the end' is_status 0

finish
