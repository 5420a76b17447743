#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bash completes options, buses, files and fixed words of the tools.  TAP.
command -v bash >/dev/null || {
    echo '1..0 # SKIP bash was not found'
    exit 0
}
. "${TOP_SRCDIR:-.}/tests/cli/lib.sh"
PATH=$TOOLS_DIR:$PATH
export PATH
completions=${TOP_SRCDIR:-.}/completions/splinter.bash

# complete_words WORD...: what bash would offer for the last word, sorted, in $T/out.
complete_words() {
    # shellcheck disable=SC2016 # for bash
    run bash -c '
        . "$1" || exit 9
        shift
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _splinter "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}" | LC_ALL=C sort' bash "$completions" "$@"
}
offers() { printed "$1"; }

# shellcheck disable=SC2016 # for bash
run bash -c '. "$1" && shift && complete -p "$@"' bash "$completions" \
    splinter_send splinter_recv splinter_logtee splinter_perf splinter_test
ok "every tool has a completion" is_status 0

for tool in send recv logtee perf test; do
    # Every option of --help, and nothing else.
    "$TOOLS_DIR/splinter_$tool" --help | grep -o -- '^ *\(-., \)\{0,1\}--[a-z-]*' |
        grep -o -- '--[a-z-]*$' | LC_ALL=C sort -u >"$T/options"
    complete_words "splinter_$tool" --
    ok "splinter_$tool: every option, and no other" cmp -s "$T/options" "$T/out"
done
complete_words splinter_test ''
ok "splinter_test: nothing to offer, no error" offers '\n'

complete_words splinter_recv --ver
ok "what was typed narrows it" offers '--verbose\n--version\n'

# Buses: a store of ours among the others, and a file that is none.
run "$send" --create "$BUS" key value
ok "a bus to complete" is_status 0
echo SPLINTER-like >"/dev/shm/$BUS.near"
echo other >"/dev/shm/$BUS.other"
complete_words splinter_send "$BUS"
ok "the first word is a bus" eval 'grep -qxF "$BUS" "$T/out" && ! grep -qF "$BUS.other" "$T/out"'
complete_words splinter_recv -1 --timeout 100 "$BUS"
ok "options and their arguments before it do not count" grep -qxF "$BUS" "$T/out"
complete_words splinter_recv --timeout ''
ok "a number is not completed" offers '\n'
complete_words splinter_recv -t ''
ok "nor after the short option" offers '\n'
complete_words splinter_recv "$BUS" ''
ok "a key is not completed" offers '\n'
complete_words splinter_perf --bus "$BUS"
ok "--bus takes a bus" grep -qxF "$BUS" "$T/out"
complete_words splinter_recv -b "$BUS"
ok "so does -b" grep -qxF "$BUS" "$T/out"
complete_words splinter_recv -b "$BUS" "$BUS"
ok "after which no argument is one" offers '\n'
complete_words splinter_recv -- --ver
ok "no options after --" offers '\n'
complete_words splinter_send "$BUS" --cre
ok "splinter_send: none after an argument" offers '\n'
complete_words splinter_recv "$BUS" --ver
ok "splinter_recv: options may come later" offers '--verbose\n--version\n'

# Files.
mkdir "$T/d" && : >"$T/d/a file" && : >"$T/d/another"
complete_words splinter_recv --file "$T/d/a"
ok "with --file the bus is a path" offers "$T/d/a file\n$T/d/another\n"
complete_words splinter_recv --file '=' "$T/d/an"
ok "so is what --file= names" offers "$T/d/another\n"
complete_words splinter_recv --file '=' "$T/d/another" "$BUS"
ok "after which no argument is a bus" offers '\n'
complete_words splinter_perf -f "$T/d/an"
ok "splinter_perf: -f takes a path" offers "$T/d/another\n"
complete_words splinter_recv "$T/d/an"
ok "with a slash it is a path" offers "$T/d/another\n"
complete_words splinter_recv -b "$T/d/an"
ok "so is the argument of --bus" offers "$T/d/another\n"
complete_words splinter_logtee --output "$T/d/an"
ok "--output takes a path" offers "$T/d/another\n"

# Words of a fixed list, each of which the tool takes.
complete_words splinter_logtee --format ''
ok "--format" offers 'json\nplain\n'
complete_words splinter_logtee --format '=' j
ok "--format=j, which bash makes three words of" offers 'json\n'
complete_words splinter_logtee -F p
ok "-F p" offers 'plain\n'
complete_words splinter_perf --self-test '='
ok "--self-test=" offers 'foreign\nstale\ntorn\n'
complete_words splinter_perf -S ''
ok "-S" offers 'feed\nkeys\nqueue\ntopic\n'
complete_words splinter_send --type ''
ok "--type" offers 'bytes\nint64\njson\ntext\n'
run "$send" --type no-such-type
ok "the words of --type are those the tool names" \
    eval 'grep -q "bytes, text, json, int64" "$T/err"'
run "$logtee" --format no-such-format
ok "the words of --format are those the tool names" eval 'grep -q "plain or json" "$T/err"'
run "$perf" --self-test=no-such-fault
ok "the words of --self-test are those the tool names" \
    eval 'grep -q "torn, stale or foreign" "$T/err"'
run "$perf" --scenario=no-such-scenario
ok "the words of --scenario are those the tool names" \
    eval 'grep -q "keys, feed, topic or queue" "$T/err"'

# As it is installed: bash-completion finds the file by the name of the tool.
loader=/usr/share/bash-completion/bash_completion
if [ -f $loader ]; then
    mkdir -p "$T/user/completions"
    cp "$completions" "$T/user/completions/splinter_recv"
    # shellcheck disable=SC2016
    BASH_COMPLETION_USER_DIR=$T/user run bash -c '
        . "$1"
        _completion_loader splinter_recv
        complete -p splinter_recv' bash $loader
    ok "bash-completion loads it by the name of a tool" grep -q '_splinter splinter_recv' "$T/out"
else
    skip "bash-completion loads it by the name of a tool" "it is not installed"
fi
finish
