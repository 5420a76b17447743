/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h - the bus that commands work on, and what is said if it refuses */
#ifndef SPLINTERCTL_BUS_H
#define SPLINTERCTL_BUS_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include <splinter.h>

/* -b NAME, or -f NAME.  Refuses another one while the lines of an input are obeyed. */
void ctl_choose_bus(const char *name, bool file);

/* The name that was chosen, or else the default. */
const char *ctl_bus_name(void);
/* An option or SPLINTER_BUS has named it. */
bool ctl_bus_is_named(void);
/* SPLINTER_MEMORY or SPLINTER_FILE. */
uint32_t ctl_bus_where(void);

/* A name by which any tool finds the bus, for SPLINTER_BUS in the environment of a COMMAND: that of
 * a file has a slash other than a leading one.  A static string. */
const char *ctl_bus_variable(void);

/* The store, opened if it is not, and to write if it has to be.  Does not return if it cannot. */
splinter_store *ctl_open(bool to_write);
/* The store, opened to write if that is allowed, and else to read. */
splinter_store *ctl_open_to_follow(void);
/* The name leads to another store than the one that is open, or to none. */
bool ctl_bus_was_replaced(splinter_store *open);
/* Makes it. */
void ctl_create(const struct splinter_open_options *options);
/* It was removed: the next ctl_open() looks for one of that name. */
void ctl_forget(void);

/* Ends the command: a call that was to "set" a key, say, returned r. */
noreturn void ctl_failed(const char *to, const char *key, int r);

/* Asks on the terminal, and ends the command with CLI_REFUSED if the answer is no.  Without a
 * terminal it ends with CLI_USAGE, and points at --force. */
void ctl_confirm(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Standard input has the commands, so none of them may read it. */
extern bool ctl_stdin_taken;

#endif /* SPLINTERCTL_BUS_H */
