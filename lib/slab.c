/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab.c - where slabs are, and what is known of them
 *
 * The arena is an array of places of one size.  A slab of small blocks takes one of them, and one
 * of large blocks takes several.  A place that once belongs to a slab does so for good.
 *
 * Invariants
 *  - The claim of a slab is one compare-and-swap of group.slab at its first place.  It says how
 *    many places the slab takes, so any process can complete what a dead one has claimed: the same
 *    claim is written to its other places, and then header.slabs_used is raised.
 *  - Slabs below header.slabs_used have a reserved header and reserved groups.
 *  - A hint is set after the block is free.  A writer that removes one looks again afterwards, so a
 *    hint is lost only if a process dies in between.  Then the slab is found by a writer that looks
 *    through all slabs, which it does before it gives up.
 */
#include <errno.h>

#include "atomic.h"
#include "backing.h"
#include "descriptor.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "slab.h"

#ifndef SPLINTER_FAULT
#define AHEAD_FROM 32u /* slabs that a store has before it reserves several at once: */
#define AHEAD_SHARE 8u /* one for each eight that it has, */
#else
#define AHEAD_FROM 6u /* so that small tests come to it */
#define AHEAD_SHARE 1u
#endif
#define AHEAD_UNITS ((UINT32_C(16) << 20) / UNIT) /* up to this many units */

const struct size_class *slab_class(const struct splinter_store *s, uint32_t block_units)
{
    if (!block_units)
        return NULL;
    if (block_units <= SMALL_UNITS) {
        uint32_t i = class_of_units(block_units);
        return i < s->small && s->class[i].units == block_units ? &s->class[i] : NULL;
    }
    for (uint32_t i = s->small; i < s->classes; i++)
        if (s->class[i].units == block_units)
            return &s->class[i];
    return NULL;
}

bool block_find(struct splinter_store *s, uint32_t ref, struct block *out)
{
    uint32_t number = slab_number_of(s, ref);
    if (number >= s->geo.slabs || !file_covers(s, slab_start(s, number) + SLAB_HEADER_UNITS))
        return false;
    struct slab *slab = arena_slab(s, number);
    const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
    uint32_t at = ref - (uint32_t)slab_start(s, number);
    if (!class || at < class->first || (at - class->first) % class->units ||
        (at - class->first) / class->units >= class->blocks)
        return false;
    *out = (struct block){slab, class, number, (at - class->first) / class->units};
    return true;
}

static uint32_t kind_of(const struct splinter_store *s, const struct size_class *class)
{
    uint32_t i = (uint32_t)(class - s->class);
    return i < s->small ? SLAB_KIND_SMALL : SLAB_KIND_SMALL + 1 + i - s->small;
}

static uint32_t *claim_at(const struct splinter_store *s, uint32_t number)
{
    return &arena_group(s, number)->slab[number % GROUP_SLABS];
}

bool slab_is_for(const struct splinter_store *s, uint32_t number, const struct size_class *class)
{
    return load_relaxed(claim_at(s, number)) >> SLAB_KIND_SHIFT == kind_of(s, class);
}

/* The class of a slab of large blocks with this claim; NULL: it is one of small blocks. */
static const struct size_class *run_class(const struct splinter_store *s, uint32_t claim)
{
    uint32_t large = (claim >> SLAB_KIND_SHIFT) - SLAB_KIND_SMALL - 1;
    return large < s->classes - s->small ? &s->class[s->small + large] : NULL;
}

/* How many places a slab with this claim takes. */
static uint32_t run_of(const struct splinter_store *s, uint32_t claim)
{
    const struct size_class *class = run_class(s, claim);
    return class ? class->run : 1;
}

uint32_t slab_next(const struct splinter_store *s, uint32_t number)
{
    return number + run_of(s, load_relaxed(claim_at(s, number)));
}

bool slab_is_empty(const struct slab *slab)
{
    for (uint32_t w = 0; w < SLAB_WORDS; w++)
        if (load_acquire(&slab->bits[w]))
            return false;
    return true;
}

bool slab_has_free(const struct slab *slab, const struct size_class *class)
{
    for (uint32_t w = 0; w * 64 < class->blocks; w++)
        if (~load_relaxed(&slab->bits[w]) & slab_word_mask(class, w))
            return true;
    return false;
}

static void set_hint(uint64_t *word, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << number % GROUP_SLABS;
    if (!(load_relaxed(word) & bit))
        fetch_or_acq_rel(word, bit);
}

void slab_hint(struct splinter_store *s, uint32_t number)
{
    if (!file_covers(s, slab_start(s, number) + SLAB_HEADER_UNITS))
        return;
    /* A process that frees a block clears its bit, then reads the hint; one that removes a hint
     * then reads class and bits.  One of them sees what the other has done. */
    fence_seq_cst(); /* [=hint] */
    const struct slab *slab = arena_slab(s, number);
    struct group *group = arena_group(s, number);
    const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
    uint32_t kind = load_relaxed(claim_at(s, number)) >> SLAB_KIND_SHIFT;
    if (!class && kind > SLAB_KIND_SMALL && kind - SLAB_KIND_SMALL <= s->classes - s->small)
        class = &s->class[s->small + kind - SLAB_KIND_SMALL - 1]; /* it has not been used yet */
    if (class && slab_has_free(slab, class))
        set_hint(&group->free[class - s->class], number);
    if (kind == SLAB_KIND_SMALL && slab_is_empty(slab))
        set_hint(&group->empty, number);
    fault_point("hint: given");
}

void slab_hint_free(struct splinter_store *s, const struct block *b, bool word_is_empty)
{
    struct group *group = arena_group(s, b->number);
    fence_seq_cst_after_rmw(); /* [=hint] */
    set_hint(&group->free[b->class - s->class], b->number);
    if (word_is_empty && !class_is_large(b->class) && slab_is_empty(b->slab))
        set_hint(&group->empty, b->number);
    fault_point("hint: block is free");
}

void slab_unhint(struct splinter_store *s, uint32_t number, uint64_t *word)
{
    fetch_and_acq_rel(word, ~(UINT64_C(1) << number % GROUP_SLABS)); /* [=hint] */
    fault_point("hint: removed");
    slab_hint(s, number);
}

int groups_reserve(struct splinter_store *s, uint32_t number)
{
    uint32_t page = PAGE / sizeof(struct group) * GROUP_SLABS; /* slabs whose groups share one */
    uint32_t used = load_relaxed(&s->header->slabs_used), last = number / page;
    /* What exists has its groups, and that is all that share a page with them. */
    if (used && (used - 1) / page == last)
        return 0;
    uint64_t first = used && (used - 1) / page < last ? (used - 1) / page : 0;
    return backing_reserve(descriptor_file(s), s->geo.groups_off + first * PAGE,
                           (last + 1 - first) * PAGE);
}

/* ---- how many, and one more ---- */

#define ONE_CHANGE (UINT64_C(1) << 32)

bool slab_count(struct splinter_store *s, const struct size_class *class)
{
    uint64_t *count = &s->header->class_slabs[class - s->class];
    bool fits = (uint32_t)fetch_add_seq_cst(count, ONE_CHANGE + 1) < class->most_slabs;
    fault_point("class: counted");
    if (!fits)
        fetch_add_seq_cst(count, ONE_CHANGE - 1);
    fault_point("class: too many, taken back");
    return fits;
}

void slab_uncount(struct splinter_store *s, const struct size_class *class)
{
    fetch_add_seq_cst(&s->header->class_slabs[class - s->class], ONE_CHANGE - 1);
}

bool slab_is_owned(const struct splinter_store *s, uint64_t owner)
{
    uint32_t entry = lane_entry(slab_owner_lane(owner));
    if (!owner || entry >= MAX_ENTRIES)
        return false;
    uint64_t incarnation = load_acquire(&s->registry[entry].incarnation); /* [<over] */
    return incarnation == slab_owner_incarnation(owner);
}

bool slab_adopt(struct splinter_store *s, uint32_t number, const struct lane_private *lane)
{
    uint64_t *owner = &arena_slab(s, number)->owner, before = load_acquire(owner);
    /* Acquire: this lane sees the header as the last owner left it. [<owner] */
    return !slab_is_owned(s, before) &&
           cas_seq_cst(owner, &before, slab_owner(s->incarnation, lane->number));
}

void slab_release(struct splinter_store *s, uint32_t number)
{
    store_release(&arena_slab(s, number)->owner, 0); /* [>owner] */
}

/* Has the slab this class, or may it be on its way to it or from it?  A lane counts while it owns
 * the slab.  A large slab is counted before it is begun: if that falls into this moment, the class
 * may have one slab more than most_slabs, and the arena has a few places for that. */
static bool counts_for(const struct splinter_store *s, uint32_t number,
                       const struct size_class *class)
{
    const struct slab *slab = arena_slab(s, number);
    if (class_is_large(class))
        return slab_is_for(s, number, class);
    /* The owner is looked at before and after.  If it was none before, a lane that gives the slab
     * this class counts it later, so that the count changes; if it is none after, a lane that takes
     * the class away has already uncounted it. */
    return slab_is_owned(s, load_acquire(&slab->owner)) ||
           load_acquire(&slab->block_units) == class->units ||
           slab_is_owned(s, load_acquire(&slab->owner));
}

/* If it seems not, count again: processes that died may have left the count too high. */
bool slab_may_count(struct splinter_store *s, const struct size_class *class)
{
    uint64_t *count = &s->header->class_slabs[class - s->class], before = load_seq_cst(count);
    uint32_t counted = (uint32_t)before, slabs = 0;
    if (counted < class->most_slabs)
        return true;
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n = slab_next(s, n))
        slabs += file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS) && counts_for(s, n, class);
    if (slabs < counted)
        cas_seq_cst(count, &before, before - (counted - slabs));
    fault_point("class: counted again");
    return slabs < class->most_slabs;
}

int slab_reserve(struct splinter_store *s, uint32_t number, uint32_t from, uint32_t more)
{
    uint64_t start = slab_start(s, number) + from;
    return backing_reserve(descriptor_file(s), s->geo.arena_off + start * UNIT,
                           (uint64_t)more * UNIT);
}

bool slab_reserved_ahead(const struct splinter_store *s, uint32_t number)
{
    uint64_t ahead = load_acquire(&s->header->ahead);
    return number >= ahead >> 32 && number < (uint32_t)ahead;
}

/* Reserve the header of the slab that is to begin at `number`, or, if the store is large, that slab
 * and some of those that follow. */
static int reserve_place(struct splinter_store *s, const struct size_class *class, uint32_t number)
{
    int r = groups_reserve(s, number + class->run - 1);
    if (r || slab_reserved_ahead(s, number))
        return r;
    uint64_t ahead = load_relaxed(&s->header->ahead);
    uint32_t count = number / AHEAD_SHARE, most = AHEAD_UNITS / s->geo.slab_units;
    count = count > most ? most : count;
    if (class->run == 1 && number >= AHEAD_FROM && count > 1 && count <= s->geo.slabs - number &&
        !slab_reserve(s, number, 0, count * s->geo.slab_units)) {
        fault_point("slab: several reserved");
        cas_seq_cst(&s->header->ahead, &ahead, (uint64_t)number << 32 | (number + count));
        return 0;
    }
    return backing_reserve(descriptor_file(s), s->geo.arena_off + slab_start(s, number) * UNIT,
                           PAGE);
}

/* The same, and in a durable store also the header behind it, which a sync stamps. */
static int reserve_next(struct splinter_store *s, const struct size_class *class, uint32_t number)
{
    int r = reserve_place(s, class, number);
    uint32_t next = number + class->run;
    if (r || !s->durable || next >= s->geo.slabs || slab_reserved_ahead(s, next))
        return r;
    return slab_reserve(s, next, 0, PAGE / UNIT);
}

/* Complete a claim: afterwards the slab exists.  -EBADMSG: no process claims that. */
static int complete(struct splinter_store *s, uint32_t number, uint32_t claim)
{
    uint32_t run = run_of(s, claim);
    if ((claim & SLAB_NUMBER_MASK) != number || run > s->geo.slabs - number)
        return -EBADMSG;
    for (uint32_t i = 1; i < run; i++)
        store_relaxed(claim_at(s, number + i), claim);
    /* A slab of large blocks keeps its class.  Its header says so before the next slab exists: a
     * sync that writes a record of that one has then also written this header, and a rebuild does
     * not take what is in this slab for headers. */
    const struct size_class *class = run_class(s, claim);
    if (class) {
        if (!file_covers(s, slab_start(s, number) + SLAB_HEADER_UNITS))
            return -EBADMSG; /* header.ahead said that it is reserved */
        store_relaxed(&arena_slab(s, number)->reserved_units, PAGE / UNIT);
        store_relaxed(&arena_slab(s, number)->block_units, class->units);
    }
    fault_point("slab: described");
    /* Release: whoever finds a block in the slab finds the claims. [>slabs] */
    cas_seq_cst(&s->header->slabs_used, &number, number + run);
    fault_point("slab: counted");
    return 0;
}

int slab_note(struct splinter_store *s, uint32_t number, const struct size_class *class,
              uint32_t *next)
{
    uint32_t claim = kind_of(s, class) << SLAB_KIND_SHIFT | number;
    store_relaxed(claim_at(s, number), claim);
    store_relaxed(&s->header->slabs_used, number);
    *next = number + class->run;
    return complete(s, number, claim);
}

void slab_forget(struct splinter_store *s, uint32_t number)
{
    uint32_t used = load_relaxed(&s->header->slabs_used), next;
    for (uint32_t n = number; n < used && n < s->geo.slabs; n = next) {
        next = slab_next(s, n);
        if (!file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS))
            break;
        struct slab *slab = arena_slab(s, n);
        const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
        if (class)
            slab_uncount(s, class);
        if (class && class_is_large(class)) /* a small block may be there next */
            payload_zero(((struct large_slab *)slab)->have, sizeof(uint32_t) * LARGE_BLOCKS);
        store_relaxed(&slab->block_units, 0);
        store_relaxed(&slab->generation, 0);
        store_relaxed(&slab->reserved_units, 0);
        for (uint32_t i = n; i < next && i < s->geo.slabs; i++)
            store_relaxed(claim_at(s, i), 0);
    }
    store_relaxed(&s->header->slabs_used, number);
}

/* Several processes may do every step at once, and a process may complete what a dead one began. */
int slab_begin(struct splinter_store *s, const struct size_class *class, uint32_t *number)
{
    uint32_t used = load_acquire(&s->header->slabs_used), there = 0;
    bool large = class_is_large(class);
    if (used > s->geo.slabs)
        return -EBADMSG;
    if (class->run > s->geo.slabs - used)
        return -ENOBUFS;
    int r = reserve_next(s, class, used);
    if (r)
        return r;
    fault_point("slab: header reserved");
    if (large && !slab_count(s, class))
        return -EAGAIN;
    uint32_t claim = kind_of(s, class) << SLAB_KIND_SHIFT | used;
    bool mine = cas_seq_cst(claim_at(s, used), &there, claim);
    fault_point("slab: claimed");
    r = complete(s, used, mine ? claim : there);
    *number = used;
    if (!r && !mine)
        r = -EAGAIN;
    if (r && large)
        slab_uncount(s, class);
    return r;
}
