/* SPDX-License-Identifier: Apache-2.0 */
/* extent.h - how much of the arena lies inside the file */
#ifndef SPLINTER_EXTENT_H
#define SPLINTER_EXTENT_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* Does the file reach `end_units` units into the arena?  A file only grows, so a yes stays true. */
bool file_covers_now(struct splinter_store *s, uint64_t end_units);

/* The same, without a system call if the handle already knows. */
static inline bool file_covers(struct splinter_store *s, uint64_t end_units)
{
    return end_units <= load_relaxed(&s->known_units) || file_covers_now(s, end_units);
}

#endif
