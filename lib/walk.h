/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - over all keys */
#ifndef SPLINTER_WALK_H
#define SPLINTER_WALK_H

#include "handle.h"

/* The next key from slot *cursor on, and its metadata.  1: there is one; 2: one that has expired;
 * 0: no more. */
int walk_next(struct splinter_store *s, uint64_t *cursor, char key[SPLINTER_KEY_MAX],
              struct splinter_meta *meta);

#endif
