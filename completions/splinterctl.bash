# SPDX-License-Identifier: Apache-2.0
# bash completion for splinterctl(1)
#
# "splinterctl __complete WORD..." says what may come in place of the last word: a line for each,
# with a tab and what it is.  It needs no function of the package bash-completion.

# What a word of the line means, without its quotes; nothing in it is expanded or run.
_splinterctl_plain()
{
    local word=$1
    # shellcheck disable=SC2088 # the tilde is what was typed
    [[ $word == '~/'* ]] && word=$HOME/${word:2}
    word=${word//\\/}
    printf '%s' "${word//[\"\']/}"
}

_splinterctl()
{
    local tool=$1 rest=${COMP_LINE:0:COMP_POINT} space cur behind line i
    local -a words=()
    COMPREPLY=()

    # bash splits at "=" and ":" as well; what has no space between is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        space=${rest%%[![:space:]]*}
        rest=${rest#"$space"}
        [[ $i == 0 || -n $space ]] && words+=('')
        line=${COMP_WORDS[i]}
        [[ $i == "$COMP_CWORD" ]] && line=$rest
        words[${#words[@]} - 1]+=$line
        rest=${rest#"$line"}
    done
    cur=${words[${#words[@]} - 1]}
    for ((i = 0; i < ${#words[@]}; i++)); do
        words[i]=$(_splinterctl_plain "${words[i]}")
    done
    behind=${words[${#words[@]} - 1]}
    # What bash replaces begins behind the last "=" or ":", outside of quotes.
    local kept=''
    [[ $cur != [\"\']* && $cur == *[=:]* ]] && kept=${behind%"${behind##*[=:]}"}
    [[ $COMP_WORDBREAKS == *:* ]] || [[ $kept == *=* ]] || kept=''

    while IFS= read -r line; do
        case $line in
            *$'\t'*)
                line=${line%%$'\t'*}
                line=${line#"$kept"}
                [[ $cur == [\"\']* ]] || printf -v line %q "$line"
                COMPREPLY+=("$line") ;;
            files)
                compopt -o filenames 2>/dev/null
                while IFS= read -r line; do
                    COMPREPLY+=("$line")
                done < <(compgen -f -- "${behind#"$kept"}") ;;
            programs)
                while IFS= read -r line; do
                    COMPREPLY+=("$line")
                done < <(compgen -c -- "$behind" | LC_ALL=C sort -u) ;;
            begun)
                compopt -o nospace 2>/dev/null ;;
        esac
    done < <("$tool" __complete "${words[@]:1}" 2>/dev/null)
} &&
    complete -F _splinterctl splinterctl
