/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - the changes of the bus
 *
 * A feed tells of each.  Without one, a watch of the library looks at the keys, and tells of
 * several changes of one as of one.  Then the revision says how many were left out.
 */
#include "changes.h"

#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"

static splinter_store *store;
static const struct ctl_wanted *wanted;
static splinter_feed *feed;   /* NULL: there is none */
static splinter_watch *watch; /* then it is this */
static int next_key;          /* of the named ones that are there, to be told of next */
static struct cli_value value;

static noreturn void cannot_watch(int r)
{
    cli_die(CLI_FAILURE, "cannot watch bus '%s': %s", ctl_bus_name(), strerror(-r));
}

/* ---- what is wanted ---- */

static bool has_prefix(const char *key)
{
    return wanted->prefix && strncmp(key, wanted->prefix, strlen(wanted->prefix)) == 0;
}

static bool is_wanted(const char *key)
{
    if ((!wanted->key_count && !wanted->prefix) || has_prefix(key))
        return true;
    for (int i = 0; i < wanted->key_count; i++)
        if (strcmp(key, wanted->keys[i]) == 0)
            return true;
    return false;
}

/* What all that is wanted begins with. */
static const char *common_prefix(void)
{
    static char common[SPLINTER_KEY_MAX];
    const char *first = wanted->prefix        ? wanted->prefix
                        : wanted->key_count   ? wanted->keys[0]
                                              : "";
    size_t len = strnlen(first, sizeof(common) - 1);
    for (int i = 0; i < wanted->key_count; i++) {
        size_t same = 0;
        while (same < len && wanted->keys[i][same] == first[same])
            same++;
        len = same;
    }
    memcpy(common, first, len);
    common[len] = '\0';
    return common;
}

/* ---- by the feed ---- */

static void open_feed(void)
{
    struct splinter_feed_options options = {
        .struct_size = sizeof(options),
        .flags = wanted->state ? SPLINTER_FEED_STATE : 0,
        .prefix = common_prefix(),
    };
    struct splinter_stat stat;
    cli_stat(&stat);
    if (wanted->from && wanted->number > stat.feed_number)
        cli_usage("--from: '%llu' is not allowed; the last change of bus '%s' has the number %llu",
                  (unsigned long long)wanted->number, ctl_bus_name(),
                  (unsigned long long)stat.feed_number);
    int r = splinter_feed_open(&feed, store, &options);
    if (!r && wanted->from) { /* which store it is, a feed knows */
        splinter_feed_position(feed, &options.from);
        splinter_feed_close(feed);
        feed = NULL;
        options.flags |= SPLINTER_FEED_FROM;
        options.from.number = wanted->number;
        r = splinter_feed_open(&feed, store, &options);
    }
    if (r) {
        feed = NULL;
        cannot_watch(r);
    }
}

/* ---- without one ---- */

/* The revision of each key that is there, as it was told last: a tree of these. */
struct seen {
    uint32_t revision;
    char key[];
};
static void *tree;

static int by_key(const void *a, const void *b)
{
    const struct seen *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static struct seen *new_seen(const char *key)
{
    size_t len = strlen(key) + 1;
    struct seen *seen = cli_need(malloc(sizeof(*seen) + len));
    seen->revision = 0;
    memcpy(seen->key, key, len);
    return seen;
}

static struct seen *seen_of(const char *key)
{
    struct seen *new = new_seen(key), **place = cli_need(tsearch(new, &tree, by_key));
    if (*place != new)
        free(new);
    return *place;
}

static void forget(const char *key)
{
    struct seen *like = new_seen(key), **place = tfind(like, &tree, by_key);
    struct seen *found = place ? *place : NULL;
    if (found)
        tdelete(like, &tree, by_key);
    free(found);
    free(like);
}

/* Values of the key that nobody told of: with each set its revision rises by one, and it begins
 * again at 1 when the key was absent. */
static uint64_t missed_before(const struct splinter_event *e)
{
    if (e->what != SPLINTER_EVENT_SET) {
        forget(e->key);
        return 0;
    }
    struct seen *seen = seen_of(e->key);
    uint32_t since = e->revision > seen->revision ? seen->revision : 0;
    seen->revision = e->revision;
    return e->flags & SPLINTER_EVENT_STATE || !e->revision ? 0 : e->revision - since - 1;
}

static void add_key(const char *key, uint64_t epoch)
{
    int r = splinter_watch_add_key(watch, key, epoch, 0);
    if (r)
        cannot_watch(r);
}

static void open_watch(void)
{
    int r = splinter_watch_open(&watch, store, 0);
    if (!r && (wanted->prefix || !wanted->key_count)) /* the state, for its revisions */
        r = splinter_watch_add_prefix(watch, wanted->prefix, SPLINTER_FEED_STATE, 0);
    if (r)
        cannot_watch(r);
    next_key = 0;
}

/* Is that key told of in any case, by the prefix, or as it was named before? */
static bool is_twice(int i)
{
    for (int other = 0; other < i; other++)
        if (strcmp(wanted->keys[other], wanted->keys[i]) == 0)
            return true;
    return has_prefix(wanted->keys[i]);
}

/* The named keys, one after the other: the first event of each, if it is there, and the rest comes
 * from the watch. */
static bool next_of_named(struct splinter_event *e)
{
    while (next_key < wanted->key_count) {
        const char *key = wanted->keys[next_key];
        if (is_twice(next_key)) {
            next_key++;
            continue;
        }
        int r = cli_get(key, &value);
        if (r == -EAGAIN && !cli_stop)
            continue;
        next_key++;
        add_key(key, r ? 0 : value.meta.epoch);
        if (r)
            continue;
        *e = (struct splinter_event){
            .struct_size = sizeof(*e),
            .epoch = value.meta.epoch,
            .value_size = value.size,
            .what = SPLINTER_EVENT_SET,
            .flags = SPLINTER_EVENT_STATE | SPLINTER_EVENT_VALUE,
            .type = value.meta.type,
            .revision = value.meta.revision,
        };
        memcpy(e->key, key, strlen(key) + 1);
        return true;
    }
    return false;
}

/* Without a prefix nobody else says that those were all. */
static bool named_are_told(struct splinter_event *e)
{
    if (wanted->prefix || !wanted->key_count || next_key > wanted->key_count)
        return false;
    next_key = wanted->key_count + 1;
    *e = (struct splinter_event){.struct_size = sizeof(*e), .what = SPLINTER_EVENT_READY};
    return true;
}

static int next_by_watch(struct splinter_event *e, uint64_t ms)
{
    if (next_of_named(e) || named_are_told(e))
        return 0;
    int r = splinter_watch_next(watch, NULL, e, value.buf, value.room);
    if (r != -EAGAIN || !ms)
        return r;
    struct pollfd p = {.fd = splinter_watch_fd(watch), .events = POLLIN};
    poll(&p, 1, (int)(ms < 1000 ? ms : 1000));
    return splinter_watch_next(watch, NULL, e, value.buf, value.room);
}

/* ---- either way ---- */

void ctl_changes_begin(splinter_store *of, const struct ctl_wanted *what)
{
    struct splinter_stat stat;
    store = of;
    wanted = what;
    if (!value.buf) {
        value.room = 4096;
        value.buf = cli_need(malloc(value.room));
    }
    cli_stat(&stat);
    if (stat.feed)
        open_feed();
    else if (what->from)
        cli_die(CLI_FAILURE, "--from needs a feed, and bus '%s' was made without", ctl_bus_name());
    else
        open_watch();
}

/* The value that was set, unless it has been replaced.  A longer one than before needs room. */
static const void *value_of(const struct splinter_event *e)
{
    int r;
    if (e->what != SPLINTER_EVENT_SET)
        return NULL;
    if (e->flags & SPLINTER_EVENT_VALUE)
        return value.buf;
    if (e->value_size && e->value_size <= value.room)
        return NULL;
    do
        r = cli_get(e->key, &value);
    while (r == -EAGAIN && !cli_stop);
    return !r && value.meta.epoch == e->epoch ? value.buf : NULL;
}

/* Is it to be told? */
static bool counts(const struct splinter_event *e)
{
    bool state = e->flags & SPLINTER_EVENT_STATE || e->what == SPLINTER_EVENT_READY;
    if (state && !wanted->state)
        return false;
    return e->what == SPLINTER_EVENT_READY || e->what == SPLINTER_EVENT_GAP || is_wanted(e->key);
}

#define SKIP_MS 100 /* how much longer a call may take to pass changes that nobody wants */

bool ctl_changes_next(struct ctl_change *change, uint64_t ms)
{
    struct splinter_event *e = &change->event;
    uint64_t deadline = cli_deadline(ms), skip_until = cli_deadline(ms + SKIP_MS);
    do {
        uint64_t left = cli_slice(deadline);
        e->struct_size = sizeof(*e);
        int r = feed ? splinter_feed_next(feed, e, value.buf, value.room, left)
                     : next_by_watch(e, left);
        if (r == -EINTR) {
            splinter_store_resume(store);
        } else if (r == -ETIMEDOUT || r == -EAGAIN) {
            if (!left)
                break;
        } else if (r) {
            cannot_watch(r);
        } else {
            change->missed = feed ? 0 : missed_before(e);
            if (counts(e)) {
                change->value = value_of(e);
                return true;
            }
            if (cli_now_ms() >= skip_until)
                break;
        }
    } while (!cli_stop);
    return false;
}

void ctl_changes_end(void)
{
    splinter_feed_close(feed);
    splinter_watch_close(watch);
    feed = NULL;
    watch = NULL;
    tdestroy(tree, free);
    tree = NULL;
}
