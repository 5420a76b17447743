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
#define ARENA_MAX (sizeof(void *) == 8 ? UINT64_C(1) << 32 : (UINT64_C(768) << 20) / UNIT)
#define SLOTS_LIMIT (sizeof(void *) == 8 ? SPLINTER_SLOTS_MAX : UINT32_C(1) << 22)
#define VALUE_LIMIT (sizeof(void *) == 8 ? SPLINTER_VALUE_MAX : UINT32_C(1) << 26)
#define FEED_LIMIT (sizeof(void *) == 8 ? UINT32_C(1) << 16 : UINT32_C(1) << 8)
#define FEED_LEAST 64u                          /* a ring is a page */
#define SLAB_UNITS_MIN 256u                   /* 16 KiB */
#define RUN_UNITS ((UINT32_C(16) << 20) / UNIT) /* about as long is a slab of large blocks */

/* How many lanes at once the arena has room for, beyond the blocks of keys.  A 32-bit process has
 * no room to map what all lanes of all processes could need. */
#define LANES (sizeof(void *) == 8 ? MAX_ENTRIES * ENTRY_LANES : 60)

/* Of large blocks it has room for fewer lanes, as long as they would take more than this. */
#define LARGE_ROOM ((UINT64_C(16) << 30) / UNIT)
#define LARGE_LANES_MIN 64u
#define LARGE_SLACK 1u /* see counts_for() in slab.c */

/* Blocks of one class that a lane may have: spares, and one that it is about to publish or to free;
 * see lane_settle(). */
#define LANE_BLOCKS(units) ((units) <= SPARE_UNITS ? LANE_SPARES_OF_CLASS + 1 : 1)

static uint64_t round_up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

/* Units of the longest record of this store. */
static uint32_t longest_record(uint32_t max_value)
{
    uint32_t bytes = value_offset(SPLINTER_KEY_MAX - 1) + max_value;
    return (bytes + UNIT - 1) / UNIT;
}

/* Gives a small class the slabs that it needs if it has this many keys, and all lanes their blocks.
 * Returns how many more that are than before. */
static uint64_t grow_class(struct size_class *c, uint32_t keys)
{
    uint64_t need = keys + (uint64_t)LANES * LANE_BLOCKS(c->units);
    uint32_t before = c->most_slabs;
    c->most_slabs = (uint32_t)(need / c->blocks + 1);
    return c->most_slabs - before;
}

/* The same for all small classes.  Returns the places of slabs that they take. */
static uint64_t grow_classes(struct size_class *c, uint32_t count, uint32_t keys)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        c[i].most_slabs = 0;
        sum += grow_class(&c[i], keys);
    }
    return sum;
}

static void small_classes(struct size_class *c, uint32_t count, uint32_t slab_units)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t units = class_units(i), blocks = (slab_units - SLAB_HEADER_UNITS) / units;
        c[i] = (struct size_class){.units = units, .first = SLAB_HEADER_UNITS, .run = 1,
                                   .blocks = blocks < SLAB_BLOCKS ? blocks : SLAB_BLOCKS};
    }
}

/* Large classes differ by a factor of about eight, as a large block costs addresses, but no memory
 * beyond the value.  Fills in their sizes, the largest last, and returns how many there are. */
static uint32_t large_classes(struct size_class *c, uint32_t longest, uint32_t slab_units)
{
    uint32_t page = PAGE / UNIT, count = 0, units = (uint32_t)round_up(longest, page);
    if (longest <= SMALL_UNITS)
        return 0;
    for (uint32_t u = units; ; u = (uint32_t)round_up(u / 8, page)) {
        count++;
        if (u <= 16 * SMALL_UNITS)
            break;
    }
    for (uint32_t i = count; i--; units = (uint32_t)round_up(units / 8, page)) {
        uint32_t blocks = RUN_UNITS / units;
        blocks = blocks < 1 ? 1 : blocks > LARGE_BLOCKS ? LARGE_BLOCKS : blocks;
        c[i] = (struct size_class){.units = units, .blocks = blocks, .first = LARGE_FIRST};
        c[i].run = (uint32_t)((LARGE_FIRST + (uint64_t)blocks * units + slab_units - 1) /
                              slab_units);
    }
    return count;
}

/* Divides `places` of slabs among the small classes.  If there are not enough for all slots, three
 * quarters give every class the same number of keys, *capacity, and of the rest the smaller ones
 * get what they lack.  Returns the places taken. */
static uint64_t share_places(struct size_class *c, uint32_t count, uint32_t slots, uint64_t places,
                             uint32_t *capacity)
{
    uint32_t low = 0, high = slots;
    uint64_t sum = grow_classes(c, count, slots);
    *capacity = slots;
    if (sum <= places)
        return sum;
    while (low < high) {
        uint32_t mid = high - (high - low) / 2;
        if (grow_classes(c, count, mid) <= places / 4 * 3)
            low = mid;
        else
            high = mid - 1;
    }
    *capacity = low;
    sum = grow_classes(c, count, low);
    for (uint32_t i = 0; i < count; i++) {
        struct size_class all = c[i];
        uint64_t more = grow_class(&all, slots);
        if (sum + more > places)
            break;
        c[i] = all;
        sum += more;
    }
    return sum;
}

/* How many lanes at once may have a large block of this size. */
static uint64_t large_lanes(uint32_t units)
{
    uint64_t lanes = LARGE_ROOM / units;
    lanes = lanes < LARGE_LANES_MIN ? LARGE_LANES_MIN : lanes;
    return lanes < LANES ? lanes : LANES;
}

/* The classes of the store, and with them geo->slab_units, slabs and capacity. */
static uint32_t divide_arena(struct geometry *geo, struct size_class *c)
{
    uint32_t longest = longest_record(geo->max_value);
    uint32_t small = class_of_units(longest < SMALL_UNITS ? longest : SMALL_UNITS) + 1;
    geo->slab_units = SLAB_UNITS_MIN;
    while (geo->slab_units < 16 * class_units(small - 1))
        geo->slab_units *= 2;
    uint32_t large = large_classes(c + small, longest, geo->slab_units);
    uint64_t most = ARENA_MAX / geo->slab_units - 1;
    small_classes(c, small, geo->slab_units);
    uint64_t sum = share_places(c, small, geo->slots, large ? most / 2 : most, &geo->capacity);
    for (uint32_t i = small; i < small + large; i++) {
        uint64_t slabs = (geo->slots + large_lanes(c[i].units)) / c[i].blocks + 1 + LARGE_SLACK;
        /* If there are not enough addresses, each class gets a quarter of those that are left, and
         * the last one, of the largest values, gets the rest. */
        uint64_t room = (most - sum) / (i + 1 < small + large ? 4 : 1) / c[i].run;
        if (slabs > room) {
            slabs = room;
            uint64_t blocks = (slabs - LARGE_SLACK) * c[i].blocks, keys = blocks - (blocks + 7) / 8;
            if (keys < geo->capacity)
                geo->capacity = (uint32_t)keys;
        }
        c[i].most_slabs = (uint32_t)(slabs - LARGE_SLACK);
        sum += slabs * c[i].run;
    }
    geo->slabs = (uint32_t)sum;
    return small + large;
}

/* Fill in everything that follows from slots, max_value and flags. */
static void derive(struct geometry *geo)
{
    struct size_class classes[MAX_CLASSES];
    /* Two keys to a bucket of three slots when the store is full. */
    geo->buckets = geo->slots / 2 + 1;
    divide_arena(geo, classes);
    uint64_t chunks = (geo->buckets + CHUNK_BUCKETS - 1) / CHUNK_BUCKETS;
    uint64_t groups = (geo->slabs + GROUP_SLABS - 1) / GROUP_SLABS;
    geo->registry_off = INDEX_MAP_OFF + round_up((chunks + 63) / 64 * 8, PAGE);
    geo->index_off = geo->registry_off + MAX_ENTRIES * sizeof(struct entry);
    geo->groups_off = geo->index_off + chunks * CHUNK_BUCKETS * sizeof(struct bucket);
    geo->feed_off = geo->groups_off + round_up(groups * sizeof(struct group), PAGE);
    uint64_t feed = geo->feed ? FEED_LANES * (1 + (uint64_t)geo->feed) * sizeof(struct feed_line)
                              : 0;
    geo->arena_off = round_up(geo->feed_off + feed, 65536);
}

static uint64_t checksum_of(const struct geometry *geo)
{
    return XXH3_64bits(geo, offsetof(struct geometry, checksum));
}

uint32_t geometry_classes(const struct geometry *geo, struct size_class classes[MAX_CLASSES])
{
    struct geometry copy = *geo;
    return divide_arena(&copy, classes);
}

/* A power of two, so that the number of a line can wrap around. */
static uint32_t feed_length(size_t wanted)
{
    uint32_t lines = wanted ? FEED_LEAST : 0;
    while (lines < wanted)
        lines *= 2;
    return lines;
}

int geometry_make(struct geometry *geo, size_t slots, size_t max_value, size_t feed,
                  uint32_t flags)
{
    if (slots < 1 || slots > SLOTS_LIMIT)
        return error_set(EINVAL, "slots is %zu, but must be 1 to %lu", slots,
                         (unsigned long)SLOTS_LIMIT);
    if (max_value < 1 || max_value > VALUE_LIMIT)
        return error_set(EINVAL, "max_value is %zu, but must be 1 to %lu bytes", max_value,
                         (unsigned long)VALUE_LIMIT);
    if (feed > FEED_LIMIT)
        return error_set(EINVAL, "feed is %zu, but must be 0 to %lu", feed,
                         (unsigned long)FEED_LIMIT);
    *geo = (struct geometry){.byte_order = STORE_BYTE_ORDER,
                             .format = STORE_FORMAT,
                             .word_bits = STORE_WORD_BITS,
                             .slots = (uint32_t)slots,
                             .max_value = (uint32_t)max_value,
                             .feed = feed_length(feed),
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
        geo->max_value < 1 || geo->max_value > VALUE_LIMIT || geo->flags & ~GEOMETRY_DURABLE ||
        geo->feed > FEED_LIMIT || geo->feed & (geo->feed - 1) ||
        (geo->feed && geo->feed < FEED_LEAST))
        return error_set(EBADMSG, "'%.200s' has a damaged header", name);
    derive(&again);
    if (memcmp(&again, geo, sizeof again))
        return error_set(EBADMSG, "'%.200s' has a header that contradicts itself", name);
    return 0;
}
