/* SPDX-License-Identifier: Apache-2.0 */
/* steps_room.c - scenes: the store is full, or blocks are short */
#include "steps.h"

#include <errno.h>

#include "steps_inside.h"

static void full_absent(splinter_store *s)
{
    add_item(s, 1, 0, 0);
    for (unsigned i = 0; i < slots_of(s); i++)
        add_item(s, i % buckets_of(s), 5 + i, 50);
    after = items[0];
}

static void full_present(splinter_store *s)
{
    add_item(s, 1, 0, 50);
    for (unsigned i = 1; i < slots_of(s); i++)
        add_item(s, i % buckets_of(s), 5 + i, 50);
    after = items[0];
    fill(&after, '+', 60);
}

static void full_goes(splinter_store *s)
{
    full_present(s);
    no_more(&after);
}

/* The store is full, but one of its keys has expired. */
static void full_of_expired(splinter_store *s)
{
    struct item gone;

    add_item(s, 1, 0, 0);
    for (unsigned i = 1; i < slots_of(s); i++)
        add_item(s, i % buckets_of(s), 5 + i, 50);
    name_in(s, gone.key, 1, 3);
    fill(&gone, 'x', 50);
    must(set_item(s, &gone, 1, 0), "preparing");
    after = items[0];
    fill(&after, '+', 100);
}

/* Topics have the other slots that dead processes left half made, or half removed. */
static void full_of_topics(splinter_store *s)
{
    add_item(s, 1, 0, 0);
    for (unsigned i = 1 + leave_topics(s); i <= slots_of(s); i++)
        add_item(s, i % buckets_of(s), 5 + i, 50);
    after = items[0];
    fill(&after, '+', 100);
}

static void one_topic(splinter_store *s)
{
    present_stays(s);
    leave_topic(s);
}

static int act_settle(splinter_store *s)
{
    return settle_topics(s) ? 0 : -EBUSY;
}

static void one_absent(splinter_store *s)
{
    add_item(s, 0, 0, 0);
    after = items[0];
    fill(&after, '+', 100);
}

static void one_present(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    after = items[0];
    fill(&after, '+', 100);
}

static void one_goes(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    after = items[0];
    no_more(&after);
}

static void one_full(splinter_store *s)
{
    item_count = 1;
    add_item(s, 0, 1, 100);
    item_count = 0;
    add_item(s, 0, 0, 0);
    item_count = 2;
    after = items[0];
}

static int act_set_any(splinter_store *s)
{
    struct item over = items[0];

    fill(&over, '+', 100);
    return set_item(s, &over, 0, 0);
}

/* More sizes than a lane keeps spares of. */
static int act_many_sizes(splinter_store *s)
{
    struct item item = items[1];

    armed = 0;
    for (uint32_t units = 1; units <= 11; units++) {
        armed = units > spares_of_a_lane;
        fill(&item, 'z', units * bytes_of_a_unit);
        must(set_item(s, &item, 0, 0), "set");
    }
    return set_item(s, &items[1], 0, 0);
}

/* Every block of a slab is in use. */
static int act_fill_slabs(splinter_store *s)
{
    for (unsigned i = 4; i < 8; i++) {
        struct item item = items[i];

        fill(&item, 'y', LONG_VALUE);
        must(set_item(s, &item, 0, 0), "set");
    }
    return set_item(s, &after, 0, 0);
}

/* Empty slabs change their size, as new ones are not to be had. */
static int act_other_size(splinter_store *s)
{
    struct item item = items[4];

    for (uint32_t len = 4000; len > 10; len /= 2) {
        fill(&item, '+', len);
        must(set_item(s, &item, 0, 0), "set");
        must(splinter_store_unset(s, item.key, 0, NULL), "unset");
    }
    splinter_store_close(s);
    must(place_open(&place, 0, &s), "open");
    return set_item(s, &after, 0, 0);
}

static void large_absent(splinter_store *s)
{
    absent_with_playthings(s);
    fill(&after, '+', MAX_VALUE);
}

static void large_present(splinter_store *s)
{
    add_item(s, 0, 0, MAX_VALUE);
    add_item(s, 0, 1, MAX_VALUE - 5000); /* that block has less memory */
    after = items[0];
    fill(&after, '+', MAX_VALUE);
}

static void large_to_small(splinter_store *s)
{
    add_item(s, 0, 0, MAX_VALUE);
    after = items[0];
    fill(&after, '+', 60);
}

static void large_goes(splinter_store *s)
{
    add_item(s, 0, 0, MAX_VALUE);
    after = items[0];
    no_more(&after);
}

/* Deaths have left hints and counts that are wrong. */
static int act_set_misled(splinter_store *s)
{
    spoil_hints(s);
    return set_item(s, &after, 0, 0);
}

static int act_set_uncounted(splinter_store *s)
{
    spoil_slab_counts(s);
    return set_item(s, &after, 0, 0);
}

static void large_stays(splinter_store *s)
{
    add_item(s, 0, 0, MAX_VALUE);
    neighbours(s, 0);
    after = items[0];
}

/* Memory that no key needs, of values of either kind. */
static void had_more(splinter_store *s)
{
    large_stays(s);
    for (unsigned i = 0; i < 20; i++) {
        struct item gone;

        name_in(s, gone.key, 1, 10 + i);
        fill(&gone, 'x', i < 8 ? MAX_VALUE : 6000);
        must(set_item(s, &gone, i < 8 ? 1 : 0, 0), "preparing");
        if (i >= 8)
            must(splinter_store_unset(s, gone.key, 0, NULL), "preparing");
    }
}

static void had_more_goes(splinter_store *s)
{
    had_more(s);
    must(splinter_store_sweep(s) == 8 ? 0 : -EINVAL, "preparing");
    fill(&after, '+', MAX_VALUE);
}

static int act_trim(splinter_store *s)
{
    uint64_t bytes = 0;
    int rc;

    must(splinter_store_sweep(s) >= 0 ? 0 : -EINVAL, "sweep");
    believe_in_holes(s);
    rc = splinter_store_trim(s, &bytes);
    return rc;
}

static int act_trim_and_set(splinter_store *s)
{
    uint64_t bytes = 0;

    believe_in_holes(s);
    must(splinter_store_trim(s, &bytes), "trim");
    must(bytes ? 0 : -ENODATA, "trim");
    return set_item(s, &after, 0, 0);
}

static int act_get_large(splinter_store *s)
{
    static unsigned char buf[MAX_VALUE];
    splinter_store *reads;
    size_t len;

    must(set_item(s, &items[1], 0, 0), "set"); /* else it has no words to say what it copies */
    must(splinter_store_get(s, items[0].key, buf, sizeof(buf), &len, NULL), "get");
    must(place_open(&place, SPLINTER_RDONLY, &reads), "open");
    return splinter_store_get(reads, items[0].key, buf, sizeof(buf), &len, NULL);
}

/* [P2] */
const struct scene room_scenes[] = {
    {.name = "insert into a full store", .slots = 8,
     .prepare = full_absent, .act = act_set_any, .want = -ENOSPC},
    {.name = "update in a full store", .slots = 8,
     .prepare = full_present, .act = act_set, .flags = FAST},
    {.name = "unset in a full store", .slots = 8,
     .prepare = full_goes, .act = act_unset},
    {.name = "insert into a store full of expired keys", .slots = 8,
     .prepare = full_of_expired, .act = act_set},
    {.name = "insert into a store full of half-made topics", .slots = 12,
     .prepare = full_of_topics, .act = act_set, .flags = LEFT | SLOW},
    {.name = "a topic is left half made",
     .prepare = one_topic, .act = act_settle, .flags = LEFT | LONG},
    {.name = "insert into a store of one slot", .slots = 1,
     .prepare = one_absent, .act = act_set},
    {.name = "update in a store of one slot", .slots = 1,
     .prepare = one_present, .act = act_set, .flags = FAST},
    {.name = "unset in a store of one slot", .slots = 1,
     .prepare = one_goes, .act = act_unset},
    {.name = "insert into a full store of one slot", .slots = 1,
     .prepare = one_full, .act = act_set_any, .want = -ENOSPC},
    {.name = "insert when the slab is full",
     .prepare = absent_with_playthings, .act = act_fill_slabs},
    {.name = "sets of more sizes than spares",
     .prepare = with_playthings, .act = act_many_sizes},
    {.name = "insert of a large value",
     .prepare = large_absent, .act = act_set},
    {.name = "update of a large value",
     .prepare = large_present, .act = act_set},
    {.name = "update that makes a large value small",
     .prepare = large_to_small, .act = act_set},
    {.name = "unset of a large value",
     .prepare = large_goes, .act = act_unset},
    {.name = "insert when hints are wrong",
     .prepare = large_absent, .act = act_set_misled},
    {.name = "insert when slabs seem to be too many",
     .prepare = absent_with_playthings, .act = act_set_uncounted},
    {.name = "insert of a large value when slabs seem to be too many",
     .prepare = large_absent, .act = act_set_uncounted},
    {.name = "slabs change their size",
     .prepare = absent_with_playthings, .act = act_other_size, .flags = LONG},
    {.name = "get of a large value",
     .prepare = large_stays, .act = act_get_large},
    {.name = "sweep and trim", .slots = 32,
     .prepare = had_more, .act = act_trim, .flags = LONG},
    {.name = "trim, and set a large value", .slots = 32,
     .prepare = had_more_goes, .act = act_trim_and_set, .flags = LONG},
    {.name = NULL},
};
