/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set.c - set: the fast path of nearly every call, and the slow path that can do everything
 *
 * The invariants of a change are in change.c.  An update replaces slot.current; insert.c has what
 * becomes of a key that is not there.
 */
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "attach.h"
#include "change.h"
#include "compiler.h"
#include "fault.h"
#include "feed.h"
#include "fork.h"
#include "handle.h"
#include "index.h"
#include "insert.h"
#include "key.h"
#include "lane.h"
#include "owner.h"
#include "record.h"
#include "room.h"
#include "set.h"
#include "sized.h"
#include "sync.h"

/* Fill in the record that is to be published.  It gets no end of life and no type.  The value is
 * head_len bytes from `head`, and then `val`; `len` is the length of both. */
ALWAYS_INLINE
void write_record(const struct change *c, const char *key, uint32_t key_len, const void *head,
                  uint32_t head_len, const void *val, size_t len)
{
    struct record *rec = c->record;
    /* Before it became our spare, a writer unlinked the block: we, or another one that freed it.  A
     * reader that sees what we write now must see that also.  Pairs with still_current().
     * [>unlinked] */
    fence_release();
    store_relaxed(&rec->expiry, 0);
    store_relaxed(&rec->value_len, (uint32_t)len);
    store_relaxed(&rec->key_len, (uint16_t)key_len);
    store_relaxed(&rec->type, 0);
    store_relaxed(&rec->lane, (uint16_t)c->lane->number);
    fault_point("write: lengths");
    payload_copy(rec + 1, key, key_len);
    fault_point("write: key");
    uint8_t *to = (uint8_t *)rec + value_offset(key_len);
    if (head_len)
        payload_copy(to, head, head_len);
    payload_copy(to + head_len, val, len - head_len);
    fault_point("write: value");
}

/* Make a block that was filled in, but not published, a clean spare again.  The number of its lane
 * stays there all the time: it tells the cleaner of a dead process that the block is the lane's. */
NOINLINE
static void clean_spare(struct record *rec, uint32_t key_len, size_t len)
{
    size_t rest = offsetof(struct record, flags);
    payload_zero(rec, offsetof(struct record, lane));
    fault_point("clean: header");
    payload_zero((uint8_t *)rec + rest, value_offset(key_len) + len - rest);
    fault_point("clean: whole");
}

/* Put the record into the slot in place of the one found there, whose block is `old`.  This is the
 * end of every update, fast or slow.  False: another writer changed the slot first, and nothing was
 * done. */
ALWAYS_INLINE
bool replace(struct splinter_store *s, const struct change *c, const struct old_block *old,
             bool keep, const char *key, uint32_t key_len)
{
    uint64_t expected = c->found.current, becomes = CURRENT(c->epoch, c->lane->spare_ref[c->at]);
    if (s->has_feed)
        feed_prepare_set(s, c->lane, c->record, key, key_len);
    open_change(s, c, keep ? LANE_UPDATE | LANE_KEEP : LANE_UPDATE, becomes, old->id);
    /* Publishes the record (release), and comes before the load of the wait word (seq_cst).  If it
     * succeeds, slot.current had not changed, and what we read of the old record was valid.
     * [>publish] */
    if (!cas_seq_cst(&c->found.slot->current, &expected, becomes)) {
        fault_point("replace: lost");
        close_change(c->lane);
        return false;
    }
    fault_point("replace: published");
    if (s->has_feed)
        feed_tell(s, c->lane->feed, c->found.slot, becomes);
    if (keep)
        retire(s, c->lane, c->at, c->found.current, c->epoch);
    else
        recycle(c, old);
    return true;
}

/* ---- the slow path: any key, any value, any condition ---- */

/* May the found record be replaced?  DONE: it may, and *revision and *type are those of the new
 * one.  Else AGAIN or an errno. */
static inline int check_conditions(struct splinter_store *s, const struct lookup *found,
                                   const struct set_args *args, uint32_t *revision, uint32_t *type)
{
    uint64_t epoch = load_relaxed(&found->rec->epoch), expiry = load_relaxed(&found->rec->expiry);
    uint64_t owner = owner_of(found->rec, expiry);
    *revision = load_relaxed(&found->rec->revision) + 1;
    *type = args->flags & SPLINTER_KEEP_TYPE ? load_relaxed(&found->rec->type) : args->type;
    if (!args->flags && !expiry)
        return DONE;
    if (!still_current(found->slot, found->current))
        return AGAIN;
    int over = life_over(s, expiry, owner);
    if (over < 0)
        return over;
    if ((args->flags & SPLINTER_IF_ABSENT) && !over)
        return -EEXIST;
    if (args->flags & SPLINTER_IF_EPOCH && (over || epoch != args->if_epoch))
        return over ? -ENOENT : -ESTALE;
    if (over) {
        *revision = 1;
        *type = args->type;
    }
    return DONE;
}

/* Set a key that is there, in the slot c->found. */
ALWAYS_INLINE
int update(struct splinter_store *s, struct change *c, const struct key *key,
           const struct set_args *args)
{
    uint32_t revision, type;
    int r = check_conditions(s, &c->found, args, &revision, &type);
    if (r != DONE)
        return r;
    uint64_t old_epoch = load_relaxed(&c->found.rec->epoch);
    uint64_t old_owner = owner_of(c->found.rec, load_relaxed(&c->found.rec->expiry));
    struct old_block old = old_block_of(s, &c->found);
    if (load_relaxed(&c->found.rec->lane) != c->lane->number) /* ours has no change open yet */
        acknowledge(s, c->found.slot, c->found.current, c->found.rec);
    c->epoch = args->epoch ? args->epoch : epoch_take(s);
    fault_point("update: epoch taken");
    store_relaxed(&c->record->type, (uint16_t)type);
    bool keep = must_keep(s, old_epoch);
    seal(c, args->epoch ? args->revision : revision, s->durable,
         mark_older(c->found.rec, keep) | owner_marks(args->owner));
    if (!replace(s, c, &old, keep, key->s, key->len))
        return AGAIN;
    if (old_owner)
        owner_less(s, old_owner);
    return DONE;
}

/* One try to set the key; the lane is c->lane.  DONE, or an errno. */
ALWAYS_INLINE
int set_once(struct splinter_store *s, struct change *c, const struct key *key, const void *val,
             size_t len, const struct set_args *args)
{
    uint32_t units = (value_offset(key->len) + (uint32_t)len + UNIT - 1) / UNIT, races = 0;
    uint32_t class = arena_class(s, units);
    int r = feed_ready(s, c->lane);
    if (!r)
        r = lane_spare(s, c->lane, class, units, &c->at);
    if (r)
        return r;
    c->record = record_at_ref(s, c->lane->spare_ref[c->at]);
    prefetch_to_write(c->record);
    prefetch_to_write((char *)c->record + UNIT);
    int found = index_find(s, key, &c->found, &races);
    if (found > 0) { /* fetch what recycle() will zero, while we fill in the new record */
        prefetch_to_write((char *)c->found.rec + UNIT);
        __builtin_prefetch(arena_slab(s, CURRENT_REF(c->found.current) >> s->slab_shift));
    }
    write_record(c, key->s, key->len, args->head, args->head_len, val, len);
    store_relaxed(&c->record->expiry, args->expiry);
    if (args->owner) {
        store_relaxed(&c->record->marks, owner_marks(args->owner));
        store_relaxed(&c->record->flags, (uint16_t)(args->owner >> 32));
    }
    c->payload = s->durable ? record_payload_hash(s, c->record, key->len, (uint32_t)len) : 0;
    for (;;) {
        r = found > 0 ? update(s, c, key, args) : found ? found : key_insert(s, c, key, args);
        if (r == DONE) {
            c->lane->last = c->at;
            if (units > SPARE_UNITS || c->lane->spare_class[c->at] != class + 1)
                lane_settle(s, c->lane, c->at);
            return r;
        }
        if (r || ++races >= RACES_MAX)
            break;
        found = index_find(s, key, &c->found, &races);
    }
    clean_spare(c->record, key->len, len);
    lane_settle(s, c->lane, c->at);
    return r ? r : -EAGAIN;
}

/* The record will have an end of life, or an owner: say so before. */
static void note_life(struct splinter_store *s, const struct set_args *args)
{
    uint32_t end = args->owner && args->expiry == UINT64_MAX ? 0 : TTL_END;
    expiry_used(s, args->owner ? TTL_OWNER | end : end);
}

int key_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
            const struct set_args *args, uint64_t *out_epoch)
{
    struct set_args own;
    int r = attach_own(s);
    if (!r && args->flags & SPLINTER_EPHEMERAL) {
        own = *args;
        own.expiry = own.expiry ? own.expiry : UINT64_MAX;
        args = &own;
        r = owner_begin(s, &own.owner);
    }
    if (r)
        return r;
    if (args->expiry)
        note_life(s, args);
    fault_point("set: begun");
    for (int round = 0, sync_failed = 0;; round++) {
        struct change c = {.lane = lane_acquire(s)};
        if (args->owner)
            owner_more(s, args->owner);
        r = set_once(s, &c, key, val, len, args);
        lane_release(s, c.lane);
        if (args->owner && r != DONE)
            owner_less(s, args->owner);
        if (r == DONE) {
            if (args->expiry)
                expiry_note(s, args->expiry);
            announce(s, &s->index[key->home]);
            if (out_epoch)
                *out_epoch = c.epoch;
            return s->durable && !args->unsynced ? sync_if_due(s) : 0;
        }
        if (!room_is_short(r))
            return r;
        if (!room_make(s, r, round, &sync_failed))
            return room_say(s, r, sync_failed);
    }
}

/* ---- the fast path ----
 *
 * It is for the set of every day: a short key in its home bucket, a small value, no options, a
 * spare of the right size in the lane that the thread had last, and no other writer that
 * interferes.  0: done; -EAGAIN: it is anything else, nothing was changed, and the slow path does
 * it.  `durable` is that of the store, and a constant.
 *
 * What it must do exactly as the slow path does:
 *   the lane            busy, and change_seq of a durable store: lane_acquire(), lane_release()
 *   the lookup          what index_find() believes: the hash, then the current word, then the key
 *   the record          write_record(), seal(), and no end of life in the one that is replaced
 *   another's lane      acknowledge() before the epoch is taken
 *   the replacement     replace(), with must_keep() after the epoch was taken
 *   the end             announce() after the lane was released; a sync if one is due
 * The crash tests run every scene through both (tests/crash/test_steps.c).
 */
#define SHORT_VALUE_AT ((uint32_t)sizeof(struct record) + KEY_SHORT)
static_assert(sizeof(struct record) % 16 == 0, "value_offset() of every short key");
static_assert(SHORT_VALUE_AT + PAYLOAD_INLINE <= FAST_UNITS * UNIT && FAST_UNITS <= 8,
              "class_of_units() is units - 1");

/* A key of at most KEY_SHORT bytes. */
struct short_key {
    const char *s;
    struct key_ends ends;
    uint64_t hash;
    uint32_t len, home;
};

ALWAYS_INLINE
int short_key_make(const struct splinter_store *s, const char *name, struct short_key *key)
{
    key->s = name;
    key->len = key_short_length(name);
    if (key->len - 1 >= KEY_SHORT)
        return -EAGAIN;
    key->ends = key_ends_of(name, key->len);
    key->hash = key_short_hash(s, key->ends, key->len);
    key->home = hash_home(s, key->hash);
    return 0;
}

/* The record to which the home bucket leads by this hash.  It may be that of another key. */
ALWAYS_INLINE
bool fast_find(struct splinter_store *s, const struct short_key *key, struct lookup *found)
{
    struct bucket *bucket = &s->index[key->home];
    struct slot *slot = slot_with_hash(bucket, key->hash);
    if (load_acquire(&slot->hash) != key->hash) /* [<visible] */
        return false;
    uint64_t current = load_acquire(&slot->current); /* [<publish] */
    uint32_t ref = CURRENT_REF(current);
    if (ref >= load_relaxed(&s->fast_units)) /* that of a vacant slot is the highest one */
        return false;
    *found = (struct lookup){slot, current, record_at_ref(s, ref), key->home};
    return true;
}

/* Is that record the key's, without an end of life, and in a block of its own size? */
ALWAYS_INLINE
bool fast_matches(const struct short_key *key, const struct lookup *found, const struct slab *slab,
                  struct old_block *old)
{
    const struct record *rec = found->rec;
    struct key_ends ends = key_ends_of(rec + 1, key->len);
    old->size = (uint64_t)SHORT_VALUE_AT + load_relaxed(&rec->value_len);
    old->units = (uint32_t)((old->size + UNIT - 1) / UNIT);
    old->class = old->units - 1;
    return load_relaxed(&rec->key_len) == key->len && ends.first == key->ends.first &&
           ends.last == key->ends.last && !load_relaxed(&rec->expiry) && old->units <= FAST_UNITS &&
           load_relaxed(&slab->block_units) == old->units;
}

/* The thread has the lane, whose spare `at` has the right size, and c->found is what is to be
 * replaced.  False: nothing was changed. */
ALWAYS_INLINE
bool fast_update(struct splinter_store *s, struct change *c, const struct short_key *key,
                 const struct headed *as, uint32_t head_len, const void *val, size_t len,
                 bool durable)
{
    c->record = record_at_ref(s, c->lane->spare_ref[c->at]);
    uint32_t ref = CURRENT_REF(c->found.current);
    struct slab *slab = arena_slab(s, ref >> s->slab_shift);
    prefetch_to_write((char *)c->found.rec + UNIT);
    __builtin_prefetch(slab);
    write_record(c, key->s, key->len, head_len ? as->head : NULL, head_len, val, len);
    if (head_len)
        store_relaxed(&c->record->type, (uint16_t)as->type);
    c->payload = durable ? record_payload_hash(s, c->record, key->len, (uint32_t)len) : 0;

    uint32_t revision = load_relaxed(&c->found.rec->revision);
    struct old_block old;
    if (fast_matches(key, &c->found, slab, &old)) {
        if (load_relaxed(&c->found.rec->lane) != c->lane->number)
            acknowledge(s, c->found.slot, c->found.current, c->found.rec);
        old.id = block_id(ref, load_relaxed(&slab->generation));
        c->epoch = epoch_take(s);
        fault_point("fast: epoch taken");
        bool keep = durable && must_keep(s, load_relaxed(&c->found.rec->epoch));
        seal(c, revision + 1, durable, durable ? mark_older(c->found.rec, keep) : 0);
        if (replace(s, c, &old, keep, key->s, key->len))
            return true;
    }
    clean_spare(c->record, key->len, len);
    return false;
}

/* The lane that the thread had last, if it is free and the handle may change the store; else
 * NULL. */
ALWAYS_INLINE
struct lane_private *fast_lane(struct splinter_store *s, bool durable)
{
    uint32_t mine = lane_preferred - 1;
    if (mine >= ENTRY_LANES || unattached(s))
        return NULL;
    struct lane_private *lane = &s->lane[mine];
    __asm__("" : "+r"(lane)); /* kept in a register, not computed again for each use */
    fault_point("fast: begun");
    if (load_relaxed(&lane->busy) || exchange_acquire(&lane->busy, 1)) /* [<lane] */
        return NULL;
    if (durable)
        lane_change_begin(lane);
    return lane;
}

/* Set the key, whose value gets `len` bytes.  head_len is 0, or else `as` and `found` are those of
 * key_number() or key_item(). */
ALWAYS_INLINE
int fast_set(struct splinter_store *s, const struct short_key *key, const struct headed *as,
             uint32_t head_len, const struct lookup *found, const void *val, size_t len,
             uint64_t *out_epoch, bool durable)
{
    struct lane_private *lane = fast_lane(s, durable);
    if (!lane)
        return -EAGAIN;
    struct change c = {.lane = lane, .at = lane->last};
    uint32_t units = (SHORT_VALUE_AT + (uint32_t)len + UNIT - 1) / UNIT;
    if (head_len)
        c.found = *found;
    if (lane->spare_class[c.at] != units ||
        (!head_len && (!index_present(s, key->home) || !fast_find(s, key, &c.found))) ||
        !fast_update(s, &c, key, as, head_len, val, len, durable)) {
        lane_release(s, lane);
        return -EAGAIN;
    }
    if (durable)
        lane_change_end(lane);
    store_release(&lane->busy, 0); /* [>lane] */
    announce(s, &s->index[key->home]);
    if (out_epoch)
        *out_epoch = c.epoch;
    return 0;
}

ALWAYS_INLINE
int set_fast(struct splinter_store *s, const char *name, const void *val, size_t len,
             uint64_t *out_epoch, bool durable)
{
    struct short_key key;
    if (short_key_make(s, name, &key) || len - 1 >= s->fast_value)
        return -EAGAIN;
    prefetch_to_write(&s->index[key.home]);
    prefetch_to_write(&s->header->epoch);
    return fast_set(s, &key, NULL, 0, NULL, val, len, out_epoch, durable);
}

/* Both calls that follow; head_len is a constant. */
ALWAYS_INLINE
int headed_set(struct splinter_store *s, const struct key *key, const struct headed *as,
               uint32_t head_len, const struct lookup *found, uint64_t epoch, const void *val,
               size_t len)
{
    const struct short_key fast = {key->s, key_ends_of(key->s, KEY_SHORT), key->hash, KEY_SHORT,
                                   key->home};
    len += head_len;
    if (len - 1 < s->fast_value && CURRENT_REF(found->current) < load_relaxed(&s->fast_units)) {
        prefetch_to_write(&s->header->epoch);
        if (!(s->durable ? fast_set(s, &fast, as, head_len, found, val, len, NULL, true)
                         : fast_set(s, &fast, as, head_len, found, val, len, NULL, false)))
            return s->durable ? sync_if_due(s) : 0;
    }
    const struct set_args args = {.flags = SPLINTER_IF_EPOCH, .type = as->type,
                                  .if_epoch = epoch, .head = as->head, .head_len = head_len};
    return key_set(s, key, val, len, &args, NULL);
}

int key_number(struct splinter_store *s, const struct key *key, const struct headed *as,
               const struct lookup *found, uint64_t epoch, const void *val, size_t len)
{
    return headed_set(s, key, as, sizeof(uint64_t), found, epoch, val, len);
}

int key_item(struct splinter_store *s, const struct key *key, const struct headed *as,
             const struct lookup *found, uint64_t epoch, const void *val, size_t len)
{
    return headed_set(s, key, as, sizeof(struct queue_item), found, epoch, val, len);
}

/* ---- the call ---- */

static int take_options(struct splinter_store *s, struct set_args *args,
                        const struct splinter_set_options *options)
{
    struct splinter_set_options o;
    int r = sized_take(&o, sizeof o, options);
    if (r)
        return r;
    const uint32_t conditions = SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH;
    if (o.type > 65535 || o.flags & ~(conditions | SPLINTER_KEEP_TYPE | SPLINTER_EPHEMERAL) ||
        (o.flags & conditions) == conditions)
        return -EINVAL;
    *args = (struct set_args){.flags = o.flags, .type = o.type, .if_epoch = o.if_epoch};
    if (o.ttl_ns)
        args->expiry = expiry_after(s, o.ttl_ns);
    return 0;
}

NOINLINE
static int set_slow(struct splinter_store *s, const char *name, const void *val, size_t len,
                    const struct splinter_set_options *options, uint64_t *out_epoch)
{
    struct key key;
    struct set_args args = {0};
    if (!s || !val || !len)
        return -EINVAL;
    int r = options ? take_options(s, &args, options) : 0;
    if (!r)
        r = key_make(s, name, &key);
    if (r)
        return r;
    if (len > s->geo.max_value)
        return -EMSGSIZE;
    prefetch_to_write(&s->index[key.home]);
    prefetch_to_write(&s->header->epoch);
    return key_set(s, &key, val, len, &args, out_epoch);
}

NOINLINE
static int set_fast_durable(struct splinter_store *s, const char *name, const void *val, size_t len,
                            uint64_t *out_epoch)
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
