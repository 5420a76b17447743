/* SPDX-License-Identifier: Apache-2.0 */
/* wake.c - futex words: sleep on one, and wake those that sleep (the protocol is in wait.c) */
#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
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

static bool futex_wait(const uint32_t *word, uint32_t expected, uint64_t ns)
{
    struct {
        futex_time sec, nsec;
    } t = {(futex_time)(ns / 1000000000), (futex_time)(ns % 1000000000)};
    return syscall(FUTEX_CALL, word, FUTEX_WAIT, expected, &t, NULL, 0) && errno == EINTR;
}

static void futex_wake(const uint32_t *word)
{
    syscall(FUTEX_CALL, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

bool wake_sleep(struct splinter_store *s, const uint32_t *word, uint32_t expected, uint64_t ns)
{
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        const uint32_t *none = NULL;
        if (load_relaxed(&s->sleepers[i]) || !cas_seq_cst(&s->sleepers[i], &none, word))
            continue;
        bool handled = futex_wait(word, expected, ns);
        store_release(&s->sleepers[i], NULL);
        return handled;
    }
    return futex_wait(word, expected, ns);
}

void wake_own(struct splinter_store *s)
{
    for (uint32_t i = 0; i < SLEEPERS; i++) {
        const uint32_t *word = load_acquire(&s->sleepers[i]);
        if (word)
            futex_wake(word);
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
            futex_wake(word);
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
