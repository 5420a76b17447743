/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - buckets: how to find a key
 *
 * A caller that has found a key holds no lock: at any moment a writer may replace the record.  See
 * still_current().
 */
#ifndef SPLINTER_INDEX_H
#define SPLINTER_INDEX_H

#include "compiler.h"
#include "extent.h"
#include "key.h"
#include "names.h"

#define RACES_MAX 100000u /* races that a call loses before it gives up with EAGAIN */

/* A slot in which a key was found, and the record that the slot then led to. */
struct lookup {
    struct slot *slot;
    uint64_t current;
    struct record *rec;
    uint32_t bucket;
};

/* The number of a slot of the index: bucket * BUCKET_SLOTS + its place there. */
static inline uint64_t slot_number(const struct splinter_store *s, const struct slot *slot)
{
    /* Counted in slots: the locks and counts of a bucket are as long as one. */
    uint64_t at = (uint64_t)(slot - (const struct slot *)(const void *)s->index);
    return at / (BUCKET_SLOTS + 1) * BUCKET_SLOTS + at % (BUCKET_SLOTS + 1) - 1;
}

/* Reserves the chunk of this bucket, so that it may be touched.  -ENOSPC, or what fallocate(2)
 * returned. */
int index_ensure(struct splinter_store *s, uint32_t bucket);

/* The hash of the key whose record the slot now leads to, computed from the key.  False: the slot
 * is vacant or damaged, or changes all the time. */
bool index_current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash);

/* The bucket after this one; after the last, the first. */
static inline uint32_t index_next(const struct splinter_store *s, uint32_t bucket)
{
    return bucket + 1 == s->geo.buckets ? 0 : bucket + 1;
}

/* Does the slot still have the current word that was read before?  Then everything that was read
 * from its record counts.  Pairs with the release fence of a writer that writes into an unlinked
 * block. */
static inline bool still_current(const struct slot *slot, uint64_t current)
{
    fence_acquire(); /* [<unlinked] */
    return load_relaxed(&slot->current) == current;
}

/* May this bucket be touched?  If not, it is empty. */
static inline bool index_present(const struct splinter_store *s, uint32_t bucket)
{
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    /* Acquire: the pages were reserved before the bit was set.  Pairs with index_ensure(). */
    return load_acquire(&s->index_map[chunk / 64]) >> chunk % 64 & 1; /* [<chunk] */
}

/* The record that a current word refers to; NULL if its first unit is not inside the file. */
static inline struct record *record_at(struct splinter_store *s, uint64_t current)
{
    uint32_t ref = CURRENT_REF(current);
    if (!file_covers(s, (uint64_t)ref + 1))
        return NULL;
    return record_at_ref(s, ref);
}

/* Is this record, to which the current word refers, one of the key? */
static inline bool record_has_key(struct splinter_store *s, uint64_t current,
                                  const struct record *rec, const struct key *key)
{
    uint64_t units = (uint64_t)(sizeof *rec + key->len + UNIT - 1) / UNIT;
    return load_relaxed(&rec->key_len) == key->len &&
           file_covers(s, CURRENT_REF(current) + units) && key_equal(rec + 1, key->s, key->len);
}

/* The last slot of the bucket that has the hash; if none has it, the first slot.
 *
 * This computes the slot instead of branching to it.  The processor could not predict that branch,
 * and would fetch nothing behind it until it has the bucket's cache line.
 *
 * Acquire: a reader that sees a new hash also sees the current word that was stored before it.
 * Pairs with the store of the hash in claim_slot(). */
static inline struct slot *slot_with_hash(struct bucket *bucket, uint64_t hash)
{
    struct slot *slots = bucket->slot, *slot = slots;
    slot = load_acquire(&slots[1].hash) == hash ? slots + 1 : slot; /* [<visible] */
    slot = load_acquire(&slots[2].hash) == hash ? slots + 2 : slot;
    return slot;
}

/*
 * Finds a key.  1: out->current led to it; the caller reads what it wants and then asks
 * still_current() whether that counts.  0: at some moment of the call the key was absent.
 * -EAGAIN: *retries, to which each lost race adds one, went over RACES_MAX.
 */
int index_find_anywhere(struct splinter_store *s, const struct key *key, struct lookup *out,
                        uint32_t *retries);

/* The same, with the common case inlined. */
ALWAYS_INLINE
int index_find(struct splinter_store *s, const struct key *key, struct lookup *out,
               uint32_t *retries)
{
    /* Nearly every key lies in its home bucket, and has a hash that no other key there has. */
    if (index_present(s, key->home)) {
        struct bucket *bucket = &s->index[key->home];
        struct slot *slot = slot_with_hash(bucket, key->hash);
        uint64_t found = load_acquire(&slot->hash);
        /* Acquire: the record was written before.  Pairs with the publishing CAS. [<publish] */
        uint64_t current = load_acquire(&slot->current);
        uint32_t ref = CURRENT_REF(current);
        /* The current word of a vacant slot gives the highest reference. */
        if (found == key->hash && ref < load_relaxed(&s->fast_units)) {
            struct record *rec = record_at_ref(s, ref);
            if (load_relaxed(&rec->key_len) == key->len && key_equal(rec + 1, key->s, key->len)) {
                *out = (struct lookup){slot, current, rec, key->home};
                return 1;
            }
        }
    }
    /* Copies, so that the caller can keep the originals in registers. */
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
