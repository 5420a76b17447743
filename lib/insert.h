/* SPDX-License-Identifier: Apache-2.0 */
/* insert.h - a set of a key that is not there */
#ifndef SPLINTER_INSERT_H
#define SPLINTER_INSERT_H

#include "change.h"
#include "key.h"
#include "names.h"

/* What a set is asked for. */
struct set_args {
    uint32_t flags; /* SPLINTER_IF_*, SPLINTER_KEEP_TYPE, SPLINTER_EPHEMERAL */
    uint32_t type;
    uint64_t expiry; /* in the time of the store; 0: none */
    uint64_t owner;  /* owner_word(); 0: none.  With SPLINTER_EPHEMERAL, this handle. */
    uint64_t if_epoch;
    uint64_t epoch;    /* of the new record, in a snapshot; 0: the next one of the store */
    uint32_t revision; /* of the new record, if `epoch` is not 0 */
    const void *head;                 /* goes before the value, */
    uint32_t head_len;                /* so many bytes of it */
    const struct lookup *only_while;  /* an insert only while that slot still leads to that record,
                                         else -ESTALE; NULL: in any case */
    bool unsynced;                    /* no sync follows, whatever the handle's options say */
};

/* What became of one attempt; or a negative errno. */
enum attempt { AGAIN, DONE };

/* Set a key that was not there: publish the record of the change, which is filled in except for
 * its type and seal().  AGAIN: the key is there now, to be updated.  -ENOENT (args->flags), an
 * error of index_ensure() or key_lock(), -EAGAIN, NO_SLOT: nothing was published. */
int key_insert(struct splinter_store *s, struct change *c, const struct key *key,
               const struct set_args *args);

#endif
