/* SPDX-License-Identifier: Apache-2.0 */
/* dump.h - what dump writes and restore reads; splinterctl(1) describes it */
#ifndef SPLINTERCTL_DUMP_H
#define SPLINTERCTL_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTL_DUMP_SCHEMA 1 /* rises when a member goes away or gets another meaning */

/* The time of day in milliseconds since 1970, which "expires_ms" counts in. */
uint64_t ctl_time_ms(void);

/* ---- record.c: lines, which are changed, and of which line[len] is 0 ---- */

/* The first line. */
struct ctl_dump_header {
    bool ends;       /* the last line has "end" */
    bool has_limits; /* the others are there, and allowed */
    uint64_t slots, max_value, feed;
};
/* Returns NULL, or what is wrong; the sentence is valid until the next call. */
const char *ctl_header_read(char *line, size_t len, struct ctl_dump_header *header);

/* Any other line. */
struct ctl_record {
    bool end;         /* it is the last one, and has nothing more */
    char *key;        /* in the line */
    const void *value; /* so is this, or it is `number` */
    size_t size;
    int64_t number;
    uint64_t epoch, expires_ms; /* 0: there is none */
    uint32_t type;
};
const char *ctl_record_read(char *line, size_t len, struct ctl_record *record);

#endif /* SPLINTERCTL_DUMP_H */
