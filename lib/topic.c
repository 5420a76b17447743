/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topic.c - the keys of a topic: make them, find them
 *
 * A topic of capacity N is 1 + N keys that no program can name.  The first says what the topic is.
 * Each of the others holds one message; message.c says how they make a topic.  So the protocols of
 * set and unset are the only ones.  All keys are made together with the topic, so a message finds
 * its slot whatever else the store holds.
 *
 * Invariants
 *  - A topic in the state TOPIC_READY had all its keys when it got that state.
 *  - A process makes a key of a topic only under the key's lock, and only while the topic's own key
 *    still has the record that the process has read.  A process that removes a topic replaces that
 *    record first, or removes it, and then looks for each key under its lock.  So no key outlives
 *    its topic, unless a process dies in between; then settle.c finds it.
 *  - A state other than TOPIC_READY is work that any process finishes, and nobody waits for.
 *  - Durable stores: a sync ends between the removal of the other keys and that of the topic's own.
 *    So a power cut leaves no key of a topic that is gone.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "set.h"
#include "sync.h"
#include "topic.h"

/* ---- a topic's own key ---- */

int topic_set_state(struct splinter_store *s, const struct key *key, const struct topic *is,
                    uint32_t state, uint64_t epoch)
{
    struct topic next = *is;
    const struct set_args args = {.flags = SPLINTER_IF_EPOCH, .if_epoch = epoch,
                                  .unsynced = state == TOPIC_REMOVING}; /* more is to come */
    next.state = state;
    return key_set(s, key, &next, sizeof next, &args, NULL);
}

/* ---- the keys of its messages ---- */

/* Make the key of a position, which says that there was no message yet, while the topic's own key
 * is as it was read.  0: it is there; -ESTALE: the topic has changed; or an error of key_set(). */
static int make_key(struct splinter_store *s, const struct topic *is, uint32_t position,
                    const struct lookup *own)
{
    const uint64_t none = 0;
    const struct set_args args = {.flags = SPLINTER_IF_ABSENT, .only_while = own, .unsynced = true};
    struct message_key key;
    message_key_make(s, is, position, &key);
    int r = key_set(s, &key.key, &none, sizeof none, &args, NULL);
    fault_point("topic: a key made");
    return r == -EEXIST ? 0 : r;
}

int topic_make_keys(struct splinter_store *s, const struct topic *is, const struct lookup *own)
{
    int r = 0;
    for (uint32_t i = 0; !r && i < is->capacity; i++)
        r = make_key(s, is, i, own);
    return r;
}

int topic_exists(struct splinter_topic *t)
{
    struct topic is;
    struct lookup own;
    uint64_t epoch;
    int r = topic_look(t->store, &t->name.key, &is, &epoch, &own);
    if (r == -ENOENT || (!r && (is.id != t->is.id || is.state == TOPIC_REMOVING)))
        return -EIDRM;
    return r == -EAGAIN ? 0 : r; /* it changes all the time, so it is there */
}

int topic_mend(struct splinter_topic *t, uint32_t position)
{
    struct topic is;
    struct lookup own;
    uint64_t epoch;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = topic_look(t->store, &t->name.key, &is, &epoch, &own);
        if (r && r != -ENOENT)
            return r;
        if (r || is.id != t->is.id || is.state == TOPIC_REMOVING)
            return -EIDRM;
        if (t->store->read_only)
            return -EROFS;
        r = make_key(t->store, &is, position, &own);
        if (r != -ESTALE)
            return r;
    }
    return -EAGAIN;
}

/* ---- remove ---- */

int topic_abandon(struct splinter_store *s, const struct key *key, struct topic is, uint64_t epoch)
{
    struct lookup where;
    uint64_t id = is.id;
    if (is.state != TOPIC_REMOVING) {
        int r = topic_set_state(s, key, &is, TOPIC_REMOVING, epoch);
        fault_point("topic: condemned");
        if (r == -ENOSPC) {
            r = topic_drop(s, key, &is, epoch);
            return !r && s->durable && sync_now(s) ? -EINPROGRESS : r;
        }
        if (r)
            return r == -ENOENT ? -ESTALE : r;
        r = topic_look(s, key, &is, &epoch, &where);
        if (r == -ENOENT || (!r && (is.id != id || is.state != TOPIC_REMOVING)))
            return 0; /* another process has finished it */
        if (r)
            return r;
    }
    return topic_clear(s, key, &is, epoch);
}
