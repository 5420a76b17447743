# SPDX-License-Identifier: Apache-2.0
# try.sh - what run.sh does in a root where the packages were installed; /try/example.c,
# the program of the README, is there
set -e
cd /try

echo '-- the program of the README'
# shellcheck disable=SC2046 # a list of flags
cc -Wall -Wextra -Werror example.c $(pkg-config --cflags --libs splinter) -o example
# It waits for another process for a second; one comes.
timeout 60 ./example >out &
program=$!
while kill -0 $program 2>/dev/null; do
    # Until the program has made the bus there is none; after it has ended nobody listens.
    splinter_send weather oslo/temperature -5 2>/dev/null || :
    sleep 0.1
done
wait $program
cat out
# It reads what it has just set, unless the other process set in between.
head -n 1 out | grep -qx -e -4 -e -5

echo '-- with libsplinter_p: in a file'
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror example.c $(pkg-config --cflags --libs splinter_p) -o example
timeout 60 ./example | head -n 1 | grep -qx -- -4
[ -s weather ]

echo '-- a value from one process to another'
timeout 60 splinter_recv --wait --oneshot try greeting >received &
receiver=$!
while kill -0 $receiver 2>/dev/null; do
    splinter_send --create try greeting hello
    sleep 0.1
done
wait $receiver
[ "$(cat received)" = hello ]
splinter_test
for tool in /usr/bin/splinter_*; do
    "$tool" --version
done

echo '-- the manual'
for page in '7 splinter' '3 splinter' '3 splinter_set' '3 splinter_store_set' '1 splinter_send'; do
    # shellcheck disable=SC2086 # a section and a name
    man $page >page 2>&1
    [ "$(wc -l <page)" -gt 10 ]
    grep -q NAME page
done
rm -f /dev/shm/weather /dev/shm/try
echo '-- done'
