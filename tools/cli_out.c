/* SPDX-License-Identifier: Apache-2.0 */
/* cli_out.c - buffered output to a descriptor that may be slow, or gone */
#include "cli_out.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <splinter.h>

#include "cli.h"
#include "cli_text.h"

#define LAST_CHANCE_MS 1000 /* for a slow reader, once we were asked to end */

void cli_out_init(struct cli_out *out, int fd, const char *name)
{
    struct stat st;
    out->fd = fd;
    out->name = name;
    out->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
    out->terminal = isatty(fd);
    out->len = 0;
    out->torn = 0;
    memset(out->ends, 0, sizeof(out->ends));
}

/* The end of the last record in the first n bytes of the buffer; 0 if there is none. */
static size_t last_end(const struct cli_out *out, size_t n)
{
    while (n && !(out->ends[n / 8] >> n % 8 & 1))
        n--;
    return n;
}

/* Of what was written, n more bytes; they are those of the buffer, or all of one record. */
static void note_written(struct cli_out *out, size_t n, bool buffer)
{
    size_t end = buffer ? last_end(out, n) : 0;
    out->torn = end ? n - end : out->torn + n;
}

/* Cuts off a part of a record, unless somebody else has written after it. */
static void cut_off(const struct cli_out *out)
{
    struct stat st;
    off_t at = lseek(out->fd, 0, SEEK_CUR);
    if (out->regular && out->torn && !fstat(out->fd, &st) && st.st_size == at &&
        at >= (off_t)out->torn && ftruncate(out->fd, at - (off_t)out->torn))
        cli_warn("the last record in %s is not whole", out->name);
}

static noreturn void write_failed(const struct cli_out *out, int error)
{
    if (error == EPIPE)
        exit(CLI_OK);
    cut_off(out);
    cli_die(CLI_FAILURE, "cannot write to %s: %s", out->name, strerror(error));
}

/* Until a write of PIPE_BUF bytes will not block: for ever, if the reader does not read. */
static void wait_writable(struct cli_out *out, size_t left)
{
    uint64_t give_up = CLI_NEVER;
    for (;;) {
        struct pollfd p = {.fd = out->fd, .events = POLLOUT};
        int n = poll(&p, 1, (int)cli_slice(CLI_NEVER));
        if (n > 0 || (n < 0 && errno != EINTR))
            return; /* ready, or write() says what is wrong */
        if (!cli_stop)
            continue;
        if (give_up == CLI_NEVER)
            give_up = cli_deadline(LAST_CHANCE_MS);
        else if (cli_now_ms() >= give_up)
            cli_die(CLI_FAILURE, "the last %zu bytes were not written: nobody reads %s", left,
                    out->name);
    }
}

static void write_all(struct cli_out *out, const unsigned char *data, size_t len)
{
    bool buffer = data == out->buf;
    size_t done = 0;
    while (done < len) {
        size_t part = len - done;
        if (!out->regular) {
            wait_writable(out, part);
            if (part > PIPE_BUF)
                part = PIPE_BUF;
        }
        ssize_t n = write(out->fd, data + done, part);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            int error = errno;
            note_written(out, done, buffer);
            write_failed(out, error);
        }
        done += (size_t)n;
    }
    note_written(out, len, buffer);
}

void cli_out_flush(struct cli_out *out)
{
    size_t len = out->len;
    out->len = 0;
    write_all(out, out->buf, len);
    memset(out->ends, 0, len / 8 + 1);
}

void cli_out_record(struct cli_out *out)
{
    if (out->len)
        out->ends[out->len / 8] |= (unsigned char)(1 << out->len % 8);
    else
        out->torn = 0; /* all of it is written */
}

void cli_out_put(struct cli_out *out, const void *data, size_t len)
{
    if (len > sizeof(out->buf) - out->len)
        cli_out_flush(out);
    if (len > sizeof(out->buf)) {
        write_all(out, data, len);
    } else if (len) {
        memcpy(out->buf + out->len, data, len);
        out->len += len;
    }
}

void cli_out_name(struct cli_out *out, const char *name)
{
    char shown[CLI_SHOWN_MAX(SPLINTER_KEY_MAX)];
    size_t len = strlen(name);
    if (out->terminal && len <= SPLINTER_KEY_MAX)
        cli_out_put(out, shown, cli_show(shown, name, len));
    else
        cli_out_put(out, name, len);
}

void cli_out_printf(struct cli_out *out, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n > (int)sizeof(line) - 1)
        n = (int)sizeof(line) - 1;
    if (n > 0)
        cli_out_put(out, line, (size_t)n);
}

void cli_out_check(struct cli_out *out)
{
    struct pollfd p = {.fd = out->fd, .events = 0};
    if (poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP))
        exit(CLI_OK);
}
