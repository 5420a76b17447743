/* SPDX-License-Identifier: Apache-2.0 */
/* pass.h - a pass of the watcher's thread: what may have something to tell; what to sleep on */
#ifndef SPLINTER_PASS_H
#define SPLINTER_PASS_H

#include <pthread.h>
#include <stdbool.h>

#include "changed.h"
#include "handle.h"
#include "key.h"
#include "names.h"
#include "public.h"
#include "readable.h"
#include "source.h"
#include "wake.h"

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
    uint64_t not_before; /* and not ready before that */
    uint32_t untold;     /* what source.untold was before the last look */
    bool anyway;         /* it was higher than before the look before */
    int error;           /* a key: what the last look has failed with, and has told; else 0 */

    /* Written before the watcher has it. */
    struct splinter_watch *watch;
    struct watched *after; /* all of the watch */
    enum watched_kind kind;
    uint64_t tag;
    uint32_t *word;        /* of a key; NULL: the handle cannot ask to be woken */
    struct key key;        /* leads to `text` */
    splinter_feed *feed;   /* the changes of a feed, */
    bool own_feed;         /* which was opened for this, */
    struct changed *keys;  /* or of a prefix in a store without one; */
    uint64_t walked;       /* how long the walk has taken so far */
    uint64_t hole_ns;      /* of a feed: how long it waited last for a number that is missing */
    char text[];
};

struct splinter_watch {
    struct splinter_watch *next; /* of all that are open in this process */
    struct splinter_store *store;
    uint32_t generation; /* of the process in which it was opened: fork_now() */
    pthread_mutex_t mutex;              /* one thread at a time is in splinter_watch_next() */
    struct watched *all;                /* under the watcher's mutex, as what follows */
    struct watched *ready, **ready_end; /* what may have something to tell, in that order */
    size_t ready_count;
    struct readable readable; /* the descriptor */
    struct source *source; /* what all watches of the handle share */
};

/* What the thread looks at, under the watcher's mutex; and what it is to sleep on after a pass. */
struct pass {
    pthread_mutex_t *mutex; /* the watcher's, and how many calls want it */
    const uint32_t *wanted;
    struct source *sources;
    struct watched *waiting;
    struct watched *next; /* the pass under way goes on there */
    struct wake_word words[WAKE_WORDS]; /* the first is for the watcher's bell */
    uint32_t used;
    uint64_t until; /* when it wakes by itself */
};

/* At `now`, look at what may have stirred; if `all`, at everything.  What has is ready then.  The
 * caller has the mutex; others have it now and then meanwhile. */
void pass_make(struct pass *p, uint64_t now, bool all);

/* It wakes at that time by itself, or earlier. */
static inline void pass_wake_by(struct pass *p, uint64_t when)
{
    if (when < p->until)
        p->until = when;
}

/* It waits no more. */
void watched_stop(struct pass *p, struct watched *it);

/* It may have something to tell: the last in the list of its watch, whose descriptor says so. */
void watched_ready(struct watched *it);

#endif
