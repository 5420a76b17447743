/* SPDX-License-Identifier: Apache-2.0 */
/* unset.c - unset: of a key, of one that has expired, of all that have */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "attach.h"
#include "change.h"
#include "expiry.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"
#include "lock.h"
#include "sync.h"
#include "unset.h"
#include "walk.h"

static int unset_locked(struct splinter_store *s, struct lane_private *lane, const struct key *key,
                        uint64_t if_epoch, bool expired_only, size_t *out_len)
{
    uint32_t at, races = 0;
    lane_spare_empty(s, lane, &at);
    lane->shared->hash = key->hash;
    fault_point("unset: hash kept");
    for (;;) {
        struct lookup f;
        int r = index_find_anywhere(s, key, &f, &races);
        if (r <= 0)
            return r ? r : -ENOENT;
        uint64_t epoch = load_relaxed(&f.rec->epoch), expiry = load_relaxed(&f.rec->expiry);
        uint32_t len = load_relaxed(&f.rec->value_len);
        uint64_t old = block_id(CURRENT_REF(f.current), arena_generation(s, CURRENT_REF(f.current)));
        if (!still_current(f.slot, f.current)) {
            if (++races > RACES_MAX)
                return -EAGAIN;
            continue;
        }
        bool over = expiry_passed(s, expiry);
        if (expired_only && !over)
            return -ENOENT;
        if (!over && if_epoch && epoch != if_epoch)
            return -ESTALE;
        acknowledge(s, &f, load_relaxed(&f.rec->lane));
        uint64_t mine = epoch_take(s), expect = f.current;
        fault_point("unset: epoch taken");
        bool keep = must_keep(s, epoch);
        open_change(lane, keep ? LANE_UNSET | LANE_KEEP : LANE_UNSET, f.number, expect, 0, old, at,
                    mine);
        if (!cas_seq_cst(&f.slot->current, &expect, 0)) {
            fault_point("unset: lost");
            close_change(lane);
            if (++races > RACES_MAX)
                return -EAGAIN;
            continue;
        }
        crash_order();
        fault_point("unset: vacated");
        lane->shared->done = 1;
        crash_order();
        fault_point("unset: done");
        lower_overflow(s, key, f.bucket);
        if (keep)
            retire(s, lane, f.current, mine, at);
        else
            recycle(s, lane, f.current, old, at);
        keys_release(s);
        if (out_len)
            *out_len = len;
        return over ? 2 : 1;
    }
}

int key_unset(struct splinter_store *s, const struct key *key, uint64_t if_epoch, bool expired_only,
             size_t *out_len)
{
    if (s->read_only)
        return -EROFS;
    struct lookup f;
    uint32_t races = 0;
    int r = index_find_anywhere(s, key, &f, &races);
    if (r <= 0)
        return r ? r : -ENOENT;
    r = attach_own(s);
    if (r)
        return r;
    struct lane_private *lane = lane_acquire(s);
    /* A get that comes upon an expired key cleans up in passing; it does not wait for that. */
    r = key_lock(s, lane, key, !expired_only);
    if (!r) {
        r = unset_locked(s, lane, key, if_epoch, expired_only, out_len);
        key_unlock(s, lane, key);
    }
    lane_release(s, lane);
    if (r > 0)
        announce(s, &s->index[key->home]);
    if (r == 1)
        return sync_if_due(s);
    /* Expired: it was not there any more for anybody; its bytes are gone now. */
    return r == 2 ? (expired_only ? 0 : -ENOENT) : r;
}

int splinter_store_unset(splinter_store *s, const char *name, uint64_t if_epoch, size_t *out_len)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_make(s, name, &key);
    return r ? r : key_unset(s, &key, if_epoch, false, out_len);
}

int splinter_store_sweep(splinter_store *s)
{
    if (!s)
        return -EINVAL;
    if (s->read_only)
        return -EROFS;
    if (!load_relaxed(&s->header->ttl_used))
        return 0;
    char name[SPLINTER_KEY_MAX];
    struct splinter_meta m;
    uint64_t cursor = 0;
    int r, swept = 0;
    while ((r = walk_next(s, &cursor, name, &m))) {
        struct key key;
        if (r == 2 && !key_make(s, name, &key) && !key_unset(s, &key, 0, true, NULL))
            swept++;
    }
    return swept;
}
