/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - slabs, size classes, blocks */
#ifndef SPLINTER_ARENA_H
#define SPLINTER_ARENA_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"
#include "slab.h"

/* The class of a record of this many units. */
uint32_t arena_class(const struct splinter_store *s, uint32_t units);

/* Takes a free block of the class for the lane, with at least `units` units, and writes its id into
 * spare[at].  The caller holds the lane, and spare[at] is 0.  -ENOSPC: no memory; -ENOBUFS: every
 * block that the class may have is in use; -EBUSY: a process that is stopped, or dead, owns the
 * slab of each block that is free; -EBADMSG: the store is damaged; or another error of
 * fallocate(2). */
int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t units,
                uint32_t at);

/* Does the block with this id still belong to the lane of this number?  The caller holds the lane,
 * or cleans up after its process. */
bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number);

/* Frees the block if it still belongs to that lane.  The caller, as above, has zeroed it. */
void arena_free_block(struct splinter_store *s, uint64_t id, uint32_t lane_number);

/* How many units of the block at ref may be touched; 0 if no block is there. */
uint32_t arena_block_units(struct splinter_store *s, uint32_t ref);

/* The same, and the class of the block. */
uint32_t arena_block(struct splinter_store *s, uint32_t ref, uint32_t *class);

/* Is a block at ref, and in use? */
bool arena_is_used(struct splinter_store *s, uint32_t ref);

/* Durable stores: marks the block at ref as holding a superseded record, until a sync releases it.
 * The writer that superseded the record calls this, and its cleaner may call it again. */
void arena_limbo(struct splinter_store *s, uint32_t ref);

/* How many units of the block at ref may be touched, and its class, if its record has this many
 * bytes; 0 if there is no such block.  The class of a block is that of its record, so the common
 * case needs no division. */
static inline uint32_t arena_block_of_size(struct splinter_store *s, uint32_t ref, uint64_t bytes,
                                           uint32_t *class)
{
    uint32_t number = ref >> s->slab_shift, units = (uint32_t)((bytes + UNIT - 1) / UNIT);
    if (bytes <= (uint64_t)8 * UNIT && number < s->geo.slabs &&
        (uint64_t)ref + units <= load_relaxed(&s->known_units) &&
        load_relaxed(&arena_slab(s, number)->block_units) == units) {
        *class = units - 1; /* what class_of_units() returns here */
        return units;
    }
    return arena_block(s, ref, class);
}

#endif
