/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - handles: geometry, open, create, close, stat
 *
 * Invariant: a handle that was handed out has a geometry that was checked against itself and
 * against the length of the file; everything else in the mapping is untrusted.
 */
#define XXH_INLINE_ALL
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "internal.h"

/* The whole mapping is bounded, so that references fit 32 bits, and a 32-bit process has room. */
#define ARENA_MAX (sizeof(void *) == 8 ? UINT64_C(256) << 30 : UINT64_C(768) << 20)
#define SLOTS_LIMIT (sizeof(void *) == 8 ? SPLINTER_SLOTS_MAX : UINT32_C(1) << 22)
#define VALUE_LIMIT (sizeof(void *) == 8 ? SPLINTER_VALUE_MAX : UINT32_C(1) << 26)
#define SLAB_UNITS_MIN 256u /* 16 KiB */

static uint64_t round_up(uint64_t n, uint64_t step)
{
    return (n + step - 1) / step * step;
}

/* The largest block a record of this store needs. */
static uint32_t largest_block(uint32_t max_value)
{
    uint32_t bytes = value_offset(SPLINTER_KEY_MAX - 1) + max_value;
    return class_units(class_of_units((bytes + UNIT - 1) / UNIT));
}

/* Everything that follows from slots and max_value, so that an opener can compute it anew. */
static void derive(struct geometry *geo)
{
    /* Two keys to a bucket of three slots when the store is full. */
    geo->buckets = geo->slots / 2 + 1;
    uint32_t block = largest_block(geo->max_value);
    geo->slab_units = SLAB_UNITS_MIN;
    while (geo->slab_units < block + SLAB_HEADER_UNITS)
        geo->slab_units *= 2;
    uint32_t blocks = (geo->slab_units - SLAB_HEADER_UNITS) / block;
    /* The slack: every size may have a slab that is hardly used, writers keep spare blocks. */
    uint64_t slabs = (uint64_t)geo->slots / blocks + 1 + 2 * MAX_CLASSES;
    uint64_t most = ARENA_MAX / ((uint64_t)geo->slab_units * UNIT);
    geo->slabs = (uint32_t)(slabs < most ? slabs : most);
    uint64_t chunks = (geo->buckets + CHUNK_BUCKETS - 1) / CHUNK_BUCKETS;
    geo->registry_off = PAGE + round_up((chunks + 63) / 64 * 8, PAGE);
    geo->index_off = geo->registry_off + MAX_ENTRIES * sizeof(struct entry);
    geo->arena_off = round_up(geo->index_off + chunks * CHUNK_BUCKETS * sizeof(struct bucket),
                              65536);
}

static uint64_t checksum_of(const struct geometry *geo)
{
    return XXH3_64bits(geo, offsetof(struct geometry, checksum));
}

int geometry_make(struct geometry *geo, size_t slots, size_t max_value)
{
    if (slots < 1 || slots > SLOTS_LIMIT)
        return error_set(EINVAL, "slots is %zu, allowed are 1 to %lu", slots,
                         (unsigned long)SLOTS_LIMIT);
    if (max_value < 1 || max_value > VALUE_LIMIT)
        return error_set(EINVAL, "max_value is %zu, allowed are 1 to %lu bytes", max_value,
                         (unsigned long)VALUE_LIMIT);
    *geo = (struct geometry){.byte_order = STORE_BYTE_ORDER,
                             .format = STORE_FORMAT,
                             .word_bits = STORE_WORD_BITS,
                             .slots = (uint32_t)slots,
                             .max_value = (uint32_t)max_value};
    memcpy(geo->magic, STORE_MAGIC, sizeof geo->magic);
    derive(geo);
    if (getrandom(&geo->seed, sizeof geo->seed, GRND_NONBLOCK) != sizeof geo->seed)
        geo->seed = now_realtime() * UINT64_C(0x9E3779B97F4A7C15);
    geo->checksum = checksum_of(geo);
    return 0;
}

/* The magic was right. */
int geometry_check(const struct geometry *geo, const char *name)
{
    if (geo->byte_order != STORE_BYTE_ORDER)
        return error_set(EPROTO, "'%.200s' was made by a machine of another byte order", name);
    if (geo->format != STORE_FORMAT)
        return error_set(EPROTO, "'%.200s' has format version %u, this library reads version %u",
                         name, geo->format, STORE_FORMAT);
    if (geo->word_bits != STORE_WORD_BITS)
        return error_set(EPROTO, "'%.200s' was made by a %u-bit process, this one has %u bits", name,
                         geo->word_bits, STORE_WORD_BITS);
    struct geometry again = *geo;
    if (geo->checksum != checksum_of(geo) || geo->slots < 1 || geo->slots > SLOTS_LIMIT ||
        geo->max_value < 1 || geo->max_value > VALUE_LIMIT)
        return error_set(EBADMSG, "'%.200s' has a damaged header", name);
    derive(&again);
    if (memcmp(&again, geo, sizeof again))
        return error_set(EBADMSG, "'%.200s' has a header that contradicts itself", name);
    return 0;
}

/* Does the file reach that far into the arena?  It only grows, so what was seen stays true. */
bool store_knows(struct splinter_store *s, uint64_t end_units)
{
    if (end_units <= load_relaxed(&s->known_units))
        return true;
    struct stat st;
    if (end_units > s->arena_units || fstat(s->fd, &st) ||
        (uint64_t)st.st_size < s->geo.arena_off)
        return false;
    uint64_t units = ((uint64_t)st.st_size - s->geo.arena_off) / UNIT;
    if (units > s->arena_units)
        units = s->arena_units;
    store_relaxed(&s->known_units, units);
    uint32_t largest = largest_block(s->geo.max_value);
    store_relaxed(&s->plain_units, units > largest ? (uint32_t)(units - largest) : 0);
    return end_units <= units;
}

/* Takes fd over, also when it fails. */
static int attach(splinter_store **out, int fd, const char *name, const struct geometry *geo,
                  bool read_only)
{
    splinter_store *s;
    if (posix_memalign((void **)&s, alignof(splinter_store), sizeof *s)) {
        close(fd);
        return error_set(ENOMEM, "no memory for a handle of '%.200s'", name);
    }
    memset(s, 0, sizeof *s);
    s->fd = fd;
    s->lock_fd = -1;
    s->geo = *geo;
    s->read_only = read_only;
    s->slab_shift = (uint32_t)__builtin_ctz(geo->slab_units);
    s->classes = class_of_units(largest_block(geo->max_value)) + 1;
    s->arena_units = (uint64_t)geo->slabs * geo->slab_units;
    s->mapped = (size_t)(geo->arena_off + s->arena_units * UNIT);
    /* As long as it can ever get: what lies beyond the end of the file is not touched. */
    s->base = mmap(NULL, s->mapped, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (s->base == MAP_FAILED) {
        int r = error_set(errno, "cannot map %zu bytes for '%.200s'", s->mapped, name);
        close(fd);
        free(s);
        return r;
    }
    s->header = (struct header *)(void *)s->base;
    s->index_map = (uint64_t *)(void *)(s->base + PAGE);
    s->registry = (struct entry *)(void *)(s->base + geo->registry_off);
    s->index = (struct bucket *)(void *)(s->base + geo->index_off);
    s->arena = s->base + geo->arena_off;
    store_knows(s, 1);
    pthread_mutex_init(&s->mutex, NULL);
    int r = read_only ? 0 : registry_attach(s);
    if (r) {
        if (!*splinter_last_error())
            error_set(-r, "cannot attach to '%.200s'", name);
        pthread_mutex_destroy(&s->mutex);
        munmap(s->base, s->mapped);
        close(fd);
        free(s);
        return r;
    }
    fork_watch(s);
    *out = s;
    return 0;
}

static int open_existing(splinter_store **out, const char *name, uint32_t flags)
{
    struct geometry geo;
    int fd, r = backing_open(name, flags, &fd);
    if (r)
        return r;
    r = backing_read_geometry(fd, name, &geo);
    if (r) {
        close(fd);
        return r;
    }
    return attach(out, fd, name, &geo, flags & SPLINTER_RDONLY);
}

int splinter_store_open(splinter_store **out, const char *name,
                        const struct splinter_open_options *options)
{
    error_clear();
    if (!out)
        return error_set(EINVAL, "no place for the handle was given");
    *out = NULL;
    struct splinter_open_options o = {0};
    if (options) {
        if (options->struct_size < sizeof o)
            return error_set(EINVAL, "struct_size is %zu, at least %zu is expected",
                             options->struct_size, sizeof o);
        memcpy(&o, options, sizeof o);
    }
    if (o.flags & ~0x3fu)
        return error_set(EINVAL, "unknown flags 0x%x", (unsigned)(o.flags & ~0x3fu));
    if (o.mode & ~0777u)
        return error_set(EINVAL, "mode is 0%o, allowed is up to 0777", (unsigned)o.mode);
    uint32_t where = o.flags & (SPLINTER_MEMORY | SPLINTER_FILE | SPLINTER_ANONYMOUS);
    if (where & (where - 1))
        return error_set(EINVAL, "a store is in memory, in a file or anonymous, not several");
    bool create = o.flags & (SPLINTER_CREATE | SPLINTER_ANONYMOUS);
    if ((o.flags & SPLINTER_RDONLY) && create)
        return error_set(EINVAL, "a store that is to be created cannot be read-only");
    if ((o.flags & SPLINTER_EXCL) && !create)
        return error_set(EINVAL, "SPLINTER_EXCL goes with SPLINTER_CREATE");
    if (!create)
        return open_existing(out, name, o.flags);

    /* Sizes are judged even where an existing store is opened: a mistake shows at once. */
    struct geometry geo;
    int fd, r = geometry_make(&geo, o.slots, o.max_value);
    if (r)
        return r;
    /* Somebody may create or remove it between our steps; each round means one more did. */
    for (int i = 0; i < 1000; i++) {
        if (!(o.flags & (SPLINTER_EXCL | SPLINTER_ANONYMOUS))) {
            r = open_existing(out, name, o.flags);
            if (r != -ENOENT)
                return r;
        }
        error_clear();
        r = backing_create(name, o.flags, o.mode ? o.mode : 0600, &geo, &fd);
        if (!r)
            return attach(out, fd, name ? name : "(anonymous)", &geo, false);
        if (r != -EEXIST || (o.flags & SPLINTER_EXCL))
            return r;
    }
    return r;
}

int splinter_store_open_fd(splinter_store **out, int fd,
                           const struct splinter_open_options *options)
{
    error_clear();
    if (!out)
        return error_set(EINVAL, "no place for the handle was given");
    *out = NULL;
    if (options && options->struct_size < sizeof *options)
        return error_set(EINVAL, "struct_size is %zu, at least %zu is expected",
                         options->struct_size, sizeof *options);
    bool read_only = options && options->flags & SPLINTER_RDONLY;
    char name[32];
    snprintf(name, sizeof name, "descriptor %d", fd);
    int own = backing_reopen(fd, read_only);
    if (own < 0)
        return error_set(own == -ENOENT ? EBADF : -own, "cannot open the file of %s: %s", name,
                         strerror(-own));
    struct geometry geo;
    int r = backing_read_geometry(own, name, &geo);
    if (r) {
        close(own);
        return r;
    }
    return attach(out, own, name, &geo, read_only);
}

int splinter_store_fd(const splinter_store *s)
{
    return s ? s->fd : -EINVAL;
}

void splinter_store_close(splinter_store *s)
{
    if (!s)
        return;
    fork_unwatch(s);
    registry_detach(s);
    pthread_mutex_destroy(&s->mutex);
    munmap(s->base, s->mapped);
    close(s->fd);
    free(s);
}

int splinter_store_unlink(const char *name, uint32_t flags)
{
    error_clear();
    uint32_t where = flags & (SPLINTER_MEMORY | SPLINTER_FILE);
    if (where != flags || where == (SPLINTER_MEMORY | SPLINTER_FILE))
        return error_set(EINVAL, "flags is 0x%x, allowed are SPLINTER_MEMORY, SPLINTER_FILE or 0",
                         (unsigned)flags);
    return backing_unlink(name, flags);
}

int splinter_store_stat(splinter_store *s, struct splinter_stat *stat)
{
    if (!s || !stat || stat->struct_size < sizeof *stat)
        return -EINVAL;
    struct stat st;
    if (fstat(s->fd, &st))
        return -errno;
    if (!s->read_only) {
        registry_reap_all(s);
        recover_counts(s);
    }
    stat->slots = s->geo.slots;
    stat->max_value = s->geo.max_value;
    stat->keys = (uint32_t)load_acquire(&s->header->keys);
    stat->used_bytes = arena_used_bytes(s);
    stat->reserved_bytes = (uint64_t)st.st_blocks * 512;
    stat->mapped_bytes = s->mapped;
    stat->epoch = load_seq_cst(&s->header->epoch);
    stat->attached = 0;
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        stat->attached += registry_alive(s, i);
    stat->format_version = STORE_FORMAT;
    return 0;
}
