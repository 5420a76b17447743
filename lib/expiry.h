/* SPDX-License-Identifier: Apache-2.0 */
/* expiry.h - the time of a store, and ends of life */
#ifndef SPLINTER_EXPIRY_H
#define SPLINTER_EXPIRY_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* The clock of a durable store goes on from its last sync point, or from CLOCK_REALTIME if that is
 * NULL.  The caller holds the lock of openers, and nobody has the store open to write. */
void expiry_begin(struct splinter_store *s, const struct sync_point *last);

/* The store's time, in nanoseconds. */
uint64_t expiry_now(struct splinter_store *s);

/* The end of a life that begins now.  A life may be as long as UINT64_MAX. */
uint64_t expiry_after(struct splinter_store *s, uint64_t life);

/* Has this end of life passed?  0: it never does. */
bool expiry_passed(struct splinter_store *s, uint64_t expiry);

/* How much of a life is left that has not ended: at least 1, and 0 if it has no end. */
uint64_t expiry_left(struct splinter_store *s, uint64_t expiry);

/* A record will have an end of life, or an owner: TTL_*.  To be called before it is published. */
void expiry_used(struct splinter_store *s, uint32_t has);

/* A record with this end of life is in its slot.  To be called before that is announced. */
void expiry_note(struct splinter_store *s, uint64_t expiry);

/* Lives have ended of which nobody may have been told: the next waiter of wait_any looks. */
void expiry_orphans(struct splinter_store *s);

/* How long it is until a life ends of which nobody has been told; 0: it has.  UINT64_MAX: for
 * ever. */
uint64_t expiry_next(struct splinter_store *s);

/* A sweep tells of all ends up to now.  If there are any, the first call returns true, and lets
 * others look again a second later, in case the sweep dies; the second one, after the sweep, says
 * when the next life ends.  `lives` is that of the header from before the sweep. */
bool expiry_telling(struct splinter_store *s, uint64_t *claim, uint32_t *lives);
void expiry_told(struct splinter_store *s, uint64_t claim, uint32_t lives, uint64_t next);

/* The same moment, in the time of another store. */
uint64_t expiry_moved(struct splinter_store *from, struct splinter_store *to, uint64_t expiry);

#endif
