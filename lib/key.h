/* SPDX-License-Identifier: Apache-2.0 */
/* key.h - a key: its length, its hash, and whether another one is the same */
#ifndef SPLINTER_KEY_H
#define SPLINTER_KEY_H

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <errno.h>

#include "atomic.h"
#include "handle.h"
#include "hash.h"

struct key {
    const char *s;
    uint32_t len;  /* without the terminator */
    uint32_t home; /* the bucket where a probe for it begins */
    uint64_t hash;
};

/* ---- the hash of a key ----
 *
 * It is part of the format: every process computes the same hash.  The hash of a key of more than
 * KEY_SHORT bytes is XXH3, https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md.  Most keys are
 * shorter, and for them XXH3 would be a third of a get.  The hash of a short key is one
 * multiplication of its two ends, each mixed with a secret of the store, and the two halves of the
 * product are folded into one: the mixing step of wyhash and of foldhash,
 * https://github.com/orlp/foldhash.  A last multiplication makes the bits that choose the bucket
 * depend on all others.  Without it, short decimal numbers crowd into few buckets.
 */
#define KEY_SHORT 16u

/* The two ends of a short key.  Together they hold every byte of it. */
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

/* The exclusive or of the two halves of the 128-bit product. */
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
    /* The length turns the seed, as keys of different length may have the same ends. */
    uint64_t turned = s->seed2 << (len & 63) | s->seed2 >> (-len & 63);
    return fold(ends.first ^ s->geo.seed, ends.last ^ turned) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t key_hash(const struct splinter_store *s, const void *key, uint32_t len)
{
    if (len <= KEY_SHORT)
        return key_short_hash(s, key_ends_of(key, len), len);
    return XXH3_64bits_withSeed(key, len, s->geo.seed);
}

/* The home bucket of a hash, by a multiplication instead of a division: D. Lemire, "Fast Random
 * Integer Generation in an Interval", 2019. */
static inline uint32_t hash_home(const struct splinter_store *s, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * s->geo.buckets >> 32);
}

/* A sanitizer checks the end of the string itself, not of the aligned word that the end is in. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_HWADDRESS__)
#define KEY_BY_BYTES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(hwaddress_sanitizer)
#define KEY_BY_BYTES 1
#endif
#endif

/*
 * The length of a key of 1 to KEY_SHORT bytes; 0 for an empty one, and more than KEY_SHORT for a
 * longer one.  The function looks for the terminator in aligned words.  An aligned word does not
 * reach into a page, or into a granule of tagged memory, in which the string has no byte; and
 * memcheck can follow it.
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

/* The library has keys of its own in a store.  Such an internal key begins with a zero byte, so no
 * program can name it. */
static inline bool key_is_internal(const char *key, uint32_t len)
{
    return len > 1 && !*key;
}

/* Can these bytes, followed by a zero byte, be a key of a program, or an internal key? */
static inline bool key_is_sane(const char *key, uint32_t len)
{
    return len && len < SPLINTER_KEY_MAX && (strlen(key) == len || key_is_internal(key, len));
}

/* The key of these bytes, 1 to SPLINTER_KEY_MAX - 1, which it does not copy. */
static inline struct key key_of_bytes(const struct splinter_store *s, const char *bytes,
                                      uint32_t len)
{
    uint64_t hash = key_hash(s, bytes, len);
    return (struct key){.s = bytes, .len = len, .hash = hash, .home = hash_home(s, hash)};
}

/* Fill in *out.  0; -EINVAL: the key is NULL or empty; -ENAMETOOLONG. */
static inline int key_make(const struct splinter_store *s, const char *key, struct key *out)
{
    if (!key || !*key)
        return -EINVAL;
    size_t len = key_short_length(key);
    if (len > KEY_SHORT)
        len = strnlen(key, SPLINTER_KEY_MAX);
    if (len >= SPLINTER_KEY_MAX)
        return -ENAMETOOLONG;
    *out = key_of_bytes(s, key, (uint32_t)len);
    return 0;
}

/* Are the len bytes at `a` those of the key at `b`, which has the same length? */
static inline bool key_equal(const void *a, const char *b, uint32_t len)
{
    if (len > KEY_SHORT)
        return payload_equal(a, b, len);
    struct key_ends x = key_ends_of(a, len), y = key_ends_of(b, len);
    return !((x.first ^ y.first) | (x.last ^ y.last));
}

#endif
