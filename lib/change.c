/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.c - the steps that every change of a key consists of
 *
 * docs/guarantees.md has the table of which operations on one key exclude each other, and how.
 *
 * Invariants
 *  - A writer writes a record whole before the slot leads to it.  Nobody changes it until a writer
 *    has unlinked it; that writer zeroes it after a release fence.
 *  - A writer takes the epoch of a change after it has read the current word that it replaces.  So
 *    the epochs of a key only rise.
 *  - Before a writer replaces a record whose lane still has that change open, it tells the lane
 *    that the record was published (acknowledge).  Otherwise, if the process of that lane died, its
 *    cleaner would not find the record in the slot, and would conclude that it was never there.
 *  - Durable stores: a record that a sync may have written to disk as its key's current one stays
 *    whole until a sync that began later has ended, and says by which epoch it was superseded.
 */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "change.h"
#include "compiler.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"

NOINLINE
void acknowledge(struct splinter_store *s, const struct slot *slot, uint64_t current,
                 const struct record *rec)
{
    uint64_t epoch = load_relaxed(&rec->epoch);
    struct lane *lane = lane_shared(s, load_relaxed(&rec->lane));
    if (lane && load_relaxed(&lane->epoch) == epoch && epoch) { /* [<journal] */
        /* Only a record that was really published may be acknowledged, and it was read from the
         * slot only if the slot has not changed.  The compare-and-swap that follows in this writer
         * releases the ack to the cleaner. */
        if (still_current(slot, current))
            raise_u64(&lane->ack, epoch); /* [>ack] */
        fault_point("acknowledge: told");
    }
}

NOINLINE
void retire(struct splinter_store *s, struct lane_private *lane, uint32_t at, uint64_t replaced,
            uint64_t epoch)
{
    uint32_t ref = CURRENT_REF(replaced);
    store_release(&record_at_ref(s, ref)->superseded, epoch);
    fault_point("retire: marked");
    arena_limbo(s, ref);
    crash_order();
    fault_point("retire: in limbo");
    store_relaxed(&lane->shared->spare[at], 0);
    fault_point("retire: spare gone");
    close_change(lane);
    lane->spare_class[at] = 0;
}

int keys_reserve(struct splinter_store *s)
{
    /* Not by adding and taking back, which would hold up a process that counts the keys. */
    uint64_t before = load_seq_cst(&s->header->keys);
    do
        if ((uint32_t)before >= s->geo.slots)
            return NO_SLOT;
    while (!cas_seq_cst(&s->header->keys, &before, before + (UINT64_C(1) << 32) + 1));
    fault_point("keys: counted");
    return 0;
}

void keys_release(struct splinter_store *s)
{
    fetch_add_seq_cst(&s->header->keys, (UINT64_C(1) << 32) - 1);
    fault_point("keys: one less");
}

void lower_overflow(struct splinter_store *s, const struct key *key, uint32_t end)
{
    for (uint32_t b = key->home; b != end; b = index_next(s, b)) {
        fetch_sub_seq_cst(&s->index[b].overflow, 1);
        fault_point("overflow: lowered");
    }
}
