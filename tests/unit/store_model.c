/* SPDX-License-Identifier: Apache-2.0 */
/* store_model.c - random operations, against a model */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store.h"

#define MODEL_KEYS 200
#define MODEL_SLOTS 150
#define MODEL_MAX 700

/* What a key should be. */
struct entry {
    bool there;
    uint32_t type, revision;
    size_t len;
    uint64_t epoch;
    unsigned char val[MODEL_MAX];
};

/* One operation. */
struct step {
    unsigned number;
    unsigned op; /* 0 to 99 */
    char key[64];
    struct entry *entry;
    unsigned char val[MODEL_MAX];
    size_t len;
    uint64_t epoch; /* that it got, if it wrote */
};

static struct entry model[MODEL_KEYS];
static unsigned count; /* of keys that are there */
static uint64_t seed;

static void result_is(const struct step *step, const char *what, int rc, int want)
{
    ck_assert_msg(rc == want, "step %u: %s %s: %d, not %d", step->number, what, step->key, rc,
                  want);
}

static int error_if_full(const struct entry *m)
{
    return m->there || count < MODEL_SLOTS ? 0 : -ENOSPC;
}

/* Each of these says if it has written something.  A set, with or without a condition. */
static bool try_set(struct step *step)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    struct entry *m = step->entry;
    int want = error_if_full(m), rc;

    options.type = (uint32_t)(random_next(&seed) >> 48);
    if (step->op < 10) {
        options.flags = SPLINTER_IF_ABSENT;
        if (m->there)
            want = -EEXIST;
    } else if (step->op < 20) {
        options.flags = SPLINTER_IF_EPOCH;
        options.if_epoch = step->op < 16 ? m->epoch : m->epoch - 1;
        want = !m->there ? -ENOENT : step->op < 16 ? 0 : -ESTALE;
    }
    if (step->len % 8 == 0)
        options.flags |= SPLINTER_KEEP_TYPE;
    rc = splinter_store_set(store, step->key, step->val, step->len, &options, &step->epoch);
    result_is(step, "set", rc, want);
    if (rc)
        return false;
    if (!(options.flags & SPLINTER_KEEP_TYPE) || !m->there)
        m->type = options.type;
    m->len = step->len;
    memcpy(m->val, step->val, step->len);
    return true;
}

static bool try_append(struct step *step)
{
    struct entry *m = step->entry;
    int want = m->there && m->len + step->len > MODEL_MAX ? -EMSGSIZE : error_if_full(m);
    int rc = splinter_store_append(store, step->key, step->val, step->len, &step->epoch);

    result_is(step, "append", rc, want);
    if (rc)
        return false;
    if (!m->there)
        m->len = m->type = 0;
    memcpy(m->val + m->len, step->val, step->len);
    m->len += step->len;
    return true;
}

static bool try_touch(struct step *step)
{
    int rc = splinter_store_touch(store, step->key, &step->epoch);

    result_is(step, "touch", rc, step->entry->there ? 0 : -ENOENT);
    return !rc;
}

static bool try_add(struct step *step)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    struct entry *m = step->entry;
    int64_t was = 0, sum = 0, delta = (int64_t)random_next(&seed) >> 8;
    int want = error_if_full(m), rc;

    if (m->there && (m->type != SPLINTER_TYPE_INT64 || m->len != 8))
        want = -EINVAL;
    else if (m->there)
        memcpy(&was, m->val, 8);
    if (!want && __builtin_add_overflow(was, delta, &sum))
        want = -ERANGE;
    rc = splinter_store_add(store, step->key, delta, &was);
    result_is(step, "add", rc, want);
    if (rc)
        return false;
    ck_assert(was == sum);
    m->type = SPLINTER_TYPE_INT64;
    m->len = 8;
    memcpy(m->val, &sum, 8);
    ck_assert_int_eq(splinter_store_get(store, step->key, NULL, 0, NULL, &meta), 0);
    step->epoch = meta.epoch;
    return true;
}

static bool try_unset(struct step *step)
{
    struct entry *m = step->entry;
    uint64_t condition = step->op < 75 ? 0 : step->op < 80 ? m->epoch : m->epoch + 1;
    int want = !m->there ? -ENOENT : step->op < 80 ? 0 : -ESTALE;
    size_t n = 0;
    int rc = splinter_store_unset(store, step->key, condition, &n);

    result_is(step, "unset", rc, want);
    if (!rc) {
        ck_assert_uint_eq(n, m->len);
        m->there = false;
        count--;
    }
    return false;
}

static bool try_get(struct step *step)
{
    static unsigned char out[MODEL_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    const struct entry *m = step->entry;
    size_t n = 0;
    int rc = splinter_store_get(store, step->key, out, sizeof(out), &n, &meta);

    result_is(step, "get", rc, m->there ? 0 : -ENOENT);
    if (!rc) {
        ck_assert_uint_eq(n, m->len);
        ck_assert(!memcmp(out, m->val, n));
        ck_assert_uint_eq(meta.epoch, m->epoch);
        ck_assert_uint_eq(meta.type, m->type);
        ck_assert_uint_eq(meta.revision, m->revision);
    }
    return false;
}

static bool try_step(struct step *step)
{
    return step->op < 50   ? try_set(step)
           : step->op < 55 ? try_append(step)
           : step->op < 60 ? try_add(step)
           : step->op < 63 ? try_touch(step)
           : step->op < 85 ? try_unset(step)
                           : try_get(step);
}

START_TEST(random_operations_match_a_model)
{
    static struct step step;

    memset(model, 0, sizeof(model)); /* if Check does not fork, the last round is in it */
    count = 0;
    seed = support_seed + (uint64_t)_i;
    make_store(_i, MODEL_SLOTS, MODEL_MAX);
    for (step.number = 0; step.number < repeated(20000); step.number++) {
        unsigned k = (unsigned)(random_next(&seed) >> 33) % MODEL_KEYS;
        struct entry *m = step.entry = &model[k];

        step.op = (unsigned)(random_next(&seed) >> 33) % 100;
        step.len = 1 + (random_next(&seed) >> 33) % (random_next(&seed) & 1 ? MODEL_MAX : 40);
        snprintf(step.key, sizeof(step.key), "%.*skey-%u", (int)(k % 40),
                 "------------------------------------------", k);
        for (size_t i = 0; i < step.len; i++)
            step.val[i] = (unsigned char)random_next(&seed);
        if (try_step(&step)) {
            m->revision = m->there ? m->revision + 1 : 1;
            count += !m->there;
            m->there = true;
            ck_assert_uint_gt(step.epoch, m->epoch);
            m->epoch = step.epoch;
        }
        if (step.number % 1000 == 999) {
            ck_assert_uint_eq(walk_count(store, NULL), count);
            ck_assert_uint_eq(stat_of(store).keys, count);
            ck_assert_int_eq(check_store(store), 0);
        }
    }
    end_store();
}
END_TEST

TCase *model_tests(void)
{
    TCase *tcase = group("model", 120);

    ADD(random_operations_match_a_model);
    return tcase;
}
