/* SPDX-License-Identifier: Apache-2.0 */
/* expiry.c - is a record over? */
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
    /* Once seen as over, over for good, whatever the clock does. */
    if (!s->read_only && floor < expiry)
        raise_u64(&s->header->clock_floor, expiry);
    fault_point("expired: seen");
    return true;
}
