/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - wait for a key, as the calls built on it see it */
#ifndef SPLINTER_WAIT_H
#define SPLINTER_WAIT_H

#include "key.h"
#include "names.h"

/* Is every wait with this handle over?  Then why: a negative errno.  0: it is not. */
int wait_ended(struct splinter_store *s);

/* As splinter_store_wait(), whose errors it returns. */
int key_wait(struct splinter_store *s, const struct key *key, uint64_t since, uint64_t timeout_ms,
             uint64_t *out_epoch);

#endif
