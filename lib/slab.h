/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h - where slabs are, and what is known of them */
#ifndef SPLINTER_SLAB_H
#define SPLINTER_SLAB_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* A block. */
struct block {
    struct slab *slab;
    const struct size_class *class;
    uint32_t number; /* of its slab, */
    uint32_t at;     /* and its own in there */
};

/* The block that begins at ref, in use or not.  False: no block begins there. */
bool block_find(struct splinter_store *s, uint32_t ref, struct block *out);

/* The class whose blocks have this size; NULL if there is none. */
const struct size_class *slab_class(const struct splinter_store *s, uint32_t block_units);

/* May this slab have blocks of this class? */
bool slab_is_for(const struct splinter_store *s, uint32_t number, const struct size_class *class);

/* The number of the slab after this one. */
uint32_t slab_next(const struct splinter_store *s, uint32_t number);

/* Has this word of a slab an owner whose incarnation is not over? */
bool slab_is_owned(const struct splinter_store *s, uint64_t owner);

/* Makes the lane the owner of the slab.  False: another lane is, and its process may be alive. */
bool slab_adopt(struct splinter_store *s, uint32_t number, const struct lane_private *lane);
void slab_release(struct splinter_store *s, uint32_t number);

/* Is none of its blocks in use?  Is one free? */
bool slab_is_empty(const struct slab *slab);
bool slab_has_free(const struct slab *slab, const struct size_class *class);

/* The bits of word `word` of a slab that stand for blocks. */
static inline uint64_t slab_word_mask(const struct size_class *class, uint32_t word)
{
    uint32_t n = class->blocks;
    return n >= (word + 1) * 64 ? UINT64_MAX : n <= word * 64 ? 0 : (UINT64_C(1) << n % 64) - 1;
}

/* Tells writers that look for room that this block has become free.  Was it the last one in use of
 * its word? */
void slab_hint_free(struct splinter_store *s, const struct block *b, bool word_is_empty);

/* Tells them what the slab has. */
void slab_hint(struct splinter_store *s, uint32_t number);

/* The slab did not have what the hint in this word promised.  Removes the hint, and looks again. */
void slab_unhint(struct splinter_store *s, uint32_t number, uint64_t *word);

/* Reserves the groups of the slabs up to this one.  -ENOSPC, or what fallocate(2) returned. */
int groups_reserve(struct splinter_store *s, uint32_t number);

/* Reserves `more` units from unit `from` of the slab.  Errors are those of groups_reserve(). */
int slab_reserve(struct splinter_store *s, uint32_t number, uint32_t from, uint32_t more);

/* Was the slab reserved whole, before it existed? */
bool slab_reserved_ahead(const struct splinter_store *s, uint32_t number);

/* May the class have one slab more?  slab_count() counts it if so; slab_uncount() takes it back. */
bool slab_may_count(struct splinter_store *s, const struct size_class *class);
bool slab_count(struct splinter_store *s, const struct size_class *class);
void slab_uncount(struct splinter_store *s, const struct size_class *class);

/* Begins a slab of the class, *number.  One of large blocks is counted.  -EAGAIN: another slab was
 * begun; -ENOBUFS: no address is left; -ENOSPC: no memory is; -EBADMSG. */
int slab_begin(struct splinter_store *s, const struct size_class *class, uint32_t *number);

/* A rebuild has found a slab of this class at `number`.  *next is the number of the next one. */
int slab_note(struct splinter_store *s, uint32_t number, const struct size_class *class,
              uint32_t *next);

/* A rebuild has found nothing in use in the slabs from `number` on: they do not exist any more. */
void slab_forget(struct splinter_store *s, uint32_t number);

/* How many units are reserved, where large_slab.have or slab.reserved_units says so. */
static inline uint32_t reserved(const uint32_t *units)
{
    return load_relaxed(units) & ~TRIM_BEGUN;
}

/* The first unit of a slab, where its header lies. */
static inline uint64_t slab_start(const struct splinter_store *s, uint32_t number)
{
    return (uint64_t)number << s->slab_shift;
}

static inline struct slab *arena_slab(const struct splinter_store *s, uint32_t number)
{
    return (struct slab *)(void *)(s->arena + slab_start(s, number) * UNIT);
}

static inline struct group *arena_group(const struct splinter_store *s, uint32_t number)
{
    return &s->groups[number / GROUP_SLABS];
}

/* The first unit of block b of a slab. */
static inline uint64_t block_start(const struct splinter_store *s, uint32_t number,
                                   const struct size_class *class, uint32_t b)
{
    return slab_start(s, number) + class->first + (uint64_t)b * class->units;
}

/* The slab that ref lies in; geo.slabs if there is none.  A slab of large blocks takes several
 * places. */
static inline uint32_t slab_number_of(const struct splinter_store *s, uint32_t ref)
{
    uint32_t place = ref >> s->slab_shift;
    if (place >= s->geo.slabs || place >= load_acquire(&s->header->slabs_used)) /* [<slabs] */
        return s->geo.slabs;
    if (s->small == s->classes)
        return place;
    uint32_t number = load_relaxed(&arena_group(s, place)->slab[place % GROUP_SLABS]) &
                      SLAB_NUMBER_MASK;
    return number <= place ? number : s->geo.slabs;
}

/* The generation of the slab that ref lies in; 0 if there is no such slab.  The caller has seen
 * that the file reaches beyond ref, so it also has the slab's header. */
static inline uint32_t arena_generation(const struct splinter_store *s, uint32_t ref)
{
    uint32_t number = slab_number_of(s, ref);
    return number < s->geo.slabs ? load_relaxed(&arena_slab(s, number)->generation) : 0;
}

#endif
