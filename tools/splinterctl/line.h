/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - what happens, one line each, as it happens */
#ifndef SPLINTERCTL_LINE_H
#define SPLINTERCTL_LINE_H

#include "output.h"

/* How a person sees a field: in so many columns at least. */
struct ctl_cell {
    struct ctl_field field;
    int width; /* -1: not at all */
    bool right; /* at the right edge of them */
};
#define ctl_json_only(field_) ((struct ctl_cell){field_, -1, false})

/* One line, or one object.  Names and values are printed so that they stay on the line: text with
 * \xNN in place of what a terminal obeys, and other bytes in hexadecimal, after "0x". */
void ctl_print_line(const struct ctl_cell *cells, size_t count);

/* The fields of a value: its bytes; for a person a number as a number, and for JSON that, too. */
#define CTL_VALUE_CELLS 2
void ctl_value_cells(struct ctl_cell *cells, const void *bytes, size_t size, uint32_t type);

#endif /* SPLINTERCTL_LINE_H */
