#!/bin/sh
# The man pages are clean for mandoc, and say the version that is built or none.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
mandoc=${MANDOC:-mandoc}
command -v "$mandoc" >/dev/null || {
    echo '1..0 # SKIP mandoc was not found'
    exit 0
}

n=0
for page in "$top_srcdir"/man/*.[1357]; do
    # Link pages are made by make; in a tree built in place they are here too.
    case $(head -n 1 "$page") in
        '.so '*) continue ;;
    esac
    n=$((n + 1))
    if complaints=$("$mandoc" -T lint -W warning "$page" 2>&1) && [ -z "$complaints" ]; then
        echo "ok $n - ${page##*/}"
    else
        echo "$complaints" | sed 's/^/# /'
        echo "not ok $n - ${page##*/}"
    fi
done
echo "1..$n"
