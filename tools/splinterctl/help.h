/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - the help, made from the table of commands */
#ifndef SPLINTERCTL_HELP_H
#define SPLINTERCTL_HELP_H

#include "command.h"

/* Of splinterctl: its own options, and all commands. */
void ctl_help(const struct ctl_command *commands);
/* Of the commands of a family. */
void ctl_help_of_family(const struct ctl_command *commands, const char *family);
/* Of one command. */
void ctl_help_of(const struct ctl_command *command);

#endif /* SPLINTERCTL_HELP_H */
