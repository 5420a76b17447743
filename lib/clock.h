/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the time, in nanoseconds */
#ifndef SPLINTER_CLOCK_H
#define SPLINTER_CLOCK_H

#include <stdint.h>

#include "names.h"

/* CLOCK_REALTIME: the time of day.  It jumps when somebody sets the clock. */
uint64_t now_realtime(void);

/* CLOCK_BOOTTIME: since the boot, time in suspend included.  Nobody sets it, and all processes of a
 * time namespace have the same. */
uint64_t now_boot(void);

/* CLOCK_MONOTONIC: for measuring how long something takes.  It never goes back. */
uint64_t now_monotonic(void);

/* CLOCK_MONOTONIC_COARSE: the same, at the last tick, of which there are 100 to 1000 a second.  It
 * costs a fraction. */
uint64_t now_coarse(void);

/* CLOCK_MONOTONIC, so many milliseconds from now; UINT64_MAX if that is for ever. */
static inline uint64_t now_and(uint64_t ms)
{
    uint64_t now = now_monotonic();
    return ms > (UINT64_MAX - now) / 1000000 ? UINT64_MAX : now + ms * 1000000;
}

#endif
