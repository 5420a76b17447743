/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.c - the insert lock of a key: taken from the dead, waited for from the living
 *
 * A bucket has two lock words.  Each locks one key: it has the holder's lane and 18 bits of the
 * key's hash.  So a process that is stopped while it holds a word holds up its own key, and not the
 * other keys of the bucket.
 *
 * Invariant: lane.lock names the bucket before a word has the lane's number, and until no word has
 * it any more.  So the cleaner of a dead process finds the word.
 */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "fault.h"
#include "handle.h"
#include "key.h"
#include "lane.h"
#include "lock.h"
#include "reap.h"

/* How long to wait for a live holder that does not go on, and how often to look at it meanwhile.
 * If processors are so scarce that the holder waits for one, so does this thread, and it looks less
 * often. */
#define LOCK_WAIT_NS UINT64_C(1000000000)
#define LOCK_LOOKS 1000
#define LOCK_SPIN_NS UINT64_C(1000000)

/* How long to wait at most while the lock goes from one holder to the next. */
#define LOCK_UNLUCKY_NS UINT64_C(100000000000)

/* A wait for the lock. */
struct wait_for {
    uint64_t begin;  /* of the wait, CLOCK_MONOTONIC; 0: it has not been looked at */
    uint64_t since;  /* when what is in the way was first as it is */
    uint64_t state;  /* of what is in the way, */
    uint32_t looks;  /* and how often it has been found in that state */
};

/* False if the lock was not free; then *blocker is the word in the way, or 0. */
static bool try_lock(struct bucket *bucket, uint32_t mine, uint32_t *blocker)
{
    uint32_t seen[2] = {load_acquire(&bucket->lock[0]), load_acquire(&bucket->lock[1])};
    for (int i = 0; i < 2; i++)
        if (seen[i] && lock_same_key(seen[i], mine)) {
            *blocker = seen[i];
            return false;
        }
    for (int i = 0; i < 2; i++) {
        uint32_t expected = 0;
        /* Sequentially consistent, and so is the load of the other word: if two processes take a
         * word each for the same key, at least one sees the other. [<lock] [=two-words] */
        if (seen[i] || !cas_seq_cst(&bucket->lock[i], &expected, mine))
            continue;
        fault_point("lock: taken");
        uint32_t other = load_seq_cst(&bucket->lock[!i]); /* [=two-words] */
        if (other && lock_same_key(other, mine) && other != mine) {
            store_release(&bucket->lock[i], 0);
            fault_point("lock: backed out");
            *blocker = other;
            return false;
        }
        return true;
    }
    *blocker = seen[0] ? seen[0] : seen[1];
    return false;
}

/* A number that changes when the holder of this lock word goes on, or another one gets it. */
static uint64_t state_of(struct splinter_store *s, uint32_t word)
{
    const struct lane *holder = word ? lane_shared(s, lock_holder(word)) : NULL;
    uint64_t epoch = holder ? load_relaxed(&holder->epoch) : 0;
    return (epoch << 32 ^ word) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Is what is in the way the same for so long that its holder has to be stopped?  Without a blocker,
 * another thread was only faster. */
static bool is_stuck(struct splinter_store *s, const struct bucket *bucket, uint32_t blocker,
                     uint32_t mine, struct wait_for *w)
{
    uint64_t now = now_monotonic(), state = state_of(s, blocker);
    if (blocker && !lock_same_key(blocker, mine)) /* both words have other keys: either may go */
        state = state_of(s, load_relaxed(&bucket->lock[0])) +
                3 * state_of(s, load_relaxed(&bucket->lock[1]));
    if (!w->begin)
        w->begin = now;
    if (!w->looks++ || state != w->state || !blocker) {
        w->state = state;
        w->since = now;
        w->looks = 1;
    }
    return (now - w->since > LOCK_WAIT_NS && w->looks > LOCK_LOOKS) ||
           now - w->begin > LOCK_UNLUCKY_NS;
}

int key_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key,
             bool patient)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_word(key->hash, lane->number), blocker = 0;
    lane->shared->hash = key->hash;
    /* A cleaner looks for our number in that bucket, and so does a check. */
    store_relaxed(&lane->shared->lock, key->home + 1);
    crash_order();
    fault_point("lock: named");
    struct wait_for w = {0};
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
            /* Without a blocker, another thread was only faster.  Else the holder may be dead. */
            if (blocker)
                reap_entry(s, lane_entry(lock_holder(blocker)));
            if (is_stuck(s, bucket, blocker, mine, &w))
                break;
            if (now_monotonic() - w.begin > LOCK_SPIN_NS) {
                not_cancelled(); /* a thread that ended here would keep the lane */
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
    store_release(&lane->shared->lock, 0);
    fault_point("lock: given up");
    return -EAGAIN;
}

void key_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key)
{
    struct bucket *bucket = &s->index[key->home];
    uint32_t mine = lock_word(key->hash, lane->number);
    /* Release: the next holder sees what was done under the lock.  Pairs with its CAS. */
    fault_point("unlock: begun");
    for (int i = 0; i < 2; i++)
        if (load_relaxed(&bucket->lock[i]) == mine)
            store_release(&bucket->lock[i], 0); /* [>lock] */
    crash_order();
    fault_point("unlock: released");
    store_release(&lane->shared->lock, 0);
    fault_point("unlock: forgotten");
}
