/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.h - put before every source of the library (-include) when its loads are to be counted
 *
 * Each load of shared memory goes through __atomic_load_n (lib/atomic.h), but for the bytes of keys
 * and values.  The seed of a store is the test's, so that a run can be repeated.
 */
#ifndef SPLINTER_TEST_COUNT_H
#define SPLINTER_TEST_COUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

extern uint64_t count_loads; /* so far */
ssize_t count_getrandom(void *to, size_t size, unsigned flags);

static inline void count_load(void)
{
    count_loads++;
}

#define __atomic_load_n(p, order) (count_load(), __atomic_load_n((p), (order)))
#define getrandom count_getrandom

#endif
