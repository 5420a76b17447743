/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - an attack as a string of bytes, for a fuzzer to bend
 *
 * A store is sparse and its header is checked; so the bytes are no store but say what is written
 * to one of a few good ones, and when:
 *
 *     image, mode, then commands:  00-5f call key number        a call (calls.h)
 *                                  60-bf write                  the attacker writes
 *                                  c0-ff delay delay write      the same, after so many loads of
 *                                                               the calls that follow; or, with
 *                                                               the highest bit, every so many
 *     write:  part number offset offset form values...
 *
 * What is written before the first call is there when the store is opened.
 */
#ifndef SPLINTER_TEST_SCRIPT_H
#define SPLINTER_TEST_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#define MODE_READ_ONLY 1
#define MODE_GEOMETRY 2 /* the geometry may be hit as well, and is not made right ... */
#define MODE_CHECKSUM 4 /* ... but for its checksum */
#define MODE_ALL 8      /* at the end every call is made */
#define MODE_POINTS 16  /* checksums of sync points are made right before it is opened */
#define MODE_RECORDS 32 /* and those of records */
#define MODE_REFUSE 64  /* with MODE_READ_ONLY: nor may the file be opened to write */

#define COMMAND_WRITE 0x60
#define COMMAND_LATER 0xc0

/* Low three bits of `form`: what is written; the next two: log2 of how many bytes. */
enum form {
    FORM_RAW,         /* the bytes that follow */
    FORM_SMALL,       /* one byte, with its sign */
    FORM_INTERESTING, /* a number that is the limit of something */
    FORM_COPY,        /* what is elsewhere: part number offset offset */
    FORM_CURRENT,     /* the current word that leads to a record: number delta */
    FORM_NAMED,       /* the same as a lane names it */
    FORM_LOCK,        /* the lock of a lane for a key: lane key */
    FORM_FLIP         /* what is there, with other bits */
};

/* Never fails; what it finds, it aborts for. */
void script_run(const uint8_t *bytes, size_t length);

/* One write of the attacker's, made of eight bytes or so. */
struct image;
size_t script_write(const struct image *image, const uint8_t *bytes, size_t length);

#endif
