/* SPDX-License-Identifier: Apache-2.0 */
/* steps_handles.c - scenes: open, close, wait, a child of fork */
#include "steps.h"

#include <errno.h>

#define FAIL_INSIDE
#include "fail.h"
#include "steps_inside.h"

static void registry_full(splinter_store *s)
{
    present_first(s);
    fill_registry(s, keeper);
}

static void counts_wrong(splinter_store *s)
{
    present_wrapped(s);
    after = items[0];
    spoil_counts(s);
}

/* Long enough that a waiter on a busy machine has said that it sleeps, before it gives up. */
#define WAIT_MS 100

static int act_wait(splinter_store *s)
{
    return splinter_store_wait(s, items[0].key, 0, WAIT_MS, NULL);
}

static int act_wait_any(splinter_store *s)
{
    return splinter_store_wait_any(s, epoch_of(s), WAIT_MS, NULL);
}

static int act_wait_many(splinter_store *s)
{
    const char *keys[] = {items[0].key, "nobody sets this"};
    uint64_t epochs[2] = {0};

    return splinter_store_wait_many(s, keys, epochs, 2, WAIT_MS, NULL, NULL);
}

/* In a process of its own, for the library remembers what the kernel cannot do. */
static int act_wait_many_old(splinter_store *s)
{
    fail_waitv = ENOSYS;
    return act_wait_many(s);
}

static int act_open_set(splinter_store *s)
{
    int rc = place_open(&place, 0, &s);

    return rc ? rc : set_item(s, &after, 0, 0);
}

static int act_open_set_close(splinter_store *s)
{
    int rc = place_open(&place, 0, &s);

    if (!rc)
        rc = set_item(s, &after, 0, 0);
    splinter_store_close(s);
    return rc;
}

static int act_close(splinter_store *s)
{
    /* Blocks of several sizes are kept, to be given back. */
    for (uint32_t len = 100; len < 500; len *= 2) {
        struct item item = items[1];

        fill(&item, 'z', len);
        must(set_item(s, &item, 0, 0), "set");
    }
    must(set_item(s, &items[1], 0, 0), "set");
    splinter_store_close(s);
    return 0;
}

static int act_stat(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    return splinter_store_stat(s, &st);
}

/* [P2] */
const struct scene handle_scenes[] = {
    {.name = "wait for a key",
     .prepare = absent_first, .act = act_wait, .want = -ETIMEDOUT},
    {.name = "wait for many keys",
     .prepare = absent_first, .act = act_wait_many, .want = -ETIMEDOUT},
    {.name = "wait for many keys on an old kernel",
     .prepare = absent_first, .act = act_wait_many_old, .want = -ETIMEDOUT},
    {.name = "wait for anything",
     .prepare = present_stays, .act = act_wait_any, .want = -ETIMEDOUT},
    {.name = "open and update",
     .prepare = present_first, .act = act_open_set, .flags = OPENS},
    {.name = "open and update with a registry full of the dead",
     .prepare = registry_full, .act = act_open_set, .flags = OPENS | LONG | SLOW},
    {.name = "open, update, close, alone",
     .prepare = present_first, .act = act_open_set_close, .flags = DURABLE | OPENS | ALONE},
    {.name = "close",
     .prepare = with_playthings, .act = act_close},
    /* [P5] */
    {.name = "counts are mended",
     .prepare = counts_wrong, .act = act_stat},
    {.name = "update by a child of fork",
     .prepare = present_first, .act = act_set, .flags = INHERIT | FAST},
    {.name = "unset by a child of fork",
     .prepare = present_goes, .act = act_unset, .flags = INHERIT},
    {.name = NULL},
};
