/* SPDX-License-Identifier: Apache-2.0 */
/* topic.c - topic publish, topic tail, topic remove and topic list */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "lasting.h"
#include "line.h"
#include "message.h"
#include "value.h"

static splinter_store *store;
static splinter_topic *topic;

static void close_topic(void)
{
    splinter_topic_close(topic);
    topic = NULL;
}

/* ---- publish ---- */

const struct ctl_option ctl_publish_options[] = {
    CTL_PUT_OPTIONS("topic", "messages"),
    {NULL, NULL, NULL},
};

static struct ctl_put put = {.to = {"topic", NULL}};

static int open_to_publish(const struct splinter_topic_options *options)
{
    return splinter_topic_open(&topic, store, put.to.name, options);
}

static int publish(const void *bytes, size_t len, uint32_t type, uint64_t *number)
{
    const struct splinter_publish_options options = {.struct_size = sizeof(options), .type = type};
    return splinter_topic_publish(topic, bytes, len, &options, number);
}

int ctl_run_topic_publish(const struct ctl_call *call)
{
    store = call->store;
    put = (struct ctl_put){{"topic", ctl_name_of("TOPIC", call->arguments[0])}, open_to_publish,
                           publish, close_topic};
    return ctl_put(call, &put);
}

/* ---- tail ---- */

enum { TAIL_FROM, TAIL_COUNT, TAIL_TIMEOUT, TAIL_LONG };
const struct ctl_option ctl_tail_options[] = {
    [TAIL_FROM] = {"from", "WHERE", "begin with the oldest or newest message that is there,\n"
                                    "                       or with the one of that number"},
    [TAIL_COUNT] = {"count", "N", "end after N messages"},
    [TAIL_TIMEOUT] = {"timeout", "MS", "end with status 4 if no message comes for MS\n"
                                       "                       milliseconds"},
    [TAIL_LONG] = {"long", NULL, "also print number, epoch, size and type of each"},
    {NULL, NULL, NULL},
};

static struct tail {
    struct ctl_named of;
    uint64_t position, count, timeout_ms, deadline;
    bool in_full;
    unsigned char *buf;
    size_t room;
} tail;

static uint64_t position_of(const char *from)
{
    if (!from)
        return SPLINTER_TOPIC_NEXT;
    if (strcmp(from, "oldest") == 0)
        return SPLINTER_TOPIC_OLDEST;
    if (strcmp(from, "newest") == 0)
        return SPLINTER_TOPIC_NEWEST;
    if (from[0] < '0' || from[0] > '9')
        cli_usage("--from: '%s' is not allowed; it takes oldest, newest, or the number of a "
                  "message", from);
    return cli_number("--from", from, 1, SPLINTER_TOPIC_NEXT - 1);
}

/* A number that is not that of the next message, or of an earlier one. */
static void check_position(void)
{
    struct splinter_topic_stat stat = {.struct_size = sizeof(stat)};
    int r = splinter_topic_stat(topic, &stat);
    if (r)
        ctl_named_failed(&tail.of, "read", r);
    if (tail.position < SPLINTER_TOPIC_NEXT && tail.position > stat.next)
        cli_usage("--from: '%" PRIu64 "' is not allowed; the next message of topic '%s' has the "
                  "number %" PRIu64, tail.position, tail.of.name, stat.next);
}

static void print_line(const struct splinter_message *m)
{
    char type[CTL_TYPE_ROOM];
    struct ctl_cell cells[7 + CTL_VALUE_CELLS] = {
        {ctl_number("number", m->number), 7, true},
        {ctl_number("epoch", m->epoch), 10, true},
        ctl_json_only(ctl_text("event", "message")),
        ctl_json_only(ctl_text("topic", tail.of.name)),
        ctl_json_only(ctl_number("topic_id", m->topic)),
        {ctl_number("size", m->size), 6, true},
        {ctl_text("type", ctl_type_text(m->type, type)), 5, false},
    };
    ctl_value_cells(cells + 7, tail.buf, m->size, m->type);
    ctl_print_line(cells, 7 + CTL_VALUE_CELLS);
}

/* The message, and a newline. */
static void print_bytes(const struct splinter_message *m)
{
    const struct cli_value value = {.buf = tail.buf, .size = m->size, .meta = {.type = m->type}};
    int64_t number;
    if (!ctl_out.terminal && cli_value_number(&value, &number)) {
        cli_out_printf(&ctl_out, "%" PRId64 "\n", number);
        cli_out_record(&ctl_out);
        return;
    }
    if (!ctl_out.terminal)
        cli_out_put(&ctl_out, tail.buf, m->size);
    else
        ctl_print_value(&value);
    if (!ctl_out.terminal)
        cli_out_put(&ctl_out, "\n", 1);
    cli_out_record(&ctl_out);
}

static void message_came(const struct splinter_message *m)
{
    if (tail.in_full || ctl_json())
        print_line(m);
    else
        print_bytes(m);
    tail.count--;
    tail.deadline = cli_deadline(tail.timeout_ms);
}

static void messages_lost(uint64_t lost)
{
    const struct ctl_field fields[] = {
        ctl_text("event", "lost"), ctl_text("topic", tail.of.name), ctl_number("lost", lost),
        ctl_number("number", tail.position)};
    cli_out_flush(&ctl_out);
    if (ctl_json())
        ctl_print_record(fields, 4);
    cli_warn("%" PRIu64 " message%s of topic '%s' %s replaced before this could read %s; it goes "
             "on with number %" PRIu64, lost, CLI_S(lost), tail.of.name,
             lost == 1 ? "was" : "were", lost == 1 ? "it" : "them", tail.position);
}

static void wait_for_message(void)
{
    cli_out_flush(&ctl_out);
    cli_out_check(&ctl_out);
    ctl_look_for_bus(store);
    uint64_t ms = cli_slice(tail.deadline);
    if (!ms)
        cli_die(CLI_TIMEOUT, "no message came to topic '%s' of bus '%s' within %" PRIu64 " ms",
                tail.of.name, ctl_bus_name(), tail.timeout_ms);
    int r = splinter_topic_wait(topic, &tail.position, ms);
    if (r == -EAGAIN) /* something is to be mended, and another one is at it */
        poll(NULL, 0, (int)(ms < 10 ? ms : 10));
    else if (r == -EINTR)
        splinter_store_resume(store);
    else if (r && r != -ETIMEDOUT)
        ctl_named_failed(&tail.of, "read", r);
}

static void follow(void)
{
    tail.deadline = cli_deadline(tail.timeout_ms);
    while (tail.count && !cli_stop) {
        struct splinter_message m = {.struct_size = sizeof(m)};
        int r = splinter_topic_read(topic, &tail.position, tail.buf, tail.room, &m);
        switch (r) {
        case 0:
            message_came(&m);
            break;
        case -EOVERFLOW:
            messages_lost(m.lost);
            break;
        case -EAGAIN:
            wait_for_message();
            break;
        case -EMSGSIZE:
            tail.buf = cli_need(realloc(tail.buf, (size_t)m.size));
            tail.room = (size_t)m.size;
            break;
        default:
            cli_out_flush(&ctl_out);
            ctl_named_failed(&tail.of, "read", r);
        }
    }
}

int ctl_run_topic_tail(const struct ctl_call *call)
{
    const char *const *given = call->given;
    tail.of = (struct ctl_named){"topic", ctl_name_of("TOPIC", call->arguments[0])};
    tail.position = position_of(given[TAIL_FROM]);
    tail.count = given[TAIL_COUNT] ? cli_number("--count", given[TAIL_COUNT], 1, UINT64_MAX - 1)
                                   : UINT64_MAX;
    tail.timeout_ms = given[TAIL_TIMEOUT]
                          ? cli_number("--timeout", given[TAIL_TIMEOUT], 0, CLI_MS_MAX)
                          : CLI_NEVER;
    tail.in_full = given[TAIL_LONG];
    if (!tail.buf) {
        tail.room = 4096;
        tail.buf = cli_need(malloc(tail.room));
    }
    store = ctl_open_to_follow();
    ctl_at_end(close_topic);
    int r = splinter_topic_open(&topic, store, tail.of.name, NULL);
    if (r)
        ctl_named_failed(&tail.of, "open", r);
    check_position();
    ctl_catch_signals(store);
    follow();
    cli_out_flush(&ctl_out);
    return ctl_stopped(given[TAIL_COUNT] && tail.count);
}

/* ---- remove ---- */

int ctl_run_topic_remove(const struct ctl_call *call)
{
    const struct ctl_named of = {"topic", ctl_name_of("TOPIC", call->arguments[0])};
    int r = splinter_topic_open(&topic, call->store, of.name, NULL);
    if (r == -ENOENT) /* what is damaged can be removed */
        ctl_named_failed(&of, "open", r);
    close_topic();
    ctl_remove(call, &of, "messages", splinter_topic_remove);
    return CLI_OK;
}

/* ---- list ---- */

struct row {
    const char *name;
    bool known; /* else it was removed just now */
    struct splinter_topic_stat stat;
};

static void topic_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct row *row = (struct row *)arg + i;
    const struct splinter_topic_stat *stat = &row->stat;
    const struct ctl_field known[] = {
        ctl_number("messages", stat->next - stat->oldest),
        ctl_number("capacity", stat->capacity),
        ctl_number("max_message", stat->max_message),
        ctl_number("oldest", stat->oldest),
        ctl_number("next", stat->next),
        ctl_number("topic_id", stat->id),
    };
    for (size_t c = 0; c < 6; c++)
        fields[c] = row->known ? known[c] : ctl_none(known[c].name);
    fields[6] = ctl_text("topic", row->name);
}

int ctl_run_topic_list(const struct ctl_call *call)
{
    struct ctl_table table = {.columns = 7, .row = topic_row};
    char **names = ctl_names(call->store, splinter_topic_walk, &table.rows);
    struct row *rows = cli_need(calloc(table.rows + 1, sizeof(*rows)));
    for (size_t i = 0; i < table.rows; i++) {
        rows[i].name = names[i];
        rows[i].stat.struct_size = sizeof(rows[i].stat);
        rows[i].known = !splinter_topic_open(&topic, call->store, names[i], NULL) &&
                        !splinter_topic_stat(topic, &rows[i].stat);
        close_topic();
    }
    table.arg = rows;
    ctl_print_table(&table);
    free(rows);
    ctl_free_names(names, table.rows);
    return CLI_OK;
}
