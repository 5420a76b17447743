/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - the bytes of a store, for tests that damage one or write one by hand
 *
 * After splinter_format(5), not after lib/layout.h: so a test sees it when the two differ.  Lanes,
 * of which the page says nothing, are as in lib/layout.h.
 */
#ifndef SPLINTER_TEST_FORMAT_H
#define SPLINTER_TEST_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offsets in the header. */
#define AT_BYTE_ORDER 8u
#define AT_FORMAT 12u
#define AT_WORD_BITS 16u
#define AT_SLOTS 20u
#define AT_MAX_VALUE 24u
#define AT_BUCKETS 28u
#define AT_SLAB_UNITS 32u
#define AT_SLABS 36u
#define AT_FLAGS 40u
#define AT_SEED 48u
#define AT_CAPACITY 44u
#define AT_REGISTRY_OFF 56u
#define AT_INDEX_OFF 64u
#define AT_GROUPS_OFF 72u
#define AT_ARENA_OFF 88u
#define AT_CHECKSUM 104u
#define AT_EPOCH 256u
#define AT_KEYS 320u
#define AT_COUNTS_DIRTY 388u
#define AT_REGISTRY_USED 392u
#define AT_SLABS_USED 396u
#define AT_KEEP 416u
#define AT_SYNCED 424u
#define AT_BOOT 448u
#define AT_CLOCK_BOOT 432u
#define AT_SYNC_ERROR 488u
#define AT_DAMAGED 492u
#define AT_LIMBO_AT 500u
#define AT_POINT(n) (4096u * (1 + (n)))
#define AT_INDEX_MAP 12288u

#define UNIT_BYTES 64u
#define SLAB_HEAD_BYTES 576u
#define LARGE_HEAD_BYTES 4096u
#define SMALL_UNITS 128u /* of the largest block of a slab of small ones */
#define ENTRY_BYTES 2048u
#define LANES 15u

struct raw_point {
    char magic[8];
    uint64_t sequence, epoch, clock_now, file_bytes, clean, keys, blocks, clock_real, checksum;
};

struct raw_record {
    uint64_t epoch, superseded, end_of_life;
    uint32_t checksum, marks, value_len, revision;
    uint16_t key_len, type, lane, flags;
};

struct raw_slab {
    uint64_t owner;
    uint32_t block_units, generation, reserved_units;
    uint8_t pad[44];
    uint64_t bits[32], limbo[32];
};

struct raw_group {
    uint64_t limbo, empty, free[30];
    uint32_t slab[64];
};

struct raw_bucket {
    uint32_t lock[2], overflow, futex;
    struct {
        uint64_t hash, head;
    } slot[3];
};

struct raw_lane {
    uint64_t epoch, ack, expect, current, old, slot;
    uint32_t lock;
    uint8_t kind, done, spare_at, turn;
    uint64_t spare[8], hash;
};

struct raw_entry {
    uint64_t incarnation;
    uint32_t attached, pid;
    uint8_t pad[112];
    struct raw_lane lane[LANES];
};

/* A file in memory, or mapped. */
struct image {
    uint8_t *bytes;
    size_t size;
    uint64_t seed;
    size_t arena, slab_bytes;
    unsigned slabs; /* places of slabs, of which the file has as much as a header */
    int fd;         /* if it is mapped; else -1 */
};

/* The file as it is now; what is changed is not in it before it is saved. */
void image_load(struct image *image, const char *path);
/* The file itself, in use by others. */
void image_map(struct image *image, const char *path);
/* Written to path as a new file, pages of zeroes as holes. */
void image_save(const struct image *image, const char *path);
void image_free(struct image *image);

uint32_t image_u32(const struct image *image, size_t at);
uint64_t image_u64(const struct image *image, size_t at);
void image_set_u32(struct image *image, size_t at, uint32_t value);
void image_set_u64(struct image *image, size_t at, uint64_t value);
/* After a change of the part of the header that its checksum covers. */
void image_seal_header(struct image *image);

/* The sync point that counts, or NULL. */
struct raw_point *image_point(const struct image *image);
void image_seal_point(const struct image *image, struct raw_point *point);

struct raw_slab *image_slab(const struct image *image, unsigned number);
/* The number of the slab that has this place: a slab of large blocks takes several. */
unsigned image_slab_at(const struct image *image, unsigned place);
struct raw_group *image_group(const struct image *image, unsigned number);
struct raw_entry *image_entry(const struct image *image, unsigned number);
struct raw_bucket *image_bucket(const struct image *image, uint32_t number);

/* The nth record with this key in any block, in the order of the file; NULL: there are fewer. */
struct raw_record *image_record(const struct image *image, const char *key, unsigned n);
/* Where a record is. */
unsigned image_slab_of(const struct image *image, const struct raw_record *record);
unsigned image_block_of(const struct image *image, const struct raw_record *record);
bool image_is_used(const struct image *image, const struct raw_record *record);
char *image_key(struct raw_record *record);
uint8_t *image_value(struct raw_record *record);
/* The checksum that it should have; and give it that. */
uint32_t image_checksum(const struct image *image, const struct raw_record *record);
void image_seal_record(const struct image *image, struct raw_record *record);

/* The slot whose head leads to the record; NULL: none. */
uint64_t *image_head_of(const struct image *image, const struct raw_record *record);

#endif
