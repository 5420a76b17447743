/* SPDX-License-Identifier: Apache-2.0 */
/* perf_latency.h - how long calls take: the clock, and a histogram */
#ifndef SPLINTER_PERF_LATENCY_H
#define SPLINTER_PERF_LATENCY_H

#include <stdint.h>
#include <time.h>

uint64_t perf_now_ns(clockid_t clock);

/* A histogram with 32 places in each power of two, so a place is 3% wide. */
#define PERF_STEP_BITS 5
#define PERF_STEPS (1u << PERF_STEP_BITS)
#define PERF_OCTAVES 40
#define PERF_PLACES (PERF_OCTAVES * PERF_STEPS)

unsigned perf_place_of(uint64_t ns);
/* The middle of the place. */
uint64_t perf_value_of(unsigned place);

#endif /* SPLINTER_PERF_LATENCY_H */
