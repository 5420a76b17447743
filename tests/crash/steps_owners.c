/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps_owners.c - scenes: ephemeral keys
 *
 * Who dies takes its own along.  The keeper lives throughout, so what it owns is there.
 */
#include "steps.h"

#include <unistd.h>

/* Its owner is this handle. */
static int own(splinter_store *s, const struct item *item)
{
    return set_item(s, item, 0, SPLINTER_EPHEMERAL);
}

/* There is nothing before, and nothing when the process is dead. */
static void nothing_stays(splinter_store *s)
{
    absent_first(s);
    no_more(&after);
}

/* Item 0 is the keeper's. */
static void keepers_first(splinter_store *s)
{
    add_item(s, 0, 0, 0);
    fill(&items[0], 'k', 100);
    must(own(keeper, &items[0]), "preparing");
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 90);
}

/* A process that owned item 0 is dead. */
static void orphan(splinter_store *s)
{
    struct item mine;
    pid_t pid;

    add_item(s, 0, 0, 0);
    neighbours(s, 0);
    after = items[0];
    mine = items[0];
    fill(&mine, 'z', 100);
    pid = fork_child();
    if (!pid) {
        splinter_store *theirs = place_again(&place, 0);

        _exit(own(theirs, &mine) ? 1 : 0);
    }
    must(reap(pid), "an owner");
}

static void orphan_comes(splinter_store *s)
{
    orphan(s);
    fill(&after, '+', 100);
}

static int act_own(splinter_store *s)
{
    struct item mine = items[0];

    fill(&mine, '+', 100);
    return own(s, &mine);
}

static int act_own_and_close(splinter_store *s)
{
    int rc = act_own(s);

    splinter_store_close(s);
    return rc;
}

static int act_wait_any(splinter_store *s)
{
    uint64_t epoch = 0;

    must(splinter_store_wait_any(s, 0, 0, &epoch), "epoch");
    return splinter_store_wait_any(s, epoch, 100, NULL);
}

static int act_set_if_absent(splinter_store *s)
{
    return set_item(s, &after, 0, SPLINTER_IF_ABSENT);
}

/* [P2] [C4] */
const struct scene owner_scenes[] = {
    {.name = "insert, ephemeral",
     .prepare = nothing_stays, .act = act_own},
    {.name = "close with an ephemeral key",
     .prepare = nothing_stays, .act = act_own_and_close},
    {.name = "update of another's ephemeral key",
     .prepare = keepers_first, .act = act_set},
    {.name = "wait for anything with a dead owner's key",
     .prepare = orphan, .act = act_wait_any, .flags = SLOW},
    {.name = "set if absent of a dead owner's key",
     .prepare = orphan_comes, .act = act_set_if_absent, .flags = SLOW},
    {.name = NULL},
};
