/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h - wait for a change of a key, or for any change */
#ifndef SPLINTER_WAIT_H
#define SPLINTER_WAIT_H

#include "handle.h"
#include "key.h"
#include "names.h"

#define WAIT_OWNER_NS UINT64_C(4000000) /* how often one asks whether the owner of a key lives */

/* How long a wait may go on. */
struct patience {
    uint64_t begin, end; /* of the wait, CLOCK_MONOTONIC */
    uint64_t nap;        /* length of the next nap */
};

struct patience patience_for(uint64_t timeout_ms);

/* How many nanoseconds to sleep at most until the next look; 0: the wait is over. */
uint64_t patience_slice(const struct patience *p);

/* For who cannot ask to be woken: as wake_sleep(), for a time that doubles with each call, to 5 ms,
 * and is at most `most`. */
bool patience_nap(struct splinter_store *s, struct patience *p, const uint32_t *word,
                  uint32_t expected, uint64_t most);

/* Until when this thread spins before it sleeps; and what it learns for the next wait when one is
 * over, in which it slept or not. */
uint64_t patience_spin(const struct patience *p);
void patience_learn(const struct patience *p, bool slept);

/* What a wait has seen of its key.  As long as slot->current is `current`, nothing has changed; if
 * `slot` is NULL, only another look can tell. */
struct key_seen {
    uint64_t epoch; /* of the value */
    uint64_t owner; /* of an ephemeral key, which may end without a change of the slot; else 0 */
    const struct slot *slot;
    uint64_t current;
};

/* Looks once.  0: the key has a value with an epoch above `since`; -EAGAIN: not yet, or too many
 * races were lost; -ENOENT: `since` is not 0, and there is no such key; or another errno. */
int key_passed(struct splinter_store *s, const struct key *key, uint64_t since,
               struct key_seen *seen);

/* How many nanoseconds to sleep at most, of `ns`, as the owner of the key may die. */
static inline uint64_t key_slice(const struct key_seen *seen, uint64_t ns)
{
    return seen->owner && ns > WAIT_OWNER_NS ? WAIT_OWNER_NS : ns;
}

/* The key was found gone: if its owner is, others hear of that as well. */
void key_gone(struct splinter_store *s, const struct key *key, const struct key_seen *seen);

/* The word that a writer of the key looks at, for wake_ask(); NULL: this handle cannot ask. */
uint32_t *key_word(struct splinter_store *s, const struct key *key);

/* What nobody counts.  If a call says true, this handle may not clean up, and thereby step the
 * epoch: the caller has to look at the store by itself.  Each waiter that began (CLOCK_MONOTONIC)
 * before that was first told is told at once, others once a second. */

/* Cleans up after dead processes once a second: a writer may have died after it published, and
 * before it stepped the epoch.  True: one is dead. */
bool wait_dead_untold(struct splinter_store *s, uint64_t begin);

/* Does somebody else own ephemeral keys (*any)?  The deaths of such owners are looked for at each
 * call.  True: an owner is dead. */
bool wait_owner_untold(struct splinter_store *s, uint64_t begin, bool *any);

/* If a life has ended, and nobody has told of it, a sweep does.  True: this handle cannot sweep, or
 * would have to take an entry for it. */
bool wait_end_untold(struct splinter_store *s, uint64_t begin);

/* One of the three was true, and somebody follows a feed, which tells of an end only when a handle
 * has cleaned up.  So this one attaches, if it may write, and cleans up the next time. */
void wait_for_ends_told(struct splinter_store *s);

/* Waits until a change has a number above `since`, for as many nanoseconds at most.  0: it has, or
 * something may have happened that nobody has numbered; -ETIMEDOUT; or -EINTR or -EBADF, as for
 * splinter_store_wait_any(). */
int wait_number(struct splinter_store *s, uint64_t since, uint64_t ns);

/* Is every wait with this handle over?  Then why: a negative errno.  0: it is not. */
int wait_ended(struct splinter_store *s);

/* As splinter_store_wait(), whose errors it returns. */
int key_wait(struct splinter_store *s, const struct key *key, uint64_t since, uint64_t timeout_ms,
             uint64_t *out_epoch);

#endif
