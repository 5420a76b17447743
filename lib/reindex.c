/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reindex.c - durable stores: put a record into the index that is made again
 *
 * A part of rebuild.c, which has the invariants.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "backing.h"
#include "descriptor.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "reindex.h"
#include "slab.h"

int rebuild_fill(struct rebuild *r, uint64_t ref, uint64_t units)
{
    if (!r->holes_cost)
        return 0;
    return backing_reserve(descriptor_file(r->s), r->s->geo.arena_off + ref * UNIT, units * UNIT);
}

void rebuild_wipe(void *p, size_t n)
{
    static const uint8_t zeroes[UNIT];
    uint8_t *at = p;
    for (; n >= UNIT; at += UNIT, n -= UNIT)
        if (memcmp(at, zeroes, UNIT)) /* so that a hole of the file stays one */
            memset(at, 0, UNIT);
}

int rebuild_wipe_block(struct rebuild *r, uint64_t ref, uint64_t units)
{
    if (r->in_place && units > SMALL_UNITS)
        return backing_clear(descriptor_file(r->s), r->s->geo.arena_off + ref * UNIT, units * UNIT);
    rebuild_wipe(record_of(r, ref), (size_t)units * UNIT);
    return 0;
}

static int chunk_ensure(struct rebuild *r, uint32_t b)
{
    uint32_t chunk = b / CHUNK_BUCKETS;
    if (r->in_place)
        return index_ensure(r->s, b);
    r->s->index_map[chunk / 64] |= UINT64_C(1) << chunk % 64;
    return 0;
}

/* What is in the slot where a key is or is to be. */
enum there { VACANT, PRESENT };

/* Find that slot, *out.  Returns an enum there, or -ENOSPC or another error of index_ensure(). */
static int probe(struct rebuild *r, const struct key *key, struct lookup *out)
{
    struct splinter_store *s = r->s;
    struct lookup vacant = {0}; /* the first one: the key may be beyond it, if another one went */
    uint32_t b = key->home, n;
    for (n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        int e = chunk_ensure(r, b);
        if (e)
            return e;
        for (uint32_t i = 0; i < BUCKET_SLOTS; i++) {
            struct slot *slot = &s->index[b].slot[i];
            uint64_t current = load_relaxed(&slot->current);
            *out = (struct lookup){.slot = slot, .current = current, .bucket = b};
            if (!current && !vacant.slot)
                vacant = *out;
            out->rec = current ? record_at(s, current) : NULL;
            if (out->rec && slot->hash == key->hash && record_has_key(s, current, out->rec, key))
                return PRESENT;
        }
        if (vacant.slot && !s->index[b].overflow)
            break;
    }
    *out = vacant;
    return vacant.slot ? VACANT : -ENOSPC;
}

/* The older of two records of a key is wiped once the new state is on disk. */
static void lose(struct rebuild *r, uint64_t ref, uint64_t to)
{
    record_of(r, ref)->superseded = to;
    arena_limbo(r->s, (uint32_t)ref);
}

uint32_t rebuild_block_at(const struct rebuild *r, uint64_t ref, struct block *b)
{
    if (ref >= r->units || !block_find(r->s, (uint32_t)ref, b))
        return 0;
    uint64_t left = r->units - ref;
    return left < b->class->units ? (uint32_t)left : b->class->units;
}

/* The key of the record at ref, which was found whole; its name is copied to `name`.  Returns how
 * many units of the block *b the file has; 0: some process has damaged the record since then. */
static uint32_t key_of(const struct rebuild *r, uint64_t ref, struct key *key,
                       char name[SPLINTER_KEY_MAX], struct block *b)
{
    struct record *rec = record_of(r, ref);
    uint32_t units = rebuild_block_at(r, ref, b);
    *key = (struct key){.s = name, .len = load_relaxed(&rec->key_len)};
    if (!units || key->len - 1 >= SPLINTER_KEY_MAX - 1 ||
        value_offset(key->len) > (uint64_t)units * UNIT)
        return 0;
    payload_copy(name, rec + 1, key->len);
    name[key->len] = '\0';
    key->hash = key_hash(r->s, name, key->len);
    key->home = hash_home(r->s, key->hash);
    return units;
}

void rebuild_unset(struct rebuild *r, uint64_t ref)
{
    struct splinter_store *s = r->s;
    uint64_t epoch = record_of(r, ref)->epoch;
    struct block b;
    struct lookup f;
    char name[SPLINTER_KEY_MAX];
    struct key key;
    if (!key_of(r, ref, &key, name, &b))
        return;
    b.slab->bits[b.at / 64] |= UINT64_C(1) << b.at % 64;
    lose(r, ref, epoch);
    if (probe(r, &key, &f) != PRESENT || f.rec->epoch > epoch)
        return;
    f.slot->current = 0;
    f.slot->hash = 0;
    bool fresh = f.rec->epoch > r->synced && f.rec->revision == 1;
    r->keys--;
    r->fresh -= fresh;
    r->gone += !fresh;
    for (uint32_t i = key.home; i != f.bucket; i = index_next(s, i))
        s->index[i].overflow--;
    lose(r, CURRENT_REF(f.current), epoch);
}

int rebuild_place(struct rebuild *r, uint64_t ref)
{
    struct splinter_store *s = r->s;
    struct record *rec = record_of(r, ref);
    struct block b;
    struct lookup f;
    char name[SPLINTER_KEY_MAX];
    struct key key;
    uint32_t units = key_of(r, ref, &key, name, &b);
    if (!units) {
        r->damaged++;
        return 0;
    }
    if (!key_is_sane(name, key.len)) { /* it is whole, but no set wrote it */
        r->damaged++;
        return rebuild_wipe_block(r, ref, units);
    }
    int there = probe(r, &key, &f);
    if (there < 0)
        return there;
    if (there == VACANT && r->keys >= s->geo.slots) {
        /* At S there were no more keys than fit.  A key that was set later may be on disk together
         * with one that was unset before it.  No sync ever acknowledged either change. */
        return rebuild_wipe_block(r, ref, units);
    }
    f.slot->hash = key.hash;
    b.slab->bits[b.at / 64] |= UINT64_C(1) << b.at % 64;
    if (there == PRESENT && f.rec->epoch >= rec->epoch) {
        lose(r, ref, f.rec->epoch);
        return 0;
    }
    if (rec->superseded) /* so that a page which does not change is not written */
        rec->superseded = 0;
    f.slot->current = CURRENT(rec->epoch, (uint32_t)ref);
    r->expiring |= rec->expiry != 0;
    if (there == PRESENT) {
        lose(r, CURRENT_REF(f.current), rec->epoch);
        return 0;
    }
    r->keys++;
    r->fresh += rec->epoch > r->synced && rec->revision == 1;
    for (uint32_t i = key.home; i != f.bucket; i = index_next(s, i))
        s->index[i].overflow++;
    return 0;
}

int rebuild_later(struct rebuild *r, uint64_t epoch, uint64_t ref, bool unset)
{
    struct laters *list = &r->later;
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 1024;
        struct later *more = realloc(list->at, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        list->at = more;
        list->room = room;
    }
    list->at[list->count++] = (struct later){epoch, (uint32_t)ref, unset};
    return 0;
}

static int compare_epochs(const void *a, const void *b)
{
    uint64_t x = ((const struct later *)a)->epoch, y = ((const struct later *)b)->epoch;
    return x < y ? -1 : x > y;
}

int rebuild_place_later(struct rebuild *r)
{
    struct laters *list = &r->later;
    int e = 0;
    if (list->count)
        qsort(list->at, list->count, sizeof *list->at, compare_epochs);
    for (size_t i = 0; !e && i < list->count; i++) {
        if (list->at[i].unset)
            rebuild_unset(r, list->at[i].ref);
        else
            e = rebuild_place(r, list->at[i].ref);
    }
    return e;
}
