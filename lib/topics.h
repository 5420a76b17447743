/* SPDX-License-Identifier: Apache-2.0 */
/* topics.h - topics and queues by name, as queues, snapshots, and an open after a power cut see
 * them */
#ifndef SPLINTER_TOPICS_H
#define SPLINTER_TOPICS_H

#include "handle.h"
#include "names.h"
#include "topic.h"

/* A queue is a topic whose positions have items in place of messages. */
struct topic_kind {
    uint32_t kind;                           /* of struct topic */
    uint32_t head;                           /* bytes before a message in the value of its key */
    const char *noun;                        /* what it is for people, */
    const char *unit;                        /* and what it consists of */
    int (*survey)(struct splinter_topic *t); /* once, when one of a durable store is opened */
};
extern const struct topic_kind topic_is_topic, topic_is_queue;

/* As the public calls for topics.  topic_open() fills in a handle of zero bytes; also after an
 * error, t->slot is to be freed. */
int topic_open(struct splinter_topic *t, struct splinter_store *s, const char *name,
               const struct splinter_topic_options *options, const struct topic_kind *kind);
int topic_remove(struct splinter_store *s, const char *name, const struct topic_kind *kind);
int topic_walk(struct splinter_store *s, uint64_t *cursor, char *name,
               const struct topic_kind *kind);

/* If header.topics_left says that there may be something to do: bring into order what a copy of a
 * store has of topics that were made or removed meanwhile, or what a power cut, or the death of all
 * processes, has left of topics.  0, or an errno. */
int topics_settle(struct splinter_store *s);

#endif
