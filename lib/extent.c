/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent.c - how much of the arena lies inside the file
 *
 * Invariant: known_units and fast_units of a handle never promise more than the file has.  They may
 * lag behind a file that another process has extended.
 */
#include <sys/stat.h>

#include "atomic.h"
#include "extent.h"
#include "handle.h"

bool file_covers_now(struct splinter_store *s, uint64_t end_units)
{
    if (end_units <= load_relaxed(&s->known_units))
        return true;
    struct stat st;
    if (end_units > s->arena_units || fstat(s->fd, &st) ||
        (uint64_t)st.st_size < s->geo.arena_off)
        return false;
    uint64_t units = ((uint64_t)st.st_size - s->geo.arena_off) / UNIT;
    if (units > s->arena_units)
        units = s->arena_units;
    store_relaxed(&s->known_units, units);
    store_relaxed(&s->fast_units, units > FAST_UNITS ? (uint32_t)(units - FAST_UNITS) : 0);
    return end_units <= units;
}
