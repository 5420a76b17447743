/* SPDX-License-Identifier: Apache-2.0 */
/* handle.h - the private side of a store: what a process keeps of it */
#ifndef SPLINTER_HANDLE_H
#define SPLINTER_HANDLE_H

#include <pthread.h>
#include <stdbool.h>

#include "layout.h"
#include "names.h"
#include "public.h"

/* Units of a record's header with any key, or with a short key and a value copied in line. */
#define FAST_UNITS ((uint32_t)((sizeof(struct record) + SPLINTER_KEY_MAX) / UNIT + 1))

/* What a process keeps of a lane; the shared half is struct lane. */
struct lane_private {
    alignas(64) uint32_t busy; /* a thread has it */
    uint32_t number;           /* lane_number_of(): stands in its records */
    struct lane *shared;
    uint32_t spare_class[LANE_SPARES]; /* class + 1 of each spare; 0: none */
    uint32_t spare_ref[LANE_SPARES];   /* and where it is: the shared half is not to be trusted */
    uint32_t last;                     /* the spare that was kept last */
    uint32_t evict;                    /* the spare to give up next */
    uint32_t cursor;                   /* slab to look at next for free blocks */
    uint32_t slab[MAX_CLASSES];        /* slab + 1 this lane owns, by class */
};

struct splinter_store {
    /* Read by every call, written before the handle is handed out. */
    uint8_t *base;
    struct header *header;
    uint64_t *index_map;
    uint64_t *limbo_map; /* durable stores: a bit a slab with records that wait for a sync */
    struct entry *registry;
    struct bucket *index;
    uint8_t *arena;
    struct geometry geo; /* checked against the file at open */
    uint64_t seed2; /* follows from geo.seed */
    uint32_t slab_shift; /* log2 of slab_units */
    uint32_t classes;
    bool read_only;
    bool durable;    /* GEOMETRY_DURABLE */
    bool is_private; /* read-only, of a copy in memory whose index was rebuilt there */
    bool sync_each;  /* every change is followed by a sync; else, if not 0, one each: */
    uint64_t sync_every_ns;
    uint64_t arena_units;
    size_t mapped;
    int fd;

    /* Arena units known to lie inside the file: what lies beyond is looked up anew. */
    uint64_t known_units;
    uint32_t fast_units; /* references below this have FAST_UNITS behind them */
    uint32_t fast_value; /* up to this long, a value may be set by set_fast(); 0: none may */

    uint32_t closing; /* waiters are to leave */

    /* Attachment: valid in the process whose fork generation this is. */
    uint32_t fork_generation;
    int lock_fd;
    uint32_t entry; /* number of the registry entry */
    uint64_t incarnation;
    const struct splinter_open_options *options; /* while it is being opened */
    pthread_mutex_t mutex; /* attach, reap, repair */
    pthread_mutex_t sync_mutex; /* taken before `mutex` */
    struct splinter_store *next, **link; /* all handles, for fork */
    struct lane_private lane[ENTRY_LANES];
};

/* Where a record is, or would be.  The caller has seen that the file reaches there. */
static inline struct record *record_at_ref(const struct splinter_store *s, uint64_t ref)
{
    return (struct record *)(void *)(s->arena + ref * UNIT);
}

#endif
