/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - walk the whole store and say what is wrong with it
 *
 * On a live store everything moves.  A finding about one slot counts only if its current word is the same
 * before and after; findings about the whole (leaked blocks, counts) only if no epoch was taken
 * meanwhile, else the pass is made again.
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
#include "reap.h"
#include "record.h"

#define PASSES 50

struct check {
    splinter_store *s;
    uint8_t *seen; /* a bit a unit of the arena in use: a record starts there */
    uint64_t units;
    struct record *copy; /* of the record whose checksum is looked at */
    size_t copy_room;
    int problems;
    char *text;
    size_t used, room;
};

/* Findings are kept until the pass is known to be a good one. */
__attribute__((format(printf, 2, 3))) static void finding(struct check *c, const char *format, ...)
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
            return; /* counted, but without its sentence */
        c->text = more;
        c->room = room;
    }
    memcpy(c->text + c->used, line, len);
    c->used += len;
}

static bool mark(struct check *c, uint64_t ref)
{
    uint8_t bit = (uint8_t)(1u << ref % 8);
    bool before = c->seen[ref / 8] & bit;
    c->seen[ref / 8] |= bit;
    return !before;
}

/* Of a copy, for the record may change; then its current word does, too, and nothing counts. */
static bool whole(struct check *c, const struct record *rec, size_t size)
{
    if (size > c->copy_room) {
        void *more = realloc(c->copy, size);
        if (!more)
            return true; /* not known to be wrong */
        c->copy = more;
        c->copy_room = size;
    }
    payload_copy(c->copy, rec, size);
    return record_is_whole(c->s, c->copy, size);
}

static void check_slot(struct check *c, uint32_t b, uint32_t i)
{
    splinter_store *s = c->s;
    struct slot *slot = &s->index[b].slot[i];
    uint64_t hash = load_acquire(&slot->hash), current = load_acquire(&slot->current);
    if (!current)
        return;
    uint32_t ref = CURRENT_REF(current), units = arena_block_units(s, ref);
    struct record *rec = record_at(s, current);
    struct key key;
    char name[SPLINTER_KEY_MAX] = "";
    const char *wrong = NULL;
    uint32_t key_len, value_len; /* read once: they may change while they are looked at */
    if (!units || !rec || ref >= c->units)
        wrong = "its reference leads to no block";
    else if (!arena_is_used(s, ref))
        wrong = "its block counts as free";
    else if (!(key_len = load_relaxed(&rec->key_len)) || key_len >= SPLINTER_KEY_MAX ||
             !(value_len = load_relaxed(&rec->value_len)) || value_len > s->geo.max_value ||
             (uint64_t)value_offset(key_len) + value_len > (uint64_t)units * UNIT)
        wrong = "its lengths do not fit its block";
    else if ((uint32_t)(current >> 32) != (uint32_t)load_relaxed(&rec->epoch))
        wrong = "its epoch differs from the record's";
    else {
        payload_copy(name, rec + 1, key_len);
        name[key_len] = '\0';
        struct lookup f;
        uint32_t races = 0;
        if (key_make(s, name, &key) || key.len != key_len || key.hash != hash)
            wrong = "its hash is not that of the key";
        else if (index_find_anywhere(s, &key, &f, &races) != 1)
            wrong = "its key is not found";
        else if (f.slot != slot)
            wrong = "its key is in another slot, too";
        else if (!mark(c, ref))
            wrong = "its block belongs to another slot, too";
        else if (s->durable && !whole(c, rec, value_offset(key_len) + value_len))
            wrong = "its record does not have the checksum that it says";
    }
    if (wrong && still_current(slot, current))
        finding(c, "slot %u of bucket %u (key '%.64s'): %s", i, b, name, wrong);
}

static void check_blocks(struct check *c)
{
    splinter_store *s = c->s;
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            struct lane *lane = &s->registry[e].lane[l];
            for (uint32_t k = 0; k < LANE_SPARES; k++) {
                uint64_t id = load_relaxed(&lane->spare[k]);
                if (id && id >> 32 < c->units)
                    mark(c, id >> 32);
            }
            uint64_t old = load_relaxed(&lane->old);
            if (load_relaxed(&lane->epoch) && old >> 32 < c->units)
                mark(c, old >> 32);
        }
    uint32_t used = load_acquire(&s->header->slabs_used);
    for (uint32_t n = 0; n < used && n < s->geo.slabs; n++) {
        uint64_t first = slab_first_block(s, n);
        if (!file_covers(s, first))
            break;
        struct slab *slab = arena_slab(s, n);
        uint32_t units = load_relaxed(&slab->block_units);
        for (uint32_t b = 0; units && b < SLAB_BLOCKS; b++) {
            uint64_t ref = first + (uint64_t)b * units;
            if (!(load_relaxed(&slab->bits[b / 64]) >> b % 64 & 1))
                continue;
            bool limbo = load_relaxed(&slab->limbo[b / 64]) >> b % 64 & 1;
            if (ref >= c->units)
                finding(c, "slab %u: block %u is in use but does not exist", n, b);
            else if (limbo == (c->seen[ref / 8] >> ref % 8 & 1))
                finding(c, limbo ? "slab %u: block %u counts as no longer current, but is current"
                                 : "slab %u: block %u is in use but nobody's (leaked)", n, b);
        }
    }
}

static void check_counts(struct check *c, uint32_t keys)
{
    uint32_t count = (uint32_t)load_seq_cst(&c->s->header->keys);
    if (count != keys)
        finding(c, "the store counts %u keys, there are %u", count, keys);
    if (keys > c->s->geo.slots)
        finding(c, "there are %u keys, allowed are %u", keys, c->s->geo.slots);
}

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

/* Nothing numbered, announced or under way between two looks: what was seen holds together. */
static bool quiet(splinter_store *s)
{
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++)
            if (load_acquire(&s->registry[e].lane[l].epoch))
                return false;
    return true;
}

int splinter_store_check(splinter_store *s, void (*report)(void *arg, const char *problem),
                         void *arg)
{
    error_clear();
    if (!s)
        return -EINVAL;
    struct check c = {.s = s};
    int result = -EAGAIN;
    for (int pass = 0; pass < PASSES && result == -EAGAIN; pass++) {
        if (!s->read_only) {
            reap_all(s);
            counts_mend(s);
        }
        c.problems = 0;
        c.used = 0;
        /* Only as far as the file reaches: beyond it there is nothing to mark. */
        file_covers(s, s->arena_units);
        c.units = load_relaxed(&s->known_units);
        free(c.seen);
        c.seen = calloc(c.units / 8 + 1, 1);
        if (!c.seen) {
            result = error_set(ENOMEM, "no memory to check the store");
            break;
        }
        uint64_t epoch = load_seq_cst(&s->header->epoch);
        bool was_quiet = quiet(s);
        uint32_t keys = check_index(&c);
        check_blocks(&c);
        check_counts(&c, keys);
        uint32_t damaged = s->durable ? load_relaxed(&s->header->damaged) : 0;
        if (damaged)
            finding(&c, "%u records were found damaged when the store was opened, and are lost",
                    damaged);
        if (!c.problems || (was_quiet && quiet(s) && load_seq_cst(&s->header->epoch) == epoch))
            result = c.problems;
    }
    if (result > 0 && report)
        for (size_t at = 0; at < c.used; at += strlen(c.text + at) + 1)
            report(arg, c.text + at);
    if (result == -EAGAIN)
        error_set(EAGAIN, "others changed the store all the time");
    free(c.seen);
    free(c.copy);
    free(c.text);
    return result;
}
