/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.c - slabs, size classes, blocks
 *
 * The arena is an array of slabs of one size.  A slab has blocks of one size class at a time.  An
 * empty slab may change its class.  Slab headers stand at fixed places, so a process that looks at
 * a slab whose class has just changed still looks at a slab header.
 *
 * Invariants
 *  - Only the owner of a slab, which is a lane, sets bits in it and changes its class, generation
 *    and reserved_units.  A lane may adopt a slab that has no owner, or whose owner's incarnation
 *    is over.
 *  - The lane that has a block clears the block's bit, no matter which lane owns the slab.  Nobody
 *    else does.
 *  - A lane writes its number into record.lane of a block, and the block's id into one of its
 *    spares, before it sets the block's bit.  So the cleaner of a dead lane knows that a block
 *    whose id it finds was the lane's if the bit is set and record.lane has the lane's number.  The
 *    number 0 belongs to no lane; it stands there for a moment whenever a record is zeroed.
 *  - A block in use lies within reserved_units of its slab: touching it cannot fail.
 *  - Slabs below header.slabs_used have a reserved header.
 *  - A block in limbo belongs to no lane (limbo.c).
 */
#include <errno.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"

#define PROBES 16u /* slabs that a lane searches for free blocks before it starts a new one */

/* The slab that ref lies in, and in *block the block's number; NULL if no block begins there. */
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

uint32_t arena_block_units(struct splinter_store *s, uint32_t ref)
{
    uint32_t block;
    struct slab *slab = slab_of(s, ref, &block);
    if (!slab)
        return 0;
    uint32_t units = load_relaxed(&slab->block_units), at = ref & (s->geo.slab_units - 1);
    if (!units || units > s->geo.slab_units - at || !file_covers(s, (uint64_t)ref + units))
        return 0;
    return units;
}

/*
 * The slab of the block with this id, and in *block its number; NULL if the block no longer belongs
 * to the lane.  A process that dies after it has cleared the bit of a block, and before it has
 * forgotten the id, leaves an id behind.  By now another lane may have the block, or the slab may
 * have blocks of another size.  So this looks, in this order, at
 *  - the bit; a lane that sets it has written its number into record.lane before;
 *  - record.lane;
 *  - the generation; if it is unchanged, record.lane was read from where a record has it.
 * If all three are right, the block belongs to the lane and keeps belonging to it: only the lane or
 * its cleaner would free the block, and a slab with a block in use keeps its class.
 */
static struct slab *slab_of_block(struct splinter_store *s, uint64_t id, uint32_t lane_number,
                                  uint32_t *block)
{
    uint32_t ref = block_id_ref(id);
    struct slab *slab = id ? slab_of(s, ref, block) : NULL;
    if (!slab || !file_covers(s, (uint64_t)ref + 1))
        return NULL;
    const struct record *rec = record_at_ref(s, ref);
    /* Acquire: pairs with take_block(), which sets the bit after record.lane. [<block-lane] */
    if (!(load_acquire(&slab->bits[*block / 64]) >> *block % 64 & 1) ||
        load_relaxed(&rec->lane) != lane_number)
        return NULL;
    /* Pairs with the release fence in change_class(), which follows the new generation. [<class] */
    fence_acquire();
    return load_relaxed(&slab->generation) == (uint32_t)id ? slab : NULL;
}

bool arena_is_lanes(struct splinter_store *s, uint64_t id, uint32_t lane_number)
{
    uint32_t block;
    return slab_of_block(s, id, lane_number, &block);
}

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
    /* Release: the zeroing of this lane comes before the stores of the lane that gets the block.
     * Pairs with the acquire load of the bit in take_block(). */
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

void arena_limbo(struct splinter_store *s, uint32_t ref)
{
    uint32_t block, number = ref >> s->slab_shift;
    struct slab *slab = slab_of(s, ref, &block);
    if (!slab)
        return;
    fetch_or_acq_rel(&slab->limbo[block / 64], UINT64_C(1) << block % 64);
    fault_point("limbo: block marked");
    /* After the block's bit: the holder of the sync lock clears the bit in the map, then reads the
     * slab's. [>limbo] */
    fetch_or_acq_rel(&s->limbo_map[number / 64], UINT64_C(1) << number % 64);
}

/* ---- getting a block ---- */

uint32_t arena_blocks_of(const struct splinter_store *s, uint32_t units)
{
    uint32_t n = (s->geo.slab_units - SLAB_HEADER_UNITS) / units;
    return n < SLAB_BLOCKS ? n : SLAB_BLOCKS;
}

/* The bits of this word that stand for blocks, in a slab with n blocks. */
static uint64_t word_mask(uint32_t n, uint32_t word)
{
    return n >= (word + 1) * 64 ? UINT64_MAX : n <= word * 64 ? 0 : (UINT64_C(1) << n % 64) - 1;
}

/* Has the slab no owner, or one whose incarnation is over? */
static bool adoptable(struct splinter_store *s, uint64_t owner)
{
    uint32_t entry = lane_entry(slab_owner_lane(owner));
    if (!owner || entry >= MAX_ENTRIES)
        return true;
    uint64_t incarnation = load_acquire(&s->registry[entry].incarnation); /* [<over] */
    return incarnation != slab_owner_incarnation(owner);
}

static uint64_t owner_word(const struct splinter_store *s, const struct lane_private *lane)
{
    return slab_owner(s->incarnation, lane->number);
}

/* Reserve at least the first `need` units of a slab that this lane owns; more if there is room,
 * because a system call for each block would be slow. */
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

/* Take a free block of a slab that the lane owns, and write its id into spare[at].  -ENOBUFS: none
 * is free; -ENOSPC: no room to reserve; -EBADMSG: the slab is damaged. */
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

/* Give an empty slab that the lane owns blocks of another size.  A free block is zero but for
 * record.lane; with that zeroed, the new blocks begin as zeroes. */
static void change_class(struct splinter_store *s, struct slab *slab, uint32_t units)
{
    uint32_t old = load_relaxed(&slab->block_units);
    store_relaxed(&slab->generation, load_relaxed(&slab->generation) + 1);
    /* A cleaner that reads as record.lane something written after this fence will see the new
     * generation.  Pairs with slab_of_block(). [>class] */
    fence_release();
    fault_point("class: generation stepped");
    if (old) {
        uint32_t n = arena_blocks_of(s, old), reserved = load_relaxed(&slab->reserved_units);
        uint8_t *first = (uint8_t *)slab + SLAB_HEADER_UNITS * UNIT;
        uint64_t start = (uint64_t)((uint8_t *)slab - s->arena) / UNIT;
        for (uint32_t i = 0; i < n && SLAB_HEADER_UNITS + (i + 1) * old <= reserved; i++) {
            /* The header may claim a larger reserve than the file has. */
            if (!file_covers(s, start + SLAB_HEADER_UNITS + (i + 1) * old))
                break;
            payload_zero(first + (uint64_t)i * old * UNIT, sizeof(struct record));
        }
    }
    fault_point("class: old headers zeroed");
    store_release(&slab->block_units, units);
    fault_point("class: changed");
}

/* Make the lane the owner of this slab if it may be adopted and has, or can have, blocks of this
 * class; then take a block.  On an error, those of take_block(), the lane does not own the slab. */
static int adopt(struct splinter_store *s, struct lane_private *lane, uint32_t number,
                 uint32_t class, uint32_t at)
{
    if (!file_covers(s, slab_first_block(s, number)))
        return -ENOBUFS;
    struct slab *slab = arena_slab(s, number);
    uint32_t units = class_units(class), has = load_acquire(&slab->block_units);
    uint64_t owner = load_acquire(&slab->owner);
    if (!adoptable(s, owner) || (has != units && has && !is_empty(slab)))
        return -ENOBUFS;
    /* Acquire: this lane sees the header as the last owner left it. [<owner] */
    if (!cas_seq_cst(&slab->owner, &owner, owner_word(s, lane)))
        return -ENOBUFS;
    int r = -ENOBUFS;
    fault_point("adopt: owned");
    has = load_relaxed(&slab->block_units);
    if (has != units && (!has || is_empty(slab))) {
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

/* Start the next slab: reserve its header, then count it.  Several processes may do both steps at
 * once, and a process may repeat those of a dead one. */
static int fresh_slab(struct splinter_store *s, uint32_t *number)
{
    uint32_t used = load_acquire(&s->header->slabs_used);
    if (used >= s->geo.slabs)
        return -ENOSPC;
    int r = backing_reserve(s->fd, s->geo.arena_off + slab_start(s, used) * UNIT, PAGE);
    if (r)
        return r;
    *number = used;
    fault_point("slab: header reserved");
    cas_seq_cst(&s->header->slabs_used, &used, used + 1);
    fault_point("slab: counted");
    return 0;
}

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
        if (!adopt(s, lane, lane->cursor, class, at))
            return 0;
    }
    for (int tries = 0; tries < 1000; tries++) {
        uint32_t number;
        r = fresh_slab(s, &number);
        if (r)
            break;
        r = adopt(s, lane, number, class, at);
        if (!r)
            return 0;
        if (r != -ENOBUFS) /* the slab is counted, but there is no room for a block */
            break;
    }
    /* There is no new slab.  Only now search all slabs: is there really no free block? */
    used = load_acquire(&s->header->slabs_used);
    for (uint32_t i = 0; i < used && i < s->geo.slabs; i++)
        if (!adopt(s, lane, i, class, at))
            return 0;
    return r == -ENOBUFS ? -ENOSPC : r;
}

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
            uint32_t ref = block_id_ref(id);
            if (id && arena_is_used(s, ref) && arena_generation(s, ref) == (uint32_t)id)
                spare += (uint64_t)arena_block_units(s, ref) * UNIT;
        }
    return bytes > spare ? bytes - spare : 0;
}
