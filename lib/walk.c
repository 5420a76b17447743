/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - go over all keys
 *
 * Invariant: a key stays in its slot until it is unset, so a cursor over the slots meets it exactly
 * once.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "expiry.h"
#include "extent.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "sized.h"
#include "walk.h"

/* The key in a slot, and its metadata.  WALK_END: no key is visible there. */
static enum walk read_slot(struct splinter_store *s, struct slot *slot, char key[SPLINTER_KEY_MAX],
                           struct splinter_meta *meta)
{
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        uint64_t hash = load_acquire(&slot->hash), current = load_acquire(&slot->current);
        struct record *rec = current ? record_at(s, current) : NULL;
        if (!rec)
            return WALK_END;
        uint32_t len = load_relaxed(&rec->key_len);
        bool sane = len && len < SPLINTER_KEY_MAX &&
                    file_covers(s, CURRENT_REF(current) + (sizeof *rec + len + UNIT - 1) / UNIT);
        uint64_t expiry = load_relaxed(&rec->expiry);
        *meta = (struct splinter_meta){.struct_size = sizeof *meta,
                                       .epoch = load_relaxed(&rec->epoch),
                                       .value_size = load_relaxed(&rec->value_len),
                                       .type = load_relaxed(&rec->type),
                                       .revision = load_relaxed(&rec->revision),
                                       .retries = races};
        if (sane) {
            payload_copy(key, rec + 1, len);
            key[len] = '\0';
        }
        if (!still_current(slot, current))
            continue;
        /* The key is still being inserted, and no reader sees it yet; or it is no key that a set
         * could have written. */
        if (!sane || key_hash(s, key, len) != hash || strlen(key) != len)
            return WALK_END;
        if (expiry_passed(s, expiry))
            return WALK_EXPIRED;
        meta->ttl_ns = expiry_left(s, expiry);
        return WALK_KEY;
    }
    return WALK_END;
}

enum walk walk_next(struct splinter_store *s, uint64_t *cursor, char key[SPLINTER_KEY_MAX],
                    struct splinter_meta *meta)
{
    uint64_t end = (uint64_t)s->geo.buckets * BUCKET_SLOTS;
    while (*cursor < end) {
        uint32_t b = (uint32_t)(*cursor / BUCKET_SLOTS), i = (uint32_t)(*cursor % BUCKET_SLOTS);
        if (!index_present(s, b)) {
            *cursor = (uint64_t)(b / CHUNK_BUCKETS + 1) * CHUNK_BUCKETS * BUCKET_SLOTS;
            continue;
        }
        ++*cursor;
        enum walk r = read_slot(s, &s->index[b].slot[i], key, meta);
        if (r)
            return r;
    }
    return WALK_END;
}

int splinter_store_walk(splinter_store *s, const char *prefix, uint64_t *cursor, char *key,
                        struct splinter_meta *meta)
{
    if (!s || !cursor || !key || !sized_may_give(meta))
        return -EINVAL;
    size_t len = prefix ? strlen(prefix) : 0;
    char found[SPLINTER_KEY_MAX];
    struct splinter_meta m;
    enum walk r;
    while ((r = walk_next(s, cursor, found, &m))) {
        if (r == WALK_EXPIRED || (len && strncmp(found, prefix, len)))
            continue;
        strcpy(key, found);
        if (meta)
            sized_give(meta, &m, sizeof m);
        return 1;
    }
    return 0;
}
