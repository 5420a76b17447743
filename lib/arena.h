/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - slabs, size classes, blocks */
#ifndef SPLINTER_ARENA_H
#define SPLINTER_ARENA_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* Takes a free block of the class for the lane and writes its id into spare[at].  The caller holds
 * the lane, and spare[at] is 0.  -ENOSPC; -EBADMSG: the store is damaged; or another error of
 * fallocate(2). */
int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t at);

/* Does the block with this id still belong to the lane of this number?  The caller holds the lane,
 * or cleans up after its process. */
bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number);

/* Frees the block if it still belongs to that lane.  The caller, as above, has zeroed it. */
void arena_free_block(struct splinter_store *s, uint64_t id, uint32_t lane_number);

/* Size of the block at ref in units; 0 if no block is there. */
uint32_t arena_block_units(struct splinter_store *s, uint32_t ref);

/* Is a block at ref, and in use? */
bool arena_is_used(struct splinter_store *s, uint32_t ref);

/* How many blocks of this size a slab has. */
uint32_t arena_blocks_of(const struct splinter_store *s, uint32_t units);

/* Durable stores: marks the block at ref as holding a superseded record, until a sync releases it.
 * The writer that superseded the record calls this, and its cleaner may call it again. */
void arena_limbo(struct splinter_store *s, uint32_t ref);

/* Bytes of the blocks that hold current records.  Not counted are the spares of lanes and the
 * blocks that wait for a sync.  Only an estimate while writers work. */
uint64_t arena_used_bytes(struct splinter_store *s);

/* The first unit of a slab, where its header lies. */
static inline uint64_t slab_start(const struct splinter_store *s, uint32_t number)
{
    return (uint64_t)number << s->slab_shift;
}

/* The first unit of the first block of a slab. */
static inline uint64_t slab_first_block(const struct splinter_store *s, uint32_t number)
{
    return slab_start(s, number) + SLAB_HEADER_UNITS;
}

static inline struct slab *arena_slab(const struct splinter_store *s, uint32_t number)
{
    return (struct slab *)(void *)(s->arena + slab_start(s, number) * UNIT);
}

/* The generation of the slab that ref lies in; 0 if there is no such slab.  The caller has seen
 * that the file reaches beyond ref, so it also has the slab's header. */
static inline uint32_t arena_generation(const struct splinter_store *s, uint32_t ref)
{
    uint32_t number = ref >> s->slab_shift;
    return number < s->geo.slabs ? load_relaxed(&arena_slab(s, number)->generation) : 0;
}

/* Size (in units) and class of the block at ref, whose record has this many bytes; 0 if there is no
 * such block.  The class of a block is that of its record, so the common case needs no division. */
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
    units = arena_block_units(s, ref);
    *class = units ? class_of_units(units) : 0;
    /* If no class has this size, something else than this library wrote it, and a record of the
     * next class would not fit.  Such a block is given up, like one without a size. */
    return units && class_units(*class) == units ? units : 0;
}

#endif
