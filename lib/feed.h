/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - what writers tell those who follow the changes of a store */
#ifndef SPLINTER_FEED_H
#define SPLINTER_FEED_H

#include "compiler.h"
#include "handle.h"
#include "names.h"
#include "public.h"

/* A change that is about to be made, of a store with a feed. */
struct feed_news {
    uint64_t epoch;
    const void *key;
    uint32_t key_len;
    uint32_t revision; /* of the record that is published, or removed */
    uint16_t type;
    uint8_t what; /* SPLINTER_EVENT_* */
};

/* Reserves the ring of the lane, unless it is.  To be called before each change, by the holder of
 * the lane.  0, or -ENOSPC or another error of backing_reserve(). */
int feed_ready_now(struct splinter_store *s, struct lane_private *lane);

static inline int feed_ready(struct splinter_store *s, struct lane_private *lane)
{
    return s->has_feed && !lane->feed ? feed_ready_now(s, lane) : 0;
}

/* Describe the change in the lane's ring, before its journal is opened.  It may be done again for
 * the same change, and for another one if that was not made. */
void feed_prepare(struct splinter_store *s, const struct lane_private *lane,
                  const struct feed_news *news);
void feed_prepare_set(struct splinter_store *s, const struct lane_private *lane,
                      const struct record *rec, const char *key, uint32_t key_len);

/* The change is visible, and its journal is open: give it its number.  `slot` had the current word
 * `becomes` when the change was made; NULL: nobody else can have changed the key since. */
void feed_tell(struct splinter_store *s, struct feed_lane *lane, const struct slot *slot,
               uint64_t becomes);

/* The same for the cleaner of a lane, whose change `epoch` was made. */
void feed_recover(struct splinter_store *s, uint32_t lane_number, uint64_t epoch,
                  const struct slot *slot, uint64_t becomes);

/* For a rebuild, which has emptied the rings: positions from before lead to a gap.  `ahead`: more
 * numbers than were given out since the header was last on disk. */
void feed_restart(struct splinter_store *s, uint64_t ahead);

/* Calls what(where, bytes) for all of the feed that is reserved. */
void feed_each_part(struct splinter_store *s, void (*what)(uint8_t *from, uint64_t bytes));

/* The ring of the lane at this place of feed_lanes: geo.feed lines. */
static inline struct feed_line *feed_ring(const struct splinter_store *s, size_t place)
{
    return s->feed_rings + place * s->geo.feed;
}

#endif
