/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - go over all keys */
#ifndef SPLINTER_WALK_H
#define SPLINTER_WALK_H

#include "key.h"
#include "names.h"

/* What was met: nothing any more, a key, or a key whose life has ended, or whose owner is
 * gone. */
enum walk { WALK_END, WALK_KEY, WALK_EXPIRED };

/* A key that a walk has met. */
struct walked {
    struct key key; /* leads to `text` */
    struct splinter_meta meta;
    char text[SPLINTER_KEY_MAX]; /* its bytes, and a zero byte */
};

/* The next key from slot *cursor on, and its metadata; also an internal one.  *cursor, 0 at first,
 * then leads behind it.  For an expired key out->meta.ttl_ns is 0. */
enum walk walk_next(struct splinter_store *s, uint64_t *cursor, struct walked *out);

#endif
