/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compound.c - append, touch and add
 *
 * Invariant: each reads a value, computes the new one, and sets that only if the key still has the
 * epoch that was read.  If another writer was faster, it begins again.  Type, end of life and owner
 * stay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "get.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "set.h"

#define OUTRUN 1 /* another writer was faster */

/* Set the new value if the key still is as it was read; `was` is NULL if it was absent.  0, OUTRUN,
 * or an errno. */
static int set_if_same(struct splinter_store *s, const struct key *key, const void *val, size_t len,
                       const struct stored *was, uint64_t *out_epoch)
{
    struct set_args args = {.flags = SPLINTER_IF_ABSENT};
    if (was)
        args = (struct set_args){.flags = SPLINTER_IF_EPOCH,
                                 .type = was->meta.type,
                                 .if_epoch = was->meta.epoch,
                                 .expiry = was->expiry,
                                 .owner = was->owner};
    int r = key_set(s, key, val, len, &args, out_epoch);
    if (r == -EEXIST || r == -ESTALE || (was && r == -ENOENT))
        return OUTRUN;
    return r;
}

/* Set the key to its value with these bytes behind it.  An absent key is set to the bytes; if there
 * are none, -ENOENT.  len is at most the store's max_value. */
static int extend(struct splinter_store *s, const struct key *key, const void *val, size_t len,
                  uint64_t *out_epoch)
{
    int r = 0;
    uint8_t *buf = NULL;
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        struct stored was;
        r = get_stored(s, key, NULL, 0, &was);
        if (r == -ENOENT && len) {
            r = set_if_same(s, key, val, len, NULL, out_epoch);
        } else if (!r) {
            size_t old = was.meta.value_size;
            r = -EMSGSIZE;
            if (old > s->geo.max_value - len)
                break;
            uint8_t *more = realloc(buf, old + len);
            r = -ENOMEM;
            if (!more)
                break;
            buf = more;
            r = get_stored(s, key, buf, old, &was);
            if (r == -ENOENT || r == -EMSGSIZE) {
                r = OUTRUN;
            } else if (!r) {
                memcpy(buf + was.meta.value_size, val, len);
                r = set_if_same(s, key, buf, was.meta.value_size + len, &was, out_epoch);
            }
        }
        if (r != OUTRUN)
            break;
    }
    free(buf);
    return r == OUTRUN ? -EAGAIN : r;
}

static int key_to_change(struct splinter_store *s, const char *name, struct key *key)
{
    int r = key_make(s, name, key);
    return r ? r : s->read_only ? -EROFS : 0;
}

int splinter_store_append(splinter_store *s, const char *name, const void *val, size_t len,
                          uint64_t *out_epoch)
{
    struct key key;
    if (!s || !val || !len)
        return -EINVAL;
    int r = key_to_change(s, name, &key);
    if (r)
        return r;
    if (len > s->geo.max_value)
        return -EMSGSIZE;
    return extend(s, &key, val, len, out_epoch);
}

int splinter_store_touch(splinter_store *s, const char *name, uint64_t *out_epoch)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_to_change(s, name, &key);
    if (r)
        return r;
    return extend(s, &key, "", 0, out_epoch);
}

int splinter_store_add(splinter_store *s, const char *name, int64_t delta, int64_t *out_value)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_to_change(s, name, &key);
    if (r)
        return r;
    struct set_args fresh = {.flags = SPLINTER_IF_ABSENT, .type = SPLINTER_TYPE_INT64};
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        struct stored was;
        int64_t value = 0;
        r = get_stored(s, &key, &value, sizeof value, &was);
        bool absent = r == -ENOENT;
        if (absent)
            value = 0;
        else if (r == -EMSGSIZE || (!r && (was.meta.value_size != sizeof value ||
                                          was.meta.type != SPLINTER_TYPE_INT64)))
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
            r = set_if_same(s, &key, &value, sizeof value, &was, NULL);
            if (r == OUTRUN)
                continue;
        }
        if ((!r || r == -EINPROGRESS) && out_value)
            *out_value = value;
        return r;
    }
    return -EAGAIN;
}
