/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the private side of a store, and what the files of the library call of each other */
#ifndef SPLINTER_INTERNAL_H
#define SPLINTER_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <splinter.h>
#include <stdbool.h>

#include "atomic.h"
#include "fault.h"
#include "layout.h"

/* Units of a record's header with any key, or with a short key and a value copied in line. */
#define PLAIN_UNITS ((uint32_t)((sizeof(struct record) + SPLINTER_KEY_MAX) / UNIT + 1))

#define RACES_MAX 100000u /* lost in a row before a call gives up with EAGAIN */

/* What a process keeps of a lane; the shared half is struct lane. */
struct lane_private {
    alignas(64) uint32_t busy; /* a thread has it */
    uint32_t number;           /* entry * 16 + lane + 1: the tag of its records; 0 is nobody's */
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
    uint32_t plain_units; /* references below this have PLAIN_UNITS behind them */
    uint32_t plain_value; /* up to this long, a value may be set by set_plainly(); 0: none may */

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

/* A slot in which a key was found, with the head and record seen there. */
struct found {
    struct slot *slot;
    uint64_t number;
    uint64_t head;
    struct record *rec;
    uint32_t bucket;
};

struct key {
    const char *s;
    uint32_t len;
    uint32_t home;
    uint64_t hash;
};

/* No call is a cancellation point, nor may one be cancelled that sleeps or opens something while
 * it holds a lane or a mutex: to the end of the scope, where it matters. */
static inline int cancel_disable(void)
{
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void cancel_restore(const int *before)
{
    pthread_setcancelstate(*before, NULL);
}

#define not_cancelled() \
    int cancel_before __attribute__((cleanup(cancel_restore), unused)) = cancel_disable()

/* error.c */
void error_clear(void);
__attribute__((format(printf, 2, 3))) int error_set(int err, const char *format, ...);

/* clock.c */
uint64_t now_realtime(void);
uint64_t now_monotonic(void);

/* backing.c: files */
extern const uint32_t splinter__default_backing;
/* Fills in a new store beyond its header, before its name is there. */
typedef int backing_filler(int fd, const struct geometry *geo, void *arg);
int backing_create(const char *name, uint32_t flags, uint32_t mode, const struct geometry *geo,
                   backing_filler *filler, void *arg, int *out_fd);
int backing_fill(int fd, const struct geometry *geo, const char *name);
bool backing_is_memory(uint32_t flags);
int backing_open(const char *name, uint32_t flags, bool *read_only, int *out_fd);
int backing_unlink(const char *name, uint32_t flags);
int backing_reopen(int fd, bool read_only);
int backing_read_geometry(int fd, const char *name, struct geometry *geo);
int backing_reserve(int fd, uint64_t offset, uint64_t length);
int backing_flush(int fd);
int backing_flush_range(void *from, size_t bytes);

/* geometry.c */
int geometry_make(struct geometry *geo, size_t slots, size_t max_value, uint32_t flags);
int geometry_check(const struct geometry *geo, const char *name);
uint32_t geometry_classes(const struct geometry *geo);

/* session.c */
void session_note(int fd, struct header *h);
bool session_is_ours(const struct splinter_store *s);

/* extent.c */
bool store_knows(struct splinter_store *s, uint64_t end_units);

/* store.c */
int store_attach(splinter_store **out, int fd, const char *name, const struct geometry *geo,
                 const struct splinter_open_options *options);

/* fork.c */
void fork_watch(struct splinter_store *s);
void fork_unwatch(struct splinter_store *s);
extern uint32_t fork_generation, *fork_page;
bool fork_seen(struct splinter_store *s);

static inline bool fork_happened(struct splinter_store *s)
{
    return load_acquire(&s->fork_generation) != load_relaxed(fork_page) && fork_seen(s);
}

/* registry.c */
bool registry_alive(struct splinter_store *s, uint32_t entry);
int registry_lock_entry(struct splinter_store *s, uint32_t entry);
void registry_unlock_entry(struct splinter_store *s, uint32_t entry);
int registry_lock_repair(struct splinter_store *s);
void registry_unlock_repair(struct splinter_store *s);
int registry_lock_sync(struct splinter_store *s);
void registry_unlock_sync(struct splinter_store *s);
int registry_lock_open(struct splinter_store *s);
void registry_unlock_open(struct splinter_store *s);
bool registry_anybody(struct splinter_store *s);

/* lane.c */
/* initial-exec: one instruction instead of a call; the few bytes fit what dlopen(3) keeps free. */
extern _Thread_local uint32_t lane_preferred __attribute__((tls_model("initial-exec")));
struct lane_private *lane_acquire_some(struct splinter_store *s);
int lane_get_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                   uint32_t *at);
struct lane *lane_shared(struct splinter_store *s, uint32_t number);
int lane_spare_empty(struct splinter_store *s, struct lane_private *lane, uint32_t *at);

/* arena.c */
int arena_alloc(struct splinter_store *s, struct lane_private *lane, uint32_t class, uint32_t at);
bool arena_is_lanes(struct splinter_store *s, uint64_t named, uint32_t tag);
void arena_free_named(struct splinter_store *s, uint64_t named, uint32_t tag);
uint32_t arena_block_units(struct splinter_store *s, uint32_t ref);
bool arena_is_used(struct splinter_store *s, uint32_t ref);
uint64_t arena_used_bytes(struct splinter_store *s);
uint32_t arena_blocks_of(const struct splinter_store *s, uint32_t units);
void arena_limbo(struct splinter_store *s, uint32_t ref);

/* A spare block of this class; *at is its place. */
static inline int lane_spare(struct splinter_store *s, struct lane_private *lane, uint32_t class,
                             uint32_t *at)
{
    /* Where the last change left the block of the record that it replaced. */
    *at = lane->last;
    if (lane->spare_class[*at] == class + 1)
        return 0;
    uint32_t other;
    int r = lane_get_spare(s, lane, class, &other);
    *at = other;
    return r;
}

/* A lane to change the store with.  The caller has seen to it that the process has an entry of its
 * own (attach_own()). */
static inline struct lane_private *lane_acquire(struct splinter_store *s)
{
    if (lane_preferred && !s->durable) {
        struct lane_private *lane = &s->lane[lane_preferred - 1];
        /* Acquire: what the last thread left in the lane.  Pairs with lane_release(). */
        if (!load_relaxed(&lane->busy) && !exchange_acquire(&lane->busy, 1))
            return lane;
    }
    return lane_acquire_some(s);
}

/* Durable stores: a change may be under way from here on, to the end (sync.c). */
static inline void lane_turn_begin(struct lane_private *lane)
{
    store_relaxed(&lane->shared->turn, lane->shared->turn | 1);
}

static inline void lane_turn_end(struct lane_private *lane)
{
    /* Release: all of the change is there for grace(). */
    store_release(&lane->shared->turn, (uint8_t)(lane->shared->turn + 1)); /* [>turn] */
}

static inline void lane_release(struct splinter_store *s, struct lane_private *lane)
{
    if (s->durable)
        lane_turn_end(lane);
    store_release(&lane->busy, 0); /* [>lane] */
}

static inline struct slab *arena_slab(const struct splinter_store *s, uint32_t slab)
{
    return (struct slab *)(void *)(s->arena + ((uint64_t)slab << s->slab_shift) * UNIT);
}

/* The caller has seen that the file reaches beyond ref; and the slab's header is before it. */
static inline uint32_t arena_generation(const struct splinter_store *s, uint32_t ref)
{
    uint32_t number = ref >> s->slab_shift;
    return number < s->geo.slabs ? load_relaxed(&arena_slab(s, number)->generation) : 0;
}

/* Size and class of the block at ref, whose record is of so many bytes; 0 if there is no such
 * block.  A block is of the class of its record: nothing has to be divided to see that. */
static inline uint32_t arena_block_of_size(struct splinter_store *s, uint32_t ref, uint64_t bytes,
                                           uint32_t *class)
{
    uint32_t number = ref >> s->slab_shift, units = (uint32_t)((bytes + UNIT - 1) / UNIT);
    if (bytes <= (uint64_t)8 * UNIT && number < s->geo.slabs &&
        (uint64_t)ref + units <= load_relaxed(&s->known_units) &&
        load_relaxed(&arena_slab(s, number)->block_units) == units) {
        *class = units - 1; /* as class_of_units() */
        return units;
    }
    units = arena_block_units(s, ref);
    *class = units ? class_of_units(units) : 0;
    /* No class has this size: no store of ours wrote it, and a record of the class above does not
     * fit.  Given up, as a block without a size is. */
    return units && class_units(*class) == units ? units : 0;
}

/* index.c */
int index_ensure(struct splinter_store *s, uint32_t bucket);
bool index_current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash);

static inline uint32_t index_next(const struct splinter_store *s, uint32_t bucket)
{
    return bucket + 1 == s->geo.buckets ? 0 : bucket + 1;
}

/* The slot still has the head that was read before: everything read of its record counts.
 * Pairs with the release fence of whoever writes into a block after it was unlinked. */
static inline bool head_unchanged(const struct slot *slot, uint64_t head)
{
    fence_acquire(); /* [<unlinked] */
    return load_relaxed(&slot->head) == head;
}

/* counts.c */
int counts_mend(struct splinter_store *s);

/* lock.c */
int key_lock(struct splinter_store *s, struct lane_private *lane, const struct key *key,
             bool patient);
void key_unlock(struct splinter_store *s, struct lane_private *lane, const struct key *key);

/* walk.c */
int walk_next(struct splinter_store *s, uint64_t *cursor, char key[SPLINTER_KEY_MAX],
              struct splinter_meta *meta);

/* expiry.c */
bool expiry_passed(struct splinter_store *s, uint64_t expiry);

/* kv.c */
struct put {
    uint32_t flags; /* SPLINTER_IF_* */
    uint32_t type;
    uint64_t expiry; /* nanoseconds of CLOCK_REALTIME, 0: none */
    uint64_t if_epoch;
    uint64_t epoch; /* of a snapshot's record, with its revision; 0: the next one */
    uint32_t revision;
};
int kv_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
           const struct put *put, uint64_t *out_epoch);
int kv_unset(struct splinter_store *s, const struct key *key, uint64_t if_epoch, bool expired_only,
             size_t *out_len);

/* recover.c */
void recover_entry(struct splinter_store *s, uint32_t entry);

/* limbo.c */
void limbo_clean(struct splinter_store *s, uint64_t upto);
bool limbo_any(struct splinter_store *s);

/* syncpoint.c */
#define KEEP_ALL UINT64_MAX
enum left { LEFT_CLEAN, LEFT_RUNNING, LEFT_TORN };
bool sync_point_read(const struct splinter_store *s, struct sync_point *out);
int sync_write_out(struct splinter_store *s, uint64_t epoch, bool clean);
void sync_keep_now(struct splinter_store *s);
void sync_after_death(struct splinter_store *s);
enum left sync_how_left(struct splinter_store *s);
int sync_unclean(struct splinter_store *s);
int sync_points_to_disk(struct splinter_store *s);
int sync_close(struct splinter_store *s);
int sync_rebuilt(struct splinter_store *s);

/* sync.c */
int sync_now(struct splinter_store *s);
int sync_as_asked(struct splinter_store *s);

/* rebuild.c */
int rebuild(struct splinter_store *s, bool in_place, void (*progress)(void *, uint64_t, uint64_t),
            void *arg);

/* reap.c */
bool reap_entry(struct splinter_store *s, uint32_t entry);
void reap_all(struct splinter_store *s);

/* attach.c */
int attach_join(struct splinter_store *s);
int attach_rejoin(struct splinter_store *s);
void attach_leave(struct splinter_store *s);

/* Before a change: -EROFS; or, in a child of fork, an entry of its own. */
static inline int attach_own(struct splinter_store *s)
{
    if (s->read_only)
        return -EROFS;
    return fork_happened(s) ? attach_rejoin(s) : 0;
}

/* wake.c */
void futex_wait(const uint32_t *word, uint32_t seen, uint64_t ns);
uint32_t wake_ask(uint32_t *word);
void wake_key(struct bucket *home);
void wake_any(struct splinter_store *s);

#endif
