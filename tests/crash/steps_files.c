/* SPDX-License-Identifier: Apache-2.0 */
/* steps_files.c - scenes: stores in files alone */
#include "steps.h"

#include <string.h>

/* The records are on disk: they are to be kept until the next sync. */
static void synced_present(splinter_store *s)
{
    present_first(s);
    must(splinter_store_sync(s), "sync");
}

static void synced_goes(splinter_store *s)
{
    present_goes(s);
    must(splinter_store_sync(s), "sync");
}

/* Old versions wait for a sync: of an update, and of an unset. */
static void with_limbo(splinter_store *s)
{
    struct item gone = {.there = true};

    present_stays(s);
    add_item(s, 0, 9, 0);
    fill(&gone, 'g', 500);
    memcpy(gone.key, items[item_count - 1].key, sizeof(gone.key));
    must(set_item(s, &gone, 0, 0), "preparing");
    must(splinter_store_sync(s), "sync");
    must(splinter_store_unset(s, gone.key, 0, NULL), "preparing");
    for (int i = 0; i < 3; i++)
        must(set_item(s, &items[1], 0, 0), "preparing");
}

static int act_sync(splinter_store *s)
{
    return splinter_store_sync(s);
}

/* The store was closed in order. */
static int act_rebuild(splinter_store *s)
{
    return place_open(&place, SPLINTER_REBUILD, &s);
}

/* [P2] */
const struct scene file_scenes[] = {
    {.name = "update after a sync",
     .prepare = synced_present, .act = act_set, .flags = DURABLE | FAST},
    {.name = "unset after a sync",
     .prepare = synced_goes, .act = act_unset, .flags = DURABLE},
    {.name = "update after a sync that is overtaken",
     .prepare = synced_present, .act = act_set, .flags = DURABLE | FAST,
     .interfere = other_updates},
    {.name = "sync",
     .prepare = with_limbo, .act = act_sync, .flags = DURABLE},
    {.name = "open after a power cut",
     .prepare = with_limbo, .act = act_open, .flags = DURABLE | OPENS | ALONE | TORN},
    {.name = "open that is told to rebuild",
     .prepare = with_limbo, .act = act_rebuild, .flags = DURABLE | OPENS | ALONE},
    {.name = NULL},
};
