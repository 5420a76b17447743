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
#include <sched.h>
#include <time.h>

#include "index.h"

/* For a live owner that does not go on: long enough that one that only waits for a processor gets it. */
#define LOCK_WAIT_NS UINT64_C(1000000000)
#define LOCK_SPIN_NS UINT64_C(1000000)

/* Make the chunk of this bucket usable.  Reserving twice is harmless. */
int index_ensure(struct splinter_store *s, uint32_t bucket)
{
    if (index_present(s, bucket))
        return 0;
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    uint64_t size = CHUNK_BUCKETS * sizeof(struct bucket);
    int r = backing_reserve(s->fd, s->geo.index_off + chunk * size, size);
    fault_point("index: chunk reserved");
    if (!r)
        fetch_or_acq_rel(&s->index_map[chunk / 64], UINT64_C(1) << chunk % 64); /* [>chunk] */
    fault_point("index: chunk known");
    return r;
}

/* ---- finding a key ---- */

/* Slot i of bucket b, whose hash is that of the key.  1: found; 0: another key's; -EAGAIN. */
static int look_at(struct splinter_store *s, const struct key *key, uint32_t b, uint32_t i,
                   struct found *out, uint32_t *retries)
{
    struct slot *slot = &s->index[b].slot[i];
    for (;;) {
        /* Acquire: the record was written before.  Pairs with the CAS that publishes. [<publish] */
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

int index_find_anywhere(struct splinter_store *s, const struct key *key, struct found *out,
                        uint32_t *retries)
{
    uint32_t b = key->home;
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        if (!index_present(s, b))
            return 0;
        struct bucket *bucket = &s->index[b];
        /* Acquire: with a new hash comes the head that was stored before it.  Pairs with the store
         * of hash in insert_at(). [<visible] */
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

/* ---- the insert lock ----
 *
 * Two words, each for one key: its holder's lane and 18 bits of the hash.  A process that is
 * stopped while it holds one so holds up its own key, not the others of the bucket.
 */

static uint32_t lock_value(const struct lane_private *lane, const struct key *key)
{
    return (uint32_t)(key->hash & 0x3ffff) << 14 | (lane->number + 1);
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
         * word each for the same key, at least one sees the other. [<lock] [=two-words] */
        if (seen[i] || !cas_seq_cst(&bucket->lock[i], &expected, mine))
            continue;
        fault_point("lock: taken");
        uint32_t other = load_seq_cst(&bucket->lock[!i]); /* [=two-words] */
        if (other && other >> 14 == mine >> 14 && other != mine) {
            store_release(&bucket->lock[i], 0);
            fault_point("lock: backed out");
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
int index_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key,
               bool patient)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_value(lane, key), blocker = 0;
    lane->shared->lock = key->home + 1; /* a cleaner looks there for our number */
    crash_order();
    fault_point("lock: named");
    uint64_t begin = 0;
    for (uint32_t tries = 1;; tries++) {
        if (try_lock(bucket, mine, &blocker))
            return 0;
        if (tries < 100) {
            cpu_relax();
            continue;
        }
        if (!patient)
            break;
        if (tries % 64 == 0) {
            /* A free word means only that two met; else see whether the holder is alive. */
            if (blocker && (blocker & 0x3fff))
                reap_entry(s, ((blocker & 0x3fff) - 1) >> 4);
            uint64_t now = now_monotonic();
            if (!begin)
                begin = now;
            if (now - begin > LOCK_WAIT_NS)
                break;
            if (now - begin > LOCK_SPIN_NS) {
                not_cancelled(); /* who goes away here takes the lane along */
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
    fault_point("lock: given up");
    return -EAGAIN;
}

void index_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_value(lane, key);
    /* Release: what was done under the lock.  Pairs with the CAS of the next holder. */
    fault_point("unlock: begun");
    for (int i = 0; i < 2; i++)
        if (load_relaxed(&bucket->lock[i]) == mine)
            store_release(&bucket->lock[i], 0); /* [>lock] */
    crash_order();
    fault_point("unlock: released");
    lane->shared->lock = 0;
    fault_point("unlock: forgotten");
}
