#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl: list and unset
. "$(dirname "$0")/lib.sh"
SPLINTER_BUS=$BUS
export SPLINTER_BUS

json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }

run "$ctl" create
run "$ctl" list
ok 'an empty bus: no line' eval 'printed "" && silent'
run "$ctl" list --long
ok 'nor with --long' printed ''
for pair in b/2:xx a/1:xxx b/1:x c:xxxx ab:xxxxx; do
    run "$ctl" set "${pair%:*}" "${pair#*:}"
done

run "$ctl" list
ok 'sorted by key' printed 'a/1\nab\nb/1\nb/2\nc\n'
run "$ctl" list --sort key
ok '--sort key is the same' printed 'a/1\nab\nb/1\nb/2\nc\n'
run "$ctl" list --sort epoch
ok '--sort epoch' printed 'b/2\na/1\nb/1\nc\nab\n'
run "$ctl" list --sort size
ok '--sort size' printed 'b/1\nb/2\na/1\nc\nab\n'
run "$ctl" list --sort age
ok '--sort age is refused' says 2 "--sort: 'age' is not allowed; it takes key, epoch or size"
run "$ctl" list --prefix b/
ok '--prefix' printed 'b/1\nb/2\n'
run "$ctl" list --prefix none
ok '--prefix of no key' printed ''
run "$ctl" list --pattern '[ab]*1'
ok '--pattern' printed 'a/1\nb/1\n'
run "$ctl" list --pattern '?b' --prefix a
ok '--pattern and --prefix' printed 'ab\n'
run "$ctl" list --long
ok '--long: aligned, with a header' eval \
    'grep -qx "epoch  revision  size  type   ttl ms  owner  key" "$T/out" &&
     grep -q "^ .*1     5  bytes  -       -      ab\$" "$T/out"'
if json; then
    run "$ctl" list --json --prefix b/
    ok '--json: an object a line' eval \
        '[ "$(wc -l <"$T/out")" = 2 ] && grep -q "\"size\":2,.*\"key\":\"b/2\"}\$" "$T/out"'
fi

# Keys of all lengths with the same beginnings; sort(1) knows the order.
seq 1 2000 | sed 's/.*/set long-common-beginning-& v/' >"$T/in"
run "$ctl" -b "$BUS.many" create --slots 2000
run "$ctl" -b "$BUS.many" exec "$T/in"
run "$ctl" -b "$BUS.many" list
seq 1 2000 | sed 's/.*/long-common-beginning-&/' | sort >"$T/expected"
ok 'many keys, in order' cmp -s "$T/expected" "$T/out"

# Groups of many that begin with the same eights of bytes, beginnings of others, and bytes that are
# no ASCII.  All values have the same size, so --sort size has nothing but the keys to go by.
{
    seq 1 700 | sed 's/.*/12345678abcdefgh&/'
    seq 1 700 | sed 's/.*/12345678abcdefghABCDEFGH&/'
    seq 1 400 | sed "s/.*/$(printf '\303\251')\/&/"
    printf '12345678\n1234567\n12345678a\n12345678abcdefgh\n12345678abcdefghABCDEFGH\n1\n'
} >"$T/keys"
sort "$T/keys" >"$T/expected"
sed 's/.*/set & v/' "$T/keys" >"$T/in"
run "$ctl" -b "$BUS.groups" create --slots 2000
run "$ctl" -b "$BUS.groups" exec "$T/in"
for order in key size; do
    run "$ctl" -b "$BUS.groups" list --sort $order
    ok "many keys that begin alike, by $order" cmp -s "$T/expected" "$T/out"
done
run "$ctl" -b "$BUS.groups" list --sort epoch
ok 'and in the order in which they were set' cmp -s "$T/keys" "$T/out"
run "$ctl" -b "$BUS.groups" list --prefix 12345678abcdefghA --long
grep 12345678abcdefghA "$T/expected" >"$T/part"
sed '1d; s/.* //' "$T/out" >"$T/listed"
ok 'with --long too' cmp -s "$T/part" "$T/listed"

# ---- unset

run "$ctl" unset ab c
ok 'unset of two, prints nothing' eval 'printed "" && silent'
run "$ctl" unset none a/1
ok 'one is absent: status 3' says 3 "key 'none' does not exist"
run "$ctl" list
ok 'and the other is gone' printed 'b/1\nb/2\n'
run "$ctl" unset
ok 'neither a key nor --prefix' says 2 'it takes keys, or --prefix'
run "$ctl" unset --prefix b/ b/1
ok 'both' says 2 'it takes keys, or --prefix'
run "$ctl" unset b/1 ''
ok 'an empty key' says 2 'a key of 0 bytes'
run "$ctl" unset --prefix '' --force
ok 'an empty prefix would be everything' says 2 '--prefix: it takes 1 to'
run "$ctl" unset --prefix b/
ok '--prefix without a terminal needs --force, and says how many' \
    says 2 "Remove 2 keys that begin with 'b/' from bus '$BUS'?"
run "$ctl" list
ok 'and nothing was done' printed 'b/1\nb/2\n'
run "$ctl" unset --prefix b/ --force
ok '--prefix --force: the count' eval 'is_status 0 && grep -qx "removed  2" "$T/out"'
run "$ctl" unset --prefix b/
ok '--prefix of no key: nothing to ask' eval 'is_status 0 && grep -qx "removed  0" "$T/out"'

finish
