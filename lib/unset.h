/* SPDX-License-Identifier: Apache-2.0 */
/* unset.h - unset, as the calls built on it see it */
#ifndef SPLINTER_UNSET_H
#define SPLINTER_UNSET_H

#include <stdbool.h>

#include "key.h"

int key_unset(struct splinter_store *s, const struct key *key, uint64_t if_epoch, bool expired_only,
             size_t *out_len);

#endif
