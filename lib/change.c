/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change.c - the steps that every change of a key is made of
 *
 * Who excludes whom:
 *
 *              get    update   insert   unset        (of the same key)
 *    get       -      -        -        -
 *    update    -      CAS      CAS      CAS          on the slot's current word
 *    insert    -      CAS      lock     lock
 *    unset     -      CAS      lock     lock         the insert lock of the key
 *
 * Invariants
 *  - A record is written whole before its current word is published, and not changed until it is
 *    unlinked; then it is zeroed (after a release fence) by whoever unlinked it.
 *  - The epoch of a change is taken after the current word it replaces was read: so the epochs of a
 *    key only rise.
 *  - Before somebody replaces a record whose lane still has that change open, he tells the lane
 *    that it was published (acknowledge): the cleaner of the lane, should it die, would
 *    otherwise not see its record in the slot any more and take the change for not done.
 *  - Durable stores: a record that a sync may have written to disk as its key's current one stays
 *    whole, and says by which epoch it was superseded, until a sync that began later has ended.
 */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "change.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"

__attribute__((noinline)) void acknowledge(struct splinter_store *s, const struct lookup *f,
                                             uint32_t lane_number)
{
    uint64_t epoch = load_relaxed(&f->rec->epoch);
    struct lane *lane = lane_shared(s, lane_number);
    if (lane && load_relaxed(&lane->epoch) == epoch && epoch) { /* [<journal] */
        /* Only what was really published may be acknowledged: the record was read from the current word
         * only if that is still there.  Our CAS on current word releases this to the cleaner. */
        if (still_current(f->slot, f->current))
            raise_u64(&lane->ack, epoch); /* [>ack] */
        fault_point("acknowledge: told");
    }
}

/* recycle() for a record that is kept. */
__attribute__((noinline)) void retire(struct splinter_store *s, struct lane_private *lane, uint64_t current,
                      uint64_t epoch, uint32_t at)
{
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)CURRENT_REF(current) * UNIT);
    store_release(&rec->superseded, epoch);
    fault_point("retire: marked");
    arena_limbo(s, CURRENT_REF(current));
    crash_order();
    fault_point("retire: in limbo");
    store_relaxed(&lane->shared->spare[at], 0);
    fault_point("retire: spare gone");
    close_change(lane);
    lane->spare_class[at] = 0;
}

__attribute__((noinline)) void recycle(struct splinter_store *s, struct lane_private *lane,
                                             uint64_t current, uint64_t old, uint32_t at)
{
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)CURRENT_REF(current) * UNIT);
    uint64_t size = (uint64_t)value_offset(load_relaxed(&rec->key_len)) +
                    load_relaxed(&rec->value_len);
    uint32_t class, units = arena_block_of_size(s, CURRENT_REF(current), size, &class);
    /* What was stored, not what could be: but never past the block, whatever the record says. */
    if (size > (uint64_t)units * UNIT)
        size = (uint64_t)units * UNIT;
    recycle_block(lane, old, rec, size, units, class, at);
    lane->last = at;
}

/* Count a key before it is claimed. */
int keys_reserve(struct splinter_store *s)
{
    uint64_t before = fetch_add_seq_cst(&s->header->keys, (UINT64_C(1) << 32) + 1);
    fault_point("keys: counted");
    if ((uint32_t)before < s->geo.slots)
        return 0;
    fetch_add_seq_cst(&s->header->keys, (UINT64_C(1) << 32) - 1);
    fault_point("keys: too many, taken back");
    return -ENOSPC;
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
