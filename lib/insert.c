/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insert.c - a set of a key that is not there
 *
 * Invariants
 *  - A key enters the index only under its lock, after a look under that lock that did not find it.
 *    An insert claims a vacant slot, and then makes the key visible there.
 *  - A key that stays away is counted nowhere: what an attempt has counted it takes back.
 */
#include <errno.h>

#include "atomic.h"
#include "change.h"
#include "fault.h"
#include "feed.h"
#include "handle.h"
#include "index.h"
#include "insert.h"
#include "key.h"
#include "lane.h"
#include "lock.h"
#include "owner.h"

/* Claim the slot c->found, which was seen vacant. */
static int claim_slot(struct splinter_store *s, struct change *c, const struct key *key,
                      uint64_t becomes)
{
    uint64_t vacant = 0;
    struct slot *slot = c->found.slot;
    if (s->has_feed)
        feed_prepare_set(s, c->lane, c->record, key->s, key->len);
    open_change(s, c, LANE_INSERT, becomes, 0);
    if (!cas_seq_cst(&slot->current, &vacant, becomes)) { /* [>publish] */
        fault_point("insert: slot lost");
        close_change(c->lane);
        return AGAIN;
    }
    crash_order();
    fault_point("insert: claimed");
    /* Makes the key visible; seq_cst, as it comes before the load of the wait word. */
    store_seq_cst(&slot->hash, key->hash); /* [>visible] */
    crash_order();
    fault_point("insert: visible");
    if (s->has_feed)
        feed_tell(s, c->lane->feed, slot, becomes);
    store_relaxed(&c->lane->shared->spare[c->at], 0);
    fault_point("insert: block given");
    close_change(c->lane);
    c->lane->spare_class[c->at] = 0;
    return DONE;
}

/* Put the record into a vacant slot of the probe chain.  The lane has the lock of the key, and the
 * key is not there. */
static int insert_somewhere(struct splinter_store *s, struct change *c, const struct key *key)
{
    uint32_t b = key->home;
    uint64_t becomes = CURRENT(c->epoch, c->lane->spare_ref[c->at]);
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        int r = index_ensure(s, b);
        if (r) {
            lower_overflow(s, key, b);
            return r;
        }
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            struct slot *slot = &s->index[b].slot[i];
            if (load_relaxed(&slot->current))
                continue;
            c->found = (struct lookup){.slot = slot, .bucket = b};
            if (claim_slot(s, c, key, becomes) == DONE)
                return DONE;
        }
        fetch_add_seq_cst(&s->index[b].overflow, 1);
        fault_point("overflow: raised");
    }
    for (uint32_t n = 0; n < s->geo.buckets; n++)
        fetch_sub_seq_cst(&s->index[n].overflow, 1);
    return NO_SLOT;
}

/* key_insert(), with the lock of the key. */
static int insert_locked(struct splinter_store *s, struct change *c, const struct key *key,
                         const struct set_args *args)
{
    uint32_t races = 0;
    int r = index_find_anywhere(s, key, &c->found, &races);
    if (r)
        return r > 0 ? AGAIN : r;
    /* Under the lock of the key: a process that changes that slot first, and then looks for the key
     * under its lock, finds what is inserted here. */
    const struct lookup *w = args->only_while;
    if (w && load_seq_cst(&w->slot->current) != w->current)
        return -ESTALE;
    r = keys_reserve(s);
    if (r)
        return r;
    /* Taken under the lock, so it is later than that of the unset that removed the key before. */
    c->epoch = args->epoch ? args->epoch : epoch_take(s);
    fault_point("insert: epoch taken");
    store_relaxed(&c->record->type, (uint16_t)args->type);
    seal(c, args->epoch ? args->revision : 1, s->durable, owner_marks(args->owner));
    r = insert_somewhere(s, c, key);
    if (r != DONE)
        keys_release(s);
    return r;
}

int key_insert(struct splinter_store *s, struct change *c, const struct key *key,
               const struct set_args *args)
{
    if (args->flags & SPLINTER_IF_EPOCH)
        return -ENOENT;
    int r = index_ensure(s, key->home);
    if (!r)
        r = key_lock(s, c->lane, key, true);
    if (r)
        return r;
    r = insert_locked(s, c, key, args);
    key_unlock(s, c->lane, key);
    return r;
}
