/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compound.c - append and add
 *
 * Invariant: each reads a value, computes the new one, and sets that only if the key still has the
 * epoch that was read.  If another writer was faster, it begins again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "set.h"

/* What became of one attempt; or a negative errno. */
enum attempt { DONE, OUTRUN };

/* Set the new value if the key still is as it was read; `was` is NULL if it was absent. */
static int set_if_same(struct splinter_store *s, const struct key *key, const void *val, size_t len,
                       const struct splinter_meta *was, uint64_t *out_epoch)
{
    struct set_args args = {.flags = SPLINTER_IF_ABSENT};
    if (was) {
        args = (struct set_args){.flags = SPLINTER_IF_EPOCH,
                                 .type = was->type,
                                 .if_epoch = was->epoch};
        if (was->ttl_ns)
            args.expiry = now_realtime() + was->ttl_ns;
    }
    int r = key_set(s, key, val, len, &args, out_epoch);
    if (r == -EEXIST || r == -ESTALE || (was && r == -ENOENT))
        return OUTRUN;
    return r;
}

int splinter_store_append(splinter_store *s, const char *name, const void *val, size_t len,
                          uint64_t *out_epoch)
{
    struct key key;
    if (!s || !val || !len)
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (r)
        return r;
    if (s->read_only)
        return -EROFS;
    if (len > s->geo.max_value)
        return -EMSGSIZE;
    uint8_t *buf = NULL;
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        struct splinter_meta m = {.struct_size = sizeof m};
        size_t old = 0;
        r = splinter_store_get(s, name, NULL, 0, &old, &m);
        if (r == -ENOENT) {
            r = set_if_same(s, &key, val, len, NULL, out_epoch);
        } else if (!r) {
            r = -EMSGSIZE;
            if (old > s->geo.max_value - len)
                break;
            uint8_t *more = realloc(buf, old + len);
            r = -ENOMEM;
            if (!more)
                break;
            buf = more;
            size_t got;
            r = splinter_store_get(s, name, buf, old, &got, &m);
            if (r == -ENOENT || r == -EMSGSIZE)
                continue;
            if (r)
                break;
            memcpy(buf + got, val, len);
            r = set_if_same(s, &key, buf, got + len, &m, out_epoch);
        }
        if (r != OUTRUN)
            break;
    }
    free(buf);
    return r == OUTRUN ? -EAGAIN : r;
}

int splinter_store_add(splinter_store *s, const char *name, int64_t delta, int64_t *out_value)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (r)
        return r;
    if (s->read_only)
        return -EROFS;
    struct set_args fresh = {.flags = SPLINTER_IF_ABSENT, .type = SPLINTER_TYPE_INT64};
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        struct splinter_meta m = {.struct_size = sizeof m};
        int64_t value = 0;
        size_t len = 0;
        r = splinter_store_get(s, name, &value, sizeof value, &len, &m);
        bool absent = r == -ENOENT;
        if (absent)
            value = 0;
        else if (r == -EMSGSIZE || (!r && (len != sizeof value || m.type != SPLINTER_TYPE_INT64)))
            return -EINVAL;
        else if (r)
            return r;
        if (__builtin_add_overflow(value, delta, &value))
            return -ERANGE;
        if (sizeof value > s->geo.max_value)
            return -EMSGSIZE;
        if (absent) {
            r = key_set(s, &key, &value, sizeof value, &fresh, NULL);
            if (r == -EEXIST)
                continue;
        } else {
            r = set_if_same(s, &key, &value, sizeof value, &m, NULL);
            if (r == OUTRUN)
                continue;
        }
        if (!r && out_value)
            *out_value = value;
        return r;
    }
    return -EAGAIN;
}
