/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild.c - durable stores: build the index again from the records
 *
 * A rebuild is needed if the file is not what a process left in this kernel's memory: after a power
 * cut, or in a copy.  Then each page of the file may be of another moment since the last sync that
 * ended, and it may have a hole wherever there are zeroes: nothing is written to a page before it
 * is reserved, or seen to have data.  S is the epoch of the sync point of that sync.
 *
 * Invariants: what is believed, and why
 *  - If the checksum of a record is right, the record is as its writer wrote it.
 *  - The records up to S that are not marked as superseded by an epoch up to S are the store as it
 *    was at S.  They were whole on disk, and were neither reused nor zeroed since (sync.c).
 *  - Any whole record beyond S was current at some moment after S.  Of each key the newest whole
 *    record counts.  A mark beyond S counts for nothing, as the record that replaced the marked one
 *    may not have reached the disk; unless it is that of an unset, which nothing replaces.
 *  - So if the file is what processes left in memory, nothing is lost that a call has acknowledged,
 *    and no key is there that was unset: of a key with an older record in the file, the one that an
 *    unset removed is there also, with its mark (RECORD_OLDER).
 *  - A slab that has a record which counts from before S has had the same class since, as only an
 *    empty slab changes its class.  So its block size is right, whichever version of its header is
 *    on disk.
 *  - Index, registry, bitmaps and counts may hold anything, and are made again.
 *  - A record up to S that is not marked, and whose checksum is wrong, was damaged.  It is lost,
 *    and counted.
 *  - If no stamp is beyond S, none of them was zeroed while somebody made a copy (stamp.c).
 *
 * No other process has the store open through this library, but any process with write access to
 * the file may write to it even now.  So a value that leads somewhere is read once and checked, or
 * comes from this process's own memory.
 *
 * If the opener is killed at any moment, the next opener begins again from the start.  Nothing that
 * counts is zeroed before the new state is on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "atomic.h"
#include "backing.h"
#include "descriptor.h"
#include "error.h"
#include "extent.h"
#include "fault.h"
#include "feed.h"
#include "filesystem.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "rebuild.h"
#include "reindex.h"
#include "record.h"
#include "session.h"
#include "slab.h"
#include "stamp.h"
#include "syncpoint.h"

/* For epochs that were given out, but did not reach the disk: more than writers take in half a day,
 * while the kernel writes what is older than half a minute. */
#define EPOCHS_AHEAD (UINT64_C(1) << 40)
#define EPOCHS_SANE (UINT64_C(1) << 48) /* what is further ahead was not given out */

/* ---- the arena ---- */

/* Is this a damaged record, or something else?  If the slab had blocks of another size, and the
 * page is from that time, the middle of an old value may stand where a record would begin. */
static bool looks_like_record(const struct splinter_store *s, const struct record *rec,
                              uint32_t units)
{
    return rec->epoch && rec->key_len && rec->key_len < SPLINTER_KEY_MAX && rec->value_len &&
           rec->value_len <= s->geo.max_value && rec->marks <= (RECORD_OLDER | RECORD_UNSET) &&
           !rec->flags &&
           value_offset(rec->key_len) + (uint64_t)rec->value_len <= (uint64_t)units * UNIT;
}

/* rebuild_fill() of a large block: its header, and then as much as its record seems to have. */
static int fill_large(struct rebuild *r, uint64_t ref, uint64_t room)
{
    uint64_t page = PAGE / UNIT, need = page < room ? page : room;
    int e = rebuild_fill(r, ref, need);
    if (e || !r->holes_cost)
        return e;
    const struct record *rec = record_of(r, ref);
    uint64_t bytes = (uint64_t)value_offset(load_relaxed(&rec->key_len)) +
                     load_relaxed(&rec->value_len);
    need = (bytes + UNIT - 1) / UNIT;
    return need <= room ? rebuild_fill(r, ref, need) : 0;
}

/* Look at one block, of which the file has `have` units.  A small one was reserved as a whole, so
 * if a part is missing, the file has been cut off. */
static int scan_block(struct rebuild *r, uint64_t ref, uint32_t units, uint64_t have)
{
    bool cut = have < units && units <= SMALL_UNITS;
    struct record *rec = record_of(r, ref);
    uint64_t room = have < units ? have : units;
    int e = units > SMALL_UNITS ? fill_large(r, ref, room) : 0;
    if (e)
        return e;
    bool unset = rebuild_is_unset(rec);
    bool dead = rec->superseded && rec->superseded <= r->synced;
    bool whole = rec->epoch && !cut && record_is_whole(r->s, rec, room * UNIT);
    if (whole && !dead) {
        uint64_t epoch = rec->epoch;
        if (epoch > r->newest)
            r->newest = epoch;
        r->gone += unset && epoch <= r->synced;
        return unset || epoch > r->synced ? rebuild_later(r, epoch, ref, unset)
                                          : rebuild_place(r, ref);
    }
    if (!dead && !unset && rec->epoch <= r->synced && looks_like_record(r->s, rec, units))
        r->damaged++;
    return rebuild_wipe_block(r, ref, room);
}

/* Look at a slab whose header is not one: nothing of it counts, and whole records in it are counted
 * as damaged.  Where its blocks begin is not known, so every unit is tried.  If every unit looked
 * like the header of a long record, the slab would be hashed again and again; this library does not
 * leave a slab like that, so the loop gives up after a bounded effort. */
static int scan_lost(struct rebuild *r, uint64_t from, uint64_t end)
{
    uint64_t patience = 16 * (end - from) * UNIT;
    int e = rebuild_fill(r, from, end - from);
    if (e)
        return e;
    for (uint64_t ref = from; ref < end; ref++) {
        const struct record *rec = record_of(r, ref);
        uint64_t length = load_relaxed(&rec->value_len);
        if (!rec->epoch || rec->epoch > r->synced || rebuild_is_unset(rec) ||
            (rec->superseded && rec->superseded <= r->synced) || length > (end - ref) * UNIT)
            continue;
        if (length + SPLINTER_KEY_MAX > patience) {
            r->damaged++;
            break;
        }
        patience -= length + SPLINTER_KEY_MAX;
        if (record_is_whole(r->s, rec, (end - ref) * UNIT))
            r->damaged++;
    }
    rebuild_wipe(record_of(r, from), (size_t)(end - from) * UNIT);
    return 0;
}

/* Note that a slab of this class begins here, as the process did that began it. */
static int note_slab(struct rebuild *r, uint32_t number, const struct size_class *class)
{
    struct splinter_store *s = r->s;
    uint32_t next = number + 1;
    int e = r->in_place ? groups_reserve(s, number + class->run - 1) : 0;
    if (!e)
        e = slab_note(s, number, class, &next);
    r->slabs = next;
    return e;
}

/* Look at the slab that begins here. */
static int scan_slab(struct rebuild *r, uint32_t number)
{
    struct splinter_store *s = r->s;
    struct slab *slab = arena_slab(s, number);
    /* The header may be a hole, if it did not reach the disk or the copy. */
    int e = r->in_place ? slab_reserve(s, number, 0, PAGE / UNIT) : 0;
    if (e)
        return e;
    const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
    uint64_t start = slab_start(s, number), end = start + s->geo.slab_units;
    end = end < r->units ? end : r->units;
    uint64_t bits[SLAB_WORDS];
    memcpy(bits, slab->bits, sizeof bits);
    for (uint32_t w = 0; w < SLAB_WORDS; w++)
        bits[w] &= ~slab->limbo[w];
    bool lost = !class || class->run > s->geo.slabs - number;
    e = note_slab(r, number, lost ? &s->class[0] : class);
    if (e)
        return e;
    memset(slab->bits, 0, sizeof slab->bits);
    memset(slab->limbo, 0, sizeof slab->limbo);
    slab->owner = 0;
    slab->generation++;
    if (lost) {
        slab->block_units = 0;
        return scan_lost(r, start + SLAB_HEADER_UNITS, end);
    }
    if (!class_is_large(class) && (e = rebuild_fill(r, start, end - start)))
        return e;
    s->header->class_slabs[class - s->class]++;
    for (uint32_t b = 0; b < class->blocks; b++) {
        uint64_t ref = block_start(s, number, class, b);
        if (ref >= r->units) {
            /* Beyond the end of the file.  If the file reached there at S, it has been cut off.
             * Else it grew after S, while somebody made the copy.  A spare counts as a record. */
            r->damaged += ref < r->synced_units && (bits[b / 64] >> b % 64 & 1);
            continue;
        }
        e = scan_block(r, ref, class->units, r->units - ref);
        if (e)
            return e;
    }
    return 0;
}

/* Was there a slab header at n?  What leads from one slab to the next is in the store, where others
 * may write: so the file is asked for each. */
static bool has_slab(const struct rebuild *r, uint32_t n)
{
    return n < r->slabs && n < r->s->geo.slabs &&
           slab_start(r->s, n) + SLAB_HEADER_UNITS <= r->units;
}

/* Reserve what the large blocks need that hold a current record, and note it.  The others become
 * holes. */
static int reserve_large(struct rebuild *r, uint32_t number, const struct size_class *class)
{
    struct splinter_store *s = r->s;
    struct large_slab *large = (struct large_slab *)arena_slab(s, number);
    for (uint32_t b = 0; b < class->blocks; b++) {
        uint64_t ref = block_start(s, number, class, b), need = 0;
        if (ref < r->units && (large->slab.bits[0] & ~large->slab.limbo[0]) >> b & 1) {
            const struct record *rec = record_of(r, ref);
            uint64_t bytes = (uint64_t)value_offset(load_relaxed(&rec->key_len)) +
                             load_relaxed(&rec->value_len);
            need = (bytes + PAGE - 1) / PAGE * (PAGE / UNIT);
            need = need < class->units ? need : class->units;
        }
        large->have[b] = (uint32_t)need;
        uint32_t from = (uint32_t)(ref - slab_start(s, number));
        int e = need && r->in_place ? slab_reserve(s, number, from, (uint32_t)need) : 0;
        if (e)
            return e;
    }
    return 0;
}

/* Reserve the header of the slab, and the blocks up to the last one in use. */
static int reserve_slab(struct rebuild *r, uint32_t number)
{
    struct splinter_store *s = r->s;
    struct slab *slab = arena_slab(s, number);
    const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
    uint32_t need = SLAB_HEADER_UNITS;
    if (class && class_is_large(class)) {
        int e = reserve_large(r, number, class);
        if (e)
            return e;
    } else if (class) {
        for (uint32_t b = 0; b < class->blocks; b++)
            if (slab->bits[b / 64] >> b % 64 & 1)
                need = class->first + (b + 1) * class->units;
    }
    need = (need + PAGE / UNIT - 1) / (PAGE / UNIT) * (PAGE / UNIT);
    slab->reserved_units = need = need < s->geo.slab_units ? need : s->geo.slab_units;
    slab_hint(s, number);
    return r->in_place ? slab_reserve(s, number, 0, need) : 0;
}

/* Wipe the older records of keys that had two, now that the newer ones are on disk. */
static int wipe_losers(struct rebuild *r)
{
    struct splinter_store *s = r->s;
    for (uint32_t n = 0; has_slab(r, n); n = slab_next(s, n)) {
        struct slab *slab = arena_slab(s, n);
        const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
        arena_group(s, n)->limbo &= ~(UINT64_C(1) << n % GROUP_SLABS);
        for (uint32_t b = 0; class && b < class->blocks; b++) {
            uint64_t bit = UINT64_C(1) << b % 64;
            if (!(slab->limbo[b / 64] & bit))
                continue;
            uint64_t ref = block_start(s, n, class, b);
            struct block where;
            uint32_t units = rebuild_block_at(r, ref, &where);
            if (!units)
                break;
            int e = rebuild_wipe_block(r, ref, units);
            if (e)
                return e;
            slab->limbo[b / 64] &= ~bit;
            slab->bits[b / 64] &= ~bit;
            slab_hint(s, n);
        }
    }
    return 0;
}

/* ---- the whole ---- */

/* Clear everything but the records, and what the header keeps for good. */
static int reset(struct rebuild *r)
{
    struct splinter_store *s = r->s;
    struct header *h = s->header;
    memset(h->boot, 0, sizeof h->boot); /* if we die, the next opener rebuilds again */
    if (r->in_place) {
        /* A copy may have holes where we are about to write. */
        int e = backing_reserve(descriptor_file(s), 0, s->geo.registry_off);
        if (!e)
            e = backing_clear(descriptor_file(s), s->geo.registry_off,
                              s->geo.arena_off - s->geo.registry_off);
        if (e)
            return e;
    }
    memset(s->base + INDEX_MAP_OFF, 0, s->geo.registry_off - INDEX_MAP_OFF);
    h->keys = 0;
    h->any_wait = 0;
    h->counts_dirty = 0;
    h->registry_used = 0;
    h->slabs_used = 0;
    h->ttl_used = 0;
    h->sync_error = 0;
    h->limbo_at = 0;
    h->ahead = 0;
    memset(h->class_slabs, 0, sizeof h->class_slabs);
    h->keep = r->synced;
    h->synced = r->synced;
    return 0;
}

/* The file may end within the header of a slab.  What stands there is no header, and would be
 * believed as soon as the file grows. */
static int forget_cut_header(struct rebuild *r)
{
    struct splinter_store *s = r->s;
    uint64_t start = (uint64_t)r->slabs << s->slab_shift;
    struct stat st;
    if (fstat(descriptor_file(s), &st))
        return -errno;
    uint64_t from = s->geo.arena_off + start * UNIT, end = (uint64_t)st.st_size;
    if (r->slabs < s->geo.slabs && end > from && end - from < SLAB_HEADER_UNITS * UNIT)
        for (; from < end; from++)
            if (s->base[from]) /* a hole stays one: there may be no room to fill it */
                s->base[from] = 0;
    return 0;
}

/* Look at all slabs. */
static int scan(struct rebuild *r, const struct splinter_open_options *o)
{
    const struct splinter_store *s = r->s;
    int e = 0;
    for (uint32_t n = 0; !e && n < s->geo.slabs && slab_start(s, n) + SLAB_HEADER_UNITS <= r->units;
         n = r->slabs) {
        e = scan_slab(r, n);
        fault_point("rebuild: slab scanned");
        uint64_t done = slab_start(s, r->slabs);
        if (o && o->progress && !e && (r->slabs / 16 != n / 16 || done >= r->units))
            o->progress(o->progress_arg, (done < r->units ? done : r->units) * UNIT,
                        r->units * UNIT);
    }
    return e;
}

/* Is it a copy that was made while a sync ended?  1, 0, or an error of rebuild_fill(). */
static int spans_sync(struct rebuild *r)
{
    struct splinter_store *s = r->s;
    uint32_t run;
    int spans = 0;
    for (uint32_t n = 0; n < s->geo.slabs && slab_start(s, n) + SLAB_HEADER_UNITS <= r->units;
         n += run) {
        int e = rebuild_fill(r, slab_start(s, n), SLAB_HEADER_UNITS);
        if (e)
            return e;
        uint64_t stamp = stamp_of(s, n);
        if (stamp > r->synced && stamp - r->synced < EPOCHS_SANE) {
            spans = 1;
            r->newest = stamp > r->newest ? stamp : r->newest; /* it was given out */
        }
        uint32_t units = load_relaxed(&arena_slab(s, n)->block_units);
        const struct size_class *class = slab_class(s, units);
        run = class && class->run <= s->geo.slabs - n ? class->run : 1;
    }
    return spans;
}

/* Forget slabs at the end that have nothing.  The file may have a header there that was reserved,
 * or a slab of large blocks whose header did not reach the disk. */
static void forget_empty(struct rebuild *r)
{
    uint32_t end = 0;
    for (uint32_t n = 0, next; has_slab(r, n); n = next) {
        next = slab_next(r->s, n);
        if (!slab_is_empty(arena_slab(r->s, n)))
            end = next;
    }
    slab_forget(r->s, end);
    r->slabs = end;
}

/* Write the counts into the header.  `keys` is how many there were at S, or 0: of a copy that was
 * made while a sync ended, those that are not there now may be missing. */
static void count(struct rebuild *r, uint64_t keys)
{
    struct header *h = r->s->header;
    uint32_t old = r->keys - r->fresh + r->gone;
    if (keys > old && keys <= r->s->geo.slots && keys - old > r->damaged)
        r->damaged = (uint32_t)(keys - old);
    h->keys = r->keys;
    h->rebuilt = r->keys;
    h->damaged = r->damaged;
    h->ttl_used = r->expiring ? TTL_END : 0;
    h->soonest = r->expiring ? UINT64_MAX - 1 : 0; /* the first sweep finds out */
    if (r->newest > h->epoch || h->epoch - r->newest > EPOCHS_SANE)
        h->epoch = r->newest; /* what the header says may be older, or nonsense */
    h->epoch += EPOCHS_AHEAD;
    feed_restart(r->s, EPOCHS_AHEAD);
    h->topics_left = h->topics_settled + 1; /* keys of a topic may be there without the others */
    fault_point("rebuild: numbered");
}

int rebuild(struct splinter_store *s, bool in_place, const struct splinter_open_options *o)
{
    struct sync_point p = {0};
    sync_point_read(s, &p);
    struct rebuild r = {.s = s, .in_place = in_place, .synced = p.epoch, .newest = p.epoch,
                        .holes_cost = in_place && filesystem_holes_cost(descriptor_file(s))};
    file_covers(s, s->arena_units);
    r.units = load_relaxed(&s->known_units);
    if (p.file_bytes > s->geo.arena_off)
        r.synced_units = (p.file_bytes - s->geo.arena_off) / UNIT;
    if (r.synced_units > r.units)
        r.damaged++; /* cut off: at least one record was in the part that is missing */
    int spans = spans_sync(&r), e = spans < 0 ? spans : 0;
    if (spans > 0 && !(o && o->flags & SPLINTER_REBUILD)) /* nothing was written yet */
        return error_set(EBADMSG, "the file is a copy that was made while a sync of the store "
                         "ended, so keys may be missing: copy it again, with "
                         "splinter_store_snapshot() or under splinter_store_hold(), or open it "
                         "with SPLINTER_REBUILD to take what is there");
    if (!e)
        e = reset(&r);
    fault_point("rebuild: reset");
    if (!e)
        e = scan(&r, o);
    if (!e && in_place)
        e = forget_cut_header(&r);
    while (r.slabs && slab_start(s, r.slabs - 1) + SLAB_HEADER_UNITS > r.units)
        r.slabs--; /* a part of the last slab, beyond the end: no look leads there */
    if (!e)
        e = rebuild_place_later(&r);
    fault_point("rebuild: all placed");
    free(r.later.at);
    if (!e)
        forget_empty(&r);
    if (!e && in_place && r.slabs < s->geo.slabs) /* for stamps */
        e = slab_reserve(s, r.slabs, 0, PAGE / UNIT);
    for (uint32_t n = 0; !e && has_slab(&r, n); n = slab_next(s, n))
        e = reserve_slab(&r, n);
    fault_point("rebuild: reserved");
    if (e)
        return error_set(-e, "cannot rebuild the index of the store: %s", strerror(-e));
    count(&r, spans ? p.keys : 0);
    if (in_place) {
        e = sync_rebuilt(s);
        if (e)
            return error_set(-e, "cannot write the rebuilt index of the store to disk");
    }
    e = wipe_losers(&r);
    if (e)
        return error_set(-e, "cannot wipe older records of the store");
    fault_point("rebuild: losers wiped");
    if (in_place)
        session_note(descriptor_file(s), s->header);
    fault_point("rebuild: session noted");
    return 0;
}
