/* SPDX-License-Identifier: Apache-2.0 */
/* jsonline.h - a JSON object in a line, read in place and fast */
#ifndef SPLINTERCTL_JSONLINE_H
#define SPLINTERCTL_JSONLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ctl_json_is {
    CTL_JSON_ABSENT,
    CTL_JSON_NULL,
    CTL_JSON_TRUE,
    CTL_JSON_FALSE,
    CTL_JSON_STRING,
    CTL_JSON_INTEGER, /* a whole number of 64 bits */
    CTL_JSON_OTHER    /* another number, an array or an object */
};

/* A member of interest, and what the line has of it. */
struct ctl_member {
    const char *name;
    enum ctl_json_is is;
    bool negative;   /* CTL_JSON_INTEGER: it is less than 0 */
    uint64_t number; /* its magnitude */
    char *text;      /* CTL_JSON_STRING: the bytes, in the line, without escapes; UTF-8 */
    size_t len;
};

/*
 * Reads one object (RFC 8259), with spaces around it and nothing else.  Members may come in any
 * order; those of no interest are checked and passed over.  A member of interest that is there
 * twice is an error.  line[len] has to be 0, and the line is changed.  Returns NULL, or what is
 * wrong, and the place in *at, from 1.
 */
const char *ctl_json_read(char *line, size_t len, struct ctl_member *members, size_t count,
                          size_t *at);

#endif /* SPLINTERCTL_JSONLINE_H */
