/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h - futex words: sleep on one, and wake those that sleep */
#ifndef SPLINTER_WAKE_H
#define SPLINTER_WAKE_H

#include <stdbool.h>

#include "handle.h"
#include "layout.h"
#include "names.h"

/* Sleep while the word is `expected`, for at most `ns` nanoseconds.  It may return early.  True: a
 * signal handler has run. */
bool wake_sleep(struct splinter_store *s, const uint32_t *word, uint32_t expected, uint64_t ns);

/* Wake the threads of this handle that are in wake_sleep(), as far as it knows them.  A signal
 * handler may call it. */
void wake_own(struct splinter_store *s);

/* Ask to be woken: set the bit of the word, and return the word for wake_sleep().  Before it sleeps
 * the caller looks once more at what it waits for. */
uint32_t wake_ask(uint32_t *word);

/* Wake the waiters for keys of this home bucket, */
void wake_key(struct bucket *home);

/* and those in wait_any.  The caller has published what they wait for. */
void wake_any(struct splinter_store *s);

#endif
