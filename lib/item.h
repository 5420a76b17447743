/* SPDX-License-Identifier: Apache-2.0 */
/* item.h - the positions of a queue, and what is at each */
#ifndef SPLINTER_ITEM_H
#define SPLINTER_ITEM_H

#include <stdbool.h>

#include "index.h"
#include "names.h"
#include "topic.h"

/* What a look at a position has found. */
struct item_seen {
    struct lookup at; /* only if `epoch` is not 0 */
    struct queue_item is;
    uint64_t epoch; /* of the record; 0: the key is absent, and this handle cannot make it */
    uint32_t len;   /* bytes of the message */
    uint32_t type;
};

/* Look at the position of number n, and copy the message if there is one, and it fits into buf.
 * 0, or an errno. */
int item_look(struct splinter_topic *t, uint64_t n, void *buf, size_t size,
              struct item_seen *seen);

/* Look at the position of number n, and change nothing, also if the key is not there. */
int item_peek(struct splinter_topic *t, uint64_t n, struct item_seen *seen);

/* Replace what was seen at the position by this, and a message of the same type.  0; -ESTALE or
 * -ENOENT: it has changed meanwhile; or another error of key_set(). */
int item_put(struct splinter_topic *t, const struct item_seen *seen, const struct queue_item *is,
             const void *val, size_t len);

/* The same: there is no item any more. */
int item_remove(struct splinter_topic *t, const struct item_seen *seen);

/* The same, with the message that is there. */
int item_rewrite(struct splinter_topic *t, const struct item_seen *seen,
                 const struct queue_item *is);

/* May the item be handed out, whether its worker lives or not? */
bool item_is_free(struct splinter_topic *t, const struct queue_item *is);

/* item.era of items that are taken now. */
uint32_t item_era(const struct splinter_store *s);

/* Find the highest number whose turn is over, and remember it. */
int items_end(struct splinter_topic *t, uint64_t *end);

/* Look at every position of a queue of a durable store, as messages_survey() does. */
int items_survey(struct splinter_topic *t);

/* Sleep until the position of n has another record than the one with this epoch, but neither
 * beyond `end` (CLOCK_MONOTONIC) nor for much more than `most` nanoseconds.  0: look again;
 * -ETIMEDOUT: `end` has passed; or why the wait is over. */
int item_wait(struct splinter_topic *t, uint64_t n, uint64_t epoch, uint64_t end, uint64_t most);

#endif
