#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What bash, zsh and fish complete of a command line of splinterctl.  TAP.
. "$(dirname "$0")/lib.sh"
top=${TOP_SRCDIR:-.}
PATH=$(dirname "$ctl"):$PATH
SPLINTER_BUS=$BUS
export PATH SPLINTER_BUS

offers() { is_status 0 && silent && cut -f 1 "$T/out" >"$T/words" && file_is "$T/words" "$1"; }
has() { grep -q "^$1	" "$T/out"; }

# ---- what splinterctl itself says

run "$ctl" __complete ''
"$ctl" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\).*/\1/p' | uniq >"$T/commands"
cut -f 1 "$T/out" >"$T/words"
ok 'every command, and no other' cmp -s "$T/words" "$T/commands"
run "$ctl" __complete li
ok 'with what it does' printed 'list\tlist the keys\n'
run "$ctl" __complete -b x --json li
ok 'options and their arguments before it do not count' offers 'list\n'
while read -r command; do
    case $("$ctl" help "$command" 2>/dev/null) in
        *"'splinterctl help COMMAND'"*) continue ;; # a family
    esac
    "$ctl" help "$command" | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >"$T/wanted"
    printf -- '--bus\n--file\n--json\n--help\n' >>"$T/wanted"
    sort -u "$T/wanted" >"$T/sorted"
    run "$ctl" __complete "$command" --
    cut -f 1 "$T/out" | sort >"$T/words"
    ok "every option of $command" cmp -s "$T/words" "$T/sorted"
done <"$T/commands"
run "$ctl" __complete --
ok 'those of splinterctl' offers '--bus\n--file\n--json\n--help\n--version\n'
run "$ctl" __complete frobnicate ''
ok 'of no command nothing' printed ''
run "$ctl" __complete get ''
ok 'without a bus nothing, and no complaint' eval 'printed "" && silent'
run "$ctl" __complete
ok 'no word at all is an empty one' is_status 0

run "$ctl" create --slots 5000
for key in alpha alpine 'two words' 'a:b' "it's"; do
    run "$ctl" set "$key" v
done
run "$ctl" set "$(printf 'bad\033key')" v
run "$ctl" __complete get ''
ok 'keys in their order, but for those that cannot be typed' \
    offers "a:b\nalpha\nalpine\nit's\ntwo words\n"
run "$ctl" __complete get alp
ok 'those that begin so' offers 'alpha\nalpine\n'
run "$ctl" __complete get alpha ''
ok 'get takes one' printed ''
run "$ctl" __complete unset alpha alpi
ok 'unset takes many' offers 'alpine\n'
run "$ctl" __complete set alpha ''
ok 'a value is not completed' printed ''
run "$ctl" __complete get -- al
ok 'after -- come arguments' offers 'alpha\nalpine\n'
run "$ctl" __complete get -- -
ok 'and no options' printed ''
run "$ctl" __complete -b "$BUS.none" get ''
ok '-b says of which bus' printed ''
SPLINTER_BUS=$BUS.none run "$ctl" __complete get --bus "$BUS" alph
ok 'also behind the command' offers 'alpha\n'
run "$ctl" __complete "--bus=$BUS" get alph
ok 'and in one word' offers 'alpha\n'
run "$ctl" __complete -b "$BUS"
ok 'buses' offers "$BUS\n"
run "$ctl" __complete "--bus=$BUS"
ok 'in one word, too' offers "--bus=$BUS\n"
run "$ctl" -f "$T/store" create
run "$ctl" -f "$T/store" set infile v
run "$ctl" __complete -f "$T/store" get in
ok 'a bus in a file' offers 'infile\n'
run "$ctl" __complete -b ./s
ok 'a bus with a slash is a file' printed 'files\n'
run "$ctl" __complete list --sort ''
ok 'the words that an option takes' offers 'key\nepoch\nsize\n'
run "$ctl" __complete list --sort=s
ok 'in one word' offers '--sort=size\n'
run "$ctl" __complete set --type ''
ok 'types' offers 'bytes\ntext\njson\nint64\n'
run "$ctl" __complete set --ttl ''
ok 'a number is not completed' printed ''
run "$ctl" __complete set --file ''
ok '--file of set is that of the value' printed 'files\n'
run "$ctl" __complete exec ''
ok 'exec takes a file' printed 'files\n'
run "$ctl" __complete lock name -- ''
ok 'a program' printed 'programs\n'
run "$ctl" __complete set --ephemeral k v -- env ''
ok 'and its arguments' printed 'files\n'
run "$ctl" __complete set k v -- ''
ok 'none without --ephemeral' printed ''
run "$ctl" __complete list --prefix alp
ok 'a prefix may go on' eval 'has alpha && grep -qx begun "$T/out"'
run "$ctl" __complete help li
ok 'help takes a command' offers 'list\n'
seq 1 1200 | sed 's/.*/set many\/key& v/' >"$T/in"
run "$ctl" exec "$T/in"
run "$ctl" __complete get m
ok 'of too many keys, what all begin with' printed 'many/key\t\nbegun\n'
run "$ctl" __complete get many/key
ok 'nothing if that is there' printed 'begun\n'
run "$ctl" __complete get many/key119
ok 'fewer are named again' eval 'is_status 0 && [ "$(wc -l <"$T/out")" = 11 ]'

# ---- bash

# bash_offers LINE: what bash has in COMPREPLY, with the words as it splits them.
bash_offers() {
    # shellcheck disable=SC2016 # for bash
    run bash -c '
        . "$1" || exit 9
        COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=() word=
        for ((i = 0; i < ${#2}; i++)); do
            c=${2:i:1}
            case $c in
                " ") [[ -z $word ]] || COMP_WORDS+=("$word"); word= ;;
                [=:]) [[ -z $word ]] || COMP_WORDS+=("$word"); word= COMP_WORDS+=("$c") ;;
                *) word+=$c ;;
            esac
        done
        [[ -n $word || $2 == *" " ]] && COMP_WORDS+=("$word")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _splinterctl splinterctl
        ((${#COMPREPLY[@]})) && printf "%s\n" "${COMPREPLY[@]}"; :' \
        bash "$top/completions/splinterctl.bash" "$1"
}
if command -v bash >/dev/null; then
    bash_offers 'splinterctl li'
    ok 'bash: a command' printed 'list\n'
    bash_offers 'splinterctl get al'
    ok 'bash: keys' printed 'alpha\nalpine\n'
    bash_offers 'splinterctl get tw'
    ok 'bash: quoted' printed 'two\\ words\n'
    bash_offers 'splinterctl get a:'
    ok 'bash: with a colon, at which bash splits' printed 'b\n'
    bash_offers 'splinterctl list --sort=s'
    ok 'bash: with an equals sign' printed 'size\n'
    bash_offers 'splinterctl -b '"$BUS"' get alph'
    ok 'bash: -b' printed 'alpha\n'
    : >"$T/afile"
    bash_offers "splinterctl exec $T/afi"
    ok 'bash: a file' printed "$T/afile\n"
    bash_offers "splinterctl set --file=$T/afi"
    ok 'bash: a file behind =' printed "$T/afile\n"
    bash_offers 'splinterctl lock x -- unam'
    ok 'bash: a program' grep -qx uname "$T/out"
    # shellcheck disable=SC2016 # it must not be run
    bash_offers 'splinterctl -b $(touch${IFS}'"$T"'/ran) get a'
    ok 'bash: nothing in the line is run' [ ! -e "$T/ran" ]
else
    skip 'bash' 'it was not found'
fi

# in_terminal COMMAND...: what the screen shows after the lines of standard input, in $T/out.
terminal=${TOP_BUILDDIR:-.}/tests/cli/terminal
in_terminal() {
    timeout -k 5 "$WATCHDOG" "$terminal" 80x24 "$@" >"$T/out" 2>"$T/err"
    status=$?
}
TERM=vt100
export TERM

# As a person does it: TAB.
if command -v bash >/dev/null && [ -x "$terminal" ]; then
    printf 'PS1="ready> "\n. "%s"\n' "$top/completions/splinterctl.bash" >"$T/rc"
    cat >"$T/keys" <<END_OF_KEYS
wait ready>
type splinterctl li\\tFROM
wait list FROM
type \\x15splinterctl get tw\\tFROM
wait two\\ words FROM
type \\x15splinterctl get "tw\\tFROM
wait "two words" FROM
type \\x15splinterctl get a:\\tFROM
wait a:b FROM
type \\x15splinterctl list --prefix=alpi\\tFROM
wait --prefix=alpineFROM
type \\x15exit\\r
end
END_OF_KEYS
    in_terminal bash --rcfile "$T/rc" -i <"$T/keys"
    ok 'bash in a terminal' is_status 0
else
    skip 'bash in a terminal' 'bash, or tests/cli/terminal, was not found'
fi

# ---- zsh

if command -v zsh >/dev/null && [ -x "$terminal" ]; then
    mkdir "$T/zsh"
    cat >"$T/zsh/.zshrc" <<END_OF_RC
PS1='ready> '
fpath=($(cd "$top/completions" && pwd) \$fpath)
autoload -Uz compinit && compinit -u -D
END_OF_RC
    cat >"$T/keys" <<END_OF_KEYS
wait ready>
type splinterctl li\\tFROM
wait list FROM
type \\x15splinterctl get tw\\tFROM
wait two\\ words FROM
type \\x15splinterctl get a:\\tFROM
wait a:b FROM
type \\x15splinterctl list --sort=s\\tFROM
wait --sort=size FROM
type \\x15splinterctl -b $BUS get alph\\tFROM
wait alpha FROM
type \\x15splinterctl exec $T/keys-o\\tFROM
wait keys-of-zsh FROM
type \\x15splinterctl lock x -- unam\\tFROM
wait -- uname FROM
type \\x15splinterctl get al\\t\\t
wait alpine
show
type \\x03
type \\x15exit\\r
end
END_OF_KEYS
    : >"$T/keys-of-zsh"
    ZDOTDIR=$T/zsh
    export ZDOTDIR
    in_terminal zsh -i <"$T/keys"
    ok 'zsh in a terminal' is_status 0
else
    skip 'zsh in a terminal' 'zsh, or tests/cli/terminal, was not found'
fi

# ---- fish

if command -v fish >/dev/null; then
    HOME=$T
    export HOME
    fish_offers() {
        # shellcheck disable=SC2016 # for fish
        run fish -N -c 'source $argv[1]; complete -C $argv[2]' \
            "$top/completions/splinterctl.fish" "$1"
    }
    fish_offers 'splinterctl li'
    ok 'fish: a command' printed 'list\tlist the keys\n'
    fish_offers 'splinterctl get al'
    ok 'fish: keys' printed 'alpha\nalpine\n'
    fish_offers 'splinterctl get tw'
    ok 'fish: with a space' grep -q '^two words' "$T/out"
    fish_offers 'splinterctl get a:'
    ok 'fish: with a colon' printed 'a:b\n'
    fish_offers "splinterctl -b $BUS list --sort=s"
    ok 'fish: an argument of an option' printed '--sort=size\n'
    fish_offers "splinterctl exec $T/afi"
    ok 'fish: a file' grep -q 'afile' "$T/out"
    fish_offers "splinterctl set --file=$T/afi"
    ok 'fish: a file behind =' grep -q -- "--file=$T/afile" "$T/out"
    fish_offers 'splinterctl lock x -- unam'
    ok 'fish: a program' grep -q '^uname' "$T/out"
else
    skip 'fish' 'it was not found'
fi

finish
