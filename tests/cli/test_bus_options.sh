#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All tools choose a bus in the same ways
. "$(dirname "$0")/lib.sh"

# Three buses, with the same key: by name, in a file, and the one that SPLINTER_BUS names.
run "$send" --create "$BUS" k memory
run "$send" --create "$T/store" k file
run "$send" --create "$BUS.default" k default
cd "$T" || exit 99

# looks_at WHAT TOOL OPTIONS: what is printed of k by a tool that is given the options.
looks_at() {
    expected=$1
    shift
    for tool in recv logtee ctl; do
        case $tool in
            recv) run "$recv" --current --oneshot "$@" k ;;
            logtee) run "$logtee" --current --count 1 "$@" k ;;
            ctl) run "$ctl" "$@" get k ;;
        esac
        ok "splinter_$tool $(echo "$*" | sed "s|$T|DIR|; s|$BUS|NAME|")" \
            eval 'is_status 0 && grep -q "\(^\|	\)$expected\$" "$T/out"'
    done
    run "$send" "$@" k "$expected"
    ok "splinter_send $(echo "$*" | sed "s|$T|DIR|; s|$BUS|NAME|")" eval 'is_status 0 && silent'
}

looks_at memory -b "$BUS"
looks_at memory "-b$BUS"
looks_at memory -b "/$BUS"
looks_at memory --bus "$BUS"
looks_at memory "--bus=$BUS"
looks_at file -b "$T/store"
looks_at file --bus ./store
looks_at file --file=store
looks_at file "--file=$T/store"
SPLINTER_BUS=$BUS.default
export SPLINTER_BUS
looks_at memory -b "$BUS"
looks_at file --file=store
for tool in "$recv --current --oneshot" "$logtee --current --count 1" "$ctl get"; do
    # shellcheck disable=SC2086 # words
    run $tool k
    case $tool in *logtee*) ok 'splinter_logtee: a single argument is the bus' says 3 "'k'" ;;
        *) ok "${tool##*/}: SPLINTER_BUS" eval 'is_status 0 && grep -q "^default" "$T/out"' ;;
    esac
done
run "$logtee" --current --count 1
ok 'splinter_logtee: SPLINTER_BUS' printed 'k\tdefault\n'
run "$send" k default
ok 'splinter_send: SPLINTER_BUS' is_status 0
SPLINTER_BUS=$T/store
run "$recv" --current --oneshot k
ok 'SPLINTER_BUS may be a path' printed 'file\n'
SPLINTER_BUS=store
run "$recv" --current --oneshot --file k
ok '--file without a name: the default is a path' printed 'file\n'
unset SPLINTER_BUS

# ---- what was so before there was --file=FILE

for flag in -f --file; do
    run "$recv" --current --oneshot $flag store k
    ok "splinter_recv $flag BUS KEY" printed 'file\n'
    run "$recv" $flag --current --oneshot store k
    ok "splinter_recv $flag, and BUS and KEY later" printed 'file\n'
    run "$recv" --current --oneshot -b store $flag k
    ok "splinter_recv -b BUS $flag KEY" printed 'file\n'
    run "$logtee" --current --count 1 $flag store k
    ok "splinter_logtee $flag BUS KEY" printed 'k\tfile\n'
    run "$send" $flag store k file
    ok "splinter_send $flag BUS KEY VALUE" is_status 0
done
run "$recv" -fc1 store k
ok 'letters behind -f are options' printed 'file\n'
run "$send" -fc new k v
ok 'splinter_send -fc' eval 'is_status 0 && [ -f new ]'
run "$recv" --current --oneshot -b "$BUS.none" -b "$BUS" k
ok 'of two -b the last one counts' printed 'memory\n'

# ---- what is refused

for tool in "$send" "$recv" "$logtee" "$perf" "$ctl"; do
    name=${tool##*/}
    run "$tool" -b "$BUS" --file=store k v
    ok "$name: -b and --file=FILE" \
        says 2 "only one bus is allowed, and '$BUS' was named before 'store'"
    run "$tool" --file=store -b "$BUS" k v
    ok "$name: --file=FILE and -b" \
        says 2 "only one bus is allowed, and 'store' was named before '$BUS'"
    run "$tool" -b '' k v
    ok "$name: an empty -b" says 2 'the name of a bus cannot be empty'
    run "$tool" --file= k v
    ok "$name: an empty --file=" says 2 'the name of a bus cannot be empty'
    run "$tool" k v -b
    ok "$name: -b without a name" eval 'is_status 2'
done
for tool in "$send" "$recv" "$logtee"; do
    case $tool in *send) value=v ;; *) value= ;; esac
    # shellcheck disable=SC2086 # nothing, or a word
    run "$tool" --file=none k $value
    ok "${tool##*/}: a file that is not there" says 3 "bus 'none' does not exist"
done

# ---- splinter_perf: a bus that it makes is removed, one that was there stays

for option in "--file=made" "-f made" "--file made" "-b ./made" "--bus=$BUS.made"; do
    # shellcheck disable=SC2086 # words
    run "$perf" --keys=50 --readers=2 --duration=0.05 $option
    ok "splinter_perf $(echo "$option" | sed "s|$BUS|NAME|")" eval 'is_status 0 && silent'
    ok 'what it made is gone' eval '[ ! -e made ] && [ ! -e "/dev/shm/$BUS.made" ]'
done
for scenario in keys topic queue; do
    run "$perf" --keys=50 --readers=2 --duration=0.05 -S $scenario -f store --processes
    ok "splinter_perf -f, scenario $scenario, of a bus that was there" is_status 0
    run "$logtee" --current --timeout=0 --file=store
    ok 'which is left as it was' eval 'is_status 4 && file_is "$T/out" "k\tfile\n"'
done
run "$perf" -f "$T/none/store"
ok 'splinter_perf -f in a folder that is not there' says 1 "$T/none/store"
start "$perf" --duration 100 -f "$T/made"
eventually [ -e "$T/made" ]
signal_it TERM
ended
ok 'splinter_perf -f that is ended removes its file' [ ! -e "$T/made" ]
SPLINTER_BUS=$BUS
export SPLINTER_BUS
run "$ctl" info
grep '^epoch' "$T/out" >"$T/before"
run "$perf" --keys=50 --readers=2 --duration=0.05 --json
ok 'splinter_perf does not measure the bus of SPLINTER_BUS' \
    eval 'is_status 0 && grep -q "\"keys\":50," "$T/out"'
run "$ctl" info
ok 'which nothing was written to' eval 'grep "^epoch" "$T/out" | cmp -s - "$T/before"'

finish
