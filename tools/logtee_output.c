/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_output.c - where values go, as lines or as JSON */
#include "logtee_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "cli_out.h"
#include "cli_text.h"
#include "logtee_json.h"

static struct cli_out out;
static const char *path; /* NULL: standard output */
static bool json, timestamps;
static uint64_t total_values, total_missed;

/* A record that somebody was killed in, or a computer, must not run into the next one. */
static void end_line(void)
{
    struct stat st;
    char last = '\n';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size)
        (void)!pread(fd, &last, 1, st.st_size - 1);
    if (fd >= 0)
        close(fd);
    if (last != '\n') {
        cli_out_put(&out, "\n", 1);
        cli_out_record(&out);
    }
}

static void open_file(void)
{
    /* Private, as the stores are: this is a copy of what is in one. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        cli_die(CLI_FAILURE, "cannot open '%s': %s", path, strerror(errno));
    cli_out_init(&out, fd, path);
    if (out.regular)
        end_line();
}

void logtee_output_open(const char *file, bool as_json, bool with_timestamps)
{
    path = file;
    json = as_json;
    timestamps = with_timestamps;
    if (path)
        open_file();
    else
        cli_out_init(&out, STDOUT_FILENO, "standard output");
}

void logtee_output_reopen(void)
{
    cli_out_flush(&out);
    if (close(out.fd) && errno != EINTR)
        cli_die(CLI_FAILURE, "cannot write to %s: %s", out.name, strerror(errno));
    open_file();
}

/* RFC 3339, UTC */
static void time_text(char *text, size_t room)
{
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(text, room, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, room - n, ".%06ldZ", t.tv_nsec / 1000);
}

static void put_json_meta(const struct splinter_meta *meta)
{
    const char *type = cli_type_name(meta->type);
    cli_out_printf(&out, ",\"epoch\":%" PRIu64 ",\"revision\":%" PRIu32, meta->epoch,
                   meta->revision);
    if (type)
        cli_out_printf(&out, ",\"type\":\"%s\"", type);
    else
        cli_out_printf(&out, ",\"type\":%" PRIu32, meta->type);
    if (meta->ttl_ns)
        cli_out_printf(&out, ",\"ttl_ms\":%" PRIu64, cli_ttl_ms(meta));
}

void logtee_output_value(const char *key, const struct cli_value *v)
{
    char when[64] = "";
    int64_t number;
    bool is_number = cli_value_number(v, &number);
    total_values++;
    if (timestamps)
        time_text(when, sizeof(when));
    if (json) {
        cli_out_put(&out, "{", 1);
        if (timestamps)
            cli_out_printf(&out, "\"time\":\"%s\",", when);
        logtee_json_member(&out, "key", key, strlen(key));
        put_json_meta(&v->meta);
        cli_out_put(&out, ",", 1);
        if (is_number)
            cli_out_printf(&out, "\"value\":%" PRId64, number);
        else
            logtee_json_member(&out, "value", v->buf, v->size);
        cli_out_put(&out, "}\n", 2);
    } else {
        if (timestamps)
            cli_out_printf(&out, "%s\t", when);
        cli_out_name(&out, key);
        cli_out_put(&out, "\t", 1);
        if (is_number)
            cli_out_printf(&out, "%" PRId64, number);
        else
            cli_out_put(&out, v->buf, v->size);
        cli_out_put(&out, "\n", 1);
    }
    cli_out_record(&out);
}

void logtee_output_missed(const char *key, uint64_t epoch, const struct cli_missed *missed)
{
    total_missed += missed->values;
    if (!json) {
        cli_warn_missed(key, epoch, missed);
    } else if (missed->values || missed->recreated) {
        cli_out_put(&out, "{", 1);
        logtee_json_member(&out, "key", key, strlen(key));
        cli_out_printf(&out, ",\"missed\":%" PRIu32 "%s}\n", missed->values,
                       missed->recreated ? ",\"recreated\":true" : "");
        cli_out_record(&out);
    }
}

void logtee_output_total(void)
{
    if (json)
        cli_out_printf(&out, "{\"values\":%" PRIu64 ",\"missed\":%" PRIu64 "}\n", total_values,
                       total_missed);
    cli_out_record(&out);
    cli_out_flush(&out);
    if (!json)
        cli_warn("%" PRIu64 " value%s, %" PRIu64 " missed", total_values, CLI_S(total_values),
                 total_missed);
}

void logtee_output_flush(void)
{
    cli_out_flush(&out);
}

void logtee_output_check(void)
{
    cli_out_check(&out);
}
