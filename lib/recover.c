/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c - cleaning up after a process that died at any instruction
 *
 * The caller holds the kernel's lock on the dead process's registry entry, so nobody else cleans
 * up at the same time.  He may die himself at any instruction: every step may be done again.
 *
 * For an open change of a lane the question is whether its CAS on the slot's head happened:
 *  - the head is what the lane wanted to publish: yes;
 *  - somebody acknowledged it before replacing it (lane.ack, settle() in kv.c): yes;
 *  - neither: no, and it never will.
 * The head is read before the ack: who replaced the record acknowledged it before.
 * An unset publishes nothing; it happened if the slot no longer holds the key, since only
 * the holder of the key's insert lock, which the dead process still has, could have put it back.
 */
#include <stdlib.h>

#include "index.h"

/* The hash of the key of the record at head, read until it holds.  False: the slot is vacant. */
static bool current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash)
{
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        uint64_t head = load_acquire(&slot->head); /* [<publish] */
        if (!head)
            return false;
        struct record *rec = record_at(s, head);
        uint32_t len = rec ? load_relaxed(&rec->key_len) : 0;
        bool sane = rec && len && len < SPLINTER_KEY_MAX &&
                    store_knows(s, HEAD_REF(head) + (sizeof *rec + len + UNIT - 1) / UNIT);
        if (sane) {
            char key[SPLINTER_KEY_MAX];
            payload_copy(key, rec + 1, len);
            *hash = key_hash(s, key, len);
        }
        if (head_unchanged(slot, head))
            return sane;
    }
    return false;
}

static bool unset_happened(struct splinter_store *s, struct lane *lane, struct slot *slot)
{
    uint64_t hash;
    if (lane->done)
        return true;
    if (load_acquire(&slot->head) == lane->expect)
        return false;
    /* Vacant or another key's: it did.  The key still there: somebody updated it before. */
    return !current_hash(s, slot, &hash) || hash != lane->hash;
}

/* The block of the replaced record becomes a spare, or waits for a sync, as retire() or
 * supersede() in kv.c would have done. */
static void take_old(struct splinter_store *s, struct lane *lane, uint32_t tag)
{
    uint64_t old = load_relaxed(&lane->old);
    uint32_t ref = (uint32_t)(old >> 32), units = arena_block_units(s, ref);
    uint32_t at = lane->spare_at % LANE_SPARES;
    if (!units)
        return;
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
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
    store_relaxed(&rec->tag, (uint16_t)tag);
    crash_order();
    fault_point("recover: old block tagged");
    store_relaxed(&lane->spare[at], old);
    fault_point("recover: old block kept");
}

static void finish_change(struct splinter_store *s, struct lane *lane, uint32_t tag)
{
    uint64_t number = load_relaxed(&lane->slot), b = number / BUCKET_SLOTS;
    if (b >= s->geo.buckets || !index_present(s, (uint32_t)b))
        return; /* no store of ours wrote this */
    struct slot *slot = &s->index[b].slot[number % BUCKET_SLOTS];
    uint64_t head = load_acquire(&slot->head), hash;
    bool done = head == lane->head || load_acquire(&lane->ack) == lane->epoch; /* [<ack] */
    switch (load_relaxed(&lane->kind) & ~LANE_KEEP) {
    case LANE_UPDATE:
        if (done)
            take_old(s, lane, tag);
        break;
    case LANE_INSERT:
        if (!done)
            break;
        /* The key may have been claimed, but not yet made visible.  We have its lock, so it
         * cannot go away meanwhile. */
        if (current_hash(s, slot, &hash) && load_relaxed(&slot->hash) != hash)
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
            take_old(s, lane, tag);
        }
        break;
    }
}

static void release_lock(struct splinter_store *s, struct lane *lane, uint32_t tag)
{
    uint32_t lock = load_relaxed(&lane->lock), b = lock - 1;
    if (!lock)
        return;
    if (b < s->geo.buckets && index_present(s, b))
        for (int i = 0; i < 2; i++) {
            uint32_t seen = load_acquire(&s->index[b].lock[i]);
            if ((seen & 0x3fff) != tag + 1)
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
static void zero_spare(struct splinter_store *s, uint64_t named, uint32_t tag)
{
    uint32_t ref = (uint32_t)(named >> 32), units;
    if (!arena_is_lanes(s, named, tag) || !(units = arena_block_units(s, ref)))
        return;
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
    fence_release(); /* [>unlinked] */
    payload_zero(rec, offsetof(struct record, tag)); /* the tag stays: it says whose it is */
    fault_point("recover: spare's head zeroed");
    payload_zero((uint8_t *)rec + offsetof(struct record, flags),
                 (size_t)units * UNIT - offsetof(struct record, flags));
    fault_point("recover: spare zeroed");
}

void recover_entry(struct splinter_store *s, uint32_t entry)
{
    for (uint32_t l = 0; l < ENTRY_LANES; l++) {
        struct lane *lane = &s->registry[entry].lane[l];
        uint32_t tag = entry * 16 + l + 1;
        if (lane->epoch) {
            finish_change(s, lane, tag);
            crash_order();
            fault_point("recover: change finished");
            store_release(&lane->epoch, 0);
            fault_point("recover: change closed");
        }
        release_lock(s, lane, tag);
        store_release(&lane->turn, (uint8_t)((lane->turn | 1) + 1));
        if (l == 0)
            fault_point("recover: turn over");
        for (uint32_t k = 0; k < LANE_SPARES; k++) {
            uint64_t named = load_relaxed(&lane->spare[k]);
            zero_spare(s, named, tag);
            arena_free_named(s, named, tag);
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

/* ---- counts ----
 *
 * A death inside an insert or unset may leave header.keys and overflow counts too high.  Count
 * them anew while no insert or unset is under way: every such change holds a lock and alters the
 * high half of header.keys.  The error so found stays the same whatever others do afterwards (only
 * a death adds to it), so it is subtracted rather than the true value stored.
 */

static bool any_lock_held(struct splinter_store *s)
{
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        if (load_acquire(&s->index[b].lock[0]) || load_acquire(&s->index[b].lock[1]))
            return true;
    }
    return false;
}

static void count_all(struct splinter_store *s, uint32_t *overflow, uint32_t *keys)
{
    /* A key counts in each bucket from its home up to the one it is in: first where that begins and
     * ends, then the sum.  So it is one pass, however far from home an index that nobody
     * vouches for has its keys. */
    uint32_t running = 0;
    *keys = 0;
    memset(overflow, 0, s->geo.buckets * sizeof *overflow);
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t hash;
            if (!current_hash(s, &s->index[b].slot[i], &hash))
                continue;
            ++*keys;
            uint32_t home = hash_home(s, hash);
            overflow[home]++;
            overflow[b]--;
            running += home > b; /* past the end, and on from the first bucket */
        }
    }
    for (uint32_t b = 0; b < s->geo.buckets; b++)
        overflow[b] = running += overflow[b];
}

/* From what the overflow counts should be to how much too high they are. */
static void excess_of(struct splinter_store *s, uint32_t *overflow)
{
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        uint32_t has = index_present(s, b) ? load_relaxed(&s->index[b].overflow) : 0;
        overflow[b] = has > overflow[b] ? has - overflow[b] : 0;
    }
}

/* 0: the counts are right; -EAGAIN: never quiet enough, or somebody else does it. */
int recover_counts(struct splinter_store *s)
{
    if (!load_acquire(&s->header->counts_dirty) || s->read_only)
        return 0;
    if (fork_happened(s)) {
        int r = attach_rejoin(s);
        if (r)
            return r;
    }
    uint32_t *overflow = malloc((size_t)s->geo.buckets * sizeof *overflow);
    if (!overflow)
        return -ENOMEM;
    int result = -EAGAIN;
    pthread_mutex_lock(&s->mutex);
    if (registry_lock_repair(s) == 0) {
        for (int tries = 0; tries < 10 && result; tries++) {
            /* A death from now on marks them dirty again; ours leaves the mark as it is. */
            uint32_t mark = COUNTS_BEING_MENDED;
            store_seq_cst(&s->header->counts_dirty, mark);
            fault_point("counts: mark changed");
            uint64_t before = load_seq_cst(&s->header->keys);
            uint32_t keys;
            if (any_lock_held(s))
                continue;
            count_all(s, overflow, &keys);
            excess_of(s, overflow);
            if (any_lock_held(s) || load_seq_cst(&s->header->keys) != before)
                continue;
            uint32_t error = (uint32_t)before - keys;
            uint64_t now = before;
            /* The count wants its CAS: its low half must not borrow from the high one. */
            if (!cas_seq_cst(&s->header->keys, &now, before - error))
                continue;
            fault_point("counts: keys mended");
            for (uint32_t b = 0; b < s->geo.buckets; b++)
                if (overflow[b]) {
                    fetch_sub_seq_cst(&s->index[b].overflow, overflow[b]);
                    fault_point("counts: overflow mended");
                }
            if (cas_seq_cst(&s->header->counts_dirty, &mark, 0))
                result = 0;
            fault_point("counts: mark removed");
        }
        registry_unlock_repair(s);
    }
    pthread_mutex_unlock(&s->mutex);
    free(overflow);
    return result;
}
