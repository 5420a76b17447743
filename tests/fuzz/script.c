/* SPDX-License-Identifier: Apache-2.0 */
/* script.c - an attack as a string of bytes; see script.h */
#define XXH_INLINE_ALL
#include "script.h"

#include <splinter.h>
#include <string.h>
#include <xxhash.h>

#include "calls.h"
#include "watch.h"

#define COMMANDS_MAX 60
#define LATER_MAX 8
#define REPEATS_MAX 2000

struct input {
    const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint32_t two(struct input *in)
{
    uint32_t low = byte(in);
    return low | (uint32_t)byte(in) << 8;
}

/* ---- a write ---- */

static uint64_t interesting(const struct image *image, uint8_t which)
{
    const struct geometry *geo = &image->geo;
    uint64_t reach = (image->length - geo->arena_off) / UNIT;
    uint64_t units = (uint64_t)geo->slabs * geo->slab_units;
    const uint64_t numbers[] = {
        0, 1, UINT64_MAX, INT64_MAX, UINT32_MAX, INT32_MAX, UINT16_MAX, UINT64_C(1) << 32,
        reach, reach - 1, reach + 1, reach << 32, (reach - 1) << 32, units, units - 1, units << 32,
        geo->slab_units, geo->slab_units - SLAB_HEADER_UNITS, geo->slabs, geo->slabs - 1,
        geo->buckets, geo->buckets - 1, (uint64_t)geo->buckets * BUCKET_SLOTS - 1, geo->slots,
        geo->max_value, geo->max_value + 1, SPLINTER_KEY_MAX - 1, SPLINTER_KEY_MAX, MAX_ENTRIES,
        MAX_ENTRIES - 1, SLAB_BLOCKS, UNIT};
    return numbers[which % (sizeof numbers / sizeof *numbers)];
}

static uint64_t place(const struct image *image, struct input *in, size_t width)
{
    uint8_t part = byte(in) % PARTS;
    uint32_t number = byte(in), offset = two(in);
    if (part == PART_LANE && number >= 0x40)
        number %= image->entries + 1; /* mostly a lane that is in use */
    uint64_t length, at = part_at(image, part, number, &length);
    if (part == PART_ANYTHING)
        offset = (offset << 8 | number) * 8; /* 128 MiB: all of it */
    return length ? at + offset % length / width * width : UINT64_MAX;
}

static uint64_t value(const struct image *image, struct input *in, uint8_t form, size_t width,
                      uint64_t before)
{
    uint64_t v = 0;
    uint32_t record, lane;
    switch (form) {
    case FORM_RAW:
        for (size_t i = 0; i < width; i++)
            v |= (uint64_t)byte(in) << 8 * i;
        return v;
    case FORM_SMALL:
        return (uint64_t)(int64_t)(int8_t)byte(in);
    case FORM_INTERESTING:
        return interesting(image, byte(in));
    case FORM_COPY:
        return image_read(place(image, in, 8), 8);
    case FORM_CURRENT:
    case FORM_NAMED: {
        record = byte(in);
        uint32_t delta = (uint32_t)(int8_t)byte(in);
        if (!image->records)
            return delta;
        v = image->current[record % image->records];
        if (form == FORM_NAMED)
            return block_id((uint64_t)CURRENT_REF(v) + delta, 1);
        return CURRENT(v >> 32, CURRENT_REF(v) + delta);
    }
    case FORM_LOCK: {
        lane = two(in);
        const char *key = image_key(byte(in));
        uint64_t hash = XXH3_64bits_withSeed(key, strlen(key), image->geo.seed);
        return (hash & 0x3ffff) << 14 | (lane & 0x3fff);
    }
    default:
        return before ^ (UINT64_C(1) << byte(in) % 64);
    }
}

static void write_one(const struct image *image, struct input *in)
{
    struct input peek = *in;
    for (int i = 0; i < 4; i++)
        byte(&peek);
    uint8_t form = byte(&peek);
    size_t width = (size_t)1 << (form >> 3 & 3);
    uint64_t at = place(image, in, width);
    byte(in);
    uint64_t v = value(image, in, form & 7, width, image_read(at, width));
    uint8_t bytes[8];
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v <<= 64 - 8 * width;
#endif
    memcpy(bytes, &v, sizeof bytes);
    image_write(at, bytes, width);
}

size_t script_write(const struct image *image, const uint8_t *bytes, size_t length)
{
    struct input in = {bytes, bytes + length};
    write_one(image, &in);
    return (size_t)(in.at - bytes);
}

/* ---- a script ---- */

static struct {
    const struct image *image;
    struct input writes[LATER_MAX]; /* in the order in which they are due */
    uint64_t due[LATER_MAX];
    uint32_t again[LATER_MAX]; /* loads until it is done once more; 0: never */
    unsigned first, count, repeats;
} later;

static void strike(struct attack *attack)
{
    struct input in = later.writes[later.first];
    write_one(later.image, &in);
    if (later.again[later.first] && later.repeats++ < REPEATS_MAX) {
        attack->when = watch_loads + later.again[later.first];
        return;
    }
    later.first++;
    /* The one after a write that was done often is overdue. */
    if (later.first < later.count && later.due[later.first] <= watch_loads)
        later.due[later.first] = watch_loads + 1;
    attack->when = later.first < later.count ? later.due[later.first] : 0;
}

static void write_later(struct attack *attack, struct input *in)
{
    uint32_t delay = two(in);
    struct input writing = *in;
    if (later.first == later.count)
        later.first = later.count = 0;
    /* Loads of a get are a dozen, of a check some hundreds: mostly soon. */
    uint64_t from = later.count ? later.due[later.count - 1] : watch_loads;
    if (later.count < LATER_MAX) {
        bool often = delay >> 15;
        delay &= 0x7fff;
        later.again[later.count] = often ? 1 + (delay & 63) : 0;
        later.writes[later.count] = writing;
        later.due[later.count] = from + 1 + (delay & 1 ? delay >> 1 & 63 : delay >> 1);
        if (!later.count)
            attack->when = later.due[0];
        later.count++;
    }
    /* Where the commands go on: behind it. */
    static const uint8_t more[] = {0, 1, 1, 4, 2, 2, 3, 1};
    for (int i = 0; i < 4; i++)
        byte(in);
    uint8_t form = byte(in);
    uint32_t skip = (form & 7) == FORM_RAW ? 1u << (form >> 3 & 3) : more[form & 7];
    while (skip--)
        byte(in);
}

static void open_it(struct attack *attack, uint8_t mode)
{
    const struct image *image = attack->image;
    if (!(mode & MODE_GEOMETRY))
        image_write(0, &image->geo, sizeof image->geo);
    else if (mode & MODE_CHECKSUM)
        image_fix_geometry();
    if (mode & MODE_POINTS)
        image_fix_points(image);
    if (mode & MODE_RECORDS)
        image_fix_records(image);
    watch_refuse = mode & MODE_REFUSE && mode & MODE_READ_ONLY;
    attack_open(attack, mode & MODE_READ_ONLY ? SPLINTER_RDONLY : 0);
}

void script_run(const uint8_t *bytes, size_t length)
{
    struct input in = {bytes, bytes + length};
    const struct image *image = &images[byte(&in) % image_count];
    uint8_t mode = byte(&in);
    struct attack attack = {.image = image, .strike = strike};
    bool opened = false;

    later.image = image;
    later.first = later.count = later.repeats = 0;
    image_restore(image);
    for (int i = 0; i < COMMANDS_MAX && in.at < in.end; i++) {
        uint8_t command = byte(&in);
        if (command >= COMMAND_LATER) {
            write_later(&attack, &in);
        } else if (command >= COMMAND_WRITE) {
            write_one(image, &in);
        } else {
            unsigned key = byte(&in), number = byte(&in);
            if (!opened) {
                opened = true;
                open_it(&attack, mode);
            }
            attack_call(&attack, command, key, number);
        }
    }
    if (!opened)
        open_it(&attack, mode);
    if (mode & MODE_ALL)
        attack_all(&attack);
    attack_close(&attack);
    watch_refuse = false;
}
