/* SPDX-License-Identifier: Apache-2.0 */
/* format.c - the bytes of a store; see format.h */
#include "format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "support.h"

static_assert(sizeof(struct raw_point) == 80, "sync point");
static_assert(sizeof(struct raw_record) == 48, "record");
static_assert(sizeof(struct raw_slab) == SLAB_HEAD_BYTES, "slab");
static_assert(sizeof(struct raw_group) == 512, "group");
static_assert(sizeof(struct raw_bucket) == 64, "bucket");
static_assert(sizeof(struct raw_lane) == 128, "lane");
static_assert(sizeof(struct raw_entry) == ENTRY_BYTES, "entry");

static void look(struct image *image, const char *path)
{
    if (image->size < 4096 || memcmp(image->bytes, "SPLINTER", 8) ||
        image_u32(image, AT_FORMAT) != 3)
        die("%s is no store of the format that format.h describes", path);
    image->seed = image_u64(image, AT_SEED);
    image->arena = (size_t)image_u64(image, AT_ARENA_OFF);
    image->slab_bytes = (size_t)image_u32(image, AT_SLAB_UNITS) * UNIT_BYTES;
    image->slabs = 0;
    while (image->slabs < image_u32(image, AT_SLABS) &&
           image->arena + image->slabs * image->slab_bytes + SLAB_HEAD_BYTES <= image->size)
        image->slabs++;
}

void image_load(struct image *image, const char *path)
{
    memset(image, 0, sizeof(*image));
    image->fd = -1;
    image->bytes = raw_read(path, &image->size);
    look(image, path);
}

void image_map(struct image *image, const char *path)
{
    struct stat st;
    void *p;

    memset(image, 0, sizeof(*image));
    image->fd = open(path, O_RDWR | O_CLOEXEC);
    if (image->fd < 0 || fstat(image->fd, &st))
        die("%s: %s", path, strerror(errno));
    image->size = (size_t)st.st_size;
    p = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0);
    if (p == MAP_FAILED)
        die("%s: mmap: %s", path, strerror(errno));
    image->bytes = p;
    look(image, path);
}

void image_save(const struct image *image, const char *path)
{
    static const uint8_t zeroes[4096];
    int fd;

    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)image->size))
        die("%s: %s", path, strerror(errno));
    for (size_t at = 0; at < image->size; at += sizeof(zeroes)) {
        size_t n = image->size - at < sizeof(zeroes) ? image->size - at : sizeof(zeroes);

        if (memcmp(image->bytes + at, zeroes, n) &&
            pwrite(fd, image->bytes + at, n, (off_t)at) != (ssize_t)n)
            die("%s: %s", path, strerror(errno));
    }
    close(fd);
}

void image_free(struct image *image)
{
    if (image->fd < 0) {
        free(image->bytes);
    } else {
        munmap(image->bytes, image->size);
        close(image->fd);
    }
    image->bytes = NULL;
}

uint32_t image_u32(const struct image *image, size_t at)
{
    uint32_t value;

    memcpy(&value, image->bytes + at, sizeof(value));
    return value;
}

uint64_t image_u64(const struct image *image, size_t at)
{
    uint64_t value;

    memcpy(&value, image->bytes + at, sizeof(value));
    return value;
}

void image_set_u32(struct image *image, size_t at, uint32_t value)
{
    memcpy(image->bytes + at, &value, sizeof(value));
}

void image_set_u64(struct image *image, size_t at, uint64_t value)
{
    memcpy(image->bytes + at, &value, sizeof(value));
}

void image_seal_header(struct image *image)
{
    image_set_u64(image, AT_CHECKSUM, XXH3_64bits(image->bytes, AT_CHECKSUM));
}

static uint64_t point_checksum(const struct image *image, const struct raw_point *point)
{
    return XXH3_64bits_withSeed(point, offsetof(struct raw_point, checksum),
                                image_u64(image, AT_CHECKSUM));
}

struct raw_point *image_point(const struct image *image)
{
    struct raw_point *best = NULL;

    for (unsigned i = 0; i < 2; i++) {
        struct raw_point *p = (struct raw_point *)(void *)(image->bytes + AT_POINT(i));

        if (!memcmp(p->magic, "SYNCED..", 8) && p->checksum == point_checksum(image, p) &&
            (!best || p->sequence > best->sequence))
            best = p;
    }
    return best;
}

void image_seal_point(const struct image *image, struct raw_point *point)
{
    point->checksum = point_checksum(image, point);
}

struct raw_slab *image_slab(const struct image *image, unsigned number)
{
    return (struct raw_slab *)(void *)(image->bytes + image->arena + number * image->slab_bytes);
}

struct raw_group *image_group(const struct image *image, unsigned number)
{
    return (struct raw_group *)(void *)(image->bytes + image_u64(image, AT_GROUPS_OFF) +
                                        number / 64 * sizeof(struct raw_group));
}

unsigned image_slab_at(const struct image *image, unsigned place)
{
    return image_group(image, place)->slab[place % 64] & ((1u << 27) - 1);
}

/* Where the blocks of a slab begin. */
static size_t head_bytes(const struct raw_slab *slab)
{
    return slab->block_units > SMALL_UNITS ? LARGE_HEAD_BYTES : SLAB_HEAD_BYTES;
}

struct raw_entry *image_entry(const struct image *image, unsigned number)
{
    return (struct raw_entry *)(void *)(image->bytes + image_u64(image, AT_REGISTRY_OFF) +
                                        (size_t)number * ENTRY_BYTES);
}

struct raw_bucket *image_bucket(const struct image *image, uint32_t number)
{
    return (struct raw_bucket *)(void *)(image->bytes + image_u64(image, AT_INDEX_OFF) +
                                         (size_t)number * sizeof(struct raw_bucket));
}

static size_t value_at(const struct raw_record *record)
{
    return (sizeof(*record) + record->key_len + 15) & ~(size_t)15;
}

struct raw_record *image_record(const struct image *image, const char *key, unsigned n)
{
    size_t len = strlen(key);

    for (unsigned s = 0; s < image->slabs; s++) {
        const struct raw_slab *slab = image_slab(image, s);
        size_t from = image->arena + s * image->slab_bytes, bytes = slab->block_units * UNIT_BYTES;
        size_t end = from + image->slab_bytes;

        for (unsigned next = s + 1; next < image->slabs && image_slab_at(image, next) == s; next++)
            end += image->slab_bytes;
        if (image_slab_at(image, s) != s)
            continue;
        for (size_t at = from + head_bytes(slab);
             bytes && at + bytes <= end && at + sizeof(struct raw_record) + len <= image->size;
             at += bytes) {
            struct raw_record *record = (struct raw_record *)(void *)(image->bytes + at);

            if (record->epoch && record->key_len == len && !memcmp(record + 1, key, len) && !n--)
                return record;
        }
    }
    return NULL;
}

unsigned image_slab_of(const struct image *image, const struct raw_record *record)
{
    size_t at = (size_t)((const uint8_t *)record - image->bytes) - image->arena;

    return image_slab_at(image, (unsigned)(at / image->slab_bytes));
}

unsigned image_block_of(const struct image *image, const struct raw_record *record)
{
    const struct raw_slab *slab = image_slab(image, image_slab_of(image, record));
    size_t at = (size_t)((const uint8_t *)record - (const uint8_t *)slab) - head_bytes(slab);

    return (unsigned)(at / (slab->block_units * UNIT_BYTES));
}

bool image_is_used(const struct image *image, const struct raw_record *record)
{
    unsigned block = image_block_of(image, record);

    return image_slab(image, image_slab_of(image, record))->bits[block / 64] >> block % 64 & 1;
}

char *image_key(struct raw_record *record)
{
    return (char *)(record + 1);
}

uint8_t *image_value(struct raw_record *record)
{
    return (uint8_t *)record + value_at(record);
}

uint32_t image_checksum(const struct image *image, const struct raw_record *record)
{
    uint64_t words[5];

    words[0] = XXH3_64bits_withSeed(record + 1,
                                    value_at(record) - sizeof(*record) + record->value_len,
                                    image->seed);
    words[1] = record->epoch;
    words[2] = record->end_of_life;
    words[3] = (uint64_t)record->value_len << 32 | record->revision;
    words[4] = (uint64_t)record->key_len << 32 | (uint64_t)record->type << 16 | record->flags;
    return (uint32_t)XXH3_64bits(words, sizeof(words));
}

void image_seal_record(const struct image *image, struct raw_record *record)
{
    record->checksum = image_checksum(image, record);
}

uint64_t *image_head_of(const struct image *image, const struct raw_record *record)
{
    size_t unit = ((size_t)((const uint8_t *)record - image->bytes) - image->arena) / UNIT_BYTES;

    for (uint32_t b = 0; b < image_u32(image, AT_BUCKETS); b++)
        for (unsigned i = 0; i < 3; i++) {
            uint64_t *head = &image_bucket(image, b)->slot[i].head;

            if ((uint32_t)*head == unit + 1)
                return head;
        }
    return NULL;
}
