/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.c - leases: a key that one holder at a time has, and that goes with its holder
 *
 * A lease is an ephemeral key that was set because it was absent.  Its token is the epoch of its
 * record.  The epochs of a key only rise, so each holder has a larger token than all before it.
 *
 * Invariants
 *  - While a lease has a holder that lives, and its time is not over, no other can acquire it:
 *    SPLINTER_IF_ABSENT asks for both.
 *  - A renewal and a release change the key only if its epoch is still the token.  So who has lost
 *    a lease changes nothing of the next holder's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "expiry.h"
#include "get.h"
#include "handle.h"
#include "key.h"
#include "set.h"
#include "sized.h"
#include "unset.h"
#include "wait.h"

/* Options of an acquire: type and ttl_ns, the *life of the lease. */
static int take_options(struct set_args *args, uint64_t *life,
                        const struct splinter_set_options *options)
{
    struct splinter_set_options o = {0};
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (r)
        return r;
    if (o.flags || o.if_epoch || o.type > 65535)
        return -EINVAL;
    *args = (struct set_args){.flags = SPLINTER_IF_ABSENT | SPLINTER_EPHEMERAL, .type = o.type};
    *life = o.ttl_ns;
    return 0;
}

#define RACES 1000 /* looks at the same holder, who then seems to be gone, and is not */

/* Wait until the holder of the lease may have changed.  0, or why the wait is over; -EEXIST: the
 * key is no lease.  *token is that of the holder whom the last look has met, *looks their number.
 * */
static int wait_for_holder(struct splinter_store *s, const struct key *key, uint64_t end,
                           uint64_t *token, uint32_t *looks)
{
    struct stored holder;
    int r = get_stored(s, key, NULL, 0, &holder);
    if (!r && holder.meta.epoch != *token) {
        *token = holder.meta.epoch;
        *looks = 0;
    }
    if (++*looks > RACES)
        return -EAGAIN; /* no library has left the store like that */
    if (r)
        return r == -ENOENT ? 0 : r;
    if (!holder.owner)
        return -EEXIST;
    uint64_t now = now_monotonic(), left = end > now ? end - now : 0;
    uint64_t ms = end == UINT64_MAX ? SPLINTER_FOREVER : left / 1000000 + (left % 1000000 != 0);
    r = key_wait(s, key, holder.meta.epoch, ms, NULL);
    return r == -ENOENT ? 0 : r;
}

int splinter_lease_acquire(splinter_store *s, const char *name, const void *val, size_t len,
                           const struct splinter_set_options *options, uint64_t timeout_ms,
                           uint64_t *token)
{
    struct key key;
    struct set_args args;
    char pid[24];
    if (!s || !token || !val != !len)
        return -EINVAL;
    uint64_t life = 0, end = now_and(timeout_ms), other = 0;
    uint32_t looks = 0;
    int r = take_options(&args, &life, options);
    if (!r)
        r = key_make(s, name, &key);
    if (r)
        return r;
    if (!val) {
        len = (size_t)snprintf(pid, sizeof pid, "%ld", (long)getpid());
        val = pid;
        args.type = args.type ? args.type : SPLINTER_TYPE_TEXT;
    }
    if (len > s->geo.max_value)
        return -EMSGSIZE;
    for (;;) {
        args.expiry = life ? expiry_after(s, life) : 0;
        r = key_set(s, &key, val, len, &args, token);
        if (r != -EEXIST)
            return r;
        r = wait_for_holder(s, &key, end, &other, &looks);
        if (r)
            return r;
    }
}

/* The lease, if the token is still that of its holder; else -ESTALE.  The size of its value is
 * out->meta.value_size. */
static int held(struct splinter_store *s, const struct key *key, uint64_t token, void *buf,
                size_t buf_size, struct stored *out)
{
    int r = get_stored(s, key, buf, buf_size, out);
    if (r && r != -EMSGSIZE)
        return r == -ENOENT ? -ESTALE : r;
    return !out->owner || out->meta.epoch != token ? -ESTALE : r;
}

static int lost(int r)
{
    return r == -ENOENT ? -ESTALE : r;
}

int splinter_lease_renew(splinter_store *s, const char *name, uint64_t ttl_ns, uint64_t *token)
{
    struct key key;
    struct stored lease;
    uint8_t few[256], *buf = few;
    if (!s || !token || !*token)
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (!r)
        r = s->read_only ? -EROFS : held(s, &key, *token, few, sizeof few, &lease);
    if (r == -EMSGSIZE) { /* of one token there is one value, so it keeps its size */
        size_t size = lease.meta.value_size;
        buf = malloc(size);
        r = buf ? held(s, &key, *token, buf, size, &lease) : -ENOMEM;
        r = r == -EMSGSIZE ? -ESTALE : r;
    }
    if (!r) {
        struct set_args args = {.flags = SPLINTER_IF_EPOCH | SPLINTER_EPHEMERAL,
                                .type = lease.meta.type,
                                .if_epoch = *token,
                                .expiry = ttl_ns ? expiry_after(s, ttl_ns) : 0};
        r = lost(key_set(s, &key, buf, lease.meta.value_size, &args, token));
    }
    if (buf != few)
        free(buf);
    return r;
}

int splinter_lease_release(splinter_store *s, const char *name, uint64_t token)
{
    struct key key;
    struct stored lease;
    if (!s || !token)
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (!r)
        r = s->read_only ? -EROFS : held(s, &key, token, NULL, 0, &lease);
    const struct unset_args args = {.if_epoch = token};
    return r ? r : lost(key_unset(s, &key, &args, NULL));
}
