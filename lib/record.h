/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - the checksum of a record in a durable store
 *
 * After a power cut it tells a record that reached the disk whole from one that did not.  It is 32
 * bits of XXH3 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md), so one torn record in four
 * thousand million passes as whole.
 */
#ifndef SPLINTER_RECORD_H
#define SPLINTER_RECORD_H

#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "hash.h"

/* The hash of key, padding and value: of everything that follows the header of the record. */
static inline uint64_t record_payload_hash(const struct splinter_store *s, const struct record *rec,
                                           uint32_t key_len, uint32_t value_len)
{
    return XXH3_64bits_withSeed(rec + 1, value_offset(key_len) - sizeof *rec + value_len,
                                s->geo.seed);
}

/* `payload` is the record_payload_hash() of the record. */
static inline uint32_t record_checksum(const struct record *rec, uint64_t payload)
{
    uint64_t words[5] = {payload, rec->epoch, rec->expiry,
                         (uint64_t)rec->value_len << 32 | rec->revision,
                         (uint64_t)rec->key_len << 32 | (uint64_t)rec->type << 16 | rec->flags};
    return (uint32_t)XXH3_64bits(words, sizeof words);
}

/* Do the lengths of the record fit into `room` bytes, and is its checksum that of what is there?
 * The caller has seen that the `room` bytes at the record are inside the file. */
static inline bool record_is_whole(const struct splinter_store *s, const struct record *rec,
                                   uint64_t room)
{
    /* Read once, so that the lengths that are used are those that were checked. */
    uint32_t key_len = load_relaxed(&rec->key_len), value_len = load_relaxed(&rec->value_len);
    return rec->epoch && key_len && key_len < SPLINTER_KEY_MAX && value_len &&
           value_len <= s->geo.max_value && value_offset(key_len) + (uint64_t)value_len <= room &&
           (fault_bug(BUG_CHECKSUM) ||
            record_checksum(rec, record_payload_hash(s, rec, key_len, value_len)) == rec->checksum);
}

#endif
