/* SPDX-License-Identifier: Apache-2.0 */
/* steps_others.c - scenes: others interfere */
#include "steps.h"

#include <errno.h>
#include <string.h>

#define FAIL_INSIDE
#include "fail.h"
#include "steps_inside.h"

static void absent_long(splinter_store *s)
{
    absent_first(s);
    fill(&after, '+', LONG_VALUE);
}

void other_updates(const char *step)
{
    if (!strcmp(step, "open: described") && !interfered++)
        must(set_item(second, &items[0], 0, 0), "interfering");
}

/* A process that replaces a record which is not closed tells its writer's cleaner that it was
 * published. */
static int acknowledged(int rc)
{
    return rc ? rc : change_was_acknowledged() ? 0 : -EPROTO;
}

static splinter_store *acting;

static int act_set_acknowledging(splinter_store *s)
{
    acting = s;
    return acknowledged(act_set(s));
}

/* The record to be replaced is of somebody who has published it, but not closed the change. */
static void other_is_not_done(void)
{
    must(set_item(second, &items[0], 0, 0), "interfering");
    reopen_change(second, items[0].key);
}

static void other_not_done(const char *step)
{
    if (!strcmp(step, "write: value") && !interfered++)
        other_is_not_done();
}

static void other_not_done_before(const char *step)
{
    if (!strcmp(step, slow_sets ? "set: begun" : "fast: begun") && !interfered++) {
        other_is_not_done();
        /* Else the fast path ends at a record beyond what the handle has seen of the file. */
        know_whole_file(acting);
    }
}

static void other_takes_the_slot(const char *step)
{
    if (!strcmp(step, "open: described") && !interfered++)
        must(splinter_store_set(second, items[4].key, "other", 5, NULL, NULL), "interfering");
}

/* Two hold a word each for the same key: as if the other had looked before this one had its. */
static void other_locks_too(const char *step)
{
    if (!strcmp(step, "lock: taken") && !interfered) {
        take_lock_as_well(second, items[0].key);
        interfered = 1;
    } else if (!strcmp(step, "lock: backed out") && interfered == 1) {
        drop_lock_as_well(second, items[0].key);
        interfered = 2;
    }
}

/* The key is held by a process that lives, and goes on only when this one has given up. */
static void other_holds_the_lock(const char *step)
{
    if (!strcmp(step, "lock: named") && !interfered++)
        hold_lock(second, items[0].key);
    else if (!strcmp(step, "lock: given up"))
        let_go_of_lock(second, items[0].key);
}

/* Deaths have left the number of keys too high, and another one holds a lock for longer. */
static void seems_full_meanwhile(const char *step)
{
    if (!strcmp(step, "set: begun") && !interfered++) {
        hold_lock(second, items[1].key);
        spoil_keys(second);
    } else if (!strcmp(step, "announce: begun")) {
        let_go_of_lock(second, items[1].key);
    }
}

static void somebody_sleeps(const char *step)
{
    if (!strcmp(step, "announce: begun"))
        mark_sleepers(second, items[0].key);
}

/* The reserve of the slab cannot grow when it is adopted. */
static void no_pages(const char *step)
{
    if (!strcmp(step, "adopt: owned") && !interfered++) {
        fail_reset();
        fail_for_good = 1;
        fail_errno = ENOSPC;
        fail_at[FAIL_fallocate] = 1;
    } else if (!strcmp(step, "adopt: given back")) {
        fail_reset();
    }
}

/* [P2] */
const struct scene other_scenes[] = {
    {.name = "set that wakes",
     .prepare = present_first, .act = act_set, .flags = FAST, .interfere = somebody_sleeps},
    {.name = "update that is overtaken",
     .prepare = present_first, .act = act_set, .flags = FAST, .interfere = other_updates},
    {.name = "update begun when the last one is not done",
     .prepare = present_first, .act = act_set_acknowledging, .flags = FAST,
     .interfere = other_not_done_before},
    {.name = "unset that is overtaken",
     .prepare = present_goes, .act = act_unset, .interfere = other_updates},
    {.name = "update while the last one is not done",
     .prepare = present_first, .act = act_set_acknowledging, .interfere = other_not_done},
    {.name = "insert whose slot is taken",
     .prepare = absent_with_playthings, .act = act_set, .interfere = other_takes_the_slot},
    /* [P3] */
    {.name = "insert while another wants the same lock",
     .prepare = absent_first, .act = act_set, .interfere = other_locks_too},
    {.name = "insert while another holds the lock",
     .prepare = absent_first, .act = act_set, .want = -EAGAIN, .flags = SLOW,
     .interfere = other_holds_the_lock},
    {.name = "insert when the store seems full and another holds a lock",
     .prepare = absent_first, .act = act_set, .interfere = seems_full_meanwhile},
    {.name = "insert when there are no pages",
     .prepare = absent_long, .act = act_set, .flags = MAY_FAIL, .interfere = no_pages},
    {.name = NULL},
};
