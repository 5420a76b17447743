/* SPDX-License-Identifier: Apache-2.0 */
/* owner.h - ephemeral keys: to which attachment a record belongs, and whether that is still there
 * */
#ifndef SPLINTER_OWNER_H
#define SPLINTER_OWNER_H

#include <stdbool.h>

#include "atomic.h"
#include "expiry.h"
#include "handle.h"
#include "names.h"

/* An owner as one number; layout.h says how a record has it. */
static inline uint64_t owner_word(uint32_t entry, uint64_t incarnation)
{
    uint64_t low = incarnation & ((1u << OWNER_LOW_BITS) - 1);
    uint64_t flags = (incarnation >> OWNER_LOW_BITS << 1 & UINT16_MAX) | RECORD_EPHEMERAL;
    return flags << 32 | low << OWNER_ENTRY_BITS | entry;
}

static inline uint32_t owner_marks(uint64_t owner)
{
    return (uint32_t)owner << OWNER_MARKS_SHIFT;
}

static inline uint32_t owner_entry(uint64_t owner)
{
    return (uint32_t)owner & (MAX_ENTRIES - 1);
}

static inline uint64_t owner_incarnation(uint64_t owner)
{
    return owner >> 33 << OWNER_LOW_BITS | (uint32_t)owner >> OWNER_ENTRY_BITS;
}

/* The owner of a record with this end of life, as owner_word(); 0: none, the key is not ephemeral.
 * What is read of a record counts only if its slot is afterwards seen unchanged. */
static inline uint64_t owner_of(const struct record *rec, uint64_t expiry)
{
    uint32_t flags = expiry ? load_relaxed(&rec->flags) : 0;
    if (!(flags & RECORD_EPHEMERAL))
        return 0;
    return (uint64_t)flags << 32 | load_relaxed(&rec->marks) >> OWNER_MARKS_SHIFT;
}

/* Is that attachment over: its handle closed, its process dead?  1, 0, or the error of the kernel,
 * which was asked in vain: -EBADF if the descriptors of the handle are gone. */
int owner_gone(struct splinter_store *s, uint64_t owner);

/* The process id of an owner, for people; not 0. */
uint32_t owner_pid(const struct splinter_store *s, uint64_t owner);

/* What has become of the life of a record. */
enum life { LIFE_LASTS, LIFE_EXPIRED, LIFE_ORPHANED };

/* An enum life; or a negative errno, as of owner_gone(). */
static inline int life_over(struct splinter_store *s, uint64_t expiry, uint64_t owner)
{
    if (expiry_passed(s, expiry))
        return LIFE_EXPIRED;
    int gone = owner ? owner_gone(s, owner) : 0;
    return gone > 0 ? LIFE_ORPHANED : gone;
}

/* How much of the life is left; 0 if it has no end but that of its owner. */
static inline uint64_t life_left(struct splinter_store *s, uint64_t expiry, uint64_t owner)
{
    return owner && expiry == UINT64_MAX ? 0 : expiry_left(s, expiry);
}

/* *owner is that of keys that this handle sets from now on.  The handle is attached, and the caller
 * does not hold mutex.  0, or an error of registry_lock_life(), with a sentence. */
int owner_begin(struct splinter_store *s, uint64_t *owner);

/* From now on the keys of this handle are gone, for every reader.  Were there any?  No other thread
 * uses the handle. */
bool owner_end(struct splinter_store *s);

/* Count a key of the owner before its record is published, and no longer when the record is gone,
 * or was not published.  Counts of an owner that is gone stay as they are. */
void owner_more(struct splinter_store *s, uint64_t owner);
void owner_less(struct splinter_store *s, uint64_t owner);

/* Does the attachment that has this entry own keys?  Perhaps not any more. */
static inline bool owner_has_keys(const struct splinter_store *s, uint32_t entry)
{
    return (uint32_t)load_relaxed(&s->registry[entry].owned) != 0;
}

/* Is the one that owns them gone, and nobody has cleaned up after it? */
bool owner_dead(struct splinter_store *s, uint32_t entry);

#endif
