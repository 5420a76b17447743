/* SPDX-License-Identifier: Apache-2.0 */
/* handle.h - struct splinter_store: what a process keeps about a store that it has open */
#ifndef SPLINTER_HANDLE_H
#define SPLINTER_HANDLE_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>

#include "layout.h"
#include "names.h"
#include "public.h"

/* Units that hold the header of a record and any key, or a short key and an inlined value. */
#define FAST_UNITS ((uint32_t)((sizeof(struct record) + SPLINTER_KEY_MAX) / UNIT + 1))

#define SLEEPERS 16

/* A size class of blocks. */
struct size_class {
    uint32_t units;      /* of a block; of a large one, the most that it can have */
    uint32_t blocks;     /* of one slab */
    uint32_t first;      /* unit of the slab at which the first block begins */
    uint32_t run;        /* how many places of `slabs` one slab takes */
    uint32_t most_slabs; /* that the class may have at once (arena.c) */
};

static inline bool class_is_large(const struct size_class *class)
{
    return class->first == LARGE_FIRST;
}

/* The private half of a lane; the shared half is struct lane.  Written and read by the thread that
 * holds the lane, except for `busy`, which every thread of the process tries to set. */
struct lane_private {
    alignas(64) uint32_t busy; /* 1: a thread holds the lane; set by exchange, cleared by release */
    uint32_t number;           /* lane_number_of(); record.lane of its records and blocks */
    struct lane *shared;
    struct feed_lane *feed; /* of a store with a feed; NULL: its ring is not reserved yet */
    uint32_t spare_class[LANE_SPARES]; /* class + 1 of each spare; 0: no spare */
    uint32_t spare_ref[LANE_SPARES];   /* its reference, as the shared half cannot be trusted */
    uint32_t last;                     /* the spare that a change left last */
    uint32_t evict;                    /* the spare to give up next, modulo LANE_SPARES */
    uint32_t cursor;                   /* the slab at which the next search begins */
    uint32_t freed;                    /* the large block that the lane gave up last */
    uint32_t slab[MAX_CLASSES];        /* for each class the slab + 1 that last had room; 0: none */
};

struct splinter_store {
    /* Written before the opener has the handle, then only read, by every call. */
    uint8_t *base;
    struct header *header;
    uint64_t *index_map;
    struct entry *registry;
    struct bucket *index;
    struct group *groups;
    uint8_t *arena;
    struct feed_lane *feed_lanes;
    struct feed_line *feed_rings;
    struct geometry geo; /* checked against the file at open */
    uint64_t seed2;      /* computed from geo.seed */
    uint32_t slab_shift; /* log2 of slab_units */
    uint32_t classes;    /* number of size classes, */
    uint32_t small;      /* and of those of small blocks, which come first */
    struct size_class class[MAX_CLASSES];
    bool read_only;
    bool has_feed;
    bool durable;           /* GEOMETRY_DURABLE */
    bool holes_harmless;    /* a load from a hole of the file needs no memory (reading.c) */
    bool sync_each;         /* a sync follows every change */
    bool not_rebuilt;       /* SPLINTER_REBUILD was given, but others have the file open */
    bool left_open;         /* nobody had closed the file in order before this handle opened it */
    uint64_t sync_every_ns; /* if not 0, a change syncs if the last sync is as long ago */
    uint64_t arena_units;   /* of the largest arena that the store can ever have */
    size_t mapped;          /* bytes */

    /* Of a read-only handle of a durable store that nobody had opened to write since the boot: its
     * own clock_offset, which counts as long as that of the header is `clock_seen`. */
    bool clock_is_own;
    uint64_t clock_own, clock_seen;
    uint64_t clock_latest; /* the latest time that such a handle has given out; only raised */

    char path[PATH_MAX];    /* of the file, to open it again without /proc; empty: it has none */
    int fd;                 /* descriptor_file() says if it is still that of the file: */
    uint64_t device, inode; /* of this one */

    /* Written by file_covers_now(), in any thread, and read by every call: both only grow. */
    uint64_t known_units; /* arena units that are known to lie inside the file */
    uint32_t fast_units;  /* a reference below this has FAST_UNITS inside the file */

    uint32_t fast_value; /* longest value, in bytes, that set_fast() may set; written at the open */
    uint32_t closing;    /* 1: waiters must return; written by splinter_close() */

    /* When a waiter looks again for dead processes; and when waiters were last told of such, and of
     * lives that have ended, for a handle that cannot clean up after them.  CLOCK_MONOTONIC, in
     * nanoseconds.  Each second, however short the waits are. */
    uint64_t reap_at, deaths_told_at, ends_told_at;

    /* A number made of the dead owners of ephemeral keys of which waiters have been told, and when
     * that was, CLOCK_MONOTONIC.  For a handle that cannot clean up after them. */
    uint64_t owners_told, owners_told_at;

    uint32_t interrupted; /* 1: waits return -EINTR; written by splinter_store_interrupt() */
    bool eintr;           /* so does a wait when a signal handler has run */

    /* The words on which threads of this handle sleep, each in a place that it takes by
     * compare-and-swap.  A hint: a thread that finds no place sleeps without one. */
    const uint32_t *sleepers[SLEEPERS];

    /* The attachment.  Written under `mutex`, or before the opener has the handle. */
    uint32_t fork_generation; /* the process in which entry, incarnation and the lanes are valid;
                                 0: none, as nothing was changed yet; stored last (release) */
    uint64_t lock_mark;       /* how lock_fd is told from another descriptor of this number */
    void *lock_pin;           /* a page that keeps the locks if lock_fd is closed; NULL: none */
    uint32_t lock_process;    /* the process that opened lock_fd; 0: none yet */
    int lock_fd;              /* the open file description that has the kernel's locks */
    uint32_t entry;           /* number of the registry entry; MAX_ENTRIES: none */
    uint64_t incarnation;     /* of the entry, while this process has it */
    uint64_t owning;          /* the incarnation for which it may own ephemeral keys; 0: none */
    uint32_t holds;           /* splinter_store_hold() less splinter_store_release(); under mutex */

    const struct splinter_open_options *options; /* NULL once the store is open */

    /* Protects the attachment, and lets one thread at a time clean up after a dead process or mend
     * counts: threads share the kernel's locks.  Order: docs/architecture.md. */
    pthread_mutex_t mutex;

    /* Lets one thread of the process at a time sync.  Order: docs/architecture.md. */
    pthread_mutex_t sync_mutex;
    uint64_t freed; /* bytes that syncs have freed since one last looked what can be given back;
                       under sync_mutex */

    struct splinter_store *next, **link; /* the list of all handles; see handles_mutex in fork.c */
    struct lane_private lane[ENTRY_LANES];
};

/* The place of the record, or of the block, at this reference.  The caller has seen that the file
 * reaches beyond it. */
static inline struct record *record_at_ref(const struct splinter_store *s, uint64_t ref)
{
    return (struct record *)(void *)(s->arena + ref * UNIT);
}

#endif
