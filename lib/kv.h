/* SPDX-License-Identifier: Apache-2.0 */
/* kv.h - get, set, unset */
#ifndef SPLINTER_KV_H
#define SPLINTER_KV_H

#include <stdbool.h>

#include "key.h"

struct put {
    uint32_t flags; /* SPLINTER_IF_* */
    uint32_t type;
    uint64_t expiry; /* nanoseconds of CLOCK_REALTIME, 0: none */
    uint64_t if_epoch;
    uint64_t epoch; /* of a snapshot's record, with its revision; 0: the next one */
    uint32_t revision;
};
int kv_set(struct splinter_store *s, const struct key *key, const void *val, size_t len,
           const struct put *put, uint64_t *out_epoch);
int kv_unset(struct splinter_store *s, const struct key *key, uint64_t if_epoch, bool expired_only,
             size_t *out_len);

#endif
