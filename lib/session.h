/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - is this the file that a durable store was in, on this boot and this mount? */
#ifndef SPLINTER_SESSION_H
#define SPLINTER_SESSION_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Write into the header which boot of which kernel this is, which file, and which mount; or the
 * mount alone.  The caller has the store alone. */
void session_note(int fd, struct header *h);
void session_note_mount(const struct splinter_store *s);

/* A number that differs from that of any other boot; 0 if the kernel does not tell. */
uint64_t session_boot(void);

/* Is this the very file of which the header speaks, and no copy of it? */
bool session_is_file(const struct splinter_store *s);

/* What is still true of what the header says. */
enum session {
    SESSION_OURS,  /* all: the pages in memory are what processes left */
    SESSION_MOUNT, /* boot and file; but the file system may have been away in between */
    SESSION_OTHER,
};
enum session session_of(const struct splinter_store *s);

#endif
