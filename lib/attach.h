/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - a handle gets a registry entry, gets another one after a fork, and gives it back */
#ifndef SPLINTER_ATTACH_H
#define SPLINTER_ATTACH_H

#include <errno.h>

#include "fork.h"
#include "handle.h"
#include "names.h"

/* Opens, or closes, the descriptor for locks; closing releases them.  A child of fork closes its
 * copy at once, whenever the fork comes.  0 or a negative errno, without a sentence. */
int attach_locks_open(struct splinter_store *s);
void attach_locks_close(struct splinter_store *s);

/* Opens the descriptor for locks in a child of fork, which does not share that of its parent.  The
 * caller holds mutex.  Errors as above. */
int attach_locks_own(struct splinter_store *s);

/* Prepares a new writable handle.  If a durable store has to be brought into order, it does that,
 * rebuilds the index, and gives the handle an entry.  Otherwise the handle gets one from its first
 * attach_own(), so that those that only read leave them to others.  -EUSERS: all entries are
 * taken; -ENOSPC; -EAGAIN: another opener makes no progress; or what the kernel returned.  Most of
 * them with a sentence. */
int attach_join(struct splinter_store *s);

/* Gives the handle an entry in this process.  Takes mutex.  Errors as above. */
int attach_now(struct splinter_store *s);

/* Gives the entry back.  No thread may use the handle any more. */
void attach_leave(struct splinter_store *s);

/* To be called before each change, sync, trim and hold.  0: the handle has an entry; -EROFS; or the
 * errors above. */
static inline int attach_own(struct splinter_store *s)
{
    if (s->read_only)
        return -EROFS;
    return unattached(s) ? attach_now(s) : 0;
}

#endif
