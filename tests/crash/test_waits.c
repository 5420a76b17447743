/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_waits.c - waits for any change, and a writer that dies before it can tell of one
 *
 * The library in here has its fault points.  A process dies at each step of a set, after it was
 * numbered or before; the waiter begins from the epoch that is then there.  So nothing but the
 * death tells it that it has to look.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "support.h"
#include "tap.h"

static int backing;
static struct place place;
static splinter_store *store;

static unsigned arrivals, die_at;

static void at_step(const char *step)
{
    (void)step;
    if (++arrivals == die_at)
        kill(getpid(), SIGKILL);
}

/* A process sets the key, and dies at the nth step of that.  False: it came to the end. */
static bool dies_in_a_set(unsigned n)
{
    pid_t pid = fork_child();
    int status;

    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        if (splinter_store_set(s, "key", "before", 6, NULL, NULL))
            _exit(2);
        die_at = n;
        fault_hook = at_step;
        _exit(splinter_store_set(s, "key", "after", 5, NULL, NULL) ? 3 : 0);
    }
    status = reap(pid);
    if (status && status != 1000 + SIGKILL)
        die("the child ended with %d", status);
    return status != 0;
}

static uint64_t epoch_of(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    must(splinter_store_stat(s, &st), "stat");
    return st.epoch;
}

/* Nobody writes, so a waiter that has been told of everything times out. */
static bool comes_to_rest(splinter_store *s, uint64_t epoch)
{
    for (int i = 0; i < 1000; i++)
        if (splinter_store_wait_any(s, epoch, 1, &epoch) == -ETIMEDOUT)
            return true;
    return false;
}

/* The waiter is told by itself: nobody who may write is there to clean up. */
static void nobody_cleans(void)
{
    unsigned n = 1, untold = 0, restless = 0;

    while (dies_in_a_set(n)) {
        uint64_t epoch = epoch_of(store);
        int rc = -ETIMEDOUT;

        /* Many short waits are as good as a long one. */
        for (int i = 0; i < (n % 2 ? 300 : 1) && rc == -ETIMEDOUT; i++)
            rc = splinter_store_wait_any(store, epoch, n % 2 ? 10 : 3000, &epoch);
        untold += rc != 0;
        restless += !comes_to_rest(store, epoch);
        n++;
    }
    /* [P8] */
    report(n > 5 && !untold, "%s: a reader is told of %u deaths in a set, each before its end",
           backing_names[backing], n - 1);
    report(!restless, "%s: and afterwards its waits time out", backing_names[backing]);
}

/* A child of fork that has written nothing has no place of its own to clean up from. */
static void child_does_not_clean(splinter_store *s)
{
    pid_t child;
    int pipes[2], rc;
    char go;

    must(pipe(pipes), "pipe");
    child = fork_bound_child();
    if (!child) {
        uint64_t epoch;

        if (read(pipes[0], &go, 1) != 1)
            _exit(2);
        epoch = epoch_of(store); /* by a reader: others may clean up to tell */
        rc = -ETIMEDOUT;
        for (int i = 0; i < 300 && rc == -ETIMEDOUT; i++)
            rc = splinter_store_wait_any(s, epoch, 10, &epoch);
        _exit(rc ? 1 : 0);
    }
    if (!dies_in_a_set(3))
        die("a set has no third step");
    if (write(pipes[1], "g", 1) != 1)
        die("write");
    rc = reap(child);
    close(pipes[0]);
    close(pipes[1]);
    /* [P8] */
    report(!rc, "%s: a child of fork is told of a death", backing_names[backing]);
}

/* A writer cleans up, also if each of its waits is short. */
static void writer_cleans(splinter_store *s)
{
    uint64_t epoch;
    int rc = -ETIMEDOUT;

    if (!dies_in_a_set(3))
        die("a set has no third step");
    epoch = epoch_of(store); /* by a reader: a writer would clean up to tell */
    for (int i = 0; i < 300 && rc == -ETIMEDOUT; i++)
        rc = splinter_store_wait_any(s, epoch, 10, NULL);
    /* [P8] */
    report(!rc && epoch_of(s) > epoch, "%s: short waits of a writer clean up after the dead",
           backing_names[backing]);
}

int main(void)
{
    support_start();
    for (backing = 0; backing < BACKINGS; backing++) {
        splinter_store *first = place_make(&place, backing, 16, 100);

        store = place_again(&place, SPLINTER_RDONLY);
        child_does_not_clean(first);
        writer_cleans(first);
        if (backing < BACKING_NAMED) {
            splinter_store_close(first);
            nobody_cleans();
            first = place_again(&place, 0);
        }
        splinter_store_close(store);
        report(!check_store(first), "%s: the store is in order", backing_names[backing]);
        place_end(&place, first);
    }
    return tap_end();
}
