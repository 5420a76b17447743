/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stamp.c - stores in files: how it shows in a copy that a sync has zeroed records meanwhile
 *
 * Who copies a file reads its sync point first and its records later.  If meanwhile a sync ends, it
 * zeroes records that the copied sync point relies on, and the newer ones may lie where the copy
 * has been already.  So before a sync up to E zeroes anything in a slab, it writes E to the header
 * of the slab that follows, which whoever reads the file from its beginning to its end reads after
 * the records.  Behind the last slab there is a header for this alone.  In a copy that lacks a
 * record for this reason a stamp is beyond the epoch of the sync point.
 *
 * On a disk after a power cut no stamp is: E is written when the sync point of E is on disk.
 *
 * Invariant: a stamp is at least the epoch of each sync that has zeroed records in the slab before.
 */
#include "atomic.h"
#include "extent.h"
#include "fault.h"
#include "hash.h"
#include "slab.h"
#include "stamp.h"

/* What stands where a header should be may be the middle of a value. */
static uint64_t check_of(const struct splinter_store *s, uint32_t number, uint64_t epoch)
{
    uint64_t words[2] = {epoch, number};
    return XXH3_64bits_withSeed(words, sizeof words, s->geo.seed);
}

static void stamp_header(struct splinter_store *s, uint32_t number, uint64_t epoch)
{
    if (number >= s->geo.slabs || !file_covers(s, slab_start(s, number) + SLAB_HEADER_UNITS))
        return;
    struct slab *slab = arena_slab(s, number);
    store_relaxed(&slab->cleaned, epoch);
    store_relaxed(&slab->cleaned_check, check_of(s, number, epoch));
}

/* The fence before the zeroes is the caller's. */
void stamp_slab(struct splinter_store *s, uint32_t number, uint64_t epoch)
{
    stamp_header(s, number, epoch);
    stamp_header(s, slab_next(s, number), epoch);
    fault_point("limbo: stamped");
}

uint64_t stamp_of(const struct splinter_store *s, uint32_t number)
{
    const struct slab *slab = arena_slab(s, number);
    uint64_t epoch = load_relaxed(&slab->cleaned);
    return epoch && load_relaxed(&slab->cleaned_check) == check_of(s, number, epoch) ? epoch : 0;
}
