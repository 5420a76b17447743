/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c - clean up after a process that died at any instruction
 *
 * The cleaner holds the kernel's lock on the dead process's registry entry, so there is only one at
 * a time.  The cleaner may itself die at any instruction, so every step may be done again.
 *
 * If a change of a lane is open, the cleaner asks whether its CAS on the slot's current word
 * happened:
 *  - the slot has the current word that the lane wanted to publish: it did;
 *  - another writer acknowledged the record before it replaced it (lane.ack, acknowledge() in
 *    change.c): it did;
 *  - neither: it did not, and never will.
 * The cleaner reads the current word before the ack, as a writer acknowledges a record before it
 * replaces it.
 *
 * An unset publishes nothing.  It happened if the slot no longer holds the key: only the holder of
 * the key's insert lock could have put the key back, and the dead process still has that lock.
 */
#include "arena.h"
#include "atomic.h"
#include "expiry.h"
#include "fault.h"
#include "feed.h"
#include "handle.h"
#include "index.h"
#include "owner.h"
#include "recover.h"
#include "wake.h"

static bool unset_happened(struct splinter_store *s, struct lane *lane, struct slot *slot)
{
    uint64_t hash;
    if (lane->done)
        return true;
    if (load_acquire(&slot->current) == lane->expect)
        return false;
    /* If the slot is vacant or has another key, it did.  If the key is still there, another writer
     * updated it first. */
    return !index_current_hash(s, slot, &hash) || hash != lane->hash;
}

/* Make the block of the replaced record a spare, as recycle() in change.h would have done, or let
 * it wait for a sync, as retire() would have done. */
static void recover_old(struct splinter_store *s, struct lane *lane, uint32_t lane_number)
{
    uint64_t old = load_relaxed(&lane->old);
    uint32_t ref = (uint32_t)(old >> 32), units = arena_block_units(s, ref);
    uint32_t at = lane->spare_at % LANE_SPARES;
    if (!units)
        return;
    struct record *rec = record_at_ref(s, ref);
    if (load_relaxed(&lane->kind) & LANE_KEEP) {
        if ((load_relaxed(&lane->kind) & ~LANE_KEEP) == LANE_UNSET)
            store_relaxed(&rec->marks, load_relaxed(&rec->marks) | RECORD_UNSET);
        store_release(&rec->superseded, load_relaxed(&lane->epoch));
        fault_point("recover: old record marked");
        arena_limbo(s, ref);
        crash_order();
        fault_point("recover: old record in limbo");
        store_relaxed(&lane->spare[at], 0); /* that block is published; an unset has none there */
        return;
    }
    fence_release(); /* [>unlinked] */
    payload_zero(rec, (size_t)units * UNIT);
    fault_point("recover: old record zeroed");
    store_relaxed(&rec->lane, (uint16_t)lane_number);
    crash_order();
    fault_point("recover: old block's lane noted");
    store_relaxed(&lane->spare[at], old);
    fault_point("recover: old block kept");
}

static void finish_change(struct splinter_store *s, struct lane *lane, uint32_t lane_number)
{
    uint64_t number = load_relaxed(&lane->slot), b = number / BUCKET_SLOTS;
    if (b >= s->geo.buckets || !index_present(s, (uint32_t)b))
        return; /* this library did not write that */
    struct slot *slot = &s->index[b].slot[number % BUCKET_SLOTS];
    uint64_t current = load_acquire(&slot->current), hash;
    bool done = current == lane->current || load_acquire(&lane->ack) == lane->epoch; /* [<ack] */
    switch (load_relaxed(&lane->kind) & ~LANE_KEEP) {
    case LANE_UPDATE:
        if (!done)
            break;
        feed_recover(s, lane_number, lane->epoch, slot, lane->current);
        recover_old(s, lane, lane_number);
        break;
    case LANE_INSERT:
        if (!done)
            break;
        /* The slot may have been claimed, but the key not yet made visible.  The dead process still
         * has the lock of the key, so nobody can unset the key meanwhile. */
        if (index_current_hash(s, slot, &hash) && load_relaxed(&slot->hash) != hash)
            store_seq_cst(&slot->hash, hash); /* [>visible] */
        crash_order();
        fault_point("recover: insert is visible");
        feed_recover(s, lane_number, lane->epoch, slot, lane->current);
        store_relaxed(&lane->spare[lane->spare_at % LANE_SPARES], 0);
        fault_point("recover: insert has its block");
        break;
    case LANE_UNSET:
        if (unset_happened(s, lane, slot)) {
            lane->done = 1;
            crash_order();
            fault_point("recover: unset was done");
            feed_recover(s, lane_number, lane->epoch, NULL, 0);
            recover_old(s, lane, lane_number);
        }
        break;
    }
}

static void release_lock(struct splinter_store *s, struct lane *lane, uint32_t lane_number)
{
    uint32_t lock = load_relaxed(&lane->lock), b = lock - 1;
    if (!lock)
        return;
    if (b < s->geo.buckets && index_present(s, b))
        for (int i = 0; i < 2; i++) {
            uint32_t expected = load_acquire(&s->index[b].lock[i]);
            if (lock_holder(expected) != lane_number)
                continue;
            /* The counts may have been raised before the change, or not yet lowered after it.
             * Nothing tells whether they were. */
            store_seq_cst(&s->header->counts_dirty, COUNTS_DIRTY);
            fault_point("recover: counts marked");
            cas_seq_cst(&s->index[b].lock[i], &expected, 0); /* [>lock] */
            fault_point("recover: lock released");
        }
    crash_order();
    store_release(&lane->lock, 0);
    fault_point("recover: lock forgotten");
}

/* A spare may have been filled in, but not published.  All of its block is zeroed, as nothing tells
 * how much of it was written. */
static void zero_spare(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    uint32_t ref = (uint32_t)(id >> 32), units;
    if (!arena_is_lanes(s, id, lane_number) || !(units = arena_block_units(s, ref)))
        return;
    struct record *rec = record_at_ref(s, ref);
    fence_release(); /* [>unlinked] */
    payload_zero(rec, offsetof(struct record, lane)); /* the lane's number stays until it is free */
    fault_point("recover: spare's header zeroed");
    payload_zero((uint8_t *)rec + offsetof(struct record, flags),
                 (size_t)units * UNIT - offsetof(struct record, flags));
    fault_point("recover: spare zeroed");
}

void recover_entry(struct splinter_store *s, uint32_t entry)
{
    for (uint32_t l = 0; l < ENTRY_LANES; l++) {
        struct lane *lane = &s->registry[entry].lane[l];
        uint32_t lane_number = lane_number_of(entry, l);
        if (lane->epoch) {
            finish_change(s, lane, lane_number);
            crash_order();
            fault_point("recover: change finished");
            store_release(&lane->epoch, 0);
            fault_point("recover: change closed");
        }
        release_lock(s, lane, lane_number);
        for (uint32_t k = 0; k < LANE_SPARES; k++) {
            uint64_t id = load_relaxed(&lane->spare[k]);
            zero_spare(s, id, lane_number);
            arena_free_block(s, id, lane_number);
            crash_order();
            store_relaxed(&lane->spare[k], 0);
        }
        /* Only now: one of the spares may be a block in limbo, which the next holder of the sync
         * lock would take over and free while this zeroes it. */
        store_release(&lane->change_seq, (uint8_t)((lane->change_seq | 1) + 1));
        if (l == 0)
            fault_point("recover: change sequence stepped");
    }
    for (uint32_t l = 0; l < ENTRY_LANES; l++)
        store_relaxed(&s->registry[entry].reading[l], 0);
    if (load_relaxed(&s->registry[entry].topics)) {
        fetch_add_seq_cst(&s->header->topics_left, 1);
        fault_point("recover: topics left");
        store_relaxed(&s->registry[entry].topics, 0);
    }
    /* A change may have been made, but not announced, nor its end of life: waiters look again.  And
     * a sweep has to look for the keys that it owned. */
    if (load_relaxed(&s->header->ttl_used) & TTL_END || owner_has_keys(s, entry))
        expiry_orphans(s);
    fault_point("recover: lanes clean");
    store_relaxed(&s->registry[entry].owned, 0);
    fetch_add_seq_cst(&s->header->epoch, 1);
    fault_point("recover: epoch stepped");
    wake_any(s);
}
