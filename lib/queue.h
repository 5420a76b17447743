/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h - the handle of a queue, and the items at its positions */
#ifndef SPLINTER_QUEUE_H
#define SPLINTER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "index.h"
#include "names.h"
#include "topic.h"

#define KNOWN_WORKERS 8u

/* What the takers of one process share.  All items that nobody had taken when they looked have
 * numbers above `cursor`, or are at one of the positions in `taken`. */
struct takers {
    uint32_t process; /* its fork_generation */
    struct takers *before; /* of the process from which it was forked; freed with the handle */
    pthread_mutex_t mutex; /* protects all below */
    bool behind;       /* nothing was looked at yet, or others are a lap ahead */
    uint64_t cursor;   /* the numbers up to this one have been looked at */
    uint64_t ask_at;   /* when to look at those in `taken` again: CLOCK_MONOTONIC, in nanoseconds */
    uint64_t ask_ns;   /* and how often */
    uint32_t count;    /* of the positions in `taken` */
    uint32_t *taken;   /* positions of items that somebody has, or had, in the order of the looks */
    uint8_t *listed;   /* for each position: 1 if it is in `taken` */
    struct {
        uint64_t owner; /* as in struct queue_item */
        uint64_t at;    /* it was alive then: CLOCK_MONOTONIC */
    } alive[KNOWN_WORKERS];
    uint32_t next_alive; /* the one that is forgotten next */
};

/* What a process keeps of a queue.  Any thread may use it. */
struct splinter_queue {
    struct splinter_topic topic; /* whose positions have items in place of messages */
    struct takers *takers;       /* NULL: nobody has taken yet; replaced by compare-and-swap */
};

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

/* An item of this process has been acknowledged. */
void takers_unlist(struct splinter_queue *q, uint64_t number);

/* Free them, and those of the processes from which this one was forked. */
void takers_free(struct takers *k);

#endif
