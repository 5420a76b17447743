/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - keys and values, as commands print them and take them */
#ifndef SPLINTERCTL_VALUE_H
#define SPLINTERCTL_VALUE_H

#include "../cli_bus.h"
#include "output.h"

/* The name of a type, or its number, for which text has room for CTL_TYPE_ROOM. */
#define CTL_TYPE_ROOM 12
const char *ctl_type_text(uint32_t type, char *text);

struct ctl_field ctl_ttl_field(const struct splinter_meta *meta);

/* What is known about a key, as fields; type_text has room for CTL_TYPE_ROOM. */
#define CTL_META_FIELDS 7
void ctl_meta_fields(struct ctl_field *fields, const char *key, const struct splinter_meta *meta,
                     char *type_text);

/* The bytes; on a terminal quoted where it might obey them, and with a hint. */
void ctl_print_value(const struct cli_value *value);

/* Where a command takes its value from: just one of the three. */
struct ctl_source {
    const char *argument;
    const char *file;
    bool from_stdin;
};
/* A value of at least one byte, as long as the store that is open takes.  The bytes are valid until
 * the next call.  With the type int64 they are read as a number. */
const void *ctl_take_value(const struct ctl_source *source, uint32_t type, size_t *len);

#endif /* SPLINTERCTL_VALUE_H */
