/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - whose memory the pages of a file are in */
#ifndef SPLINTER_SESSION_H
#define SPLINTER_SESSION_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Write into the header which kernel, which boot of it and which file this is. */
void session_note(int fd, struct header *h);

/* Is what the header says still so? */
bool session_is_ours(const struct splinter_store *s);

#endif
