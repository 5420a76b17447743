/* SPDX-License-Identifier: Apache-2.0 */
/* unset.h - unset, as the calls built on it see it */
#ifndef SPLINTER_UNSET_H
#define SPLINTER_UNSET_H

#include <stdbool.h>

#include "key.h"
#include "names.h"

struct unset_args {
    uint64_t if_epoch; /* only if the value has this epoch; 0: whichever it has */
    bool expired_only; /* only if its life has ended, and without waiting for the lock */
};

/* 0: it was there, *out_len (may be NULL) is the length of its value; or it had expired, and that was
 * asked for.  -ENOENT, -ESTALE, -EROFS, -EAGAIN; or an error of the sync that followed. */
int key_unset(struct splinter_store *s, const struct key *key, const struct unset_args *args,
              size_t *out_len);

#endif
