# SPDX-License-Identifier: Apache-2.0
# lib.sh - what the tests of the tools share; sourced.  TAP by hand.
#
# Nothing here asserts how long something takes: each process has a watchdog, and waiting for
# another one means looking again until what it says or does is there.
: "${TOOLS_DIR:?is where the tools are}"
LC_ALL=C
export LC_ALL

send=$TOOLS_DIR/splinter_send
recv=$TOOLS_DIR/splinter_recv
logtee=$TOOLS_DIR/splinter_logtee
perf=$TOOLS_DIR/splinter_perf
smoke=$TOOLS_DIR/splinter_test
ctl=$TOOLS_DIR/splinterctl
[ ! -d "$ctl" ] || ctl=$ctl/splinterctl # a build tree has it in its folder
unset SPLINTER_BUS

WATCHDOG=120 # seconds; under a sanitizer everything is slow

T=$(mktemp -d "${TMPDIR:-/tmp}/splinter-cli.XXXXXX") || exit 99
BUS=splinter_cli.$$ # each test may append to it
pids=

clean_up() {
    for p in $pids; do
        kill "$p" 2>/dev/null && wait "$p" 2>/dev/null
    done
    rm -rf "$T" /dev/shm/"$BUS"*
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

count=0
failed=0

diagnose() {
    for f in "$T/out" "$T/err" "$T/bg.out" "$T/bg.err"; do
        [ -s "$f" ] && head -c 2000 "$f" | sed "s|^|# ${f##*/}: |"
    done
}

# ok NAME COMMAND...: passes if the command does.
ok() {
    count=$((count + 1))
    test_name=$1
    shift
    if "$@"; then
        echo "ok $count - $test_name"
    else
        failed=$((failed + 1))
        echo "not ok $count - $test_name"
        printf '%s\n' "$*" | sed 's/^ */# failed: /'
        diagnose
    fi
}

skip() { # NAME WHY
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

finish() {
    echo "1..$count"
    [ $failed = 0 ] || exit 1
    exit 0
}

# run COMMAND...: to its end; $status, $T/out and $T/err have what came of it.  Standard input is
# the file $input.
input=/dev/null
run() {
    timeout -k 5 "$WATCHDOG" "$@" >"$T/out" 2>"$T/err" <"$input"
    status=$?
}

# start COMMAND...: in the background, one at a time; $T/bg.out and $T/bg.err have its output,
# $pid is its watchdog's process, which ends as it does.  (The watchdog, timeout, also gives it back
# the SIGINT that a background process of a shell ignores.)
start() {
    : >"$T/bg.out"
    : >"$T/bg.err"
    rm -f "$T/bg.pid"
    # shellcheck disable=SC2016 # the inner shell's $$
    timeout -k 5 "$WATCHDOG" sh -c 'echo $$ >"$0" && exec "$@"' "$T/bg.pid" "$@" \
        >"$T/bg.out" 2>"$T/bg.err" <"$input" &
    pid=$!
    pids="$pids $pid"
}

# signal_it SIGNAL: to what start() started, once it has said or done something.  Not by way of
# timeout, which ends with 143 and leaves it running if the signal comes before timeout's own fork()
# has returned; on a busy machine that can be later than the first words of the child.
signal_it() { kill -s "$1" "$(cat "$T/bg.pid")"; }

# ended: waits for what start() started; $status.
ended() {
    wait "$pid" 2>/dev/null # a shell may report a signal here
    status=$?
    pids=${pids% "$pid"}
}

# run_into_head COMMAND...: its reader goes after one line; $status, $T/out and $T/err as run().
run_into_head() {
    {
        timeout -k 5 "$WATCHDOG" "$@" 2>"$T/err"
        echo $? >"$T/status"
    } | head -n 1 >"$T/out"
    status=$(cat "$T/status")
}

# sum_of PATTERN FILE: of the numbers that \(\) in PATTERN matches, over the lines of FILE.
sum_of() {
    sed -n "s/$1/\\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

# eventually COMMAND...: looks again until the command passes.
eventually() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt $((WATCHDOG * 20)) ] || return 1
        sleep 0.05
    done
}

# What start() started says or prints something; if it has ended without, it never will.  (A
# process that nobody has waited for yet has no exe in /proc any more, but kill -0 finds it.)
bg_found() { grep -qF -- "$1" "$2" || [ ! -e "/proc/$pid/exe" ]; }
bg_says() { eventually bg_found "$1" "$T/bg.err" && grep -qF -- "$1" "$T/bg.err"; }
bg_printed() { eventually bg_found "$1" "$T/bg.out" && grep -qF -- "$1" "$T/bg.out"; }

# Conditions for ok.
is_status() { [ "$status" = "$1" ]; }
died_of() { # SIGNAL; timeout, which is between, passes it on
    case $1 in
        HUP) is_status 129 ;;
        INT) is_status 130 ;;
        TERM) is_status 143 ;;
    esac
}
says() { is_status "$1" && grep -qF -- "$2" "$T/err"; } # STATUS TEXT-ON-STDERR
silent() { [ ! -s "$T/err" ]; }
# shellcheck disable=SC2059 # a format it is
file_is() { printf -- "$2" | cmp -s - "$1"; } # FILE FORMAT
printed() { is_status 0 && file_is "$T/out" "$1"; }
bg_wrote() { is_status 0 && file_is "$T/bg.out" "$1"; }

# What every tool does.
common() { # TOOL PATH
    tool=$1
    run "$2" --help
    ok "$1: --help goes to standard output, status 0" \
        eval 'is_status 0 && silent && grep -q "^Usage: $tool" "$T/out"'
    mv "$T/out" "$T/help"
    run "$2" -h
    ok "$1: -h is the same" eval 'is_status 0 && cmp -s "$T/out" "$T/help"'
    for option in --version -V; do
        run "$2" $option
        ok "$1: $option names the tool" \
            eval 'is_status 0 && silent && grep -q "^$tool .*[0-9]" "$T/out"'
    done
    run "$2" --no-such-option
    ok "$1: an unknown option is a usage error" says 2 "--help"
    escape=$(printf '\033')
    run "$2" "--$escape[2J" "-$escape" "$escape[2J"
    ok "$1: nothing that a terminal obeys is in a message" \
        eval 'is_status 2 && ! grep -q "$escape" "$T/err"'
    if [ -e /dev/full ]; then
        timeout "$WATCHDOG" "$2" --help >/dev/full 2>"$T/err"
        status=$?
        ok "$1: a full disk is reported" says 1 "$1: cannot write to standard output"
    else
        skip "$1: a full disk is reported" "there is no /dev/full"
    fi
}

# What follows a bus with --wait follows its name, as tail -F does.
follows_the_name() { # TOOL PREFIX-OF-A-LINE
    for where in "$BUS.again" "$T/again"; do
        run "$send" --create "$where" k old
        start "$1" --wait --verbose "$where" k
        bg_says 'following'
        case $where in */*) rm "$where" ;; *) rm "/dev/shm/$where" ;; esac
        ok "--wait: says that the bus was removed: ${where##*/}" bg_says 'was removed; waiting'
        run "$send" --create "$where" k new
        ok '--wait: says that it follows the new one' bg_says 'made again'
        ok '--wait: what is in the new one is new' bg_printed 'new'
        run "$send" "$where" k newer
        ok '--wait: and what comes' bg_printed 'newer'
        # In one step, and with a value that came last to the old one.
        run "$send" --create "$where.next" k 'in the third'
        signal_it STOP
        run "$send" "$where" k 'last in the second'
        case $where in
            */*) mv "$where.next" "$where" ;;
            *) mv "/dev/shm/$where.next" "/dev/shm/$where" ;;
        esac
        signal_it CONT
        ok '--wait: another bus takes the name' bg_printed 'in the third'
        signal_it TERM
        ended
        ok '--wait: and nothing of the old one was left out' \
            bg_wrote "$2new\n$2newer\n$2last in the second\n$2in the third\n"
    done
    run "$send" --create "$T/again" k old
    start "$1" --wait --verbose "$T/again" k
    bg_says 'following'
    echo 'no store' >"$T/none"
    mv "$T/none" "$T/again"
    ok '--wait: what is no store is not followed, and the tool says why' bg_says 'is not a store'
    run "$send" --create "$T/more" k better
    cat "$T/more" >"$T/again"
    ok '--wait: until it has become one' bg_printed 'better'
    signal_it TERM
    ended
    start "$1" --verbose "$T/again" k
    bg_says 'following'
    rm "$T/again"
    ok 'without --wait: says that no new one is followed' bg_says 'without --wait'
    signal_it TERM
    ended
}
