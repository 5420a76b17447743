/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.c - prints what two libraries must agree on to share a store
 *
 * Every structure and constant of lib/layout.h (the list is made from it by layout.awk), the size
 * classes, the geometry that follows from some limits, and what the hashes give for known input.
 * test_layout.sh compares it with what is kept for this format version.
 */
#include "geometry.h"
#include "index.h"
#include "layout.h"
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER(name) printf("%s %" PRIu64 "\n", #name, (uint64_t)(name));
#define TEXT(name) printf("%s %s\n", #name, name);
#define FIELD(structure, member)                                                                \
    printf("%s.%s at %zu, %zu bytes\n", #structure, #member,                                    \
           offsetof(struct structure, member), sizeof(((struct structure *)0)->member));
#define STRUCTURE(structure) printf("%s: %zu bytes\n", #structure, sizeof(struct structure));

static void classes(void)
{
    /* Of every class of small blocks, its first length. */
    uint32_t most = SMALL_UNITS, last = UINT32_MAX;

    for (uint32_t units = 1; units <= most; units++) {
        uint32_t class = class_of_units(units);

        if (class != last)
            printf("from %" PRIu32 " units: class %" PRIu32 " of %" PRIu32 "\n", units, class,
                   class_units(class));
        last = class;
    }
    for (uint32_t length = 1; length < 32; length++)
        printf("key of %" PRIu32 " bytes: value at %" PRIu32 "\n", length, value_offset(length));
}

/* Only of a 64-bit machine: test_layout.sh leaves the lines out elsewhere. */
static void geometry(size_t slots, size_t max_value, uint32_t flags)
{
    struct geometry geo;

    if (STORE_WORD_BITS != 64)
        return;
    if (geometry_make(&geo, slots, max_value, 0, flags)) {
        puts("geometry_make failed");
        return;
    }
    /* A 32-bit process maps less, for fewer writers. */
    printf("64-bit: %zu slots, %zu bytes, flags %" PRIu32 ": capacity %" PRIu32 ", buckets %" PRIu32
           ", slab_units %" PRIu32 ", slabs %" PRIu32 ", registry %" PRIu64 ", index %" PRIu64
           ", groups %" PRIu64 ", arena %" PRIu64 "\n",
           slots, max_value, flags, geo.capacity, geo.buckets, geo.slab_units, geo.slabs,
           geo.registry_off, geo.index_off, geo.groups_off, geo.arena_off);
    struct size_class class[MAX_CLASSES];
    uint32_t count = geometry_classes(&geo, class);
    for (uint32_t i = 0; i < count; i++)
        printf("64-bit:   class %" PRIu32 ": %" PRIu32 " units, first %" PRIu32 ", %" PRIu32
               " blocks in %" PRIu32 " places, at most %" PRIu32 "\n", i, class[i].units,
               class[i].first, class[i].blocks, class[i].run, class[i].most_slabs);
}

static void hashes(void)
{
    static struct splinter_store store;
    static const char key[] = "every key of a store is hashed with the seed of the store, and a "
                              "long one differently from a short one";
    struct {
        struct record record;
        char payload[64];
    } block;

    store.geo.seed = UINT64_C(0x0123456789abcdef);
    store.geo.buckets = 1000;
    for (uint32_t length = 1; length < sizeof(key); length = length * 2 + 1) {
        uint64_t hash = key_hash(&store, key, length);

        printf("hash of %" PRIu32 " bytes: %016" PRIx64 ", home %" PRIu32 "\n", length, hash,
               hash_home(&store, hash));
    }
    memset(&block, 0, sizeof(block));
    block.record = (struct record){.epoch = 7, .expiry = 8, .value_len = 5, .revision = 9,
                                   .key_len = 3, .type = 1};
    memcpy(block.payload, "key", 3);
    memcpy((char *)&block + value_offset(3), "value", 5);
    /* The words it is made of are hashed as they lie in memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    printf("little-endian checksum of a record: %08" PRIx32 "\n",
           record_checksum(&block.record, record_payload_hash(&store, &block.record, 3, 5)));
#endif
}

int main(void)
{
#include "layout_fields.h"
    classes();
    for (uint32_t flags = 0; flags <= GEOMETRY_DURABLE; flags += GEOMETRY_DURABLE) {
        geometry(1, 1, flags);
        geometry(1000, 4096, flags);
        geometry(100000, 64, flags);
        geometry(100, 65536, flags);
    }
    hashes();
    return 0;
}
