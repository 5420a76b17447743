/* SPDX-License-Identifier: Apache-2.0 */
/* model_keys.c - random calls that concern a key; see model.h */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOUR_NS UINT64_C(3600000000000)

static unsigned char val[MODEL_MAX + 8], out[MODEL_MAX + 1];

static unsigned handle_number(const struct handle *h)
{
    return h >= handles && h < handles + MODEL_HANDLES ? (unsigned)(h - handles) : MODEL_HANDLES;
}

/* Random bytes in val; how many.  Now and then they are `most`. */
static size_t make_value(size_t most)
{
    unsigned longest = one_in(8) ? (unsigned)most : most < 200 ? (unsigned)most : 200;
    size_t len = one_in(50) ? most : 1 + pick(longest);

    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = random_next(&model->seed);

        memcpy(val + i, &word, 8);
    }
    return len;
}

/* What a call that would set the key returns if no condition is in its way. */
static int may_set(const struct handle *h, const struct model_key *k)
{
    return h->read_only ? -EROFS : k->there || model->there < model->slots ? 0 : -ENOSPC;
}

/* As result_is().  While somebody holds, old versions may fill the file. */
static bool set_result_is(int rc, int want)
{
    if (rc == -ENOSPC && !want && model->holds)
        want = -ENOSPC;
    result_is(rc, want);
    return !rc;
}

/* The epoch of a value just set, by way of another handle. */
static uint64_t epoch_of(const struct model_key *k)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    int rc = splinter_store_get(pick_handle()->store, k->name, NULL, 0, NULL, &meta);

    if (rc)
        model_wrong("step %u: what was set is not there: %d", model->step, rc);
    return meta.epoch;
}

/* Until what was to live for a nanosecond has expired. */
static void let_time_pass(void)
{
    uint64_t now = boot_ns();

    while (boot_ns() <= now + 1)
        ;
}

/* The set succeeded, at some time since `before`. */
static void has_set(const struct handle *h, struct model_key *k,
                    const struct splinter_set_options *options, size_t len, uint64_t epoch,
                    uint64_t before)
{
    if (!(options->flags & SPLINTER_KEEP_TYPE) || !k->there)
        k->type = options->type;
    k->owner = options->flags & SPLINTER_EPHEMERAL ? h->number : 0;
    k->owner_pid = (uint32_t)getpid();
    k->len = len;
    memcpy(k->val, val, len);
    k->end_from = options->ttl_ns ? before + options->ttl_ns : 0;
    k->end_to = options->ttl_ns ? boot_ns() + options->ttl_ns : 0;
    if (options->ttl_ns == 1)
        let_time_pass();
    model_changed(k, epoch ? epoch : options->ttl_ns == 1 ? model->epoch + 1 : epoch_of(k));
    if (options->ttl_ns == 1)
        model_gone(k, true);
}

void try_set(struct handle *h, struct model_key *k)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    size_t len = make_value(model->max);
    uint64_t epoch = 0, before;
    int want = may_set(h, k), rc;

    if (one_in(2))
        options.type = pick(one_in(2) ? 5 : 65536);
    if (options.type == SPLINTER_TYPE_INT64 && one_in(2))
        len = sizeof(int64_t);
    if (one_in(5))
        options.ttl_ns = one_in(4) ? 1 : HOUR_NS + pick(1000000);
    if (one_in(5)) {
        options.flags = SPLINTER_IF_ABSENT;
        want = h->read_only ? -EROFS : k->there ? -EEXIST : want;
    } else if (one_in(4)) {
        options.flags = SPLINTER_IF_EPOCH;
        options.if_epoch = k->epoch - one_in(3);
        want = h->read_only                   ? -EROFS
               : !k->there                    ? -ENOENT
               : options.if_epoch == k->epoch ? 0
                                              : -ESTALE;
    }
    if (one_in(5))
        options.flags |= SPLINTER_KEEP_TYPE;
    if (one_in(5))
        options.flags |= SPLINTER_EPHEMERAL;
    if (!h->read_only && one_in(100)) {
        len = model->max + 1;
        want = -EMSGSIZE;
    }
    note("handle %u: set %.20s, %zu bytes, type %u, flags %#x, if_epoch %" PRIu64 ", ttl %" PRIu64,
         handle_number(h), k->name, len, options.type, options.flags, options.if_epoch,
         options.ttl_ns);
    before = boot_ns();
    rc = splinter_store_set(h->store, k->name, val, len, if_any(&options),
                            one_in(4) ? NULL : &epoch);
    if (set_result_is(rc, want))
        has_set(h, k, &options, len, epoch, before);
}

void try_append(struct handle *h, struct model_key *k)
{
    size_t len = make_value(k->there && k->len < model->max ? model->max - k->len : model->max);
    uint64_t epoch = 0;
    int want = may_set(h, k), rc;

    len += one_in(8) && len < model->max; /* may be one too many */
    if (!h->read_only && k->there && k->len + len > model->max)
        want = -EMSGSIZE;
    note("handle %u: append to %.20s, %zu bytes", handle_number(h), k->name, len);
    rc = splinter_store_append(h->store, k->name, val, len, &epoch);
    if (!set_result_is(rc, want))
        return;
    if (!k->there)
        k->end_from = k->end_to = k->len = k->type = 0;
    memcpy(k->val + k->len, val, len);
    k->len += len;
    model_changed(k, epoch);
}

void try_touch(struct handle *h, struct model_key *k)
{
    uint64_t epoch = 0;
    int rc;

    note("handle %u: touch %.20s", handle_number(h), k->name);
    rc = splinter_store_touch(h->store, k->name, &epoch);
    if (set_result_is(rc, h->read_only ? -EROFS : k->there ? 0 : -ENOENT))
        model_changed(k, epoch);
}

void try_add(struct handle *h, struct model_key *k)
{
    int64_t was = 0, sum = 0, said = 0, delta = (int64_t)random_next(&model->seed);
    int want = may_set(h, k), rc;

    if (one_in(2))
        delta >>= 8;
    if (!h->read_only && k->there && (k->type != SPLINTER_TYPE_INT64 || k->len != sizeof(was)))
        want = -EINVAL;
    else if (k->there)
        memcpy(&was, k->val, k->len < sizeof(was) ? k->len : sizeof(was));
    if (!want && __builtin_add_overflow(was, delta, &sum))
        want = -ERANGE;
    note("handle %u: add %" PRId64 " to %.20s", handle_number(h), delta, k->name);
    rc = splinter_store_add(h->store, k->name, delta, &said);
    if (!set_result_is(rc, want))
        return;
    if (said != sum)
        model_wrong("step %u: %" PRId64 ", not %" PRId64, model->step, said, sum);
    if (!k->there)
        k->end_from = k->end_to = 0;
    k->type = SPLINTER_TYPE_INT64;
    k->len = sizeof(sum);
    memcpy(k->val, &sum, sizeof(sum));
    model_changed(k, epoch_of(k));
}

void try_unset(struct handle *h, struct model_key *k)
{
    uint64_t condition = one_in(2) ? 0 : k->epoch - one_in(2);
    size_t len = 0;
    int want = !k->there ? -ENOENT : condition && condition != k->epoch ? -ESTALE : 0, rc;

    if (h->read_only)
        want = -EROFS;
    note("handle %u: unset %.20s, if_epoch %" PRIu64, handle_number(h), k->name, condition);
    rc = splinter_store_unset(h->store, k->name, condition, &len);
    result_is(rc, want);
    if (rc == -ENOENT)
        model_lingers_not(k);
    if (rc)
        return;
    if (len != k->len)
        model_wrong("step %u: %zu bytes, not %zu", model->step, len, k->len);
    model_gone(k, false);
}

void try_get(struct handle *h, struct model_key *k)
{
    struct splinter_meta meta = {.struct_size = one_in(2) ? sizeof(meta) : SHORT_META};
    bool with_meta = one_in(2), with_buf = !one_in(8);
    size_t size = one_in(8) ? pick(300) : MODEL_MAX, n = 0;
    int want = !k->there ? -ENOENT : with_buf && k->len > size ? -EMSGSIZE : 0;
    uint64_t before = boot_ns();
    int rc;

    out[size] = 0x5a;
    note("handle %u: get %.20s into %zu bytes%s%s", handle_number(h), k->name, size,
         with_buf ? "" : ", no buffer", with_meta ? ", with meta" : "");
    rc = splinter_store_get(h->store, k->name, with_buf ? out : NULL, size, &n,
                            with_meta ? &meta : NULL);
    result_is(rc, want);
    if (out[size] != 0x5a)
        model_wrong("step %u: it wrote past the end of the buffer", model->step);
    if (rc && rc != -EMSGSIZE)
        return;
    if (n != k->len || (with_buf && !rc && memcmp(out, k->val, n)))
        model_wrong("step %u: %zu bytes, not %zu, or others", model->step, n, k->len);
    if (with_meta)
        meta_is(k, &meta, before);
}

/* Looks once: what is newer than an epoch is there, or is not. */
void try_wait(struct handle *h, struct model_key *k)
{
    uint64_t since = one_in(3) ? 0 : k->epoch - one_in(2), epoch = 0;
    int want = k->there ? since == k->epoch ? -ETIMEDOUT : 0 : since ? -ENOENT : -ETIMEDOUT;

    note("handle %u: wait for %.20s, newer than %" PRIu64, handle_number(h), k->name, since);
    result_is(splinter_store_wait(h->store, k->name, since, 0, &epoch), want);
    if (!want && epoch != k->epoch)
        model_wrong("step %u: epoch %" PRIu64 ", not %" PRIu64, model->step, epoch, k->epoch);
    if (!model->epoch)
        return;
    note("handle %u: wait for any change since before %" PRIu64, handle_number(h), model->epoch);
    result_is(splinter_store_wait_any(h->store, model->epoch - 1, 0, NULL), 0);
}
