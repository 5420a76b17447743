/* SPDX-License-Identifier: Apache-2.0 */
/* perf_latency.c - how long calls take */
#include "perf_latency.h"

#include <time.h>

uint64_t perf_now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

unsigned perf_place_of(uint64_t ns)
{
    if (ns < PERF_STEPS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - PERF_STEP_BITS;
    unsigned place = (shift + 1) * PERF_STEPS + (unsigned)(ns >> shift & (PERF_STEPS - 1));
    return place < PERF_PLACES ? place : PERF_PLACES - 1;
}

uint64_t perf_value_of(unsigned place)
{
    if (place < PERF_STEPS)
        return place;
    unsigned shift = place / PERF_STEPS - 1;
    return ((uint64_t)(PERF_STEPS + place % PERF_STEPS) << shift) + (UINT64_C(1) << shift) / 2;
}
