#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# interface.sh LIBRARY HEADERS: prints the interface of a library that has debug information: the
# calls, and of the types what the public header shows.  Nothing in it depends on the place where it
# was built.
abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-elf-needed \
    --no-show-locs --no-corpus-path --no-comp-dir-path --no-parameter-names --type-id-style hash \
    "$1" |
    sed "s:path='[^']*/lib/:path='lib/:"
