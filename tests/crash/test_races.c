/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_races.c - a change that somebody else is always quicker with
 *
 * The library in here has its fault points: at those that a change reaches, another handle changes
 * the same key.  After some races the first one wins, or is told that the key is another's; if it
 * loses for ever it gives up with EAGAIN.  Whatever it says, nothing else of it is to be seen.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "support.h"
#include "tap.h"

#define EVER UINT32_MAX

static int backing, faults;
static char context[160];
static struct place place;
static splinter_store *store, *other;

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list args;

    if (++faults > 20)
        return;
    printf("# %s: ", context);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- the other one ---- */

static int (*interference)(void);
static const char *at_steps; /* with this beginning; "": at any */
static uint32_t races_left, races_lost;

static void interfere(const char *step)
{
    int (*act)(void) = interference;
    int rc;

    if (!act || !races_left || strncmp(step, at_steps, strlen(at_steps)))
        return;
    races_left -= races_left != EVER;
    races_lost++;
    interference = NULL; /* it comes to steps of its own */
    rc = act();
    interference = act;
    if (rc)
        fault("the other one, at '%s': %s", step, strerror(-rc));
}

static void meanwhile(int (*act)(void), const char *steps, uint32_t times)
{
    interference = act;
    at_steps = steps;
    races_left = times;
    races_lost = 0;
}

static int sets(void)
{
    return splinter_store_set(other, "key", "another's", 9, NULL, NULL);
}

static int sets_a_number(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = SPLINTER_TYPE_INT64};
    int64_t value = 1000;

    return splinter_store_set(other, "key", &value, sizeof(value), &o, NULL);
}

static int unsets(void)
{
    int rc = splinter_store_unset(other, "key", 0, NULL);

    return rc == -ENOENT ? 0 : rc;
}

/* There, and not there, alternately. */
static int sets_or_unsets(void)
{
    int rc = splinter_store_unset(other, "key", 0, NULL);

    return rc == -ENOENT ? sets_a_number() : rc;
}

/* ---- the calls ---- */

static int set(void)
{
    return splinter_store_set(store, "key", "mine", 4, NULL, NULL);
}

static int set_long(void)
{
    static char value[3000];

    return splinter_store_set(store, "key", memset(value, 'm', sizeof(value)), sizeof(value), NULL,
                              NULL);
}

static int set_if_absent(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_IF_ABSENT};

    return splinter_store_set(store, "key", "mine", 4, &o, NULL);
}

static int set_if_epoch(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_IF_EPOCH};
    struct splinter_meta m = {.struct_size = sizeof(m)};

    if (splinter_store_get(store, "key", NULL, 0, NULL, &m))
        die("get");
    o.if_epoch = m.epoch;
    return splinter_store_set(store, "key", "mine", 4, &o, NULL);
}

static int unset(void)
{
    return splinter_store_unset(store, "key", 0, NULL);
}

static int append(void)
{
    return splinter_store_append(store, "key", "+", 1, NULL);
}

static int touch(void)
{
    return splinter_store_touch(store, "key", NULL);
}

static int add(void)
{
    return splinter_store_add(store, "key", 1, NULL);
}

static int nothing(void)
{
    return 0;
}

static const struct scene {
    const char *name;
    int (*before)(void);
    int (*call)(void);
    int (*meanwhile)(void);
    const char *steps;
    uint32_t times;
    int want;
    const char *value; /* afterwards; NULL: not looked at; "": the key is not there */
} scenes[] = {
    {"a set loses once", sets, set, sets, "", 1, 0, "mine"},
    {"a set loses ten times", sets, set, sets, "", 10, 0, NULL},
    {"a set of another length loses", sets, set_long, sets, "", 5, 0, NULL},
    {"a set loses for ever", sets, set, sets, "", EVER, -EAGAIN, "another's"},
    {"a set loses to an unset", sets, set, unsets, "write: ", 3, 0, "mine"},
    {"a set of a new key loses to another", nothing, set, sets, "write: ", 1, 0, "mine"},
    {"a set if absent loses to another", nothing, set_if_absent, sets, "write: ", 1, -EEXIST,
     "another's"},
    {"a set if absent finds the key gone", sets, set_if_absent, unsets, "set: begun", 1, 0, "mine"},
    {"a set if unchanged loses", sets, set_if_epoch, sets, "write: ", 1, -ESTALE, "another's"},
    {"a set if unchanged loses to an unset", sets, set_if_epoch, unsets, "write: ", 1, -ENOENT, ""},
    {"an unset loses to a set", sets, unset, sets, "unset: ", 1, 0, ""},
    {"an unset loses for ever", sets, unset, sets, "unset: ", EVER, -EAGAIN, "another's"},
    {"an append loses", sets, append, sets, "write: ", 5, 0, "another's+"},
    {"an append loses to an unset", sets, append, unsets, "write: ", 1, 0, "+"},
    {"an append to nothing loses to a set", nothing, append, sets, "write: ", 1, 0, "another's+"},
    {"an append loses for ever", sets, append, sets, "write: ", EVER, -EAGAIN, "another's"},
    {"a touch loses", sets, touch, sets, "write: ", 5, 0, "another's"},
    {"a touch loses to an unset", sets, touch, unsets, "write: ", 1, -ENOENT, ""},
    {"a touch loses for ever", sets, touch, sets, "write: ", EVER, -EAGAIN, "another's"},
    {"an add loses", sets_a_number, add, sets_a_number, "write: ", 5, 0, NULL},
    {"an add loses to a set of text", sets_a_number, add, sets, "write: ", 1, -EINVAL, "another's"},
    {"an add loses for ever", sets_a_number, add, sets_a_number, "write: ", EVER, -EAGAIN, NULL},
    {"an add to what comes and goes loses for ever", nothing, add, sets_or_unsets, "write: lengths",
     EVER, -EAGAIN, NULL},
};

static void look(const struct scene *scene, int rc)
{
    char got[4096];
    size_t len = 0;
    int found;

    if (rc != scene->want)
        fault("%s instead of %s", rc ? strerror(-rc) : "success",
              scene->want ? strerror(-scene->want) : "success");
    if (!races_lost)
        fault("it lost no race");
    found = splinter_store_get(store, "key", got, sizeof(got), &len, NULL);
    if (scene->value && (*scene->value ? found || len != strlen(scene->value) ||
                                             memcmp(got, scene->value, len)
                                       : found != -ENOENT))
        fault("the value is '%.*s', not '%s'", (int)(found ? 0 : len), got, scene->value);
    rc = check_store(store);
    if (rc)
        fault("check: %d", rc);
    rc = set();
    if (!rc)
        rc = splinter_store_get(other, "key", got, sizeof(got), &len, NULL);
    if (rc || len != 4 || memcmp(got, "mine", 4))
        fault("and then, alone: %s", strerror(-rc));
}

static void every_scene(void)
{
    for (unsigned i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        const struct scene *scene = &scenes[i];
        int rc;

        /* What is superseded there is kept until a sync, which would wait for the one who loses. */
        if (backing == BACKING_FILE && scene->times == EVER)
            continue;
        faults = 0;
        snprintf(context, sizeof(context), "%s, %s", backing_names[backing], scene->name);
        (void)unsets();
        rc = set(); /* so that both have a block at hand */
        if (!rc)
            rc = sets();
        if (!rc)
            rc = unsets();
        if (!rc)
            rc = scene->before();
        if (rc)
            fault("before: %s", strerror(-rc));
        meanwhile(scene->meanwhile, scene->steps, scene->times);
        rc = scene->call();
        interference = NULL;
        look(scene, rc);
        report(!faults, "%s: %s", backing_names[backing], scene->name);
    }
}

int main(void)
{
    support_start();
    fault_hook = interfere;
    for (backing = 0; backing < BACKINGS; backing++) {
        store = place_make(&place, backing, 16, 4096);
        other = place_again(&place, 0);
        every_scene();
        splinter_store_close(other);
        place_end(&place, store);
    }
    return tap_end();
}
