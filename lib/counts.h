/* SPDX-License-Identifier: Apache-2.0 */
/* counts.h - mend the counts that a dead process left too high */
#ifndef SPLINTER_COUNTS_H
#define SPLINTER_COUNTS_H

#include "handle.h"
#include "names.h"

/* 0: the counts are right, or the handle is read-only; -EAGAIN: the store was never quiet, or
 * another process is mending them; -ENOMEM; or an error of attach_locks_own().  Takes mutex. */
int counts_mend(struct splinter_store *s);

/* Lowers the number of keys as far as that is certain while processes hold insert locks.  Takes no
 * lock. */
void counts_lower(struct splinter_store *s);

#endif
