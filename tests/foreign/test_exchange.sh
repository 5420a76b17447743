#!/bin/sh
# Stores made on another machine, and the reverse: those of the same word size and byte order are
# read and changed, all others refused with EPROTO and a sentence, and left as they are.
# run.sh says where the programs of both machines are.  TAP.
if [ -z "${EXCHANGE_FOREIGN:-}" ]; then
    echo '1..0 # SKIP needs programs for another machine; see tests/foreign/run.sh'
    exit 0
fi
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-exchange.XXXXXX") || exit 1
bus=splinter_exchange_$$
trap 'rm -rf "$tmp" "/dev/shm/$bus"' EXIT
trap 'exit 1' HUP INT TERM
foreign=$EXCHANGE_FOREIGN
native=$EXCHANGE_NATIVE/tools
maker=$EXCHANGE_NATIVE/tests/foreign

n=0
# ok NAME COMMAND...
ok() {
    n=$((n + 1))
    name=$1
    shift
    if "$@" >"$tmp/said" 2>&1; then
        echo "ok $n - $name"
    else
        sed 's/^/# /' "$tmp/said"
        echo "not ok $n - $name"
    fi
}

# refuses PROGRAM STORE: with a sentence that names the store and the cause; nothing is changed.
refuses() {
    before=$(cksum <"$2")
    "$1" refuse "$2" >"$tmp/why" || return 1
    cat "$tmp/why"
    bits='(32|64)-bit process, but this one is (32|64)-bit'
    grep -qE "'$2' was made by a (machine with another byte order|$bits)" "$tmp/why" || return 1
    [ "$before" = "$(cksum <"$2")" ]
}

# tool_refuses DIR: the tools say the same, and end with status 1.
tool_refuses() {
    for tool in "splinter_send $bus k v" \
        "splinter_recv --current --oneshot --timeout 10000 $bus k"; do
        # shellcheck disable=SC2086 # a program and its arguments
        timeout 60 "$1"/$tool 2>"$tmp/why"
        [ $? = 1 ] || return 1
        cat "$tmp/why"
        grep -q "'$bus' was made by a" "$tmp/why" || return 1
    done
}

hands_over() { # sender's folder, receiver's folder
    timeout 60 "$2/splinter_recv" --wait --current --oneshot --timeout 30000 "$bus" k >"$tmp/got" &
    receiver=$!
    timeout 60 "$1/splinter_send" --create "$bus" k 'across machines'
    wait $receiver && [ "$(cat "$tmp/got")" = 'across machines' ]
}

ok 'a store is made on the other machine' "$foreign/other_machine" make "$tmp/theirs"
ok 'a store is made on this machine' "$maker/other_machine" make "$tmp/ours"
ok 'the other machine reads its own' "$foreign/other_machine" read "$tmp/theirs"
ok 'this machine reads its own' "$maker/other_machine" read "$tmp/ours"
if [ "$EXCHANGE_KIN" = yes ]; then
    ok 'this machine reads and changes theirs' "$maker/other_machine" read "$tmp/theirs"
    ok 'the other machine reads and changes ours' "$foreign/other_machine" read "$tmp/ours"
    ok 'the other machine reads its own again' "$foreign/other_machine" read "$tmp/theirs"
    ok 'a message goes there' hands_over "$native" "$foreign"
    rm -f "/dev/shm/$bus"
    ok 'a message comes back' hands_over "$foreign" "$native"
else
    ok 'this machine refuses theirs' refuses "$maker/other_machine" "$tmp/theirs"
    ok 'the other machine refuses ours' refuses "$foreign/other_machine" "$tmp/ours"
    ok 'the other machine still reads its own' "$foreign/other_machine" read "$tmp/theirs"
    "$foreign/splinter_send" --create "$bus" k v
    ok 'the tools of this machine refuse their bus' tool_refuses "$native"
    rm -f "/dev/shm/$bus"
    "$native/splinter_send" --create "$bus" k v
    ok 'the tools of the other machine refuse our bus' tool_refuses "$foreign"
fi
echo "1..$n"
