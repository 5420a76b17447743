#!/bin/sh
# The man pages are clean for mandoc, say the version and the date that configure.ac has, and
# refer to pages that exist.  TAP.
top_srcdir=${TOP_SRCDIR:-.}
top_builddir=${TOP_BUILDDIR:-.}
mandoc=${MANDOC:-mandoc}

n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "$2" | sed 's/^/# /'; echo "not ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# Pages of others that ours refer to.
foreign=' clone cp dd errno fallocate fcntl fdatasync fork fstat fsync futex_waitv file magic '
foreign="$foreign fnmatch logind.conf membarrier memfd_create mmap open poll proc rm shm_open "
foreign="$foreign shm_overview signal "
foreign="$foreign systemd-logind tmpfs umask unix unlink "

date=$(sed -n "s/^AC_SUBST(\[MAN_DATE\], \['\(.*\)'\])\$/\1/p" "$top_srcdir/configure.ac")
for source in "$top_srcdir"/man/*.in; do
    name=${source##*/}
    name=${name%.in}
    page=$top_builddir/man/$name
    [ -f "$page" ] || page=$top_srcdir/man/$name
    if [ ! -f "$page" ]; then
        not_ok "$name was made" "there is no $page"
        continue
    fi
    if ! command -v "$mandoc" >/dev/null; then
        skip "$name is clean" 'mandoc was not found (on Debian: apt-get install mandoc)'
    elif complaints=$("$mandoc" -T lint -W warning "$page" 2>&1) && [ -z "$complaints" ]; then
        ok "$name is clean"
    else
        not_ok "$name is clean" "$complaints"
    fi
    said=$(grep -E '^\.(Dd|Os)' "$page")
    if [ "$said" = ".Dd $date
.Os Splinter ${VERSION:-?}" ]; then
        ok "$name has the date and the version of configure.ac"
    else
        not_ok "$name has the date and the version of configure.ac" "$said"
    fi
    lost=$(sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1 \2/p' "$page" | sort -u |
        while read -r to section; do
            [ -f "$top_builddir/man/$to.$section" ] || [ -f "$top_srcdir/man/$to.$section" ] &&
                continue
            case $foreign in *" $to "*) continue ;; esac
            echo "$to($section)"
        done)
    if [ -z "$lost" ]; then
        ok "$name refers to pages that exist"
    else
        not_ok "$name refers to pages that exist" "$lost"
    fi
done

# A page that is not made from a .in would keep its date and version for ever.
lost=
for page in "$top_srcdir"/man/*.[1-9]; do
    [ -f "$page" ] || continue
    case $(head -n 1 "$page") in '.so '*) continue ;; esac
    [ -f "$page.in" ] || lost="$lost $page"
done
what='every page is made from a .in'
if [ -z "$lost" ]; then ok "$what"; else not_ok "$what" "$lost"; fi
echo "1..$n"
