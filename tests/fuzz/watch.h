/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - put before every source of the library (-include) when it is built to be attacked
 *
 * The library itself is unchanged; what it gets from the compiler and the C library is not:
 *  - each atomic load is counted, so that no walk is endless, and may be preceded by a write of
 *    the attacker's: a value that is read twice is a different one each time, if the test wants;
 *  - a store is mapped in the middle of pages that cannot be touched, as far as any reference can
 *    lead: an access outside the mapping does not end up in somebody else's memory;
 *  - time passes only when somebody looks at it or sleeps, so that no test waits, and the same
 *    input does the same again.
 */
#ifndef SPLINTER_WATCH_H
#define SPLINTER_WATCH_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern uint64_t watch_loads, watch_event; /* so far; at which watch_reached() is called */
void watch_reached(void);
void *watch_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset);
int watch_munmap(void *at, size_t length);
int watch_clock_gettime(clockid_t clock, struct timespec *t);
int watch_nanosleep(const struct timespec *t, struct timespec *rest);
int watch_sched_yield(void);
long watch_syscall(long number, ...);
extern bool watch_refuse; /* a file that is open already may not be opened to write */
int watch_open(const char *path, int flags, ...);

static inline void watch_load(void)
{
    if (++watch_loads == watch_event)
        watch_reached();
}

#define __atomic_load_n(p, order) (watch_load(), __atomic_load_n((p), (order)))
#define mmap watch_mmap
#define munmap watch_munmap
#define clock_gettime watch_clock_gettime
#define nanosleep watch_nanosleep
#define sched_yield watch_sched_yield
#define syscall watch_syscall
#define open watch_open

#endif
