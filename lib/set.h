/* SPDX-License-Identifier: Apache-2.0 */
/* set.h - set, as the calls built on it see it */
#ifndef SPLINTER_SET_H
#define SPLINTER_SET_H

#include "insert.h"
#include "key.h"
#include "names.h"

/* Set the key to len bytes, 1 to the store's max_value; args->head_len bytes from args->head come
 * first in the value, and count in `len`.  *out_epoch (may be NULL) is the epoch of the new
 * record.  0; -EEXIST, -ENOENT, -ESTALE (args->flags); -EROFS, -ENOSPC, -EAGAIN, -EBADMSG;
 * an error of attach_own(), with nothing changed; or of sync_if_due(), with the change made.  The
 * caller holds no lane. */
int key_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
            const struct set_args *args, uint64_t *out_epoch);

/* What comes with the value of an internal key. */
struct headed {
    const void *head; /* goes before the value */
    uint32_t type;
};

/* Set a key of KEY_SHORT bytes, which was found with this epoch, if it still has that, to `head`
 * and `len` bytes.  The head is a number, or a struct queue_item.  Return as key_set() does. */
int key_number(struct splinter_store *s, const struct key *key, const struct headed *as,
               const struct lookup *found, uint64_t epoch, const void *val, size_t len);
int key_item(struct splinter_store *s, const struct key *key, const struct headed *as,
             const struct lookup *found, uint64_t epoch, const void *val, size_t len);

#endif
