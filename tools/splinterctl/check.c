/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - check: what is wrong with a store, and what can be repaired */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"

enum { CHECK_REPAIR };
const struct ctl_option ctl_check_options[] = {
    [CHECK_REPAIR] = {"repair", NULL, "repair what can be repaired"},
    {NULL, NULL, NULL},
};

/* What one look has found. */
struct found {
    char **problem;
    size_t count;
    uint64_t keys;
    uint32_t lost; /* records that were damaged */
    bool opened;
};

static void add(void *arg, const char *problem)
{
    struct found *found = arg;
    found->problem = cli_need(realloc(found->problem, (found->count + 1) * sizeof(char *)));
    found->problem[found->count++] = cli_need(strdup(problem));
}

static void clear(struct found *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->problem[i]);
    free(found->problem);
    *found = (struct found){NULL, 0, 0, 0, false};
}

static bool has(const struct found *found, const char *problem)
{
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->problem[i], problem) == 0)
            return true;
    return false;
}

/* The last sync is no business of splinter_store_check(). */
static void look_at_syncs(struct found *found, splinter_store *store, bool repair)
{
    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    char problem[300];
    if (repair)
        splinter_store_sync(store); /* what comes of it is in the state */
    if (splinter_store_stat(store, &stat))
        return;
    found->keys = stat.keys;
    found->lost = stat.damaged;
    if (!stat.sync_error)
        return;
    snprintf(problem, sizeof(problem), "the last sync failed (%s): what was set since then would "
             "not outlive a power cut", strerror((int)stat.sync_error));
    add(found, problem);
}

/* Opens the store with these flags more, and closes it. */
static void look(struct found *found, uint32_t flags)
{
    const struct splinter_open_options options = {.struct_size = sizeof(options),
                                                  .flags = ctl_bus_where() | flags};
    const char *name = ctl_bus_name();
    splinter_store *store;
    clear(found);
    ctl_progress_begin(flags & SPLINTER_REBUILD ? "rebuilding the index" : "checking", "", 0,
                       false);
    ctl_progress_watch(NULL, NULL, ctl_unfinished_abandon);
    int r = splinter_store_open(&store, name, &options), problems = 0;
    found->opened = !r;
    if (!r) {
        problems = splinter_store_check(store, add, found);
        look_at_syncs(found, store, !(flags & SPLINTER_RDONLY));
        splinter_store_close(store);
    }
    ctl_progress_unwatch();
    ctl_progress_end();
    if (r == -EBADMSG)
        add(found, splinter_last_error());
    else if (r)
        cli_open_failed(name, r);
    if (problems < 0)
        cli_die(CLI_FAILURE, "cannot check bus '%s': %s", name, splinter_last_error());
}

/* ---- to print ---- */

struct both {
    struct found before, after;
    bool repair;
    uint32_t lost;
};

/* The library's sentence about records that no repair brings back. */
static bool tells_of_loss(const char *problem)
{
    return strstr(problem, ", and lost") != NULL;
}

static void problem_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct both *both = arg;
    const char *problem = both->before.problem[i];
    fields[0] = ctl_text("state", !both->repair                ? "found"
                                  : tells_of_loss(problem)     ? "lost"
                                  : has(&both->after, problem) ? "stays"
                                                               : "repaired");
    fields[1] = ctl_text("problem", problem);
}

/* All that was found is in `before`; what of it is no more has been repaired, or is lost. */
static void print(struct both *both)
{
    const struct found *last = both->repair ? &both->after : &both->before;
    size_t left = 0, gone = 0;
    for (size_t i = 0; i < both->before.count; i++) {
        const char *problem = both->before.problem[i];
        bool stays = tells_of_loss(problem) || has(last, problem);
        left += stays;
        gone += !stays;
    }
    const struct ctl_table table = {both->before.count, 2, problem_row, both};
    const struct ctl_field fields[] = {
        ctl_text("bus", ctl_bus_name()),
        last->opened ? ctl_number("keys", last->keys) : ctl_none("keys"),
        ctl_number("problems", left),
        ctl_number("repaired", gone),
        ctl_number("lost", both->lost),
        {.name = "found", .kind = CTL_ROWS, .table = &table},
    };
    ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
}

/* Looks again, as a writer, and notes what that has brought to light. */
static void look_again(struct both *both, uint32_t flags)
{
    struct found *after = &both->after;
    look(after, flags);
    for (size_t i = 0; i < after->count; i++)
        if (!has(&both->before, after->problem[i]))
            add(&both->before, after->problem[i]);
    if (after->lost > both->lost)
        both->lost = after->lost;
}

/* A writer cleans up after the dead, and closes the file in order. */
static void repair(struct both *both)
{
    look_again(both, 0);
    if (both->after.count && ctl_bus_where() == SPLINTER_FILE) {
        look_again(both, SPLINTER_REBUILD);
        look_again(both, 0); /* forgets how many were damaged */
    }
}

int ctl_run_check(const struct ctl_call *call)
{
    static struct both both;
    clear(&both.before);
    clear(&both.after);
    both.repair = call->given[CHECK_REPAIR];
    ctl_forget(); /* another handle would keep a rebuild from being made */
    ctl_unfinished_begin();
    look(&both.before, SPLINTER_RDONLY);
    both.lost = both.before.lost;
    if (both.repair)
        repair(&both);
    print(&both);
    return both.lost || (both.repair ? both.after.count : both.before.count) ? CLI_FOUND : CLI_OK;
}
