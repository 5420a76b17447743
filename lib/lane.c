/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lane.c - the right of one thread to change the store, and the blocks it keeps for that
 *
 * A lane is to the store what a journal is to a file system.  The effect of some steps cannot be
 * told from the shared memory afterwards.  Before each of them the lane says what is about to
 * happen, so the cleaner of a dead process can decide for each block and lock if the process held
 * it.  The idea is that of detectable, or recoverable, operations: H. Attiya, O. Ben-Baruch,
 * D. Hendler, "Nesting-Safe Recoverable Linearizability", PODC 2018.
 *
 * Invariants
 *  - One thread at a time holds a lane (lane_private.busy, private to the process).
 *  - Every block whose bit is set is reachable from the index, or in limbo (limbo.c), or exactly
 *    one lane holds its id: as a spare, or as the block that an open change of that lane replaces.
 *  - A spare is zero, except for the number of its lane.
 *  - When a call is over, a lane has at most LANE_SPARES_OF_CLASS spares of a class, and none of
 *    more than SPARE_UNITS.  The arena counts on that (geometry.c).
 *
 * An update swaps: the spare becomes the record, and the old record's block becomes the spare.  So
 * in the steady state no allocator is involved.
 */
#include <sched.h>

#include "arena.h"
#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "lane.h"

_Thread_local uint32_t lane_preferred __attribute__((tls_model("initial-exec")));
static uint32_t next_preferred; /* so that threads begin with different lanes */

struct lane *lane_shared(struct splinter_store *s, uint32_t number)
{
    uint32_t entry = lane_entry(number), lane = lane_in_entry(number);
    if (lane >= ENTRY_LANES || entry >= load_relaxed(&s->header->registry_used) ||
        entry >= MAX_ENTRIES)
        return NULL;
    return &s->registry[entry].lane[lane];
}

bool lane_any_lock(struct splinter_store *s)
{
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++)
            if (load_relaxed(&s->registry[e].lane[l].lock))
                return true;
    return false;
}

struct lane_private *lane_acquire_some(struct splinter_store *s)
{
    if (!lane_preferred)
        lane_preferred = fetch_add_relaxed(&next_preferred, 1) % ENTRY_LANES + 1;
    for (uint32_t tries = 0;; tries++) {
        uint32_t i = (lane_preferred - 1 + tries) % ENTRY_LANES;
        struct lane_private *lane = &s->lane[i];
        /* Acquire: we see what the last thread left in the lane.  Pairs with lane_release().
         * [<lane] */
        if (!load_relaxed(&lane->busy) && !exchange_acquire(&lane->busy, 1)) {
            lane_preferred = i + 1;
            if (s->durable)
                lane_change_begin(lane);
            return lane;
        }
        /* There are more threads than lanes.  Those that have a lane are of this process, and will
         * go on. */
        if (tries % ENTRY_LANES == ENTRY_LANES - 1)
            sched_yield();
    }
}

static void give_up_spare(struct splinter_store *s, struct lane_private *lane, uint32_t at)
{
    arena_free_block(s, lane->shared->spare[at], lane->number);
    crash_order(); /* its id stays until its bit is clear; the next owner notes its own number */
    fault_point("spare: freed");
    store_relaxed(&lane->shared->spare[at], 0);
    fault_point("spare: forgotten");
    lane->spare_class[at] = 0;
}

uint32_t lane_spare_empty(struct splinter_store *s, struct lane_private *lane)
{
    for (uint32_t at = 0; at < LANE_SPARES; at++)
        if (!lane->spare_class[at])
            return at;
    uint32_t at = lane->evict++ % LANE_SPARES;
    give_up_spare(s, lane, at);
    return at;
}

void lane_settle(struct splinter_store *s, struct lane_private *lane, uint32_t at)
{
    uint32_t class = lane->spare_class[at], same = 0;
    if (!class)
        return;
    for (uint32_t i = 0; i < LANE_SPARES; i++)
        same += lane->spare_class[i] == class;
    if (s->class[class - 1].units > SPARE_UNITS || same > LANE_SPARES_OF_CLASS) {
        uint32_t ref = lane->spare_ref[at];
        give_up_spare(s, lane, at);
        if (class > s->small) { /* the next large value goes where the cache is warm */
            lane->freed = ref;
            lane->slab[class - 1] = slab_number_of(s, ref) + 1;
        }
    }
}

int lane_get_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                   uint32_t units, uint32_t *at)
{
    for (uint32_t i = 0; i < LANE_SPARES; i++)
        if (lane->spare_class[i] == class + 1) {
            *at = i;
            return 0;
        }
    *at = lane_spare_empty(s, lane);
    int r = arena_alloc(s, lane, class, units, *at);
    if (!r)
        lane->spare_class[*at] = class + 1;
    return r;
}
