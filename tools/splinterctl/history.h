/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - the lines that were typed, in $XDG_STATE_HOME/splinter/history */
#ifndef SPLINTERCTL_HISTORY_H
#define SPLINTERCTL_HISTORY_H

#include <stdbool.h>

#define CTL_HISTORY_MAX 1000 /* lines that are kept */

/* Gives the lines to take(), the oldest one first.  Nothing if there is no file. */
void ctl_history_read(void (*take)(void *arg, const char *line), void *arg);
/* Adds a line.  Several prompts may do so at once.  Returns false, and errno, if that failed. */
bool ctl_history_add(const char *line);
/* Where it is; NULL if the environment does not say. */
const char *ctl_history_path(void);

#endif /* SPLINTERCTL_HISTORY_H */
