/* SPDX-License-Identifier: Apache-2.0 */
/* top.c - top: the bus, live */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "top_sample.h"
#ifdef HAVE_NCURSES
#include "top_screen.h"
#endif

enum { TOP_INTERVAL, TOP_ONCE };
const struct ctl_option ctl_top_options[] = {
    [TOP_INTERVAL] = {"interval", "SECONDS", "look again every SECONDS seconds (default 1)"},
    [TOP_ONCE] = {"once", NULL, "print what happened in one interval, and end"},
    {NULL, NULL, NULL},
};

static void key_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct top_sample *s = arg;
    fields[0] = ctl_number("changes_per_second", top_rate(s, s->keys[i].changes));
    fields[1] = ctl_number("changes", s->keys[i].changes);
    fields[2] = ctl_number("size", s->keys[i].size);
    fields[3] = ctl_text("key", s->keys[i].key);
}

static void lease_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct top_lease *lease = &((const struct top_sample *)arg)->leases[i];
    fields[0] = ctl_number("owner", lease->owner);
    fields[1] = *lease->holder ? ctl_text("holder", lease->holder) : ctl_none("holder");
    fields[2] = lease->ttl_ms ? ctl_number("ttl_ms", lease->ttl_ms) : ctl_none("ttl_ms");
    fields[3] = ctl_text("lease", lease->key);
}

static void queue_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct top_queue *queue = &((const struct top_sample *)arg)->queues[i];
    fields[0] = ctl_number("waiting", queue->stat.waiting);
    fields[1] = ctl_number("taken", queue->stat.taken);
    fields[2] = ctl_number("capacity", queue->stat.capacity);
    fields[3] = ctl_text("queue", queue->name);
}

static void topic_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct top_sample *s = arg;
    const struct top_topic *topic = &s->topics[i];
    fields[0] = ctl_number("published_per_second", top_rate(s, topic->published));
    fields[1] = ctl_number("messages", topic->stat.next - topic->stat.oldest);
    fields[2] = ctl_number("capacity", topic->stat.capacity);
    fields[3] = ctl_text("topic", topic->name);
}

static void process_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct ctl_process *process = &((const struct top_sample *)arg)->processes[i];
    fields[0] = ctl_number("pid", (uint64_t)process->pid);
    fields[1] = ctl_text("state", process->state);
    fields[2] = ctl_text("name", process->name);
}

static void print_once(struct top_sample *s)
{
    const struct splinter_stat *stat = &s->stat;
    size_t leases = s->lease_count < TOP_LEASES_MAX ? s->lease_count : TOP_LEASES_MAX;
    const struct ctl_table keys = {s->key_count, 4, key_row, s};
    const struct ctl_table held = {leases, 4, lease_row, s};
    const struct ctl_table queues = {s->queue_count, 4, queue_row, s};
    const struct ctl_table topics = {s->topic_count, 4, topic_row, s};
    const struct ctl_table processes = {s->process_count, 3, process_row, s};
    const struct ctl_field fields[] = {
        ctl_text("bus", ctl_bus_name()),
        ctl_number("interval_ms", s->for_ms),
        ctl_number("keys", stat->keys),
        ctl_number("slots", stat->slots),
        ctl_number("percent_full", stat->slots ? stat->keys * 100 / stat->slots : 0),
        ctl_number("changes_per_second", top_rate(s, s->changes)),
        ctl_number("changed_keys", s->changed),
        ctl_number("used_bytes", stat->used_bytes),
        ctl_number("reserved_bytes", stat->reserved_bytes),
        ctl_number("mapped_bytes", stat->mapped_bytes),
        ctl_number("attached", stat->attached),
        stat->feed ? ctl_number("feed", stat->feed) : ctl_none("feed"),
        ctl_number("held_leases", s->lease_count),
        {.name = "changing", .kind = CTL_ROWS, .table = &keys},
        {.name = "leases", .kind = CTL_ROWS, .table = &held},
        {.name = "queues", .kind = CTL_ROWS, .table = &queues},
        {.name = "topics", .kind = CTL_ROWS, .table = &topics},
        {.name = "processes", .kind = CTL_ROWS, .table = &processes},
    };
    ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
}

static void look_once(struct top_sample *s, splinter_store *store, uint64_t interval_ms)
{
    const struct timespec pause = {(time_t)(interval_ms / 1000),
                                   (long)(interval_ms % 1000) * 1000000};
    top_look(s, store);
    nanosleep(&pause, NULL);
    top_look(s, store);
    print_once(s);
}

static void look_on(struct top_sample *s, splinter_store *store, uint64_t interval_ms)
{
#ifdef HAVE_NCURSES
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        cli_usage("top: standard input and output have to be a terminal; --once prints once");
    if (ctl_json())
        cli_usage("top: --json needs --once");
    top_screen(s, store, interval_ms);
#else
    (void)s;
    (void)store;
    (void)interval_ms;
    cli_die(CLI_FAILURE, "top: this splinterctl was built without ncurses; --once prints once");
#endif
}

int ctl_run_top(const struct ctl_call *call)
{
    const char *interval = call->given[TOP_INTERVAL];
    uint64_t interval_ms = interval ? cli_seconds("--interval", interval, 100, 3600000) : 1000;
    static struct top_sample sample;
    top_free(&sample); /* what an error of the last time has left */
    if (call->given[TOP_ONCE])
        look_once(&sample, call->store, interval_ms);
    else
        look_on(&sample, call->store, interval_ms);
    top_free(&sample);
    return CLI_OK;
}
