/* SPDX-License-Identifier: Apache-2.0 */
/* reindex.h - durable stores: put a record into the index that is made again */
#ifndef SPLINTER_REINDEX_H
#define SPLINTER_REINDEX_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"
#include "owner.h"
#include "slab.h"

/* A record that is placed, or takes its key out, after those of before S. */
struct later {
    uint64_t epoch; /* as it was when the record was found whole */
    uint32_t ref;
    bool unset; /* an unset removed it, of which no sync has known */
};

struct laters {
    struct later *at;
    size_t count, room;
};

struct rebuild {
    struct splinter_store *s;
    bool in_place;         /* else in private memory: nothing is reserved or written to disk */
    bool holes_cost;       /* a load from a hole of the file takes a page: see rebuild_fill() */
    uint64_t synced;       /* S */
    uint64_t units;        /* how much of the arena the file has, */
    uint64_t synced_units; /* and had at S */
    uint64_t newest;       /* highest epoch met */
    uint32_t slabs;        /* in use */
    uint32_t keys, damaged;
    uint32_t fresh;  /* of the keys, those that were set for the first time after S */
    uint32_t gone;   /* that were there at S, and were unset since, or ephemeral */
    bool expiring;   /* some record has an end of life */
    struct laters later;
};

/* Is the key of this record, if the record counts, not there?  What belonged to a process is as
 * good as unset. */
static inline bool rebuild_is_unset(const struct record *rec)
{
    return rec->marks & RECORD_UNSET || owner_of(rec, rec->expiry);
}

static inline struct record *record_of(const struct rebuild *r, uint64_t ref)
{
    return record_at_ref(r->s, ref);
}

/* To be called before a part of the arena is looked at.  tmpfs takes a page also to read a hole,
 * and raises SIGBUS if it has none; so there the part is reserved.  0, or an error of
 * backing_reserve(). */
int rebuild_fill(struct rebuild *r, uint64_t ref, uint64_t units);

/* Wipes what is not zero yet. */
void rebuild_wipe(void *p, size_t n);

/* Wipes a block of which the file has this many units.  Of a large one most may be a hole.  0, or
 * an error of backing_clear(). */
int rebuild_wipe_block(struct rebuild *r, uint64_t ref, uint64_t units);

/* How many units of the block at ref the file has; 0 if no block begins there. */
uint32_t rebuild_block_at(const struct rebuild *r, uint64_t ref, struct block *b);

/* Indexes the record at ref, unless a newer one of its key is there.  0, -ENOSPC, or an error of
 * index_ensure() or backing_clear(). */
int rebuild_place(struct rebuild *r, uint64_t ref);

/* Takes the key of the record at ref, which was unset, out of the index, unless a newer record of
 * the key is there. */
void rebuild_unset(struct rebuild *r, uint64_t ref);

/* Keeps the record at ref, which has this epoch, until all records of before S are placed.  0 or
 * -ENOMEM. */
int rebuild_later(struct rebuild *r, uint64_t epoch, uint64_t ref, bool unset);

/* Indexes what was kept, less the keys that were unset, in the order in which it was set.  An unset
 * leaves its record only if an older one of the key is there.  So at each moment of this the index
 * has no more keys than the store had then, but for those that a power cut brought back.  0, or an
 * error of rebuild_place(). */
int rebuild_place_later(struct rebuild *r);

#endif
