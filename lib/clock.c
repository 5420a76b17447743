/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - the time, in nanoseconds */
#include <time.h>

#include "clock.h"

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t now_realtime(void)
{
    return now(CLOCK_REALTIME);
}

uint64_t now_boot(void)
{
    return now(CLOCK_BOOTTIME);
}

uint64_t now_monotonic(void)
{
    return now(CLOCK_MONOTONIC);
}

uint64_t now_coarse(void)
{
    return now(CLOCK_MONOTONIC_COARSE);
}
