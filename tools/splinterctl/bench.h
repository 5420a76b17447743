/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - the wake-up that bench measures, from one process to another (bench_wake.c) */
#ifndef SPLINTERCTL_BENCH_H
#define SPLINTERCTL_BENCH_H

#include <stdint.h>

#include <splinter.h>

struct bench_wake {
    uint64_t count;    /* of wake-ups; 0: there was no time for one */
    uint64_t p50, p99; /* in ns, from before the set until the waiter has the value */
};
/* Sets a key for so many milliseconds, while another process waits for it, asleep.  Does not return
 * if that is not possible. */
struct bench_wake bench_wake_up(splinter_store *store, uint64_t ms);

#endif /* SPLINTERCTL_BENCH_H */
