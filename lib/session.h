/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - is this the file that a durable store was in, and on this boot of this kernel? */
#ifndef SPLINTER_SESSION_H
#define SPLINTER_SESSION_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Write into the header which boot of which kernel this is, and which file.  The caller has the
 * store alone. */
void session_note(int fd, struct header *h);

/* A number that differs from that of any other boot; 0 if the kernel does not tell. */
uint64_t session_boot(void);

/* Is this the very file of which the header speaks, and no copy of it? */
bool session_is_file(const struct splinter_store *s);

/* Is all that the header says still true?  Then the pages in memory are what processes left. */
bool session_is_ours(const struct splinter_store *s);

#endif
