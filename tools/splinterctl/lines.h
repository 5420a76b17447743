/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - a file, or standard input, line by line */
#ifndef SPLINTERCTL_LINES_H
#define SPLINTERCTL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl_lines {
    int fd;
    const char *name; /* for messages */
    char *buf;
    size_t begin, end, room; /* buf has the bytes from begin to end */
    size_t most;             /* bytes of the longest line; 0: any */
    uint64_t line;           /* the number of the one that was returned last */
};

/* Opens a file, or takes standard input if path is NULL. */
void ctl_lines_open(struct ctl_lines *in, const char *path);
/* The next line, without its newline, of *len bytes and a zero; NULL at the end. */
char *ctl_next_line(struct ctl_lines *in, size_t *len);
void ctl_lines_close(struct ctl_lines *in);

#endif /* SPLINTERCTL_LINES_H */
