/* SPDX-License-Identifier: Apache-2.0 */
/* cli_out.h - buffered output to a descriptor that may be slow, or gone */
#ifndef SPLINTER_CLI_OUT_H
#define SPLINTER_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes to a descriptor, buffered.  Unlike stdio's, a write that waits for a slow reader notices
 * cli_stop, and then gives the reader one second more.  An error ends the tool with
 * a message and CLI_FAILURE; a reader that has gone ends it with CLI_OK and no message.  If a
 * regular file cannot take all of a record, what it has of that record is cut off again.
 */
#define CLI_OUT_ROOM 65536
struct cli_out {
    int fd;
    const char *name; /* for messages */
    bool regular, terminal;
    size_t torn; /* bytes after the end of the last whole record, of those that were written */
    size_t len;
    unsigned char buf[CLI_OUT_ROOM];
    unsigned char ends[CLI_OUT_ROOM / 8 + 1]; /* bit n: a record ends before byte n of buf */
};
void cli_out_init(struct cli_out *out, int fd, const char *name);
void cli_out_put(struct cli_out *out, const void *data, size_t len);
void cli_out_printf(struct cli_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* a short line */
/* A name, on a terminal as a person may see it, else as it is. */
void cli_out_name(struct cli_out *out, const char *name);
/* What was put since the last call, or since the beginning, is a record. */
void cli_out_record(struct cli_out *out);
void cli_out_flush(struct cli_out *out);
/* Ends the tool if the reader has gone while there was nothing to write. */
void cli_out_check(struct cli_out *out);

#endif /* SPLINTER_CLI_OUT_H */
