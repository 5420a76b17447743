/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - wait for a change of a key, or for any change */
#ifndef SPLINTER_WAIT_H
#define SPLINTER_WAIT_H

#include "handle.h"
#include "key.h"
#include "names.h"

/* Waits until a change has a number above `since`, for as many nanoseconds at most.  0: it has, or
 * something may have happened that nobody has numbered; -ETIMEDOUT; or -EINTR or -EBADF, as for
 * splinter_store_wait_any(). */
int wait_number(struct splinter_store *s, uint64_t since, uint64_t ns);

/* Is every wait with this handle over?  Then why: a negative errno.  0: it is not. */
int wait_ended(struct splinter_store *s);

/* As splinter_store_wait(), whose errors it returns. */
int key_wait(struct splinter_store *s, const struct key *key, uint64_t since, uint64_t timeout_ms,
             uint64_t *out_epoch);

#endif
