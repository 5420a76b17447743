/* SPDX-License-Identifier: Apache-2.0 */
/* prompt.h - commands that a person types at a terminal; only where libedit is there */
#ifndef SPLINTERCTL_PROMPT_H
#define SPLINTERCTL_PROMPT_H

#include "command.h"

/* Runs the commands until the person leaves.  run() runs one, as main() does; each in a process of
 * its own, so whatever ends one does not end the prompt.  Returns the status of the last one. */
int ctl_prompt(const struct ctl_command *commands, int (*run)(int argc, char **argv));

#endif /* SPLINTERCTL_PROMPT_H */
