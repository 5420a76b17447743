/* SPDX-License-Identifier: Apache-2.0 */
/* exec.c - exec: the commands of a file, one a line */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_text.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "parse.h"

enum { EXEC_KEEP_GOING };
const struct ctl_option ctl_exec_options[] = {
    [EXEC_KEEP_GOING] = {"keep-going", NULL,
                         "go on after a command that fails; the status is\n"
                         "                       that of the first one"},
    {NULL, NULL, NULL},
};

/* A file that is read line by line. */
struct lines {
    int fd;
    const char *name;
    char *buf;
    size_t begin, end, room; /* buf has the bytes from begin to end */
};

/* Reads more behind what is there.  Returns false at the end. */
static bool read_more(struct lines *in)
{
    memmove(in->buf, in->buf + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->begin = 0;
    if (in->room - in->end < 2) { /* a byte, and the zero behind the last line */
        in->room *= 2;
        in->buf = cli_need(realloc(in->buf, in->room));
    }
    cli_out_flush(&ctl_out); /* whoever writes the commands may wait for what they print */
    ssize_t n;
    do
        n = read(in->fd, in->buf + in->end, in->room - in->end - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        cli_die(CLI_FAILURE, "cannot read %s: %s", in->name, strerror(errno));
    in->end += (size_t)n;
    return n > 0;
}

/* The next line, without its newline, of *len bytes and a zero; NULL at the end. */
static char *next_line(struct lines *in, size_t *len)
{
    for (size_t searched = 0;;) {
        char *line = in->buf + in->begin, *newline = NULL;
        size_t left = in->end - in->begin;
        if (left > searched)
            newline = memchr(line + searched, '\n', left - searched);
        searched = left;
        if (!newline && read_more(in))
            continue;
        if (!newline && !left)
            return NULL;
        line = in->buf + in->begin; /* read_more() may have moved it */
        *len = newline ? (size_t)(newline - line) : left;
        line[*len] = '\0';
        in->begin += *len + (newline != NULL);
        return line;
    }
}

static int run_line(const struct ctl_call *call, char *line, size_t len)
{
    static struct ctl_words words;
    if (memchr(line, '\0', len)) {
        cli_warn("the line has a zero byte");
        return CLI_USAGE;
    }
    int count = ctl_split(line, &words);
    if (count < 0) {
        cli_warn("a quote is not closed");
        return CLI_USAGE;
    }
    return count ? call->again(count, words.word) : CLI_OK;
}

static void open_lines(struct lines *in, const struct ctl_call *call)
{
    *in = (struct lines){.fd = STDIN_FILENO, .name = "standard input", .room = 65536};
    if (call->count) {
        in->name = call->arguments[0];
        in->fd = open(in->name, O_RDONLY | O_CLOEXEC);
        if (in->fd < 0)
            cli_die(CLI_FAILURE, "cannot open '%s': %s", in->name, strerror(errno));
    } else {
        ctl_stdin_taken = true;
    }
    in->buf = cli_need(malloc(in->room));
}

int ctl_run_exec(const struct ctl_call *call)
{
    static struct lines in;
    if (cli_place)
        cli_usage("exec cannot run exec");
    open_lines(&in, call);
    struct cli_place place = {in.name, 0};
    uint64_t failed = 0;
    int status = CLI_OK;
    size_t len;
    char *line;
    while ((!status || call->given[EXEC_KEEP_GOING]) && (line = next_line(&in, &len))) {
        place.line++;
        cli_place = &place;
        int r = run_line(call, line, len);
        cli_place = NULL;
        if (r && !status)
            status = r;
        failed += r != 0;
    }
    if (failed && call->given[EXEC_KEEP_GOING])
        cli_warn("%" PRIu64 " command%s failed", failed, CLI_S(failed));
    if (call->count)
        close(in.fd);
    free(in.buf);
    return status;
}
