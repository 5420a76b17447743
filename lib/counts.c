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

/* What the overflow count of each bucket, and the number of keys, should be. */
static void count_all(struct splinter_store *s, uint32_t *overflow, uint32_t *keys)
{
    /* A key counts in each bucket from its home up to the one before its own.  First note where
     * that begins and ends, then add up.  So one pass is enough, however far from home a damaged
     * index has its keys. */
    uint32_t running = 0;
    *keys = 0;
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
            uint32_t home = hash_home(s, hash);
            overflow[home]++;
            overflow[b]--;
            running += home > b; /* it counts up to the last bucket, and on from the first */
        }
    }
    for (uint32_t b = 0; b < s->geo.buckets; b++)
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

int counts_mend(struct splinter_store *s)
{
    if (!load_acquire(&s->header->counts_dirty) || s->read_only)
        return 0;
    int result = attach_own(s);
    if (result)
        return result;
    uint32_t *overflow = malloc((size_t)s->geo.buckets * sizeof *overflow);
    if (!overflow)
        return -ENOMEM;
    result = -EAGAIN;
    pthread_mutex_lock(&s->mutex);
    if (registry_lock_repair(s) == 0) {
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
