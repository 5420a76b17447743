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
#include "extent.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "owner.h"
#include "sized.h"
#include "walk.h"

/* The key in a slot, and its metadata.  WALK_END: no key is visible there. */
static enum walk read_slot(struct splinter_store *s, struct slot *slot, struct walked *out)
{
    struct splinter_meta *meta = &out->meta;
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        uint64_t hash = load_acquire(&slot->hash), current = load_acquire(&slot->current);
        struct record *rec = current ? record_at(s, current) : NULL;
        if (!rec)
            return WALK_END;
        uint32_t len = load_relaxed(&rec->key_len);
        bool sane = len && len < SPLINTER_KEY_MAX &&
                    file_covers(s, CURRENT_REF(current) + (sizeof *rec + len + UNIT - 1) / UNIT);
        uint64_t expiry = load_relaxed(&rec->expiry), owner = owner_of(rec, expiry);
        *meta = (struct splinter_meta){.struct_size = sizeof *meta,
                                       .epoch = load_relaxed(&rec->epoch),
                                       .value_size = load_relaxed(&rec->value_len),
                                       .type = load_relaxed(&rec->type),
                                       .revision = load_relaxed(&rec->revision),
                                       .retries = races};
        if (sane) {
            payload_copy(out->text, rec + 1, len);
            out->text[len] = '\0';
        }
        if (!still_current(slot, current))
            continue;
        if (!sane || !key_is_sane(out->text, len))
            return WALK_END; /* it is no key that a set could have written */
        out->key = key_of_bytes(s, out->text, len);
        if (out->key.hash != hash)
            return WALK_END; /* it is still being inserted, and no reader sees it yet */
        if (life_over(s, expiry, owner) > 0) /* if the kernel cannot be asked, it is there */
            return WALK_EXPIRED;
        meta->ttl_ns = life_left(s, expiry, owner);
        meta->owner = owner ? owner_pid(s, owner) : 0;
        return WALK_KEY;
    }
    return WALK_END;
}

#define AHEAD 6 /* buckets */

/* Records lie anywhere in memory.  So those of a later bucket are fetched while these are read. */
static void fetch_ahead(struct splinter_store *s, uint32_t b)
{
    if (b >= s->geo.buckets || !index_present(s, b))
        return;
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
        uint64_t current = load_relaxed(&s->index[b].slot[i].current);
        const char *rec = current ? (const char *)record_at(s, current) : NULL;
        if (rec) {
            __builtin_prefetch(rec);
            __builtin_prefetch(rec + UNIT);
        }
    }
}

enum walk walk_next(struct splinter_store *s, uint64_t *cursor, struct walked *out)
{
    uint64_t end = (uint64_t)s->geo.buckets * BUCKET_SLOTS;
    while (*cursor < end) {
        uint32_t b = (uint32_t)(*cursor / BUCKET_SLOTS), i = (uint32_t)(*cursor % BUCKET_SLOTS);
        if (!index_present(s, b)) {
            *cursor = (uint64_t)(b / CHUNK_BUCKETS + 1) * CHUNK_BUCKETS * BUCKET_SLOTS;
            continue;
        }
        if (i == 0)
            fetch_ahead(s, b + AHEAD);
        ++*cursor;
        enum walk r = read_slot(s, &s->index[b].slot[i], out);
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
    struct walked found;
    enum walk r;
    while ((r = walk_next(s, cursor, &found))) {
        if (r == WALK_EXPIRED || key_is_internal(found.text, found.key.len) ||
            (len && strncmp(found.text, prefix, len)))
            continue;
        strcpy(key, found.text);
        if (meta)
            sized_give(meta, &found.meta, sizeof found.meta);
        return 1;
    }
    return 0;
}
