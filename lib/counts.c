/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts.c - mend the counts that a dead process left too high
 *
 * A process that dies inside an insert or unset may leave header.keys and overflow counts too high.
 * This file counts again while no insert or unset is under way: each of them holds an insert lock
 * and changes the high half of header.keys.  The excess found in this way stays the same whatever
 * others do afterwards, since only a death adds to it.  So the excess is subtracted, instead of the
 * true value being stored.
 *
 * Invariants
 *  - A count is never too low.
 *  - A cleaner sets header.counts_dirty before it releases an insert lock of a dead process.  It is
 *    0 again only when the counts have been right since.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "attach.h"
#include "counts.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"
#include "registry.h"

/* Does any process hold an insert lock? */
static bool any_lock_held(struct splinter_store *s)
{
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        if (load_acquire(&s->index[b].lock[0]) || load_acquire(&s->index[b].lock[1]))
            return true;
    }
    return false;
}

/* What the number of keys should be, and, unless overflow is NULL, the overflow count of each
 * bucket. */
static void count_all(struct splinter_store *s, uint32_t *overflow, uint32_t *keys)
{
    /* A key counts in each bucket from its home up to the one before its own.  First note where
     * that begins and ends, then add up.  So one pass is enough, however far from home a damaged
     * index has its keys. */
    uint32_t running = 0;
    *keys = 0;
    if (overflow)
        memset(overflow, 0, s->geo.buckets * sizeof *overflow);
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            uint64_t hash;
            if (!index_current_hash(s, &s->index[b].slot[i], &hash))
                continue;
            ++*keys;
            if (!overflow)
                continue;
            uint32_t home = hash_home(s, hash);
            overflow[home]++;
            overflow[b]--;
            running += home > b; /* it counts up to the last bucket, and on from the first */
        }
    }
    for (uint32_t b = 0; overflow && b < s->geo.buckets; b++)
        overflow[b] = running += overflow[b];
}

/* Turn what the overflow counts should be into how much too high they are. */
static void excess_of(struct splinter_store *s, uint32_t *overflow)
{
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        uint32_t has = index_present(s, b) ? load_relaxed(&s->index[b].overflow) : 0;
        overflow[b] = has > overflow[b] ? has - overflow[b] : 0;
    }
}

#define HELD_MAX 256u

/* An insert lock that a process holds, and the slot that its key is in. */
struct held {
    uint32_t lane;
    const struct slot *slot; /* NULL: the key is in none, */
    uint64_t current;        /* else what the slot then had */
};

/* The slot that has this hash, and is not vacant; NULL: none. */
static const struct slot *slot_of_hash(struct splinter_store *s, uint64_t hash)
{
    uint32_t b = hash_home(s, hash);
    for (uint32_t n = 0; n < s->geo.buckets && index_present(s, b); n++, b = index_next(s, b)) {
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            const struct slot *slot = &s->index[b].slot[i];
            if (load_acquire(&slot->hash) == hash && load_acquire(&slot->current)) /* [<visible] */
                return slot;
        }
        if (!load_acquire(&s->index[b].overflow))
            break;
    }
    return NULL;
}

/* Add a lock that is held, unless its lane is listed: a lane has one lock at a time. */
static uint32_t list_lane(struct splinter_store *s, struct held *held, uint32_t count,
                          uint32_t number)
{
    const struct lane *lane = lane_shared(s, number);
    for (uint32_t i = 0; i < count; i++)
        if (held[i].lane == number)
            return count;
    if (!lane || count == HELD_MAX)
        return HELD_MAX;
    const struct slot *slot = slot_of_hash(s, load_relaxed(&lane->hash));
    held[count] = (struct held){number, slot, slot ? load_acquire(&slot->current) : 0};
    return count + 1;
}

/* List the locks that are held, beside those that are listed.  HELD_MAX: they are too many. */
static uint32_t list_held(struct splinter_store *s, struct held *held, uint32_t count)
{
    for (uint32_t b = 0; b < s->geo.buckets && count < HELD_MAX; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        for (int i = 0; i < 2; i++) {
            uint32_t word = load_acquire(&s->index[b].lock[i]);
            if (word)
                count = list_lane(s, held, count, lock_holder(word));
        }
    }
    return count;
}

/*
 * The keys that inserts and unsets under way may have counted, and that are in no slot.  Each has a
 * lock, and counts at most one key.  If that key was in the same slot with the same record before
 * and after the keys were counted, it is among them.
 */
static uint32_t uncounted(struct splinter_store *s, const struct held *held, uint32_t listed,
                          uint32_t count)
{
    uint32_t n = count - listed;
    for (uint32_t i = 0; i < listed; i++) {
        const struct lane *lane = lane_shared(s, held[i].lane);
        n += !held[i].slot || !lane || load_acquire(&held[i].slot->current) != held[i].current ||
             slot_of_hash(s, load_relaxed(&lane->hash)) != held[i].slot;
    }
    return n;
}

/* This takes no lock: a process that holds an insert lock, or that mends, may be stopped.  What
 * header.keys has beyond the keys and those that are under way is too much, provided that no
 * process changed it meanwhile. */
void counts_lower(struct splinter_store *s)
{
    struct held held[HELD_MAX];
    uint64_t before = load_seq_cst(&s->header->keys);
    uint32_t keys, listed = list_held(s, held, 0);
    count_all(s, NULL, &keys);
    uint32_t count = list_held(s, held, listed);
    if (count < HELD_MAX) {
        int64_t excess = (int64_t)(uint32_t)before - keys - uncounted(s, held, listed, count);
        if (excess > 0)
            cas_seq_cst(&s->header->keys, &before, before - (uint64_t)excess);
    }
    fault_point("counts: keys lowered");
}

int counts_mend(struct splinter_store *s)
{
    if (!load_acquire(&s->header->counts_dirty) || s->read_only)
        return 0;
    uint32_t *overflow = malloc((size_t)s->geo.buckets * sizeof *overflow);
    if (!overflow)
        return -ENOMEM;
    pthread_mutex_lock(&s->mutex);
    int result = attach_locks_own(s);
    if (!result && !(result = registry_lock_repair(s))) {
        result = -EAGAIN;
        for (int tries = 0; tries < 10 && result; tries++) {
            /* The cleaner of a process that dies from now on sets COUNTS_DIRTY again.  If this
             * process dies, the mark stays. */
            uint32_t mark = COUNTS_BEING_MENDED;
            store_seq_cst(&s->header->counts_dirty, mark);
            fault_point("counts: mark changed");
            uint64_t before = load_seq_cst(&s->header->keys);
            uint32_t keys;
            if (any_lock_held(s))
                continue;
            count_all(s, overflow, &keys);
            excess_of(s, overflow);
            if (any_lock_held(s) || load_seq_cst(&s->header->keys) != before)
                continue;
            uint32_t excess = (uint32_t)before - keys;
            uint64_t expected = before;
            /* Compare-and-swap, because a subtraction could borrow from the high half. */
            if (!cas_seq_cst(&s->header->keys, &expected, before - excess))
                continue;
            fault_point("counts: keys mended");
            for (uint32_t b = 0; b < s->geo.buckets; b++)
                if (overflow[b]) {
                    fetch_sub_seq_cst(&s->index[b].overflow, overflow[b]);
                    fault_point("counts: overflow mended");
                }
            if (cas_seq_cst(&s->header->counts_dirty, &mark, 0))
                result = 0;
            fault_point("counts: mark removed");
        }
        registry_unlock_repair(s);
    }
    pthread_mutex_unlock(&s->mutex);
    free(overflow);
    return result;
}
