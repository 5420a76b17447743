/* SPDX-License-Identifier: Apache-2.0 */
/* lane.h - the right of one thread to change the store, and the blocks it keeps for that */
#ifndef SPLINTER_LANE_H
#define SPLINTER_LANE_H

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* initial-exec: one instruction instead of a call; the few bytes fit what dlopen(3) keeps free. */
extern _Thread_local uint32_t lane_preferred __attribute__((tls_model("initial-exec"))); /* + 1 */

struct lane_private *lane_acquire_some(struct splinter_store *s);
int lane_get_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                   uint32_t *at);

/* A place without a spare, made by giving one up if need be. */
uint32_t lane_spare_empty(struct splinter_store *s, struct lane_private *lane);

/* The lane of this number in the store; NULL if there is none. */
struct lane *lane_shared(struct splinter_store *s, uint32_t number);

/* A spare block of this class; *at is its place. */
static inline int lane_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                             uint32_t *at)
{
    /* Where the last change left the block of the record that it replaced. */
    *at = lane->last;
    if (lane->spare_class[*at] == class + 1)
        return 0;
    uint32_t other;
    int r = lane_get_spare(s, lane, class, &other);
    *at = other;
    return r;
}

/* A lane to change the store with.  The caller has seen to it that the process has an entry of its
 * own (attach_own()). */
static inline struct lane_private *lane_acquire(struct splinter_store *s)
{
    if (lane_preferred && !s->durable) {
        struct lane_private *lane = &s->lane[lane_preferred - 1];
        /* Acquire: what the last thread left in the lane.  Pairs with lane_release(). */
        if (!load_relaxed(&lane->busy) && !exchange_acquire(&lane->busy, 1))
            return lane;
    }
    return lane_acquire_some(s);
}

/* Durable stores: a change may be under way from here on, to the end (sync.c). */
static inline void lane_change_begin(struct lane_private *lane)
{
    store_relaxed(&lane->shared->change_seq, lane->shared->change_seq | 1);
}

static inline void lane_change_end(struct lane_private *lane)
{
    /* Release: all of the change is there for wait_grace_period(). */
    store_release(&lane->shared->change_seq, (uint8_t)(lane->shared->change_seq + 1)); /* [>change-seq] */
}

static inline void lane_release(struct splinter_store *s, struct lane_private *lane)
{
    if (s->durable)
        lane_change_end(lane);
    store_release(&lane->busy, 0); /* [>lane] */
}

#endif
