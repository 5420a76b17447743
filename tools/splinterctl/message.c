/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - what the commands of topics and those of queues share */
#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "lasting.h"
#include "lines.h"
#include "value.h"

const char *ctl_name_of(const char *what, const char *name)
{
    size_t len = strlen(name);
    if (len < 1 || len >= SPLINTER_TOPIC_NAME_MAX)
        cli_usage("%s: a name of %zu bytes is not allowed; it takes 1 to %d", what, len,
                  SPLINTER_TOPIC_NAME_MAX - 1);
    return name;
}

void ctl_named_failed(const struct ctl_named *of, const char *to, int r)
{
    const char *bus = ctl_bus_name(), *why = splinter_last_error();
    if ((r == -EMSGSIZE || r == -EPROTO) && *why)
        cli_die(CLI_FAILURE, "cannot %s %s '%s': %s", to, of->kind, of->name, why);
    switch (r) {
    case -ENOENT:
        cli_die(CLI_ABSENT, "%s '%s' does not exist in bus '%s'", of->kind, of->name, bus);
    case -EIDRM:
        cli_die(CLI_ABSENT, "%s '%s' of bus '%s' was removed", of->kind, of->name, bus);
    case -ENOSPC:
        cli_die(CLI_FAILURE, "bus '%s' is full: %s", bus, cli_what_ran_out());
    case -EROFS:
        cli_die(CLI_FAILURE, "bus '%s' is in a file that may only be read", bus);
    default:
        cli_die(CLI_FAILURE, "cannot %s %s '%s' of bus '%s': %s", to, of->kind, of->name, bus,
                strerror(-r));
    }
}

/* ---- to put something there ---- */

static void check_options(const struct ctl_call *call, struct splinter_topic_options *options)
{
    const char *const *given = call->given;
    if ((given[PUT_CAPACITY] || given[PUT_MAX_MESSAGE]) && !given[PUT_CREATE])
        cli_usage("--capacity and --max-message are for a new one; they need --create");
    if (given[PUT_CAPACITY])
        options->capacity = cli_number("--capacity", given[PUT_CAPACITY], 1, SPLINTER_SLOTS_MAX);
    if (given[PUT_MAX_MESSAGE])
        options->max_message =
            cli_number("--max-message", given[PUT_MAX_MESSAGE], 1, SPLINTER_VALUE_MAX);
    if (given[PUT_LINES] && (given[PUT_STDIN] || given[PUT_FILE] || call->count > 1))
        cli_usage("one of VALUE, --lines, --stdin and --file says what");
    if (given[PUT_LINES] && ctl_stdin_taken)
        cli_usage("--lines: standard input has the commands");
}

/* The one that is there; with --create, a new one with what was not given by default. */
static void open_it(const struct ctl_call *call, const struct ctl_put *put,
                    struct splinter_topic_options *options)
{
    int r = put->open(options);
    if (r == -ENOENT && call->given[PUT_CREATE]) {
        options->flags = SPLINTER_CREATE;
        if (!options->capacity)
            options->capacity = CTL_DEFAULT_CAPACITY;
        r = put->open(options);
    } else if (r == -ENOENT) {
        cli_die(CLI_ABSENT, "%s '%s' does not exist in bus '%s'; --create makes it", put->to.kind,
                put->to.name, ctl_bus_name());
    }
    if (r == -EINVAL)
        cli_die(CLI_REFUSED, "%s", splinter_last_error());
    if (r)
        ctl_named_failed(&put->to, "open", r);
}

/* What is open while a command puts. */
static const struct ctl_put *putting;
static const struct cli_place *place_before;
static struct ctl_lines in;

static void end_putting(void)
{
    cli_place = place_before;
    ctl_lines_close(&in);
    putting->close();
}

/* Returns false if the line is empty. */
static bool put_line(const struct ctl_put *put, char *line, size_t len, uint32_t type,
                     uint64_t *number)
{
    const struct ctl_source source = {.argument = line};
    const void *bytes = line;
    if (!len)
        return false;
    if (type == SPLINTER_TYPE_INT64)
        bytes = ctl_take_value(&source, type, &len);
    int r = put->put(bytes, len, type, number);
    if (r)
        ctl_named_failed(&put->to, "put a line into", r);
    return true;
}

static uint64_t put_lines(splinter_store *store, const struct ctl_put *put, uint32_t type,
                          uint64_t *number)
{
    static struct cli_place place;
    struct splinter_stat stat;
    uint64_t done = 0, empty = 0;
    size_t len;
    char *line;
    cli_stat(&stat);
    ctl_lines_open(&in, NULL);
    in.most = (size_t)stat.max_value + 1;
    place = (struct cli_place){in.name, 0};
    cli_place = &place; /* what came before an error is there */
    while (place.line++, (line = ctl_next_line(&in, &len))) {
        bool put_it = put_line(put, line, len, type, number);
        done += put_it;
        empty += !put_it;
        ctl_look_for_bus(store); /* the lines may come for days */
    }
    cli_place = place_before;
    if (empty)
        cli_warn("%" PRIu64 " empty line%s left out: at least 1 byte is needed", empty,
                 empty == 1 ? " was" : "s were");
    return done;
}

/* What is read is cut one byte later, or somewhat more. */
static void check_size(size_t len)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    if (len > stat.max_value)
        cli_die(CLI_FAILURE, "the value has %" PRIu64 " bytes or more; bus '%s' takes at most %"
                PRIu64, stat.max_value + 1, ctl_bus_name(), stat.max_value);
}

int ctl_put(const struct ctl_call *call, const struct ctl_put *put)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    const char *const *given = call->given;
    const struct ctl_source source = {call->count > 1 ? call->arguments[1] : NULL, given[PUT_FILE],
                                      given[PUT_STDIN]};
    uint32_t type = given[PUT_TYPE] ? cli_type("--type", given[PUT_TYPE]) : SPLINTER_TYPE_BYTES;
    uint64_t number = 0, done = 1;
    size_t len;
    check_options(call, &options);
    const void *bytes = given[PUT_LINES] ? NULL : ctl_take_value(&source, type, &len);
    putting = put;
    place_before = cli_place;
    ctl_at_end(end_putting);
    open_it(call, put, &options);
    if (bytes) {
        check_size(len);
        int r = put->put(bytes, len, type, &number);
        if (r)
            ctl_named_failed(&put->to, "put the value into", r);
    } else {
        done = put_lines(call->store, put, type, &number);
    }
    const struct ctl_field fields[] = {
        ctl_text(put->to.kind, put->to.name), ctl_number("count", done),
        done ? ctl_number("number", number) : ctl_none("number")};
    if (ctl_json())
        ctl_print_record(fields, 3);
    return CLI_OK;
}

/* ---- to remove it ---- */

const struct ctl_option ctl_remove_options[] = {
    [REMOVE_FORCE] = {"force", NULL, "do not ask"},
    {NULL, NULL, NULL},
};

static noreturn void remove_failed(const struct ctl_named *of, int r)
{
    const char *bus = ctl_bus_name();
    switch (r) {
    case -EBADMSG:
        cli_die(CLI_FAILURE, "%s '%s' of bus '%s' was damaged: it was removed, but what was in it "
                "could not be found", of->kind, of->name, bus);
    case -EINPROGRESS:
        cli_die(CLI_FAILURE, "%s '%s' of bus '%s' was removed, but that is not synced", of->kind,
                of->name, bus);
    case -EIO:
    case -ENOSPC:
        cli_die(CLI_FAILURE, "removing %s '%s' of bus '%s' is not finished, because a sync failed: "
                "%s; remove it again", of->kind, of->name, bus, strerror(-r));
    default:
        ctl_named_failed(of, "remove", r);
    }
}

void ctl_remove(const struct ctl_call *call, const struct ctl_named *of, const char *content,
                int (*remove_it)(splinter_store *store, const char *name))
{
    if (!call->given[REMOVE_FORCE])
        ctl_confirm("Remove %s '%s' of bus '%s' with all its %s?", of->kind, of->name,
                    ctl_bus_name(), content);
    int r = remove_it(call->store, of->name);
    if (r)
        remove_failed(of, r);
}

/* ---- to list ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ctl_names(splinter_store *store,
                 int (*walk)(splinter_store *store, uint64_t *cursor, char *name), size_t *count)
{
    char name[SPLINTER_TOPIC_NAME_MAX], **names = NULL;
    size_t room = 0;
    uint64_t cursor = 0;
    int r;
    *count = 0;
    while ((r = walk(store, &cursor, name)) == 1) {
        if (*count == room) {
            room = room ? room * 2 : 64;
            names = cli_need(realloc(names, room * sizeof(*names)));
        }
        names[(*count)++] = cli_need(strdup(name));
    }
    if (r)
        cli_die(CLI_FAILURE, "cannot list what is in bus '%s': %s", ctl_bus_name(), strerror(-r));
    if (names)
        qsort(names, *count, sizeof(*names), by_name);
    return names;
}

void ctl_free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}
