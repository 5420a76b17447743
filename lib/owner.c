/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.c - ephemeral keys: to which attachment a record belongs, and whether that is still there
 *
 * The owner of an ephemeral key is an attachment: an entry of the registry, and its incarnation.
 * Before it publishes its first ephemeral key it takes the kernel's lock on a byte of its own,
 * LOCK_LIFE + the entry, which nobody else takes.  The lock of the entry would not do, as a cleaner
 * takes that one also, and might be stopped with it.
 *
 * Invariants
 *  - While a record of an owner can be found, and the owner lives, its entry has its incarnation,
 *    and its byte is locked.  So if one of the two is not so, the owner is gone, and so is the key,
 *    for every reader, before anybody has cleaned up.
 *  - An entry gets its next incarnation before the next owner locks the byte.  So a reader that
 *    finds the byte locked, and the incarnation unchanged after that, has met a living owner.
 *  - entry.owned counts no fewer keys than the owner has.  A death leaves it too high.
 *  - Whoever ends an incarnation whose entry.owned is not 0 makes a sweep look for its keys.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "error.h"
#include "fault.h"
#include "fork.h"
#include "handle.h"
#include "owner.h"
#include "registry.h"

/* Does the entry, whose incarnation has these low bits, belong to this handle, which has the lock?
 * */
static bool is_own(struct splinter_store *s, uint32_t entry)
{
    return !s->read_only && !unattached(s) && entry == s->entry &&
           load_relaxed(&s->owning) == s->incarnation;
}

int owner_gone(struct splinter_store *s, uint64_t owner)
{
    uint32_t i = owner_entry(owner);
    const uint64_t mask = (UINT64_C(1) << OWNER_INCARNATION_BITS) - 1;
    if (i >= load_acquire(&s->header->registry_used)) /* this library did not write that */
        return 1;
    const uint64_t *incarnation = &s->registry[i].incarnation;
    if ((load_acquire(incarnation) & mask) != owner_incarnation(owner))
        return 1;
    if (is_own(s, i))
        return 0;
    int lives = registry_lives(s, i);
    if (lives <= 0)
        return lives ? lives : 1;
    return (load_acquire(incarnation) & mask) != owner_incarnation(owner);
}

uint32_t owner_pid(const struct splinter_store *s, uint64_t owner)
{
    uint32_t i = owner_entry(owner);
    uint32_t used = load_acquire(&s->header->registry_used);
    uint32_t pid = i < used ? load_relaxed(&s->registry[i].pid) : 0;
    return pid ? pid : UINT32_MAX;
}

int owner_begin(struct splinter_store *s, uint64_t *owner)
{
    int r = 0;
    *owner = owner_word(s->entry, s->incarnation);
    if (load_relaxed(&s->owning) == s->incarnation)
        return 0;
    pthread_mutex_lock(&s->mutex);
    if (s->owning != s->incarnation) {
        r = registry_lock_life(s);
        fault_point("owner: lock of life");
        if (!r)
            store_relaxed(&s->owning, s->incarnation);
    }
    pthread_mutex_unlock(&s->mutex);
    return r ? error_set(-r, "cannot lock a byte of the store, to own a key: %s", strerror(-r)) : 0;
}

bool owner_end(struct splinter_store *s)
{
    if (load_relaxed(&s->owning) != s->incarnation)
        return false;
    store_relaxed(&s->owning, 0);
    registry_unlock_life(s);
    fault_point("owner: end of life");
    return owner_has_keys(s, s->entry);
}

/* Add to entry.owned, if it still counts for this owner, and has not been lowered to 0. */
static void count(struct splinter_store *s, uint64_t owner, int by)
{
    uint32_t i = owner_entry(owner);
    if (i >= load_acquire(&s->header->registry_used))
        return;
    uint64_t *owned = &s->registry[i].owned, expected = load_relaxed(owned);
    while ((uint32_t)(expected >> 32) == (uint32_t)owner_incarnation(owner) &&
           (by > 0 || (uint32_t)expected))
        if (cas_seq_cst(owned, &expected, by > 0 ? expected + 1 : expected - 1))
            break;
}

void owner_more(struct splinter_store *s, uint64_t owner)
{
    count(s, owner, 1);
    fault_point("owner: one key more");
}

void owner_less(struct splinter_store *s, uint64_t owner)
{
    count(s, owner, -1);
    fault_point("owner: one key less");
}

bool owner_dead(struct splinter_store *s, uint32_t entry)
{
    uint64_t incarnation = load_acquire(&s->registry[entry].incarnation);
    return owner_gone(s, owner_word(entry, incarnation)) == 1 && owner_has_keys(s, entry);
}
