/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_round.c - round after round, the values that are new */
#include "logtee_round.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "cli_bus.h"
#include "logtee_hot.h"
#include "logtee_output.h"
#include "logtee_seen.h"

static struct logtee_task *task;
static uint64_t round_number;

/*
 * A look at all keys takes as long as there are keys, and any change is a reason for one.  If it
 * takes long, it gets a part of the time only, so that it does not take a processor; in between,
 * the keys that changed last are looked at.  What else changed is seen later, and unseen_change
 * says that there may be something.
 */
#define CHEAP_US 1000 /* a look that takes less needs no rest: a store of some thousand keys */
#define REST 9        /* else it is followed by a rest as long as so many looks */
#define REST_MAX_MS 1000
#define HOT_EVERY 8192 /* keys: and what changed last is looked at so often on the way */
static bool unseen_change;
static uint64_t all_at_ms; /* when all keys may be looked at again */

/* A signal came; what was set before it is still looked for, if a rest was in the way. */
static bool last_look;
static bool stopped(void)
{
    return cli_stop && !last_look;
}

/* The keys with something new, in this round. */
struct change {
    uint64_t epoch;
    char *key;
};
static struct change *changes;
static size_t change_count, change_room;

static int by_epoch(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

static void add_change(const char *key, uint64_t epoch)
{
    if (change_count == change_room) {
        change_room = change_room ? change_room * 2 : 64;
        changes = cli_need(reallocarray(changes, change_room, sizeof(*changes)));
    }
    changes[change_count++] = (struct change){epoch, cli_need(strdup(key))};
}

/* The key is there.  first: before we began. */
static void met(const char *key, const struct splinter_meta *meta, bool first)
{
    struct logtee_seen *s = logtee_seen_of(key);
    s->round = round_number;
    s->absent = false;
    if (first)
        cli_seen_first(&s->last, meta, task->follow.current);
    if (meta->epoch > s->last.epoch)
        add_change(key, meta->epoch);
}

static void look_at_named(bool first)
{
    for (size_t i = 0; i < task->name_count; i++) {
        struct splinter_meta meta;
        int r = cli_get_meta(task->names[i], &meta);
        if (!r)
            met(task->names[i], &meta, first);
        else if (r == -ENOENT && first && !task->follow.wait)
            cli_die(CLI_ABSENT, "key '%s' does not exist in bus '%s'", task->names[i],
                    task->follow.chosen.bus);
    }
}

static void look_at_hot(void)
{
    const char *key;
    for (size_t i = 0; (key = logtee_hot(i)); i++) {
        struct splinter_meta meta;
        int r = cli_get_meta(key, &meta);
        if (!r)
            met(key, &meta, false);
        else if (r == -ENOENT)
            cli_seen_gone(&logtee_seen_of(key)->last);
    }
}

static void print_value(const char *key, struct cli_seen *last, const struct cli_value *v)
{
    struct cli_missed missed = cli_seen_next(last, &v->meta);
    logtee_output_missed(key, v->meta.epoch, &missed);
    logtee_output_value(key, v);
    task->follow.count--;
}

/* false: there is no newer value any more, or cli_stop. */
static bool print_change(const char *key, struct cli_value *v)
{
    int r;
    do
        r = cli_get(key, v);
    while (r == -EAGAIN && !cli_stop);
    struct cli_seen *last = &logtee_seen_of(key)->last;
    if (r || v->meta.epoch <= last->epoch)
        return false;
    print_value(key, last, v);
    if (!task->name_count && !task->follow.feed)
        logtee_hot_add(key);
    return true;
}

/* Prints what was met and is new.  true: something was printed. */
static bool print_changes(struct cli_value *v)
{
    bool printed = false;
    if (change_count) /* else there may be no array */
        qsort(changes, change_count, sizeof(*changes), by_epoch);
    for (size_t i = 0; i < change_count; i++) {
        if (task->follow.count && !stopped())
            printed |= print_change(changes[i].key, v);
        free(changes[i].key);
    }
    change_count = 0;
    logtee_output_flush();
    return printed;
}

/* true: something was printed before the end. */
static bool look_at_all(splinter_store *store, struct cli_value *v, bool first)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0, n = 0;
    bool printed = false;
    int r;
    while ((r = splinter_store_walk(store, task->prefix, &cursor, key, &meta)) == 1 && !stopped()) {
        met(key, &meta, first);
        if (++n % HOT_EVERY == 0 && !first) {
            look_at_hot();
            printed |= print_changes(v);
        }
    }
    if (r < 0)
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", task->follow.chosen.bus,
                strerror(-r));
    return printed;
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* One look at everything. */
static bool look(splinter_store *store, struct cli_value *v, bool first)
{
    uint64_t begin = now_us();
    round_number++;
    unseen_change = false;
    bool printed = false;
    if (task->name_count)
        look_at_named(first);
    else
        printed = look_at_all(store, v, first);
    if (!stopped()) /* else not all may have been met */
        logtee_seen_round_over(round_number, !task->follow.feed);
    uint64_t us = now_us() - begin, rest = us < CHEAP_US ? 0 : us * REST / 1000;
    all_at_ms = cli_now_ms() + (rest < REST_MAX_MS ? rest : REST_MAX_MS);
    return print_changes(v) || printed;
}

/* After a change: at everything, or if it is too early for that, at what changed last. */
static bool look_now(splinter_store *store, struct cli_value *v)
{
    if (cli_now_ms() >= all_at_ms)
        return look(store, v, false);
    unseen_change = true;
    look_at_hot();
    return print_changes(v);
}

/* ---- by the feed ---- */

static bool is_wanted(const char *key)
{
    if (!task->name_count)
        return strncmp(key, task->prefix, strlen(task->prefix)) == 0;
    for (size_t i = 0; i < task->name_count; i++)
        if (strcmp(key, task->names[i]) == 0)
            return true;
    return false;
}

/* true: something was printed. */
static bool told(splinter_store *store, const struct splinter_event *e, struct cli_value *v)
{
    if (e->what == SPLINTER_EVENT_GAP) {
        cli_follow_gap(&task->follow, e);
        unseen_change = true;
    }
    bool printed = unseen_change && cli_now_ms() >= all_at_ms && look(store, v, false);
    if (e->what == SPLINTER_EVENT_GAP || !is_wanted(e->key) || !task->follow.count)
        return printed;
    struct logtee_seen *s = logtee_seen_of(e->key);
    s->absent = false;
    enum cli_told what = cli_seen_event(&s->last, e, v);
    if (what == CLI_TOLD_VALUE)
        print_value(e->key, &s->last, v);
    if (what == CLI_TOLD_REMOVAL) {
        struct cli_missed missed = cli_seen_passed(&s->last);
        logtee_output_missed(e->key, e->epoch, &missed);
    }
    return printed || what == CLI_TOLD_VALUE;
}

/* Before the store is left. */
static void say_rest(void)
{
    logtee_seen_say_passed();
    cli_follow_say_gap(&task->follow);
}

/* All that has changed up to now. */
static bool catch_up(splinter_store *store, struct cli_value *v)
{
    struct splinter_event e;
    uint64_t last = cli_feed_last();
    bool printed = false;
    while (task->follow.count && cli_feed_next_up_to(last, &e))
        printed |= told(store, &e, v);
    if (unseen_change && task->follow.count)
        printed |= look(store, v, false);
    logtee_output_flush();
    return printed;
}

/* Waits so many milliseconds for a change; 0: a last look. */
static bool by_feed(splinter_store *store, struct cli_value *v, uint64_t ms)
{
    struct splinter_event e;
    if (!ms)
        return catch_up(store, v);
    if (cli_feed_next(&e, 0))
        return told(store, &e, v);
    logtee_output_flush();
    uint64_t at = unseen_change ? cli_slice(all_at_ms) : ms;
    if (cli_feed_next(&e, at < ms ? at : ms))
        return told(store, &e, v);
    logtee_output_check();
    return unseen_change && cli_now_ms() >= all_at_ms && look(store, v, false);
}

/* ---- the whole ---- */

/* The same without a feed. */
static bool by_looks(splinter_store *store, struct cli_value *v, uint64_t ms, uint64_t *epoch)
{
    uint64_t at = unseen_change ? cli_slice(all_at_ms) : ms;
    int r = splinter_store_wait_any(store, *epoch, at < ms ? at : ms, epoch);
    if (r && r != -ETIMEDOUT)
        cli_die(CLI_FAILURE, "cannot wait for bus '%s': %s", task->follow.chosen.bus, strerror(-r));
    if (r)
        logtee_output_check();
    if (!ms)
        all_at_ms = 0; /* before it gives up */
    return (!r || unseen_change) && look_now(store, v);
}

static void reopen(void)
{
    cli_hup = 0;
    logtee_output_reopen();
    if (task->follow.verbose)
        cli_warn("reopened '%s'", task->output);
}

/* Of the bus: what is set from now on has a higher one. */
static uint64_t epoch_now(void)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    return stat.epoch;
}

/* The bus was made again: what came last in the old one, then all that is in the new one. */
static splinter_store *move_on(splinter_store *store, struct cli_value *v, uint64_t *epoch)
{
    if (task->follow.feed)
        catch_up(store, v);
    else
        look(store, v, false);
    say_rest();
    splinter_store *new = task->follow.count ? cli_follow_again(&task->follow) : NULL;
    if (!new)
        return store;
    logtee_seen_free();
    logtee_hot_free();
    unseen_change = false;
    *epoch = epoch_now();
    if (look(new, v, false))
        cli_follow_renew_deadline(&task->follow);
    return new;
}

void logtee_follow(splinter_store *store, struct logtee_task *asked)
{
    static struct cli_value v;
    struct cli_follow *f = &asked->follow;
    task = asked;
    uint64_t epoch = epoch_now();
    if (look(store, &v, !f->came)) /* a bus that came later: whatever is in it is new */
        cli_follow_renew_deadline(f);
    if (f->verbose)
        cli_warn("following bus '%s'", f->chosen.bus);
    while (f->count && !cli_stop) {
        if (cli_hup)
            reopen();
        if (cli_follow_moved(f)) {
            store = move_on(store, &v, &epoch);
            continue;
        }
        uint64_t ms = cli_slice(f->deadline);
        if (f->feed ? by_feed(store, &v, ms) : by_looks(store, &v, ms, &epoch)) {
            cli_follow_renew_deadline(f);
            continue;
        }
        if (!ms) {
            say_rest();
            logtee_output_total();
            cli_die(CLI_TIMEOUT, "no new value within %" PRIu64 " ms", f->timeout_ms);
        }
    }
    last_look = f->feed || unseen_change;
    if (f->feed)
        catch_up(store, &v);
    else if (last_look && f->count)
        look(store, &v, false);
    say_rest();
    logtee_hot_free();
    free(v.buf);
    free(changes);
}
