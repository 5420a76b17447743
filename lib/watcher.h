/* SPDX-License-Identifier: Apache-2.0 */
/* watcher.h - the one thread of the process that waits for all watches */
#ifndef SPLINTER_WATCHER_H
#define SPLINTER_WATCHER_H

#include <stdbool.h>

#include "changed.h"
#include "handle.h"
#include "key.h"
#include "names.h"
#include "public.h"
#include "readable.h"

/* What one call of splinter_watch_add_*() has added. */
enum watched_kind { WATCHED_KEY, WATCHED_FEED, WATCHED_PREFIX };

struct watched {
    /* Written under the watcher's mutex. */
    struct watched *next, **link; /* of those that wait, or are ready (then without `link`) */
    bool fresh;                   /* it waits, and the thread has not looked at it */
    bool own;                     /* it has a word of its own in this pass of the thread */
    bool asked;                   /* the bit of the word was set, and it was `expected` then */
    uint32_t expected;
    uint64_t asked_at;   /* when it was */
    uint64_t loud_until; /* others use the word a lot: until then the thread looks by itself, */
    uint64_t loud_ns;    /* for so long the last time */
    uint64_t owner_at;   /* a key with an owner: when to look if it lives; 0: it has none */
    uint64_t seen;       /* a key: the epoch it must pass; else what the counter must pass */
    uint64_t due;        /* CLOCK_MONOTONIC; it is ready then in any case; 0: never */

    /* Written before the watcher has it. */
    struct splinter_watch *watch;
    struct watched *after; /* all of the watch */
    enum watched_kind kind;
    uint64_t tag;
    uint32_t *word;        /* of a key; NULL: the handle cannot ask to be woken */
    struct key key;        /* leads to `text` */
    splinter_feed *feed;   /* the changes of a feed, */
    bool own_feed;         /* which was opened for this, */
    struct changed *keys;  /* or of a prefix in a store without one */
    char text[];
};

struct splinter_watch {
    struct splinter_store *store;
    uint32_t generation; /* of the process in which it was opened: fork_now() */
    pthread_mutex_t mutex;              /* one thread at a time is in splinter_watch_next() */
    struct watched *all;                /* under the watcher's mutex, as what follows */
    struct watched *ready, **ready_end; /* what may have something to tell, in that order */
    size_t ready_count;
    struct readable readable; /* the descriptor */
    struct source *source; /* what all watches of the handle share */
};

/* The watch is there from now on, and so is the thread; or it is not any more, nor what was added
 * to it.  watcher_enter() returns 0, -ENOMEM, -EAGAIN: no thread could be made; or -ECANCELED: the
 * library is being unloaded.  The caller is in the process of the watch. */
int watcher_enter(struct splinter_watch *w);
void watcher_leave(struct splinter_watch *w);

/* Add something to a watch, at first as ready. */
void watcher_add(struct watched *it);

/* Take the first that is ready.  NULL: none is, and the descriptor is not readable from now on. */
struct watched *watcher_take(struct splinter_watch *w);

/* Put it back: as ready; or to wait until it has passed `seen`, or until `due`. */
void watcher_ready(struct watched *it);
void watcher_wait(struct watched *it, uint64_t seen, uint64_t due);

#endif
