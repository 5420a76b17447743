/* SPDX-License-Identifier: Apache-2.0 */
/* change.h - the steps that every change of a key is made of (change.c), in line if it counts */
#ifndef SPLINTER_CHANGE_H
#define SPLINTER_CHANGE_H

#include <stdbool.h>

#include "atomic.h"
#include "fault.h"
#include "index.h"
#include "wake.h"

/* Tell the lane with this number, if it has the change of the found record still open, that it was
 * published. */
void acknowledge(struct splinter_store *s, const struct lookup *f, uint32_t lane_number);

/* What becomes of the record that was replaced; closes the change.  Kept until a sync has ended; or
 * zeroed, and its block becomes the lane's spare `at`. */
void retire(struct splinter_store *s, struct lane_private *lane, uint64_t current, uint64_t epoch,
               uint32_t at);
void recycle(struct splinter_store *s, struct lane_private *lane, uint64_t current, uint64_t old,
            uint32_t at);

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
__attribute__((always_inline)) static inline void announce(struct splinter_store *s, struct bucket *home)
{
    struct header *h = s->header;
    fault_point("announce: begun");
    fetch_add_seq_cst(&h->epoch, 1);
    fault_point("announce: epoch stepped");
    /* Pairs, as the other one, with the CAS in wake_ask(). [=sleep] */
    if (load_seq_cst(&home->wait) & 1)
        wake_key(home);
    fault_point("announce: key woken");
    if (load_seq_cst(&h->any_wait) & 1)
        wake_any(s);
    fault_point("announce: done");
}

/* Open the lane's journal: from here to close_change() a cleaner decides by the slot's current word and
 * the lane's ack whether the change was made. */
static inline void open_change(struct lane_private *lane, uint8_t kind, uint64_t slot, uint64_t expect,
                        uint64_t current, uint64_t old, uint32_t at, uint64_t epoch)
{
    struct lane *l = lane->shared;
    l->slot = slot;
    l->expect = expect;
    l->current = current;
    store_relaxed(&l->old, old);
    l->kind = kind;
    l->done = 0;
    l->spare_at = (uint8_t)at;
    crash_order();
    fault_point("open: described");
    store_release(&l->epoch, epoch); /* read by acknowledge() of those who find our record [>journal] */
    fault_point("open: open");
}

static inline void close_change(struct lane_private *lane)
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
    /* The lane's turn was taken before: pairs with the fence in wait_grace_period() of sync.c. */
    fence_seq_cst_after_rmw(); /* [=keep] */
    return epoch <= load_acquire(&s->header->keep) && !fault_bug(BUG_ZERO_EARLY);
}

/* The old record's block becomes the lane's spare `at`; closes the change.  A block of 0 units has
 * no size that a store of ours gives it, and is given up. */
__attribute__((always_inline)) static inline void recycle_block(struct lane_private *lane,
                                                               uint64_t old, struct record *rec,
                                                               uint64_t size, uint32_t units,
                                                               uint32_t class, uint32_t at)
{
    /* Readers that copied any of the zeroes see the new current word.  Pairs with still_current(). */
    fence_release(); /* [>unlinked] */
    payload_zero(rec, size);
    fault_point("recycle: zeroed");
    store_relaxed(&rec->lane, (uint16_t)lane->number);
    crash_order();
    fault_point("recycle: lane noted");
    store_relaxed(&lane->shared->spare[at], units ? old : 0);
    lane->spare_ref[at] = (uint32_t)(old >> 32);
    fault_point("recycle: kept as a spare");
    close_change(lane);
    lane->spare_class[at] = units ? class + 1 : 0;
}

#endif
