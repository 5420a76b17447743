#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What other languages see of the header.  Generators of bindings (bindgen, cffi, ctypesgen and
# others) evaluate no macro inside a macro, so each constant is a plain literal.  No structure has
# padding, which an initialiser leaves undefined: what one version of the library does not know must
# be 0.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
. "$top_srcdir/tests/support/findings.sh"
header=${HEADER_DIR:-$top_srcdir/include}/splinter.h
cc=${CC:-cc}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-bindings.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# literals HEADER: "NAME VALUE" of each constant that the text of the header gives a plain literal.
# Comments go, as in a generator.
literals() {
    sed -e 's:/\*.*\*/::' -e 's:/\*.*::' -e 's/[ \t]*$//' "$1" |
        awk '$1 == "#define" && NF == 3 && $2 ~ /^SPLINTER_[A-Z0-9_]+$/ &&
             $3 ~ /^(0x[0-9a-f]+|[0-9]+)[uUlL]*$/ { print $2, $3 }' | LC_ALL=C sort
}
# macros HEADER: "NAME VALUE" of what the compiler says that the header defines, but for its guard.
macros() {
    # shellcheck disable=SC2086 # the compiler may have arguments
    $cc -std=c99 -dM -E "$1" 2>"$tmp/errors" |
        sed -n 's/^#define \(SPLINTER_.*\)/\1/p' | grep -vx 'SPLINTER_H *' | LC_ALL=C sort
}

literals "$header" >"$tmp/literals"
macros "$header" >"$tmp/macros"
diff "$tmp/macros" "$tmp/literals" >"$tmp/why"
[ "$(wc -l <"$tmp/macros")" -ge 19 ] || cat "$tmp/macros" "$tmp/errors" >>"$tmp/why"
empty 'every constant of the header is a plain literal'

# The look itself finds each kind that a generator drops.
while IFS= read -r line; do
    { cat "$header"; echo "$line"; } >"$tmp/planted.h"
    literals "$tmp/planted.h" >"$tmp/literals-planted"
    macros "$tmp/planted.h" >"$tmp/macros-planted"
    cmp -s "$tmp/macros-planted" "$tmp/literals-planted" && echo "$line"
done >"$tmp/why" <<'END'
#define SPLINTER_PLANTED (1u << 3)
#define SPLINTER_PLANTED UINT64_MAX
#define SPLINTER_PLANTED UINT32_C(7)
#define SPLINTER_PLANTED SPLINTER_CREATE
#define SPLINTER_PLANTED (SPLINTER_CREATE | SPLINTER_EXCL)
#define SPLINTER_PLANTED (uint32_t)7
#define SPLINTER_PLANTED(x) 7
END
empty 'a constant that is computed would be seen'

# compiles TEXT: the header and this text.
compiles() {
    { echo '#include <splinter.h>'; echo "$1"; } >"$tmp/alone.c"
    shift
    # shellcheck disable=SC2086
    $cc -std=c11 -Werror "$@" -I"${header%/*}" -fsyntax-only "$tmp/alone.c" 2>"$tmp/why"
}
compiles '_Static_assert(SPLINTER_FOREVER == UINT64_MAX, "");
_Static_assert(SPLINTER_SLOTS_MAX == UINT32_C(1) << 28, "");
_Static_assert(SPLINTER_VALUE_MAX == UINT32_C(1) << 30, "");' && : >"$tmp/why"
empty 'the literals are the numbers that they stand for'

what='no structure of the header has padding'
if compiles '_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "");'; then
    compiles '' -Wpadded && : >"$tmp/why"
    empty "$what"
    ! compiles 'struct splinter_planted { size_t struct_size; uint32_t flags; };' -Wpadded &&
        : >"$tmp/why"
    empty 'padding would be seen'
else
    for name in "$what" 'padding would be seen'; do
        n=$((n + 1))
        echo "ok $n - $name # SKIP on 64-bit machines alone"
    done
fi
echo "1..$n"
