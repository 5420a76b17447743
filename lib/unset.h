/* SPDX-License-Identifier: Apache-2.0 */
/* unset.h - unset, as the calls built on it see it */
#ifndef SPLINTER_UNSET_H
#define SPLINTER_UNSET_H

#include <stdbool.h>

#include "key.h"
#include "names.h"

struct unset_args {
    uint64_t if_epoch; /* only if the value has this epoch; 0: whatever epoch it has */
    bool expired_only; /* only if its life has ended, and without a wait for the lock */
    bool in_any_case;  /* look under the lock of the key, also if a look without it finds nothing */
    bool unsynced;     /* no sync follows, whatever the handle's options say */
};

/* Remove the key.  *out_len (may be NULL) is the length of the value that it had.  0: the key was
 * there, or had expired if expired_only; -ENOENT, -ESTALE, -EROFS, -EAGAIN; an error of
 * attach_own(), with nothing changed; or of sync_if_due(), with the change made.  The caller holds
 * no lane. */
int key_unset(struct splinter_store *s, const struct key *key, const struct unset_args *args,
              size_t *out_len);

#endif
