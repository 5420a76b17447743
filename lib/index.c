/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.c - buckets and probing
 *
 * The index is a hash table with linear probing over buckets of one cache line.  bucket.overflow
 * counts the keys that went past the bucket.  So a probe for an absent key stops early, and an
 * unset leaves nothing to clean up.
 *
 * Invariants
 *  - A key with home bucket h that lies in bucket b counts in the overflow of the buckets from h up
 *    to, not including, b.  A writer raises the counts before the key becomes visible, and lowers
 *    them after it is gone.  If it dies in between, they stay too high, which costs longer probes
 *    until counts.c mends them.
 *  - A key enters or leaves the index only under its insert lock.  So the index has it at most
 *    once.
 *  - The current word of a slot changes from 0 to a record (insert), from a record to another one
 *    of the same key (update), and from a record to 0 (unset).  No value other than 0 comes back
 *    within 2^32 epochs.
 *  - A chunk whose bit in the index map is 0 is a hole of the file.  It counts as empty, and nobody
 *    may touch it: touching a hole raises SIGBUS if /dev/shm is full.
 */
#include <errno.h>

#include "atomic.h"
#include "backing.h"
#include "descriptor.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"

/* Several processes may do this at once, and a process may repeat what a dead one began. */
int index_ensure(struct splinter_store *s, uint32_t bucket)
{
    if (index_present(s, bucket))
        return 0;
    uint32_t chunk = bucket / CHUNK_BUCKETS;
    uint64_t size = CHUNK_BUCKETS * sizeof(struct bucket);
    int r = backing_reserve(descriptor_file(s), s->geo.index_off + chunk * size, size);
    fault_point("index: chunk reserved");
    if (!r) /* [=chunk-absent] */
        fetch_or_seq_cst(&s->index_map[chunk / 64], UINT64_C(1) << chunk % 64); /* [>chunk] */
    fault_point("index: chunk known");
    return r;
}

/* Has slot i of bucket b, whose hash is that of the key, the key?  1: yes; 0: no; -EAGAIN: too many
 * races. */
static int look_at(struct splinter_store *s, const struct key *key, uint32_t b, uint32_t i,
                   struct lookup *out, uint32_t *retries)
{
    struct slot *slot = &s->index[b].slot[i];
    for (;;) {
        /* Acquire: the record was written before.  Pairs with the publishing CAS. [<publish] */
        uint64_t current = load_acquire(&slot->current);
        if (!current)
            return 0;
        struct record *rec = record_at(s, current);
        if (rec && record_has_key(s, current, rec, key)) {
            *out = (struct lookup){slot, current, rec, b};
            return 1;
        }
        /* Another key has this hash, or the slot is about to get another hash.  If instead the
         * record was replaced meanwhile, look again. */
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
        /* Acquire: a reader that sees a new hash also sees the current word that was stored before
         * it.  Pairs with the store of the hash in claim_slot(). [<visible] */
        uint32_t is0 = load_acquire(&bucket->slot[0].hash) == key->hash;
        uint32_t is1 = load_acquire(&bucket->slot[1].hash) == key->hash;
        uint32_t is2 = load_acquire(&bucket->slot[2].hash) == key->hash;
        uint32_t matches = is0 + is1 + is2;
        if (matches) {
            uint32_t i = (is1 | is2 << 1) & (is0 - 1);
            i -= i == 3; /* slots 1 and 2 both have it: begin with 2 */
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

bool index_current_hash(struct splinter_store *s, struct slot *slot, uint64_t *hash)
{
    for (uint32_t races = 0; races < RACES_MAX; races++) {
        uint64_t current = load_acquire(&slot->current); /* [<publish] */
        if (!current)
            return false;
        struct record *rec = record_at(s, current);
        uint32_t len = rec ? load_relaxed(&rec->key_len) : 0;
        uint64_t end = CURRENT_REF(current) + (sizeof *rec + len + UNIT - 1) / UNIT;
        bool sane = rec && len && len < SPLINTER_KEY_MAX && file_covers(s, end);
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
