/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - what all watches of a handle share: their waits for any change of the store */
#ifndef SPLINTER_SOURCE_H
#define SPLINTER_SOURCE_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

#define SOURCE_NAP_NS UINT64_C(500000) /* half of the first nap */

/* Of the watcher, which protects it (watcher.c). */
struct source {
    struct source *next;
    struct splinter_store *store;
    uint32_t watches;
    bool wanted; /* something waits for it */
    bool feeds;  /* also a feed or a prefix */
    bool look;   /* in this pass the thread looks at all that waits for it */
    bool asked;
    bool busy;
    uint32_t expected;
    uint32_t untold; /* how often something has happened that no counter of the store tells */
    uint64_t chores_at;  /* when the dead were looked for last */
    uint64_t look_again; /* not before that */
    uint64_t nap;
};

/* The source of the handle in the list; it is made for the first watch.  NULL: no memory. */
struct source *source_enter(struct source **list, struct splinter_store *s);

/* The last watch frees it. */
void source_leave(struct source **list, struct source *src);

#endif
