/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - the right of one thread to change the store, and the blocks it keeps for that */
#ifndef SPLINTER_LANE_H
#define SPLINTER_LANE_H

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* The lane that the thread had last, + 1; 0: none yet.  initial-exec: one instruction instead of a
 * call; the few bytes fit into what dlopen(3) keeps free. */
extern _Thread_local uint32_t lane_preferred __attribute__((tls_model("initial-exec")));

/* lane_acquire() if the lane that the thread had last is not free, or the store is durable. */
struct lane_private *lane_acquire_some(struct splinter_store *s);

/* lane_spare() if the spare that was kept last has another class. */
int lane_get_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                   uint32_t units, uint32_t *at);

/* Gives up the spare at this place if it is larger than a lane may keep, or one too many of its
 * class.  The caller holds the lane. */
void lane_settle(struct splinter_store *s, struct lane_private *lane, uint32_t at);

/* A place without a spare.  If every place has one, the lane gives one up.  The caller holds the
 * lane. */
uint32_t lane_spare_empty(struct splinter_store *s, struct lane_private *lane);

/* Does any lane hold an insert lock, or try to get one? */
bool lane_any_lock(struct splinter_store *s);

/* The lane of this number in the store; NULL if there is none. */
struct lane *lane_shared(struct splinter_store *s, uint32_t number);

/* A spare block of this class, with at least `units` units; *at is its place.  The caller holds the
 * lane.  0, or an error of arena_alloc(). */
static inline int lane_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                             uint32_t units, uint32_t *at)
{
    /* That is where the last change left the block of the record that it replaced. */
    *at = lane->last;
    if (lane->spare_class[*at] == class + 1)
        return 0;
    uint32_t other;
    int r = lane_get_spare(s, lane, class, units, &other);
    *at = other;
    return r;
}

/*
 * A lane to change the store with, for one thread until lane_release().  The process has an entry
 * of its own: the caller has called attach_own().
 *
 * A durable store skips the quick path, because that leaves change_seq as it is.  change_seq has to
 * become odd before anything else in a change, or a sync would not wait for the change; and
 * lane_acquire_some() does that as soon as it has a lane.
 */
static inline struct lane_private *lane_acquire(struct splinter_store *s)
{
    if (lane_preferred && !s->durable) {
        struct lane_private *lane = &s->lane[lane_preferred - 1];
        /* Acquire: we see what the last thread left in the lane.  Pairs with lane_release(). */
        if (!load_relaxed(&lane->busy) && !exchange_acquire(&lane->busy, 1))
            return lane;
    }
    return lane_acquire_some(s);
}

/* Durable stores: a change may be under way from lane_change_begin() to lane_change_end(), and a
 * sync waits for its end (sync.c).  The caller holds the lane. */
static inline void lane_change_begin(struct lane_private *lane)
{
    store_relaxed(&lane->shared->change_seq, lane->shared->change_seq | 1);
}

static inline void lane_change_end(struct lane_private *lane)
{
    uint8_t next = (uint8_t)(lane->shared->change_seq + 1);
    /* Release: wait_grace_period(), which sees this, sees all of the change. [>change-seq] */
    store_release(&lane->shared->change_seq, next);
}

static inline void lane_release(struct splinter_store *s, struct lane_private *lane)
{
    if (s->durable)
        lane_change_end(lane);
    store_release(&lane->busy, 0); /* [>lane] */
}

#endif
