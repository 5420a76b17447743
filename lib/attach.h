/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - a process gets a registry entry, gets another one after a fork, and gives it back */
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

/* Gives a new writable handle its entry.  Of a durable store that no other process has open it
 * first brings the file into order; it rebuilds the index if necessary.  -EUSERS: all entries are
 * taken; -ENOSPC, -EAGAIN: another opener makes no progress; or what the kernel returned.  Most of
 * them with a sentence. */
int attach_join(struct splinter_store *s);

/* Gives the handle an entry of its own in a child of fork.  Takes mutex.  Errors as above. */
int attach_rejoin(struct splinter_store *s);

/* Gives the entry back.  No thread may use the handle any more. */
void attach_leave(struct splinter_store *s);

/* To be called before each change.  0: this process has an entry; -EROFS; or the errors above. */
static inline int attach_own(struct splinter_store *s)
{
    if (s->read_only)
        return -EROFS;
    return fork_happened(s) ? attach_rejoin(s) : 0;
}

#endif
