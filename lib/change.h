/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the steps that every change of a key is made of, in line if they count (change.c) */
#ifndef SPLINTER_CHANGE_H
#define SPLINTER_CHANGE_H

#include <stdbool.h>

#include "arena.h"
#include "atomic.h"
#include "compiler.h"
#include "fault.h"
#include "index.h"
#include "names.h"
#include "wake.h"

/* A change of one key by one lane, from the first look at the key until its journal is closed.
 *
 * In a fast path all of it stays in registers, as long as no function that is not in line is given it:
 * so those that are rare get what they need of it. */
struct change {
    struct lane_private *lane;
    struct lookup found;   /* what it replaces */
    struct record *record; /* what it publishes, in the lane's spare `at`; not of an unset */
    uint64_t payload;      /* durable stores: hash of its key and value */
    uint64_t epoch;
    uint32_t at; /* place of the spare that is published, and where the replaced block goes */
};

/* The block of the record that a change replaces: of no units if its size is none that a store of
 * ours gives a block; then it is given up. */
struct old_block {
    uint64_t id;
    uint64_t size; /* bytes of its record; never past the block, whatever the record says */
    uint32_t units, class;
};

/* The record that was found in the slot is about to be replaced.  If the lane that published it has
 * that change still open, tell the lane that it was published. */
void acknowledge(struct splinter_store *s, const struct slot *slot, uint64_t current,
                 const struct record *rec);

/* The record that a change of this epoch replaced is kept until a sync has ended; closes the change,
 * whose spare `at` is given away. */
void retire(struct splinter_store *s, struct lane_private *lane, uint32_t at, uint64_t replaced,
            uint64_t epoch);

/* Count a key before it is claimed (-ENOSPC), and after it is gone. */
int keys_reserve(struct splinter_store *s);
void keys_release(struct splinter_store *s);

/* Lower the overflow counts from the key's home up to, not including, bucket `end`. */
void lower_overflow(struct splinter_store *s, const struct key *key, uint32_t end);

static inline uint64_t epoch_take(struct splinter_store *s)
{
    return fetch_add_seq_cst(&s->header->epoch, 1) + 1;
}

/* The change is visible: say so to sleepers.  The second step of the epoch wakes those in
 * wait_any who read the first before the change could be seen. */
ALWAYS_INLINE
void announce(struct splinter_store *s, struct bucket *home)
{
    struct header *h = s->header;
    fault_point("announce: begun");
    fetch_add_seq_cst(&h->epoch, 1);
    fault_point("announce: epoch stepped");
    /* Pairs, as the other one, with the compare-and-swap in wake_ask(). [=sleep] */
    if (load_seq_cst(&home->wait) & 1)
        wake_key(home);
    fault_point("announce: key woken");
    if (load_seq_cst(&h->any_wait) & 1)
        wake_any(s);
    fault_point("announce: done");
}

/* Open the lane's journal: from here to close_change() a cleaner decides by the slot's current word
 * and the lane's ack whether the change was made.  `becomes` is what the slot is to hold, `old` the
 * id of the block that is replaced. */
ALWAYS_INLINE
void open_change(const struct splinter_store *s, const struct change *c, uint8_t kind,
                 uint64_t becomes, uint64_t old)
{
    struct lane *l = c->lane->shared;
    l->slot = slot_number(s, c->found.slot);
    l->expect = c->found.current;
    l->current = becomes;
    store_relaxed(&l->old, old);
    l->kind = kind;
    l->done = 0;
    l->spare_at = (uint8_t)c->at;
    crash_order();
    fault_point("open: described");
    /* Read by acknowledge() of a writer that finds our record. [>journal] */
    store_release(&l->epoch, c->epoch);
    fault_point("open: open");
}

ALWAYS_INLINE
void close_change(struct lane_private *lane)
{
    crash_order();
    store_release(&lane->shared->epoch, 0);
    fault_point("close: closed");
    crash_order(); /* the next change is not described in an open journal */
}

/* May the record be the only one of its key that a power cut leaves?  Then it stays as it is until
 * a sync has ended.  One that no sync covers, not even the one now under way, may go at once: what
 * the disk has of the key is older.  After epoch_take(). */
static inline bool must_keep(const struct splinter_store *s, uint64_t epoch)
{
    if (!s->durable)
        return false;
    /* The lane's change_seq became odd before: pairs with the fence in wait_grace_period(). */
    fence_seq_cst_after_rmw(); /* [=keep] */
    return epoch <= load_acquire(&s->header->keep) && !fault_bug(BUG_ZERO_EARLY);
}

/* The block of a found record.  Of what is read from the record nothing counts before the slot is
 * seen, or swapped, unchanged. */
ALWAYS_INLINE
struct old_block old_block_of(struct splinter_store *s, const struct lookup *found)
{
    uint32_t ref = CURRENT_REF(found->current);
    struct old_block old = {.id = block_id(ref, arena_generation(s, ref)),
                            .size = (uint64_t)value_offset(load_relaxed(&found->rec->key_len)) +
                                    load_relaxed(&found->rec->value_len)};
    old.units = arena_block_of_size(s, ref, old.size, &old.class);
    if (old.size > (uint64_t)old.units * UNIT)
        old.size = (uint64_t)old.units * UNIT;
    return old;
}

/* The replaced record's block becomes the lane's spare; closes the change. */
ALWAYS_INLINE
void recycle(const struct change *c, const struct old_block *old)
{
    struct lane_private *lane = c->lane;
    struct record *rec = c->found.rec;
    /* A reader that copied any of the zeroes sees that the slot has changed.  Pairs with
     * still_current(). */
    fence_release(); /* [>unlinked] */
    payload_zero(rec, old->size);
    fault_point("recycle: zeroed");
    store_relaxed(&rec->lane, (uint16_t)lane->number);
    crash_order();
    fault_point("recycle: lane noted");
    store_relaxed(&lane->shared->spare[c->at], old->units ? old->id : 0);
    lane->spare_ref[c->at] = block_id_ref(old->id);
    fault_point("recycle: kept as a spare");
    close_change(lane);
    lane->spare_class[c->at] = old->units ? old->class + 1 : 0;
}

#endif
