/* SPDX-License-Identifier: Apache-2.0 */
/* dump.c - dump: the keys of a bus as JSON Lines */
#include "dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"

enum { DUMP_PREFIX };
const struct ctl_option ctl_dump_options[] = {
    [DUMP_PREFIX] = {"prefix", "P", "only keys that begin with P"},
    {NULL, NULL, NULL},
};

uint64_t ctl_time_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the parts of a line ---- */

#define put_literal(out, text) cli_out_put(out, text, sizeof(text) - 1)

static void put_number(struct cli_out *out, uint64_t number)
{
    char digits[20], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    cli_out_put(out, p, (size_t)(digits + sizeof(digits) - p));
}

/* The control characters, C1 among them, are none that a terminal should get. */
static bool needs_escape(const unsigned char *p)
{
    return *p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
}

/* The bytes are UTF-8. */
static void put_escaped(struct cli_out *out, const unsigned char *p, size_t len)
{
    for (size_t i = 0;;) {
        size_t from = i;
        while (i < len && !needs_escape(p + i))
            i++;
        cli_out_put(out, p + from, i - from);
        if (i == len)
            return;
        i += p[i] == 0xc2; /* the second byte of C1 is the number of the character */
        unsigned char c = p[i++];
        if (c == '"' || c == '\\')
            cli_out_put(out, c == '"' ? "\\\"" : "\\\\", 2);
        else if (c == '\n')
            put_literal(out, "\\n");
        else
            cli_out_printf(out, "\\u%04x", (unsigned)c);
    }
}

static void put_base64(struct cli_out *out, const unsigned char *p, size_t len)
{
    enum { PART = 3 * 256 };
    char text[CLI_BASE64_MAX(PART)];
    for (size_t i = 0, n; i < len; i += n) {
        n = len - i < PART ? len - i : PART;
        cli_out_put(out, text, cli_base64(text, p + i, n));
    }
}

/* The member `name`, or what is no text as `name_base64`. */
static void put_bytes(struct cli_out *out, const char *name, const void *bytes, size_t len)
{
    bool text = cli_is_utf8(bytes, len);
    put_literal(out, "\"");
    cli_out_put(out, name, strlen(name));
    if (text)
        put_literal(out, "\":\"");
    else
        put_literal(out, "_base64\":\"");
    if (text)
        put_escaped(out, bytes, len);
    else
        put_base64(out, bytes, len);
    put_literal(out, "\"");
}

/* ---- lines ---- */

static void put_header(struct cli_out *out, const struct splinter_stat *stat)
{
    const uint16_t one = 1;
    cli_out_printf(out,
                   "{\"dump\":\"splinter\",\"schema\":%d,\"version\":\"%s\",\"slots\":%" PRIu64
                   ",\"max_value\":%" PRIu64 ",\"feed\":%" PRIu64 ",\"epoch\":%" PRIu64
                   ",\"time_ms\":%" PRIu64 ",\"byte_order\":\"%s\",\"ends\":true}\n",
                   CTL_DUMP_SCHEMA, splinter_version(), stat->slots, stat->max_value, stat->feed,
                   stat->epoch, ctl_time_ms(), *(const char *)&one ? "little" : "big");
    cli_out_record(out);
}

static void put_record(struct cli_out *out, const char *key, const struct cli_value *v)
{
    const char *type = cli_type_name(v->meta.type);
    int64_t number;
    put_literal(out, "{");
    put_bytes(out, "key", key, strlen(key));
    put_literal(out, ",\"epoch\":");
    put_number(out, v->meta.epoch);
    put_literal(out, ",\"type\":\"");
    if (type)
        cli_out_put(out, type, strlen(type));
    else
        put_number(out, v->meta.type);
    put_literal(out, "\",");
    if (v->meta.ttl_ns) {
        put_literal(out, "\"expires_ms\":");
        put_number(out, ctl_time_ms() + cli_ttl_ms(&v->meta));
        put_literal(out, ",");
    }
    if (cli_value_number(v, &number))
        cli_out_printf(out, "\"int64\":%" PRId64 ",", number);
    put_bytes(out, "value", v->buf, v->size);
    put_literal(out, "}\n");
    cli_out_record(out);
}

/* ---- what is in no dump ---- */

static uint64_t count_names(splinter_store *store,
                            int (*walk)(splinter_store *, uint64_t *, char *))
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0, count = 0;
    while (walk(store, &cursor, name) == 1)
        count++;
    return count;
}

static void say_what_is_left_out(splinter_store *store, uint64_t owned)
{
    uint64_t topics = count_names(store, splinter_topic_walk);
    uint64_t queues = count_names(store, splinter_queue_walk);
    if (topics || queues)
        cli_warn("the dump has keys alone; left out: %" PRIu64 " topic%s and %" PRIu64
                 " queue%s, which snapshot and clone keep",
                 topics, CLI_S(topics), queues, CLI_S(queues));
    if (owned)
        cli_warn("left out: %" PRIu64 " ephemeral key%s, which belong%s to processes", owned,
                 CLI_S(owned), owned == 1 ? "s" : "");
}

/* ---- the command ---- */

/* Returns the number of records. */
static uint64_t put_all(struct cli_out *out, splinter_store *store, const char *prefix)
{
    static struct cli_value value;
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0, records = 0, owned = 0;
    int r, got;
    while ((r = splinter_store_walk(store, prefix, &cursor, key, &meta)) == 1) {
        ctl_unfinished_check();
        if (!meta.owner) {
            while ((got = cli_get(key, &value)) == -EAGAIN)
                ctl_unfinished_check();
            if (got) /* it has gone meanwhile */
                continue;
        }
        if (meta.owner || value.meta.owner) {
            owned++;
            continue;
        }
        put_record(out, key, &value);
        ctl_progress(++records);
    }
    if (r)
        cli_die(CLI_FAILURE, "cannot walk over the keys of bus '%s': %s", ctl_bus_name(),
                strerror(-r));
    ctl_progress_end();
    say_what_is_left_out(store, owned);
    return records;
}

/* A dump in place of the bus would be the end of both. */
static void refuse_own_file(const char *path)
{
    struct cli_file bus, file;
    if (cli_file_of(path, SPLINTER_FILE, &file) &&
        cli_file_of(ctl_bus_name(), ctl_bus_where(), &bus) && bus.dev == file.dev &&
        bus.ino == file.ino)
        cli_usage("'%s' is the bus itself", path);
}

int ctl_run_dump(const struct ctl_call *call)
{
    static struct cli_out to_file;
    struct cli_out *out = &ctl_out;
    const char *path = call->count ? call->arguments[0] : NULL, *prefix = call->given[DUMP_PREFIX];
    struct splinter_stat stat;
    cli_stat(&stat);
    if (path)
        refuse_own_file(path);
    ctl_unfinished_begin();
    if (path) {
        cli_out_init(&to_file, ctl_unfinished_file(path, ctl_mode_of(call->store)), path);
        out = &to_file;
    }
    ctl_progress_begin("dumping", "keys", prefix ? 0 : stat.keys, out->terminal);
    put_header(out, &stat);
    uint64_t records = put_all(out, call->store, prefix);
    cli_out_printf(out, "{\"end\":true,\"records\":%" PRIu64 "}\n", records);
    cli_out_record(out);
    cli_out_flush(out);
    ctl_unfinished_check();
    if (path)
        ctl_unfinished_file_done();
    return CLI_OK;
}
