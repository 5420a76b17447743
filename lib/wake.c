/* SPDX-License-Identifier: Apache-2.0 */
/* wake.c - futex words: sleep on one, and wake those that sleep (the protocol is in wait.c) */
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "clock.h"
#include "fault.h"
#include "handle.h"
#include "wake.h"

#if defined(SYS_futex)
#define FUTEX_CALL SYS_futex
typedef long futex_time; /* the old call has two longs, even if time_t is longer */
#else
#define FUTEX_CALL SYS_futex_time64
typedef int64_t futex_time;
#endif

#define WORD_32 0x02u /* what <linux/futex.h> calls FUTEX2_SIZE_U32 */

static uint32_t cannot; /* 1: this kernel has no futex_waitv(2) for us */

static bool futex_wait(const uint32_t *word, uint32_t expected, uint64_t ns)
{
    struct {
        futex_time sec, nsec;
    } t = {(futex_time)(ns / 1000000000), (futex_time)(ns % 1000000000)};
    return syscall(FUTEX_CALL, word, FUTEX_WAIT, expected, &t, NULL, 0) && errno == EINTR;
}

void wake_sleepers(const uint32_t *word)
{
    syscall(FUTEX_CALL, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* A place among the sleepers; NULL: there is none. */
static const uint32_t **lie_down(struct splinter_store *s, const uint32_t *word)
{
    for (uint32_t i = 0; s && i < SLEEPERS; i++) {
        const uint32_t *none = NULL;
        if (!load_relaxed(&s->sleepers[i]) && cas_seq_cst(&s->sleepers[i], &none, word))
            return &s->sleepers[i];
    }
    return NULL;
}

static void get_up(const uint32_t **place)
{
    if (place)
        store_release(place, NULL);
}

bool wake_sleep(struct splinter_store *s, const uint32_t *word, uint32_t expected, uint64_t ns)
{
    const uint32_t **place = lie_down(s, word);
    bool handled = futex_wait(word, expected, ns);
    get_up(place);
    return handled;
}

struct wake_word wake_word(const uint32_t *word, uint32_t expected)
{
    return (struct wake_word){expected, (uintptr_t)word, WORD_32, 0};
}

bool wake_can_many(void)
{
    return !load_relaxed(&cannot);
}

enum wake_slept wake_sleep_many(struct splinter_store *s, const struct wake_word *words, uint32_t n,
                                uint64_t ns)
{
    uint64_t now = now_monotonic(), end = ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
    struct {
        int64_t sec, nsec;
    } t = {(int64_t)(end / 1000000000), (int64_t)(end % 1000000000)};
    const uint32_t **place = lie_down(s, (const uint32_t *)(uintptr_t)words[0].address);
    long r = syscall(WAITV_CALL, words, (long)n, 0L, &t, (long)CLOCK_MONOTONIC);
    int error = r < 0 ? errno : 0;
    get_up(place);
    if (error == ENOSYS || error == EPERM || error == EACCES)
        store_relaxed(&cannot, 1);
    if (error && error != EAGAIN && error != ETIMEDOUT && error != EINTR)
        return WAKE_CANNOT; /* also without memory */
    return error == EINTR ? WAKE_HANDLED : WAKE_SLEPT;
}

void wake_own(struct splinter_store *s)
{
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        const uint32_t *word = load_acquire(&s->sleepers[i]);
        if (word)
            wake_sleepers(word);
    }
}

uint32_t wake_ask(uint32_t *word)
{
    uint32_t expected = load_relaxed(word);
    /* Pairs with the load in wake(): the writer sees the bit, or we see its change. [=sleep] */
    while (!(expected & 1) && !cas_seq_cst(word, &expected, expected | 1))
        ;
    fence_seq_cst();
    return expected | 1;
}

static void wake(uint32_t *word)
{
    uint32_t expected = load_seq_cst(word); /* pairs with the CAS in wake_ask() [=sleep] */
    while (expected & 1)
        if (cas_seq_cst(word, &expected, (expected & ~1u) + 2)) {
            fault_point("wake: bit cleared");
            wake_sleepers(word);
            return;
        }
}

void wake_key(struct bucket *home)
{
    wake(&home->wait);
}

void wake_any(struct splinter_store *s)
{
    wake(&s->header->any_wait);
}
