/* SPDX-License-Identifier: Apache-2.0 */
/* take.h - the handle of a queue, and what its takers share */
#ifndef SPLINTER_TAKE_H
#define SPLINTER_TAKE_H

#include <pthread.h>
#include <stdbool.h>

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

/* An item of this process has been acknowledged. */
void takers_unlist(struct splinter_queue *q, uint64_t number);

/* Free them, and those of the processes from which this one was forked. */
void takers_free(struct takers *k);

#endif
