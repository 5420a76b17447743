/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - watch: what happens to the keys */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "changes.h"
#include "commands.h"
#include "lasting.h"
#include "line.h"
#include "spawn.h"
#include "value.h"

enum { WATCH_PREFIX, WATCH_FROM, WATCH_STATE, WATCH_COUNT, WATCH_TIMEOUT, WATCH_EXEC };
const struct ctl_option ctl_watch_options[] = {
    [WATCH_PREFIX] = {"prefix", "P", "also the keys that begin with P"},
    [WATCH_FROM] = {"from", "N", "begin after the change number N"},
    [WATCH_STATE] = {"state", NULL, "begin with the keys that are there, and 'ready'"},
    [WATCH_COUNT] = {"count", "N", "end after N events"},
    [WATCH_TIMEOUT] = {"timeout", "MS", "end with status 4 if nothing happens for MS\n"
                                        "                       milliseconds"},
    [WATCH_EXEC] = {"exec", "COMMAND", "run COMMAND by sh for each event, and print nothing"},
    {NULL, NULL, NULL},
};

static struct {
    char *command; /* --exec; NULL: print */
    bool failed;   /* a command did */
    uint64_t missed, events;
} now;

static const char *what_text(uint32_t what)
{
    switch (what) {
    case SPLINTER_EVENT_SET:
        return "set";
    case SPLINTER_EVENT_UNSET:
        return "unset";
    case SPLINTER_EVENT_EXPIRED:
        return "expired";
    case SPLINTER_EVENT_OWNER_GONE:
        return "gone";
    case SPLINTER_EVENT_GAP:
        return "gap";
    case SPLINTER_EVENT_READY:
        return "ready";
    default:
        return NULL;
    }
}

/* ---- to print ---- */

static struct ctl_field number_or_none(const char *name, uint64_t number)
{
    return number ? ctl_number(name, number) : ctl_none(name);
}

static void print_change(const struct ctl_change *c)
{
    const struct splinter_event *e = &c->event;
    bool of_key = *e->key;
    char type[CTL_TYPE_ROOM];
    struct ctl_cell cells[9 + CTL_VALUE_CELLS] = {
        {number_or_none("number", e->number), 7, true},
        {number_or_none("epoch", e->epoch), 10, true},
        {ctl_text("event", what_text(e->what)), 7, false},
        {of_key ? ctl_text("key", e->key) : ctl_none("key"), 20, false},
        {number_or_none("size", e->value_size), 6, true},
        ctl_json_only(of_key ? ctl_text("type", ctl_type_text(e->type, type)) : ctl_none("type")),
        ctl_json_only(number_or_none("revision", e->revision)),
        ctl_json_only(ctl_number("missed", c->missed)),
    };
    size_t count = 8;
    if (e->what == SPLINTER_EVENT_GAP)
        cells[count++] = ctl_json_only(number_or_none("first", e->first));
    ctl_value_cells(cells + count, c->value, e->value_size, e->type);
    ctl_print_line(cells, count + CTL_VALUE_CELLS);
}

/* ---- to run ---- */

static void number_text(char *text, size_t room, uint64_t number)
{
    snprintf(text, room, "%" PRIu64, number);
}

/* A first signal waits for the command, and a second one ends it. */
static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            cli_die(CLI_FAILURE, "cannot wait for the command: %s", strerror(errno));
        if (ctl_stops > 1)
            kill(pid, SIGTERM);
    }
    return status;
}

static void run_command(const struct ctl_change *c)
{
    const struct splinter_event *e = &c->event;
    char number[24], epoch[24], first[24], size[24], type[CTL_TYPE_ROOM];
    char sh[] = "sh", minus_c[] = "-c";
    char *program[] = {sh, minus_c, now.command, NULL};
    number_text(number, sizeof(number), e->number);
    number_text(epoch, sizeof(epoch), e->epoch);
    number_text(first, sizeof(first), e->first);
    number_text(size, sizeof(size), e->value_size);
    const struct ctl_variable environment[] = {
        {"SPLINTER_EVENT", what_text(e->what)},
        {"SPLINTER_NUMBER", number},
        {"SPLINTER_EPOCH", epoch},
        {"SPLINTER_KEY", e->key},
        {"SPLINTER_SIZE", size},
        {"SPLINTER_TYPE", *e->key ? ctl_type_text(e->type, type) : ""},
        {"SPLINTER_FIRST", first},
        {"SPLINTER_VALUE", c->value ? "1" : ""},
        {NULL, NULL},
    };
    const struct ctl_child child = {program, c->value, c->value ? e->value_size : 0, environment,
                                    false};
    bool cannot_run;
    pid_t pid = ctl_spawn(&child, &cannot_run);
    if (pid < 0)
        cli_die(CLI_FAILURE, "cannot run '%s': %s", now.command, strerror((int)-pid));
    int status = wait_for(pid);
    if (status && !cli_stop) {
        cli_warn("the command failed with %s, at the event '%s' of key '%s'",
                 ctl_how_it_ended(status), what_text(e->what), e->key);
        now.failed = true;
    }
}

/* ---- the whole ---- */

static void tell(const struct ctl_change *c)
{
    const struct splinter_event *e = &c->event;
    if (!what_text(e->what)) /* of a library that knows more */
        return;
    now.missed += c->missed;
    now.events++;
    if (now.command)
        run_command(c);
    else
        print_change(c);
    uint64_t lost = e->number - e->first + 1;
    /* The numbers leap when the index of a file is rebuilt. */
    if (e->what == SPLINTER_EVENT_GAP && e->first && lost <= UINT32_MAX)
        cli_warn("the feed of bus '%s' has a gap: up to %" PRIu64 " change%s %s lost",
                 ctl_bus_name(), lost, CLI_S(lost), lost == 1 ? "is" : "are");
    else if (e->what == SPLINTER_EVENT_GAP)
        cli_warn("the feed of bus '%s' has a gap: some changes are lost", ctl_bus_name());
}

/* Returns false if nothing has happened in time. */
static bool follow(splinter_store *store, uint64_t count, uint64_t timeout_ms)
{
    struct ctl_change c;
    uint64_t deadline = cli_deadline(timeout_ms);
    while (now.events < count && !cli_stop) {
        if (ctl_changes_next(&c, 0)) {
            tell(&c);
            deadline = cli_deadline(timeout_ms);
            continue;
        }
        cli_out_flush(&ctl_out);
        cli_out_check(&ctl_out);
        ctl_look_for_bus(store);
        uint64_t ms = cli_slice(deadline);
        if (!ms)
            return false;
        if (ctl_changes_next(&c, ms)) {
            tell(&c);
            deadline = cli_deadline(timeout_ms);
        }
    }
    return true;
}

static splinter_store *open_to_watch(void)
{
    splinter_store *store = ctl_open_to_follow();
    struct splinter_stat stat;
    cli_stat(&stat);
    if (!stat.feed)
        cli_warn("bus '%s' has no feed, so changes that come close together can be missed",
                 ctl_bus_name());
    return store;
}

int ctl_run_watch(const struct ctl_call *call)
{
    static struct ctl_wanted wanted;
    const char *const *given = call->given;
    uint64_t count = UINT64_MAX, timeout_ms = CLI_NEVER;
    wanted = (struct ctl_wanted){.keys = call->arguments, .key_count = call->count,
                                 .prefix = given[WATCH_PREFIX], .state = given[WATCH_STATE],
                                 .from = given[WATCH_FROM]};
    memset(&now, 0, sizeof(now));
    for (int i = 0; i < call->count; i++)
        cli_key("KEY", call->arguments[i]);
    if (wanted.prefix && *wanted.prefix)
        cli_key("--prefix", wanted.prefix);
    if (wanted.from && wanted.state)
        cli_usage("--from and --state exclude each other");
    if (wanted.from)
        wanted.number = cli_number("--from", given[WATCH_FROM], 0, UINT64_MAX - 1);
    if (given[WATCH_COUNT])
        count = cli_number("--count", given[WATCH_COUNT], 1, UINT64_MAX - 1);
    if (given[WATCH_TIMEOUT])
        timeout_ms = cli_number("--timeout", given[WATCH_TIMEOUT], 0, CLI_MS_MAX);
    if (given[WATCH_EXEC] && !*given[WATCH_EXEC])
        cli_usage("--exec: the COMMAND is empty");
    now.command = (char *)(uintptr_t)given[WATCH_EXEC];

    splinter_store *store = open_to_watch();
    ctl_at_end(ctl_changes_end);
    ctl_catch_signals(store);
    ctl_changes_begin(store, &wanted);
    bool in_time = follow(store, count, timeout_ms);
    cli_out_flush(&ctl_out);
    if (now.missed)
        cli_warn("%" PRIu64 " value%s %s missed", now.missed, CLI_S(now.missed),
                 now.missed == 1 ? "was" : "were");
    if (!in_time)
        cli_die(CLI_TIMEOUT, "nothing happened in bus '%s' within %" PRIu64 " ms", ctl_bus_name(),
                timeout_ms);
    int status = ctl_stopped(count != UINT64_MAX && now.events < count);
    return status ? status : now.failed ? CLI_FAILURE : CLI_OK;
}
