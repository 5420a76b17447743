/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - a process gets an entry of the registry, another one after a fork, and leaves */
#ifndef SPLINTER_ATTACH_H
#define SPLINTER_ATTACH_H

#include <errno.h>

#include "fork.h"
#include "handle.h"
#include "names.h"

/* The first entry of a handle.  Fails with a sentence. */
int attach_join(struct splinter_store *s);

/* In a child of fork: an entry of its own. */
int attach_rejoin(struct splinter_store *s);
void attach_leave(struct splinter_store *s);

/* Before a change: -EROFS; or, in a child of fork, an entry of its own. */
static inline int attach_own(struct splinter_store *s)
{
    if (s->read_only)
        return -EROFS;
    return fork_happened(s) ? attach_rejoin(s) : 0;
}

#endif
