#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# splinterctl doctor: each finding is made to happen; and what mends it does
. "$(dirname "$0")/lib.sh"
without_call=$TOP_BUILDDIR/tests/cli/without_call
export ctl T BUS

json() { ! "$ctl" --json buses 2>&1 | grep -q 'without jansson'; }
namespaces() { unshare -rm true 2>/dev/null; }
# Before a command: without the rights of root, whoever runs the test.
as_user='unshare -U --map-user=1000 --map-group=1000'
export as_user

# found CHECK ABOUT TEXT: it was found, and the status says so.
found() {
    is_status 6 && awk -v check="$1" -v about="$2" -v text="$3" '
        /^check  / { is = substr($0, 10) == check }
        /^about  / { is = is && substr($0, 10) == about }
        /^finding  / && is && index($0, text) { good = 1 }
        END { exit !good }' "$T/out"
}
# mend_of CHECK ABOUT
mend_of() {
    awk -v check="$1" -v about="$2" '
        /^check  / { is = substr($0, 10) == check }
        /^about  / { is = is && substr($0, 10) == about }
        /^mend  / && is { print substr($0, 10) }' "$T/out"
}
not_found() { # CHECK ABOUT
    ! grep -qxF "about    $2" "$T/out" || ! grep -qx "check    $1" "$T/out"
}

# ---- holders, buses that nobody uses, permissions

run "$ctl" -b "$BUS" create --mode 600
run "$ctl" -b "$BUS" doctor
ok 'nothing is wrong with a new bus' not_found stale "/dev/shm/$BUS"
run "$ctl" -b "$BUS" set k v
start "$recv" --verbose "$BUS" k
bg_says 'following'
reader=$(cat "$T/bg.pid")
signal_it STOP
stopped() {
    run "$ctl" -b "$BUS" doctor
    found holder "process $reader" "'splinter_recv' has bus '$BUS' open, and is stopped"
}
ok 'a holder that is stopped' eventually stopped
ok '... what mends it' [ "$(mend_of holder "process $reader")" = "kill -CONT $reader" ]
sh -c "$(mend_of holder "process $reader")"
going() {
    run "$ctl" -b "$BUS" doctor
    not_found holder "process $reader"
}
ok '... does' eventually going
touch -d '3 days ago' "/dev/shm/$BUS"
run "$ctl" doctor
ok 'an old bus that somebody has open is not stale' not_found stale "/dev/shm/$BUS"
signal_it TERM
ended
run "$ctl" doctor
ok 'a stale bus' found stale "/dev/shm/$BUS" 'has not grown for 3 days'
ok '... what mends it' [ "$(mend_of stale "/dev/shm/$BUS")" = "splinterctl -b $BUS destroy" ]
touch -d '3 days ago' "/dev/shm/$BUS.none"
run "$ctl" doctor
ok 'an old file that is no bus is none of its business' \
    eval '! grep -q "shm/$BUS.none" "$T/out"'
touch "/dev/shm/$BUS"
odd="$BUS it's"
run "$ctl" -b "$odd" create
touch -d '2 days ago' "/dev/shm/$odd"
run "$ctl" doctor
mend=$(mend_of stale "/dev/shm/$odd")
ok 'a name is quoted in what mends it' \
    [ "$mend" = "splinterctl -b '$BUS it'\\''s' destroy" ]
PATH=${ctl%/*}:$PATH sh -c "$mend --force"
ok '... and that does' [ ! -e "/dev/shm/$odd" ]

chmod 666 "/dev/shm/$BUS"
run "$ctl" doctor
ok 'a bus that everybody may write to' found permission "/dev/shm/$BUS" 'its mode is 666'
sh -c "$(mend_of permission "/dev/shm/$BUS")"
run "$ctl" doctor
ok '... what mends it does' not_found permission "/dev/shm/$BUS"
run "$ctl" -f "$T/store" create
chmod 606 "$T/store"
run "$ctl" -f "$T/store" doctor
ok 'the same of a file' found permission "$T/store" 'its mode is 606'
chmod 600 "$T/store"

# shellcheck disable=SC2086 # words
if $as_user true 2>/dev/null; then
    chmod 0 "/dev/shm/$BUS"
    run $as_user "$ctl" -b "$BUS" doctor
    ok 'a bus that may not be read' found permission "/dev/shm/$BUS" "may not read bus '$BUS'"
    sh -c "$(mend_of permission "/dev/shm/$BUS")"
    run $as_user "$ctl" -b "$BUS" doctor
    ok '... what mends it does' not_found permission "/dev/shm/$BUS"
    chmod 400 "$T/store"
    run $as_user "$ctl" -f "$T/store" doctor
    ok 'a bus that may not be changed' found permission "$T/store" "may not change bus '$T/store'"
    sh -c "$(mend_of permission "$T/store")"
    run $as_user "$ctl" -f "$T/store" doctor
    ok '... what mends it does' not_found permission "$T/store"
    mkdir -p "$T/closed/in"
    run "$ctl" -f "$T/closed/in/store" create
    chmod 600 "$T/closed"
    run $as_user "$ctl" -f "$T/closed/in/store" doctor
    ok 'a folder that is closed' found permission "$T/closed" 'may not go through this folder'
    sh -c "$(mend_of permission "$T/closed")"
    run $as_user "$ctl" -f "$T/closed/in/store" doctor
    ok '... what mends it does' not_found permission "$T/closed"
else
    skip 'what another user may not' 'there are no namespaces for users'
fi
echo 'no store' >"$T/none"
run "$ctl" -f "$T/none" doctor
ok 'a file that is no store' found open "$T/none" 'is not a store'
run "$ctl" -f /dev/null doctor
ok 'of which nothing else is said' \
    eval 'found open /dev/null "is not a store" && not_found permission /dev/null'
run "$ctl" -b "$BUS.none2" doctor
ok 'a bus that is named and not there: status 3' says 3 "bus '$BUS.none2' does not exist"
run env SPLINTER_BUS="$BUS.none2" "$ctl" doctor
ok 'also by SPLINTER_BUS' says 3 "bus '$BUS.none2' does not exist"

# ---- limits

run sh -c 'ulimit -S -f 4000 && exec "$ctl" doctor'
ok 'ulimit -f' found limit 'ulimit -f' 'no bus can get a file that is longer than'
mend=$(mend_of limit 'ulimit -f')
if [ "$mend" = 'ulimit -S -f unlimited' ]; then
    run sh -c 'ulimit -S -f 4000; '"$mend"'; exec "$ctl" doctor'
    ok '... what mends it does' not_found limit 'ulimit -f'
fi
run sh -c 'ulimit -f 4000 && exec "$ctl" doctor'
ok '... where the hard limit is in the way' \
    [ "$(mend_of limit 'ulimit -f')" = 'prlimit --pid $$ --fsize=unlimited # as root' ]
case $SANITIZER_FLAGS in
    *-fsanitize*) skip 'ulimit -v' 'a sanitizer needs more addresses' ;;
    *)
        run sh -c 'ulimit -v 1000000 && exec "$ctl" doctor'
        ok 'ulimit -v' found limit 'ulimit -v' 'a bus of the default size needs more' ;;
esac

# ---- the kernel

for call in futex_waitv membarrier; do
    run "$without_call" "$call" "$ctl" doctor
    if is_status 77; then
        skip "no $call" 'no filter of system calls is possible'
    else
        ok "no $call" found kernel "$call(2)" 'processes like this one cannot call it'
        ok '... with something to do' eval '[ -n "$(mend_of kernel "$call(2)")" ]'
    fi
done

# ---- JSON, and many in one process

if json; then
    run sh -c 'ulimit -f 4000 && exec "$ctl" --json doctor'
    # shellcheck disable=SC2034 # eval uses it
    object='^{"schema":1,"check":"limit","about":"ulimit -f","finding":"[^"]*","mend":"[^"]*"}$'
    ok '--json: an object a line' eval 'is_status 6 && grep -q "$object" "$T/out"'
fi
printf 'doctor\ndoctor\n' >"$T/in"
chmod o+w "/dev/shm/$BUS"
run "$ctl" -b "$BUS" exec --keep-going "$T/in"
ok 'twice in one process, with its status' \
    eval 'is_status 6 && [ "$(grep -c "^about    /dev/shm/$BUS\$" "$T/out")" = 2 ]'
chmod o-w "/dev/shm/$BUS"

# ---- /dev/shm and others, in a mount namespace of our own

namespaces || {
    skip 'file systems, logind and cgroups' 'there are no namespaces for users'
    finish
}

# inside SCRIPT [user]: in a namespace where /dev/shm is empty and nothing limits memory, and
# after the script, which makes something wrong, the findings are in $T/out; of root, or of a user.
# Then what mends $check of $about is done, and what is found then is in $T/after.
cat >"$T/look" <<'INSIDE'
mount -t tmpfs -o size=32M,nr_inodes=200,mode=1777 tmpfs /dev/shm || exit 77
mount -t tmpfs tmpfs /sys/fs/cgroup || exit 77
for folder in /etc/systemd /run/systemd /usr/local/lib/systemd/logind.conf.d \
    /usr/lib/systemd/logind.conf.d /usr/lib/systemd/logind.conf; do
    [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder"
    [ ! -f "$folder" ] || mount --bind /dev/null "$folder"
done
eval "$1" || exit 77
${2:+$as_user} "$ctl" doctor
status=$?
mend=$(awk -v check="$check" -v about="$about" '
    /^check  / { is = substr($0, 10) == check }
    /^about  / { is = is && substr($0, 10) == about }
    /^mend  / && is { print substr($0, 10) }' "$T/out")
[ -z "$mend" ] || eval "$mend" >"$T/mended" 2>&1
${2:+$as_user} "$ctl" doctor >"$T/after"
exit $status
INSIDE
inside() {
    : >"$T/after"
    : >"$T/mended"
    run unshare -rm sh "$T/look" "$@"
}
# The findings that do not come from this namespace do not count.
clean() { ! grep '^check' "$1" | grep -vx 'check    kernel'; }

# wrong CHECK ABOUT TEXT SCRIPT [user]: the script makes this wrong, and what mends it does.
wrong() {
    check=$1 about=$2
    export check about
    inside "$4" ${5:+"$5"}
    if is_status 77; then
        skip "$check: $3" 'this cannot be made wrong here'
        return
    fi
    ok "$check: $3" found "$1" "$2" "$3"
    mends clean "$T/after"
}
# mends COMMAND...: passes if the command does, after what mends it was run.
mends() {
    # mount(8) repeats uid=N of a tmpfs, which is no number of a user in the namespace.
    if grep -q 'bad option' "$T/mended" 2>/dev/null; then
        skip '... what mends it does' 'this user cannot remount'
    else
        ok '... what mends it does' "$@"
    fi
}

check='' about=''
export check about
inside true
if is_status 77; then
    skip 'file systems, logind and cgroups' 'nothing can be mounted'
    finish
fi
ok 'nothing is found where nothing is wrong' eval 'clean "$T/out"'

wrong room /dev/shm 'are left on its file system' 'head -c 31M /dev/zero >/dev/shm/filler'
ok '... both numbers' grep -q '^finding  1.0 MiB of 32.0 MiB are left' "$T/out"
wrong room /dev/shm 'it is full' 'cat /dev/zero >/dev/shm/filler 2>/dev/null; true'
wrong files /dev/shm 'files more can be made' 'for i in $(seq 195); do : >/dev/shm/$i; done'
wrong shm /dev/shm 'the sticky bit is not set' 'chmod 777 /dev/shm'
wrong shm /dev/shm 'cannot make a bus here: Read-only' 'mount -o remount,ro /dev/shm'
wrong shm /dev/shm 'it is no tmpfs' 'mount --bind /proc/sys /dev/shm'
wrong shm /dev/shm 'it cannot be reached: No such file' 'mkdir /dev/shm/dev
    : >/dev/shm/dev/null && mount --bind /dev/null /dev/shm/dev/null
    mount --rbind /dev/shm/dev /dev'
wrong shm /dev/shm 'cannot make a bus here: Permission' 'chmod 1555 /dev/shm' user
case $SANITIZER_FLAGS in
    *-fsanitize*) skip 'no /proc' 'a sanitizer needs it' ;;
    *)
        inside 'mount -t tmpfs tmpfs /proc'
        ok 'no /proc' found proc /proc 'it is not mounted' ;;
esac
cat >"$T/file" <<'INSIDE'
mkdir "$T/small" && mount -t tmpfs -o size=2M tmpfs "$T/small" || exit 77
"$ctl" -f "$T/small/store" create && head -c 5M /dev/zero >"$T/small/filler" 2>/dev/null
exec "$ctl" -f "$T/small/store" doctor
INSIDE
run unshare -rm sh "$T/file"
ok 'a full file system of a bus in a file' found room "$T/small/store" 'it is full'

cat >"$T/file" <<'INSIDE'
mount -t tmpfs tmpfs "$T/small" && "$ctl" -f "$T/small/store" create || exit 77
mount -o remount,ro "$T/small" || exit 77
"$ctl" -f "$T/small/store" doctor
status=$?
eval "$(sed -n '/read-only$/{n;s/^mend *//p;}' "$T/out")" >"$T/mended" 2>&1
"$ctl" -f "$T/small/store" doctor >"$T/after"
exit $status
INSIDE
run unshare -rm sh "$T/file"
if is_status 77; then
    skip 'a file system that is read-only' 'this user cannot remount'
else
    ok 'a file system that is read-only' \
        found permission "$T/small/store" 'is on a file system that is mounted read-only'
    mends eval '! grep -qF "$T/small/store" "$T/after"'
fi

# As of a user who is not root, in a process namespace of its own.
other='setpriv --reuid 12345 --regid 12345 --clear-groups'
export other
if [ "$(id -u)" = 0 ] && $other "$ctl" help >/dev/null 2>&1; then
    # shellcheck disable=SC2016 # of the inner shell
    run unshare -mpf sh -c 'mount -t proc -o hidepid=2 proc /proc || exit 77
        $other "$ctl" doctor; exit $?'
    ok '/proc that hides others' found proc /proc 'it hides the processes of other users'
else
    skip '/proc that hides others' 'this takes root, and a splinterctl that all may run'
fi

# ---- memory cgroups

# In lines of this process: version 2, and version 1 with a controller for memory.
path=$(sed -n 's/^0:://p' /proc/self/cgroup)
if [ -n "$path" ]; then
    cgroup=/sys/fs/cgroup$path
    cgroup=${cgroup%/}
    make='mkdir -p CG; echo 1000000 >CG/memory.max; echo 950000 >CG/memory.current;
        printf "anon 5\nactive_file CACHE\ninactive_file 7\n" >CG/memory.stat'
    make=$(echo "$make" | sed "s|CG|$cgroup|g")
    wrong cgroup "$cgroup" 'are left, without the cache of files' "$(echo "$make" | sed s/CACHE/5/)"
    inside "$(echo "$make" | sed s/CACHE/500000/)"
    ok 'what the kernel would take back counts as left' clean "$T/out"
fi
path=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
if [ -n "$path" ]; then
    cgroup=/sys/fs/cgroup/memory$path
    cgroup=${cgroup%/}
    wrong cgroup "$cgroup" 'are left, without the cache of files' "mkdir -p $cgroup
        echo 1000000 >$cgroup/memory.limit_in_bytes; echo 950000 >$cgroup/memory.usage_in_bytes"
fi

# ---- logind

ln -s "$(command -v sleep)" "$T/systemd-logind"
cp "$(command -v sleep)" "$T/systemd-logind.copy" && mv "$T/systemd-logind.copy" "$T/systemd-logind"
mkdir "$T/bin"
printf '#!/bin/sh\n' >"$T/bin/systemctl"
chmod +x "$T/bin/systemctl"
PATH=$T/bin:$PATH
export PATH
begin='"$T/systemd-logind" 600 & echo $! >"$T/logind"; mkdir -p /etc/systemd/logind.conf.d
    "$ctl" -b bus create;'
logind() { # TEXT-OR-NOTHING SCRIPT
    check=logout about='user 1000'
    id -nu 1000 >/dev/null 2>&1 && about="user $(id -nu 1000)"
    export check about
    inside "$begin $2" user
    kill "$(cat "$T/logind")"
    name=$(printf '%s' "${2:-no configuration}" | tr '\n\\' ' |')
    if [ -z "$1" ]; then
        ok "logind: $name" clean "$T/out"
    else
        ok "logind: $name" found logout "$about" "$1"
        ok '... what mends it does' clean "$T/after"
    fi
}
if [ -d /etc/systemd ] && "$T/systemd-logind" 0 && $as_user true 2>/dev/null; then
    conf=/etc/systemd/logind.conf parts=/etc/systemd/logind.conf.d
    logind "no file says RemoveIPC=no, and yes is systemd's default" ''
    logind 'logind.conf says RemoveIPC=yes' "printf '[Login]\nRemoveIPC=yes\n' >$conf"
    logind '' "printf '[Login]\n RemoveIPC = No \n' >$conf"
    logind 'no file says' "printf '[Login]\n#RemoveIPC=no\n[Other]\nRemoveIPC=no\n' >$conf"
    logind 'says RemoveIPC=yes' "printf '[Login]\nRemoveIPC=no\n' >$conf
        printf '[Login]\nRemoveIPC=on\n' >$parts/a.conf"
    logind '' "printf '[Login]\nRemoveIPC=yes\n' >$parts/a.conf
        printf '[Login]\nRemoveIPC=0\n' >$parts/b.conf"
    logind '' "printf '[Login]\nRemoveIPC=yes\n' >$parts/a.conf
        printf '[Login]\nRemoveIPC=no' >$parts/z.conf; : >$parts/zz.not"
    inside "$begin"
    kill "$(cat "$T/logind")"
    ok 'logind spares root' clean "$T/out"
    logind '' 'rm /dev/shm/bus'
else
    skip 'logind' 'there is no /etc/systemd to cover'
fi

finish
