/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c - cleaning up after a process that died at any instruction
 *
 * The caller holds the kernel's lock on the dead process's registry entry, so nobody else cleans
 * up at the same time.  He may die himself at any instruction: every step may be done again.
 *
 * For an open change of a lane the question is whether its CAS on the slot's current word happened:
 *  - the current word is what the lane wanted to publish: yes;
 *  - somebody acknowledged it before replacing it (lane.ack, acknowledge() in change.c): yes;
 *  - neither: no, and it never will.
 * The current word is read before the ack: who replaced the record acknowledged it before.
 * An unset publishes nothing; it happened if the slot no longer holds the key, since only
 * the holder of the key's insert lock, which the dead process still has, could have put it back.
 */
#include "arena.h"
#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "recover.h"
#include "wake.h"

static bool unset_happened(struct splinter_store *s, struct lane *lane, struct slot *slot)
{
    uint64_t hash;
    if (lane->done)
        return true;
    if (load_acquire(&slot->current) == lane->expect)
        return false;
    /* Vacant or another key's: it did.  The key still there: somebody updated it before. */
    return !index_current_hash(s, slot, &hash) || hash != lane->hash;
}

/* The block of the replaced record becomes a spare, or waits for a sync, as recycle() or
 * retire() in change.c would have done. */
static void recover_old(struct splinter_store *s, struct lane *lane, uint32_t lane_number)
{
    uint64_t old = load_relaxed(&lane->old);
    uint32_t ref = (uint32_t)(old >> 32), units = arena_block_units(s, ref);
    uint32_t at = lane->spare_at % LANE_SPARES;
    if (!units)
        return;
    struct record *rec = record_at_ref(s, ref);
    if (load_relaxed(&lane->kind) & LANE_KEEP) {
        store_release(&rec->superseded, load_relaxed(&lane->epoch));
        fault_point("recover: old record marked");
        arena_limbo(s, ref);
        crash_order();
        fault_point("recover: old record in limbo");
        store_relaxed(&lane->spare[at], 0); /* what was there is published, or there was nothing */
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
        return; /* no store of ours wrote this */
    struct slot *slot = &s->index[b].slot[number % BUCKET_SLOTS];
    uint64_t current = load_acquire(&slot->current), hash;
    bool done = current == lane->current || load_acquire(&lane->ack) == lane->epoch; /* [<ack] */
    switch (load_relaxed(&lane->kind) & ~LANE_KEEP) {
    case LANE_UPDATE:
        if (done)
            recover_old(s, lane, lane_number);
        break;
    case LANE_INSERT:
        if (!done)
            break;
        /* The key may have been claimed, but not yet made visible.  We have its lock, so it
         * cannot go away meanwhile. */
        if (index_current_hash(s, slot, &hash) && load_relaxed(&slot->hash) != hash)
            store_seq_cst(&slot->hash, hash); /* [>visible] */
        crash_order();
        fault_point("recover: insert is visible");
        store_relaxed(&lane->spare[lane->spare_at % LANE_SPARES], 0);
        fault_point("recover: insert has its block");
        break;
    case LANE_UNSET:
        if (unset_happened(s, lane, slot)) {
            lane->done = 1;
            crash_order();
            fault_point("recover: unset was done");
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
            uint32_t seen = load_acquire(&s->index[b].lock[i]);
            if (lock_holder(seen) != lane_number)
                continue;
            /* Counts were raised before, or not yet lowered after: which, cannot be told. */
            store_seq_cst(&s->header->counts_dirty, COUNTS_DIRTY);
            fault_point("recover: counts marked");
            cas_seq_cst(&s->index[b].lock[i], &seen, 0); /* [>lock] */
            fault_point("recover: lock released");
        }
    crash_order();
    lane->lock = 0;
    fault_point("recover: lock forgotten");
}

/* Blocks that were filled in but not published: the whole block, for how far it got is unknown. */
static void zero_spare(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    uint32_t ref = (uint32_t)(id >> 32), units;
    if (!arena_is_lanes(s, id, lane_number) || !(units = arena_block_units(s, ref)))
        return;
    struct record *rec = record_at_ref(s, ref);
    fence_release(); /* [>unlinked] */
    payload_zero(rec, offsetof(struct record, lane)); /* the tag stays: it says whose it is */
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
        store_release(&lane->change_seq, (uint8_t)((lane->change_seq | 1) + 1));
        if (l == 0)
            fault_point("recover: change sequence stepped");
        for (uint32_t k = 0; k < LANE_SPARES; k++) {
            uint64_t id = load_relaxed(&lane->spare[k]);
            zero_spare(s, id, lane_number);
            arena_free_block(s, id, lane_number);
            crash_order();
            store_relaxed(&lane->spare[k], 0);
        }
    }
    /* Whoever slept on a change that was made, but not announced, looks again. */
    fault_point("recover: lanes clean");
    fetch_add_seq_cst(&s->header->epoch, 1);
    fault_point("recover: epoch stepped");
    wake_any(s);
}
