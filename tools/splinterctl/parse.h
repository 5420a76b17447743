/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - from words to a call of a command */
#ifndef SPLINTERCTL_PARSE_H
#define SPLINTERCTL_PARSE_H

#include "command.h"

/* The command with that name, or NULL. */
const struct ctl_command *ctl_find(const struct ctl_command *commands, const char *name);
/* The name most like it, or NULL if none is near. */
const char *ctl_nearest(const struct ctl_command *commands, const char *name);

/* The commands of a family have names of two words, "topic list" say.  Is there a family of that
 * name? */
bool ctl_is_family(const struct ctl_command *commands, const char *name);
/* Is that command one of the family? */
bool ctl_is_of_family(const struct ctl_command *command, const char *family);

/* The option of the command with that name of len bytes, or NULL; of no command: NULL. */
const struct ctl_option *ctl_option_of(const struct ctl_command *command, const char *name,
                                       size_t len);

/* Reads the words of a command line, of which the first one is the command's name.  It moves the
 * arguments to the front of argv.  Does not return if they are wrong. */
void ctl_parse(struct ctl_call *call, const struct ctl_command *command, int argc, char **argv);

/* Splits a line into words as a shell does: 'quotes' and "quotes", a backslash, and a comment after
 * '#'.  The words are in the line, which the call changes, and *words, which grows as needed, ends
 * with NULL.  Returns their number, or -1 if a quote is not closed. */
struct ctl_words {
    char **word;
    size_t room;
};
int ctl_split(char *line, struct ctl_words *words);

#endif /* SPLINTERCTL_PARSE_H */
