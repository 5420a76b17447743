/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.c - set: of a key that is there, of one that is not; the fast way of nearly every call, and the
 * whole of it
 */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "attach.h"
#include "change.h"
#include "clock.h"
#include "counts.h"
#include "expiry.h"
#include "fault.h"
#include "fork.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "lane.h"
#include "lock.h"
#include "reap.h"
#include "record.h"
#include "set.h"
#include "sync.h"

__attribute__((always_inline)) static inline void write_record(
    struct record *rec, const struct lane_private *lane, const char *key, uint32_t key_len,
    const void *val, size_t len, uint64_t expiry, uint32_t type)
{
    /* The block was unlinked by us or, before it was free, by somebody else: readers that see
     * what we write now must see that too.  Pairs with still_current(). [>unlinked] */
    fence_release();
    store_relaxed(&rec->expiry, expiry);
    store_relaxed(&rec->value_len, (uint32_t)len);
    store_relaxed(&rec->key_len, (uint16_t)key_len);
    store_relaxed(&rec->type, (uint16_t)type);
    store_relaxed(&rec->lane, (uint16_t)lane->number);
    fault_point("write: lengths");
    payload_copy(rec + 1, key, key_len);
    fault_point("write: key");
    payload_copy((uint8_t *)rec + value_offset(key_len), val, len);
    fault_point("write: value");
}

/* The last words of a record, once its epoch is known. */
static inline void seal(struct record *rec, uint64_t epoch, uint32_t revision, uint64_t payload,
                        bool durable)
{
    store_relaxed(&rec->epoch, epoch);
    store_relaxed(&rec->revision, revision);
    if (durable)
        store_relaxed(&rec->checksum, record_checksum(rec, payload));
}

/* A block that was filled in but not published goes back to being a clean spare.  Its tag stays
 * all the time: it tells the cleaner of a dead process whose the block is. */
__attribute__((noinline)) static void clean_spare(struct record *rec, uint32_t key_len, size_t len)
{
    size_t rest = offsetof(struct record, flags);
    payload_zero(rec, offsetof(struct record, lane));
    fault_point("clean: header");
    payload_zero((uint8_t *)rec + rest, value_offset(key_len) + len - rest);
    fault_point("clean: whole");
}

/* The key is there.  1: done; 0: look again; else an error. */
__attribute__((always_inline)) static inline int update(struct splinter_store *s, struct lane_private *lane, const struct lookup *f,
                  const struct set_args *args, struct record *rec, uint64_t payload, uint32_t at,
                  uint64_t *epoch)
{
    uint64_t old_epoch = load_relaxed(&f->rec->epoch), expiry = load_relaxed(&f->rec->expiry);
    uint32_t revision = load_relaxed(&f->rec->revision);
    uint64_t old = block_id(CURRENT_REF(f->current), arena_generation(s, CURRENT_REF(f->current)));
    if (args->flags || expiry) {
        if (!still_current(f->slot, f->current))
            return 0;
        bool over = expiry_passed(s, expiry);
        if ((args->flags & SPLINTER_IF_ABSENT) && !over)
            return -EEXIST;
        if (args->flags & SPLINTER_IF_EPOCH && (over || old_epoch != args->if_epoch))
            return over ? -ENOENT : -ESTALE;
        if (over)
            revision = 0;
    }
    uint32_t lane_number = load_relaxed(&f->rec->lane);
    if (lane_number != lane->number) { /* our own lane has no change open yet */
        struct lookup copy = *f;
        acknowledge(s, &copy, lane_number);
    }
    *epoch = args->epoch ? args->epoch : epoch_take(s);
    fault_point("update: epoch taken");
    seal(rec, *epoch, args->epoch ? args->revision : revision + 1, payload, s->durable);
    bool keep = must_keep(s, old_epoch);
    uint64_t expect = f->current, current = CURRENT(*epoch, lane->spare_ref[at]);
    open_change(lane, keep ? LANE_UPDATE | LANE_KEEP : LANE_UPDATE, f->number, expect, current, old, at,
                *epoch);
    /* Publishes the record (release) and is ordered before the look at the wait word (seq_cst).
     * Success means that the current word, and so all we read of the old record, was valid. [>publish] */
    if (!cas_seq_cst(&f->slot->current, &expect, current)) {
        fault_point("update: lost");
        close_change(lane);
        return 0;
    }
    fault_point("update: published");
    if (keep)
        retire(s, lane, f->current, *epoch, at);
    else
        recycle(s, lane, f->current, old, at);
    return 1;
}

/* Put the record into a vacant slot of the probe chain.  Under the lock, the key is not there. */
static int insert_at(struct splinter_store *s, struct lane_private *lane, const struct key *key,
                     struct record *rec, uint32_t at, uint64_t epoch)
{
    uint32_t b = key->home;
    uint64_t current = CURRENT(epoch, lane->spare_ref[at]);
    (void)rec;
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        int r = index_ensure(s, b);
        if (r) {
            lower_overflow(s, key, b);
            return r;
        }
        struct bucket *bucket = &s->index[b];
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            struct slot *slot = &bucket->slot[i];
            uint64_t vacant = 0;
            if (load_relaxed(&slot->current))
                continue;
            open_change(lane, LANE_INSERT, (uint64_t)b * BUCKET_SLOTS + i, 0, current, 0, at, epoch);
            if (!cas_seq_cst(&slot->current, &vacant, current)) { /* [>publish] */
                fault_point("insert: slot lost");
                close_change(lane);
                continue;
            }
            crash_order();
            fault_point("insert: claimed");
            /* Makes the key visible; seq_cst for the look at the wait word, as in update(). */
            store_seq_cst(&slot->hash, key->hash); /* [>visible] */
            crash_order();
            fault_point("insert: visible");
            store_relaxed(&lane->shared->spare[at], 0);
            fault_point("insert: block given");
            close_change(lane);
            lane->spare_class[at] = 0;
            return 0;
        }
        fetch_add_seq_cst(&bucket->overflow, 1);
        fault_point("overflow: raised");
    }
    for (uint32_t n = 0; n < s->geo.buckets; n++)
        fetch_sub_seq_cst(&s->index[n].overflow, 1);
    return -ENOSPC;
}

/* The key was not there.  1: done; 0: it is there now, update it; else an error. */
__attribute__((noinline)) static int insert(struct splinter_store *s, struct lane_private *lane, const struct key *key,
                  const struct set_args *args, struct record *rec, uint64_t payload, uint32_t at,
                  uint64_t *epoch)
{
    if (args->flags & SPLINTER_IF_EPOCH)
        return -ENOENT;
    int r = index_ensure(s, key->home);
    if (!r)
        r = key_lock(s, lane, key, true);
    if (r)
        return r;
    struct lookup f;
    uint32_t races = 0;
    r = index_find_anywhere(s, key, &f, &races);
    if (!r) {
        r = keys_reserve(s);
        if (!r) {
            /* Under the lock: later than the unset that removed the key before. */
            *epoch = args->epoch ? args->epoch : epoch_take(s);
            fault_point("insert: epoch taken");
            seal(rec, *epoch, args->epoch ? args->revision : 1, payload, s->durable);
            r = insert_at(s, lane, key, rec, at, *epoch);
            if (r)
                keys_release(s);
            else
                r = 1;
        }
    } else if (r > 0)
        r = 0;
    key_unlock(s, lane, key);
    return r;
}

__attribute__((always_inline)) static inline int set_once(struct splinter_store *s, struct lane_private *lane, const struct key *key,
                    const void *val, size_t len, const struct set_args *args, uint64_t *epoch)
{
    uint32_t bytes = value_offset(key->len) + (uint32_t)len, at, races = 0;
    int r = lane_spare(s, lane, class_of_units((bytes + UNIT - 1) / UNIT), &at);
    if (r)
        return r;
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)lane->spare_ref[at] * UNIT);
    prefetch_to_write(rec);
    prefetch_to_write((char *)rec + UNIT);
    struct lookup f;
    int found = index_find(s, key, &f, &races);
    if (found > 0) { /* that is what is going to be zeroed, while we fill in the other one */
        prefetch_to_write((char *)f.rec + UNIT);
        __builtin_prefetch(arena_slab(s, CURRENT_REF(f.current) >> s->slab_shift));
    }
    write_record(rec, lane, key->s, key->len, val, len, args->expiry, args->type);
    uint64_t payload = s->durable ? record_payload_hash(s, rec, key->len, (uint32_t)len) : 0;
    for (;;) {
        if (found > 0)
            r = update(s, lane, &f, args, rec, payload, at, epoch);
        else if (!found) {
            uint64_t mine = 0;
            r = insert(s, lane, key, args, rec, payload, at, &mine);
            *epoch = mine;
        } else
            r = found;
        if (r > 0)
            return r;
        if (r || ++races >= RACES_MAX)
            break;
        found = index_find(s, key, &f, &races);
    }
    clean_spare(rec, key->len, len);
    return r ? r : -EAGAIN;
}

int key_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
           const struct set_args *args, uint64_t *out_epoch)
{
    uint64_t epoch = 0;
    int r = attach_own(s);
    if (r)
        return r;
    if (args->expiry && !load_relaxed(&s->header->ttl_used))
        store_relaxed(&s->header->ttl_used, 1);
    fault_point("set: begun");
    for (int round = 0;; round++) {
        struct lane_private *lane = lane_acquire(s);
        r = set_once(s, lane, key, val, len, args, &epoch);
        lane_release(s, lane);
        if (r > 0) {
            announce(s, &s->index[key->home]);
            if (out_epoch)
                *out_epoch = epoch;
            return s->durable ? sync_if_due(s) : 0;
        }
        /* Full: what the dead held, counted or let expire is room, too; and so are old versions
         * that wait for a sync. */
        if (r != -ENOSPC || round)
            return r;
        reap_all(s);
        counts_mend(s);
        splinter_store_sweep(s);
        if (s->durable)
            sync_now(s);
    }
}

/*
 * The set of everyday: a short key that is in its home bucket, a small value, nothing else asked for, the
 * thread's own lane with a spare of the right size, and nobody interferes.  0: done; -EAGAIN: anything
 * else, nothing was changed, and key_set() does it.  The steps are those of update(), with two thirds of
 * the instructions.  `durable` is that of the store, and a constant.
 */
#define SHORT_VALUE_AT ((uint32_t)sizeof(struct record) + KEY_SHORT)
static_assert(sizeof(struct record) % 16 == 0, "value_offset() of every short key");
static_assert(SHORT_VALUE_AT + PAYLOAD_INLINE <= FAST_UNITS * UNIT && FAST_UNITS <= 8,
              "class_of_units() is units - 1");
__attribute__((always_inline)) static inline int set_fast(struct splinter_store *s,
                                                             const char *name, const void *val,
                                                             size_t len, uint64_t *out_epoch,
                                                             bool durable)
{
    uint32_t key_len = key_short_length(name), mine = lane_preferred - 1;
    if (key_len - 1 >= KEY_SHORT || len - 1 >= s->fast_value || mine >= ENTRY_LANES ||
        fork_happened(s))
        return -EAGAIN;
    struct key_ends ends = key_ends_of(name, key_len);
    uint64_t hash = key_short_hash(s, ends, key_len);
    uint32_t home = hash_home(s, hash);
    struct bucket *bucket = &s->index[home];
    prefetch_to_write(bucket);
    prefetch_to_write(&s->header->epoch);
    struct lane_private *lane = &s->lane[mine];
    __asm__("" : "+r"(lane)); /* kept, not computed anew for each use */
    fault_point("fast: begun");
    if (load_relaxed(&lane->busy) || exchange_acquire(&lane->busy, 1)) /* [<lane] */
        return -EAGAIN;
    if (durable)
        lane_change_begin(lane);
    uint32_t at = lane->last, units = (SHORT_VALUE_AT + (uint32_t)len + UNIT - 1) / UNIT;
    if (lane->spare_class[at] != units || !index_present(s, home))
        goto otherwise;
    uint32_t spare = lane->spare_ref[at];
    struct record *rec = (struct record *)(void *)(s->arena + (uint64_t)spare * UNIT);

    struct slot *slot = slot_with_hash(bucket, hash);
    if (load_acquire(&slot->hash) != hash) /* [<visible] */
        goto otherwise;
    uint64_t current = load_acquire(&slot->current); /* [<publish] */
    uint32_t ref = CURRENT_REF(current);
    if (ref >= load_relaxed(&s->fast_units)) /* vacant is the highest reference */
        goto otherwise;
    struct record *old = (struct record *)(void *)(s->arena + (uint64_t)ref * UNIT);
    struct slab *slab = arena_slab(s, ref >> s->slab_shift);
    prefetch_to_write((char *)old + UNIT);
    __builtin_prefetch(slab);
    write_record(rec, lane, name, key_len, val, len, 0, 0);
    uint64_t payload = durable ? record_payload_hash(s, rec, key_len, (uint32_t)len) : 0;

    uint64_t old_size = (uint64_t)SHORT_VALUE_AT + load_relaxed(&old->value_len);
    uint32_t revision = load_relaxed(&old->revision), lane_number = load_relaxed(&old->lane);
    uint32_t old_units = (uint32_t)((old_size + UNIT - 1) / UNIT);
    struct key_ends there = key_ends_of(old + 1, key_len);
    if (load_relaxed(&old->key_len) != key_len || there.first != ends.first ||
        there.last != ends.last || load_relaxed(&old->expiry) || old_units > FAST_UNITS ||
        load_relaxed(&slab->block_units) != old_units)
        goto written;
    if (lane_number != lane->number) {
        struct lookup f = {.slot = slot, .current = current, .rec = old};
        acknowledge(s, &f, lane_number);
    }
    uint64_t id = block_id(ref, load_relaxed(&slab->generation)), epoch = epoch_take(s);
    fault_point("fast: epoch taken");
    seal(rec, epoch, revision + 1, payload, durable);
    bool keep = durable && must_keep(s, load_relaxed(&old->epoch));
    open_change(lane, keep ? LANE_UPDATE | LANE_KEEP : LANE_UPDATE, (uint64_t)home * BUCKET_SLOTS +
                (uint32_t)(slot - bucket->slot), current, CURRENT(epoch, spare), id, at, epoch);
    uint64_t expect = current;
    if (!cas_seq_cst(&slot->current, &expect, CURRENT(epoch, spare))) { /* [>publish] */
        fault_point("fast: lost");
        close_change(lane);
        goto written;
    }
    fault_point("fast: published");
    if (keep)
        retire(s, lane, current, epoch, at);
    else
        recycle_block(lane, id, old, old_size, old_units, old_units - 1, at);
    if (durable)
        lane_change_end(lane);
    store_release(&lane->busy, 0); /* [>lane] */
    announce(s, bucket);
    if (out_epoch)
        *out_epoch = epoch;
    return 0;

written:
    clean_spare(rec, key_len, len);
otherwise:
    lane_release(s, lane);
    return -EAGAIN;
}

__attribute__((noinline)) static int set_slow(struct splinter_store *s, const char *name,
                                                   const void *val, size_t len,
                                                   const struct splinter_set_options *options,
                                                   uint64_t *out_epoch)
{
    struct key key;
    struct set_args args = {0};
    if (!s || !val || !len)
        return -EINVAL;
    if (options) {
        if (options->struct_size < sizeof *options || options->type > 65535 ||
            options->flags & ~(SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH) ||
            options->flags == (SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH))
            return -EINVAL;
        args.flags = options->flags;
        args.type = options->type;
        args.if_epoch = options->if_epoch;
        if (options->ttl_ns) {
            uint64_t now = now_realtime();
            args.expiry = options->ttl_ns > UINT64_MAX - now ? UINT64_MAX : now + options->ttl_ns;
        }
    }
    int r = key_make(s, name, &key);
    if (r)
        return r;
    if (len > s->geo.max_value)
        return -EMSGSIZE;
    prefetch_to_write(&s->index[key.home]);
    prefetch_to_write(&s->header->epoch);
    return key_set(s, &key, val, len, &args, out_epoch);
}

__attribute__((noinline)) static int set_fast_durable(struct splinter_store *s, const char *name,
                                                 const void *val, size_t len, uint64_t *out_epoch)
{
    if (set_fast(s, name, val, len, out_epoch, true))
        return set_slow(s, name, val, len, NULL, out_epoch);
    return sync_if_due(s);
}

int splinter_store_set(splinter_store *s, const char *name, const void *val, size_t len,
                       const struct splinter_set_options *options, uint64_t *out_epoch)
{
    if (!s || !name || !val || options)
        return set_slow(s, name, val, len, options, out_epoch);
    if (s->durable)
        return set_fast_durable(s, name, val, len, out_epoch);
    if (set_fast(s, name, val, len, out_epoch, false))
        return set_slow(s, name, val, len, NULL, out_epoch);
    return 0;
}
