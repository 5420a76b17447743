/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - a file, or standard input, line by line */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "output.h"

#define FIRST_ROOM 65536

void ctl_lines_open(struct ctl_lines *in, const char *path)
{
    *in = (struct ctl_lines){.fd = STDIN_FILENO, .name = "standard input", .room = FIRST_ROOM};
    if (path) {
        in->name = path;
        in->fd = open(in->name, O_RDONLY | O_CLOEXEC);
        if (in->fd < 0)
            cli_die(CLI_FAILURE, "cannot open '%s': %s", in->name, strerror(errno));
    }
    in->buf = cli_need(malloc(in->room));
}

void ctl_lines_close(struct ctl_lines *in)
{
    if (in->buf && in->fd != STDIN_FILENO)
        close(in->fd);
    free(in->buf);
    in->buf = NULL;
}

/* Reads more behind what is there.  Returns false at the end. */
static bool read_more(struct ctl_lines *in)
{
    memmove(in->buf, in->buf + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->begin = 0;
    if (in->room - in->end < 2) { /* a byte, and the zero behind the last line */
        if (in->most && in->end > in->most)
            cli_die(CLI_FAILURE, "line %" PRIu64 " of %s has more than %zu bytes", in->line + 1,
                    in->name, in->most);
        in->room *= 2;
        in->buf = cli_need(realloc(in->buf, in->room));
    }
    cli_out_flush(&ctl_out); /* whoever writes the lines may wait for what we print */
    ssize_t n;
    do
        n = read(in->fd, in->buf + in->end, in->room - in->end - 1);
    while (n < 0 && errno == EINTR && !cli_stop);
    if (n < 0 && errno != EINTR)
        cli_die(CLI_FAILURE, "cannot read %s: %s", in->name, strerror(errno));
    in->end += n > 0 ? (size_t)n : 0;
    return n > 0;
}

char *ctl_next_line(struct ctl_lines *in, size_t *len)
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
        in->line++;
        return line;
    }
}
