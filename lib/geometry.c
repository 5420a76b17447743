/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.c - where everything in a store lies, computed from slots and max_value
 *
 * Invariant: everything but the seed follows from slots, max_value and flags.  So an opener
 * computes it again, and refuses a file that says otherwise.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "error.h"
#include "geometry.h"
#include "hash.h"
#include "public.h"

/* Bounds of a store.  References must fit 32 bits, and a 32-bit process must have room to map
 * it. */
#define ARENA_MAX (sizeof(void *) == 8 ? UINT64_C(256) << 30 : UINT64_C(768) << 20)
#define SLOTS_LIMIT (sizeof(void *) == 8 ? SPLINTER_SLOTS_MAX : UINT32_C(1) << 22)
#define VALUE_LIMIT (sizeof(void *) == 8 ? SPLINTER_VALUE_MAX : UINT32_C(1) << 26)
#define SLAB_UNITS_MIN 256u /* 16 KiB */

static uint64_t round_up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

/* Units of the largest block that a record of this store needs. */
static uint32_t largest_block(uint32_t max_value)
{
    uint32_t bytes = value_offset(SPLINTER_KEY_MAX - 1) + max_value;
    return class_units(class_of_units((bytes + UNIT - 1) / UNIT));
}

/* Fill in everything that follows from slots, max_value and flags. */
static void derive(struct geometry *geo)
{
    /* Two keys to a bucket of three slots when the store is full. */
    geo->buckets = geo->slots / 2 + 1;
    uint32_t block = largest_block(geo->max_value);
    geo->slab_units = SLAB_UNITS_MIN;
    while (geo->slab_units < block + SLAB_HEADER_UNITS)
        geo->slab_units *= 2;
    uint32_t blocks = (geo->slab_units - SLAB_HEADER_UNITS) / block;
    /* More slabs than the values need: each class may have one that is nearly empty, and writers
     * keep spare blocks. */
    uint64_t slabs = (uint64_t)geo->slots / blocks + 1 + 2 * MAX_CLASSES;
    uint64_t most = ARENA_MAX / ((uint64_t)geo->slab_units * UNIT);
    geo->slabs = (uint32_t)(slabs < most ? slabs : most);
    uint64_t chunks = (geo->buckets + CHUNK_BUCKETS - 1) / CHUNK_BUCKETS;
    geo->limbo_off = INDEX_MAP_OFF + round_up((chunks + 63) / 64 * 8, PAGE);
    geo->registry_off = geo->limbo_off;
    if (geo->flags & GEOMETRY_DURABLE)
        geo->registry_off += round_up(((uint64_t)geo->slabs + 63) / 64 * 8, PAGE);
    geo->index_off = geo->registry_off + MAX_ENTRIES * sizeof(struct entry);
    geo->arena_off = round_up(geo->index_off + chunks * CHUNK_BUCKETS * sizeof(struct bucket),
                              65536);
}

static uint64_t checksum_of(const struct geometry *geo)
{
    return XXH3_64bits(geo, offsetof(struct geometry, checksum));
}

uint32_t geometry_classes(const struct geometry *geo)
{
    return class_of_units(largest_block(geo->max_value)) + 1;
}

int geometry_make(struct geometry *geo, size_t slots, size_t max_value, uint32_t flags)
{
    if (slots < 1 || slots > SLOTS_LIMIT)
        return error_set(EINVAL, "slots is %zu, but must be 1 to %lu", slots,
                         (unsigned long)SLOTS_LIMIT);
    if (max_value < 1 || max_value > VALUE_LIMIT)
        return error_set(EINVAL, "max_value is %zu, but must be 1 to %lu bytes", max_value,
                         (unsigned long)VALUE_LIMIT);
    *geo = (struct geometry){.byte_order = STORE_BYTE_ORDER,
                             .format = STORE_FORMAT,
                             .word_bits = STORE_WORD_BITS,
                             .slots = (uint32_t)slots,
                             .max_value = (uint32_t)max_value,
                             .flags = flags};
    memcpy(geo->magic, STORE_MAGIC, sizeof geo->magic);
    derive(geo);
    if (getrandom(&geo->seed, sizeof geo->seed, GRND_NONBLOCK) != sizeof geo->seed)
        geo->seed = now_realtime() * UINT64_C(0x9E3779B97F4A7C15);
    geo->checksum = checksum_of(geo);
    return 0;
}

int geometry_check(const struct geometry *geo, const char *name)
{
    if (geo->byte_order != STORE_BYTE_ORDER)
        return error_set(EPROTO, "'%.200s' was made by a machine with another byte order", name);
    if (geo->format != STORE_FORMAT)
        return error_set(EPROTO, "'%.200s' has format version %u, this library reads version %u",
                         name, geo->format, STORE_FORMAT);
    if (geo->word_bits != STORE_WORD_BITS)
        return error_set(EPROTO, "'%.200s' was made by a %u-bit process, but this one is %u-bit",
                         name, geo->word_bits, STORE_WORD_BITS);
    struct geometry again = *geo;
    if (geo->checksum != checksum_of(geo) || geo->slots < 1 || geo->slots > SLOTS_LIMIT ||
        geo->max_value < 1 || geo->max_value > VALUE_LIMIT || geo->flags & ~GEOMETRY_DURABLE)
        return error_set(EBADMSG, "'%.200s' has a damaged header", name);
    derive(&again);
    if (memcmp(&again, geo, sizeof again))
        return error_set(EBADMSG, "'%.200s' has a header that contradicts itself", name);
    return 0;
}
