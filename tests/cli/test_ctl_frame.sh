#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: its help, its options, and what is no command
. "$(dirname "$0")/lib.sh"

common splinterctl "$ctl"

# ---- the help comes from the table of commands

ok '--help has headings' \
    eval 'grep -qx " Buses" "$T/help" && grep -qx " Topics and queues" "$T/help"'
ok '--help fits into 80 columns' eval '! grep -q ".\{81\}" "$T/help"'

run "$ctl" help
ok 'help is what --help prints' eval 'is_status 0 && cmp -s "$T/out" "$T/help"'
sed -n '/^Commands/,/^$/s/^  \([a-z]*\( [a-z][a-z]*\)\{0,1\}\)   *.*/\1/p' "$T/help" >"$T/commands"
for command in create destroy info buses doctor bench top get head ttl list set append unset \
    incr decr touch watch 'topic publish' 'topic tail' 'topic remove' 'topic list' \
    'queue push' 'queue work' 'queue remove' 'queue list' dump restore snapshot load clone diff \
    check lock exec help; do
    ok "--help names $command" grep -qx "$command" "$T/commands"
done
while read -r command; do
    # shellcheck disable=SC2086 # one word or two
    run "$ctl" $command --help
    ok "$command --help" \
        eval 'is_status 0 && silent && grep -q "^Usage: splinterctl $command" "$T/out"'
    ok "$command --help fits into 80 columns" eval '! grep -q ".\{81\}" "$T/out"'
    mv "$T/out" "$T/help"
    # shellcheck disable=SC2086 # one word or two
    run "$ctl" help $command
    ok "help $command is the same" eval 'is_status 0 && cmp -s "$T/out" "$T/help"'
    ok "the man page has $command" \
        grep -q "^\.It Ic $command\b" "${TOP_SRCDIR:-.}/man/splinterctl.1.in"
    grep -o '^  --[a-z-]*' "$T/help" | sed 's/^  --//; s/-/\\\\-/g' >"$T/options"
    while read -r option; do
        ok "the man page has $command --$option" \
            grep -qF "Fl \\-$(echo "$option" | sed 's/\\\\/\\/g')" \
            "${TOP_SRCDIR:-.}/man/splinterctl.1.in"
    done <"$T/options"
done <"$T/commands"

# ---- what is no command

has_line() { grep -q "^  $1 " "$T/out"; }

for pair in gte:get lsit:list destory:destroy crate:create inf:info un:unset toch:touch wach:watch
do
    run "$ctl" "${pair%:*}"
    ok "'${pair%:*}' is none, but like '${pair#*:}'" \
        says 2 "there is no command '${pair%:*}'; did you mean '${pair#*:}'?"
done
for pair in del:unset ls:list put:set publish:'topic publish' pop:'queue work' \
    'topic create:topic publish --create' 'queue delete:queue remove'; do
    # shellcheck disable=SC2086 # one word or two
    run "$ctl" ${pair%:*}
    ok "'${pair%:*}' is what others call '${pair#*:}'" \
        says 2 "there is no command '${pair%:*}'; did you mean '${pair#*:}'?"
done
run "$ctl" frobnicate
ok 'a word that is like none' \
    eval 'says 2 "there is no command '\''frobnicate'\''" && ! grep -q "mean" "$T/err"'
run "$ctl" help frobnicate
ok 'nor does help know it' says 2 "there is no command 'frobnicate'"
run "$ctl" ''
ok 'an empty command' says 2 "there is no command ''"
run "$ctl"
ok 'no command' says 2 'COMMAND is missing'
for family in topic queue; do
    run "$ctl" $family
    ok "$family alone" says 2 "$family: its command is missing"
    run "$ctl" $family lits
    ok "$family: no such command, but one like it" \
        says 2 "there is no command '$family lits'; did you mean '$family list'?"
    run "$ctl" $family --help
    ok "$family --help lists its commands" eval 'is_status 0 && silent && has_line "$family list"'
done

# ---- the number of arguments

for line in get head ttl set append incr decr touch 'lock -- true'; do
    # shellcheck disable=SC2086 # words
    run "$ctl" -b "$BUS.none" $line
    ok "$line: too few arguments" says 2 "${line%% *}: too few arguments: it takes"
done
for line in 'get a b' 'head a b' 'ttl a b' 'append a b c' 'incr a 1 2' 'decr a 1 2' \
    'touch a b' 'create a' 'destroy a' 'info a' 'buses a' 'doctor a' 'bench a' \
    'list a' 'exec a b' 'lock a b -- true' \
    'help get b' 'help a b c'; do
    # shellcheck disable=SC2086 # words
    run "$ctl" $line
    ok "$line: too many arguments" says 2 "${line%% *}: too many arguments"
done
run "$ctl" set k -5
ok 'a number with a sign: where it goes' says 2 "an argument that begins with '-' comes after '--'"
run "$ctl" -b "$BUS.none" watch --t=1
ok 'the beginning of one option' says 3 "bus '$BUS.none' does not exist"
run "$ctl" list --p x
ok 'the beginning of two options' says 2 "there are several options that begin with '--p'"
run "$ctl" get --no-such k
ok 'an unknown option of a command points at its help' says 2 "Try 'splinterctl get --help'."

# ---- the bus

run "$ctl" -b "$BUS" create
ok 'create by -b' is_status 0
for options in "-b $BUS" "--bus=$BUS" "-b /$BUS"; do
    # shellcheck disable=SC2086 # words
    run "$ctl" $options list
    ok "$options before the command" is_status 0
    # shellcheck disable=SC2086 # words
    run "$ctl" list $options
    ok "$options behind the command" is_status 0
done
run env SPLINTER_BUS="$BUS" "$ctl" list
ok 'SPLINTER_BUS' is_status 0
run env SPLINTER_BUS="$BUS" "$ctl" -b "$BUS.none" list
ok '-b is more than SPLINTER_BUS' says 3 "bus '$BUS.none' does not exist"
run "$ctl" -f "$T/store" create
ok 'create by -f' eval 'is_status 0 && [ -f "$T/store" ]'
run "$ctl" -b "$T/store" list
ok '-b with a path is a file, as for the other tools' is_status 0
(cd "$T" && "$ctl" -f store list) >"$T/out" 2>"$T/err"
status=$?
ok '-f without a slash is a file' is_status 0
run "$ctl" -b "$BUS" -f "$T/store" list
ok '-b and -f exclude each other' says 2 'only one bus is allowed'
run "$ctl" -b '' list
ok 'an empty name' says 2 'cannot be empty'
for command in info 'get k' 'head k' 'ttl k' list 'set k v' 'append k v' 'unset k' 'incr k' \
    'decr k' 'touch k' 'lock k -- true' 'destroy --force' watch 'topic publish t v' 'topic tail t' \
    'topic remove t' 'topic list' 'queue push q v' 'queue work q -- true' 'queue remove q' \
    'queue list' dump 'snapshot f' 'clone t' 'diff d' check doctor; do
    # shellcheck disable=SC2086 # words
    run "$ctl" -b "$BUS.none" $command
    ok "$command: there is no such bus" says 3 "bus '$BUS.none' does not exist"
done
run "$ctl" -b "$BUS.none" set k v
ok 'what makes one' says 3 "'splinterctl create' makes one"
echo 'no store at all' >"$T/other"
run "$ctl" -f "$T/other" info
ok 'a file that is no store' says 1 'is not a store'
if [ "$(id -u)" != 0 ]; then
    chmod 0 "$T/store"
    run "$ctl" -f "$T/store" info
    ok 'no permission' says 1 'ermission'
else
    skip 'no permission' 'root may read everything'
fi

# ---- JSON

run "$ctl" -b "$BUS" --json list
if grep -q 'built without jansson' "$T/err"; then
    ok '--json says what is missing, status 1' is_status 1
else
    ok '--json before the command' is_status 0
    run "$ctl" -b "$BUS" list --json
    ok 'and behind it' is_status 0
fi

# ---- output

run "$ctl" -b "$BUS" set k v
if [ -e /dev/full ]; then
    timeout "$WATCHDOG" "$ctl" -b "$BUS" get k >/dev/full 2>"$T/err"
    status=$?
    ok 'a full disk is reported' says 1 'cannot write to standard output'
else
    skip 'a full disk is reported' 'there is no /dev/full'
fi
seq 1 1000 | sed 's/.*/set & &/' >"$T/in"
run "$ctl" -b "$BUS" exec "$T/in"
run_into_head "$ctl" -b "$BUS" list
ok 'a reader that goes ends it quietly' eval 'is_status 0 && silent'

finish
