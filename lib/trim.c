/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim.c - memory that no key needs goes back to the system
 *
 * What goes back is the rest of each free large block after its first page, and on a file system
 * where holes are harmless also the rest of each empty slab of small blocks (reading.c).  It
 * becomes a hole, and is reserved again before a block of it is taken the next time.
 *
 * Invariants
 *  - Only the owner of a slab gives its memory back, and only that of blocks that are free.  So
 *    nobody takes them meanwhile, and they are zero, as the hole will be.
 *  - What is reserved is lowered before the hole is made, so that what counts as reserved always
 *    is.  TRIM_BEGUN stands there from then until the hole is made: if the process dies in between,
 *    the next one to trim makes the hole.
 *  - A sync that touches all pages after an error must not meet a hole: in a durable store the
 *    caller has the sync lock.
 */
#include <errno.h>
#include <unistd.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "descriptor.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "lane.h"
#include "reading.h"
#include "slab.h"
#include "trim.h"

#define MUCH_TIMES 3u /* what may be given back, if it is as often as much as is in use */
#define FIRST_PAGE (PAGE / UNIT) /* units of each large block and slab that stay */

struct trim {
    struct splinter_store *s;
    struct lane_private *lane;
    bool look_only;
    uint64_t free, used; /* units that can be given back, and those that cannot */
    uint64_t bytes;      /* that were given back */
};

/* Give back the units from FIRST_PAGE to `end` of what begins at `start`.  *have says how many
 * are reserved there. */
static int give_back(struct trim *t, uint64_t start, uint32_t *have, uint32_t end)
{
    struct splinter_store *s = t->s;
    uint32_t was = load_relaxed(have);
    if (!(was & TRIM_BEGUN)) {
        if (was <= FIRST_PAGE)
            return 0;
        end = was < end ? was : end;
    }
    /* Whole pages of the kernel, which may be larger than PAGE: to write to one that is shared with
     * a block in use would take all its blocks of the disk. */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t from = s->geo.arena_off + (start + FIRST_PAGE) * UNIT + page - 1;
    uint64_t to = s->geo.arena_off + (start + end) * UNIT;
    from -= from % page;
    to -= to % page;
    if (from >= to)
        return 0;
    t->free += (to - from) / UNIT;
    if (t->look_only)
        return 0;
    store_relaxed(have, FIRST_PAGE | TRIM_BEGUN);
    crash_order();
    fault_point("trim: lowered");
    int r = backing_punch(descriptor_file(s), from, to - from);
    fault_point("trim: given back");
    if (r) /* nothing tells how much of it is a hole */
        return r;
    store_relaxed(have, FIRST_PAGE);
    fault_point("trim: noted");
    t->bytes += to - from;
    return 0;
}

static int trim_large(struct trim *t, uint32_t number, const struct size_class *class)
{
    struct large_slab *slab = (struct large_slab *)arena_slab(t->s, number);
    uint64_t free = ~load_acquire(&slab->slab.bits[0]) & slab_word_mask(class, 0); /* [<free] */
    if (!t->look_only)
        free &= ~reading_blocks(t->s, number, class);
    int r = 0;
    for (uint32_t b = 0; b < class->blocks; b++) {
        uint64_t start = block_start(t->s, number, class, b);
        if (!(free >> b & 1))
            t->used += reserved(&slab->have[b]);
        else if (!r && file_covers(t->s, start + FIRST_PAGE))
            r = give_back(t, start, &slab->have[b], class->units);
    }
    return r;
}

static int trim_small(struct trim *t, uint32_t number)
{
    struct splinter_store *s = t->s;
    struct slab *slab = arena_slab(s, number);
    if (s->holes_harmless && slab_is_empty(slab) &&
        file_covers(s, slab_start(s, number) + s->geo.slab_units))
        return give_back(t, slab_start(s, number), &slab->reserved_units, s->geo.slab_units);
    t->used += reserved(&slab->reserved_units);
    return 0;
}

static int trim_slab(struct trim *t, uint32_t number)
{
    struct slab *slab = arena_slab(t->s, number);
    const struct size_class *class = slab_class(t->s, load_acquire(&slab->block_units));
    if (!class)
        return 0;
    if (!t->look_only && !slab_adopt(t->s, number, t->lane))
        return 0;
    fault_point("trim: slab owned");
    class = t->look_only ? class : slab_class(t->s, load_relaxed(&slab->block_units));
    int r = !class ? 0 : class_is_large(class) ? trim_large(t, number, class)
                                               : trim_small(t, number);
    if (!t->look_only)
        slab_release(t->s, number);
    return r;
}

static int trim_slabs(struct trim *t)
{
    struct splinter_store *s = t->s;
    uint32_t used = load_acquire(&s->header->slabs_used);
    int r = 0;
    for (uint32_t n = 0; !r && n < used && n < s->geo.slabs; n = slab_next(s, n))
        if (file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS))
            r = trim_slab(t, n);
    return r;
}

int trim_all(struct splinter_store *s, uint64_t *bytes)
{
    if (descriptor_file(s) < 0)
        return -EBADF;
    struct trim t = {.s = s, .lane = lane_acquire(s)};
    int r = trim_slabs(&t);
    lane_release(s, t.lane);
    *bytes += t.bytes;
    return r;
}

void trim_much(struct splinter_store *s)
{
    struct trim t = {.s = s, .look_only = true};
    uint64_t ignored = 0;
    trim_slabs(&t);
    if (t.free * UNIT >= MUCH && t.free / MUCH_TIMES >= t.used)
        trim_all(s, &ignored);
}
