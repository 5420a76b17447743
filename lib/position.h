/* SPDX-License-Identifier: Apache-2.0 */
/* position.h - the positions of a topic or a queue: the key of each, and where the numbers end */
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

/* The highest number that has been at the position of n: of a message, or of a turn that is over.
 * 0, or an errno. */
typedef int position_number(struct splinter_topic *t, uint64_t n, uint64_t *number);

/* Find the highest number of all, 0 if there is none, and remember it.  It gallops from what the
 * handle knows: 1, 2, 4 ... numbers further, and then bisects. */
int positions_end(struct splinter_topic *t, position_number *number_at, uint64_t *end);

/* The same by a look at every position: after a power cut the numbers may have holes. */
int positions_survey(struct splinter_topic *t, position_number *number_at);

#endif
