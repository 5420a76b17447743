/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - slabs, size classes, blocks */
#ifndef SPLINTER_ARENA_H
#define SPLINTER_ARENA_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* A free block of the class, named at `at` of the lane.  -ENOSPC; -EBADMSG: the store is damaged. */
int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t at);

/* Is the named block still the lane's of this number?  Free it, if it is; it was zeroed before. */
bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number);
void arena_free_block(struct splinter_store *s, uint64_t id, uint32_t lane_number);

/* Units of the block at ref; 0 if there is none. */
uint32_t arena_block_units(struct splinter_store *s, uint32_t ref);
bool arena_is_used(struct splinter_store *s, uint32_t ref);

/* How many blocks of so many units a slab has. */
uint32_t arena_blocks_of(const struct splinter_store *s, uint32_t units);

/* Durable stores: the block holds a record no longer current, which a sync will release.  Done
 * twice, as after a death, it is the same. */
void arena_limbo(struct splinter_store *s, uint32_t ref);

/* Bytes of blocks in use, less those that lanes keep as spares or that wait for a sync.  Others may
 * move meanwhile. */
uint64_t arena_used_bytes(struct splinter_store *s);

/* The first unit of a slab, where its header is, and the first of its blocks. */
static inline uint64_t slab_start(const struct splinter_store *s, uint32_t number)
{
    return (uint64_t)number << s->slab_shift;
}

static inline uint64_t slab_first_block(const struct splinter_store *s, uint32_t number)
{
    return slab_start(s, number) + SLAB_HEADER_UNITS;
}

static inline struct slab *arena_slab(const struct splinter_store *s, uint32_t number)
{
    return (struct slab *)(void *)(s->arena + slab_start(s, number) * UNIT);
}

/* The caller has seen that the file reaches beyond ref; and the slab's header is before it. */
static inline uint32_t arena_generation(const struct splinter_store *s, uint32_t ref)
{
    uint32_t number = ref >> s->slab_shift;
    return number < s->geo.slabs ? load_relaxed(&arena_slab(s, number)->generation) : 0;
}

/* Size and class of the block at ref, whose record is of so many bytes; 0 if there is no such
 * block.  A block is of the class of its record: nothing has to be divided to see that. */
static inline uint32_t arena_block_of_size(struct splinter_store *s, uint32_t ref, uint64_t bytes,
                                           uint32_t *class)
{
    uint32_t number = ref >> s->slab_shift, units = (uint32_t)((bytes + UNIT - 1) / UNIT);
    if (bytes <= (uint64_t)8 * UNIT && number < s->geo.slabs &&
        (uint64_t)ref + units <= load_relaxed(&s->known_units) &&
        load_relaxed(&arena_slab(s, number)->block_units) == units) {
        *class = units - 1; /* as class_of_units() */
        return units;
    }
    units = arena_block_units(s, ref);
    *class = units ? class_of_units(units) : 0;
    /* No class has this size: no store of ours wrote it, and a record of the class above does not
     * fit.  Given up, as a block without a size is. */
    return units && class_units(*class) == units ? units : 0;
}

#endif
