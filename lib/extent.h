/* SPDX-License-Identifier: Apache-2.0 */
/* extent.h - how far the file of a store reaches */
#ifndef SPLINTER_EXTENT_H
#define SPLINTER_EXTENT_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* Does the file reach that far into the arena?  It only grows, so what was seen stays true. */
bool file_covers_now(struct splinter_store *s, uint64_t end_units);

/* The same, without the call if the answer is at hand. */
static inline bool file_covers(struct splinter_store *s, uint64_t end_units)
{
    return end_units <= load_relaxed(&s->known_units) || file_covers_now(s, end_units);
}

#endif
