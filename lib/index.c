/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - buckets and probing
 *
 * Linear probing over buckets of one cache line.  bucket.overflow counts the keys that went past
 * the bucket, so a probe for a key that is not there stops early, and nothing has to be
 * cleaned after an unset.
 *
 * Invariants
 *  - A key with home bucket h that lies in bucket b is counted in the overflow of h .. b-1.  The
 *    count is raised before the key becomes visible and lowered after it is gone; a
 *    death in between leaves it too high, which costs a longer probe (recover.c mends it).
 *  - A key enters or leaves the index only under its insert lock: it is there at most once.
 *  - A current word changes 0 -> record (insert), record -> record of the same key (update), record -> 0
 *    (unset).  No current word value comes twice within 2^32 epochs.
 *  - The index is a hole of the file where its bit in the index map is 0: such a chunk is empty
 *    and must not be touched, for a hole of a full /dev/shm is a SIGBUS.
 */
#include <errno.h>

#include "atomic.h"
#include "backing.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"

/* Make the chunk of this bucket usable.  Reserving twice is harmless. */
int index_ensure(struct splinter_store *s, uint32_t bucket)
{
    if (index_present(s, bucket))
        return 0;
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    uint64_t size = CHUNK_BUCKETS * sizeof(struct bucket);
    int r = backing_reserve(s->fd, s->geo.index_off + chunk * size, size);
    fault_point("index: chunk reserved");
    if (!r)
        fetch_or_acq_rel(&s->index_map[chunk / 64], UINT64_C(1) << chunk % 64); /* [>chunk] */
    fault_point("index: chunk known");
    return r;
}

/* Slot i of bucket b, whose hash is that of the key.  1: found; 0: another key's; -EAGAIN. */
static int look_at(struct splinter_store *s, const struct key *key, uint32_t b, uint32_t i,
                   struct lookup *out, uint32_t *retries)
{
    struct slot *slot = &s->index[b].slot[i];
    for (;;) {
        /* Acquire: the record was written before.  Pairs with the CAS that publishes. [<publish] */
        uint64_t current = load_acquire(&slot->current);
        if (!current)
            return 0;
        struct record *rec = record_at(s, current);
        if (rec && record_has_key(s, current, rec, key)) {
            *out = (struct lookup){slot, current, rec, b};
            return 1;
        }
        /* Another key with this hash, a slot whose new hash is on its way, or a record that
         * was replaced while we looked. */
        if (still_current(slot, current))
            return 0;
        if (++*retries > RACES_MAX)
            return -EAGAIN;
    }
}

int index_find_anywhere(struct splinter_store *s, const struct key *key, struct lookup *out,
                        uint32_t *retries)
{
    uint32_t b = key->home;
    for (uint32_t n = 0; n < s->geo.buckets; n++, b = index_next(s, b)) {
        if (!index_present(s, b))
            return 0;
        struct bucket *bucket = &s->index[b];
        /* Acquire: with a new hash comes the current word that was stored before it.  Pairs with the store
         * of hash in insert_at(). [<visible] */
        uint32_t is0 = load_acquire(&bucket->slot[0].hash) == key->hash;
        uint32_t is1 = load_acquire(&bucket->slot[1].hash) == key->hash;
        uint32_t is2 = load_acquire(&bucket->slot[2].hash) == key->hash;
        uint32_t matches = is0 + is1 + is2;
        if (matches) {
            uint32_t i = (is1 | is2 << 1) & (is0 - 1);
            i -= i == 3; /* slots 1 and 2: begin with 2 */
            int r = look_at(s, key, b, i, out, retries);
            if (r)
                return r;
            for (i = 0; matches > 1 && i < BUCKET_SLOTS; i++)
                if (load_acquire(&bucket->slot[i].hash) == key->hash &&
                    (r = look_at(s, key, b, i, out, retries)))
                    return r;
        }
        if (!load_acquire(&bucket->overflow))
            return 0;
    }
    return 0;
}

/* The hash of the key of the record at current word, read until it holds.  False: the slot is vacant. */
bool index_current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash)
{
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        uint64_t current = load_acquire(&slot->current); /* [<publish] */
        if (!current)
            return false;
        struct record *rec = record_at(s, current);
        uint32_t len = rec ? load_relaxed(&rec->key_len) : 0;
        bool sane = rec && len && len < SPLINTER_KEY_MAX &&
                    file_covers(s, CURRENT_REF(current) + (sizeof *rec + len + UNIT - 1) / UNIT);
        if (sane) {
            char key[SPLINTER_KEY_MAX];
            payload_copy(key, rec + 1, len);
            *hash = key_hash(s, key, len);
        }
        if (still_current(slot, current))
            return sane;
    }
    return false;
}
