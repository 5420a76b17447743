/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the steps that every change of a key consists of; inlined if the fast path has them */
#ifndef SPLINTER_CHANGE_H
#define SPLINTER_CHANGE_H

#include <errno.h>
#include <stdbool.h>

#include "arena.h"
#include "atomic.h"
#include "compiler.h"
#include "fault.h"
#include "index.h"
#include "names.h"
#include "record.h"
#include "wake.h"

/* A change of one key by one lane, from the first look at the key until its journal is closed.
 *
 * In a fast path all of it stays in registers, provided that no function outside gets a pointer to
 * it.  So a rare step, which is not inlined, gets only the fields that it needs. */
struct change {
    struct lane_private *lane;
    struct lookup found;   /* the record that it replaces */
    struct record *record; /* the record that it publishes, in spare[at]; not of an unset */
    uint64_t payload;      /* durable stores: hash of key and value of that record */
    uint64_t epoch;
    uint32_t at; /* index of the spare that is published, and that then gets the replaced block */
};

/* The block of the record that a change replaces.  It has 0 units if this library cannot have made
 * its size; then the block is given up. */
struct old_block {
    uint64_t id;
    uint64_t size; /* bytes of its record; bounded by the block, whatever the record says */
    uint32_t units, class;
};

/* To be called before a writer replaces the record that it found in the slot.  If the lane that
 * published the record still has that change open, this tells the lane that the record was
 * published, by raising its ack. */
void acknowledge(struct splinter_store *s, const struct slot *slot, uint64_t current,
                 const struct record *rec);

/* Durable stores: keeps the record that the change of this epoch replaced until a sync has ended,
 * and closes the change.  Afterwards the lane's spare[at] is empty. */
void retire(struct splinter_store *s, struct lane_private *lane, uint32_t at, uint64_t replaced,
            uint64_t epoch);

/* Why there is no room; for the caller it is -ENOSPC, which here means that the system gives no
 * more memory.  key_set() tells them apart in a sentence. */
#define NO_SLOT (-ENOSR)
#define NO_PLACE (-ENOBUFS) /* from arena_alloc(), as is -EBUSY */

/* Count a key before a writer claims a slot for it (NO_SLOT), and no longer after it is gone. */
int keys_reserve(struct splinter_store *s);
void keys_release(struct splinter_store *s);

/* Lowers the overflow counts from the key's home bucket up to, but not including, bucket `end`. */
void lower_overflow(struct splinter_store *s, const struct key *key, uint32_t end);

/* The number of a change.  A writer takes it after it has read the word that it replaces. */
static inline uint64_t epoch_take(struct splinter_store *s)
{
    return fetch_add_seq_cst(&s->header->epoch, 1) + 1;
}

/* The change is visible: wake its waiters.  The second step of the epoch is for a waiter in
 * wait_any that read the first one before it could see the change. */
ALWAYS_INLINE
void announce(struct splinter_store *s, struct bucket *home)
{
    struct header *h = s->header;
    fault_point("announce: begun");
    fetch_add_seq_cst(&h->epoch, 1);
    fault_point("announce: epoch stepped");
    /* This load and the one below pair with the compare-and-swap in wake_ask(). [=sleep] */
    if (load_seq_cst(&home->wait) & 1)
        wake_key(home);
    fault_point("announce: key woken");
    if (load_seq_cst(&h->any_wait) & 1)
        wake_any(s);
    fault_point("announce: done");
}

/* Open the lane's journal.  From here to close_change() a cleaner decides by the slot's current
 * word and the lane's ack whether the change was made.  `becomes` is the slot's next current word,
 * `old` the id of the block that the change replaces. */
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
    /* acknowledge() reads it, in a writer that finds this record. [>journal] */
    store_release(&l->epoch, c->epoch);
    fault_point("open: open");
}

/* The change is made, or given up: a cleaner has nothing to decide. */
ALWAYS_INLINE
void close_change(struct lane_private *lane)
{
    crash_order();
    store_release(&lane->shared->epoch, 0);
    fault_point("close: closed");
    crash_order(); /* the next change must not describe itself in an open journal */
}

/* Must the record of this epoch stay whole until a sync has ended, because a power cut could leave
 * it as the only one of its key?  A record that no sync covers, not even one under way, may go at
 * once: the disk has an older one.  To be called after epoch_take(). */
static inline bool must_keep(const struct splinter_store *s, uint64_t epoch)
{
    if (!s->durable)
        return false;
    /* After the store that made the lane's change_seq odd.  Pairs with the fence in
     * wait_grace_period(). */
    fence_seq_cst_after_rmw(); /* [=keep] */
    return epoch <= load_acquire(&s->header->keep) && !fault_bug(BUG_ZERO_EARLY);
}

/* Does an older record of the key wait for a sync?  `keep`: the replaced one will.  A rebuild would
 * find it; so the record that an unset removes is kept also, to tell that the key is gone. */
static inline uint32_t mark_older(const struct record *replaced, bool keep)
{
    return keep ? RECORD_OLDER : load_relaxed(&replaced->marks) & RECORD_OLDER;
}

/* The last words of the record, once the change has its epoch. */
ALWAYS_INLINE
void seal(const struct change *c, uint32_t revision, bool durable, uint32_t marks)
{
    store_relaxed(&c->record->epoch, c->epoch);
    store_relaxed(&c->record->revision, revision);
    if (durable) {
        store_relaxed(&c->record->marks, marks);
        store_relaxed(&c->record->checksum, record_checksum(c->record, c->payload));
    }
}

/* The block of a found record.  What this reads from the record counts only if the slot's current
 * word is afterwards found, or swapped, unchanged. */
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

/* Zero the replaced record, make its block the lane's spare[at], and close the change. */
ALWAYS_INLINE
void recycle(const struct change *c, const struct old_block *old)
{
    struct lane_private *lane = c->lane;
    struct record *rec = c->found.rec;
    /* A reader that copies any of the zeroes will see that the slot has changed.  Pairs with
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
