/* SPDX-License-Identifier: Apache-2.0 */
/* bench_wake.c - how long it takes from a set until a process that waits for it has the value */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"
#include "../perf_latency.h"
#include "spawn.h"

#define KEY "wake"
#define WAIT_MS 100
#define NAP_NS 250000 /* until the waiter is surely asleep, and has stopped spinning */

/* What the two processes share. */
struct shared {
    atomic_bool stop;
    atomic_uint got;     /* how many values the waiter has */
    atomic_int error;    /* that it has met */
    uint64_t histogram[PERF_PLACES]; /* written by the waiter, and read when it has ended */
};

static void nap(void)
{
    struct timespec t = {0, NAP_NS};
    nanosleep(&t, NULL);
}

/* The value is the time before it was set. */
static int wait_on(splinter_store *store, struct shared *shared)
{
    uint64_t epoch = 0, sent;
    size_t size;
    while (!atomic_load(&shared->stop)) {
        int r = splinter_store_wait(store, KEY, epoch, WAIT_MS, &epoch);
        if (r == -ETIMEDOUT)
            continue;
        if (!r)
            r = splinter_store_get(store, KEY, &sent, sizeof(sent), &size, NULL);
        if (r == -EAGAIN)
            continue;
        if (r)
            return r;
        uint64_t now = perf_now_ns(CLOCK_MONOTONIC);
        shared->histogram[perf_place_of(now > sent ? now - sent : 0)]++;
        atomic_fetch_add(&shared->got, 1);
    }
    return 0;
}

static int set_on(splinter_store *store, const struct shared *shared, uint64_t ms)
{
    uint64_t deadline = cli_deadline(ms);
    for (unsigned sent = 0; cli_now_ms() < deadline; sent++) {
        nap();
        uint64_t now = perf_now_ns(CLOCK_MONOTONIC);
        int r = splinter_store_set(store, KEY, &now, sizeof(now), NULL, NULL);
        if (r)
            return r;
        while (atomic_load(&shared->got) <= sent && !atomic_load(&shared->error) &&
               cli_now_ms() < deadline)
            nap();
        if (atomic_load(&shared->error))
            return atomic_load(&shared->error);
    }
    return 0;
}

static uint64_t percentile(const uint64_t *histogram, uint64_t count, unsigned percent)
{
    uint64_t below = 0;
    for (unsigned i = 0; i < PERF_PLACES; i++) {
        below += histogram[i];
        if (below * 100 > count * percent)
            return perf_value_of(i);
    }
    return 0;
}

/* Signals are the business of the other process. */
static pid_t start_waiter(splinter_store *store, struct shared *shared)
{
    sigset_t every, old;
    pid_t parent = getpid();
    sigfillset(&every);
    sigprocmask(SIG_SETMASK, &every, &old);
    pid_t child = fork();
    if (child == 0) {
        ctl_die_with(parent, SIGKILL);
        atomic_store(&shared->error, wait_on(store, shared));
        _exit(CLI_OK);
    }
    int error = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return child;
}

struct bench_wake bench_wake_up(splinter_store *store, uint64_t ms)
{
    struct bench_wake result = {0};
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cli_need(shared == MAP_FAILED ? NULL : shared);
    pid_t child = start_waiter(store, shared);
    int r = child < 0 ? -errno : set_on(store, shared, ms);
    atomic_store(&shared->stop, true);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    for (unsigned i = 0; i < PERF_PLACES; i++)
        result.count += shared->histogram[i];
    result.p50 = percentile(shared->histogram, result.count, 50);
    result.p99 = percentile(shared->histogram, result.count, 99);
    munmap(shared, sizeof(*shared));
    if (r)
        cli_die(CLI_FAILURE, "cannot measure a wake-up: %s", strerror(-r));
    return result;
}
