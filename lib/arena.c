/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - how a lane gets a block, and gives it back
 *
 * A slab has blocks of one size class at a time.  A slab of small blocks that is empty may change
 * its class.  Slab headers stand at fixed places, so a process that looks at a slab whose class has
 * just changed still looks at a slab header.
 *
 * Invariants
 *  - Only the owner of a slab, which is a lane, sets bits in it and changes its class, generation
 *    and what is reserved of it.  A lane owns a slab only while it takes a block of it.  A lane may
 *    adopt a slab that has no owner, or whose owner's incarnation is over.
 *  - The lane that has a block clears the block's bit, no matter which lane owns the slab.  Nobody
 *    else does.
 *  - A lane writes its number into record.lane of a block, and the block's id into one of its
 *    spares, before it sets the block's bit.  So the cleaner of a dead lane knows that a block
 *    whose id it finds was the lane's if the bit is set and record.lane has the lane's number.  The
 *    number 0 belongs to no lane; it stands there for a moment whenever a record is zeroed.
 *  - A block in use lies within reserved_units of its slab, and the record in a large block within
 *    `have` of the block: touching it cannot fail.
 *  - A block in limbo belongs to no lane (limbo.c).
 *
 * Room for all: a class has at most most_slabs slabs, and that many have a block for each key that
 * the store may hold and for each that a lane may have.  So if a class has all its slabs, and
 * neither a key nor a lane has more than its blocks, one of the slabs has a free block.  And the
 * arena has the sum of the places that all classes may take.
 */
#include <errno.h>
#include <sched.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "clock.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "slab.h"

#define ROUNDS 1000u /* of a search, while a slab with a free block has an owner, */
#define ROUNDS_NS UINT64_C(15000000) /* but no longer: a round looks at every slab */
#define MORE_UNITS 8u  /* of a block of which a lane takes more than one at once, */
#define MORE_BLOCKS 2u /* namely so many more; lane_settle() lets it keep them */
#define WHOLE_FROM 8u /* slabs that a store has before it reserves them whole */

uint32_t arena_block(struct splinter_store *s, uint32_t ref, uint32_t *class)
{
    struct block b;
    if (!block_find(s, ref, &b))
        return 0;
    uint32_t units = b.class->units;
    *class = (uint32_t)(b.class - s->class);
    if (*class >= s->small) {
        uint32_t have = reserved(&((struct large_slab *)b.slab)->have[b.at]);
        units = have < units ? have : units;
    }
    return file_covers(s, (uint64_t)ref + units) ? units : 0;
}

uint32_t arena_block_units(struct splinter_store *s, uint32_t ref)
{
    return arena_block(s, ref, &(uint32_t){0});
}

/*
 * Is it the lane's block, and in *block where it is?  A process that dies after it has cleared the
 * bit of a block, and before it has forgotten the id, leaves an id behind.  By now another lane may
 * have the block, or the slab may have blocks of another size.  So this looks, in this order, at
 *  - the bit; a lane that sets it has written its number into record.lane before;
 *  - record.lane;
 *  - the generation; if it is unchanged, record.lane was read from where a record has it.
 * If all three are right, the block belongs to the lane and keeps belonging to it: only the lane or
 * its cleaner would free the block, and a slab with a block in use keeps its class.
 */
static bool is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number, struct block *b)
{
    uint32_t ref = block_id_ref(id);
    if (!id || !block_find(s, ref, b) || !file_covers(s, (uint64_t)ref + 1))
        return false;
    const struct record *rec = record_at_ref(s, ref);
    /* Acquire: pairs with take_block(), which sets the bit after record.lane. [<block-lane] */
    if (!(load_acquire(&b->slab->bits[b->at / 64]) >> b->at % 64 & 1) ||
        load_relaxed(&rec->lane) != lane_number)
        return false;
    /* Pairs with the release fence in change_class(), which follows the new generation. [<class] */
    fence_acquire();
    return load_relaxed(&b->slab->generation) == (uint32_t)id;
}

bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    struct block b;
    return is_lanes(s, id, lane_number, &b);
}

void arena_free_block(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    struct block b;
    if (!is_lanes(s, id, lane_number, &b)) {
        /* Another cleaner may have freed it, and died before it gave the hint. */
        if (id && block_find(s, block_id_ref(id), &b))
            slab_hint(s, b.number);
        return;
    }
    uint64_t bit = UINT64_C(1) << b.at % 64;
    if (load_relaxed(&b.slab->limbo[b.at / 64]) & bit)
        fetch_and_release(&b.slab->limbo[b.at / 64], ~bit);
    fault_point("free: not in limbo");
    /* Release: the zeroing of this lane comes before the stores of the lane that gets the block.
     * Pairs with the acquire load of the bit in take_block(). */
    fault_point("free: decided");
    uint64_t before = fetch_and_release(&b.slab->bits[b.at / 64], ~bit); /* [>free] */
    fault_point("free: bit cleared");
    slab_hint_free(s, &b, before == bit);
}

bool arena_is_used(struct splinter_store *s, uint32_t ref)
{
    struct block b;
    return block_find(s, ref, &b) && load_acquire(&b.slab->bits[b.at / 64]) >> b.at % 64 & 1;
}

/* ---- records that are kept until a sync has ended (durable stores) ---- */

void arena_limbo(struct splinter_store *s, uint32_t ref)
{
    struct block b;
    if (!block_find(s, ref, &b))
        return;
    fetch_or_acq_rel(&b.slab->limbo[b.at / 64], UINT64_C(1) << b.at % 64);
    fault_point("limbo: block marked");
    /* After the block's bit: the holder of the sync lock clears the bit in the group, then reads
     * the slab's. [>limbo] */
    fetch_or_acq_rel(&arena_group(s, b.number)->limbo, UINT64_C(1) << b.number % GROUP_SLABS);
}

/* ---- getting a block ---- */

/* What a lane looks for. */
struct request {
    struct lane_private *lane;
    const struct size_class *class;
    uint32_t units; /* of the record; a large block needs as many */
    uint32_t at;    /* the spare that gets the block */
    bool no_memory; /* the system gives no more: only what is reserved will do */
};

uint32_t arena_class(const struct splinter_store *s, uint32_t units)
{
    if (units <= SMALL_UNITS)
        return class_of_units(units);
    uint32_t i = s->small;
    while (i + 1 < s->classes && s->class[i].units < units)
        i++;
    return i;
}

/* The lane is about to fill what it has just reserved, so the pages may as well be mapped in one
 * go. In a file that would only make more pages to write. */
static void populate(struct splinter_store *s, uint32_t number, uint32_t from, uint32_t units)
{
    if (!s->durable)
        backing_populate(s->arena + (slab_start(s, number) + from) * UNIT, (size_t)units * UNIT);
}

/* Reserve at least the first `need` units of a slab of small blocks; more if there is room, because
 * a system call for each block would be slow. */
static int reserve_small(struct splinter_store *s, const struct request *q, uint32_t number,
                         uint32_t need)
{
    struct slab *slab = arena_slab(s, number);
    uint32_t have = reserved(&slab->reserved_units);
    if (need <= have)
        return 0;
    if (q->no_memory)
        return -ENOSPC;
    uint32_t more = have < 1024 ? have : 1024; /* double up to 64 KiB */
    uint32_t wish = need > have + more ? need : have + more;
    wish = (wish + PAGE / UNIT - 1) / (PAGE / UNIT) * (PAGE / UNIT);
    if (wish > s->geo.slab_units || load_relaxed(&s->header->slabs_used) > WHOLE_FROM)
        wish = s->geo.slab_units;
    int r = slab_reserve(s, number, have, wish - have);
    if (r)
        r = slab_reserve(s, number, have, (wish = need) - have);
    fault_point("reserve: asked");
    if (!r) {
        populate(s, number, have, wish - have);
        store_release(&slab->reserved_units,
                      wish | (load_relaxed(&slab->reserved_units) & TRIM_BEGUN));
    }
    fault_point("reserve: noted");
    return r;
}

/* Reserve as much of a large block as the record needs. */
static int reserve_large(struct splinter_store *s, const struct request *q, uint32_t number,
                         uint32_t block)
{
    struct large_slab *slab = (struct large_slab *)arena_slab(s, number);
    uint32_t page = PAGE / UNIT, have = reserved(&slab->have[block]);
    uint32_t need = (q->units + page - 1) / page * page;
    if (need > q->class->units)
        need = q->class->units;
    if (need <= have)
        return 0;
    if (q->no_memory)
        return -ENOSPC;
    int r = slab_reserve(s, number, q->class->first + block * q->class->units + have, need - have);
    fault_point("reserve: large block asked");
    if (!r) {
        populate(s, number, q->class->first + block * q->class->units + have, need - have);
        store_release(&slab->have[block], need | (load_relaxed(&slab->have[block]) & TRIM_BEGUN));
    }
    fault_point("reserve: large block noted");
    return r;
}

/* The free large block whose memory fits best, or the one that the lane gave up last if it fits;
 * UINT32_MAX: none is free. */
static uint32_t free_large_block(struct splinter_store *s, const struct request *q, uint32_t number)
{
    const struct slab *slab = arena_slab(s, number);
    uint64_t free = ~load_acquire(&slab->bits[0]) & slab_word_mask(q->class, 0); /* [<free] */
    uint32_t best = UINT32_MAX, best_have = 0;
    for (; free; free &= free - 1) {
        uint32_t b = (uint32_t)__builtin_ctzll(free);
        uint32_t have = reserved(&((const struct large_slab *)slab)->have[b]);
        bool fits = have >= q->units;
        if (fits && have / 2 <= q->units &&
            block_start(s, number, q->class, b) == q->lane->freed)
            return b;
        if (best == UINT32_MAX ||
            (best_have < q->units ? have > best_have : fits && have < best_have)) {
            best = b;
            best_have = have;
        }
    }
    return best;
}

/* The first free block of the slab; UINT32_MAX: none is free. */
static uint32_t free_block(struct splinter_store *s, const struct request *q, uint32_t number)
{
    const struct slab *slab = arena_slab(s, number);
    if (class_is_large(q->class))
        return free_large_block(s, q, number);
    for (uint32_t w = 0; w * 64 < q->class->blocks; w++) {
        uint64_t free = ~load_acquire(&slab->bits[w]) & slab_word_mask(q->class, w); /* [<free] */
        if (free)
            return w * 64 + (uint32_t)__builtin_ctzll(free);
    }
    return UINT32_MAX;
}

/* Write the lane's number into a free block of a slab that the lane owns, and the block's id into a
 * spare.  The block is the lane's once its bit is set. */
static void name_block(struct splinter_store *s, const struct request *q, uint32_t number,
                       uint32_t block, uint32_t at)
{
    uint32_t ref = (uint32_t)block_start(s, number, q->class, block);
    struct record *rec = record_at_ref(s, ref);
    /* The header of a slab that a rebuild has forgotten may have been here. */
    store_relaxed(&rec->superseded, 0);
    store_relaxed(&rec->marks, 0);
    store_relaxed(&rec->lane, (uint16_t)q->lane->number);
    crash_order();
    fault_point("block: lane noted");
    store_relaxed(&q->lane->shared->spare[at],
                  block_id(ref, load_relaxed(&arena_slab(s, number)->generation)));
    q->lane->spare_ref[at] = ref;
    crash_order();
    fault_point("block: named");
}

/* While the lane has the slab, name a few of the blocks that follow in the same word as well, as
 * far as they are reserved and the lane may keep them.  Returns their bits. */
static uint64_t name_more(struct splinter_store *s, const struct request *q, uint32_t number,
                          uint32_t block)
{
    const struct slab *slab = arena_slab(s, number);
    uint64_t taken = load_acquire(&slab->bits[block / 64]); /* [<free] */
    uint64_t more = 0;
    uint32_t have = reserved(&slab->reserved_units), count = 0;
    for (uint32_t at = 0; at < LANE_SPARES && count < MORE_BLOCKS; at++) {
        uint64_t own = UINT64_C(1) << block % 64;
        uint64_t free = ~(taken | own) & slab_word_mask(q->class, block / 64);
        if (q->lane->spare_class[at] || at == q->at)
            continue;
        uint32_t next = free ? block / 64 * 64 + (uint32_t)__builtin_ctzll(free) : 0;
        uint32_t end = q->class->first + (next + 1) * q->class->units;
        if (!free || end > have || !file_covers(s, slab_start(s, number) + end))
            break;
        name_block(s, q, number, next, at);
        q->lane->spare_class[at] = (uint32_t)(q->class - s->class) + 1;
        taken |= free & -free;
        more |= free & -free;
        count++;
    }
    return more;
}

/* Take a free block of a slab that the lane owns, and write its id into spare[at].  -ENOBUFS: none
 * is free; -ENOSPC: no room to reserve; -EBADMSG: the slab is damaged. */
static int take_block(struct splinter_store *s, const struct request *q, uint32_t number)
{
    struct slab *slab = arena_slab(s, number);
    uint32_t block = free_block(s, q, number);
    if (block == UINT32_MAX)
        return -ENOBUFS;
    uint32_t end = q->class->first + (block + 1) * q->class->units;
    int r = class_is_large(q->class) ? reserve_large(s, q, number, block)
                                           : reserve_small(s, q, number, end);
    if (r)
        return r;
    /* A small block may stay with the lane, for a record that is longer than this one. */
    uint32_t units = class_is_large(q->class) ? q->units : q->class->units;
    if (!file_covers(s, block_start(s, number, q->class, block) + units))
        return -EBADMSG;
    name_block(s, q, number, block, q->at);
    uint64_t bits = UINT64_C(1) << block % 64;
    if (q->class->units <= MORE_UNITS)
        bits |= name_more(s, q, number, block);
    fetch_or_acq_rel(&slab->bits[block / 64], bits); /* [>block-lane] */
    fault_point("block: taken");
    return 0;
}

/* Give an empty slab that the lane owns blocks of another size.  A free block is zero but for
 * record.lane; with that zeroed, the new blocks begin as zeroes. */
static void change_class(struct splinter_store *s, struct slab *slab,
                         const struct size_class *becomes)
{
    const struct size_class *was = slab_class(s, load_relaxed(&slab->block_units));
    store_relaxed(&slab->generation, load_relaxed(&slab->generation) + 1);
    /* A cleaner that reads as record.lane something written after this fence will see the new
     * generation.  Pairs with is_lanes(). [>class] */
    fence_release();
    fault_point("class: generation stepped");
    if (was) {
        uint32_t have = reserved(&slab->reserved_units);
        uint64_t start = (uint64_t)((uint8_t *)slab - s->arena) / UNIT;
        for (uint32_t i = 0; i < was->blocks; i++) {
            /* The header may claim a larger reserve than the file has. */
            uint32_t end = was->first + (i + 1) * was->units;
            if (end > have || !file_covers(s, start + end))
                break;
            payload_zero(record_at_ref(s, start + end - was->units), sizeof(struct record));
        }
    }
    fault_point("class: old headers zeroed");
    store_release(&slab->block_units, becomes->units);
    fault_point("class: changed");
    if (was)
        slab_uncount(s, was);
    fault_point("class: old one counted");
}

/* Make the lane the owner of this slab for as long as it takes a block, if the slab may be adopted
 * and has, or can have, blocks of this class.  -EBUSY: another lane owns it; or as take_block(). */
static int take_from(struct splinter_store *s, const struct request *q, uint32_t number)
{
    if (!file_covers(s, slab_start(s, number) + q->class->first))
        return -ENOBUFS;
    struct slab *slab = arena_slab(s, number);
    uint32_t units = q->class->units, has = load_acquire(&slab->block_units);
    if (has == units ? !slab_has_free(slab, q->class)
                     : !slab_is_for(s, number, q->class) || (has && !slab_is_empty(slab)))
        return -ENOBUFS;
    if (!slab_adopt(s, number, q->lane))
        return -EBUSY;
    fault_point("adopt: owned");
    int r = -ENOBUFS;
    bool changed = false;
    has = load_relaxed(&slab->block_units);
    if (has != units && !class_is_large(q->class) && slab_is_for(s, number, q->class) &&
        (!has || slab_is_empty(slab)) && slab_count(s, q->class)) {
        if (load_relaxed(&slab->reserved_units) < SLAB_HEADER_UNITS) {
            bool whole = slab_reserved_ahead(s, number);
            if (whole)
                populate(s, number, 0, s->geo.slab_units);
            store_relaxed(&slab->reserved_units, whole ? s->geo.slab_units : PAGE / UNIT);
        }
        fault_point("adopt: header's page noted");
        change_class(s, slab, q->class);
        has = units;
        changed = true;
    }
    if (has == units)
        r = take_block(s, q, number);
    slab_release(s, number);
    fault_point("adopt: given back");
    if (changed) /* others look here, too, before they begin a slab */
        slab_hint(s, number);
    if (!r)
        q->lane->slab[q->class - s->class] = number + 1;
    return r;
}

/* Of an error and the one that the search met before, which tells more? */
static int worse(int a, int b)
{
    return a == -EBUSY || b == -ENOBUFS ? a : b;
}

/* Take a block of a slab for which this word of each group has a hint. */
static int take_hinted(struct splinter_store *s, struct request *q, size_t word)
{
    uint32_t used = load_acquire(&s->header->slabs_used); /* [<slabs] */
    used = used < s->geo.slabs ? used : s->geo.slabs;
    uint32_t groups = (used + GROUP_SLABS - 1) / GROUP_SLABS;
    uint32_t first = q->lane->cursor / GROUP_SLABS, turn = q->lane->cursor % GROUP_SLABS;
    int result = -ENOBUFS;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t g = (first + i) % groups;
        uint64_t *hints = (uint64_t *)(void *)((uint8_t *)&s->groups[g] + word);
        uint64_t bits = load_relaxed(hints);
        bits = bits >> turn | (turn ? bits << (64 - turn) : 0); /* other lanes begin elsewhere */
        for (; bits; bits &= bits - 1) {
            uint32_t number = g * GROUP_SLABS +
                              ((uint32_t)__builtin_ctzll(bits) + turn) % GROUP_SLABS;
            int r = number < used ? take_from(s, q, number) : -ENOBUFS;
            if (r == -ENOBUFS && number < used)
                slab_unhint(s, number, hints);
            if (!r)
                q->lane->cursor = number;
            q->no_memory |= r == -ENOSPC; /* not asked for again in each slab */
            if (!r || r == -EBADMSG)
                return r;
            result = worse(r, result);
        }
    }
    return result;
}

/* Take a block of any slab.  `result`: why the search has found none before. */
static int take_any(struct splinter_store *s, const struct request *q, int result)
{
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n = slab_next(s, n)) {
        int r = take_from(s, q, n);
        if (!r)
            slab_hint(s, n); /* a hint was lost in a death, or none was needed yet */
        if (!r || r == -EBADMSG)
            return r;
        result = worse(r, result);
    }
    return result;
}

/* One round of the search for a block: what is hinted at, then an empty slab, then a new one, and
 * in the end any.  *busy: a slab was left out because it has an owner. */
static int search(struct splinter_store *s, struct request *q, bool *busy)
{
    size_t hint = offsetof(struct group, free) + (size_t)(q->class - s->class) * sizeof(uint64_t);
    int r = take_hinted(s, q, hint);
    *busy = r == -EBUSY;
    if (!r || r == -EBADMSG)
        return r;
    if (slab_may_count(s, q->class)) {
        r = !class_is_large(q->class)
                ? take_hinted(s, q, offsetof(struct group, empty)) : -ENOBUFS;
        uint32_t number;
        if (r && r != -EBADMSG && !q->no_memory && !(r = slab_begin(s, q->class, &number))) {
            r = take_from(s, q, number);
            slab_hint(s, number); /* others look here, too, before they begin a slab */
            if (r == -ENOBUFS)
                r = -EAGAIN; /* others were faster */
        }
        if (!r || r == -EBADMSG || r == -EAGAIN)
            return r;
        if (r == -ENOSPC)
            q->no_memory = true;
        *busy |= r == -EBUSY;
    }
    r = take_any(s, q, r);
    *busy |= r == -EBUSY;
    return r;
}

int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t units,
                uint32_t at)
{
    struct request q = {.lane = lane, .class = &s->class[class], .units = units, .at = at};
    if (lane->slab[class] && !take_from(s, &q, lane->slab[class] - 1))
        return 0;
    for (uint64_t round = 0, from = 0, now = 0; round < ROUNDS && now - from < ROUNDS_NS; round++) {
        bool busy;
        int r = search(s, &q, &busy);
        if (!r || r == -EBADMSG)
            return r;
        if (r != -EAGAIN && !busy)
            return q.no_memory ? -ENOSPC : r;
        if (busy && round > 10)
            sched_yield();
        now = now_monotonic();
        from = from ? from : now;
    }
    return -EBUSY;
}
