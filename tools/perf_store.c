/* SPDX-License-Identifier: Apache-2.0 */
/* perf_store.c - the store that is measured, and removed again */
#include "perf_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_text.h"
#include "perf_scenario.h"
#include "perf_value.h"

#define MESSAGE_HEAD 64 /* more than a message needs beside its bytes */

static const char *bus; /* NULL: a store without a name */
static uint32_t where;  /* else SPLINTER_MEMORY or SPLINTER_FILE */
static splinter_store *store;
static uint64_t feed; /* lines of each ring of it; 0: none */
static bool created;       /* by us, so it is removed at exit */
static uint64_t keys_set;  /* else these are */
static enum perf_scenario made; /* whose topic or queue is there */
static pid_t main_process; /* removes them; workers do not */

static void clean_up(void)
{
    char key[PERF_KEY_SIZE];
    if (!bus || !store || getpid() != main_process)
        return;
    if (!created)
        perf_scenario_remove(made, store);
    if (created)
        splinter_store_unlink(bus, where);
    else
        for (uint64_t i = 0; i < keys_set; i++) {
            perf_make_key(key, i);
            splinter_store_unset(store, key, 0, NULL);
        }
}

void perf_store_close(void)
{
    clean_up();
    store = NULL;
    cli_close();
}

static void open_anonymous(struct splinter_open_options *options)
{
    options->flags = SPLINTER_ANONYMOUS;
    int r = cli_open(&store, "splinter_perf", options);
    if (r)
        cli_die(CLI_FAILURE, "cannot make a store without a name: %s",
                *splinter_last_error() ? splinter_last_error() : strerror(-r));
}

static void open_or_create(struct splinter_open_options *options)
{
    int r;
    do { /* between the two calls another process may create or remove it */
        options->flags = where;
        r = cli_open(&store, bus, options);
        if (r == -ENOENT) {
            options->flags = where | SPLINTER_CREATE | SPLINTER_EXCL;
            r = cli_open(&store, bus, options);
            created = !r;
        }
    } while (r == -EEXIST);
    if (r) /* also if its folder does not exist: what is missing is made */
        cli_die(CLI_FAILURE, "%s", cli_why_not_open(bus, r));
    perf_keys_of_our_own();
}

static void check_room(const struct perf_options *o)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    feed = stat.feed;
    if (o->scenario == PERF_FEED && !feed)
        cli_die(CLI_FAILURE, "bus '%s' has no feed, and the scenario feed needs one", bus);
    if (stat.max_value < o->value_size)
        cli_die(CLI_FAILURE, "bus '%s' takes values of at most %" PRIu64 " byte%s, not %" PRIu64,
                bus, stat.max_value, CLI_S(stat.max_value), o->value_size);
    if (stat.slots - stat.keys < o->keys + (o->scenario >= PERF_TOPIC))
        cli_die(CLI_FAILURE, "bus '%s' has room for %" PRIu64 " more key%s, not %" PRIu64, bus,
                stat.slots - stat.keys, CLI_S(stat.slots - stat.keys), o->keys);
}

uint64_t perf_store_feed(void)
{
    return feed;
}

splinter_store *perf_store_open(const struct perf_options *o)
{
    struct splinter_open_options options = {
        .struct_size = sizeof(options),
        .slots = (size_t)(o->keys + o->keys / 4 + 16),
        .max_value = (size_t)(o->value_size + (o->scenario == PERF_KEYS ? 0 : MESSAGE_HEAD)),
        .mode = o->mode,
        .feed = (size_t)o->feed,
    };
    bus = o->chosen.bus;
    if (bus) {
        where = cli_where(bus, o->chosen.file);
        open_or_create(&options);
    } else {
        open_anonymous(&options);
    }
    main_process = getpid();
    atexit(clean_up); /* runs before the store is closed */
    check_room(o);
    return store;
}

void perf_store_fill(const struct perf_options *o)
{
    char key[PERF_KEY_SIZE];
    if (o->scenario >= PERF_TOPIC) {
        perf_scenario_make(o, store);
        made = o->scenario;
        return;
    }
    struct perf_value *v = cli_need(malloc(o->value_size));
    for (; keys_set < o->keys && !cli_stop; keys_set++) {
        perf_make_key(key, keys_set);
        perf_make_value(v, o->value_size, keys_set, 1);
        int r = splinter_store_set(store, key, v, o->value_size, NULL, NULL);
        if (r)
            cli_die(CLI_FAILURE, "cannot set the keys: %s",
                    r == -ENOSPC ? splinter_last_error() : strerror(-r));
    }
    free(v);
}
