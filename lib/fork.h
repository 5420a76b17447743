/* SPDX-License-Identifier: Apache-2.0 */
/* fork.h - has the handle attached, and has this process been forked since? */
#ifndef SPLINTER_FORK_H
#define SPLINTER_FORK_H

#include <stdbool.h>

#include "atomic.h"
#include "handle.h"
#include "names.h"

/* Adds the handle to the list that a fork works through, or removes it.  It is there from before it
 * has a descriptor for locks until after it has none.  Takes handles_mutex. */
void fork_watch(struct splinter_store *s);
void fork_unwatch(struct splinter_store *s);

/* Between the two no thread of the process forks: for the moment in which a descriptor is open that
 * the handle does not name yet, or no longer.  Not while it waits for anything. */
void fork_hold(void);
void fork_resume(void);

/* The kernel has just given s->fd or s->lock_fd: takes that number from a handle that still has it
 * in fd.  Between fork_hold() and fork_resume(). */
void fork_numbers(const struct splinter_store *s);

/* The number of forks between the first process and this one, plus one.  Written by a child that
 * notices that it is one, read by every writer. */
extern uint32_t fork_generation;

/* The same number, in a page that the kernel clears in a child: 0 until the child notices. */
extern uint32_t *fork_page;

/* The number of the forks before this process, plus one, also in a child that was made without the
 * handlers of pthread_atfork(3). */
uint32_t fork_now(void);

/* unattached() for a handle whose generation differs from *fork_page. */
bool fork_seen(struct splinter_store *s);

/* Has the handle no registry entry of this process?  attach_own() gives it one, at the latest with
 * its first change; and in a child of fork, with the first one there. */
static inline bool unattached(struct splinter_store *s)
{
    return load_acquire(&s->fork_generation) != load_relaxed(fork_page) && fork_seen(s);
}

#endif
