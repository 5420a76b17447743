/* SPDX-License-Identifier: Apache-2.0 */
/* steps_changes.c - scenes: one key is changed */
#include "steps.h"

#include <errno.h>
#include <string.h>

#include "steps_inside.h"

/* Nothing in the store: neither index nor slab has a page. */
static void absent_empty(splinter_store *s)
{
    add_item(s, 3, 0, 0);
    after = items[0];
    fill(&after, '+', 100);
}

/* The last bucket is full: the probe goes on in the first. */
static void absent_wrapping(splinter_store *s)
{
    uint32_t last = buckets_of(s) - 1;

    add_item(s, last, 0, 0);
    for (unsigned i = 1; i <= 3; i++)
        add_item(s, last, i, 30);
    add_item(s, 0, 0, 30);
    after = items[0];
    fill(&after, '+', 100);
}

static void unset_wrapped(splinter_store *s)
{
    present_wrapped(s);
    no_more(&after);
}

static void present_grows(splinter_store *s)
{
    present_first(s);
    fill(&after, '+', LONG_VALUE);
}

static void expired_first(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    must(set_item(s, &items[0], 1, 0), "preparing");
    no_more(&items[0]);
    neighbours(s, 0);
    after = items[0];
}

static void expired_comes(splinter_store *s)
{
    expired_first(s);
    fill(&after, '+', 100);
}

static void appended(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    neighbours(s, 0);
    after = items[0];
    memset(after.bytes + 100, '+', 50);
    after.len = 150;
}

static void counted(splinter_store *s)
{
    int64_t n = 42;

    add_item(s, 2, 0, 0);
    must(splinter_store_add(s, items[0].key, 40, NULL), "preparing");
    neighbours(s, 2);
    items[0].there = true;
    items[0].len = sizeof(n);
    n = 40;
    memcpy(items[0].bytes, &n, sizeof(n));
    after = items[0];
    n = 42;
    memcpy(after.bytes, &n, sizeof(n));
}

static void counted_first(splinter_store *s)
{
    int64_t n = 2;

    add_item(s, 2, 0, 0);
    neighbours(s, 2);
    after = items[0];
    after.there = true;
    after.len = sizeof(n);
    memcpy(after.bytes, &n, sizeof(n));
}

static int act_set_for_a_while(splinter_store *s)
{
    return set_item(s, &after, UINT64_C(3600000000000), 0);
}

static int act_set_if_absent(splinter_store *s)
{
    return set_item(s, after.there ? &after : items, 0, SPLINTER_IF_ABSENT);
}

static int act_set_if_epoch(splinter_store *s)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};

    must(splinter_store_get(s, after.key, NULL, 0, NULL, &meta), "epoch");
    options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = meta.epoch;
    return splinter_store_set(s, after.key, after.bytes, after.len, &options, NULL);
}

static int act_set_that_keeps_the_type(splinter_store *s)
{
    return set_item(s, &after, 0, SPLINTER_KEEP_TYPE);
}

static int act_set_if_other_epoch(splinter_store *s)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = UINT64_C(1) << 60;
    return splinter_store_set(s, after.key, "x", 1, &options, NULL);
}

static int act_get(splinter_store *s)
{
    return splinter_store_get(s, items[0].key, NULL, 0, NULL, NULL);
}

static int act_append(splinter_store *s)
{
    char plus[50];

    memset(plus, '+', sizeof(plus));
    return splinter_store_append(s, after.key, plus, sizeof(plus), NULL);
}

static int act_touch(splinter_store *s)
{
    return splinter_store_touch(s, after.key, NULL);
}

static int act_add(splinter_store *s)
{
    return splinter_store_add(s, after.key, 2, NULL);
}

static int act_sweep(splinter_store *s)
{
    return splinter_store_sweep(s) >= 0 ? 0 : -1;
}

/* [P2] */
const struct scene change_scenes[] = {
    {.name = "insert into an empty store",
     .prepare = absent_empty, .act = act_set},
    {.name = "insert, first bucket",
     .prepare = absent_first, .act = act_set},
    {.name = "insert, the chain wraps around",
     .prepare = absent_wrapping, .act = act_set},
    {.name = "insert with an end of life",
     .prepare = absent_first, .act = act_set_for_a_while},
    {.name = "insert if absent",
     .prepare = absent_first, .act = act_set_if_absent},
    {.name = "update, first bucket",
     .prepare = present_first, .act = act_set, .flags = FAST},
    {.name = "update, last bucket",
     .prepare = present_last, .act = act_set, .flags = FAST},
    {.name = "update of a small value",
     .prepare = present_small, .act = act_set, .flags = FAST},
    {.name = "update of a key behind the wrap",
     .prepare = present_wrapped, .act = act_set},
    {.name = "update by a longer value",
     .prepare = present_grows, .act = act_set},
    {.name = "update if the epoch is the same",
     .prepare = present_first, .act = act_set_if_epoch},
    {.name = "update that keeps the type",
     .prepare = present_first, .act = act_set_that_keeps_the_type},
    {.name = "update refused: another epoch",
     .prepare = present_stays, .act = act_set_if_other_epoch, .want = -ESTALE},
    {.name = "set refused: not absent",
     .prepare = present_stays, .act = act_set_if_absent, .want = -EEXIST},
    {.name = "unset, last bucket",
     .prepare = present_goes, .act = act_unset},
    {.name = "unset of a key behind the wrap",
     .prepare = unset_wrapped, .act = act_unset},
    {.name = "get of an expired key",
     .prepare = expired_first, .act = act_get, .want = -ENOENT},
    {.name = "sweep of an expired key",
     .prepare = expired_first, .act = act_sweep},
    {.name = "unset of an expired key",
     .prepare = expired_first, .act = act_unset, .want = -ENOENT},
    {.name = "set of an expired key",
     .prepare = expired_comes, .act = act_set},
    {.name = "set if absent of an expired key",
     .prepare = expired_comes, .act = act_set_if_absent},
    {.name = "append",
     .prepare = appended, .act = act_append},
    {.name = "touch",
     .prepare = present_stays, .act = act_touch},
    {.name = "touch of an expired key",
     .prepare = expired_first, .act = act_touch, .want = -ENOENT},
    {.name = "add",
     .prepare = counted, .act = act_add},
    {.name = "add to nothing",
     .prepare = counted_first, .act = act_add},
    {.name = NULL},
};
