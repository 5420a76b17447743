/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h - futex words: to sleep on one, and to wake those who do */
#ifndef SPLINTER_WAKE_H
#define SPLINTER_WAKE_H

#include "handle.h"
#include "layout.h"
#include "names.h"

/* Sleep while the word is `seen`, for at most so many nanoseconds. */
void futex_wait(const uint32_t *word, uint32_t seen, uint64_t ns);

/* Ask to be woken: the word as it is now, with the bit set, to be given to futex_wait().  The caller
 * looks once more at what it waits for before it sleeps. */
uint32_t wake_ask(uint32_t *word);

/* Wake those who wait for a key of this home bucket, or for anything. */
void wake_key(struct bucket *home);
void wake_any(struct splinter_store *s);

#endif
