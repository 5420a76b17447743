/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - what the library meets instead of the C library; see watch.h */
#include "atomic.h"
#include "wake.h"
#include "watch.h"

/* Here the real ones are meant. */
#undef mmap
#undef munmap
#undef syscall
#undef open

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

uint64_t watch_loads, watch_event;

/* ---- the mapping ---- */

/* References have 32 bits and count in 64 bytes; what they lead to may be as long again. */
#define GUARD_BEFORE (UINT64_C(1) << 30)
#define GUARD_BEHIND (UINT64_C(520) << 30)
#define PLACES 6

#ifdef PAYLOAD_BY_WORDS
#define NO_GUARDS 1 /* ThreadSanitizer wants its mappings where it expects them */
#endif

static struct {
    uint8_t *reserved; /* GUARD_BEFORE, the mapping, GUARD_BEHIND less its length */
    size_t length;     /* of the mapping; 0: free */
} place[PLACES];

void *watch_mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
#ifndef NO_GUARDS
    uint64_t whole = GUARD_BEFORE + GUARD_BEHIND;
    bool guarded = (fd >= 0 || flags & MAP_NORESERVE) && !at && sizeof(size_t) == 8;
    for (int i = 0; guarded && i < PLACES; i++) {
        if (place[i].length)
            continue;
        if (!place[i].reserved) {
            void *p = mmap(NULL, (size_t)whole, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (p == MAP_FAILED) /* a limit on address space: so it goes without */
                break;
            place[i].reserved = p;
        }
        void *p = mmap(place[i].reserved + GUARD_BEFORE, length, protection, flags | MAP_FIXED, fd,
                       offset);
        if (p != MAP_FAILED)
            place[i].length = length;
        return p;
    }
#endif
    return mmap(at, length, protection, flags, fd, offset);
}

int watch_munmap(void *at, size_t length)
{
    for (int i = 0; i < PLACES; i++)
        if (place[i].length && at == place[i].reserved + GUARD_BEFORE) {
            place[i].length = 0;
            return mmap(at, length, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                        0) == MAP_FAILED;
        }
    return munmap(at, length);
}

/* ---- files ---- */

bool watch_refuse;

int watch_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, unsigned) : 0;
    va_end(args);
    if (watch_refuse && (flags & O_ACCMODE) != O_RDONLY && !strncmp(path, "/proc/self/fd/", 14)) {
        errno = EACCES;
        return -1;
    }
    return open(path, flags, mode);
}

/* ---- time ---- */

#define BEGIN_NS UINT64_C(1800000000000000000)
#define LOOK_NS UINT64_C(20000)

static uint64_t passed_ns;

int watch_clock_gettime(clockid_t clock, struct timespec *t)
{
    uint64_t now = BEGIN_NS + (passed_ns += LOOK_NS);
    (void)clock;
    t->tv_sec = (time_t)(now / 1000000000);
    t->tv_nsec = (long)(now % 1000000000);
    return 0;
}

int watch_nanosleep(const struct timespec *t, struct timespec *rest)
{
    (void)rest;
    passed_ns += (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
    return 0;
}

int watch_sched_yield(void)
{
    return 0;
}

#if defined(SYS_futex)
#define FUTEX_CALL SYS_futex
typedef long futex_time;
#else
#define FUTEX_CALL SYS_futex_time64
typedef int64_t futex_time;
#endif

/* What the library calls, and how many arguments it gives.  No more may be read than that. */
static const struct {
    long number;
    int arguments;
} calls[] = {
    {FUTEX_CALL, 6}, {WAITV_CALL, 5}, {SYS_membarrier, 3}, {SYS_gettid, 0},
    {SYS_tgkill, 3}, {SYS_rt_sigprocmask, 4},
};

static int arguments_of(long number)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return calls[i].arguments;
    fprintf(stderr, "# watch.c does not know how many arguments system call %ld has\n", number);
    abort();
}

/* Nobody wakes, so whoever waits for a futex sleeps as long as it was ready to. */
long watch_syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    long a[6] = {0};
    int count = arguments_of(number);
    for (int i = 0; i < count; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == WAITV_CALL) {
        const int64_t *until = (const int64_t *)(uintptr_t)a[3];
        passed_ns = (uint64_t)until[0] * 1000000000 + (uint64_t)until[1] - BEGIN_NS;
        errno = ETIMEDOUT;
        return -1;
    }
    if (number == FUTEX_CALL) {
        if ((int)a[1] == FUTEX_WAIT && a[3]) {
            const futex_time *t = (const futex_time *)(uintptr_t)a[3];
            passed_ns += (uint64_t)t[0] * 1000000000 + (uint64_t)t[1];
            errno = ETIMEDOUT;
            return -1;
        }
        return 0;
    }
    return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
