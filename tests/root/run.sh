#!/bin/sh
# The README's two commands in a root that has nothing but what debootstrap's minbase has, and
# ca-certificates and git: the tree is cloned there, and
#
#     sh bench/demo.sh
#     sh tests/setup-and-test.sh
#
# have to install what they need and pass.  Not part of make check or of setup-and-test.sh: it takes
# root, the archives of Debian, mmdebstrap, and a quarter of an hour.
#
#   tests/root/run.sh [-d DIR] [-s STAGES] [SUITE...]
#
#   SUITE      bookworm, trixie, ...; without any, these two
#   -s STAGES  the stages of setup-and-test.sh to run there; "gcc" if not given, "all" for all
#   -d DIR     where the roots are made; else in a temporary folder.  They are removed.
#
# What is committed is cloned, not what is only in the working tree.
#
# Exit status: 0 if both commands passed in every root; 1 if one failed; 2 for wrong arguments; 77
# if something that is needed is missing.
set -u
top_srcdir=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
LC_ALL=C
export LC_ALL

stages=gcc
dir=
while [ $# -gt 0 ]; do
    case $1 in
        -d | -s)
            [ $# -gt 1 ] || { echo "run.sh: $1 needs an argument" >&2; exit 2; }
            if [ "$1" = -d ]; then dir=$2; else stages=$2; fi
            shift ;;
        --help) sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*)
            echo "run.sh: unknown option '$1'; allowed are -d DIR, -s STAGES and --help" >&2
            exit 2 ;;
        *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- bookworm trixie
[ "$stages" = all ] && stages=
for tool in mmdebstrap git unshare chroot; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing" >&2; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "run.sh: has to be root, to make and enter a root" >&2; exit 77; }

work=$(mktemp -d "${dir:-${TMPDIR:-/tmp}}/splinter-root.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Runs $2... in the root $1, with mounts and processes of its own that go with it.
inside() {
    where=$1
    shift
    # shellcheck disable=SC2016 # for the shell inside
    unshare --mount --pid --fork --kill-child --propagation private sh -c '
        root=$1
        shift
        mount -t proc proc "$root/proc" && mount -t tmpfs -o mode=755 dev "$root/dev" || exit 1
        for node in null zero full random urandom tty; do
            touch "$root/dev/$node" && mount --bind "/dev/$node" "$root/dev/$node" || exit 1
        done
        ln -s /proc/self/fd "$root/dev/fd"
        mkdir "$root/dev/shm" "$root/dev/pts" &&
            mount -t tmpfs -o mode=1777 shm "$root/dev/shm" || exit 1
        mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" || exit 1
        ln -s pts/ptmx "$root/dev/ptmx"
        mount -t tmpfs -o mode=1777 tmp "$root/tmp" || exit 1
        chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
        status=$?
        if [ -n "$(ls -A "$root/dev/shm")" ]; then
            echo "left in /dev/shm:" "$root"/dev/shm/*
            status=1
        fi
        exit $status
    ' inside "$where" "$@"
}

failed=0
for suite; do
    root=$work/$suite
    echo "== $suite: making a root"
    if ! mmdebstrap --quiet --variant=minbase --include=ca-certificates,git "$suite" "$root"; then
        echo "== $suite: no root could be made"
        failed=1
        continue
    fi
    # Where the names of hosts come from is the machine's affair.
    for file in resolv.conf hosts; do
        [ -e /etc/$file ] && cp -L /etc/$file "$root/etc/$file"
    done
    echo "== $suite: $(inside "$root" sh -c 'dpkg-query -W | wc -l') packages"
    git clone -q --bare "$top_srcdir" "$root/srv/splinter.git" || exit 1
    inside "$root" git -c safe.directory='*' clone -q /srv/splinter.git /root/splinter || exit 1
    for command in 'sh bench/demo.sh' 'sh tests/setup-and-test.sh'; do
        start=$(date +%s)
        echo "== $suite: $command"
        if inside "$root" ${stages:+"SPLINTER_STAGES=$stages"} \
            sh -c "cd /root/splinter && $command"; then
            echo "== $suite: $command: passed, $(($(date +%s) - start)) s"
        else
            echo "== $suite: $command: FAILED, $(($(date +%s) - start)) s"
            failed=1
        fi
    done
    # Nothing of it was written into the clone but what .gitignore knows.
    changed=$(inside "$root" git -C /root/splinter status --porcelain)
    if [ -n "$changed" ]; then
        echo "== $suite: the clone has changed:"
        echo "$changed"
        failed=1
    fi
    rm -rf --one-file-system "$root"
done
exit $failed
