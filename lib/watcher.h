/* SPDX-License-Identifier: Apache-2.0 */
/* watcher.h - the one thread of the process that waits for all watches */
#ifndef SPLINTER_WATCHER_H
#define SPLINTER_WATCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "names.h"
#include "pass.h"

/* The watch is there from now on, and so is the thread; or it is not any more, nor what was added
 * to it.  watcher_enter() returns 0, -ENOMEM, -EAGAIN: no thread could be made; or -ECANCELED: the
 * library is being unloaded.  The caller is in the process of the watch. */
int watcher_enter(struct splinter_watch *w);
void watcher_leave(struct splinter_watch *w);

/* Add something to a watch, at first as ready. */
void watcher_add(struct watched *it);

/* How much is ready; and take the first.  NULL: there is none. */
size_t watcher_count(struct splinter_watch *w);
struct watched *watcher_take(struct splinter_watch *w);

/* What a look has left. */
struct watched_left {
    uint64_t seen, due, not_before; /* as in struct watched */
};

/* Put it back: as ready; or to wait. */
void watcher_ready(struct watched *it);
void watcher_wait(struct watched *it, const struct watched_left *left);

/* The call has put back what it has taken: from now on the thread waits for it.  `told`: it returns
 * an event, and the program will call again.  Else the descriptor tells if anything is ready.
 * True: something is. */
bool watcher_back(struct splinter_watch *w, bool told);

#endif
