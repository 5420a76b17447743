/* SPDX-License-Identifier: Apache-2.0 */
/* rings.h - the changes of a store, put together from the rings of all lanes */
#ifndef SPLINTER_RINGS_H
#define SPLINTER_RINGS_H

#include "handle.h"
#include "names.h"
#include "public.h"

/* A follower's place in the ring of a lane. */
struct ring {
    const struct feed_lane *lane;
    const struct feed_line *line;
    bool placed;
    bool broken;        /* no place could be found, which was told as a gap */
    uint32_t at;        /* the line that comes next */
    uint32_t before_at; /* the first line of the change before it, */
    uint64_t before;    /* and its word */
};

/* Used by one thread at a time. */
struct follower {
    struct splinter_store *store;
    uint64_t number;          /* N: it has told of all changes up to this one */
    struct ring *ring;        /* of the lanes that are used, */
    uint32_t rings;           /* as many, */
    uint32_t rings_known;     /* and header.feed_rings when they were */
    uint64_t waits_since;     /* for N + 1; 0: it does not */
    uint64_t patience;        /* how long it waits for that, in nanoseconds */
    bool lost;                /* what comes after N is not what it should go on with */
    uint64_t hole, hole_last; /* read-only: the first and the last number that it passed; 0: none */
};

/* What a look at a ring, or at all of them, has found. */
enum look {
    NOTHING,
    CHANGE,
    GAP,  /* changes after N were overwritten */
    HOLE, /* a number has been taken, and its writer has not stored it yet */
    MORE  /* there may well be one, but the call has looked at very many that nobody wants */
};

/* Begins behind the last change. */
void follower_begin(struct follower *f, struct splinter_store *s);
void follower_end(struct follower *f);

/* The next change, in *e.  An enum look, or -ENOMEM. */
int follower_next(struct follower *f, struct splinter_event *e);

/* There is a change: ask for the lines of memory that a look will need. */
void follower_expect(const struct follower *f);

/* Go on behind what was overwritten, or behind the last change there is now. */
void follower_gap(struct follower *f, bool to_now);

/* The number after which another follower would have to begin to miss nothing. */
uint64_t follower_position(const struct follower *f);

#endif
