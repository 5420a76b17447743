#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh MAP PACKAGE VERSION [OLD]: prints the Debian symbols file that lists the symbols of a
# version script.  A symbol that OLD has keeps the version it has there.
map=$1 package=$2 version=$3 old=${4:-/dev/null}
soname=$(basename "$map" .map).so.1

echo "$soname $package #MINVER#"
echo '* Build-Depends-Package: libsplinter-dev'
awk '
    /^SPLINTER[A-Z_0-9.]* \{/ { node = $1; print node "@" node }
    node && /^[ \t]*splinter_[a-z0-9_]*;/ { sub(/;.*/, ""); sub(/^[ \t]*/, ""); print $0 "@" node }
    /^\}/ { node = "" }' "$map" | LC_ALL=C sort |
    while read -r symbol; do
        since=$(sed -n "s/^ $symbol //p" "$old")
        echo " $symbol ${since:-$version}"
    done
