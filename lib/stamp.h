/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.h - stores in files: how it shows in a copy that a sync has zeroed records meanwhile */
#ifndef SPLINTER_STAMP_H
#define SPLINTER_STAMP_H

#include <stdint.h>

#include "handle.h"
#include "names.h"

/* To be called before records of this slab are zeroed that a sync up to `epoch` has released.  The
 * caller holds the sync lock. */
void stamp_slab(struct splinter_store *s, uint32_t number, uint64_t epoch);

/* The epoch with which the slab was stamped last; 0: it never was.  The file has its header. */
uint64_t stamp_of(const struct splinter_store *s, uint32_t number);

#endif
