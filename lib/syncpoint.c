/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncpoint.c - durable stores: what is on disk, and how the store was left
 *
 * Invariants
 *  - header.synced <= epoch of the sync point on disk <= header.keep.
 *  - The newest version of a key that is on disk for certain has an epoch up to header.keep.
 *  - Of the two sync points one is whole on disk at any moment, and belongs to data on disk.
 *  - "clean" is on disk only while no process has the store open to write.  It counts only for the
 *    file of which the header speaks, and only if that has kept its blocks: a copy may have been
 *    begun before an opener said that the store is open, and ended after changes; and it has holes
 *    where space was reserved.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "clock.h"
#include "descriptor.h"
#include "expiry.h"
#include "extent.h"
#include "fault.h"
#include "feed.h"
#include "filesystem.h"
#include "fork.h"
#include "handle.h"
#include "hash.h"
#include "registry.h"
#include "session.h"
#include "syncpoint.h"

static uint64_t point_checksum(const struct splinter_store *s, const struct sync_point *p)
{
    return XXH3_64bits_withSeed(p, offsetof(struct sync_point, checksum), s->geo.checksum);
}

bool sync_point_read(const struct splinter_store *s, struct sync_point *out)
{
    bool found = false;
    for (int i = 0; i < 2; i++) {
        struct sync_point p;
        memcpy(&p, s->base + SYNC_POINT_OFF(i), sizeof p);
        if (memcmp(p.magic, SYNC_MAGIC, sizeof p.magic) || p.checksum != point_checksum(s, &p) ||
            (found && p.sequence < out->sequence))
            continue;
        *out = p;
        found = true;
    }
    return found;
}

/* Write the next sync point over the older one, and then to disk.  What it says is on disk, is.
 * The caller fills in epoch, file_bytes and clean. */
static int point_write(struct splinter_store *s, struct sync_point p)
{
    struct sync_point last = {0};
    struct stat st;
    sync_point_read(s, &last);
    if (p.clean && fstat(descriptor_file(s), &st))
        return -errno;
    p.keys = (uint32_t)load_relaxed(&s->header->keys);
    p.blocks = p.clean ? (uint64_t)st.st_blocks : 0;
    memcpy(p.magic, SYNC_MAGIC, sizeof p.magic);
    p.sequence = last.sequence + 1;
    p.clock_real = now_realtime(); /* first, so that no time is lost in between */
    /* A clock that is not set yet is before the birth of the file: no life is to end early. */
    if (p.clock_real < last.clock_real && p.clock_real < s->header->born_ns)
        p.clock_real = last.clock_real;
    p.clock_now = expiry_now(s);
    p.checksum = point_checksum(s, &p);
    memcpy(s->base + SYNC_POINT_OFF(p.sequence & 1), &p, sizeof p);
    fault_point("sync: point written");
    return backing_flush_range(s->base + SYNC_POINT_OFF(p.sequence & 1), PAGE);
}

/* After an error the kernel treats the pages as clean, though they are not on disk.  Write to each
 * page in use, so that the next attempt writes it to disk again. */
static void touch(uint8_t *from, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += PAGE)
        fetch_or_acq_rel((uint32_t *)(void *)(from + at), 0);
}

static void touch_all(struct splinter_store *s)
{
    uint64_t chunk = CHUNK_BUCKETS * sizeof(struct bucket);
    uint32_t used = load_acquire(&s->header->registry_used);
    touch(s->base, s->geo.registry_off);
    touch(s->base + s->geo.registry_off,
          (used < MAX_ENTRIES ? used : MAX_ENTRIES) * sizeof(struct entry));
    for (uint32_t c = 0; c * CHUNK_BUCKETS < s->geo.buckets; c++)
        if (load_acquire(&s->index_map[c / 64]) >> c % 64 & 1)
            touch((uint8_t *)s->index + c * chunk, chunk);
    feed_each_part(s, touch);
    used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n = slab_next(s, n)) {
        if (!file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS))
            break;
        struct slab *slab = arena_slab(s, n);
        const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
        uint64_t units = load_acquire(&slab->reserved_units) & ~TRIM_BEGUN;
        if (units > s->geo.slab_units)
            units = s->geo.slab_units;
        if (file_covers(s, slab_start(s, n) + units))
            touch((uint8_t *)slab, units * UNIT);
        for (uint32_t b = 0; class && class_is_large(class) && b < class->blocks; b++) {
            uint32_t ref = (uint32_t)block_start(s, n, class, b);
            touch((uint8_t *)record_at_ref(s, ref), (uint64_t)arena_block_units(s, ref) * UNIT);
        }
    }
}

/* Write the arena to disk, from which everything else can be built again; or all of the file, if
 * the next opener is to believe the rest also. */
static int flush(struct splinter_store *s, bool all)
{
    file_covers(s, s->arena_units);
    uint64_t units = load_relaxed(&s->known_units);
    if (fault_bug(BUG_POINT_FIRST) || (!all && !units))
        return 0;
    return all ? backing_flush(descriptor_file(s))
               : backing_flush_range(s->arena, (size_t)units * UNIT);
}

int sync_write_out(struct splinter_store *s, uint64_t epoch, bool clean)
{
    struct header *h = s->header;
    struct stat st;
    if (load_relaxed(&h->sync_error))
        touch_all(s);
    (void)filesystem_unshare(descriptor_file(s), false); /* from a copy that was made meanwhile */
    /* Read before the data is written: a length that the file gets meanwhile may not be on disk. */
    if (fstat(descriptor_file(s), &st))
        return -errno;
    int r = flush(s, clean);
    fault_point("sync: data written");
    if (!r)
        r = point_write(s, (struct sync_point){.epoch = epoch, .clean = clean,
                                               .file_bytes = (uint64_t)st.st_size});
    store_relaxed(&h->sync_error, (uint32_t)-r);
    store_relaxed(&h->last_sync_ns, now_monotonic());
    return r;
}

void sync_keep_now(struct splinter_store *s)
{
    store_seq_cst(&s->header->keep, load_seq_cst(&s->header->epoch));
}

void sync_after_death(struct splinter_store *s)
{
    /* Without an entry it is not seen by the last one to close, who lowers `keep' as well. */
    if (!s->durable || unattached(s) || load_relaxed(&s->header->keep) != KEEP_ALL ||
        pthread_mutex_trylock(&s->sync_mutex))
        return;
    if (registry_lock_sync(s) == 0) {
        if (load_relaxed(&s->header->keep) == KEEP_ALL)
            sync_keep_now(s);
        registry_unlock_sync(s);
    }
    pthread_mutex_unlock(&s->sync_mutex);
}

void sync_clock(struct splinter_store *s)
{
    struct sync_point p;
    expiry_begin(s, sync_point_read(s, &p) ? &p : NULL);
}

enum left sync_state(struct splinter_store *s)
{
    struct sync_point p;
    struct stat st;
    if (!sync_point_read(s, &p) || !p.clean) {
        enum session is = session_of(s);
        /* Who looks into the file found it in order, and has kept its file system mounted since. */
        return is == SESSION_OURS || (is == SESSION_MOUNT && registry_others_present(s))
                   ? LEFT_RUNNING : LEFT_TORN;
    }
    if (!session_is_file(s) || fstat(descriptor_file(s), &st) || (uint64_t)st.st_blocks < p.blocks)
        return LEFT_TORN;
    return LEFT_CLEAN;
}

/* The processes that had the store open were killed.  The first of them may have died in
 * sync_mark_open(), before the disk said that the store is open. */
int sync_go_on(struct splinter_store *s)
{
    session_note_mount(s); /* which may be another one of the same file system */
    return backing_flush_range(s->base + SYNC_POINT_OFF(0), 2 * PAGE);
}

int sync_mark_open(struct splinter_store *s)
{
    struct sync_point p;
    if (!sync_point_read(s, &p) || !p.clean)
        return 0;
    store_relaxed(&s->header->damaged, 0);
    session_note(descriptor_file(s), s->header);
    fault_point("open: session noted");
    p.clean = false;
    return point_write(s, p);
}

int sync_close(struct splinter_store *s)
{
    uint64_t epoch = load_seq_cst(&s->header->epoch);
    store_relaxed(&s->header->keep, epoch);
    int r = sync_write_out(s, epoch, true);
    fault_point("close: clean on disk");
    if (!r)
        store_release(&s->header->synced, epoch);
    return r;
}

int sync_rebuilt(struct splinter_store *s)
{
    uint64_t epoch = load_seq_cst(&s->header->epoch);
    store_relaxed(&s->header->keep, epoch);
    int r = sync_write_out(s, epoch, false);
    fault_point("rebuild: on disk");
    if (!r)
        store_release(&s->header->synced, epoch);
    return r;
}
