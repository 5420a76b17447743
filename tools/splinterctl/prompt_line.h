/* SPDX-License-Identifier: Apache-2.0 */
/* prompt_line.h - what the prompt completes and hints at in a line that is being typed */
#ifndef SPLINTERCTL_PROMPT_LINE_H
#define SPLINTERCTL_PROMPT_LINE_H

#include <stddef.h>

#include "complete.h"

/* Of a line that was begun: where its last word begins, and what may come there.  *word, of the
 * caller, is what it means without its quotes. */
size_t ctl_line_complete(const struct ctl_command *commands, const char *line,
                         struct ctl_candidates *out, char **word);

/* The word so that ctl_split() takes it for one; memory of the caller. */
char *ctl_line_quote(const char *word);

/* The arguments that the command of the line takes, or "". */
const char *ctl_line_hint(const struct ctl_command *commands, const char *line);

#endif /* SPLINTERCTL_PROMPT_LINE_H */
