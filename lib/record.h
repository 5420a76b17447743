/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - the checksum of a record in a durable store
 *
 * It tells, after the power was cut, a record that came to the disk whole from one that did not.
 * 32 bits of XXH3 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md): one torn record in
 * four thousand million is taken for whole.
 */
#ifndef SPLINTER_RECORD_H
#define SPLINTER_RECORD_H

#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "hash.h"

/* Key, padding and value: all that follows the header of the record. */
static inline uint64_t record_payload_hash(const struct splinter_store *s, const struct record *rec,
                                           uint32_t key_len, uint32_t value_len)
{
    return XXH3_64bits_withSeed(rec + 1, value_offset(key_len) - sizeof *rec + value_len,
                                s->geo.seed);
}

static inline uint32_t record_checksum(const struct record *rec, uint64_t payload)
{
    uint64_t words[5] = {payload, rec->epoch, rec->expiry,
                         (uint64_t)rec->value_len << 32 | rec->revision,
                         (uint64_t)rec->key_len << 32 | (uint64_t)rec->type << 16 | rec->flags};
    return (uint32_t)XXH3_64bits(words, sizeof words);
}

/* The record lies in `room` bytes that may be read.  Does it have lengths that fit, and the
 * checksum of what is there? */
static inline bool record_is_whole(const struct splinter_store *s, const struct record *rec,
                                   uint64_t room)
{
    /* Once: what was judged is what is used. */
    uint32_t key_len = load_relaxed(&rec->key_len), value_len = load_relaxed(&rec->value_len);
    return rec->epoch && key_len && key_len < SPLINTER_KEY_MAX && value_len &&
           value_len <= s->geo.max_value && value_offset(key_len) + (uint64_t)value_len <= room &&
           (record_checksum(rec, record_payload_hash(s, rec, key_len, value_len)) == rec->checksum ||
            fault_bug(BUG_CHECKSUM));
}

#endif
