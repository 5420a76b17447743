/* SPDX-License-Identifier: Apache-2.0 */
/* restore.c - restore: the keys of a dump into a bus */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "dump.h"
#include "lines.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"

#define MOST_NAMED 20 /* records that are named; the others are counted */

enum { RESTORE_MERGE, RESTORE_CREATE, RESTORE_KEEP_GOING };
const struct ctl_option ctl_restore_options[] = {
    [RESTORE_MERGE] = {"merge", "newest|theirs|ours",
                       "which value stays of a key that is there: with the\n"
                       "                       larger epoch, of the dump, or of the bus"},
    [RESTORE_CREATE] = {"create", NULL, "make the bus, with the limits that the dump names"},
    [RESTORE_KEEP_GOING] = {"keep-going", NULL,
                            "pass over what is wrong; the status is that of the\n"
                            "                       first thing"},
    {NULL, NULL, NULL},
};

enum merge { MERGE_NONE, MERGE_NEWEST, MERGE_THEIRS, MERGE_OURS };

/* What is done, and with which result. */
struct restore {
    splinter_store *store;
    struct ctl_lines in;
    uint64_t bytes, max_value;
    enum merge merge;
    bool keep_going, ends, ended;
    bool stop; /* after this line */
    int status;
    uint64_t named;
    uint64_t restored, kept, expired, too_large, no_room, refused, broken;
};

static enum merge merge_of(const char *text)
{
    static const char *const names[] = {[MERGE_NEWEST] = "newest", [MERGE_THEIRS] = "theirs",
                                        [MERGE_OURS] = "ours"};
    for (enum merge merge = MERGE_NEWEST; text && merge <= MERGE_OURS; merge++)
        if (strcmp(text, names[merge]) == 0)
            return merge;
    if (text)
        cli_usage("--merge: '%s' is not allowed; it takes newest, theirs or ours", text);
    return MERGE_NONE;
}

/* ---- what goes wrong ---- */

/* Says it, with the number of the line, and counts it. */
__attribute__((format(printf, 4, 5))) static void tell(struct restore *d, uint64_t *counter,
                                                       int status, const char *format, ...)
{
    char text[700];
    va_list args;
    (*counter)++;
    if (!d->status)
        d->status = status;
    if (d->named++ >= MOST_NAMED)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ctl_progress_clear();
    cli_warn("%s: line %" PRIu64 ": %s", d->in.name, d->in.line, text);
    if (d->named == MOST_NAMED)
        cli_warn("what else is wrong is counted, and not named");
}

#define broken(d, ...)                                      \
    do {                                                    \
        tell(d, &(d)->broken, CLI_FAILURE, __VA_ARGS__);    \
        (d)->stop = !(d)->keep_going;                       \
    } while (0)

/* ---- to the store ---- */

/* As splinter_store_set(), or 1: the bus has a newer one. */
static int set_if_newer(struct restore *d, const struct ctl_record *record,
                        const struct splinter_set_options *options)
{
    for (;;) {
        struct splinter_set_options o = *options;
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        int r = splinter_store_get(d->store, record->key, NULL, 0, NULL, &meta);
        if (r && r != -ENOENT)
            return r;
        if (!r && meta.epoch >= record->epoch)
            return 1;
        o.flags = r ? SPLINTER_IF_ABSENT : SPLINTER_IF_EPOCH;
        o.if_epoch = r ? 0 : meta.epoch;
        r = splinter_store_set(d->store, record->key, record->value, record->size, &o, NULL);
        if (r != -EEXIST && r != -ESTALE && r != -ENOENT)
            return r; /* else it has changed meanwhile */
    }
}

static int set(struct restore *d, const struct ctl_record *record, uint64_t ttl_ns)
{
    struct splinter_set_options options = {
        .struct_size = sizeof(options), .type = record->type, .ttl_ns = ttl_ns,
        .flags = d->merge == MERGE_THEIRS ? 0 : SPLINTER_IF_ABSENT};
    if (d->merge == MERGE_NEWEST)
        return set_if_newer(d, record, &options);
    return splinter_store_set(d->store, record->key, record->value, record->size, &options, NULL);
}

static void put_record(struct restore *d, const struct ctl_record *record)
{
    uint64_t ttl_ns = 0, now = record->expires_ms ? ctl_time_ms() : 0;
    if (record->expires_ms && record->expires_ms <= now) {
        d->expired++;
        return;
    }
    if (record->expires_ms)
        ttl_ns = record->expires_ms - now > CLI_MS_MAX ? UINT64_MAX
                                                       : (record->expires_ms - now) * 1000000;
    int r = set(d, record, ttl_ns);
    if (!r) {
        d->restored++;
    } else if (r == 1 || (r == -EEXIST && d->merge == MERGE_OURS)) {
        d->kept++;
    } else if (r == -EEXIST) {
        tell(d, &d->refused, CLI_REFUSED,
             "key '%s' exists already in bus '%s'; --merge says which value stays", record->key,
             ctl_bus_name());
        d->stop = !d->keep_going;
    } else if (r == -EMSGSIZE) {
        tell(d, &d->too_large, CLI_FAILURE,
             "the value of key '%s' has %zu bytes, and bus '%s' takes at most %" PRIu64,
             record->key, record->size, ctl_bus_name(), d->max_value);
    } else if (r == -ENOSPC) {
        tell(d, &d->no_room, CLI_FAILURE, "there is no room in bus '%s' for key '%s': %s",
             ctl_bus_name(), record->key, cli_what_ran_out());
        d->stop = !d->keep_going;
    } else {
        ctl_failed("set", record->key, r);
    }
}

/* A line behind the header. */
static void put_line(struct restore *d, char *line, size_t len)
{
    struct ctl_record record;
    const char *wrong = d->ended ? "there is more behind the line that ends the dump"
                                 : ctl_record_read(line, len, &record);
    if (wrong)
        broken(d, "%s", wrong);
    else if (record.end)
        d->ended = true;
    else
        put_record(d, &record);
}

/* ---- the header ---- */

/* The next line that is not empty, or NULL. */
static char *next(struct restore *d, size_t *len)
{
    char *line;
    do {
        line = ctl_next_line(&d->in, len);
        ctl_unfinished_check();
        d->bytes += line ? *len + 1 : 0;
    } while (line && strspn(line, " \t\r") == *len);
    return line;
}

static void read_header(struct restore *d, struct splinter_open_options *options)
{
    size_t len = 0;
    char *line = next(d, &len);
    const char *wrong = "it is empty";
    struct ctl_dump_header header;
    if (line)
        wrong = ctl_header_read(line, len, &header);
    if (wrong)
        cli_die(CLI_FAILURE, "%s is no dump that this splinterctl can read: %s", d->in.name, wrong);
    d->ends = header.ends;
    if (!options)
        return;
    if (!header.has_limits)
        cli_die(CLI_FAILURE,
                "--create: line %" PRIu64
                " of %s lacks 'slots' or 'max_value', or a limit is not allowed",
                d->in.line, d->in.name);
    options->slots = (size_t)header.slots;
    options->max_value = (size_t)header.max_value;
    options->feed = (size_t)header.feed;
}

/* ---- the command ---- */

static void open_target(struct restore *d, bool create)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    if (!create)
        d->store = ctl_open(true);
    read_header(d, create ? &options : NULL);
    if (create)
        d->store = ctl_unfinished_store(ctl_bus_name(), ctl_bus_where(), &options);
    if (splinter_store_stat(d->store, &stat))
        cli_die(CLI_FAILURE, "cannot get the state of bus '%s'", ctl_bus_name());
    d->max_value = stat.max_value;
    /* Each byte may be an escape of six; and members that are of no interest may be there. */
    d->in.most = (size_t)stat.max_value * 6 + (1u << 20);
}

/* Size of the input in bytes, if it is known. */
static uint64_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static void print_result(const struct restore *d)
{
    const struct ctl_field fields[] = {
        ctl_number("restored", d->restored), ctl_number("kept", d->kept),
        ctl_number("expired", d->expired),   ctl_number("too_large", d->too_large),
        ctl_number("no_room", d->no_room),   ctl_number("refused", d->refused),
        ctl_number("broken", d->broken),
    };
    ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
}

int ctl_run_restore(const struct ctl_call *call)
{
    static struct restore d;
    const char *const *given = call->given;
    ctl_lines_close(&d.in);
    d = (struct restore){.merge = merge_of(given[RESTORE_MERGE]),
                         .keep_going = given[RESTORE_KEEP_GOING]};
    if (!call->count && ctl_stdin_taken)
        cli_usage("standard input has the commands; FILE is missing");
    ctl_unfinished_begin();
    ctl_lines_open(&d.in, call->count ? call->arguments[0] : NULL);
    d.in.most = 1u << 20; /* until it is known how long a value may be */
    open_target(&d, given[RESTORE_CREATE]);
    ctl_progress_begin("restoring", "bytes", size_of(d.in.fd), false);
    size_t len;
    char *line;
    while (!d.stop && (line = next(&d, &len))) {
        put_line(&d, line, len);
        ctl_progress(d.bytes);
    }
    ctl_progress_end();
    if (!d.stop && d.ends && !d.ended) {
        cli_warn("%s lacks the line that ends a dump: it was cut off behind line %" PRIu64,
                 d.in.name, d.in.line);
        d.status = d.status ? d.status : CLI_FAILURE;
    }
    if (given[RESTORE_CREATE] && (!d.status || d.keep_going))
        ctl_unfinished_store_done();
    else if (given[RESTORE_CREATE])
        cli_die(d.status, "bus '%s' was not made", ctl_bus_name());
    if (d.stop)
        cli_warn("nothing behind line %" PRIu64 " was restored; --keep-going would go on",
                 d.in.line);
    ctl_lines_close(&d.in);
    print_result(&d);
    if (!given[RESTORE_CREATE] && ctl_bus_was_replaced(d.store))
        cli_die(CLI_FAILURE, "bus '%s' was removed meanwhile, and with it what was restored",
                ctl_bus_name());
    return d.status;
}
