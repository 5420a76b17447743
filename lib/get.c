/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get.c - get: the fast path that nearly every call takes, and the slow path for all others
 *
 * Invariants
 *  - A get writes nothing to the store, except that a handle with an entry unsets an expired key.
 *  - What it has read of a record counts only if the slot's current word is afterwards unchanged.
 *  - Where the fast path answers, it answers as the slow path would.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "compiler.h"
#include "extent.h"
#include "fork.h"
#include "get.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "owner.h"
#include "reading.h"
#include "sized.h"
#include "unset.h"

/* FAST_UNITS leave room for a short key and an inlined value. */
static_assert(KEY_SHORT + PAYLOAD_INLINE <= SPLINTER_KEY_MAX, "FAST_UNITS");

/* The common get: a short key in its home bucket, a small value without expiry, and no race; or a
 * key that is absent.  -EAGAIN: anything else, which is left to get_slow().  This path has a third
 * of its instructions and no call, so the processor already works on the cache misses of the next
 * get during this one.  It is compiled twice: with meta, and with NULL for it. */
ALWAYS_INLINE
int get_fast(struct splinter_store *s, const char *name, void *buf, size_t buf_size,
             size_t *out_size, struct splinter_meta *meta)
{
    uint32_t key_len = key_short_length(name);
    if (key_len - 1 >= KEY_SHORT)
        return -EAGAIN;
    uint64_t hash = key_short_hash(s, key_ends_of(name, key_len), key_len);
    uint32_t home = hash_home(s, hash);
    if (!index_present(s, home))
        return -ENOENT;
    struct bucket *bucket = &s->index[home];
    const struct slot *slot = slot_with_hash(bucket, hash);
    if (load_acquire(&slot->hash) != hash) { /* [<visible] */
        /* The key is absent only if one pass over all slots finds its hash in none.  The slot above
         * may have had this hash from a key that left, and have got another one since, while the
         * key is in another slot. */
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++)
            if (load_acquire(&bucket->slot[i].hash) == hash) /* [<visible] */
                return -EAGAIN;
        return load_acquire(&bucket->overflow) ? -EAGAIN : -ENOENT;
    }
    uint64_t current = load_acquire(&slot->current); /* [<publish] */
    /* The current word of a vacant slot gives the highest reference. */
    if (CURRENT_REF(current) >= load_relaxed(&s->fast_units))
        return -EAGAIN;
    const struct record *rec = record_at_ref(s, CURRENT_REF(current));
    size_t len = load_relaxed(&rec->value_len);
    if (load_relaxed(&rec->key_len) != key_len || len > PAYLOAD_INLINE || len > buf_size ||
        load_relaxed(&rec->expiry) || !key_equal(rec + 1, name, key_len))
        return -EAGAIN;
    payload_copy(buf, (const uint8_t *)(rec + 1) + KEY_SHORT, len);
    uint64_t epoch = meta ? load_relaxed(&rec->epoch) : 0;
    uint32_t type = meta ? load_relaxed(&rec->type) : 0;
    uint32_t revision = meta ? load_relaxed(&rec->revision) : 0;
    if (!still_current(slot, current))
        return -EAGAIN;
    if (out_size)
        *out_size = len;
    if (meta) /* each member by a store of its own: no structure is put together to be copied */
        *meta = (struct splinter_meta){.struct_size = sizeof *meta,
                                       .epoch = epoch,
                                       .value_size = len,
                                       .type = type,
                                       .revision = revision};
    return 0;
}

int get_stored(struct splinter_store *s, const struct key *key, void *buf, size_t buf_size,
               struct stored *out)
{
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct lookup f;
        int r = index_find_anywhere(s, key, &f, &races);
        if (r <= 0)
            return r ? r : -ENOENT;
        const struct record *rec = f.rec;
        uint32_t len = load_relaxed(&rec->value_len), from = value_offset(key->len);
        uint64_t expiry = load_relaxed(&rec->expiry), owner = owner_of(rec, expiry);
        struct splinter_meta m = {.struct_size = sizeof m,
                                  .epoch = load_relaxed(&rec->epoch),
                                  .value_size = len,
                                  .type = load_relaxed(&rec->type),
                                  .revision = load_relaxed(&rec->revision),
                                  .retries = races};
        /* Not to be trusted before the current word is seen unchanged, so bounded before use. */
        bool sane = len && len <= s->geo.max_value &&
                    file_covers(s, CURRENT_REF(f.current) +
                                       ((uint64_t)from + len + UNIT - 1) / UNIT);
        if (sane && buf && len <= buf_size) {
            if (!reading_needs_care(s, CURRENT_REF(f.current), from + len))
                payload_copy(buf, (const uint8_t *)rec + from, len);
            else if ((r = reading_copy(s, f.slot, f.current, buf, from, len)) && r != -ESTALE)
                return r;
        }
        if (!still_current(f.slot, f.current))
            continue;
        if (!sane)
            return -EBADMSG;
        int over = life_over(s, expiry, owner);
        if (over < 0)
            return over;
        if (over) {
            /* A reader does not take a place among the writers for that. */
            if (!s->read_only && !unattached(s))
                key_unset(s, key, &(struct unset_args){.expired_only = true}, NULL);
            return -ENOENT;
        }
        m.ttl_ns = life_left(s, expiry, owner);
        m.owner = owner ? owner_pid(s, owner) : 0;
        *out = (struct stored){.meta = m, .expiry = expiry, .owner = owner};
        return buf && len > buf_size ? -EMSGSIZE : 0;
    }
    return -EAGAIN;
}

NOINLINE
static int get_slow(struct splinter_store *s, const char *name, void *buf, size_t buf_size,
                    size_t *out_size, struct splinter_meta *meta)
{
    struct stored stored;
    struct key key;
    if (!s || !sized_may_give(meta))
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (!r)
        r = get_stored(s, &key, buf, buf_size, &stored);
    if (r && r != -EMSGSIZE)
        return r;
    if (out_size)
        *out_size = stored.meta.value_size;
    if (meta)
        sized_give(meta, &stored.meta, sizeof stored.meta);
    return r;
}

/* A structure that does not even reach over the members of the first version is left to the slow
 * path.  No header has declared one. */
NOINLINE
static int get_with_meta(struct splinter_store *s, const char *name, void *buf, size_t buf_size,
                         size_t *out_size, struct splinter_meta *meta)
{
    if (sized_bytes(meta) >= sizeof *meta) {
        int r = get_fast(s, name, buf, buf_size, out_size, meta);
        if (r != -EAGAIN)
            return r;
    }
    return get_slow(s, name, buf, buf_size, out_size, meta);
}

int splinter_store_get(splinter_store *s, const char *name, void *buf, size_t buf_size,
                       size_t *out_size, struct splinter_meta *meta)
{
    if (s && name && buf && !meta) {
        int r = get_fast(s, name, buf, buf_size, out_size, NULL);
        return r != -EAGAIN ? r : get_slow(s, name, buf, buf_size, out_size, NULL);
    }
    if (s && name && buf)
        return get_with_meta(s, name, buf, buf_size, out_size, meta);
    return get_slow(s, name, buf, buf_size, out_size, meta);
}
