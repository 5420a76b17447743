/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - the insert lock of a key */
#ifndef SPLINTER_LOCK_H
#define SPLINTER_LOCK_H

#include <stdbool.h>

#include "key.h"
#include "names.h"

/* Lock a key, the chunk of whose home bucket is there.  0; -EAGAIN: after a bounded wait (none if not
 * patient) for a process that lives but does not go on. */
int key_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key,
             bool patient);
void key_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key);

#endif
