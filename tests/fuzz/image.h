/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - stores to be attacked, and where in them to hit
 *
 * The same bytes on every run, for the keys, the seed of the hash and the time are fixed.  All
 * positions come from lib/layout.h and the geometry.
 */
#ifndef SPLINTER_TEST_IMAGE_H
#define SPLINTER_TEST_IMAGE_H

#include <splinter.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#define IMAGE_KEYS 24 /* names, of which an image has some */
const char *image_key(unsigned i);

#define IMAGE_RECORDS 64
#define IMAGE_RINGS 8

struct image {
    const char *name;
    struct geometry geo;
    bool running;    /* looks as if a process of this kernel had left it by being killed */
    uint64_t length; /* of the file */
    uint8_t *bytes;
    uint32_t entries; /* of the registry, that were used */
    uint32_t slabs;   /* that were used */
    uint32_t records;
    uint32_t internal;               /* of them that are of topics and queues; these come first */
    uint64_t current[IMAGE_RECORDS]; /* of records in the index */
    uint32_t rings;                  /* of the feed, that are reserved */
    uint32_t ring[IMAGE_RINGS];      /* their places among those of all lanes */
    uint32_t living; /* entry + 1 whose process seems to live, and to own keys; 0: none */
    uint32_t pages;  /* that are not all zero: */
    uint32_t *page;  /* their numbers */
};

extern struct image images[];
extern unsigned image_count;

/* Makes them all; dies with a sentence if it cannot. */
void images_make(void);

/* The geometry that an open handle goes by. */
const struct geometry *geometry_of(const splinter_store *store);

/* The victim: a file that becomes a fresh copy of an image. */
int image_file(void);
void image_restore(const struct image *image);
/* As a process that maps the file might; what lies outside of it is left out. */
void image_write(uint64_t offset, const void *bytes, size_t length);
uint64_t image_read(uint64_t offset, size_t width);

/* Parts of a store. */
enum part {
    PART_GEOMETRY,
    PART_HEADER,   /* the rest of it */
    PART_MAPS,     /* what lies between the header and the registry */
    PART_ENTRY,    /* without its lanes; the next one, which an opener may get, as well */
    PART_LANE,     /* first lanes first, for a process with few threads has no others */
    PART_BUCKET,
    PART_SLAB,     /* its header */
    PART_GROUP,    /* what is known of 64 slabs */
    PART_RECORD,   /* its header */
    PART_PAYLOAD,  /* key and value */
    PART_FEED_LANE, /* of a lane that has a ring */
    PART_FEED_LINE, /* of such a ring, the next line that is written first, then the ones before */
    PART_ANYTHING,
    PARTS
};

/* How many of that part there are in use, where one is, and how long. */
uint32_t part_count(const struct image *image, enum part part);
uint64_t part_at(const struct image *image, enum part part, uint32_t number, uint64_t *length);

/* Checksums, made right: of the geometry, of the sync points, of the records. */
void image_fix_geometry(void);
void image_fix_points(const struct image *image);
void image_fix_records(const struct image *image);

#endif
