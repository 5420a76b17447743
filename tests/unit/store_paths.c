/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_paths.c - the fast path and the slow one do the same
 *
 * A set without options, or a get with a whole meta or none, takes the fast path if it can; a set
 * with options that ask for nothing, or a get with a meta that is short, never does.  One random
 * sequence of calls is played on two stores, once each way.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store.h"

#define PATHS_KEYS 40
#define PATHS_SLOTS 32 /* it is full now and then */
#define PATHS_VALUE 200

static struct side {
    struct place place;
    splinter_store *store;
    bool slow;
} sides[2];

static uint64_t seed;
static unsigned step;

static unsigned below(unsigned limit)
{
    return (unsigned)(random_next(&seed) >> 33) % limit;
}

static const struct splinter_meta no_meta = {.struct_size = sizeof(no_meta)};

/* What a call came to; what it does not return is 0. */
struct outcome {
    int rc;
    size_t len;
    uint64_t epoch;
    int64_t sum;
    unsigned char bytes[PATHS_VALUE];
};

static void same(const struct outcome *fast, const struct outcome *slow, const char *call,
                 const char *key)
{
    ck_assert_msg(fast->rc == slow->rc && fast->len == slow->len && fast->epoch == slow->epoch &&
                      fast->sum == slow->sum &&
                      !memcmp(fast->bytes, slow->bytes, sizeof(fast->bytes)),
                  "step %u: %s %s: result %d, %d; length %zu, %zu; epoch %llu, %llu", step, call,
                  key, fast->rc, slow->rc, fast->len, slow->len, (unsigned long long)fast->epoch,
                  (unsigned long long)slow->epoch);
}

/* One call of any kind, with what it is called with. */
struct call {
    unsigned kind; /* 0 to 99 */
    char key[64];
    size_t len;
    unsigned char val[PATHS_VALUE];
    struct splinter_set_options options;
};

static const char *make_call(struct call *c)
{
    unsigned k = below(PATHS_KEYS);

    c->kind = below(100);
    /* One key in eight is too long for the fast path.  Three values in four have one size of
     * block, so that the spare that a set leaves fits the next one. */
    snprintf(c->key, sizeof(c->key), "%s%u", k % 8 ? "key" : "a-key-of-more-than-16-", k);
    c->len = 1 + (below(4) ? 20 + below(40) : below(PATHS_VALUE));
    for (size_t i = 0; i < c->len; i++)
        c->val[i] = (unsigned char)random_next(&seed);
    c->options = (struct splinter_set_options){.struct_size = sizeof(c->options)};
    if (c->kind < 4)
        c->options.type = 1 + below(1000);
    else if (c->kind < 6)
        c->options.ttl_ns = c->kind == 4 ? 1 : UINT64_C(3600000000000);
    else if (c->kind < 8)
        c->options.flags = SPLINTER_IF_ABSENT;
    return c->kind < 50   ? "set"
           : c->kind < 52 ? "append"
           : c->kind < 54 ? "add"
           : c->kind < 65 ? "unset"
                          : "get";
}

static struct outcome play(const struct side *side, const struct call *c)
{
    struct splinter_meta meta = {.struct_size = side->slow ? SHORT_META : sizeof(meta)};
    struct outcome o = {.rc = 0};
    splinter_store *s = side->store;
    bool with_meta = c->len % 2;

    if (c->kind < 50)
        o.rc = splinter_store_set(s, c->key, c->val, c->len,
                                  side->slow ? &c->options : if_any(&c->options), &o.epoch);
    else if (c->kind < 52)
        o.rc = splinter_store_append(s, c->key, c->val, c->len, &o.epoch);
    else if (c->kind < 54)
        o.rc = splinter_store_add(s, c->key, (int64_t)c->len, &o.sum);
    else if (c->kind < 65)
        o.rc = splinter_store_unset(s, c->key, 0, &o.len);
    else
        o.rc = splinter_store_get(s, c->key, o.bytes, c->kind < 70 ? c->len : sizeof(o.bytes),
                                  &o.len, side->slow || with_meta ? &meta : NULL);
    if (with_meta) { /* how long it lives is not the same on both sides */
        o.epoch += meta.epoch;
        o.sum += meta.type + meta.revision + (int64_t)meta.value_size + (meta.ttl_ns > 0);
    }
    return o;
}

/* Every key has the same value, epoch, revision and type on both sides; so have the stores. */
static void same_stores(void)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    struct splinter_stat stats[2];
    int rc;

    while ((rc = splinter_store_walk(sides[0].store, NULL, &cursor, key, NULL)) == 1) {
        struct splinter_meta metas[2] = {no_meta, no_meta};
        struct outcome o[2] = {{.rc = 0}, {.rc = 0}};

        for (int i = 0; i < 2; i++)
            o[i].rc = splinter_store_get(sides[i].store, key, o[i].bytes, sizeof(o[i].bytes),
                                         &o[i].len, &metas[i]);
        same(&o[0], &o[1], "compare", key);
        ck_assert_uint_eq(metas[0].epoch, metas[1].epoch);
        ck_assert_uint_eq(metas[0].revision, metas[1].revision);
        ck_assert_uint_eq(metas[0].type, metas[1].type);
        ck_assert_int_eq(metas[0].ttl_ns > 0, metas[1].ttl_ns > 0);
    }
    ck_assert_int_eq(rc, 0);
    for (int i = 0; i < 2; i++) {
        stats[i] = stat_of(sides[i].store);
        ck_assert_int_eq(check_store(sides[i].store), 0);
    }
    ck_assert_uint_eq(stats[0].keys, stats[1].keys);
    ck_assert_uint_eq(stats[0].epoch, stats[1].epoch);
}

/* [P1] [P8] What the fast paths return, and leave, is what the slow ones do. */
START_TEST(fast_calls_and_slow_calls_do_the_same)
{
    static struct call call;

    seed = support_seed + (uint64_t)_i;
    for (int i = 0; i < 2; i++) {
        sides[i].store = place_make(&sides[i].place, _i, PATHS_SLOTS, PATHS_VALUE);
        sides[i].slow = i;
    }
    for (step = 0; step < repeated(40000); step++) {
        const char *name = make_call(&call);
        struct outcome fast = play(&sides[0], &call), slow = play(&sides[1], &call);

        same(&fast, &slow, name, call.key);
        if (step % 1000 == 999)
            same_stores();
        if (step % 1500 == 1499) /* in a file, what is there now is replaced another way */
            for (int i = 0; i < 2; i++)
                ck_assert_int_eq(splinter_store_sync(sides[i].store), 0);
    }
    same_stores();
    for (int i = 0; i < 2; i++)
        place_end(&sides[i].place, sides[i].store);
}
END_TEST

TCase *path_tests(void)
{
    TCase *tcase = group("paths", 120);

    ADD(fast_calls_and_slow_calls_do_the_same);
    return tcase;
}
