/* SPDX-License-Identifier: Apache-2.0 */
/* cli_follow.c - what the tools that follow a bus share */
#include "cli_follow.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_text.h"

#define LOOK_MS 100 /* how often to look where the name of the bus leads */

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
    case 'b':
        f->bus = optarg;
        break;
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
    case 'f':
        f->file = true;
        break;
    case 'v':
        f->verbose = true;
        break;
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
    uint32_t where = cli_where(f->bus, f->file);
    struct cli_file before;
    int r;
    do { /* until what was opened is surely what the name leads to */
        before = (struct cli_file){0};
        cli_file_of(f->bus, where, &before);
        options.flags = where;
        r = cli_open(store, f->bus, &options);
        /* A process that may only read can follow as well; no writer wakes it, so it polls. */
        if (r == -EACCES || r == -EPERM || r == -EROFS) {
            options.flags = where | SPLINTER_RDONLY;
            r = cli_open(store, f->bus, &options);
        }
        f->at = before;
    } while (!r && cli_file_of(f->bus, where, &f->at) && !same_file(&before, &f->at));
    return r;
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
            cli_open_failed(f->bus, r);
        if (!f->came && f->verbose)
            cli_warn("waiting for bus '%s'", f->bus);
        f->came = true;
        if (cli_stop)
            return NULL;
        uint64_t ms = cli_slice(f->deadline);
        if (!ms)
            cli_die(CLI_TIMEOUT, "bus '%s' was not created in time", f->bus);
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
    bool there = cli_file_of(f->bus, cli_where(f->bus, f->file), &now);
    if (there && same_file(&now, &f->at)) {
        f->told = false; /* it was away for a moment, perhaps */
        return false;
    }
    if (!f->told && !f->wait)
        cli_warn("bus '%s' was removed; without --wait no new one is followed", f->bus);
    else if (!f->told && !there)
        cli_warn("bus '%s' was removed; waiting for a new one", f->bus);
    f->told = true;
    return there && f->wait;
}

splinter_store *cli_follow_again(struct cli_follow *f)
{
    struct cli_file was = f->at;
    splinter_store *store;
    int r = open_now(f, &store);
    if (!r) {
        cli_warn("bus '%s' was made again; following the new one", f->bus);
        f->told = false;
        f->came = true;
        return store;
    }
    /* Perhaps it is being copied there.  Once for each file. */
    if (r != -ENOENT && !same_file(&f->at, &f->refused)) {
        cli_warn("%s; the old one is followed until that changes", cli_why_not_open(f->bus, r));
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

uint32_t cli_seen_next(struct cli_seen *seen, const struct splinter_meta *meta, bool *recreated)
{
    /* Revisions wrap after 2^32 sets; a lower one mostly means that the key was unset and set
     * again. */
    bool known = seen->epoch || seen->revision;
    *recreated = seen->gone || (known && meta->revision <= seen->revision);
    uint32_t missed = meta->revision - 1 - (*recreated ? 0 : seen->revision);
    *seen = (struct cli_seen){.epoch = meta->epoch, .revision = meta->revision};
    return missed;
}

void cli_warn_missed(const char *key, uint64_t epoch, uint32_t missed, bool recreated)
{
    if (recreated)
        cli_warn("key '%s' was removed and set again: %" PRIu32 " value%s missed since, and "
                 "perhaps some before",
                 key, missed, missed == 1 ? " was" : "s were");
    else if (missed)
        cli_warn("%" PRIu32 " value%s of key '%s' %s missed before epoch %" PRIu64, missed,
                 CLI_S(missed), key, missed == 1 ? "was" : "were", epoch);
}
