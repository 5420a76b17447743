/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - handles: attach, close, stat, sync
 *
 * Invariant: the geometry of a handle has been checked against itself, and against the length of
 * the file.  Everything else in the mapping is untrusted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "atomic.h"
#include "attach.h"
#include "backing.h"
#include "cancel.h"
#include "cgroup.h"
#include "counts.h"
#include "descriptor.h"
#include "error.h"
#include "extent.h"
#include "filesystem.h"
#include "fork.h"
#include "geometry.h"
#include "handle.h"
#include "hash.h"
#include "owner.h"
#include "reading.h"
#include "reap.h"
#include "rebuild.h"
#include "registry.h"
#include "sized.h"
#include "store.h"
#include "sync.h"
#include "syncpoint.h"
#include "topics.h"

/* Read the data of a range of a file to the same place in memory, and leave its holes out. */
static int read_range(int fd, uint8_t *to, uint64_t from, uint64_t end)
{
    while (from < end) {
        off_t data = lseek(fd, (off_t)from, SEEK_DATA), hole;
        if (data < 0)
            return errno == ENXIO ? 0 : -errno; /* only holes from here on */
        hole = lseek(fd, data, SEEK_HOLE);
        uint64_t stop = hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
        for (from = (uint64_t)data; from < stop;) {
            ssize_t n = pread(fd, to + from, (size_t)(stop - from), (off_t)from);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return n ? -errno : 0;
            from += (uint64_t)n;
        }
    }
    return 0;
}

static void set_base(struct splinter_store *s, uint8_t *base)
{
    s->base = base;
    s->header = (struct header *)(void *)s->base;
    s->index_map = (uint64_t *)(void *)(s->base + INDEX_MAP_OFF);
    s->groups = (struct group *)(void *)(s->base + s->geo.groups_off);
    s->registry = (struct entry *)(void *)(s->base + s->geo.registry_off);
    s->index = (struct bucket *)(void *)(s->base + s->geo.index_off);
    s->feed_lanes = (struct feed_lane *)(void *)(s->base + s->geo.feed_off);
    s->feed_rings = (struct feed_line *)(void *)(s->feed_lanes + FEED_LANES);
    s->arena = s->base + s->geo.arena_off;
}

/* A copy of the file in memory, less what a rebuild makes anew.  *size: bytes of it. */
static int read_file(struct splinter_store *s, uint8_t **out, size_t *size)
{
    struct stat st;
    if (fstat(descriptor_file(s), &st))
        return -errno;
    uint64_t units = ((uint64_t)st.st_size - s->geo.arena_off) / UNIT;
    if (units > s->arena_units)
        units = s->arena_units;
    *size = (size_t)(s->geo.arena_off + units * UNIT);
    uint8_t *copy = mmap(NULL, *size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (copy == MAP_FAILED)
        return error_set(ENOMEM, "no memory for a copy of the store, which is to be read alone");
    int r = read_range(descriptor_file(s), copy, 0, INDEX_MAP_OFF);
    if (!r)
        r = read_range(descriptor_file(s), copy, s->geo.arena_off, *size);
    if (r) {
        munmap(copy, *size);
        return error_set(-r, "cannot read the store: %s", strerror(-r));
    }
    *out = copy;
    return 0;
}

/* Use this copy from now on, in place of the file. */
static void make_private(struct splinter_store *s, uint8_t *copy, size_t size)
{
    uint64_t units = (size - s->geo.arena_off) / UNIT;
    munmap(s->base, s->mapped);
    s->mapped = size;
    s->arena_units = units;
    s->holes_harmless = true; /* there are none */
    s->known_units = units;
    s->fast_units = units > FAST_UNITS ? (uint32_t)(units - FAST_UNITS) : 0;
    set_base(s, copy);
    sync_clock(s);
}

/* Has the store to be rebuilt?  If not, its clock is right, and the handle counts as one that has
 * it open.  1, 0, or an error.  *sequence is that of its sync point. */
static int is_torn(struct splinter_store *s, uint64_t *sequence)
{
    attach_locks_open(s); /* if there is no /proc for it, fd has to do */
    struct sync_point p = {0};
    int r = registry_lock_open(s);
    if (!r) {
        bool alone = !registry_anybody(s);
        r = alone && sync_state(s) == LEFT_TORN;
        if (alone && !r)
            sync_clock(s);
        sync_point_read(s, &p);
        if (!r)
            r = registry_be_present(s);
        registry_unlock_open(s);
    }
    attach_locks_close(s);
    *sequence = p.sequence;
    return r;
}

#define READS 100 /* of a file that a writer opens and closes again meanwhile */

/* Attach a read-only handle.  If another process is rebuilding a durable store, wait for it.  If
 * the store has to be rebuilt, do so in a private copy in memory, which does not change afterwards:
 * who reads never writes to the file. */
static int attach_to_read(struct splinter_store *s)
{
    for (int i = 0; s->durable && i < READS; i++) {
        uint64_t before, after;
        uint8_t *copy = NULL;
        size_t size = 0;
        int r = is_torn(s, &before);
        if (r <= 0)
            return r;
        r = read_file(s, &copy, &size);
        if (r)
            return r;
        /* No lock was held while it was read, as readers must not keep writers out. */
        r = is_torn(s, &after);
        if (r > 0 && before == after) {
            make_private(s, copy, size);
            return rebuild(s, false, s->options);
        }
        munmap(copy, size);
        if (r <= 0)
            return r;
    }
    return s->durable ? error_set(EAGAIN, "others open and close the file all the time") : 0;
}

/* As long as the store can ever get.  What lies beyond the end of the file is not touched, and no
 * hole of the file is filled: neither by mlockall(MCL_FUTURE), as a mapping that cannot be accessed
 * is not populated, nor by a core dump.
 *
 * Access comes by a second mmap, as memcheck takes a second for an mprotect of 300 MB.  Where pages
 * are locked, for which madvise(2) gives MADV_DONTNEED the error EINVAL, that would populate. */
static uint8_t *map_for(const struct splinter_store *s, int access)
{
    int flags = MAP_SHARED | MAP_NORESERVE;
    uint8_t *base = mmap(NULL, s->mapped, PROT_NONE, flags, s->fd, 0);
    if (base == MAP_FAILED)
        return base;
    if (madvise(base, 1, MADV_DONTNEED)) {
        if (!mprotect(base, s->mapped, access))
            return base;
    } else if (mmap(base, s->mapped, access, flags | MAP_FIXED, s->fd, 0) != MAP_FAILED) {
        return base;
    }
    int why = errno;
    munmap(base, s->mapped);
    errno = why;
    return MAP_FAILED;
}

static int map(struct splinter_store *s, const char *name)
{
    uint8_t *base = map_for(s, s->read_only ? PROT_READ : PROT_READ | PROT_WRITE);
    if (base == MAP_FAILED)
        return error_set(errno, "cannot map %zu bytes for '%.200s'", s->mapped, name);
    madvise(base, s->mapped, MADV_DONTDUMP);
    set_base(s, base);
    return 0;
}

static int map_and_attach(struct splinter_store *s, const char *name)
{
    int r = map(s, name);
    if (r)
        return r;
    reading_init(s);
    if (s->durable) /* the next bucket that is needed may be anywhere: no read-ahead */
        madvise(s->index, (size_t)(s->geo.arena_off - s->geo.index_off), MADV_RANDOM);
    file_covers(s, 1);
    r = s->read_only ? attach_to_read(s) : attach_join(s);
    if (!r && s->left_open)
        topics_settle(s); /* what that cannot do waits until it must be done */
    if (!r)
        return 0;
    if (!*splinter_last_error())
        error_set(-r, "cannot attach to '%.200s'", name);
    munmap(s->base, s->mapped);
    return r;
}

/* 0: no interval. */
static uint64_t sync_interval_ns(const struct splinter_open_options *options)
{
    if (!options)
        return 0;
    uint64_t ms = options->sync_every_ms;
    return ms < UINT64_MAX / 1000000 ? ms * 1000000 : UINT64_MAX;
}

/* What the opener is told if the open succeeds. */
static void tell(struct splinter_store *s, const char *name)
{
    uint32_t damaged = s->durable ? load_relaxed(&s->header->damaged) : 0;
    if (s->not_rebuilt)
        error_set(0, "'%.200s' was not rebuilt, as others have it open", name);
    else if (damaged)
        error_set(0, damaged == 1 ? "'%.200s': %u record was damaged or is missing"
                                  : "'%.200s': %u records were damaged or are missing",
                  name, damaged);
    else
        error_clear(); /* of what was tried before, such as to create it */
}

int store_attach(splinter_store **out, int fd, const char *path, const char *name,
                 const struct geometry *geo, const struct splinter_open_options *options)
{
    splinter_store *s;
    if (posix_memalign((void **)&s, alignof(splinter_store), sizeof *s)) {
        close(fd);
        return error_set(ENOMEM, "no memory for a handle of '%.200s'", name);
    }
    memset(s, 0, sizeof *s);
    snprintf(s->path, sizeof s->path, "%s", path);
    s->fd = fd;
    s->lock_fd = -1;
    s->geo = *geo;
    s->seed2 = XXH64(&geo->seed, sizeof geo->seed, 0);
    s->options = options;
    s->read_only = options && options->flags & SPLINTER_RDONLY;
    s->has_feed = geo->feed;
    s->durable = geo->flags & GEOMETRY_DURABLE;
    s->sync_each = options && options->flags & SPLINTER_SYNC_EACH;
    s->eintr = options && options->flags & SPLINTER_EINTR;
    s->sync_every_ns = sync_interval_ns(options);
    s->slab_shift = (uint32_t)__builtin_ctz(geo->slab_units);
    s->classes = geometry_classes(geo, s->class);
    while (s->small < s->classes && s->class[s->small].units <= SMALL_UNITS)
        s->small++;
    s->arena_units = (uint64_t)geo->slabs * geo->slab_units;
    s->mapped = (size_t)(geo->arena_off + s->arena_units * UNIT);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_mutex_init(&s->sync_mutex, NULL);
    fork_watch(s);
    int r = descriptor_note(s);
    if (r)
        error_set(-r, "cannot stat '%.200s': %s", name, strerror(-r));
    else
        r = map_and_attach(s, name);
    s->options = NULL;
    if (r) {
        fork_unwatch(s);
        pthread_mutex_destroy(&s->mutex);
        pthread_mutex_destroy(&s->sync_mutex);
        close(fd);
        free(s);
        return r;
    }
    tell(s, name);
    if (!s->read_only)
        s->fast_value = geo->max_value < PAYLOAD_INLINE ? geo->max_value : PAYLOAD_INLINE;
    *out = s;
    return 0;
}

/* The ephemeral keys of the handle are gone from now on, and so are their bytes.  What another
 * writer has in its hands, or what a death leaves here, is for the next sweep.  As in
 * attach_leave(), nothing is written to blocks that a copy shares if there is no room for that. */
static void end_keys(struct splinter_store *s)
{
    if (s->read_only || unattached(s) || !owner_end(s))
        return;
    if (!s->durable || !filesystem_unshare(descriptor_file(s), false))
        splinter_store_sweep(s);
}

int splinter_store_fd(const splinter_store *s)
{
    if (!s)
        return -EINVAL;
    int fd = load_relaxed(&s->fd);
    return fd < 0 ? -EBADF : fd;
}

void splinter_store_close(splinter_store *s)
{
    not_cancelled();
    if (!s)
        return;
    end_keys(s);
    attach_leave(s);
    fork_unwatch(s);
    pthread_mutex_destroy(&s->mutex);
    pthread_mutex_destroy(&s->sync_mutex);
    munmap(s->base, s->mapped);
    int fd = descriptor_file(s);
    if (fd >= 0)
        close(fd);
    free(s);
}

/* Bytes of the blocks of a slab that are in use and do not wait for a sync. */
static uint64_t used_in_slab(struct splinter_store *s, uint32_t n)
{
    const struct slab *slab = arena_slab(s, n);
    const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
    uint64_t bytes = 0;
    for (uint32_t w = 0; class && w * 64 < class->blocks; w++) {
        uint64_t bits = load_relaxed(&slab->bits[w]) & ~load_relaxed(&slab->limbo[w]) &
                        slab_word_mask(class, w);
        if (!class_is_large(class))
            bytes += (uint64_t)class->units * UNIT * (unsigned)__builtin_popcountll(bits);
        else
            for (; bits; bits &= bits - 1) {
                uint32_t b = (uint32_t)__builtin_ctzll(bits);
                uint32_t ref = (uint32_t)block_start(s, n, class, b);
                bytes += (uint64_t)arena_block_units(s, ref) * UNIT;
            }
    }
    return bytes;
}

/* Bytes of the blocks that hold current records.  Not counted are the spares of lanes and the
 * blocks that wait for a sync.  Only an estimate while writers work. */
static uint64_t used_bytes(struct splinter_store *s)
{
    uint64_t bytes = 0, spare = 0;
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n = slab_next(s, n)) {
        if (!file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS))
            break;
        bytes += used_in_slab(s, n);
    }
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < entries * ENTRY_LANES && i < MAX_ENTRIES * ENTRY_LANES; i++)
        for (uint32_t k = 0; k < LANE_SPARES; k++) {
            const struct lane *lane = &s->registry[i / ENTRY_LANES].lane[i % ENTRY_LANES];
            uint64_t id = load_relaxed(&lane->spare[k]);
            uint32_t ref = block_id_ref(id);
            if (id && arena_is_used(s, ref) && arena_generation(s, ref) == (uint32_t)id)
                spare += (uint64_t)arena_block_units(s, ref) * UNIT;
        }
    return bytes > spare ? bytes - spare : 0;
}

int splinter_store_stat(splinter_store *s, struct splinter_stat *stat)
{
    if (!s || !stat || !sized_may_give(stat))
        return -EINVAL;
    struct stat st;
    if (fstat(descriptor_file(s), &st))
        return -errno;
    if (!s->read_only) {
        reap_all(s);
        counts_mend(s);
    }
    struct splinter_stat own = {.struct_size = sizeof own,
                                .slots = s->geo.slots,
                                .max_value = s->geo.max_value,
                                .capacity = s->geo.capacity,
                                .keys = (uint32_t)load_acquire(&s->header->keys),
                                .used_bytes = used_bytes(s),
                                .reserved_bytes = (uint64_t)st.st_blocks * 512,
                                .mapped_bytes = s->mapped,
                                .epoch = load_seq_cst(&s->header->epoch),
                                .format_version = STORE_FORMAT,
                                .feed = s->geo.feed,
                                .feed_number = load_seq_cst(&s->header->published)};
    struct memory_limit limit = cgroup_memory("");
    own.memory_limit = limit.bytes;
    own.memory_left = limit.left;
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        own.attached += registry_alive(s, i);
    if (s->durable) {
        own.durable = 1;
        own.synced = load_acquire(&s->header->synced);
        own.sync_error = load_relaxed(&s->header->sync_error);
        own.rebuilt = load_relaxed(&s->header->rebuilt);
        own.damaged = load_relaxed(&s->header->damaged);
    }
    sized_give(stat, &own, sizeof own);
    return 0;
}

int splinter_store_sync(splinter_store *s)
{
    not_cancelled();
    if (!s)
        return -EINVAL;
    if (!s->durable)
        return 0;
    int r = attach_own(s);
    return r ? r : sync_now(s);
}

int splinter_store_trim(splinter_store *s, uint64_t *out_bytes)
{
    not_cancelled();
    uint64_t bytes = 0;
    if (!s)
        return -EINVAL;
    int r = attach_own(s);
    if (r)
        return r;
    reap_all(s);
    if (s->durable) /* what waits for a sync is in use until then */
        r = sync_now(s);
    if (!r)
        r = sync_trim(s, &bytes);
    if (out_bytes)
        *out_bytes = bytes;
    return r;
}
