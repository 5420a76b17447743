/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_round.c - round after round, the values that are new */
#include "logtee_round.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "logtee_output.h"
#include "logtee_seen.h"

static struct logtee_task *task;
static uint64_t round_number;

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
                    task->follow.bus);
    }
}

static void look_at_all(splinter_store *store, bool first)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int r;
    while ((r = splinter_store_walk(store, task->prefix, &cursor, key, &meta)) == 1 && !cli_stop)
        met(key, &meta, first);
    if (r < 0)
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", task->follow.bus,
                strerror(-r));
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
    bool recreated;
    uint32_t missed = cli_seen_next(last, &v->meta, &recreated);
    logtee_output_missed(key, v->meta.epoch, missed, recreated);
    logtee_output_value(key, v);
    task->follow.count--;
    return true;
}

/* One look at everything.  true: something was printed. */
static bool look(splinter_store *store, struct cli_value *v, bool first)
{
    bool printed = false;
    round_number++;
    change_count = 0;
    if (task->name_count)
        look_at_named(first);
    else
        look_at_all(store, first);
    if (!cli_stop) /* else not all may have been met */
        logtee_seen_round_over(round_number);
    if (change_count) /* else there may be no array */
        qsort(changes, change_count, sizeof(*changes), by_epoch);
    for (size_t i = 0; i < change_count; i++) {
        if (task->follow.count && !cli_stop)
            printed |= print_change(changes[i].key, v);
        free(changes[i].key);
    }
    logtee_output_flush();
    return printed;
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
    look(store, v, false);
    splinter_store *new = task->follow.count ? cli_follow_again(&task->follow) : NULL;
    if (!new)
        return store;
    logtee_seen_free();
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
        cli_warn("following bus '%s'", f->bus);
    while (f->count && !cli_stop) {
        if (cli_hup)
            reopen();
        if (cli_follow_moved(f)) {
            store = move_on(store, &v, &epoch);
            continue;
        }
        uint64_t ms = cli_slice(f->deadline);
        int r = splinter_store_wait_any(store, epoch, ms, &epoch);
        if (r == -ETIMEDOUT) {
            logtee_output_check();
        } else if (r) {
            cli_die(CLI_FAILURE, "cannot wait for bus '%s': %s", f->bus, strerror(-r));
        } else if (look(store, &v, false)) {
            cli_follow_renew_deadline(f);
            continue;
        }
        if (!ms) {
            logtee_output_total();
            cli_die(CLI_TIMEOUT, "no new value within %" PRIu64 " ms", f->timeout_ms);
        }
    }
    free(v.buf);
    free(changes);
}
