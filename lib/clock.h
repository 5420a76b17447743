/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - what time it is, in nanoseconds */
#ifndef SPLINTER_CLOCK_H
#define SPLINTER_CLOCK_H

#include <stdint.h>

#include "names.h"

/* CLOCK_REALTIME: the time of day, which may be set. */
uint64_t now_realtime(void);

/* CLOCK_MONOTONIC: for how long something took. */
uint64_t now_monotonic(void);

#endif
