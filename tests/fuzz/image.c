/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - stores to be attacked; see image.h */
#define XXH_INLINE_ALL
#include "image.h"

#include "backing.h"
#include "geometry.h"
#include "handle.h"
#include "record.h"
#include "registry.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <splinter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define SEED UINT64_C(0x5eed5eed5eed5eed)
#define IMAGES 12

struct image images[IMAGES];
unsigned image_count;

static int file = -1;
static uint64_t file_length;

__attribute__((noreturn)) static void fail(const char *what, int error)
{
    fprintf(stderr, "# image: %s: %s (%s)\n", what, strerror(error), splinter_last_error());
    abort();
}

/* Every length that the comparison of keys treats in its own way, and some that are never set. */
const char *image_key(unsigned i)
{
    static char longest[SPLINTER_KEY_MAX], name[IMAGE_KEYS][40];
    static const uint8_t lengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33};

    i %= IMAGE_KEYS;
    if (!*longest) {
        memset(longest, 'L', sizeof longest - 1);
        for (unsigned k = 0; k < IMAGE_KEYS; k++) {
            memset(name[k], 'a' + (int)k, lengths[k % sizeof lengths]);
            if (lengths[k % sizeof lengths] > 2) /* a prefix for walks */
                name[k][0] = 'k';
        }
    }
    return i == 5 ? longest : name[i];
}

/* ---- making them ---- */

/* As the library does it, but for the seed of the hash, which it takes at random. */
static splinter_store *create_with(size_t slots, size_t max_value, size_t feed, uint32_t flags)
{
    splinter_store *s;
    struct geometry geo;
    int fd = memfd_create("image", MFD_CLOEXEC);
    int r = geometry_make(&geo, slots, max_value, feed, flags);
    if (fd < 0 || r)
        fail("create", r ? -r : errno);
    geo.seed = SEED;
    geo.checksum = XXH3_64bits(&geo, offsetof(struct geometry, checksum));
    r = backing_fill(fd, &geo, "image");
    if (!r)
        r = splinter_store_open_fd(&s, fd, NULL);
    if (r)
        fail("create", -r);
    close(fd);
    return s;
}

static splinter_store *create(size_t slots, size_t max_value, uint32_t flags)
{
    return create_with(slots, max_value, 0, flags);
}

static splinter_store *open_again(splinter_store *s)
{
    splinter_store *other;
    int r = splinter_store_open_fd(&other, splinter_store_fd(s), NULL);
    if (r)
        fail("open again", -r);
    return other;
}

static void set_with(splinter_store *s, unsigned k, size_t length, uint64_t ttl_ns, uint32_t flags)
{
    static uint8_t value[100000];
    struct splinter_set_options o = {.struct_size = sizeof o, .ttl_ns = ttl_ns, .flags = flags};
    memset(value, 'A' + (int)k, sizeof value);
    int r = splinter_store_set(s, image_key(k), value, length, &o, NULL);
    if (r)
        fail("set", -r);
}

static void set(splinter_store *s, unsigned k, size_t length, uint64_t ttl_ns)
{
    set_with(s, k, length, ttl_ns, 0);
}

static bool is_internal(const struct image *image, uint64_t current)
{
    uint64_t at = image->geo.arena_off + (uint64_t)CURRENT_REF(current) * UNIT;
    return !image->bytes[at + sizeof(struct record)];
}

static void find_records(struct image *image)
{
    const struct bucket *index = (const void *)(image->bytes + image->geo.index_off);
    for (uint32_t i = 0; i < image->geo.buckets * BUCKET_SLOTS; i++) {
        uint64_t current = index[i / BUCKET_SLOTS].slot[i % BUCKET_SLOTS].current;
        if (!current || image->records == IMAGE_RECORDS)
            continue;
        uint32_t at = image->records++;
        if (is_internal(image, current)) {
            image->current[at] = image->current[image->internal];
            at = image->internal++;
        }
        image->current[at] = current;
    }
}

static void find_rings(struct image *image)
{
    const struct entry *registry = (const void *)(image->bytes + image->geo.registry_off);
    for (uint32_t i = 0; image->geo.feed && i < image->entries * ENTRY_LANES; i++)
        if (registry[i / ENTRY_LANES].feed_lanes >> i % ENTRY_LANES & 1 &&
            image->rings < IMAGE_RINGS)
            image->ring[image->rings++] = i;
}

/* Most of a store is holes. */
static void find_pages(struct image *image)
{
    static const uint8_t nothing[PAGE];
    image->pages = 0;
    for (uint64_t at = 0; at < image->length; at += PAGE) {
        size_t n = image->length - at < PAGE ? (size_t)(image->length - at) : PAGE;
        if (!memcmp(image->bytes + at, nothing, n))
            continue;
        if (image->pages % 64 == 0)
            image->page = realloc(image->page, (image->pages + 64) * sizeof *image->page);
        if (!image->page)
            fail("copy", errno);
        image->page[image->pages++] = (uint32_t)(at / PAGE);
    }
}

/* What is in the file now, as if everybody had been killed: nobody has a lock in the copy. */
static struct image *copy_fd(int fd, const char *name)
{
    struct image *image = &images[image_count++];
    struct stat st;
    if (fstat(fd, &st))
        fail("stat", errno);
    image->name = name;
    image->length = (uint64_t)st.st_size;
    image->bytes = malloc((size_t)st.st_size);
    if (!image->bytes || pread(fd, image->bytes, image->length, 0) != st.st_size)
        fail("copy", errno);
    memcpy(&image->geo, image->bytes, sizeof image->geo);
    const struct header *header = (const void *)image->bytes;
    image->entries = header->registry_used;
    image->slabs = header->slabs_used;
    find_records(image);
    find_rings(image);
    return image;
}

static struct image *copy(splinter_store *s, const char *name)
{
    return copy_fd(splinter_store_fd(s), name);
}

static struct lane *lane_of(struct image *image, uint32_t l)
{
    struct entry *registry = (void *)(image->bytes + image->geo.registry_off);
    return &registry[l / ENTRY_LANES].lane[l % ENTRY_LANES];
}

static struct slot *slot_of(struct image *image, uint32_t *number, uint32_t nth)
{
    struct bucket *index = (void *)(image->bytes + image->geo.index_off);
    for (*number = 0; *number < image->geo.buckets * BUCKET_SLOTS; ++*number) {
        struct slot *slot = &index[*number / BUCKET_SLOTS].slot[*number % BUCKET_SLOTS];
        if (slot->current && !nth--)
            return slot;
    }
    fail("no such slot", ENOENT);
}

/* Killed in the middle: an update that was published, an insert that was not yet visible, an unset
 * that was about to happen, each with a lock, and blocks that only the lane knows of. */
static void open_journals(struct image *image)
{
    static const uint8_t kinds[] = {LANE_UPDATE, LANE_INSERT, LANE_UNSET};
    struct bucket *index = (void *)(image->bytes + image->geo.index_off);
    uint64_t spare = 0;
    for (uint32_t k = 0; k < LANE_SPARES && !spare; k++)
        for (uint32_t l = 0; l < ENTRY_LANES && !spare; l++)
            spare = lane_of(image, l)->spare[k];
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t number;
        struct lane *lane = lane_of(image, i);
        struct slot *slot = slot_of(image, &number, i);
        lane->epoch = slot->current >> 32;
        lane->ack = 0;
        lane->slot = number;
        lane->kind = kinds[i];
        lane->current = kinds[i] == LANE_UNSET ? 0 : slot->current;
        lane->expect = kinds[i] == LANE_UNSET ? slot->current : 0;
        lane->old = kinds[i] == LANE_UNSET ? block_id(CURRENT_REF(slot->current), 1) : spare;
        lane->hash = slot->hash;
        lane->spare_at = (uint8_t)i;
        lane->lock = number / BUCKET_SLOTS + 1;
        uint32_t holder = i + 1; /* as the first entry's lanes are numbered */
        index[number / BUCKET_SLOTS].lock[i % 2] =
            (uint32_t)(slot->hash & 0x3ffff) << 14 | (holder + 1);
        if (kinds[i] == LANE_INSERT)
            slot->hash = ~slot->hash;
    }
}

static const size_t lengths[] = {1, 8, 40, 100, 300};

static void make_in_memory(void)
{
    splinter_store *s = create(1, 8, 0), *other;
    copy(s, "empty");
    set(s, 3, 8, 0);
    splinter_store_close(s);

    s = create(20, 300, 0);
    for (unsigned k = 0; k < 16; k++)
        set(s, k, lengths[k % 5], k % 4 == 3 ? UINT64_C(1000000000000) : 0);
    set(s, 16, 20, 1); /* expired */
    set(s, 17, 300, 1);
    for (unsigned k = 0; k < 16; k += 3)
        set(s, k, lengths[(k + 1) % 5], 0);
    splinter_store_unset(s, image_key(2), 0, NULL);
    splinter_store_add(s, image_key(18), 42, NULL);
    set_with(s, 4, 70, 0, SPLINTER_EPHEMERAL); /* the copy lacks its owner */
    set_with(s, 5, 8, UINT64_C(1000000000000), SPLINTER_EPHEMERAL);
    copy(s, "used, and left by a kill");
    other = open_again(s);
    set(other, 19, 10, 0);
    set(other, 1, 33, 0);
    open_journals(copy(s, "killed in the middle"));
    splinter_store_close(other);
    splinter_store_close(s);

    s = create(6, 64, 0); /* in four buckets: probes go past their end */
    for (unsigned k = 0; k < 6; k++)
        set(s, k, 1 + 10 * k, 0);
    copy(s, "full");
    splinter_store_close(s);

    s = create(8, 65536, 0);
    for (unsigned k = 0; k < 8; k++)
        set(s, k, (size_t)1 << (2 * k + 2), 0);
    copy(s, "many sizes");
    splinter_store_close(s);

    s = create(2000, 100, 0); /* more than one chunk of the index, some of them holes */
    for (unsigned k = 0; k < 18; k++)
        set(s, k, 16, 0);
    copy(s, "mostly holes");
    splinter_store_close(s);
}

/* Closed in order, killed, and cut off, which has the index rebuilt. */
static void make_durable(void)
{
    splinter_store *s = create(20, 300, GEOMETRY_DURABLE);
    for (unsigned k = 0; k < 12; k++)
        set(s, k, lengths[k % 5], 0);
    int r = splinter_store_sync(s);
    if (r)
        fail("sync", -r);
    for (unsigned k = 0; k < 6; k++) /* what they replace is kept until the next sync */
        set(s, k, lengths[(k + 1) % 5], 0);
    splinter_store_unset(s, image_key(7), 0, NULL);
    splinter_store_unset(s, image_key(9), 0, NULL);
    set(s, 14, 30, 1000000000000);
    copy(s, "durable, killed")->running = true;
    copy(s, "durable, cut off");
    open_journals(copy(s, "durable, killed in the middle"));
    images[image_count - 1].running = true;
    int fd = dup(splinter_store_fd(s));
    splinter_store_close(s);
    copy_fd(fd, "durable, closed");
    close(fd);
}

/* ---- a store with a feed, a topic and a queue ---- */

static void fill_topic(splinter_store *s, splinter_store *other)
{
    struct splinter_topic_options o = {.struct_size = sizeof o, .flags = SPLINTER_CREATE};
    splinter_topic *t, *u;
    o.capacity = 3;
    int r = splinter_topic_open(&t, s, "topic", &o);
    if (!r)
        r = splinter_topic_open(&u, other, "topic", NULL);
    for (unsigned i = 0; !r && i < 5; i++)
        r = splinter_topic_publish(i % 2 ? u : t, "a message that says much", 3 + 5 * i, NULL,
                                   NULL);
    if (r)
        fail("topic", -r);
    splinter_topic_close(t);
    splinter_topic_close(u);
}

/* Items that wait, that somebody has, that came back, and the place of one that is gone. */
static void fill_queue(splinter_store *s, splinter_store *workers[2])
{
    struct splinter_topic_options o = {.struct_size = sizeof o, .flags = SPLINTER_CREATE};
    splinter_queue *q, *worker[2];
    struct splinter_item item = {.struct_size = sizeof item};
    char buf[64];
    o.capacity = 6;
    int r = splinter_queue_open(&q, s, "queue", &o);
    for (unsigned i = 0; !r && i < 2; i++)
        r = splinter_queue_open(&worker[i], workers[i], "queue", NULL);
    for (unsigned i = 0; !r && i < 6; i++)
        r = splinter_queue_push(q, "an item of work to be done", 1 + 5 * i, NULL, 0, NULL);
    for (unsigned i = 0; !r && i < 5; i++) {
        splinter_queue *w = worker[i % 2];
        r = splinter_queue_take(w, buf, sizeof buf, i == 2 ? 1000000000000 : 0, 0, &item);
        if (!r && i >= 3)
            r = i == 3 ? splinter_queue_ack(w, &item) : splinter_queue_nack(w, &item);
    }
    if (r)
        fail("queue", -r);
    splinter_queue_close(q);
    splinter_queue_close(worker[0]);
    splinter_queue_close(worker[1]);
}

/* Killed after the latest change of its first lane, which was an update: the journal is open, and
 * the change has its number or, without one, left a hole. */
static void open_feed_journal(struct image *image, uint32_t entry, bool numbered)
{
    struct lane *lane = lane_of(image, entry * ENTRY_LANES);
    struct feed_lane *feed = (void *)(image->bytes + image->geo.feed_off);
    struct feed_line *ring = (struct feed_line *)(feed + FEED_LANES) +
                             (size_t)entry * ENTRY_LANES * image->geo.feed;
    struct feed_line *line;
    const struct record *rec;
    uint32_t number, mask = image->geo.feed - 1;
    feed += entry * ENTRY_LANES;
    do
        line = &ring[--feed->next & mask];
    while (line->word & FEED_IS_MORE);
    for (uint32_t nth = 0;; nth++) {
        const struct slot *slot = slot_of(image, &number, nth);
        lane->current = slot->current;
        lane->hash = slot->hash;
        rec = (const void *)(image->bytes + image->geo.arena_off +
                             (uint64_t)CURRENT_REF(slot->current) * UNIT);
        if (rec->epoch == line->epoch)
            break;
    }
    lane->epoch = rec->epoch;
    lane->slot = number;
    lane->kind = LANE_UPDATE;
    for (lane->spare_at = 0; !lane->spare[lane->spare_at];)
        if (++lane->spare_at == LANE_SPARES)
            fail("no spare block", ENOENT);
    lane->old = lane->spare[lane->spare_at];
    line->word = numbered ? line->word | FEED_IS_OLD : 0;
}

static void make_bus(const char *name, uint32_t flags)
{
    splinter_store *s = create_with(40, 300, 1, flags), *other = open_again(s);
    splinter_store *third = open_again(s);
    for (unsigned i = 0; i < 150; i++) /* the rings go round */
        set(i % 2 ? other : s, i * 7 % 10, lengths[i % 5], 0);
    set_with(s, 14, 70, 0, SPLINTER_EPHEMERAL);
    set_with(other, 15, 8, UINT64_C(1000000000000), SPLINTER_EPHEMERAL);
    set_with(third, 16, 9, 0, SPLINTER_EPHEMERAL);
    set_with(third, 5, 9, 0, SPLINTER_EPHEMERAL);
    set(s, 17, 20, 1);
    splinter_store_sweep(other);
    splinter_store_unset(third, image_key(2), 0, NULL);
    fill_topic(s, other);
    fill_queue(s, (splinter_store *[]){other, third});
    set(s, 5, 40, 0); /* the longest key there is */
    set(other, 0, 40, 0);
    set(other, 1, 40, 0);
    set(s, 0, 40, 0);
    struct image *image = copy(s, name);
    open_feed_journal(image, s->entry, true);
    open_feed_journal(image, other->entry, false);
    if (flags & GEOMETRY_DURABLE)
        image->running = true;
    else
        image->living = third->entry + 1;
    splinter_store_close(third);
    splinter_store_close(other);
    splinter_store_close(s);
}

void images_make(void)
{
    make_in_memory();
    make_durable();
    make_bus("with a feed, killed", 0);
    make_bus("durable, with a feed, killed", GEOMETRY_DURABLE);
    for (unsigned i = 0; i < image_count; i++)
        find_pages(&images[i]);
}

const struct geometry *geometry_of(const splinter_store *store)
{
    return &store->geo;
}

/* ---- the victim ---- */

int image_file(void)
{
    if (file < 0)
        file = memfd_create("victim", MFD_CLOEXEC);
    if (file < 0)
        fail("memfd_create", errno);
    return file;
}

/* Who lives is known to the kernel, which is asked about locks of another description. */
static void let_live(uint32_t living)
{
    static splinter_store as_if;
    static int fd = -1;
    static uint32_t lives;
    if (lives == living)
        return;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image_file());
    if (fd >= 0)
        close(fd);
    fd = living ? open(path, O_RDWR | O_CLOEXEC) : -1;
    as_if.fd = as_if.lock_fd = fd;
    as_if.entry = living - 1;
    int r = living ? registry_lock_entry(&as_if, as_if.entry) : 0;
    if (living && !r)
        r = registry_lock_life(&as_if);
    if (r)
        fail("lock", -r);
    lives = living;
}

void image_restore(const struct image *image)
{
    int fd = image_file();
    if (ftruncate(fd, 0) || ftruncate(fd, (off_t)image->length))
        fail("truncate", errno);
    file_length = image->length;
    for (uint32_t i = 0; i < image->pages; i++) {
        uint64_t at = (uint64_t)image->page[i] * PAGE;
        image_write(at, image->bytes + at,
                    image->length - at < PAGE ? (size_t)(image->length - at) : PAGE);
    }
    let_live(image->living);
    if (image->running) {
        struct header header;
        memcpy(&header, image->bytes, sizeof header);
        session_note(fd, &header);
        image_write(0, &header, sizeof header);
    }
}

void image_write(uint64_t offset, const void *bytes, size_t length)
{
    if (offset <= file_length && length <= file_length - offset &&
        pwrite(file, bytes, length, (off_t)offset) != (ssize_t)length)
        fail("write", errno);
}

uint64_t image_read(uint64_t offset, size_t width)
{
    uint64_t value = 0;
    if (offset <= file_length && width <= sizeof value &&
        pread(file, &value, width, (off_t)offset) < 0)
        fail("read", errno);
    return value;
}

void image_fix_geometry(void)
{
    struct geometry geo;
    if (pread(file, &geo, sizeof geo, 0) != (ssize_t)sizeof geo)
        fail("read", errno);
    geo.checksum = XXH3_64bits(&geo, offsetof(struct geometry, checksum));
    image_write(0, &geo, sizeof geo);
}

void image_fix_points(const struct image *image)
{
    for (int i = 0; i < 2; i++) {
        struct sync_point p;
        if (pread(file, &p, sizeof p, SYNC_POINT_OFF(i)) != (ssize_t)sizeof p)
            fail("read", errno);
        p.checksum = XXH3_64bits_withSeed(&p, offsetof(struct sync_point, checksum),
                                          image->geo.checksum);
        image_write(SYNC_POINT_OFF(i), &p, sizeof p);
    }
}

void image_fix_records(const struct image *image)
{
    static splinter_store as_if;
    as_if.geo = image->geo;
    for (uint32_t i = 0; i < image->records; i++) {
        union {
            struct record rec;
            uint8_t bytes[4096];
        } block;
        uint64_t length, at = part_at(image, PART_RECORD, i, &length);
        ssize_t n = pread(file, &block, sizeof block, (off_t)at);
        struct record *rec = &block.rec;
        if (n < (ssize_t)sizeof *rec || value_offset(rec->key_len) > (size_t)n ||
            rec->value_len > (size_t)n - value_offset(rec->key_len))
            continue;
        rec->checksum = record_checksum(
            rec, record_payload_hash(&as_if, rec, rec->key_len, rec->value_len));
        image_write(at, rec, sizeof *rec);
    }
}

/* ---- parts ---- */

uint32_t part_count(const struct image *image, enum part part)
{
    switch (part) {
    case PART_ENTRY:
        return image->entries + 1;
    case PART_LANE:
        return (image->entries + 1) * ENTRY_LANES;
    case PART_BUCKET:
        return image->geo.buckets;
    case PART_SLAB:
        return image->slabs;
    case PART_GROUP:
        return (image->slabs + GROUP_SLABS - 1) / GROUP_SLABS;
    case PART_RECORD:
    case PART_PAYLOAD:
        return image->records;
    case PART_FEED_LANE:
        return image->rings;
    case PART_FEED_LINE:
        return image->rings * image->geo.feed;
    default:
        return 1;
    }
}

static uint64_t feed_lane_at(const struct image *image, uint32_t number)
{
    return image->geo.feed_off + image->ring[number % image->rings] * sizeof(struct feed_lane);
}

static uint64_t feed_line_at(const struct image *image, uint32_t number)
{
    const struct feed_lane *lane = (const void *)(image->bytes + feed_lane_at(image, number));
    uint64_t line = (lane->next - number / image->rings) & (image->geo.feed - 1);
    uint64_t ring = (uint64_t)image->ring[number % image->rings] * image->geo.feed;
    return image->geo.feed_off + FEED_LANES * sizeof *lane +
           (ring + line) * sizeof(struct feed_line);
}

uint64_t part_at(const struct image *image, enum part part, uint32_t number, uint64_t *length)
{
    const struct geometry *geo = &image->geo;
    uint32_t count = part_count(image, part);
    uint64_t at = 0;
    *length = 0;
    if (!count)
        return 0;
    number %= count;
    switch (part) {
    case PART_GEOMETRY:
        *length = sizeof *geo;
        break;
    case PART_HEADER:
        at = sizeof *geo;
        *length = sizeof(struct header) - at;
        break;
    case PART_MAPS:
        at = PAGE;
        *length = geo->registry_off - at;
        break;
    case PART_ENTRY:
        at = geo->registry_off + number * sizeof(struct entry);
        *length = offsetof(struct entry, lane);
        break;
    case PART_LANE:
        at = geo->registry_off + number % (image->entries + 1) * sizeof(struct entry) +
             offsetof(struct entry, lane) + number / (image->entries + 1) * sizeof(struct lane);
        *length = sizeof(struct lane);
        break;
    case PART_BUCKET:
        at = geo->index_off + number * sizeof(struct bucket);
        *length = sizeof(struct bucket);
        break;
    case PART_SLAB:
        at = geo->arena_off + (uint64_t)number * geo->slab_units * UNIT;
        *length = sizeof(struct slab);
        break;
    case PART_GROUP:
        at = geo->groups_off + number * sizeof(struct group);
        *length = sizeof(struct group);
        break;
    case PART_RECORD:
        at = geo->arena_off + (uint64_t)CURRENT_REF(image->current[number]) * UNIT;
        *length = sizeof(struct record);
        break;
    case PART_PAYLOAD: {
        at = geo->arena_off + (uint64_t)CURRENT_REF(image->current[number]) * UNIT;
        const struct record *rec = (const void *)(image->bytes + at);
        *length = value_offset(rec->key_len) + rec->value_len - sizeof *rec;
        at += sizeof *rec;
        break;
    }
    case PART_FEED_LANE:
        at = feed_lane_at(image, number);
        *length = sizeof(struct feed_lane);
        break;
    case PART_FEED_LINE:
        at = feed_line_at(image, number);
        *length = sizeof(struct feed_line);
        break;
    default:
        *length = image->length;
    }
    return at;
}
