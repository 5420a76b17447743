/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h - futex words: sleep on one, and wake those that sleep */
#ifndef SPLINTER_WAKE_H
#define SPLINTER_WAKE_H

#include <stdbool.h>

#include "handle.h"
#include "layout.h"
#include "names.h"

/* Sleep while the word is `expected`, for at most `ns` nanoseconds.  It may return early.  True: a
 * signal handler has run.  If s is NULL, wake_own() does not wake this thread. */
bool wake_sleep(struct splinter_store *s, const uint32_t *word, uint32_t expected, uint64_t ns);

/* A word to sleep on, as futex_waitv(2) takes it. */
struct wake_word {
    uint64_t expected;
    uint64_t address;
    uint32_t flags;
    uint32_t reserved;
};

/* futex_waitv(2), with the same number on all machines but one.  Old headers do not know it. */
#ifdef __alpha__
#define WAITV_CALL 559L
#else
#define WAITV_CALL 449L
#endif

/* As many words the kernel takes at once. */
#define WAKE_WORDS 128

struct wake_word wake_word(const uint32_t *word, uint32_t expected);

/* False: the kernel has said that it cannot sleep on many words.  It is older than Linux 5.16, or
 * does not let this process. */
bool wake_can_many(void);

/* The same as wake_sleep(), while all of the words, 1 to WAKE_WORDS, are as expected.  WAKE_CANNOT:
 * it has not slept. */
enum wake_slept { WAKE_SLEPT, WAKE_HANDLED, WAKE_CANNOT };
enum wake_slept wake_sleep_many(struct splinter_store *s, const struct wake_word *words, uint32_t n,
                                uint64_t ns);

/* Wake the threads of this handle that are in one of the two, as far as it knows them.  A
 * signal handler may call it. */
void wake_own(struct splinter_store *s);

/* Wake all that sleep on this word, which the caller has changed. */
void wake_sleepers(const uint32_t *word);

/* Ask to be woken: set the bit of the word, and return the word for wake_sleep().  Before it sleeps
 * the caller looks once more at what it waits for. */
uint32_t wake_ask(uint32_t *word);

/* Wake the waiters for keys of this home bucket, */
void wake_key(struct bucket *home);

/* and those in wait_any.  The caller has published what they wait for. */
void wake_any(struct splinter_store *s);

#endif
