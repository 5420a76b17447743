/* SPDX-License-Identifier: Apache-2.0 */
/* position.h - the key of a position of a topic or a queue, and the record to which it leads */
#ifndef SPLINTER_POSITION_H
#define SPLINTER_POSITION_H

#include "index.h"
#include "names.h"
#include "topic.h"

/* Find the key of the position, and fill in *key.  A key stays in its slot until it is unset, so
 * the handle remembers the slot.  1: found; 0: the key is absent; or an error of
 * index_find_anywhere(). */
int position_find(struct splinter_topic *t, uint32_t position, struct lookup *f,
                  struct message_key *key);

#endif
