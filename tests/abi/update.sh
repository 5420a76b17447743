#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# update.sh - writes anew, in a clone, what the tests in this folder compare with:
#
#     sh tests/abi/update.sh [BUILD-TREE]
#
#   debian/*.symbols   from the version scripts; what was there keeps its version
#
# See what it did with git diff: what a release has promised may be added to, not changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^AC_INIT(\[libsplinter\], \[\([^]]*\)\].*/\1/p' "$top/configure.ac")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-update.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

symbols() { # package library
    file=$top/debian/$1.symbols
    sh "$here/symbols.sh" "$top/lib/$2.map" "$1" "$version" "$file" >"$tmp/symbols"
    cat "$tmp/symbols" >"$file"
}
symbols libsplinter1 libsplinter
symbols libsplinter-p1 libsplinter_p
