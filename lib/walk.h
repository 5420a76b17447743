/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - over all keys */
#ifndef SPLINTER_WALK_H
#define SPLINTER_WALK_H

#include "handle.h"
#include "names.h"

enum walk { WALK_END, WALK_KEY, WALK_EXPIRED };

/* The next key from slot *cursor on, and its metadata. */
enum walk walk_next(struct splinter_store *s, uint64_t *cursor, char key[SPLINTER_KEY_MAX],
                    struct splinter_meta *meta);

#endif
