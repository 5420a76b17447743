/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limbo.c - durable stores: free what a sync has released
 *
 * Invariant: a block in limbo has its bit set, and its slab has its bit set in group.limbo, or is
 * the one that header.limbo_at names.  No lane has the block, and only the holder of the sync lock
 * may free it.
 */
#include "arena.h"
#include "atomic.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "lane.h"
#include "limbo.h"
#include "registry.h"
#include "stamp.h"
#include "syncpoint.h"

/* True if the slab still has a record that waits for a later sync.  `at` is an empty place of the
 * lane. */
static bool clean_slab(struct splinter_store *s, struct lane_private *lane, uint32_t at,
                       uint32_t number, uint64_t upto, uint64_t *freed)
{
    struct slab *slab = arena_slab(s, number);
    bool rest = false, stamped = false;
    for (uint32_t w = 0; w < SLAB_WORDS; w++) {
        uint64_t limbo = load_acquire(&slab->limbo[w]) & load_acquire(&slab->bits[w]);
        for (; limbo; limbo &= limbo - 1) {
            const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
            uint32_t block = w * 64 + (uint32_t)__builtin_ctzll(limbo), units = 0;
            uint32_t ref = class ? (uint32_t)block_start(s, number, class, block) : 0;
            if (class && block < class->blocks)
                units = arena_block_units(s, ref);
            if (!units)
                continue; /* this library did not write that */
            struct record *rec = record_at_ref(s, ref);
            if (load_acquire(&rec->superseded) > upto) {
                rest = true;
                continue;
            }
            if (!stamped)
                stamp_slab(s, number, upto);
            stamped = true;
            /* Make it a spare of our lane, so that our cleaner would free it if we died. */
            store_relaxed(&rec->lane, (uint16_t)lane->number);
            crash_order();
            fault_point("limbo: lane noted");
            uint64_t id = block_id(ref, load_relaxed(&slab->generation));
            store_relaxed(&lane->shared->spare[at], id);
            crash_order();
            fault_point("limbo: named");
            uint64_t size = (uint64_t)value_offset(load_relaxed(&rec->key_len)) +
                            load_relaxed(&rec->value_len);
            size = size > (uint64_t)units * UNIT ? (uint64_t)units * UNIT : size;
            fence_release(); /* [>unlinked] */
            payload_zero(rec, offsetof(struct record, lane));
            payload_zero((uint8_t *)rec + offsetof(struct record, flags),
                         size - offsetof(struct record, flags));
            fault_point("limbo: zeroed");
            *freed += size;
            arena_free_block(s, id, lane->number);
            crash_order();
            fault_point("limbo: freed");
            store_relaxed(&lane->shared->spare[at], 0);
        }
    }
    return rest;
}

uint64_t limbo_clean(struct splinter_store *s, uint64_t upto)
{
    /* A process that holds it back from here on copies the sync point of `upto`, or a later one, so
     * it does not need what this frees. */
    if (load_relaxed(&s->holds) || registry_held(s))
        return 0;
    uint64_t freed = 0;
    struct lane_private *lane = lane_acquire(s);
    uint32_t used = load_acquire(&s->header->slabs_used);
    uint32_t at = lane_spare_empty(s, lane);
    uint32_t left = load_relaxed(&s->header->limbo_at) - 1;
    if (left < used && left < s->geo.slabs) /* by a process that died in the loop below */
        fetch_or_acq_rel(&arena_group(s, left)->limbo, UINT64_C(1) << left % GROUP_SLABS);
    for (uint32_t w = 0; w * GROUP_SLABS < used && w * GROUP_SLABS < s->geo.slabs; w++) {
        uint64_t *map = &s->groups[w].limbo, bits = load_relaxed(map);
        for (; bits; bits &= bits - 1) {
            uint32_t number = w * GROUP_SLABS + (uint32_t)__builtin_ctzll(bits);
            uint64_t bit = bits & -bits;
            if (number >= used || number >= s->geo.slabs ||
                !file_covers(s, slab_start(s, number) + SLAB_HEADER_UNITS))
                break;
            store_relaxed(&s->header->limbo_at, number + 1);
            crash_order();
            fault_point("limbo: slab named");
            /* Cleared before the slab is looked at, so a writer that adds a record meanwhile sets
             * it again. [<limbo] */
            fetch_and_acq_rel(map, ~bit);
            fault_point("limbo: summary cleared");
            if (clean_slab(s, lane, at, number, upto, &freed))
                fetch_or_acq_rel(map, bit);
            fault_point("limbo: slab done");
        }
    }
    crash_order();
    store_relaxed(&s->header->limbo_at, 0);
    lane_release(s, lane);
    return freed;
}

bool limbo_any(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t w = 0; w * GROUP_SLABS < used && w * GROUP_SLABS < s->geo.slabs; w++)
        if (load_acquire(&s->groups[w].limbo))
            return true;
    return load_relaxed(&s->header->limbo_at);
}
