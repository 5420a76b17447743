/* SPDX-License-Identifier: Apache-2.0 */
/* topic.h - the keys of a topic, and the handle of one */
#ifndef SPLINTER_TOPIC_H
#define SPLINTER_TOPIC_H

#include <stdbool.h>

#include "atomic.h"
#include "names.h"
#include "settle.h"

/* The internal key of a topic itself: a zero byte, 't', and the name. */
struct topic_key {
    char text[SPLINTER_KEY_MAX];
    struct key key; /* leads to `text` */
};
static_assert(SPLINTER_TOPIC_NAME_MAX + TOPIC_NAME_AT == SPLINTER_KEY_MAX, "a name fits");

static inline const char *topic_name(const struct topic_key *key)
{
    return key->text + TOPIC_NAME_AT;
}

/* No topic of this library gets that far. */
#define NUMBER_MOST (UINT64_MAX >> 1)

/* What a process keeps of a topic.  Any thread may use it. */
struct splinter_topic {
    struct splinter_store *store;
    struct topic is; /* a private copy, checked when it was made */
    struct topic_key name;
    uint32_t mask; /* capacity - 1 if that is a power of two, else 0 */

    /* Every number up to this one has been published.  A message at most as high that is not there
     * has been replaced, or was lost in a power cut.  Written and read by all threads. */
    alignas(64) uint64_t known;

    uint32_t *slot; /* number + 1 of the slot of each position; 0: not looked up yet */
};

/* All numbers up to n are published.  Of two threads that store at once, the one with the lower
 * number may win.  Also that one is right. */
static inline void topic_know(struct splinter_topic *t, uint64_t n)
{
    if (load_relaxed(&t->known) < n)
        store_release(&t->known, n);
}

static inline uint32_t topic_position(const struct splinter_topic *t, uint64_t n)
{
    return (uint32_t)(t->mask ? n & t->mask : n % t->is.capacity);
}

/* 0: the topic is there; -EIDRM: it has been removed; -EBADMSG. */
int topic_exists(struct splinter_topic *t);

/* The key of a position was not there.  If the topic is, this makes the key, as far as the handle
 * may change the store.  0: there is a topic, whose keys are now there; -EROFS: there is one, but
 * this handle cannot make the key; -EIDRM: the topic has been removed; or an error of key_set(). */
int topic_mend(struct splinter_topic *t, uint32_t position);

/* Make the keys that the topic lacks, while its own key still has the record that `own` leads to.
 * 0; -ESTALE: it has another one; or an error of key_set(). */
int topic_make_keys(struct splinter_store *s, const struct topic *is, const struct lookup *own);

/* Give the topic another state, if its own key still has this epoch.  0, -ESTALE, -ENOENT, or
 * another error of key_set(). */
int topic_set_state(struct splinter_store *s, const struct key *key, const struct topic *is,
                    uint32_t state, uint64_t epoch);

/* Remove the topic whose own key has this epoch, and is `is`.  0; -ESTALE: it has changed
 * meanwhile; or another errno.  To be called between topic_work_begin() and topic_work_end(). */
int topic_abandon(struct splinter_store *s, const struct key *key, struct topic is,
                  uint64_t epoch);

#endif
