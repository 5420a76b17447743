/* SPDX-License-Identifier: Apache-2.0 */
/* limbo.h - durable stores: free what a sync has released */
#ifndef SPLINTER_LIMBO_H
#define SPLINTER_LIMBO_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Zero and free what was superseded by epochs up to `upto`.  By the holder of the sync lock. */
void limbo_clean(struct splinter_store *s, uint64_t upto);

/* Is there anything to free? */
bool limbo_any(struct splinter_store *s);

#endif
