/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - what commands print: for a person aligned, and with --json as JSON
 *
 * A command describes what it has as fields, and does not look at which of the two is wanted.  Both
 * go through ctl_out, which main() flushes.
 */
#ifndef SPLINTERCTL_OUTPUT_H
#define SPLINTERCTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../cli_out.h"

#define CTL_JSON_SCHEMA 1 /* the member "schema" of every object; splinterctl(1) describes it */

extern struct cli_out ctl_out;
void ctl_output_init(void);

/* --json; ends the command if this program was built without. */
void ctl_want_json(void);
/* Sets whether JSON is printed; returns what was so before. */
bool ctl_set_json(bool json);
bool ctl_json(void);

enum ctl_kind {
    CTL_NONE,   /* not known, or does not apply: "-", or null */
    CTL_TEXT,   /* a C string; with JSON, one that is no UTF-8 becomes NAME_base64 */
    CTL_NUMBER,
    CTL_SIGNED,
    CTL_VALUE,  /* any bytes, as CTL_TEXT; for JSON alone */
    CTL_ROWS    /* a table, which a person sees below the other fields */
};

struct ctl_table;
struct ctl_field {
    const char *name; /* the member; a person sees it with spaces for '_' */
    enum ctl_kind kind;
    union {
        const char *text;
        uint64_t number;
        int64_t signed_number;
        struct {
            const void *bytes;
            size_t size;
        };
        const struct ctl_table *table;
    };
};

struct ctl_table {
    size_t rows, columns;
    /* Fills in the fields of row i, each time with the same names in the same order. */
    void (*row)(void *arg, size_t i, struct ctl_field *fields);
    void *arg;
};
#define CTL_COLUMNS_MAX 10

#define ctl_text(name_, text_) ((struct ctl_field){.name = name_, .kind = CTL_TEXT, .text = text_})
#define ctl_number(name_, number_) \
    ((struct ctl_field){.name = name_, .kind = CTL_NUMBER, .number = number_})
#define ctl_none(name_) ((struct ctl_field){.name = name_, .kind = CTL_NONE})

/* A line for each field, or one object. */
void ctl_print_record(const struct ctl_field *fields, size_t count);
/* A header and a line for each row; or an object a line. */
void ctl_print_table(const struct ctl_table *table);

/* In a heading, if it goes to a terminal that shows colours. */
void ctl_print_heading(const char *text, size_t len);

#endif /* SPLINTERCTL_OUTPUT_H */
