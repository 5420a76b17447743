/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - was the file of a durable store last in use on this boot of this kernel? */
#ifndef SPLINTER_SESSION_H
#define SPLINTER_SESSION_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Write into the header which boot of which kernel this is, and which file.  The caller has the
 * store alone. */
void session_note(int fd, struct header *h);

/* Is what the header says still true?  Then the pages in memory are what processes left there. */
bool session_is_ours(const struct splinter_store *s);

#endif
