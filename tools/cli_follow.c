/* SPDX-License-Identifier: Apache-2.0 */
/* cli_follow.c - what the tools that follow a bus share */
#include "cli_follow.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_text.h"

#define LOOK_MS 100 /* how often to look where the name of the bus leads */
#define GAP_MS 1000 /* how often at most to say what the feed has lost */

/* What was seen before this epoch may have changed and changed again, and nobody has told: all,
 * without a feed. */
static uint64_t lost_at = UINT64_MAX;

/* ---- options ---- */

void cli_follow_init(struct cli_follow *f)
{
    *f = (struct cli_follow){
        .count = UINT64_MAX,
        .timeout_ms = CLI_NEVER,
    };
}

void cli_follow_option(struct cli_follow *f, int option)
{
    switch (option) {
    case 'n':
        f->count = cli_number("--count", optarg, 1, UINT64_MAX - 1);
        f->counted = true;
        break;
    case 't':
        f->timeout_ms = cli_number("--timeout", optarg, 0, CLI_MS_MAX);
        break;
    case 'c':
        f->current = true;
        break;
    case 'w':
        f->wait = true;
        break;
    case 'v':
        f->verbose = true;
        break;
    default:
        cli_choice_option(&f->chosen, option);
    }
}

/* ---- the bus ---- */

void cli_follow_renew_deadline(struct cli_follow *f)
{
    f->deadline = cli_deadline(f->timeout_ms);
}

static bool same_file(const struct cli_file *a, const struct cli_file *b)
{
    return a->dev == b->dev && a->ino == b->ino;
}

static int open_now(struct cli_follow *f, splinter_store **store)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    uint32_t where = cli_where(f->chosen.bus, f->chosen.file);
    struct cli_file before;
    int r;
    do { /* until what was opened is surely what the name leads to */
        before = (struct cli_file){0};
        cli_file_of(f->chosen.bus, where, &before);
        options.flags = where;
        r = cli_open(store, f->chosen.bus, &options);
        /* A process that may only read can follow as well; no writer wakes it, so it polls. */
        if (r == -EACCES || r == -EPERM || r == -EROFS) {
            options.flags = where | SPLINTER_RDONLY;
            r = cli_open(store, f->chosen.bus, &options);
        }
        f->at = before;
    } while (!r && cli_file_of(f->chosen.bus, where, &f->at) && !same_file(&before, &f->at));
    if (r)
        return r;
    f->feed = cli_feed_open();
    lost_at = f->feed ? 0 : UINT64_MAX;
    if (f->verbose && f->feed)
        cli_warn("follows by the feed, which tells of every change");
    else if (f->verbose)
        cli_warn("bus '%s' has no feed: values that are replaced quickly may be missed",
                 f->chosen.bus);
    return 0;
}

splinter_store *cli_follow_open(struct cli_follow *f)
{
    splinter_store *store;
    cli_follow_renew_deadline(f);
    for (;;) {
        int r = open_now(f, &store);
        if (!r)
            return store;
        if (r != -ENOENT || !f->wait)
            cli_open_failed(f->chosen.bus, r);
        if (!f->came && f->verbose)
            cli_warn("waiting for bus '%s'", f->chosen.bus);
        f->came = true;
        if (cli_stop)
            return NULL;
        uint64_t ms = cli_slice(f->deadline);
        if (!ms)
            cli_die(CLI_TIMEOUT, "bus '%s' was not created in time", f->chosen.bus);
        poll(NULL, 0, (int)(ms < 20 ? ms : 20));
    }
}

bool cli_follow_moved(struct cli_follow *f)
{
    struct cli_file now;
    uint64_t ms = cli_now_ms();
    if (ms < f->look_ms)
        return false;
    f->look_ms = ms + LOOK_MS;
    bool there = cli_file_of(f->chosen.bus, cli_where(f->chosen.bus, f->chosen.file), &now);
    if (there && same_file(&now, &f->at)) {
        f->told = false; /* it was away for a moment, perhaps */
        return false;
    }
    if (!f->told && !f->wait)
        cli_warn("bus '%s' was removed; without --wait no new one is followed", f->chosen.bus);
    else if (!f->told && !there)
        cli_warn("bus '%s' was removed; waiting for a new one", f->chosen.bus);
    f->told = true;
    return there && f->wait;
}

splinter_store *cli_follow_again(struct cli_follow *f)
{
    struct cli_file was = f->at;
    splinter_store *store;
    int r = open_now(f, &store);
    if (!r) {
        cli_warn("bus '%s' was made again; following the new one", f->chosen.bus);
        f->told = false;
        f->came = true;
        return store;
    }
    /* Perhaps it is being copied there.  Once for each file. */
    if (r != -ENOENT && !same_file(&f->at, &f->refused)) {
        cli_warn("%s; the old one is followed until that changes",
                 cli_why_not_open(f->chosen.bus, r));
        f->refused = f->at;
    }
    f->at = was;
    return NULL;
}

void cli_follow_end(const struct cli_follow *f)
{
    cli_close();
    if (cli_stop && f->counted && f->count)
        cli_die_of_signal();
}

/* ---- what was missed ---- */

void cli_seen_first(struct cli_seen *seen, const struct splinter_meta *meta, bool current)
{
    seen->epoch = current ? 0 : meta->epoch;
    /* With current, the value that is there comes next, and is not missed. */
    seen->revision = current ? meta->revision - 1 : meta->revision;
}

/* A life of the key has ended, and its successor has begun or may begin. */
static void end_life(struct cli_seen *seen)
{
    seen->revision = 0;
    seen->gone = true;
}

void cli_seen_gone(struct cli_seen *seen)
{
    end_life(seen);
    seen->unsure = true;
}

/* Revisions wrap after 2^32 sets; a lower one mostly means that the key was unset and set again.
 * The feed does not tell of a removal if a key is set that has expired. */
static void expect_revision(struct cli_seen *seen, uint32_t revision)
{
    bool known = seen->epoch || seen->revision;
    if (!known || revision > seen->revision)
        return;
    end_life(seen);
    seen->unsure |= seen->epoch < lost_at;
}

struct cli_missed cli_seen_next(struct cli_seen *seen, const struct splinter_meta *meta)
{
    expect_revision(seen, meta->revision);
    struct cli_missed missed = {
        .values = seen->passed + (meta->revision - 1 - seen->revision),
        .recreated = seen->gone,
        .unsure = seen->unsure,
    };
    *seen = (struct cli_seen){.epoch = meta->epoch, .revision = meta->revision};
    return missed;
}

enum cli_told cli_seen_event(struct cli_seen *seen, const struct splinter_event *e,
                             struct cli_value *v)
{
    if (e->epoch <= seen->epoch) /* it was seen before it was told, or it is told again */
        return CLI_TOLD_NOTHING;
    if (e->what == SPLINTER_EVENT_SET) {
        int r;
        do
            r = cli_get(e->key, v);
        while (r == -EAGAIN && !cli_stop);
        if (!r && v->meta.epoch == e->epoch)
            return CLI_TOLD_VALUE;
        expect_revision(seen, e->revision);
    } else if (!seen->epoch && !seen->revision) {
        seen->revision = e->revision; /* what it had is lost in a gap, of which the tool has told */
    } else if (e->revision < seen->revision) {
        cli_seen_gone(seen);
    }
    seen->passed += e->revision - seen->revision;
    seen->revision = e->revision;
    seen->epoch = e->epoch;
    if (e->what == SPLINTER_EVENT_SET)
        return CLI_TOLD_NOTHING;
    end_life(seen);
    return CLI_TOLD_REMOVAL;
}

struct cli_missed cli_seen_passed(struct cli_seen *seen)
{
    struct cli_missed missed = {.values = seen->passed};
    seen->passed = 0;
    return missed;
}

void cli_warn_missed(const char *key, uint64_t epoch, const struct cli_missed *missed)
{
    uint32_t n = missed->values;
    char before[48] = "";
    if (epoch)
        snprintf(before, sizeof(before), " before epoch %" PRIu64, epoch);
    if (missed->recreated)
        cli_warn("key '%s' was removed and set again: %" PRIu32 " value%s missed since%s", key, n,
                 n == 1 ? " was" : "s were", missed->unsure ? ", and perhaps some before" : "");
    else if (n)
        cli_warn("%" PRIu32 " value%s of key '%s' %s missed%s", n, CLI_S(n), key,
                 n == 1 ? "was" : "were", before);
}

void cli_follow_gap(struct cli_follow *f, const struct splinter_event *gap)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    lost_at = stat.epoch;
    f->lost += gap->number - gap->first + 1;
    if (cli_now_ms() >= f->gap_ms)
        cli_follow_say_gap(f);
}

void cli_follow_say_gap(struct cli_follow *f)
{
    if (!f->lost)
        return;
    cli_warn("the feed of bus '%s' has a gap: up to %" PRIu64 " change%s %s lost; going on with "
             "what is there now",
             f->chosen.bus, f->lost, CLI_S(f->lost), f->lost == 1 ? "is" : "are");
    f->lost = 0;
    f->gap_ms = cli_now_ms() + GAP_MS;
}
