/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unset.c - unset: of a key, of an expired key, of all expired keys
 *
 * The invariants of a change are in change.c.  An unset empties slot.current under the lock of the
 * key.  Until the change is closed, lane.hash tells the cleaner of a dead process which key it was
 * (key_lock() has set it).
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "attach.h"
#include "change.h"
#include "expiry.h"
#include "fault.h"
#include "feed.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"
#include "lock.h"
#include "owner.h"
#include "sync.h"
#include "unset.h"
#include "walk.h"

/* What became of an attempt to unset a key; or a negative errno. */
enum removal { AGAIN, REMOVED, EXPIRED };

/* What a feed tells, by what had become of the life of the record: enum life. */
static const uint8_t event_of[] = {SPLINTER_EVENT_UNSET, SPLINTER_EVENT_EXPIRED,
                                   SPLINTER_EVENT_OWNER_GONE};

/* Unset what was found.  *out_len is the length of the value. */
static int unset_found(struct splinter_store *s, struct change *c, const struct key *key,
                       const struct unset_args *args, size_t *out_len)
{
    const struct lookup *found = &c->found;
    uint64_t epoch = load_relaxed(&found->rec->epoch), expiry = load_relaxed(&found->rec->expiry);
    uint64_t owner = owner_of(found->rec, expiry);
    uint32_t len = load_relaxed(&found->rec->value_len), marks = load_relaxed(&found->rec->marks);
    uint32_t revision = load_relaxed(&found->rec->revision);
    uint16_t type = load_relaxed(&found->rec->type);
    struct old_block old = old_block_of(s, found);
    if (!still_current(found->slot, found->current))
        return AGAIN;
    int over = life_over(s, expiry, owner);
    if (over < 0)
        return over;
    if (args->expired_only && !over)
        return -ENOENT;
    if (!over && args->if_epoch && epoch != args->if_epoch)
        return -ESTALE;
    acknowledge(s, found->slot, found->current, found->rec);
    c->epoch = epoch_take(s);
    fault_point("unset: epoch taken");
    uint64_t expected = found->current;
    bool keep = must_keep(s, epoch) || (s->durable && marks & RECORD_OLDER);
    if (s->has_feed)
        feed_prepare(s, c->lane, &(struct feed_news){.epoch = c->epoch,
                                                     .key = key->s,
                                                     .key_len = key->len,
                                                     .revision = revision,
                                                     .type = type,
                                                     .what = event_of[over]});
    open_change(s, c, keep ? LANE_UNSET | LANE_KEEP : LANE_UNSET, 0, old.id);
    if (!cas_seq_cst(&found->slot->current, &expected, 0)) {
        fault_point("unset: lost");
        close_change(c->lane);
        return AGAIN;
    }
    crash_order();
    fault_point("unset: vacated");
    c->lane->shared->done = 1;
    crash_order();
    fault_point("unset: done");
    if (s->has_feed)
        feed_tell(s, c->lane->feed, NULL, 0);
    lower_overflow(s, key, found->bucket);
    if (keep) {
        store_relaxed(&found->rec->marks, marks | RECORD_UNSET);
        fault_point("retire: unset noted");
        retire(s, c->lane, c->at, found->current, c->epoch);
    } else {
        recycle(c, &old);
    }
    c->lane->last = c->at;
    lane_settle(s, c->lane, c->at);
    keys_release(s);
    if (owner)
        owner_less(s, owner);
    if (out_len)
        *out_len = len;
    return over ? EXPIRED : REMOVED;
}

/* key_unset(), with the lock of the key.  Returns an enum removal, but not AGAIN, or an errno. */
static int unset_locked(struct splinter_store *s, struct lane_private *lane, const struct key *key,
                        const struct unset_args *args, size_t *out_len)
{
    struct change c = {.lane = lane, .at = lane_spare_empty(s, lane)};
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = index_find_anywhere(s, key, &c.found, &races);
        if (r <= 0)
            return r ? r : -ENOENT;
        r = unset_found(s, &c, key, args, out_len);
        if (r != AGAIN)
            return r;
    }
    return -EAGAIN;
}

int key_unset(struct splinter_store *s, const struct key *key, const struct unset_args *args,
              size_t *out_len)
{
    if (s->read_only)
        return -EROFS;
    struct lookup found;
    uint32_t races = 0;
    int r = index_find_anywhere(s, key, &found, &races);
    if (r < 0 || (!r && !args->in_any_case))
        return r ? r : -ENOENT;
    r = attach_own(s);
    if (r)
        return r;
    if (args->in_any_case) {
        /* Where there cannot be a key yet, there is none.  A writer that makes that possible, and
         * then looks whether it may still insert one (set_args.only_while), finds what the caller
         * has changed before. */
        fence_seq_cst(); /* [=chunk-absent] */
        if (!index_present(s, key->home))
            return -ENOENT;
    }
    struct lane_private *lane = lane_acquire(s);
    /* A get that finds an expired key removes it in passing, and does not wait for the lock. */
    r = feed_ready(s, lane);
    if (!r)
        r = key_lock(s, lane, key, !args->expired_only);
    if (!r) {
        r = unset_locked(s, lane, key, args, out_len);
        key_unlock(s, lane, key);
    }
    lane_release(s, lane);
    if (r > 0)
        announce(s, &s->index[key->home]);
    if (r == REMOVED)
        return args->unsynced ? 0 : sync_if_due(s);
    /* No get found the expired key any more.  Now its bytes are gone also. */
    return r == EXPIRED ? (args->expired_only ? 0 : -ENOENT) : r;
}

int splinter_store_unset(splinter_store *s, const char *name, uint64_t if_epoch, size_t *out_len)
{
    struct key key;
    if (!s)
        return -EINVAL;
    struct unset_args args = {.if_epoch = if_epoch};
    int r = key_make(s, name, &key);
    return r ? r : key_unset(s, &key, &args, out_len);
}

int splinter_store_sweep(splinter_store *s)
{
    if (!s)
        return -EINVAL;
    if (s->read_only)
        return -EROFS;
    if (!load_relaxed(&s->header->ttl_used))
        return 0;
    const struct unset_args args = {.expired_only = true};
    struct walked w;
    uint64_t cursor = 0, claim, next = UINT64_MAX;
    uint32_t lives;
    int r, swept = 0;
    bool tells = expiry_telling(s, &claim, &lives);
    while ((r = walk_next(s, &cursor, &w))) {
        if (r == WALK_KEY && w.meta.ttl_ns) {
            uint64_t end = expiry_after(s, w.meta.ttl_ns);
            next = end < next ? end : next;
        } else if (r == WALK_EXPIRED) {
            int unset = key_unset(s, &w.key, &args, NULL);
            swept += !unset;
            if (unset && unset != -ENOENT) /* somebody has the key in his hands: again later */
                tells = false;
        }
    }
    if (tells)
        expiry_told(s, claim, lives, next);
    if (swept)
        sync_trim_much(s);
    return swept;
}
