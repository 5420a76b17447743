#!/bin/sh
# git ignores every program that a build in the tree makes, and nothing that is part of it.  TAP.
cd "${TOP_SRCDIR:-.}" || exit 1
if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1 || [ ! -f .gitignore ]; then
    echo '1..0 # SKIP this is no clone'
    exit 0
fi
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS

report() { # NAME FOUND
    n=$((n + 1))
    if [ -z "$2" ]; then echo "ok $n - $1"; else
        echo "$2" | sed 's/^/# /'
        echo "not ok $n - $1"
    fi
}
n=0

# shellcheck disable=SC2016 # for make
programs=$(cd "${TOP_BUILDDIR:-.}" && printf '%s\n' 'include Makefile' \
    'programs-of-all: ; @echo $(bin_PROGRAMS) $(check_PROGRAMS) $(EXTRA_PROGRAMS)' |
    ${MAKE:-make} -s -f - programs-of-all)
case $programs in
    *tests/*) report 'the Makefile says which programs there are' '' ;;
    *) report 'the Makefile says which programs there are' "it says: $programs" ;;
esac
# shellcheck disable=SC2086 # a list
lost=$(for program in $programs; do git check-ignore -q $program || echo $program; done)
report 'git ignores every program' "$lost"
report 'git ignores nothing that it has' "$(git ls-files --cached --ignored --exclude-standard)"
echo "1..$n"
