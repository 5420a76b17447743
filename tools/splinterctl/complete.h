/* SPDX-License-Identifier: Apache-2.0 */
/* complete.h - what may come next in a command line, from the table of commands and from the bus */
#ifndef SPLINTERCTL_COMPLETE_H
#define SPLINTERCTL_COMPLETE_H

#include "candidates.h"
#include "command.h"

/* Of a command line without "splinterctl" the last word was begun; it may be empty.  Does not
 * complain of what is wrong in the others, nor of a bus that cannot be read. */
void ctl_complete(const struct ctl_command *commands, char **words, int count,
                  struct ctl_candidates *out);

/* The command that a line names, and how many of its words do; NULL: none. */
const struct ctl_command *ctl_command_of(const struct ctl_command *commands, char **words,
                                         int count, int *used);

#endif /* SPLINTERCTL_COMPLETE_H */
