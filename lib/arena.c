/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - slabs, size classes, blocks
 *
 * The arena is an array of slabs of one size.  A slab has blocks of one size class at a time; an
 * empty slab may change its class.  Slab headers stand at fixed places, so that somebody
 * who looks at a slab whose class has changed meanwhile still looks at a slab header.
 *
 * Invariants
 *  - Only the owner of a slab sets bits in it, and changes its class, generation and reserve.  A
 *    slab is free to be adopted if it has no owner, or its owner's incarnation is over.
 *  - Whoever has a block clears its bit, whoever owns the slab; nobody else does.
 *  - A lane tags a block and names it before it sets its bit; so (bit set, tag is the
 *    lane's) tells the cleaner of a dead lane that a named block was its own.  Tag 0 is
 *    nobody's: it is there for a moment whenever a record is zeroed.
 *  - A block lies within reserved_units of its slab: touching it cannot fail.
 *  - Slabs below header.slabs_used have a reserved header.
 *  - A block in limbo has its bit set, and its slab's in the limbo map; it is nobody's, and only
 *    the holder of the sync lock may free it.
 */
#include <errno.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"

#define PROBES 16u /* slabs looked at for free blocks before a new one is taken into use */

/* The slab of a reference, and the number of its block; NULL if there is no such block. */
static struct slab *slab_of(struct splinter_store *s, uint32_t ref, uint32_t *block)
{
    uint32_t number = ref >> s->slab_shift;
    if (number >= s->geo.slabs || number >= load_acquire(&s->header->slabs_used) ||
        !file_covers(s, slab_first_block(s, number)))
        return NULL;
    struct slab *slab = arena_slab(s, number);
    uint32_t units = load_relaxed(&slab->block_units);
    uint32_t at = ref & (s->geo.slab_units - 1);
    if (!units || at < SLAB_HEADER_UNITS || (at - SLAB_HEADER_UNITS) % units)
        return NULL;
    *block = (at - SLAB_HEADER_UNITS) / units;
    return *block < SLAB_BLOCKS ? slab : NULL;
}

/* Size of the block at ref; 0 if there is none. */
uint32_t arena_block_units(struct splinter_store *s, uint32_t ref)
{
    uint32_t block;
    struct slab *slab = slab_of(s, ref, &block);
    if (!slab)
        return 0;
    uint32_t units = load_relaxed(&slab->block_units), at = ref & (s->geo.slab_units - 1);
    return units && units <= s->geo.slab_units - at && file_covers(s, (uint64_t)ref + units) ? units
                                                                                           : 0;
}

/*
 * The slab and number of a named block; NULL if it is not the lane's any more: who dies between
 * clearing the bit and dropping the name leaves a name behind, and meanwhile the block may be
 * somebody else's, or the slab cut into blocks of another size.  So the order matters:
 *  - first the bit; if somebody else set it, he tagged the block before;
 *  - then the tag;
 *  - last the generation: the same still means that the tag was read from where a tag is.
 * All three right, the block is the lane's, and stays so: nobody but the lane, or its cleaner,
 * would free it, and a slab with a block in use keeps its class.
 */
static struct slab *slab_of_block(struct splinter_store *s, uint64_t id, uint32_t lane_number,
                                  uint32_t *block)
{
    uint32_t ref = (uint32_t)(id >> 32);
    struct slab *slab = id ? slab_of(s, ref, block) : NULL;
    if (!slab || !file_covers(s, (uint64_t)ref + 1))
        return NULL;
    const struct record *rec = record_at_ref(s, ref);
    /* Acquire: pairs with the setting of the bit in take_block(), after the tag. [<block-lane] */
    if (!(load_acquire(&slab->bits[*block / 64]) >> *block % 64 & 1) ||
        load_relaxed(&rec->lane) != lane_number)
        return NULL;
    /* Pairs with the release fence in change_class(), after the generation. [<class] */
    fence_acquire();
    return load_relaxed(&slab->generation) == (uint32_t)id ? slab : NULL;
}

bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    uint32_t block;
    return slab_of_block(s, id, lane_number, &block);
}

/* Free a named block, if it is still the lane's.  It was zeroed before. */
void arena_free_block(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    uint32_t block;
    struct slab *slab = slab_of_block(s, id, lane_number, &block);
    if (!slab)
        return;
    uint64_t bit = UINT64_C(1) << block % 64;
    if (load_relaxed(&slab->limbo[block / 64]) & bit)
        fetch_and_release(&slab->limbo[block / 64], ~bit);
    fault_point("free: not in limbo");
    /* Release: our zeroing comes before the stores of whoever gets the block.  Pairs with the
     * acquire of the bit in take_block(). */
    fault_point("free: decided");
    fetch_and_release(&slab->bits[block / 64], ~bit); /* [>free] */
    fault_point("free: bit cleared");
}

bool arena_is_used(struct splinter_store *s, uint32_t ref)
{
    uint32_t block;
    struct slab *slab = slab_of(s, ref, &block);
    return slab && load_acquire(&slab->bits[block / 64]) >> block % 64 & 1;
}

/* ---- records that are kept until a sync has ended (durable stores) ---- */

/* Set twice, as after a death, it is the same. */
void arena_limbo(struct splinter_store *s, uint32_t ref)
{
    uint32_t block, number = ref >> s->slab_shift;
    struct slab *slab = slab_of(s, ref, &block);
    if (!slab)
        return;
    fetch_or_acq_rel(&slab->limbo[block / 64], UINT64_C(1) << block % 64);
    fault_point("limbo: block marked");
    /* After the block's bit: who clears this one looks at the slab's afterwards. */
    fetch_or_acq_rel(&s->limbo_map[number / 64], UINT64_C(1) << number % 64);
}

/* ---- getting a block ---- */

uint32_t arena_blocks_of(const struct splinter_store *s, uint32_t units)
{
    uint32_t n = (s->geo.slab_units - SLAB_HEADER_UNITS) / units;
    return n < SLAB_BLOCKS ? n : SLAB_BLOCKS;
}

/* Blocks of the word that exist in a slab with n blocks. */
static uint64_t word_mask(uint32_t n, uint32_t word)
{
    return n >= (word + 1) * 64 ? UINT64_MAX : n <= word * 64 ? 0 : (UINT64_C(1) << n % 64) - 1;
}

static bool adoptable(struct splinter_store *s, uint64_t owner)
{
    uint32_t entry = lane_entry(slab_owner_lane(owner));
    return !owner || entry >= MAX_ENTRIES ||
           load_acquire(&s->registry[entry].incarnation) != slab_owner_incarnation(owner); /* [<over] */
}

static uint64_t owner_word(const struct splinter_store *s, const struct lane_private *lane)
{
    return slab_owner(s->incarnation, lane->number);
}

/* Extend what is reserved of our slab to hold `need` units; more than that where there is
 * room, as a system call for each block would be slow. */
static int reserve(struct splinter_store *s, uint32_t number, struct slab *slab, uint32_t need)
{
    uint32_t have = load_relaxed(&slab->reserved_units);
    if (need <= have)
        return 0;
    uint64_t start = s->geo.arena_off + slab_start(s, number) * UNIT;
    uint32_t more = have < 1024 ? have : 1024; /* double up to 64 KiB */
    uint32_t wish = need > have + more ? need : have + more;
    wish = (wish + PAGE / UNIT - 1) / (PAGE / UNIT) * (PAGE / UNIT);
    if (wish > s->geo.slab_units)
        wish = s->geo.slab_units;
    int r = backing_reserve(s->fd, start + (uint64_t)have * UNIT, (uint64_t)(wish - have) * UNIT);
    if (r) {
        wish = need;
        r = backing_reserve(s->fd, start + (uint64_t)have * UNIT, (uint64_t)(wish - have) * UNIT);
    }
    fault_point("reserve: asked");
    if (!r)
        store_release(&slab->reserved_units, wish);
    fault_point("reserve: noted");
    return r;
}

/* Take a free block of a slab that is ours, and name it at `at`.  -ENOSPC: no room to reserve;
 * -ENOBUFS: none is free. */
static int take_block(struct splinter_store *s, struct lane_private *lane, uint32_t number,
                      struct slab *slab, uint32_t units, uint32_t at)
{
    uint32_t n = arena_blocks_of(s, units);
    for (uint32_t w = 0; w * 64 < n; w++) {
        uint64_t free = ~load_acquire(&slab->bits[w]) & word_mask(n, w); /* [<free] */
        if (!free)
            continue;
        uint32_t bit = (uint32_t)__builtin_ctzll(free), block = w * 64 + bit;
        uint32_t local = SLAB_HEADER_UNITS + block * units;
        int r = reserve(s, number, slab, local + units);
        if (r)
            return r;
        uint32_t ref = (uint32_t)slab_start(s, number) + local;
        if (!file_covers(s, (uint64_t)ref + units))
            return -EBADMSG;
        struct record *rec = record_at_ref(s, ref);
        store_relaxed(&rec->lane, (uint16_t)lane->number);
        crash_order();
        fault_point("block: lane noted");
        store_relaxed(&lane->shared->spare[at], block_id(ref, load_relaxed(&slab->generation)));
        lane->spare_ref[at] = ref;
        crash_order();
        fault_point("block: named");
        fetch_or_acq_rel(&slab->bits[w], UINT64_C(1) << bit); /* [>block-lane] */
        fault_point("block: taken");
        return 0;
    }
    return -ENOBUFS;
}

static bool is_empty(struct slab *slab)
{
    for (uint32_t w = 0; w < SLAB_WORDS; w++)
        if (load_acquire(&slab->bits[w]))
            return false;
    return true;
}

/* A block of an empty slab of ours has only its tag left; the new layout is to begin zeroed. */
static void change_class(struct splinter_store *s, struct slab *slab, uint32_t units)
{
    uint32_t old = load_relaxed(&slab->block_units);
    store_relaxed(&slab->generation, load_relaxed(&slab->generation) + 1);
    /* Who finds what we write from here on where a tag was, finds the generation changed.  Pairs
     * with slab_of_block(). [>class] */
    fence_release();
    fault_point("class: generation stepped");
    if (old) {
        uint32_t n = arena_blocks_of(s, old), reserved = load_relaxed(&slab->reserved_units);
        uint8_t *first = (uint8_t *)slab + SLAB_HEADER_UNITS * UNIT;
        uint64_t start = (uint64_t)((uint8_t *)slab - s->arena) / UNIT;
        for (uint32_t i = 0; i < n && SLAB_HEADER_UNITS + (i + 1) * old <= reserved; i++) {
            /* What is reserved is what the header says, and may be more than there is. */
            if (!file_covers(s, start + SLAB_HEADER_UNITS + (i + 1) * old))
                break;
            payload_zero(first + (uint64_t)i * old * UNIT, sizeof(struct record));
        }
    }
    fault_point("class: old headers zeroed");
    store_release(&slab->block_units, units);
    fault_point("class: changed");
}

/* Make the slab ours if it is nobody's and has, or can have, blocks of this size.
 * 0: ours, the block is named; else as take_block(), and the slab is not ours. */
static int adopt(struct splinter_store *s, struct lane_private *lane, uint32_t number,
                 uint32_t class, uint32_t at, bool convert)
{
    if (!file_covers(s, slab_first_block(s, number)))
        return -ENOBUFS;
    struct slab *slab = arena_slab(s, number);
    uint32_t units = class_units(class), has = load_acquire(&slab->block_units);
    uint64_t owner = load_acquire(&slab->owner);
    if (!adoptable(s, owner) || (has != units && has && !(convert && is_empty(slab))))
        return -ENOBUFS;
    /* Acquire, with the release of the last owner: the header is as it left it. [<owner] */
    if (!cas_seq_cst(&slab->owner, &owner, owner_word(s, lane)))
        return -ENOBUFS;
    int r = -ENOBUFS;
    fault_point("adopt: owned");
    has = load_relaxed(&slab->block_units);
    if (has != units && (!has || (convert && is_empty(slab)))) {
        if (load_relaxed(&slab->reserved_units) < SLAB_HEADER_UNITS)
            store_relaxed(&slab->reserved_units, PAGE / UNIT); /* see fresh_slab() */
        fault_point("adopt: header's page noted");
        change_class(s, slab, units);
        has = units;
    }
    if (has == units)
        r = take_block(s, lane, number, slab, units, at);
    if (r) {
        store_release(&slab->owner, 0); /* [>owner] */
        fault_point("adopt: given back");
    } else
        lane->slab[class] = number + 1;
    return r;
}

/* Take slabs into use: reserve the header of the next, then count it.  Both steps may be done
 * by several at once, or again after a death. */
static int fresh_slab(struct splinter_store *s, uint32_t *number)
{
    uint32_t used = load_acquire(&s->header->slabs_used);
    if (used >= s->geo.slabs)
        return -ENOSPC;
    int r = backing_reserve(s->fd, s->geo.arena_off + slab_start(s, used) * UNIT,
                            PAGE);
    if (r)
        return r;
    *number = used;
    fault_point("slab: header reserved");
    cas_seq_cst(&s->header->slabs_used, &used, used + 1);
    fault_point("slab: counted");
    return 0;
}

/* A free block of the class, named at `at` of the lane. */
int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t at)
{
    int r;
    if (lane->slab[class]) {
        uint32_t number = lane->slab[class] - 1;
        struct slab *slab = arena_slab(s, number);
        r = take_block(s, lane, number, slab, class_units(class), at);
        if (!r)
            return 0;
        lane->slab[class] = 0;
        store_release(&slab->owner, 0); /* [>owner] */
        fault_point("slab: left");
    }
    uint32_t used = load_acquire(&s->header->slabs_used);
    if (used > s->geo.slabs)
        return -EBADMSG;
    uint32_t looks = used < PROBES ? used : PROBES;
    for (uint32_t i = 0; i < looks; i++) {
        lane->cursor = lane->cursor + 1 >= used ? 0 : lane->cursor + 1;
        if (!adopt(s, lane, lane->cursor, class, at, true))
            return 0;
    }
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t number;
        r = fresh_slab(s, &number);
        if (r)
            break;
        r = adopt(s, lane, number, class, at, true);
        if (!r)
            return 0;
        if (r != -ENOBUFS) /* it is in use now, but its first block has no room */
            break;
    }
    /* Nothing new to be had: is there really no free block?  Here alone all slabs are looked at. */
    used = load_acquire(&s->header->slabs_used);
    for (uint32_t i = 0; i < used && i < s->geo.slabs; i++)
        if (!adopt(s, lane, i, class, at, true))
            return 0;
    return r == -ENOBUFS ? -ENOSPC : r;
}

/* Bytes of blocks in use, less those that lanes keep as spares or that wait for a sync.  Others may move meanwhile. */
uint64_t arena_used_bytes(struct splinter_store *s)
{
    uint64_t bytes = 0, spare = 0;
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t i = 0; i < used && i < s->geo.slabs; i++) {
        if (!file_covers(s, slab_first_block(s, i)))
            break;
        struct slab *slab = arena_slab(s, i);
        uint64_t units = load_relaxed(&slab->block_units);
        for (uint32_t w = 0; w < SLAB_WORDS; w++)
            bytes += units * UNIT * (unsigned)__builtin_popcountll(load_relaxed(&slab->bits[w]) &
                                                                   ~load_relaxed(&slab->limbo[w]));
    }
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < entries * ENTRY_LANES && i < MAX_ENTRIES * ENTRY_LANES; i++)
        for (uint32_t k = 0; k < LANE_SPARES; k++) {
            const struct lane *lane = &s->registry[i / ENTRY_LANES].lane[i % ENTRY_LANES];
            uint64_t id = load_relaxed(&lane->spare[k]);
            uint32_t ref = (uint32_t)(id >> 32);
            if (id && arena_is_used(s, ref) && arena_generation(s, ref) == (uint32_t)id)
                spare += (uint64_t)arena_block_units(s, ref) * UNIT;
        }
    return bytes > spare ? bytes - spare : 0;
}
