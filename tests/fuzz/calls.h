/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.h - every call of the library, on a store of which nothing is known
 *
 * What a call may say is what splinter.h says; a result that is not among it, a value longer than
 * the store allows, a byte behind the buffer and a walk without end all abort.
 */
#ifndef SPLINTER_TEST_CALLS_H
#define SPLINTER_TEST_CALLS_H

#include <splinter.h>
#include <stdbool.h>
#include <stdint.h>

#include "image.h"

/* A call that loads more often than this goes round in circles. */
#define LOADS_MAX UINT64_C(20000000)

struct attack {
    const struct image *image;
    splinter_store *store, *second; /* second: another handle, may be NULL */
    bool read_only;
    splinter_feed *feed; /* of `store`, that goes on from call to call; may be NULL */
    uint64_t epoch; /* of the latest get */
    uint64_t when;  /* loads until the next write of the attacker's; 0: none */
    void (*strike)(struct attack *);
};

/* Opens image_file() with these SPLINTER_ flags.  Its result; what it may say was checked. */
int attack_open(struct attack *attack, uint32_t flags);
void attack_close(struct attack *attack);

/* Does one call, of CALLS kinds, with image_key(key). */
#define CALLS 36
void attack_call(struct attack *attack, unsigned call, unsigned key, unsigned number);

/* Every call at least once, with keys that are there and keys that are not. */
void attack_all(struct attack *attack);
/* Every call once or twice; n varies the keys. */
void attack_each(struct attack *attack, unsigned n);

/* Where what is being done is noted, for whoever has to say in what it ended. */
extern const char *volatile *attack_step;

#endif
