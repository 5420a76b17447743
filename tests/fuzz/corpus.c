/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c - attacks for a fuzzer to begin with and to mix; the images are made already */
#include "corpus.h"

#include "calls.h"
#include "script.h"

struct out {
    uint8_t *bytes;
    size_t length;
};

static void put(struct out *out, uint8_t byte)
{
    if (out->length < SEED_BYTES_MAX)
        out->bytes[out->length++] = byte;
}

static void call(struct out *out, uint8_t what, uint8_t key, uint8_t number)
{
    put(out, what);
    put(out, key);
    put(out, number);
}

static void write_to(struct out *out, uint8_t part, uint8_t number, uint16_t offset, uint8_t form,
                     uint8_t width)
{
    put(out, part);
    put(out, number);
    put(out, (uint8_t)offset);
    put(out, (uint8_t)(offset >> 8));
    put(out, (uint8_t)(form | width << 3));
    unsigned values = form == FORM_LOCK ? 3 : form == FORM_CURRENT || form == FORM_NAMED ? 2 : 1;
    if (form == FORM_RAW)
        for (unsigned i = 0; i < 1u << width; i++)
            put(out, (uint8_t)(0xff - i));
    else if (form == FORM_COPY)
        for (unsigned i = 0; i < 4; i++)
            put(out, (uint8_t)(part + (i == 1)));
    else
        for (unsigned i = 0; i < values; i++)
            put(out, (uint8_t)(number + offset + i));
}

/* The whole of an image, untouched. */
static void whole(struct out *out, unsigned n)
{
    static const uint8_t modes[] = {0, MODE_READ_ONLY, MODE_READ_ONLY | MODE_REFUSE};
    put(out, (uint8_t)(n / 3));
    put(out, (uint8_t)(MODE_ALL | modes[n % 3]));
}

/* One field of one part, before it is opened or while it is open. */
static void field(struct out *out, unsigned n)
{
    static const uint8_t parts[] = {PART_HEADER, PART_MAPS,    PART_ENTRY,   PART_LANE,
                                    PART_BUCKET, PART_SLAB,    PART_GROUP,   PART_RECORD,
                                    PART_PAYLOAD, PART_ANYTHING, PART_FEED_LANE,
                                    PART_FEED_LINE};
    unsigned part = n % sizeof parts, form = n / sizeof parts % 8, offset = n / sizeof parts / 8;
    put(out, (uint8_t)(1 + n % (image_count - 1)));
    put(out, (uint8_t)(MODE_ALL | (n % 5 ? 0 : MODE_READ_ONLY) | (n % 2 ? MODE_POINTS : 0) |
                       (n % 3 ? MODE_RECORDS : 0)));
    /* What a writer has at hand of its own is to be there, too. */
    for (uint8_t i = 0; i < 3; i++)
        call(out, 4, i & 1, (uint8_t)(i + n % 3));
    put(out, COMMAND_WRITE);
    write_to(out, parts[part], (uint8_t)(n % 7), (uint16_t)(offset * 4), (uint8_t)form,
             (uint8_t)(2 + n % 2));
    for (uint8_t i = 0; i < 3; i++)
        call(out, 4, i & 1, (uint8_t)(i + n % 3));
    call(out, (uint8_t)(n % CALLS), (uint8_t)(n % 5), (uint8_t)n);
}

/* Something that changes under the hands of a call. */
static void race(struct out *out, unsigned n)
{
    static const uint8_t parts[] = {PART_RECORD, PART_SLAB, PART_LANE, PART_BUCKET, PART_HEADER};
    put(out, (uint8_t)(1 + n % (image_count - 1)));
    put(out, n % 4 ? 0 : MODE_READ_ONLY);
    for (unsigned i = 0; i < 3; i++) {
        put(out, COMMAND_LATER);
        put(out, (uint8_t)(n * 2 + 1));
        put(out, n % 3 ? 0 : 0x80);
        write_to(out, parts[(n + i) % sizeof parts], (uint8_t)(n % 9), (uint16_t)(n / 5 * 4),
                 (uint8_t)(i ? FORM_INTERESTING : FORM_RAW), (uint8_t)(n % 4));
        call(out, (uint8_t)n, (uint8_t)(n % 5), (uint8_t)(n / 3));
        call(out, (uint8_t)(n + 7), (uint8_t)(n % 5), (uint8_t)(n / 3));
    }
}

/* The stores with a feed come last: a field of one of them, and then what reads it. */
static void bus(struct out *out, unsigned n)
{
    static const uint8_t parts[] = {PART_FEED_LANE, PART_FEED_LINE, PART_RECORD, PART_PAYLOAD,
                                    PART_HEADER, PART_ENTRY, PART_LANE};
    unsigned part = n % sizeof parts, offset = n / sizeof parts % 13;
    put(out, (uint8_t)(image_count - 1 - n % 2));
    put(out, (uint8_t)((n % 5 ? 0 : MODE_READ_ONLY) | (n % 3 ? MODE_RECORDS : 0)));
    if (n % 4)
        call(out, 32, 0, (uint8_t)n);
    put(out, COMMAND_WRITE);
    write_to(out, parts[part], (uint8_t)(n % 11), (uint16_t)(offset * 8),
             (uint8_t)(n / sizeof parts % 8), (uint8_t)(2 + n % 2));
    for (uint8_t i = 0; i < 4; i++) {
        call(out, (uint8_t)(32 + (n + i) % 3), 0, (uint8_t)(n + i));
        call(out, i == 1 ? 22 : 4, i, (uint8_t)(i + n % 3));
    }
    call(out, 32, 0, (uint8_t)(n + 1));
    call(out, 19, 0, 0);
}

/* The header, raw. */
static void header(struct out *out, unsigned n)
{
    put(out, (uint8_t)(n % image_count));
    put(out, (uint8_t)(MODE_ALL | MODE_GEOMETRY | (n % 2 ? MODE_CHECKSUM : 0)));
    put(out, COMMAND_WRITE);
    write_to(out, PART_GEOMETRY, 0, (uint16_t)(n / 2 * 4), (uint8_t)(n % 3), 2);
}

size_t corpus_seed(unsigned n, uint8_t bytes[SEED_BYTES_MAX])
{
    static const struct {
        unsigned count;
        void (*make)(struct out *, unsigned);
    } kinds[] = {{0, whole}, {1200, field}, {480, race}, {80, header}, {360, bus}};
    struct out out = {bytes, 0};
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        unsigned count = kinds[k].count ? kinds[k].count : 3 * image_count;
        if (n < count) {
            kinds[k].make(&out, n);
            return out.length;
        }
        n -= count;
    }
    return 0;
}
