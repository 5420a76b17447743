/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - the insert lock of a key */
#ifndef SPLINTER_LOCK_H
#define SPLINTER_LOCK_H

#include <stdbool.h>

#include "key.h"
#include "names.h"

/* Lock a key for the lane, which the caller holds.  The chunk of the key's home bucket is there
 * (index_ensure()).  0; -EAGAIN: a live process holds the key and does not go on, or did not during
 * a short spin if the caller is not `patient`.  A patient call waits about a second. */
int key_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key,
             bool patient);
void key_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key);

#endif
