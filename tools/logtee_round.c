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

static const struct logtee_task *task;
static uint64_t left; /* values to print */
static uint64_t round_number;

static void *grow(void *old, size_t n, size_t size)
{
    void *new = n > SIZE_MAX / size ? NULL : realloc(old, n * size);
    if (!new)
        cli_die(CLI_FAILURE, "out of memory");
    return new;
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

/* The key is there.  first: before we began; that is not new, unless --current asks for it. */
static void met(const char *key, const struct splinter_meta *meta, bool first)
{
    struct logtee_seen *s = logtee_seen_of(key);
    s->round = round_number;
    if (first) {
        s->revision = meta->revision;
        if (!task->current) {
            s->epoch = meta->epoch;
            return;
        }
        s->revision--; /* the value that is there comes next, and is not missed */
    }
    if (meta->epoch <= s->epoch)
        return;
    if (change_count == change_room) {
        change_room = change_room ? change_room * 2 : 64;
        changes = grow(changes, change_room, sizeof(*changes));
    }
    changes[change_count++] = (struct change){meta->epoch, strdup(key)};
    if (!changes[change_count - 1].key)
        cli_die(CLI_FAILURE, "out of memory");
}

static void look_at_named(splinter_store *store, bool first)
{
    for (size_t i = 0; i < task->name_count; i++) {
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        int r;
        do
            r = splinter_store_get(store, task->names[i], NULL, 0, NULL, &meta);
        while (r == -EAGAIN && !cli_stop);
        if (!r)
            met(task->names[i], &meta, first);
        else if (r == -ENOENT && first && !task->wait)
            cli_die(CLI_ABSENT, "key '%s' does not exist in bus '%s'", task->names[i], task->bus);
        else if (r != -ENOENT && r != -EAGAIN)
            cli_die(CLI_FAILURE, "cannot read key '%s' of bus '%s': %s", task->names[i], task->bus,
                    strerror(-r));
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
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", task->bus, strerror(-r));
}

/* false: somebody else was faster; the next round tells. */
static bool print_change(splinter_store *store, const char *key, struct cli_value *v)
{
    int r;
    do
        r = cli_get(store, key, v);
    while (r == -EAGAIN && !cli_stop);
    struct logtee_seen *s = logtee_seen_of(key);
    if (r || v->meta.epoch <= s->epoch)
        return false;
    /* Revisions wrap after 2^32 sets; to see one that is lower mostly means a new life. */
    bool known = s->epoch || s->revision;
    bool recreated = s->gone || (known && v->meta.revision <= s->revision);
    uint32_t missed = v->meta.revision - 1 - (recreated ? 0 : s->revision);
    if (missed || recreated)
        logtee_output_missed(key, missed, recreated);
    s->epoch = v->meta.epoch;
    s->revision = v->meta.revision;
    s->gone = false;
    logtee_output_value(key, v);
    left--;
    return true;
}

/* One look at everything.  true: something was printed. */
static bool look(splinter_store *store, struct cli_value *v, bool first)
{
    bool printed = false;
    round_number++;
    change_count = 0;
    if (task->name_count)
        look_at_named(store, first);
    else
        look_at_all(store, first);
    if (!cli_stop) /* else maybe not all was met */
        logtee_seen_round_over(round_number);
    if (change_count) /* else there may be no array */
        qsort(changes, change_count, sizeof(*changes), by_epoch);
    for (size_t i = 0; i < change_count; i++) {
        if (left && !cli_stop)
            printed |= print_change(store, changes[i].key, v);
        free(changes[i].key);
    }
    logtee_output_flush();
    return printed;
}

static void reopen(void)
{
    cli_hup = 0;
    logtee_output_reopen();
    if (task->verbose)
        cli_warn("reopened '%s'", task->output);
}

void logtee_follow(splinter_store *store, const struct logtee_task *asked, uint64_t deadline,
                   bool existed)
{
    task = asked;
    left = asked->count;
    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    static struct cli_value v;
    int r = splinter_store_stat(store, &stat);
    if (r)
        cli_die(CLI_FAILURE, "cannot look at bus '%s': %s", task->bus, strerror(-r));

    uint64_t epoch = stat.epoch;
    if (look(store, &v, existed))
        deadline = cli_deadline(task->timeout_ms);
    if (task->verbose)
        cli_warn("following bus '%s'", task->bus);
    while (left && !cli_stop) {
        if (cli_hup)
            reopen();
        uint64_t ms = cli_slice(deadline);
        r = splinter_store_wait_any(store, epoch, ms, &epoch);
        if (r == -ETIMEDOUT) {
            logtee_output_check();
        } else if (r) {
            cli_die(CLI_FAILURE, "cannot wait for bus '%s': %s", task->bus, strerror(-r));
        } else if (look(store, &v, false)) {
            deadline = cli_deadline(task->timeout_ms);
            continue;
        }
        if (!ms) {
            logtee_output_total();
            cli_die(CLI_TIMEOUT, "no new value within %" PRIu64 " ms", task->timeout_ms);
        }
    }
    free(v.buf);
    free(changes);
}
