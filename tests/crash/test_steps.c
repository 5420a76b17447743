/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_steps.c - a process dies at every step of every operation, and then its cleaner as well
 *
 * The library in here is compiled with its fault points (lib/fault.h).  For each operation of
 * the scenes (steps.h has a list of the files), and each n: a process begins the operation and is
 * killed by SIGKILL at the nth step it reaches.  Then others read, wait, set, unset and set again
 * that key and its neighbours, and the store is checked.  Once more with a cleaner that is killed,
 * at every step of its own.  A step of the library at which nobody died fails the test.
 *
 * Every scene that sets is played through both paths of lib/set.c: with "fast sets", which take the
 * fast path if they can, and with "slow sets", which are given options that ask for nothing.  The
 * others read each value by both paths of lib/get.c.
 *
 *     test_steps [--twice ALL|FEW|NONE] [NAME]      (NAME: that operation only)
 *
 * ALL has a cleaner die at each of its steps after each death, FEW (of everyday) after one death
 * in ten, NONE after none; with SPLINTER_TEST_SHORT set, or under a sanitizer, it is NONE.
 *
 * Each step is played twice, in a store prepared by a process that still has it open, and in one
 * prepared by a process that is gone; with SPLINTER_TEST_SHORT once, in the one or the other; and
 * if SPLINTER_TEST_DIVISOR is 8 or more, each such way has a quarter of the steps, drawn anew.
 */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const struct scene *const lists[] = {change_scenes, room_scenes, handle_scenes, file_scenes,
                                            owner_scenes, other_scenes, topic_scenes,
                                            queue_scenes};
#define LISTS (sizeof(lists) / sizeof(*lists))

static const char *only;
static unsigned every; /* one in so many deaths is looked at by cleaners that die */

/* False: misuse, and it was said. */
static bool read_arguments(int argc, char **argv)
{
    stride = !getenv("SPLINTER_TEST_SHORT") ? 1 : repeated(16) > 2 ? 2 : 4;
    every = SANITIZED || getenv("SPLINTER_TEST_SHORT") ? 0 : 10;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--twice") && i + 1 < argc) {
            i++;
            every = !strcmp(argv[i], "ALL") ? 1 : !strcmp(argv[i], "FEW") ? 10 : 0;
            if (!every && strcmp(argv[i], "NONE")) {
                fprintf(stderr, "%s: --twice is '%s', allowed are ALL, FEW and NONE\n", argv[0],
                        argv[i]);
                return false;
            }
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: %s [--twice ALL|FEW|NONE] [NAME]\n", argv[0]);
            return false;
        } else {
            only = argv[i];
        }
    }
    return true;
}

static bool wanted(const struct scene *what)
{
    return (!only || !strcmp(only, what->name)) &&
           !(what->flags & DURABLE && backing != BACKING_FILE);
}

/* False: its sets have one path only, or there are none. */
static bool play_one_path(const struct scene *what, bool slow)
{
    unsigned deaths = 0, twice = 0;
    bool both;

    failures = 0;
    slow_sets = slow;
    for (int by_keeper = 0; by_keeper < 2; by_keeper++)
        deaths += play(what, by_keeper, every, &twice);
    slow_sets = false;
    both = board->plain_sets > 0;
    report(!failures && deaths, "%s: %s%s (%u deaths, %u of cleaners)", backing_names[backing],
           what->name, !both ? "" : slow ? ", slow sets" : ", fast sets", deaths, twice);
    return both;
}

static void play_scene(const struct scene *what)
{
    if (play_one_path(what, false))
        play_one_path(what, true);
}

static void create_scene(const struct scene *what, bool without_tmpfile)
{
    unsigned deaths;

    failures = 0;
    deaths = play_creation(what, without_tmpfile);
    report(!failures && deaths, "%s: %s (%u deaths)", backing_names[backing], what->name, deaths);
}

static void every_step_was_reached(void)
{
    unsigned steps, unreached;

    if (!every) {
        report(true, "somebody died at each step # SKIP no cleaner dies in a short run");
    } else if (!only) {
        unreached = unreached_steps(&steps);
        report(!unreached, "somebody died at each of the %u steps%s", steps,
               backing == BACKING_FILE ? "" : ", but those of stores in files");
    }
}

static bool some_scene_is_wanted(const struct scene *creation, const struct scene *creation_named)
{
    for (unsigned i = 0; i < LISTS; i++)
        for (const struct scene *what = lists[i]; what->name; what++)
            if (wanted(what))
                return true;
    return wanted(creation) || wanted(creation_named);
}

int main(int argc, char **argv)
{
    static const struct scene creation = {.name = "create"};
    static const struct scene creation_named = {.name = "create without O_TMPFILE"};

    if (!read_arguments(argc, argv))
        return 2;
#ifdef TEST_PERSISTENT
    backing = BACKING_FILE;
#endif
    if (!some_scene_is_wanted(&creation, &creation_named)) {
        fprintf(stderr, "%s: no scene is called '%s'\n", argv[0], only);
        return 2;
    }
    support_start_in_memory();
#ifdef TEST_PERSISTENT
    report(harness_start(BACKING_FILE), "every step has a name of its own");
#else
    report(harness_start(BACKING_MEMORY), "every step has a name of its own");
#endif
    for (unsigned i = 0; i < LISTS; i++)
        for (const struct scene *what = lists[i]; what->name; what++)
            if (wanted(what))
                play_scene(what);
    if (wanted(&creation))
        create_scene(&creation, false);
    if (wanted(&creation_named))
        create_scene(&creation_named, true);
    every_step_was_reached();
    return tap_end();
}
