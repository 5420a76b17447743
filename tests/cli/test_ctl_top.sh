#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl top: once, and what a person sees on a screen of 80x24 and of 200x60.  TAP.
. "$(dirname "$0")/lib.sh"
terminal=${TOP_BUILDDIR:-.}/tests/cli/terminal
owner=${TOP_BUILDDIR:-.}/tests/cli/owner
TERM=vt100
SPLINTER_BUS=$BUS
export TERM SPLINTER_BUS
has() { grep -qF -- "$1" "$T/out"; }
json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }

run "$ctl" top --once
ok 'there is no such bus' says 3 "bus '$BUS' does not exist"
run "$ctl" create --slots 500 --feed 256
for interval in 0 0.01 x 1e3 3601 ''; do
    run "$ctl" top --once --interval "$interval"
    ok "--interval '$interval' is not allowed" says 2 "--interval: '$interval' is not allowed"
done
run "$ctl" top
ok 'without a terminal it points at --once' \
    eval '[ $status = 2 ] || [ $status = 1 ]; grep -q -- --once "$T/err"'

run "$ctl" top --once --interval 0.1
ok 'a bus in which nothing is' eval 'is_status 0 && silent && grep -q "^keys  *0$" "$T/out"'

start "$owner" "$BUS" web/leader jobs news
bg_printed ready
run "$ctl" set still v
# A key that changes as long as the test wants it to.
busy() {
    i=0
    while [ -d "$T" ] && [ ! -e "$T/enough" ]; do # it ends with the test, however that ends
        i=$((i + 1))
        echo "set busy $i"
        [ $((i % 4)) != 0 ] || echo "touch still"
        sleep 0.01
    done | "$ctl" exec >/dev/null
}
busy &
pids="$pids $!"

run "$ctl" top --once --interval 0.5
ok '--once: what changes, the fastest first' eval 'is_status 0 && silent &&
    grep -A 2 "^changes per second  *changes  *size  *key$" "$T/out" | sed -n "2s/.* //p" |
    grep -qx busy'
ok '--once: leases and who holds them' eval \
    'grep -q "^ *$(cat "$T/bg.pid")  owner  .*web/leader$" "$T/out"'
ok '--once: queues and their depth' grep -q '^ *2  *1  *8  jobs$' "$T/out"
ok '--once: topics' grep -q '^ *0  *2  *8  news$' "$T/out"
ok '--once: processes' grep -q "^ *$(cat "$T/bg.pid")  running  owner" "$T/out"
if json; then
    run "$ctl" --json top --once --interval 0.2
    ok '--once --json' eval 'is_status 0 && [ "$(wc -l <"$T/out")" = 1 ] &&
        has "\"queues\":[{\"waiting\":2,\"taken\":1,\"capacity\":8,\"queue\":\"jobs\"}]" &&
        has "\"holder\":\"owner\"" && has "\"changing\":[{\"changes_per_second\":"'
else
    skip '--once --json' 'built without jansson'
fi

# ---- the screen

on_screen() { # SIZE [ARGUMENT]...
    size=$1
    shift
    timeout -k 5 "$WATCHDOG" "$terminal" "$size" "$ctl" "$@" >"$T/out" 2>"$T/err"
    status=$?
}
on_screen 80x24 top <<'END_OF_KEYS'
type q
end
show
END_OF_KEYS
if has 'built without ncurses'; then
    skip 'the screen' 'built without ncurses'
    touch "$T/enough"
    finish
fi
for size in 80x24 200x60; do
    on_screen $size top --interval 0.3 <<'END_OF_KEYS'
wait  busy
wait  still
show
type q
end
END_OF_KEYS
    ok "$size: q leaves" eval 'is_status 0 && has "status 0"'
    ok "$size: the head" eval 'has " $BUS " && has "q: quit" &&
        grep -q "^keys [0-9]* of 500 ([0-9]* % full)   changes [0-9]* a second$" "$T/out" &&
        grep -q "^memory .* used, .* reserved, .* at most .* feed 256$" "$T/out"'
    ok "$size: keys at the left" eval \
        'grep -q "^CHANGES/S  *SIZE  KEY " "$T/out" &&
        grep -q "^ *[0-9.]*  *[0-9]* B  busy  " "$T/out"'
    row_of() { grep -n " B  $1 " "$T/out" | cut -d : -f 1; }
    ok "$size: the fastest first" [ "$(row_of busy)" -lt "$(row_of still)" ]
    ok "$size: a lease and its holder" grep -q " $(cat "$T/bg.pid") owner  *web/leader$" "$T/out"
    ok "$size: a queue" grep -q ' 2  *1  *8  jobs$' "$T/out"
    ok "$size: a topic" grep -q ' 0  *2  *8  news$' "$T/out"
    ok "$size: a process" grep -q " $(cat "$T/bg.pid") running  owner$" "$T/out"
done
for i in $(seq 1 40); do
    echo "set many$i v"
done >"$T/in"
run "$ctl" exec "$T/in"
for i in $(seq 1 30); do
    "$ctl" set --ephemeral "lease$i" v -- sleep "$WATCHDOG" &
    pids="$pids $!"
done
thirty() { [ "$("$ctl" list --prefix lease | wc -l)" = 30 ]; }
eventually thirty
on_screen 80x24 top --interval 0.3 <<'END_OF_KEYS'
wait  busy
show
size 120x40
wait lease14
show
size 40x8
wait every 0.3 s
type \x0c
size 80x24
wait jobs
type q
end
END_OF_KEYS
ok 'what does not fit is counted' eval 'is_status 0 && grep -q "and [0-9]* more" "$T/out"'
ok 'all sections are there nevertheless' eval \
    'sed "1,/^----/d;/^----/,\$d" "$T/out" | grep -q "jobs$" || grep -q "jobs$" "$T/out"'
ok 'a terminal that becomes larger shows more' has 'lease14'

# ---- it ends

on_screen 80x24 top <<'END_OF_KEYS'
wait CHANGES/S
hangup
end
END_OF_KEYS
ok 'a terminal that goes away ends it' eval 'has "signal 1" || has "status 0"'
on_screen 80x24 top <<'END_OF_KEYS'
wait CHANGES/S
type \x03
end
END_OF_KEYS
ok 'Ctrl-C leaves' has 'status 0'
printf 'top\ntopic tail news --timeout 100\n' >"$T/in"
on_screen 80x24 exec "$T/in" <<'END_OF_KEYS'
wait CHANGES/S
type q
end
END_OF_KEYS
ok 'exec: after q the next command has its signals and its time' has 'status 4'
on_screen 80x24 exec "$T/in" <<'END_OF_KEYS'
wait CHANGES/S
type \x03
end
END_OF_KEYS
ok 'exec: Ctrl-C is for all of it' has 'signal 2'
on_screen 80x24 top <<'END_OF_KEYS'
wait CHANGES/S
signal 15
end
END_OF_KEYS
ok 'SIGTERM ends it' has 'signal 15'
TERM=nosuch on_screen 80x24 top <<'END_OF_KEYS'
wait --once
end
END_OF_KEYS
ok 'a terminal that is not known' eval 'is_status 0 && has "status 1"'
touch "$T/enough"
finish
