/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - buckets, probing, the insert lock
 *
 * Linear probing over buckets of one cache line.  bucket.overflow counts the keys that went past
 * the bucket, so a probe for a key that is not there stops early, and nothing has to be
 * cleaned after an unset.
 *
 * Invariants
 *  - A key with home bucket h that lies in bucket b is counted in the overflow of h .. b-1.  The
 *    count is raised before the key becomes visible and lowered after it is gone; a
 *    death in between leaves it too high, which costs a longer probe (recover.c mends it).
 *  - A key enters or leaves the index only under its insert lock: it is there at most once.
 *  - A head changes 0 -> record (insert), record -> record of the same key (update), record -> 0
 *    (unset).  No head value comes twice within 2^32 epochs.
 *  - The index is a hole of the file where its bit in the index map is 0: such a chunk is empty
 *    and must not be touched, for a hole of a full /dev/shm is a SIGBUS.
 */
#define XXH_INLINE_ALL
#include <sched.h>
#include <time.h>
#include <xxhash.h>

#include "internal.h"

#define LOCK_WAIT_NS UINT64_C(100000000) /* for a live owner that does not go on */

/* XXH3: https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md */
uint64_t key_hash(const struct splinter_store *s, const void *key, uint32_t len)
{
    return XXH3_64bits_withSeed(key, len, s->geo.seed);
}

/* D. Lemire, "Fast Random Integer Generation in an Interval", 2019: multiply instead of divide. */
uint32_t hash_home(const struct splinter_store *s, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * s->geo.buckets >> 32);
}

int key_make(const struct splinter_store *s, const char *key, struct key *out)
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

bool index_present(const struct splinter_store *s, uint32_t bucket)
{
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    /* Acquire: the pages were reserved before the bit was set.  Pairs with index_ensure(). */
    return load_acquire(&s->index_map[chunk / 64]) >> chunk % 64 & 1;
}

/* Make the chunk of this bucket usable.  Reserving twice is harmless. */
int index_ensure(struct splinter_store *s, uint32_t bucket)
{
    if (index_present(s, bucket))
        return 0;
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    uint64_t size = CHUNK_BUCKETS * sizeof(struct bucket);
    int r = backing_reserve(s->fd, s->geo.index_off + chunk * size, size);
    if (!r)
        fetch_or_acq_rel(&s->index_map[chunk / 64], UINT64_C(1) << chunk % 64);
    return r;
}

/* The record a head refers to; NULL if its first unit is not inside the file. */
struct record *record_at(struct splinter_store *s, uint64_t head)
{
    uint32_t ref = HEAD_REF(head);
    if (!store_knows(s, (uint64_t)ref + 1))
        return NULL;
    return (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
}

static bool record_has_key(struct splinter_store *s, uint64_t head, const struct record *rec,
                           const struct key *key)
{
    return load_relaxed(&rec->key_len) == key->len &&
           store_knows(s, HEAD_REF(head) + (uint64_t)(sizeof *rec + key->len + UNIT - 1) / UNIT) &&
           payload_equal(rec + 1, key->s, key->len);
}

/*
 * Find a key.  1: found, as of out->head, which the caller validates (head_unchanged) after it
 * has read what it wants; 0: not there at some moment of the call; -EAGAIN: too many races.
 */
int index_find(struct splinter_store *s, const struct key *key, struct found *out,
               uint32_t *retries)
{
    uint32_t b = key->home;
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        if (!index_present(s, b))
            return 0;
        struct bucket *bucket = &s->index[b];
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            struct slot *slot = &bucket->slot[i];
            /* Acquire: with a new hash comes the head that was stored before it.  Pairs with the
             * store of hash in insert_at(). */
            if (load_acquire(&slot->hash) != key->hash)
                continue;
            for (;;) {
                /* Acquire: the record was written before.  Pairs with the CAS that publishes. */
                uint64_t head = load_acquire(&slot->head);
                if (!head)
                    break;
                struct record *rec = record_at(s, head);
                if (rec && record_has_key(s, head, rec, key)) {
                    *out = (struct found){slot, (uint64_t)b * BUCKET_SLOTS + i, head, rec, b};
                    return 1;
                }
                /* Another key with this hash, a slot whose new hash is on its way, or a
                 * record that was replaced while we looked. */
                if (head_unchanged(slot, head))
                    break;
                if (++*retries > RACES_MAX)
                    return -EAGAIN;
            }
        }
        if (!load_acquire(&bucket->overflow))
            return 0;
    }
    return 0;
}

/* ---- the insert lock ----
 *
 * Two words, each for one key: its holder's lane and 18 bits of the hash.  A process that is
 * stopped while it holds one so holds up its own key, not the others of the bucket.
 */

static uint32_t lock_value(const struct lane_private *lane, const struct key *key)
{
    return (uint32_t)(key->hash & 0x3ffff) << 14 | (lane->number + 1);
}

static uint64_t now_monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* 1: got it; 0: not now, *blocker is the word in the way. */
static int try_lock(struct bucket *bucket, uint32_t mine, uint32_t *blocker)
{
    uint32_t seen[2] = {load_acquire(&bucket->lock[0]), load_acquire(&bucket->lock[1])};
    for (int i = 0; i < 2; i++)
        if (seen[i] && seen[i] >> 14 == mine >> 14) {
            *blocker = seen[i];
            return 0;
        }
    for (int i = 0; i < 2; i++) {
        uint32_t expected = 0;
        /* Sequentially consistent, and so is the look at the other word: of two that take a
         * word each for the same key, at least one sees the other. */
        if (seen[i] || !cas_seq_cst(&bucket->lock[i], &expected, mine))
            continue;
        uint32_t other = load_seq_cst(&bucket->lock[!i]);
        if (other && other >> 14 == mine >> 14 && other != mine) {
            store_release(&bucket->lock[i], 0);
            *blocker = other;
            return 0;
        }
        return 1;
    }
    *blocker = seen[0] ? seen[0] : seen[1];
    return 0;
}

/* The chunk of the home bucket is there.  0, or -EAGAIN after a bounded wait for a process that
 * lives but does not go on. */
int index_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_value(lane, key), blocker = 0;
    lane->shared->lock = key->home + 1; /* a cleaner looks there for our number */
    crash_order();
    uint64_t begin = 0;
    for (uint32_t tries = 1;; tries++) {
        if (try_lock(bucket, mine, &blocker))
            return 0;
        if (tries < 100) {
            cpu_relax();
            continue;
        }
        if (tries % 64 == 0) {
            /* A free word means only that two met; else see whether the holder is alive. */
            if (blocker && (blocker & 0x3fff))
                registry_reap(s, ((blocker & 0x3fff) - 1) >> 4);
            uint64_t now = now_monotonic();
            if (!begin)
                begin = now;
            if (now - begin > LOCK_WAIT_NS)
                break;
            if (now - begin > LOCK_WAIT_NS / 100) {
                struct timespec nap = {.tv_nsec = 50000 + (lane->number * 7919 + tries) % 20000};
                nanosleep(&nap, NULL);
            }
        }
        if (blocker && tries % 8 == 0)
            sched_yield();
        else
            cpu_relax();
    }
    crash_order();
    lane->shared->lock = 0;
    return -EAGAIN;
}

void index_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_value(lane, key);
    /* Release: what was done under the lock.  Pairs with the CAS of the next holder. */
    for (int i = 0; i < 2; i++)
        if (load_relaxed(&bucket->lock[i]) == mine)
            store_release(&bucket->lock[i], 0);
    crash_order();
    lane->shared->lock = 0;
}
