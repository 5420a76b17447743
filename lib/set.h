/* SPDX-License-Identifier: Apache-2.0 */
/* set.h - set, as the calls built on it see it */
#ifndef SPLINTER_SET_H
#define SPLINTER_SET_H

#include "key.h"
#include "names.h"

struct set_args {
    uint32_t flags; /* SPLINTER_IF_* */
    uint32_t type;
    uint64_t expiry; /* nanoseconds of CLOCK_REALTIME, 0: none */
    uint64_t if_epoch;
    uint64_t epoch; /* of a snapshot's record, with its revision; 0: the next one */
    uint32_t revision;
};
int key_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
           const struct set_args *args, uint64_t *out_epoch);

#endif
