/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topics.c - topics by name: make one, open one, remove one, list them
 *
 * The invariants are in topic.c.  A call that finds a topic which is being made or removed finishes
 * that first, whether the process that began it lives or not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "attach.h"
#include "cancel.h"
#include "change.h"
#include "error.h"
#include "fault.h"
#include "handle.h"
#include "message.h"
#include "room.h"
#include "set.h"
#include "sized.h"
#include "topic.h"
#include "topics.h"
#include "unset.h"
#include "walk.h"

static const char *name_of(const struct topic_key *name)
{
    return name->text + TOPIC_NAME_AT;
}

/* Fill in *out.  0; -EINVAL or -ENAMETOOLONG, with a sentence. */
static int name_make(const struct splinter_store *s, const char *name, struct topic_key *out)
{
    if (!name || !*name)
        return error_set(EINVAL, "a topic needs a name");
    size_t len = strnlen(name, SPLINTER_TOPIC_NAME_MAX);
    if (len >= SPLINTER_TOPIC_NAME_MAX)
        return error_set(ENAMETOOLONG, "the name of a topic has at most %u bytes",
                         SPLINTER_TOPIC_NAME_MAX - 1);
    memset(out->text, 0, sizeof out->text);
    out->text[1] = 't';
    memcpy(out->text + TOPIC_NAME_AT, name, len);
    out->key = key_of_bytes(s, out->text, TOPIC_NAME_AT + (uint32_t)len);
    return 0;
}

/* ---- remove ---- */

int splinter_topic_remove(splinter_store *s, const char *name)
{
    not_cancelled();
    error_clear();
    if (!s)
        return error_set(EINVAL, "no store was given");
    struct topic_key own;
    int r = name_make(s, name, &own);
    if (!r)
        r = attach_own(s);
    if (r)
        return r;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct topic is;
        struct lookup where;
        uint64_t epoch;
        r = topic_look(s, &own.key, &is, &epoch, &where);
        if (r == -ENOENT)
            return error_set(ENOENT, "there is no topic '%s'", name);
        if (r == -EBADMSG) { /* what it says is no help to find its keys */
            topic_work_begin(s);
            r = key_unset(s, &own.key, &(struct unset_args){.if_epoch = epoch}, NULL);
            topic_work_end(s, true);
            return r ? r : error_set(EBADMSG, "topic '%s' was damaged, and only its name could be "
                                     "removed", name);
        }
        if (!r && is.kind != TOPIC_KIND)
            return error_set(EPROTO, "'%s' is no topic", name);
        bool was_there = !r && is.state != TOPIC_MAKING; /* or another one was at it */
        if (!r) {
            topic_work_begin(s);
            r = topic_abandon(s, &own.key, is, epoch);
            topic_work_end(s, r && r != -ESTALE);
        }
        if (!r && was_there)
            return 0;
        if (r && r != -ESTALE)
            return r;
    }
    return -EAGAIN;
}

/* ---- make and open ---- */

/* Are there slots for all keys of a topic?  If they do not suffice, dead processes and expired keys
 * give back theirs first.  Without this look, a topic that does not fit would take all free slots
 * for a moment. */
static bool is_room(struct splinter_store *s, uint64_t capacity)
{
    int sync_failed;
    for (int round = 0;; round++) {
        uint32_t keys = (uint32_t)load_relaxed(&s->header->keys);
        if (keys < s->geo.slots && s->geo.slots - keys > capacity)
            return true;
        if (!room_make(s, NO_SLOT, round, &sync_failed))
            return false;
    }
}

static int no_room(const struct topic_key *name, uint64_t capacity)
{
    return error_set(ENOSPC, "topic '%s' needs %llu keys, and the store has no room for all of "
                     "them", name_of(name), (unsigned long long)capacity + 1);
}

/* Can a topic be as the options say?  0, or an errno with a sentence. */
static int check(const struct splinter_store *s, const struct splinter_topic_options *o,
                 uint64_t *longest)
{
    uint64_t most = s->geo.max_value > NUMBER_BYTES ? s->geo.max_value - NUMBER_BYTES : 0;
    *longest = o->max_message ? o->max_message : most;
    if (!o->capacity)
        return error_set(EINVAL, "a new topic needs a capacity");
    if (s->geo.max_value < sizeof(struct topic))
        return error_set(EINVAL, "the longest value of the store has %u bytes, and a topic needs "
                         "at least %zu", s->geo.max_value, sizeof(struct topic));
    if (o->capacity >= s->geo.slots)
        return error_set(ENOSPC, "a topic of %llu messages needs one key more than that, and the "
                         "store has %u slots", (unsigned long long)o->capacity, s->geo.slots);
    if (*longest > most)
        return error_set(EMSGSIZE, "the longest message would have %llu bytes, and in this store a "
                         "message has at most %llu", (unsigned long long)*longest,
                         (unsigned long long)most);
    return 0;
}

/* Set the topic's own key, for a topic that is then to be made.  0: done, with t->is; 1: another
 * process was faster; or an errno, with a sentence if the options are to blame. */
static int begin(struct splinter_topic *t, const struct splinter_topic_options *o)
{
    struct splinter_store *s = t->store;
    const struct set_args absent = {.flags = SPLINTER_IF_ABSENT, .unsynced = true};
    uint64_t longest;
    int r = check(s, o, &longest);
    if (r)
        return r;
    if (!is_room(s, o->capacity))
        return no_room(&t->name, o->capacity);
    t->is = (struct topic){.id = epoch_take(s),
                           .capacity = (uint32_t)o->capacity,
                           .longest = (uint32_t)longest,
                           .kind = TOPIC_KIND,
                           .state = TOPIC_MAKING,
                           .maker = topic_maker(s)};
    r = key_set(s, &t->name.key, &t->is, sizeof t->is, &absent, NULL);
    fault_point("topic: named");
    return r == -EEXIST ? 1 : r;
}

/* Make what is missing of a topic in the state TOPIC_MAKING.  0: it is ready, or has changed; or an
 * errno.  If it cannot be made, it is removed. */
static int finish(struct splinter_store *s, const struct topic_key *name, const struct topic *is,
                  uint64_t epoch, const struct lookup *own)
{
    int r = topic_make_keys(s, is, own);
    if (!r)
        r = topic_set_state(s, &name->key, is, TOPIC_READY, epoch);
    fault_point("topic: ready");
    if (!r || r == -ESTALE || r == -ENOENT)
        return 0;
    int removed = topic_abandon(s, &name->key, *is, epoch);
    if (removed && removed != -ESTALE)
        fetch_add_seq_cst(&s->header->topics_left, 1);
    return r == -ENOSPC ? no_room(name, is->capacity) : r;
}

/* Is the topic what the caller asks for?  0, or an errno with a sentence. */
static int compare(const struct splinter_topic *t, const struct splinter_topic_options *o,
                   bool made)
{
    const char *name = name_of(&t->name);
    if (t->is.kind != TOPIC_KIND)
        return error_set(EPROTO, "'%s' is no topic", name);
    if (o->id && o->id != t->is.id)
        return error_set(EIDRM, "topic '%s' was removed and made again since its id was %llu", name,
                         (unsigned long long)o->id);
    if (o->flags & SPLINTER_EXCL && !made)
        return error_set(EEXIST, "topic '%s' exists", name);
    if (o->capacity && o->capacity != t->is.capacity)
        return error_set(EINVAL, "topic '%s' has a capacity of %u, and %llu was asked for", name,
                         t->is.capacity, (unsigned long long)o->capacity);
    if (o->max_message && o->max_message != t->is.longest)
        return error_set(EINVAL, "the longest message of topic '%s' has %u bytes, and %llu was "
                         "asked for", name, t->is.longest, (unsigned long long)o->max_message);
    return 0;
}

/* Begin a topic, or finish what this or another process has begun: `r` is what topic_look() gave.
 * 0; 1: another process was faster; or an errno. */
static int work(struct splinter_topic *t, const struct splinter_topic_options *o, int r,
                uint64_t epoch, const struct lookup *own)
{
    struct splinter_store *s = t->store;
    int attached = attach_own(s);
    if (attached)
        return attached;
    topic_work_begin(s);
    if (r == -ENOENT)
        r = begin(t, o);
    else if (t->is.state == TOPIC_MAKING)
        r = finish(s, &t->name, &t->is, epoch, own);
    else
        r = topic_abandon(s, &t->name.key, t->is, epoch);
    topic_work_end(s, r < 0 && r != -ESTALE);
    return r;
}

/* Find the topic, make it if that is asked for, and finish what another process has begun. */
static int find_or_make(struct splinter_topic *t, const struct splinter_topic_options *o)
{
    struct splinter_store *s = t->store;
    const char *name = name_of(&t->name);
    uint64_t made = 0;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct lookup own;
        uint64_t epoch;
        int r = topic_look(s, &t->name.key, &t->is, &epoch, &own);
        if (r == -EBADMSG)
            return error_set(EBADMSG, "topic '%s' is damaged", name);
        if (!r && (t->is.state == TOPIC_READY || t->is.kind != TOPIC_KIND))
            return compare(t, o, t->is.id == made);
        if (r && r != -ENOENT)
            return r;
        if ((r || s->read_only) && o->id)
            return error_set(EIDRM, "topic '%s' was removed", name);
        if ((r || s->read_only) && !(o->flags & SPLINTER_CREATE))
            return error_set(ENOENT, "there is no topic '%s'", name);
        if (s->read_only)
            return error_set(EROFS, "the store is open to read only, and there is no topic '%s'",
                             name);
        bool absent = r;
        r = work(t, o, r, epoch, &own);
        if (absent)
            made = r ? 0 : t->is.id;
        if (r < 0 && r != -ESTALE)
            return r;
    }
    return -EAGAIN;
}

/* -ECANCELED: the topic that was found has been removed meanwhile. */
static int open_once(struct splinter_topic *t, const struct splinter_topic_options *o)
{
    int r = find_or_make(t, o);
    if (r)
        return r;
    free(t->slot);
    bool whole = !(t->is.capacity & (t->is.capacity - 1));
    t->mask = whole ? t->is.capacity - 1 : 0;
    t->slot = calloc(t->is.capacity, sizeof *t->slot);
    if (!t->slot)
        return error_set(ENOMEM, "there is no memory for a handle");
    r = t->store->durable ? messages_survey(t) : 0;
    return r == -EIDRM ? -ECANCELED : r;
}

static int open_at(struct splinter_topic *t, const char *name,
                   const struct splinter_topic_options *o)
{
    int r = name_make(t->store, name, &t->name);
    if (r)
        return r;
    for (uint32_t races = 0; races <= RACES_MAX; races++)
        if ((r = open_once(t, o)) != -ECANCELED)
            return r;
    return -EAGAIN;
}

int splinter_topic_open(splinter_topic **out, splinter_store *s, const char *name,
                        const struct splinter_topic_options *options)
{
    not_cancelled();
    error_clear();
    struct splinter_topic_options o = {0};
    if (!out || !s)
        return error_set(EINVAL, "no store was given, or no place for the handle");
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (r)
        return error_set(-r, r == -E2BIG ? "an option is not 0 that this library does not know"
                                         : "struct_size of the options is not set");
    if (o.reserved || o.flags & ~(SPLINTER_CREATE | SPLINTER_EXCL) || o.flags == SPLINTER_EXCL)
        return error_set(EINVAL, "the flags of a topic are 0, SPLINTER_CREATE, or SPLINTER_CREATE "
                         "and SPLINTER_EXCL");
    if (o.id && o.flags)
        return error_set(EINVAL, "a topic that is to be opened by its id cannot be made");
    struct splinter_topic *t;
    if (posix_memalign((void **)&t, alignof(struct splinter_topic), sizeof *t))
        return error_set(ENOMEM, "there is no memory for a handle");
    memset(t, 0, sizeof *t);
    t->store = s;
    r = open_at(t, name, &o);
    if (r) {
        splinter_topic_close(t);
        return r;
    }
    *out = t;
    return 0;
}

void splinter_topic_close(splinter_topic *t)
{
    if (t)
        free(t->slot);
    free(t);
}

/* ---- all topics ---- */

int splinter_topic_walk(splinter_store *s, uint64_t *cursor, char *name)
{
    struct walked w;
    struct topic is;
    struct lookup where;
    uint64_t epoch;
    if (!s || !cursor || !name)
        return -EINVAL;
    while (topic_next(s, cursor, &w))
        if (!topic_look(s, &w.key, &is, &epoch, &where) && is.state == TOPIC_READY &&
            is.kind == TOPIC_KIND) {
            memcpy(name, w.text + TOPIC_NAME_AT, w.key.len - TOPIC_NAME_AT + 1);
            return 1;
        }
    return 0;
}

/* Remove the topics that are not ready; or, if `complete`, give those that are the keys that they
 * lack. */
static int settle_own(struct splinter_store *s, bool complete)
{
    struct walked w;
    struct topic is;
    struct lookup own;
    uint64_t cursor = 0, epoch;
    int r = 0;
    while (!r && topic_next(s, &cursor, &w)) {
        r = topic_look(s, &w.key, &is, &epoch, &own);
        if (!r && is.state != TOPIC_READY)
            r = topic_abandon(s, &w.key, is, epoch);
        else if (!r && complete)
            r = topic_make_keys(s, &is, &own);
        r = r == -EBADMSG || r == -ENOENT || r == -ESTALE ? 0 : r;
    }
    return r;
}

int topics_settle(struct splinter_store *s)
{
    uint32_t left = load_seq_cst(&s->header->topics_left);
    if (left == load_relaxed(&s->header->topics_settled))
        return 0;
    int r = attach_own(s);
    if (r)
        return r;
    topic_work_begin(s);
    r = settle_own(s, false);
    if (!r)
        r = topics_drop_orphans(s);
    if (!r || r == -EBADMSG)
        r = settle_own(s, true); /* now there is room for that */
    if (!r)
        store_seq_cst(&s->header->topics_settled, left);
    topic_work_end(s, false);
    return r;
}
