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

#endif
