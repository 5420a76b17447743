/* SPDX-License-Identifier: Apache-2.0 */
/* perf_worker.h - a worker reads, or writes, until it is told to stop */
#ifndef SPLINTER_PERF_WORKER_H
#define SPLINTER_PERF_WORKER_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include <splinter.h>

#include "perf_latency.h"
#include "perf_options.h"
#include "perf_value.h"

#define PERF_WRITER 0 /* the worker's number; readers follow */

/* Of a worker: written by it alone, and read when it has ended. */
struct perf_result {
    _Alignas(64) uint64_t operations;
    uint64_t cpu_ns;
    uint64_t retries;             /* races that gets lost, each tried again inside the library */
    uint64_t again;               /* calls that gave up and were made again */
    uint64_t lost;                /* messages, or gaps of a feed, of which the reader was told */
    uint64_t sum;                 /* of the numbers of a queue's items */
    uint64_t faults[PERF_FAULTS]; /* values read, by what was wrong with them */
    int error;                    /* what ended the worker early, a negative errno */
    uint64_t histogram[PERF_PLACES];
};

#define PERF_SENT 65536

/* The memory that workers share, whether they are threads or processes. */
struct perf_shared {
    atomic_uint ready; /* workers that wait for go */
    atomic_bool go, stop;
    atomic_bool writer_ended;        /* of a scenario with messages; before that: */
    _Atomic uint64_t written;        /* how many were sent */
    _Atomic uint64_t sent[PERF_SENT]; /* when the last ones were, by their number */
    struct perf_result result[]; /* of each worker */
};

struct perf_job {
    const struct perf_options *options;
    splinter_store *store;
    struct perf_shared *shared;
    unsigned first, end; /* the numbers of the workers that there are */
};

static inline void perf_wait_for_go(struct perf_shared *shared)
{
    atomic_fetch_add(&shared->ready, 1);
    while (!atomic_load(&shared->go) && !atomic_load(&shared->stop)) {
        struct timespec nap = {0, 1000000};
        nanosleep(&nap, NULL);
    }
}

void perf_work(const struct perf_job *job, unsigned number);

#endif /* SPLINTER_PERF_WORKER_H */
