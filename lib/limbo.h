/* SPDX-License-Identifier: Apache-2.0 */
/* limbo.h - durable stores: free what a sync has released */
#ifndef SPLINTER_LIMBO_H
#define SPLINTER_LIMBO_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Zero and free the records that were superseded by an epoch up to `upto`.  The caller holds the
 * sync lock, and no lane.  Returns how many bytes they had. */
uint64_t limbo_clean(struct splinter_store *s, uint64_t upto);

/* Is there a record that waits for a sync, or may there be one? */
bool limbo_any(struct splinter_store *s);

#endif
