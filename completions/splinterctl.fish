# SPDX-License-Identifier: Apache-2.0
# fish completion for splinterctl(1)
#
# "splinterctl __complete WORD..." says what may come in place of the last word: a line for each,
# with a tab and what it is, which is what fish takes.

function __splinterctl_complete
    set -l given (commandline -opc)
    set -l tool $given[1]
    set -e given[1]
    set -l current (commandline -ct | string unescape)
    test -n "$current"; or set current (commandline -ct)
    for line in (command $tool __complete $given "$current" 2>/dev/null)
        switch $line
            case files
                set -l kept (string match -r '^--[a-z-]+=' -- "$current"); or set kept ''
                set -l path (string replace -r '^--[a-z-]+=' '' -- "$current")
                for file in (__fish_complete_path "$path")
                    echo $kept$file
                end
            case programs
                __fish_complete_command
            case begun
                # fish puts a space after the only candidate that does not end in one of =:,./@
            case '*'
                echo $line
        end
    end
end

complete -c splinterctl -f -a '(__splinterctl_complete)'
