/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - finding a key: the part of the index that every call passes through, inline
 *
 * The invariants are in index.c.
 */
#ifndef SPLINTER_INDEX_H
#define SPLINTER_INDEX_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "internal.h"

/* XXH3: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md */
static inline uint64_t key_hash(const struct splinter_store *s, const void *key, uint32_t len)
{
    return XXH3_64bits_withSeed(key, len, s->geo.seed);
}

/* D. Lemire, "Fast Random Integer Generation in an Interval", 2019: multiply instead of divide. */
static inline uint32_t hash_home(const struct splinter_store *s, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * s->geo.buckets >> 32);
}

static inline int key_make(const struct splinter_store *s, const char *key, struct key *out)
{
    if (!key || !*key)
        return -EINVAL;
    size_t len = strnlen(key, SPLINTER_KEY_MAX);
    if (len >= SPLINTER_KEY_MAX)
        return -ENAMETOOLONG;
    out->s = key;
    out->len = (uint32_t)len;
    out->hash = key_hash(s, key, out->len);
    out->home = hash_home(s, out->hash);
    return 0;
}

static inline bool index_present(const struct splinter_store *s, uint32_t bucket)
{
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    /* Acquire: the pages were reserved before the bit was set.  Pairs with index_ensure(). */
    return load_acquire(&s->index_map[chunk / 64]) >> chunk % 64 & 1;
}

/* store_knows(), without the call where the answer is at hand. */
static inline bool file_reaches(struct splinter_store *s, uint64_t end_units)
{
    return end_units <= load_relaxed(&s->known_units) || store_knows(s, end_units);
}

/* payload_equal() for a few bytes, as keys are: two words that overlap. */
static inline bool key_equal(const void *a, const char *b, uint32_t len)
{
    uint64_t a0, a1, b0, b1;
    if (len < 8 || len > 16)
        return payload_equal(a, b, len);
    payload_copy(&a0, a, 8);
    payload_copy(&a1, (const char *)a + len - 8, 8);
    payload_copy(&b0, b, 8);
    payload_copy(&b1, b + len - 8, 8);
    return !((a0 ^ b0) | (a1 ^ b1));
}

/* The record a head refers to; NULL if its first unit is not inside the file. */
static inline struct record *record_at(struct splinter_store *s, uint64_t head)
{
    uint32_t ref = HEAD_REF(head);
    if (!file_reaches(s, (uint64_t)ref + 1))
        return NULL;
    return (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
}

static inline bool record_has_key(struct splinter_store *s, uint64_t head, const struct record *rec,
                           const struct key *key)
{
    return load_relaxed(&rec->key_len) == key->len &&
           file_reaches(s, HEAD_REF(head) + (uint64_t)(sizeof *rec + key->len + UNIT - 1) / UNIT) &&
           key_equal(rec + 1, key->s, key->len);
}

/* Slot i of bucket b, whose hash is that of the key.  1: found; 0: another key's; -EAGAIN. */
static inline int look_at(struct splinter_store *s, const struct key *key, uint32_t b, uint32_t i,
                   struct found *out, uint32_t *retries)
{
    struct slot *slot = &s->index[b].slot[i];
    for (;;) {
        /* Acquire: the record was written before.  Pairs with the CAS that publishes. */
        uint64_t head = load_acquire(&slot->head);
        if (!head)
            return 0;
        struct record *rec = record_at(s, head);
        if (rec && record_has_key(s, head, rec, key)) {
            *out = (struct found){slot, (uint64_t)b * BUCKET_SLOTS + i, head, rec, b};
            return 1;
        }
        /* Another key with this hash, a slot whose new hash is on its way, or a record that
         * was replaced while we looked. */
        if (head_unchanged(slot, head))
            return 0;
        if (++*retries > RACES_MAX)
            return -EAGAIN;
    }
}

/*
 * Find a key.  1: found, as of out->head, which the caller validates (head_unchanged) after it
 * has read what it wants; 0: not there at some moment of the call; -EAGAIN: too many races.
 *
 * Which of the three slots it is, is computed, not branched on: that branch could not be
 * predicted, and while it waits for the bucket's cache line nothing behind it is fetched.
 */
static inline int index_find(struct splinter_store *s, const struct key *key, struct found *out,
               uint32_t *retries)
{
    uint32_t b = key->home;
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        if (!index_present(s, b))
            return 0;
        struct bucket *bucket = &s->index[b];
        /* Acquire: with a new hash comes the head that was stored before it.  Pairs with the store
         * of hash in insert_at(). */
        uint32_t is0 = load_acquire(&bucket->slot[0].hash) == key->hash;
        uint32_t is1 = load_acquire(&bucket->slot[1].hash) == key->hash;
        uint32_t is2 = load_acquire(&bucket->slot[2].hash) == key->hash;
        uint32_t matches = is0 + is1 + is2;
        if (matches) {
            uint32_t i = (is1 | is2 << 1) & (is0 - 1);
            i -= i == 3; /* slots 1 and 2: begin with 2 */
            int r = look_at(s, key, b, i, out, retries);
            if (r)
                return r;
            for (i = 0; matches > 1 && i < BUCKET_SLOTS; i++)
                if (load_acquire(&bucket->slot[i].hash) == key->hash &&
                    (r = look_at(s, key, b, i, out, retries)))
                    return r;
        }
        if (!load_acquire(&bucket->overflow))
            return 0;
    }
    return 0;
}

#endif
