/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - go through the whole store and report what is wrong with it
 *
 * Other processes may change the store meanwhile.  So a finding about one slot counts only if the
 * slot's current word is the same before and after the look.  Findings about the whole store
 * (leaked blocks, counts) count only if no writer took an epoch during the pass, and no change was
 * under way at its beginning or end.  Otherwise check makes another pass.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "atomic.h"
#include "counts.h"
#include "error.h"
#include "extent.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "reading.h"
#include "reap.h"
#include "record.h"

#define PASSES 50 /* after which check gives up with EAGAIN */

struct check {
    splinter_store *s;
    uint8_t *seen;       /* one bit per unit of the arena: a block of known use begins there */
    uint64_t units;      /* units of the arena inside the file */
    struct record *copy; /* copy of the record whose checksum is computed */
    size_t copy_room;
    int problems;        /* findings of this pass */
    char *text;          /* their sentences, each with its terminator */
    size_t used, room;
};

/* Keep a finding until it is known whether the pass counts. */
__attribute__((format(printf, 2, 3)))
static void finding(struct check *c, const char *format, ...)
{
    char line[400];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t len = (size_t)n < sizeof line ? (size_t)n + 1 : sizeof line;
    c->problems++;
    if (c->used + len > c->room) {
        size_t room = (c->used + len) * 2;
        char *more = realloc(c->text, room);
        if (!more)
            return; /* the finding counts, without its sentence */
        c->text = more;
        c->room = room;
    }
    memcpy(c->text + c->used, line, len);
    c->used += len;
}

/* Note that the use of the block at ref is known; false if that was noted before. */
static bool mark(struct check *c, uint64_t ref)
{
    uint8_t bit = (uint8_t)(1u << ref % 8);
    bool before = c->seen[ref / 8] & bit;
    c->seen[ref / 8] |= bit;
    return !before;
}

/* Does the record match its checksum?  A copy is judged, because the record may change; then the
 * slot's current word also changes, and the result does not count. */
static bool whole(struct check *c, const struct slot *slot, uint64_t current, size_t size)
{
    if (size > c->copy_room) {
        void *more = realloc(c->copy, size);
        if (!more)
            return true; /* nothing is known to be wrong */
        c->copy = more;
        c->copy_room = size;
    }
    uint32_t ref = CURRENT_REF(current);
    if (!reading_needs_care(c->s, ref, size))
        payload_copy(c->copy, record_at_ref(c->s, ref), size);
    else if (reading_copy(c->s, slot, current, c->copy, 0, size))
        return true; /* it has changed, or cannot be read */
    return record_is_whole(c->s, c->copy, size);
}

/* Can the record in the slot be found by its key, and only there?  NULL, or what is wrong.  The
 * caller has seen that the lengths fit the block; *name gets the key. */
static const char *key_problem(struct check *c, const struct slot *slot, const struct record *rec,
                               uint32_t key_len, uint64_t hash, char name[SPLINTER_KEY_MAX])
{
    struct lookup found;
    uint32_t races = 0;
    payload_copy(name, rec + 1, key_len);
    name[key_len] = '\0';
    struct key key = key_of_bytes(c->s, name, key_len);
    if (!key_is_sane(name, key_len) || key.hash != hash)
        return "its hash is not that of the key";
    if (index_find_anywhere(c->s, &key, &found, &races) <= 0)
        return "its key cannot be found";
    return found.slot == slot ? NULL : "its key is also in another slot";
}

/* NULL, or what is wrong with the record that the slot leads to; *name gets its key. */
static const char *slot_problem(struct check *c, const struct slot *slot, uint64_t current,
                                uint64_t hash, char name[SPLINTER_KEY_MAX])
{
    splinter_store *s = c->s;
    uint32_t ref = CURRENT_REF(current), units = arena_block_units(s, ref);
    const struct record *rec = record_at(s, current);
    if (!units || !rec || ref >= c->units)
        return "its reference leads to no block";
    if (!arena_is_used(s, ref))
        return "its block is marked as free";
    /* Read once: they may change at any time. */
    uint32_t key_len = load_relaxed(&rec->key_len), value_len = load_relaxed(&rec->value_len);
    if (!key_len || key_len >= SPLINTER_KEY_MAX || !value_len || value_len > s->geo.max_value ||
        (uint64_t)value_offset(key_len) + value_len > (uint64_t)units * UNIT)
        return "its lengths do not fit its block";
    if ((uint32_t)(current >> 32) != (uint32_t)load_relaxed(&rec->epoch))
        return "its epoch differs from the record's";
    const char *problem = key_problem(c, slot, rec, key_len, hash, name);
    if (problem)
        return problem;
    if (!mark(c, ref))
        return "its block also belongs to another slot";
    if (s->durable && !whole(c, slot, current, value_offset(key_len) + value_len))
        return "its record does not match its checksum";
    return NULL;
}

static void check_slot(struct check *c, uint32_t b, uint32_t i)
{
    const struct slot *slot = &c->s->index[b].slot[i];
    uint64_t hash = load_acquire(&slot->hash), current = load_acquire(&slot->current);
    char name[SPLINTER_KEY_MAX] = "";
    if (!current)
        return;
    const char *problem = slot_problem(c, slot, current, hash, name);
    if (!problem || !still_current(slot, current))
        return;
    if (!name[0] && name[1])
        finding(c, "slot %u of bucket %u (a key of a topic): %s", i, b, problem);
    else
        finding(c, "slot %u of bucket %u (key '%.64s'): %s", i, b, name, problem);
}

/* Mark the blocks that lanes have: spares, and those that an open change replaces. */
static void mark_lanes(struct check *c)
{
    splinter_store *s = c->s;
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            struct lane *lane = &s->registry[e].lane[l];
            for (uint32_t k = 0; k < LANE_SPARES; k++) {
                uint64_t id = load_relaxed(&lane->spare[k]);
                if (id && block_id_ref(id) < c->units)
                    mark(c, block_id_ref(id));
            }
            uint64_t old = load_relaxed(&lane->old);
            if (load_relaxed(&lane->epoch) && block_id_ref(old) < c->units)
                mark(c, block_id_ref(old));
        }
}

/* Will the next sync look through the slab for records that are no longer current? */
static bool sync_knows(const splinter_store *s, uint32_t n)
{
    return load_acquire(&arena_group(s, n)->limbo) >> n % GROUP_SLABS & 1 ||
           load_relaxed(&s->header->limbo_at) == n + 1;
}

/* Is every block in use known to be used, and none in limbo current?  After check_index(). */
static void check_blocks(struct check *c)
{
    splinter_store *s = c->s;
    mark_lanes(c);
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n = slab_next(s, n)) {
        if (!file_covers(s, slab_start(s, n) + SLAB_HEADER_UNITS))
            break;
        struct slab *slab = arena_slab(s, n);
        const struct size_class *class = slab_class(s, load_relaxed(&slab->block_units));
        for (uint32_t b = 0; class && b < SLAB_BLOCKS; b++) {
            uint64_t ref = block_start(s, n, class, b);
            if (!(load_relaxed(&slab->bits[b / 64]) >> b % 64 & 1))
                continue;
            bool limbo = load_relaxed(&slab->limbo[b / 64]) >> b % 64 & 1;
            if (b >= class->blocks || ref >= c->units)
                finding(c, "slab %u: block %u is in use, but does not exist", n, b);
            else if (limbo == (c->seen[ref / 8] >> ref % 8 & 1))
                finding(c, limbo ? "slab %u: block %u is marked as superseded, but is current"
                                 : "slab %u: block %u is in use, but belongs to nobody (leaked)", n,
                        b);
            else if (limbo && (!s->durable || !sync_knows(s, n)))
                finding(c, "slab %u: block %u waits for a sync, but no sync looks for it", n, b);
        }
    }
}

static void check_counts(struct check *c, uint32_t keys)
{
    uint32_t count = (uint32_t)load_seq_cst(&c->s->header->keys);
    if (count != keys)
        finding(c, "the store counts %u keys, but has %u", count, keys);
    if (keys > c->s->geo.slots)
        finding(c, "there are %u keys, but the limit is %u", keys, c->s->geo.slots);
}

/* Check every slot; return the number of keys. */
static uint32_t check_index(struct check *c)
{
    splinter_store *s = c->s;
    uint32_t keys = 0;
    for (uint32_t b = 0; b < s->geo.buckets; b++) {
        if (!index_present(s, b)) {
            b |= CHUNK_BUCKETS - 1;
            continue;
        }
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            keys += load_relaxed(&s->index[b].slot[i].current) != 0;
            check_slot(c, b, i);
        }
    }
    return keys;
}

/* Does the lane hold an insert lock?  Then it may have counted a key that is in no slot, and have
 * no epoch yet, or none any more. */
static bool holds_lock(splinter_store *s, const struct lane *lane, uint32_t number)
{
    uint32_t at = load_acquire(&lane->lock);
    if (!at || at > s->geo.buckets || !index_present(s, at - 1))
        return false;
    const struct bucket *b = &s->index[at - 1];
    return lock_holder(load_acquire(&b->lock[0])) == number ||
           lock_holder(load_acquire(&b->lock[1])) == number;
}

/* Is no change under way?  If that is so before and after a pass, and no epoch was taken, then the
 * findings of the pass fit together. */
static bool quiet(splinter_store *s)
{
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            const struct lane *lane = &s->registry[e].lane[l];
            if (load_acquire(&lane->epoch) || holds_lock(s, lane, lane_number_of(e, l)))
                return false;
        }
    return true;
}

/* One pass.  The number of problems; -EAGAIN: others changed the store meanwhile; -ENOMEM. */
static int check_once(struct check *c)
{
    splinter_store *s = c->s;
    if (!s->read_only) {
        reap_all(s);
        counts_mend(s);
    }
    c->problems = 0;
    c->used = 0;
    /* Only as far as the file reaches: beyond it there is nothing to mark. */
    file_covers(s, s->arena_units);
    c->units = load_relaxed(&s->known_units);
    free(c->seen);
    c->seen = calloc(c->units / 8 + 1, 1);
    if (!c->seen)
        return error_set(ENOMEM, "no memory to check the store");
    uint64_t epoch = load_seq_cst(&s->header->epoch);
    bool was_quiet = quiet(s);
    uint32_t keys = check_index(c);
    check_blocks(c);
    check_counts(c, keys);
    uint32_t damaged = s->durable ? load_relaxed(&s->header->damaged) : 0;
    if (damaged)
        finding(c, "%u record%s found damaged when the store was opened, and lost", damaged,
                damaged == 1 ? " was" : "s were");
    if (!c->problems || (was_quiet && quiet(s) && load_seq_cst(&s->header->epoch) == epoch))
        return c->problems;
    return -EAGAIN;
}

int splinter_store_check(splinter_store *s, void (*report)(void *arg, const char *problem),
                         void *arg)
{
    error_clear();
    if (!s)
        return error_set(EINVAL, "no store was given");
    struct check c = {.s = s};
    int result = -EAGAIN;
    for (int pass = 0; pass < PASSES && result == -EAGAIN; pass++)
        result = check_once(&c);
    if (result > 0 && report)
        for (size_t at = 0; at < c.used; at += strlen(c.text + at) + 1)
            report(arg, c.text + at);
    if (result == -EAGAIN)
        error_set(EAGAIN, "other processes kept changing the store");
    free(c.seen);
    free(c.copy);
    free(c.text);
    return result;
}
