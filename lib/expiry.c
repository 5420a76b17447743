/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry.c - the time of a store, and ends of life
 *
 * An end of life is a moment of the store's time, which is CLOCK_BOOTTIME plus an offset.  Of a
 * store in memory the offset is 0.  A durable store gets its offset when it is created, and again
 * from its first opener after a boot; then its time goes on from the last sync point, by as much as
 * CLOCK_REALTIME says has passed, or by nothing if that clock was set back.
 *
 * Invariants
 *  - During a boot the offset does not change.  So a clock that is set ends no life, and revives no
 *    key.
 *  - The store's time never goes back behind that of the last sync point.
 *  - No life ends before header.soonest says, unless it has been told, or its setter or a sweep is
 *    between two steps.  If one dies there, it is told within a second, or when the setter has been
 *    cleaned up after.
 */
#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "fault.h"
#include "handle.h"
#include "session.h"

#define AGAIN_NS UINT64_C(1000000000)

static uint64_t offset_of(const struct splinter_store *s)
{
    uint64_t offset = load_relaxed(&s->header->clock_offset);
    return s->clock_is_own && offset == s->clock_seen ? s->clock_own : offset;
}

void expiry_begin(struct splinter_store *s, const struct sync_point *last)
{
    struct header *h = s->header;
    uint64_t boot = session_boot(), boot_now = now_boot(); /* first: no time is lost in between */
    uint64_t real = now_realtime(), now = real;
    if (boot && h->clock_boot == boot)
        return;
    if (last)
        now = last->clock_now + (real > last->clock_real ? real - last->clock_real : 0);
    uint64_t offset = now - boot_now;
    if (s->read_only) {
        s->clock_seen = load_relaxed(&h->clock_offset);
        s->clock_own = offset;
        s->clock_is_own = true;
        return;
    }
    store_relaxed(&h->clock_offset, offset);
    crash_order();
    fault_point("open: clock begun");
    h->clock_boot = boot;
}

uint64_t expiry_now(struct splinter_store *s)
{
    uint64_t now = now_boot() + offset_of(s);
    if (!s->clock_is_own)
        return now;
    raise_u64(&s->clock_latest, now);
    return load_relaxed(&s->clock_latest);
}

uint64_t expiry_after(struct splinter_store *s, uint64_t life)
{
    uint64_t now = expiry_now(s);
    return life > UINT64_MAX - now ? UINT64_MAX : now + life;
}

bool expiry_passed(struct splinter_store *s, uint64_t expiry)
{
    if (!expiry || expiry_now(s) < expiry)
        return false;
    fault_point("expired: seen");
    return true;
}

uint64_t expiry_left(struct splinter_store *s, uint64_t expiry)
{
    uint64_t now = expiry ? expiry_now(s) : 0;
    return expiry > now ? expiry - now : expiry != 0;
}

void expiry_used(struct splinter_store *s, uint32_t has)
{
    if (~load_relaxed(&s->header->ttl_used) & has)
        fetch_or_acq_rel(&s->header->ttl_used, has);
}

void expiry_note(struct splinter_store *s, uint64_t expiry)
{
    /* Sequentially consistent, as are both accesses in expiry_told(): this sees what the sweep made
     * of `soonest`, or the sweep sees this. */
    fetch_add_seq_cst(&s->header->lives, 1);
    if (load_seq_cst(&s->header->soonest) < UINT64_MAX - expiry)
        raise_u64(&s->header->soonest, UINT64_MAX - expiry);
    fault_point("expired: noted");
}

void expiry_orphans(struct splinter_store *s)
{
    raise_u64(&s->header->soonest, UINT64_MAX - 1);
    fault_point("expired: orphans");
}

uint64_t expiry_next(struct splinter_store *s)
{
    uint64_t soonest = load_relaxed(&s->header->soonest), end = UINT64_MAX - soonest;
    if (!soonest)
        return UINT64_MAX;
    uint64_t now = expiry_now(s);
    return end > now ? end - now : 0;
}

bool expiry_telling(struct splinter_store *s, uint64_t *claim, uint32_t *lives)
{
    uint64_t soonest = load_relaxed(&s->header->soonest);
    *lives = load_seq_cst(&s->header->lives);
    *claim = UINT64_MAX - expiry_after(s, AGAIN_NS);
    if (!soonest || expiry_next(s) || !cas_seq_cst(&s->header->soonest, &soonest, *claim))
        return false;
    fault_point("expired: telling");
    return true;
}

void expiry_told(struct splinter_store *s, uint64_t claim, uint32_t lives, uint64_t next)
{
    uint64_t expected = claim;
    cas_seq_cst(&s->header->soonest, &expected, UINT64_MAX - next);
    fault_point("expired: told");
    /* A setter may have put its record where the sweep had been, and found that `soonest` was
     * early enough. */
    if (load_seq_cst(&s->header->lives) != lives)
        raise_u64(&s->header->soonest, claim);
}

uint64_t expiry_moved(struct splinter_store *from, struct splinter_store *to, uint64_t expiry)
{
    uint64_t ahead = offset_of(to) - offset_of(from);
    if (!expiry || expiry == UINT64_MAX)
        return expiry;
    if (ahead <= INT64_MAX)
        return expiry > UINT64_MAX - ahead ? UINT64_MAX : expiry + ahead;
    return expiry > -ahead ? expiry + ahead : 1;
}
