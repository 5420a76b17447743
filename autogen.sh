#!/bin/sh
# Makes configure and what it needs, in a clone.  A release tarball has them already.
set -e
cd "$(dirname "$0")"
for tool in autoconf automake libtoolize pkg-config; do
    command -v "$tool" >/dev/null || {
        echo "autogen.sh: $tool is missing; on Debian: apt-get install autoconf automake libtool pkg-config" >&2
        exit 1
    }
done
mkdir -p m4
exec autoreconf -fi
