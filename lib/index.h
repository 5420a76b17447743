/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - buckets: finding a key
 *
 * The invariants are in index.c.
 */
#ifndef SPLINTER_INDEX_H
#define SPLINTER_INDEX_H

#include "extent.h"
#include "key.h"
#include "names.h"

#define RACES_MAX 100000u /* lost in a row before a call gives up with EAGAIN */

/* A slot in which a key was found, with what the slot was seen to lead to. */
struct lookup {
    struct slot *slot;
    uint64_t current;
    struct record *rec;
    uint32_t bucket;
};

/* The number of a slot of the index: bucket * BUCKET_SLOTS + its place there. */
static inline uint64_t slot_number(const struct splinter_store *s, const struct slot *slot)
{
    /* In units of a slot, of which the locks and counts of a bucket are one. */
    uint64_t at = (uint64_t)(slot - (const struct slot *)(const void *)s->index);
    return at / (BUCKET_SLOTS + 1) * BUCKET_SLOTS + at % (BUCKET_SLOTS + 1) - 1;
}

/* Make the chunk of this bucket usable.  -ENOSPC. */
int index_ensure(struct splinter_store *s, uint32_t bucket);

/* The hash of the key of the record in the slot, read until it holds.  False: the slot is vacant. */
bool index_current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash);

static inline uint32_t index_next(const struct splinter_store *s, uint32_t bucket)
{
    return bucket + 1 == s->geo.buckets ? 0 : bucket + 1;
}

/* The slot still has the current word that was read before: everything read of its record counts.
 * Pairs with the release fence of whoever writes into a block after it was unlinked. */
static inline bool still_current(const struct slot *slot, uint64_t current)
{
    fence_acquire(); /* [<unlinked] */
    return load_relaxed(&slot->current) == current;
}

static inline bool index_present(const struct splinter_store *s, uint32_t bucket)
{
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    /* Acquire: the pages were reserved before the bit was set.  Pairs with index_ensure(). */
    return load_acquire(&s->index_map[chunk / 64]) >> chunk % 64 & 1; /* [<chunk] */
}

/* The record a current word refers to; NULL if its first unit is not inside the file. */
static inline struct record *record_at(struct splinter_store *s, uint64_t current)
{
    uint32_t ref = CURRENT_REF(current);
    if (!file_covers(s, (uint64_t)ref + 1))
        return NULL;
    return record_at_ref(s, ref);
}

static inline bool record_has_key(struct splinter_store *s, uint64_t current, const struct record *rec,
                           const struct key *key)
{
    return load_relaxed(&rec->key_len) == key->len &&
           file_covers(s, CURRENT_REF(current) + (uint64_t)(sizeof *rec + key->len + UNIT - 1) / UNIT) &&
           key_equal(rec + 1, key->s, key->len);
}

/* The slot of a bucket that has the hash, the last of them; if none has, the first slot.
 *
 * Which one it is, is computed, not branched on: that branch could not be predicted, and while it
 * waits for the bucket's cache line nothing behind it is fetched.
 *
 * Acquire: with a new hash comes the current word that was stored before it.  Pairs with the store of hash
 * in insert_at(). */
static inline struct slot *slot_with_hash(struct bucket *bucket, uint64_t hash)
{
    struct slot *slots = bucket->slot, *slot = slots;
    slot = load_acquire(&slots[1].hash) == hash ? slots + 1 : slot; /* [<visible] */
    slot = load_acquire(&slots[2].hash) == hash ? slots + 2 : slot;
    return slot;
}

/*
 * Find a key.  1: found, as of out->current, which the caller validates (still_current) after it
 * has read what it wants; 0: not there at some moment of the call; -EAGAIN: too many races.
 */
int index_find_anywhere(struct splinter_store *s, const struct key *key, struct lookup *out,
                        uint32_t *retries);

/* The same, in line. */
__attribute__((always_inline)) static inline int index_find(struct splinter_store *s, const struct key *key, struct lookup *out,
                             uint32_t *retries)
{
    /* Nearly all keys lie in their home bucket, each with a hash of its own. */
    if (index_present(s, key->home)) {
        struct bucket *bucket = &s->index[key->home];
        struct slot *slot = slot_with_hash(bucket, key->hash);
        uint64_t found = load_acquire(&slot->hash);
        /* Acquire: the record was written before.  Pairs with the CAS that publishes. [<publish] */
        uint64_t current = load_acquire(&slot->current);
        uint32_t ref = CURRENT_REF(current);
        /* A vacant current word is the highest reference. */
        if (found == key->hash && ref < load_relaxed(&s->fast_units)) {
            struct record *rec = record_at_ref(s, ref);
            if (load_relaxed(&rec->key_len) == key->len && key_equal(rec + 1, key->s, key->len)) {
                *out = (struct lookup){slot, current, rec, key->home};
                return 1;
            }
        }
    }
    /* Copies, so that what the caller has in registers stays there. */
    struct lookup there;
    struct key copy = *key;
    uint32_t lost = *retries;
    int r = index_find_anywhere(s, &copy, &there, &lost);
    *retries = lost;
    if (r > 0)
        *out = there;
    return r;
}

#endif
