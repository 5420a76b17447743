/* SPDX-License-Identifier: Apache-2.0 */
/* fork.h - has a fork happened, and the list of handles for it */
#ifndef SPLINTER_FORK_H
#define SPLINTER_FORK_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* From watch to unwatch a handle is told of forks. */
void fork_watch(struct splinter_store *s);
void fork_unwatch(struct splinter_store *s);

extern uint32_t fork_generation; /* of this process */
extern uint32_t *fork_page;      /* the same; 0 in a child that has not noticed yet */
bool fork_seen(struct splinter_store *s);

/* Is this a child that uses the handle of its parent, and has no entry of its own yet? */
static inline bool fork_happened(struct splinter_store *s)
{
    return load_acquire(&s->fork_generation) != load_relaxed(fork_page) && fork_seen(s);
}

#endif
