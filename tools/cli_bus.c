/* SPDX-License-Identifier: Apache-2.0 */
/* cli_bus.c - the bus that a tool works on */
#include "cli_bus.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "cli_text.h"

#define TOLD_MS 200 /* a feed passes a number that its writer does not tell much sooner */

static splinter_store *opened;
static const char *opened_name;
static splinter_feed *feed; /* of opened; NULL: not followed */
static uint64_t told;       /* the highest number that it has told */

static void close_feed(void)
{
    splinter_feed_close(feed);
    feed = NULL;
}

void cli_close(void)
{
    close_feed();
    splinter_store_close(opened);
    opened = NULL;
}

void cli_close_at_exit(void)
{
    static bool set;
    if (!set)
        atexit(cli_close);
    set = true;
}

/* ---- which bus ---- */

void cli_choose(struct cli_choice *choice, const char *name, bool by_file)
{
    if (!*name)
        cli_usage("the name of a bus cannot be empty");
    if (choice->bus && choice->by_file != by_file)
        cli_usage("only one bus is allowed, and '%s' was named before '%s'", choice->bus, name);
    choice->bus = name;
    choice->by_file = by_file;
    choice->file |= by_file;
}

bool cli_choice_option(struct cli_choice *choice, int option)
{
    if (option == 'b')
        cli_choose(choice, optarg, false);
    else if (option == CLI_OPT_FILE && optarg)
        cli_choose(choice, optarg, true);
    else if (option == CLI_OPT_FILE || option == 'f')
        choice->file = true;
    else
        return false;
    return true;
}

const char *cli_default_bus(void)
{
    const char *bus = getenv("SPLINTER_BUS");
    return bus && *bus ? bus : CLI_DEFAULT_BUS;
}

uint32_t cli_where(const char *bus, bool file)
{
    return file || (bus[0] && strchr(bus + 1, '/')) ? SPLINTER_FILE : SPLINTER_MEMORY;
}

bool cli_file_of(const char *bus, uint32_t where, struct cli_file *file)
{
    static const char memory[] = CLI_MEMORY_FOLDER "/";
    char path[sizeof(memory) + NAME_MAX];
    struct stat st;
    if (where == SPLINTER_MEMORY) {
        snprintf(path, sizeof(path), "%s%s", memory, bus + (bus[0] == '/'));
        bus = path;
    }
    if (stat(bus, &st))
        return false;
    *file = (struct cli_file){st.st_dev, st.st_ino};
    return true;
}

/* A bar on a terminal, while the index of a file is rebuilt; nothing elsewhere. */
static void show_progress(void *bus, uint64_t done, uint64_t total)
{
    static uint64_t last;
    uint64_t now = cli_now_ms();
    if (done < total && last && now - last < 50)
        return;
    last = now ? now : 1;
    int percent = total ? (int)(done * 100 / total) : 100, blocks = percent * 30 / 100;
    char name[CLI_SHOWN_MAX(60) + 1];
    size_t len = strlen(bus);
    name[cli_show(name, bus, len < 60 ? len : 60)] = '\0';
    fprintf(stderr, "\r%s: rebuilding the index of '%s' [%.*s%*s] %3d%%%s",
            program_invocation_short_name, name, blocks,
            "##############################", 30 - blocks, "", percent,
            done < total ? "" : "\r\033[K");
}

int cli_open(splinter_store **out, const char *bus, const struct splinter_open_options *options)
{
    struct splinter_open_options o = *options;
    if (isatty(STDERR_FILENO)) {
        o.progress = show_progress;
        o.progress_arg = (void *)(uintptr_t)bus;
    }
    splinter_store *before = opened;
    int r = splinter_store_open(out, bus, &o);
    if (r)
        return r;
    cli_close_at_exit();
    close_feed();
    opened = *out;
    opened_name = bus;
    if (*splinter_last_error()) /* it is open, but something was lost */
        cli_warn("%s", splinter_last_error());
    splinter_store_close(before);
    return 0;
}

const char *cli_why_not_open(const char *bus, int r)
{
    static char sentence[1024];
    const char *why = splinter_last_error();
    snprintf(sentence, sizeof(sentence), "'%s'", bus);
    if (strstr(why, sentence)) /* most of the library's sentences name it */
        return why;
    snprintf(sentence, sizeof(sentence), "cannot open bus '%s': %s", bus,
             *why ? why : strerror(-r));
    return sentence;
}

void cli_open_failed(const char *bus, int r)
{
    if (r == -ENOENT)
        cli_die(CLI_ABSENT, "bus '%s' does not exist", bus);
    cli_die(CLI_FAILURE, "%s", cli_why_not_open(bus, r));
}

const char *cli_what_ran_out(void)
{
    static const char no_room[] = "no room: ";
    const char *what = splinter_last_error();
    return what + (strncmp(what, no_room, strlen(no_room)) ? 0 : strlen(no_room));
}

void cli_stat(struct splinter_stat *stat)
{
    *stat = (struct splinter_stat){.struct_size = sizeof(*stat)};
    int r = splinter_store_stat(opened, stat);
    if (r)
        cli_die(CLI_FAILURE, "cannot get the state of bus '%s': %s", opened_name, strerror(-r));
}

/* ---- the feed ---- */

static noreturn void cannot_follow(int r)
{
    cli_die(CLI_FAILURE, "cannot follow the changes of bus '%s': %s", opened_name, strerror(-r));
}

bool cli_feed_open(void)
{
    close_feed();
    told = 0;
    int r = splinter_feed_open(&feed, opened, NULL);
    if (r && r != -EOPNOTSUPP)
        cannot_follow(r);
    return !r;
}

bool cli_feed_next(struct splinter_event *e, uint64_t ms)
{
    e->struct_size = sizeof(*e);
    int r = splinter_feed_next(feed, e, NULL, 0, ms);
    if (r && r != -ETIMEDOUT)
        cannot_follow(r);
    if (!r && e->number > told)
        told = e->number;
    return !r;
}

uint64_t cli_feed_last(void)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    return stat.feed_number;
}

/* The position of a handle that only reads may lie behind what was told; and what was told, behind
 * changes that no feed tells of. */
static uint64_t feed_at(void)
{
    struct splinter_feed_position at;
    int r = splinter_feed_position(feed, &at);
    if (r)
        cannot_follow(r);
    return at.number > told ? at.number : told;
}

bool cli_feed_next_up_to(uint64_t last, struct splinter_event *e)
{
    for (uint64_t at; (at = feed_at()) < last;) {
        if (cli_feed_next(e, TOLD_MS))
            return true;
        if (feed_at() == at)
            break;
    }
    return false;
}

/* ---- keys and values ---- */

static noreturn void cannot_read(const char *key, const char *bus, int r)
{
    cli_die(CLI_FAILURE, "cannot read key '%s' of bus '%s': %s", key, bus, strerror(-r));
}

int cli_get_meta(const char *key, struct splinter_meta *meta)
{
    int r;
    *meta = (struct splinter_meta){.struct_size = sizeof(*meta)};
    do
        r = splinter_store_get(opened, key, NULL, 0, NULL, meta);
    while (r == -EAGAIN && !cli_stop);
    if (r && r != -ENOENT && r != -EAGAIN)
        cannot_read(key, opened_name, r);
    return r;
}

int cli_get_of(splinter_store *store, const char *bus, const char *key, struct cli_value *v)
{
    for (;;) {
        v->meta.struct_size = sizeof(v->meta);
        int r = splinter_store_get(store, key, v->buf, v->room, &v->size, &v->meta);
        if (!r && !v->buf) /* no buffer: that was the length alone */
            r = -EMSGSIZE;
        if (!r || r == -ENOENT || r == -EAGAIN)
            return r;
        if (r != -EMSGSIZE)
            cannot_read(key, bus, r);
        size_t room = v->size < 4096 ? 4096 : v->size;
        unsigned char *bigger = realloc(v->buf, room);
        if (!bigger)
            cli_die(CLI_FAILURE, "no memory for a value of %zu bytes", v->size);
        v->buf = bigger;
        v->room = room;
    }
}

int cli_get(const char *key, struct cli_value *v)
{
    return cli_get_of(opened, opened_name, key, v);
}

uint64_t cli_ttl_ms(const struct splinter_meta *meta)
{
    return meta->ttl_ns ? (meta->ttl_ns - 1) / 1000000 + 1 : 0;
}

bool cli_value_number(const struct cli_value *v, int64_t *number)
{
    if (v->meta.type != SPLINTER_TYPE_INT64 || v->size != sizeof(*number))
        return false;
    memcpy(number, v->buf, sizeof(*number));
    return true;
}

/* ---- types ---- */

static const char *const type_names[] = {
    [SPLINTER_TYPE_BYTES] = "bytes",
    [SPLINTER_TYPE_TEXT] = "text",
    [SPLINTER_TYPE_JSON] = "json",
    [SPLINTER_TYPE_INT64] = "int64",
};
#define TYPE_NAMES (sizeof(type_names) / sizeof(*type_names))

const char *cli_type_name(uint32_t type)
{
    return type < TYPE_NAMES ? type_names[type] : NULL;
}

uint32_t cli_type(const char *what, const char *text)
{
    for (uint32_t type = 0; type < TYPE_NAMES; type++)
        if (strcmp(text, type_names[type]) == 0)
            return type;
    if (text[0] < '0' || text[0] > '9')
        cli_usage("%s: '%s' is not allowed; it takes bytes, text, json, int64, or a number from "
                  "256 to 65535",
                  what, text);
    return (uint32_t)cli_number(what, text, 256, 65535);
}
