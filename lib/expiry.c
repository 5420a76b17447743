/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry.c - has a record expired?
 *
 * Invariant: header.clock_floor is the latest time of expiry that was seen to have passed, and only
 * rises.  No process believes a clock that shows an earlier time.
 */
#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "fault.h"
#include "handle.h"

bool expiry_passed(struct splinter_store *s, uint64_t expiry)
{
    if (!expiry)
        return false;
    uint64_t now = now_realtime(), floor = load_relaxed(&s->header->clock_floor);
    if ((now > floor ? now : floor) < expiry)
        return false;
    /* Expired records stay expired, even if the clock is set back. */
    if (!s->read_only && floor < expiry)
        raise_u64(&s->header->clock_floor, expiry);
    fault_point("expired: seen");
    return true;
}
