# SPDX-License-Identifier: Apache-2.0
# bash completion for splinter_send(1), splinter_recv(1), splinter_logtee(1), splinter_perf(1) and
# splinter_test(1)
#
# Installed under the name of each of them.  What options there are, and which of them take an
# argument, is read from the tool's own --help, so nothing here has to follow it.  It needs no
# function of the package bash-completion.

# The memory stores that may be read: files of /dev/shm that begin as a store does.
_splinter_stores()
{
    local file magic
    for file in /dev/shm/*; do
        [[ -f $file && -r $file ]] || continue
        magic=
        LC_ALL=C IFS= read -r -N 8 magic 2>/dev/null <"$file"
        [[ $magic == SPLINTER ]] && printf '%s\n' "${file##*/}"
    done
}

# Paths that begin with the word.
_splinter_files()
{
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    # shellcheck disable=SC2207 # split at newlines
    COMPREPLY=($(compgen -f -- "$1"))
}

_splinter()
{
    local tool=$1 cur=${COMP_WORDS[COMP_CWORD]} line option word i help
    local file=no bus=no only_words=no positional=0 pending=
    local -A argument=()
    local -a options=()
    COMPREPLY=()

    help=$("$tool" --help 2>/dev/null) || return
    while IFS= read -r line; do
        if [[ $line =~ ^\ +(-(.),\ )?(--[a-z-]+)([\ =]([A-Z]+)(\ |$))? ]]; then
            # Of "--file" and "--file=FILE" the first says that BUS is a file.
            [[ ${BASH_REMATCH[0]} == *--file=* ]] && continue
            options+=("${BASH_REMATCH[3]}")
            if [[ -n ${BASH_REMATCH[5]} ]]; then
                argument[${BASH_REMATCH[3]}]=${BASH_REMATCH[3]}
                [[ -n ${BASH_REMATCH[2]} ]] && argument[-${BASH_REMATCH[2]}]=${BASH_REMATCH[3]}
            fi
        fi
    done <<<"$help"

    # What the words before this one are.  bash makes "=" a word of its own.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -n $pending ]]; then
            [[ $word == '=' ]] || pending=
        elif [[ $word == '=' && ${COMP_WORDS[i - 1]} == --file ]]; then
            pending=--file bus=yes
        elif [[ $only_words == yes ]]; then
            positional=$((positional + 1))
        elif [[ $word == -- ]]; then
            only_words=yes
        elif [[ $word == -?* ]]; then
            [[ $word == --file || $word == -f ]] && file=yes
            pending=${argument[$word]-}
            [[ $pending == --bus || $pending == --file ]] && bus=yes
        else
            positional=$((positional + 1))
            [[ $tool == *_send ]] && only_words=yes # its options come before the arguments
        fi
    done
    [[ $cur == '=' && ${COMP_WORDS[COMP_CWORD - 1]} == --file ]] && pending=--file
    [[ $cur == '=' ]] && cur=

    case $pending in
        '') ;;
        --output | --file)
            _splinter_files "$cur"
            return ;;
        --bus)
            if [[ $file == yes || $cur == */* ]]; then
                _splinter_files "$cur"
                return
            fi
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W "$(_splinter_stores)" -- "$cur"))
            return ;;
        --format)
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W 'plain json' -- "$cur"))
            return ;;
        --type)
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W 'bytes text json int64' -- "$cur"))
            return ;;
        --self-test)
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W 'torn stale foreign' -- "$cur"))
            return ;;
        --scenario)
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W 'keys feed topic queue' -- "$cur"))
            return ;;
        *) return ;; # a number or a prefix: nothing to offer
    esac

    if [[ $only_words == no && $cur == -* ]]; then
        # shellcheck disable=SC2207
        COMPREPLY=($(compgen -W "${options[*]}" -- "$cur"))
    elif [[ $positional == 0 && $bus == no && $help == *'[BUS]'* ]]; then
        if [[ $file == yes || $cur == */* ]]; then
            _splinter_files "$cur"
        else
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W "$(_splinter_stores)" -- "$cur"))
        fi
    fi
} &&
    complete -F _splinter splinter_send splinter_recv splinter_logtee splinter_perf splinter_test
