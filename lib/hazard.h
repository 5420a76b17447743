/* SPDX-License-Identifier: Apache-2.0 */
/* hazard.h - what each thread has in use, so that nobody destroys it meanwhile */
#ifndef SPLINTER_HAZARD_H
#define SPLINTER_HAZARD_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "names.h"

struct hazard {
    alignas(64) void *used; /* what the thread has in use; written by it, read by hazard_drain() */
    uint64_t owner;         /* its thread; changed by compare-and-swap alone.  0: none */
    struct hazard *next;    /* written before the hazard is on the list */
};

/* That of the calling thread.  NULL: it has none yet.  initial-exec: one instruction instead of a
 * call; the few bytes fit into what dlopen(3) keeps free. */
extern _Thread_local struct hazard *hazard_mine __attribute__((tls_model("initial-exec")));

/* Gives the thread a hazard, which stays its own until it ends.  NULL: no memory. */
struct hazard *hazard_get(void);

/* Returns when no thread has `what` in use that had it when the call began.  The caller has seen to
 * it that no thread begins to use it.  False: nobody can tell. */
bool hazard_drain(const void *what);

/* Before the first of the others. */
void hazard_start(void);

/* Does a barrier of hazard_drain() reach all threads?  If not, a thread needs a fence of its own
 * between writing `used` and its next look. */
extern bool hazard_barrier;

#endif
