/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - queue push, queue remove and queue list; work.c has queue work */
#include <errno.h>
#include <stdlib.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "message.h"
#include "output.h"

static splinter_store *store;
static splinter_queue *queue;

static void close_queue(void)
{
    splinter_queue_close(queue);
    queue = NULL;
}

/* ---- push ---- */

enum { PUSH_TIMEOUT = PUT_OWN };
const struct ctl_option ctl_push_options[] = {
    CTL_PUT_OPTIONS("queue", "items"),
    [PUSH_TIMEOUT] = {"timeout", "MS", "wait at most MS milliseconds for room (0: not at\n"
                                     "                       all)"},
    {NULL, NULL, NULL},
};

static struct ctl_put put;
static uint64_t timeout_ms;

static int open_to_push(const struct splinter_topic_options *options)
{
    return splinter_queue_open(&queue, store, put.to.name, options);
}

static int push(const void *bytes, size_t len, uint32_t type, uint64_t *number)
{
    const struct splinter_publish_options options = {.struct_size = sizeof(options), .type = type};
    int r = splinter_queue_push(queue, bytes, len, &options, timeout_ms, number);
    if (r == -ETIMEDOUT && !timeout_ms)
        cli_die(CLI_REFUSED, "queue '%s' of bus '%s' is full", put.to.name, ctl_bus_name());
    if (r == -ETIMEDOUT)
        cli_die(CLI_TIMEOUT, "queue '%s' of bus '%s' was full for %llu ms", put.to.name,
                ctl_bus_name(), (unsigned long long)timeout_ms);
    return r;
}

int ctl_run_queue_push(const struct ctl_call *call)
{
    const char *timeout = call->given[PUSH_TIMEOUT];
    store = call->store;
    timeout_ms = timeout ? cli_number("--timeout", timeout, 0, CLI_MS_MAX) : SPLINTER_FOREVER;
    put = (struct ctl_put){{"queue", ctl_name_of("QUEUE", call->arguments[0])}, open_to_push, push,
                           close_queue};
    return ctl_put(call, &put);
}

/* ---- remove ---- */

int ctl_run_queue_remove(const struct ctl_call *call)
{
    const struct ctl_named of = {"queue", ctl_name_of("QUEUE", call->arguments[0])};
    int r = splinter_queue_open(&queue, call->store, of.name, NULL);
    if (r == -ENOENT) /* what is damaged can be removed */
        ctl_named_failed(&of, "open", r);
    close_queue();
    ctl_remove(call, &of, "items", splinter_queue_remove);
    return CLI_OK;
}

/* ---- list ---- */

struct row {
    const char *name;
    bool known; /* else it was removed just now */
    struct splinter_queue_stat stat;
};

static void queue_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct row *row = (struct row *)arg + i;
    const struct splinter_queue_stat *stat = &row->stat;
    const struct ctl_field known[] = {
        ctl_number("waiting", stat->waiting),
        ctl_number("taken", stat->taken),
        ctl_number("capacity", stat->capacity),
        ctl_number("max_message", stat->max_message),
        ctl_number("newest", stat->newest),
    };
    for (size_t c = 0; c < 5; c++)
        fields[c] = row->known ? known[c] : ctl_none(known[c].name);
    fields[5] = ctl_text("queue", row->name);
}

int ctl_run_queue_list(const struct ctl_call *call)
{
    struct ctl_table table = {.columns = 6, .row = queue_row};
    char **names = ctl_names(call->store, splinter_queue_walk, &table.rows);
    struct row *rows = cli_need(calloc(table.rows + 1, sizeof(*rows)));
    for (size_t i = 0; i < table.rows; i++) {
        rows[i].name = names[i];
        rows[i].stat.struct_size = sizeof(rows[i].stat);
        rows[i].known = !splinter_queue_open(&queue, call->store, names[i], NULL) &&
                        !splinter_queue_stat(queue, &rows[i].stat);
        close_queue();
    }
    table.arg = rows;
    ctl_print_table(&table);
    free(rows);
    ctl_free_names(names, table.rows);
    return CLI_OK;
}
