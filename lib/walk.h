/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - go over all keys */
#ifndef SPLINTER_WALK_H
#define SPLINTER_WALK_H

#include "handle.h"
#include "names.h"

/* What was met: nothing any more, a key, or a key whose life has ended. */
enum walk { WALK_END, WALK_KEY, WALK_EXPIRED };

/* The next key from slot *cursor on, and its metadata.  *cursor, 0 at first, then leads behind it.
 * For an expired key meta->ttl_ns is 0. */
enum walk walk_next(struct splinter_store *s, uint64_t *cursor, char key[SPLINTER_KEY_MAX],
                    struct splinter_meta *meta);

#endif
