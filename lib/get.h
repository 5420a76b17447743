/* SPDX-License-Identifier: Apache-2.0 */
/* get.h - get, as the calls built on it see it */
#ifndef SPLINTER_GET_H
#define SPLINTER_GET_H

#include "key.h"
#include "names.h"

/* All that a record says of its value. */
struct stored {
    struct splinter_meta meta;
    uint64_t expiry; /* its end of life, as it stands in the record; 0: none */
    uint64_t owner;  /* owner_word(); 0: none */
};

/* As splinter_store_get(); the size of the value is out->meta.value_size.  *out is filled in if the
 * result is 0 or -EMSGSIZE (buf is too small for the value); buf may be NULL.  It unsets a key that
 * has expired, so the caller holds no lane. */
int get_stored(struct splinter_store *s, const struct key *key, void *buf, size_t buf_size,
               struct stored *out);

#endif
