/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.c - the right of one thread to change the store, and the blocks it keeps for that
 *
 * A lane is to the store what a journal is to a file system.  Before each step whose effect
 * cannot be told from the shared memory afterwards, the lane says what is about to happen; so
 * the cleaner of a dead process decides for each block and lock whether it was held.  The
 * idea is that of detectable, or recoverable, operations: H. Attiya, O. Ben-Baruch, D. Hendler,
 * "Nesting-Safe Recoverable Linearizability", PODC 2018.
 *
 * Invariants
 *  - One thread at a time holds a lane (lane_private.busy, private to the process).
 *  - Every block whose bit is set is reachable from the index, or named by exactly one lane: as
 *    a spare, or as the block that an open change of that lane replaces.
 *  - A spare is zero but for its tag.
 *
 * An update swaps: the spare becomes the record, the old record's block the spare.  In the
 * steady state no allocator is involved.
 */
#include <sched.h>

#include "arena.h"
#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "lane.h"

_Thread_local uint32_t lane_preferred __attribute__((tls_model("initial-exec"))); /* + 1 */
static uint32_t next_preferred;

struct lane *lane_shared(struct splinter_store *s, uint32_t number)
{
    uint32_t entry = lane_entry(number), lane = lane_in_entry(number);
    if (lane >= ENTRY_LANES || entry >= load_relaxed(&s->header->registry_used) ||
        entry >= MAX_ENTRIES)
        return NULL;
    return &s->registry[entry].lane[lane];
}

/* lane_acquire() where that is not the one the thread had last. */
struct lane_private *lane_acquire_some(struct splinter_store *s)
{
    if (!lane_preferred)
        lane_preferred = __atomic_fetch_add(&next_preferred, 1, __ATOMIC_RELAXED) % ENTRY_LANES + 1;
    for (uint32_t tries = 0;; tries++) {
        uint32_t i = (lane_preferred - 1 + tries) % ENTRY_LANES;
        struct lane_private *lane = &s->lane[i];
        /* Acquire: what the last thread left in the lane.  Pairs with lane_release(). [<lane] */
        if (!load_relaxed(&lane->busy) && !exchange_acquire(&lane->busy, 1)) {
            lane_preferred = i + 1;
            if (s->durable)
                lane_change_begin(lane);
            return lane;
        }
        /* More threads than lanes: those that have one are threads of ours, and will go on. */
        if (tries % ENTRY_LANES == ENTRY_LANES - 1)
            sched_yield();
    }
}

static void give_up_spare(struct splinter_store *s, struct lane_private *lane, uint32_t at)
{
    arena_free_block(s, lane->shared->spare[at], lane->number);
    crash_order(); /* named until its bit is clear; then whoever gets the block tags it anew */
    fault_point("spare: freed");
    store_relaxed(&lane->shared->spare[at], 0);
    fault_point("spare: forgotten");
    lane->spare_class[at] = 0;
}

/* A place without a spare, made by giving one up if need be. */
uint32_t lane_spare_empty(struct splinter_store *s, struct lane_private *lane)
{
    for (uint32_t at = 0; at < LANE_SPARES; at++)
        if (!lane->spare_class[at])
            return at;
    uint32_t at = lane->evict++ % LANE_SPARES;
    give_up_spare(s, lane, at);
    return at;
}

/* lane_spare() where it is not the one that was kept last. */
int lane_get_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                   uint32_t *at)
{
    for (uint32_t i = 0; i < LANE_SPARES; i++)
        if (lane->spare_class[i] == class + 1) {
            *at = i;
            return 0;
        }
    *at = lane_spare_empty(s, lane);
    int r = arena_alloc(s, lane, class, *at);
    if (!r)
        lane->spare_class[*at] = class + 1;
    return r;
}
