#!/bin/sh
# What bench/demo.sh says to those for whom it can do nothing.  TAP.
# It is run with an environment that has few commands, and no compiler.
top_srcdir=$(cd "${TOP_SRCDIR:-.}" && pwd) || exit 1
tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-demo.XXXXXX") || exit 1
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$tmp/bin" "$tmp/tree" "$tmp/tree/bench"
cp "$top_srcdir/bench/demo.sh" "$tmp/tree/bench/"
for command in cat dirname mkdir rm sh stat; do
    ln -s "$(command -v $command)" "$tmp/bin/$command"
done
command_of_ours() { # NAME SCRIPT
    printf '#!%s\n%s\n' "$tmp/bin/sh" "$2" >"$tmp/bin/$1" && chmod +x "$tmp/bin/$1"
}
# shellcheck disable=SC2016 # for the script
command_of_ours id 'case $1 in -u) echo 1000 ;; *) echo somebody ;; esac'

n=0
says() { # NAME TEXT...
    n=$((n + 1))
    name=$1
    shift
    (cd "$tmp" && PATH=$tmp/bin "$tmp/bin/sh" tree/bench/demo.sh) >"$tmp/out" 2>&1
    status=$?
    for text; do
        grep -qF -- "$text" "$tmp/out" || status="$status, and it does not say: $text"
    done
    if [ "$status" = 1 ]; then echo "ok $n - $name" && return; fi
    sed 's/^/# /' "$tmp/out"
    echo "# status $status"
    echo "not ok $n - $name"
}

says 'on another system: which packages, and that nothing was installed' \
    'packages on Debian only' ' gcc' ' automake'
command_of_ours apt-get 'echo "apt-get was called"'
says 'without sudo: what to install as root' 'there is no sudo' 'apt-get install gcc'
n=$((n + 1))
if grep -q 'was called' "$tmp/out"; then echo "not ok $n - it installs nothing"; else
    echo "ok $n - it installs nothing"
fi
mkdir "$tmp/tree/build"
chmod a-w "$tmp/tree/build"
if [ -w "$tmp/tree/build" ]; then
    n=$((n + 1))
    echo "ok $n - in a folder of somebody else # SKIP root may write everywhere"
else
    says 'in a folder of somebody else: whose it is' 'may not write to' 'belongs to' 'git clone'
fi
echo "1..$n"
