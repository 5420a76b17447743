/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - keys and values, as commands print them and take them */
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"

#define NUMBER_MAX 32 /* bytes of a number as text, and some */

/* ---- to print ---- */

const char *ctl_type_text(uint32_t type, char *text)
{
    const char *name = cli_type_name(type);
    if (name)
        return name;
    snprintf(text, CTL_TYPE_ROOM, "%" PRIu32, type);
    return text;
}

struct ctl_field ctl_ttl_field(const struct splinter_meta *meta)
{
    return meta->ttl_ns ? ctl_number("ttl_ms", cli_ttl_ms(meta)) : ctl_none("ttl_ms");
}

void ctl_meta_fields(struct ctl_field *fields, const char *key, const struct splinter_meta *meta,
                     char *type_text)
{
    fields[0] = ctl_number("epoch", meta->epoch);
    fields[1] = ctl_number("revision", meta->revision);
    fields[2] = ctl_number("size", meta->value_size);
    fields[3] = ctl_text("type", ctl_type_text(meta->type, type_text));
    fields[4] = ctl_ttl_field(meta);
    fields[5] = meta->owner ? ctl_number("owner", meta->owner) : ctl_none("owner");
    fields[6] = ctl_text("key", key);
}

/* Text whose only control characters are the two that lay it out. */
static bool is_harmless(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\t') || p[i] == 0x7f ||
            (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0))
            return false;
    return cli_is_utf8(p, len);
}

void ctl_print_value(const struct cli_value *value)
{
    static bool hinted;
    int64_t number;
    if (!ctl_out.terminal) {
        cli_out_put(&ctl_out, value->buf, value->size);
    } else if (cli_value_number(value, &number)) {
        cli_out_printf(&ctl_out, "%" PRId64 "\n", number);
    } else if (is_harmless(value->buf, value->size)) {
        cli_out_put(&ctl_out, value->buf, value->size);
        if (value->size && value->buf[value->size - 1] != '\n')
            cli_out_put(&ctl_out, "\n", 1);
    } else {
        char *shown = cli_need(malloc(CLI_SHOWN_MAX(value->size)));
        cli_out_put(&ctl_out, shown, cli_show(shown, value->buf, value->size));
        cli_out_put(&ctl_out, "\n", 1);
        cli_out_flush(&ctl_out);
        if (!hinted)
            cli_warn("the value has bytes that are no text, and is quoted; to a file or a pipe it "
                     "goes as it is");
        hinted = true;
        free(shown);
    }
    cli_out_record(&ctl_out);
}

/* ---- to take ---- */

static struct {
    char *bytes;
    size_t len, room;
} input;

/* All that comes, or one byte more than `most`. */
static void read_all(int fd, const char *name, size_t most)
{
    input.len = 0;
    while (input.len <= most) {
        if (input.len == input.room) {
            size_t room = input.room ? input.room * 2 : 65536;
            input.bytes = cli_need(realloc(input.bytes, room));
            input.room = room;
        }
        ssize_t n = read(fd, input.bytes + input.len, input.room - input.len);
        if (n == 0)
            return;
        if (n > 0)
            input.len += (size_t)n;
        else if (errno != EINTR)
            cli_die(CLI_FAILURE, "cannot read %s: %s", name, strerror(errno));
    }
}

static void read_file(const char *path, size_t most)
{
    char name[300];
    snprintf(name, sizeof(name), "'%s'", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        cli_die(CLI_FAILURE, "cannot open %s: %s", name, strerror(errno));
    read_all(fd, name, most);
    close(fd);
}

static uint64_t max_value(void)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    return stat.max_value;
}

/* A number as text, in place of which comes the number itself. */
static const void *number_of(const char *text, size_t *len)
{
    static int64_t number;
    size_t digits = *len - (*len && text[*len - 1] == '\n');
    if (!cli_parse_int64(text, digits, &number))
        cli_usage("'%.*s' is not a whole number of 64 bits, which the type int64 takes",
                  (int)(digits < 60 ? digits : 60), text);
    *len = sizeof(number);
    return &number;
}

const void *ctl_take_value(const struct ctl_source *source, uint32_t type, size_t *len)
{
    const char *bytes = source->argument;
    if (!!source->argument + !!source->file + source->from_stdin != 1)
        cli_usage("one of VALUE, --stdin and --file gives the value");
    if (source->from_stdin && ctl_stdin_taken)
        cli_usage("--stdin: standard input has the commands");
    if (bytes) {
        *len = strlen(bytes);
    } else {
        uint64_t most = max_value();
        if (most < NUMBER_MAX)
            most = NUMBER_MAX;
        if (source->file)
            read_file(source->file, (size_t)most);
        else
            read_all(STDIN_FILENO, "standard input", (size_t)most);
        bytes = input.bytes;
        *len = input.len;
    }
    if (!*len)
        cli_usage("an empty value is not allowed; it must be at least 1 byte long");
    return type == SPLINTER_TYPE_INT64 ? number_of(bytes, len) : bytes;
}
