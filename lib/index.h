/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - finding a key: the part of the index that every call passes through, inline
 *
 * The invariants are in index.c.
 */
#ifndef SPLINTER_INDEX_H
#define SPLINTER_INDEX_H

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "internal.h"

/* ---- the hash of a key ----
 *
 * It is part of the format: every process computes the same.  Keys of more than KEY_SHORT bytes
 * take XXH3, https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md.  For the others, which are
 * most, that would be a third of a get.  They take one multiplication of the key's two ends,
 * each mixed with a secret of the store, whose product is folded: the mixing step of wyhash and
 * foldhash, https://github.com/orlp/foldhash.  The last multiplication lets the bits that choose
 * the bucket depend on all others: without it, short decimal numbers crowd.
 */
#define KEY_SHORT 16u

/* The ends of a short key: together all of it. */
struct key_ends {
    uint64_t first, last;
};

static inline struct key_ends key_ends_of(const void *key, uint32_t len)
{
    struct key_ends ends;
    const char *s = key;
    if (__builtin_expect(len >= 8, 1)) {
        payload_copy(&ends.first, s, 8);
        payload_copy(&ends.last, s + len - 8, 8);
    } else if (len >= 4) {
        uint32_t first, last;
        payload_copy(&first, s, 4);
        payload_copy(&last, s + len - 4, 4);
        ends = (struct key_ends){first, last};
    } else {
        uint8_t byte[3];
        payload_copy(&byte[0], s, 1);
        payload_copy(&byte[1], s + len / 2, 1);
        payload_copy(&byte[2], s + len - 1, 1);
        ends = (struct key_ends){byte[0] | (uint32_t)byte[1] << 8, byte[2]};
    }
    return ends;
}

/* The two halves of a product of 128 bits, one over the other. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX), high = (a >> 32) * (b >> 32);
    uint64_t cross = (a >> 32) * (b & UINT32_MAX), cross2 = (a & UINT32_MAX) * (b >> 32);
    uint64_t middle = (low >> 32) + (cross & UINT32_MAX) + cross2; /* cannot pass 64 bits */
    return ((middle << 32) | (low & UINT32_MAX)) ^ (high + (cross >> 32) + (middle >> 32));
#endif
}

static inline uint64_t key_short_hash(const struct splinter_store *s, struct key_ends ends,
                                      uint32_t len)
{
    /* Keys of different length may have the same ends. */
    uint64_t turned = s->seed2 << (len & 63) | s->seed2 >> (-len & 63);
    return fold(ends.first ^ s->geo.seed, ends.last ^ turned) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t key_hash(const struct splinter_store *s, const void *key, uint32_t len)
{
    if (len <= KEY_SHORT)
        return key_short_hash(s, key_ends_of(key, len), len);
    return XXH3_64bits_withSeed(key, len, s->geo.seed);
}

/* D. Lemire, "Fast Random Integer Generation in an Interval", 2019: multiply instead of divide. */
static inline uint32_t hash_home(const struct splinter_store *s, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * s->geo.buckets >> 32);
}

/* A sanitizer knows the end of an object better than that of a word. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_HWADDRESS__)
#define KEY_BY_BYTES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(hwaddress_sanitizer)
#define KEY_BY_BYTES 1
#endif
#endif

/*
 * Length of a key if that is 1 to KEY_SHORT; else 0, or more than that.  Its end is looked for in
 * aligned words: such a word does not reach into a page, nor into a granule of tagged memory,
 * that the string has no byte in; and memcheck knows what to make of it.
 */
static inline uint32_t key_short_length(const char *key)
{
#if defined(KEY_BY_BYTES)
    return (uint32_t)strnlen(key, KEY_SHORT + 1);
#elif defined(__SSE2__)
    uint32_t skew = (uint32_t)(uintptr_t)key & 15;
    const __m128i *word = (const __m128i *)(const void *)(key - skew), zero = _mm_setzero_si128();
    uint32_t ends = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(word), zero)) >> skew;
    if (__builtin_expect(ends != 0, 1))
        return (uint32_t)__builtin_ctz(ends);
    ends = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(word + 1), zero));
    return ends ? 16 - skew + (uint32_t)__builtin_ctz(ends) : KEY_SHORT + 1;
#else
    const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint32_t skew = (uint32_t)(uintptr_t)key & 7;
    for (uint32_t at = 0; at < KEY_SHORT + 8; at += 8) {
        uint64_t word, ends;
        memcpy(&word, key - skew + at, 8);
        ends = ~(((word & low7) + low7) | word | low7); /* 0x80 where a byte is 0 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        ends = at ? ends : ends >> skew * 8 << skew * 8;
        if (ends)
            return at - skew + (uint32_t)__builtin_ctzll(ends) / 8;
#else
        ends = at ? ends : ends << skew * 8 >> skew * 8;
        if (ends)
            return at - skew + (uint32_t)__builtin_clzll(ends) / 8;
#endif
    }
    return KEY_SHORT + 1;
#endif
}

static inline int key_make(const struct splinter_store *s, const char *key, struct key *out)
{
    if (!key || !*key)
        return -EINVAL;
    size_t len = key_short_length(key);
    if (len > KEY_SHORT)
        len = strnlen(key, SPLINTER_KEY_MAX);
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
    return load_acquire(&s->index_map[chunk / 64]) >> chunk % 64 & 1; /* [<chunk] */
}

/* store_knows(), without the call where the answer is at hand. */
static inline bool file_reaches(struct splinter_store *s, uint64_t end_units)
{
    return end_units <= load_relaxed(&s->known_units) || store_knows(s, end_units);
}

static inline bool key_equal(const void *a, const char *b, uint32_t len)
{
    if (len > KEY_SHORT)
        return payload_equal(a, b, len);
    struct key_ends x = key_ends_of(a, len), y = key_ends_of(b, len);
    return !((x.first ^ y.first) | (x.last ^ y.last));
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

/* The slot of a bucket that has the hash, the last of them; if none has, the first slot.
 *
 * Which one it is, is computed, not branched on: that branch could not be predicted, and while it
 * waits for the bucket's cache line nothing behind it is fetched.
 *
 * Acquire: with a new hash comes the head that was stored before it.  Pairs with the store of hash
 * in insert_at(). */
static inline struct slot *slot_with_hash(struct bucket *bucket, uint64_t hash)
{
    struct slot *slots = bucket->slot, *slot = slots;
    slot = load_acquire(&slots[1].hash) == hash ? slots + 1 : slot; /* [<visible] */
    slot = load_acquire(&slots[2].hash) == hash ? slots + 2 : slot;
    return slot;
}

/*
 * Find a key.  1: found, as of out->head, which the caller validates (head_unchanged) after it
 * has read what it wants; 0: not there at some moment of the call; -EAGAIN: too many races.
 */
int index_find_anywhere(struct splinter_store *s, const struct key *key, struct found *out,
                        uint32_t *retries);

/* The same, in line. */
__attribute__((always_inline)) static inline int index_find(struct splinter_store *s, const struct key *key, struct found *out,
                             uint32_t *retries)
{
    /* Nearly all keys lie in their home bucket, each with a hash of its own. */
    if (index_present(s, key->home)) {
        struct bucket *bucket = &s->index[key->home];
        struct slot *slot = slot_with_hash(bucket, key->hash);
        uint64_t found = load_acquire(&slot->hash);
        /* Acquire: the record was written before.  Pairs with the CAS that publishes. [<publish] */
        uint64_t head = load_acquire(&slot->head);
        uint32_t ref = HEAD_REF(head);
        /* A vacant head is the highest reference. */
        if (found == key->hash && ref < load_relaxed(&s->plain_units)) {
            struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
            if (load_relaxed(&rec->key_len) == key->len && key_equal(rec + 1, key->s, key->len)) {
                *out = (struct found){slot,
                                      (uint64_t)key->home * BUCKET_SLOTS +
                                          (uint32_t)(slot - bucket->slot),
                                      head, rec, key->home};
                return 1;
            }
        }
    }
    /* Copies, so that what the caller has in registers stays there. */
    struct found there;
    struct key copy = *key;
    uint32_t lost = *retries;
    int r = index_find_anywhere(s, &copy, &there, &lost);
    *retries = lost;
    if (r > 0)
        *out = there;
    return r;
}

#endif
