/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topics.c - topics and queues by name: make one, open one, remove one, list them
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
#include "item.h"
#include "message.h"
#include "room.h"
#include "set.h"
#include "sized.h"
#include "topic.h"
#include "topics.h"
#include "unset.h"
#include "walk.h"

const struct topic_kind topic_is_topic = {TOPIC_KIND, NUMBER_BYTES, "topic", "message",
                                          messages_survey};
const struct topic_kind topic_is_queue = {TOPIC_KIND_QUEUE, sizeof(struct queue_item), "queue",
                                          "item", items_survey};

/* Fill in *out.  0; -EINVAL or -ENAMETOOLONG, with a sentence. */
static int name_make(const struct splinter_store *s, const char *name,
                     const struct topic_kind *kind, struct topic_key *out)
{
    if (!name || !*name)
        return error_set(EINVAL, "a %s needs a name", kind->noun);
    size_t len = strnlen(name, SPLINTER_TOPIC_NAME_MAX);
    if (len >= SPLINTER_TOPIC_NAME_MAX)
        return error_set(ENAMETOOLONG, "the name of a %s has at most %u bytes", kind->noun,
                         SPLINTER_TOPIC_NAME_MAX - 1);
    memset(out->text, 0, sizeof out->text);
    out->text[1] = 't';
    memcpy(out->text + TOPIC_NAME_AT, name, len);
    out->key = key_of_bytes(s, out->text, TOPIC_NAME_AT + (uint32_t)len);
    return 0;
}

/* ---- remove ---- */

/* The name is that of something else. */
static int is_other(const char *name, const struct topic_kind *kind)
{
    return error_set(EPROTO, "'%s' is no %s", name, kind->noun);
}

int topic_remove(struct splinter_store *s, const char *name, const struct topic_kind *kind)
{
    not_cancelled();
    error_clear();
    if (!s)
        return error_set(EINVAL, "no store was given");
    struct topic_key own;
    int r = name_make(s, name, kind, &own);
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
            return error_set(ENOENT, "there is no %s '%s'", kind->noun, name);
        if (r == -EBADMSG) { /* what it says is no help to find its keys */
            topic_work_begin(s);
            r = key_unset(s, &own.key, &(struct unset_args){.if_epoch = epoch}, NULL);
            topic_work_end(s, true);
            return r ? r : error_set(EBADMSG, "%s '%s' was damaged, and only its name could be "
                                     "removed", kind->noun, name);
        }
        if (!r && is.kind != kind->kind && is.state == TOPIC_READY)
            return is_other(name, kind);
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

int splinter_topic_remove(splinter_store *s, const char *name)
{
    return topic_remove(s, name, &topic_is_topic);
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

static int no_room(const struct topic_key *name, uint64_t capacity, const struct topic_kind *kind)
{
    return error_set(ENOSPC, "%s '%s' needs %llu keys, and the store has no room for all of them",
                     kind->noun, topic_name(name), (unsigned long long)capacity + 1);
}

/* Can a topic be as the options say?  0, or an errno with a sentence. */
static int check(const struct splinter_store *s, const struct splinter_topic_options *o,
                 const struct topic_kind *kind, uint64_t *longest)
{
    uint64_t most = s->geo.max_value > kind->head ? s->geo.max_value - kind->head : 0;
    uint64_t least = kind->head < sizeof(struct topic) ? sizeof(struct topic) : kind->head + 1;
    *longest = o->max_message ? o->max_message : most;
    if (!o->capacity)
        return error_set(EINVAL, "a new %s needs a capacity", kind->noun);
    if (s->geo.max_value < least)
        return error_set(EINVAL, "the longest value of the store has %u bytes, and a %s needs "
                         "at least %llu", s->geo.max_value, kind->noun, (unsigned long long)least);
    if (o->capacity >= s->geo.slots)
        return error_set(ENOSPC, "a %s of %llu %ss needs one key more than that, and the store "
                         "has %u slots", kind->noun, (unsigned long long)o->capacity, kind->unit,
                         s->geo.slots);
    if (*longest > most)
        return error_set(EMSGSIZE, "the longest %s would have %llu bytes, and in this store it "
                         "has at most %llu", kind->unit, (unsigned long long)*longest,
                         (unsigned long long)most);
    return 0;
}

/* Set the topic's own key, for a topic that is then to be made.  0: done, with t->is; 1: another
 * process was faster; or an errno, with a sentence if the options are to blame. */
static int begin(struct splinter_topic *t, const struct splinter_topic_options *o,
                 const struct topic_kind *kind)
{
    struct splinter_store *s = t->store;
    const struct set_args absent = {.flags = SPLINTER_IF_ABSENT, .unsynced = true};
    uint64_t longest;
    int r = check(s, o, kind, &longest);
    if (r)
        return r;
    if (!is_room(s, o->capacity))
        return no_room(&t->name, o->capacity, kind);
    t->is = (struct topic){.id = epoch_take(s),
                           .capacity = (uint32_t)o->capacity,
                           .longest = (uint32_t)longest,
                           .kind = kind->kind,
                           .state = TOPIC_MAKING,
                           .maker = topic_maker(s)};
    r = key_set(s, &t->name.key, &t->is, sizeof t->is, &absent, NULL);
    fault_point("topic: named");
    return r == -EEXIST ? 1 : r;
}

/* Make what is missing of a topic in the state TOPIC_MAKING.  0: it is ready, or has changed; or an
 * errno.  If it cannot be made, it is removed. */
static int finish(struct splinter_store *s, const struct topic_key *name, const struct topic *is,
                  uint64_t epoch, const struct lookup *own, const struct topic_kind *kind)
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
    return r == -ENOSPC ? no_room(name, is->capacity, kind) : r;
}

/* Is the topic what the caller asks for?  0, or an errno with a sentence. */
static int compare(const struct splinter_topic *t, const struct splinter_topic_options *o,
                   const struct topic_kind *kind, bool made)
{
    const char *name = topic_name(&t->name);
    if (t->is.kind != kind->kind)
        return is_other(name, kind);
    if (o->id && o->id != t->is.id)
        return error_set(EIDRM, "%s '%s' was removed and made again since its id was %llu",
                         kind->noun, name, (unsigned long long)o->id);
    if (o->flags & SPLINTER_EXCL && !made)
        return error_set(EEXIST, "%s '%s' exists", kind->noun, name);
    if (o->capacity && o->capacity != t->is.capacity)
        return error_set(EINVAL, "%s '%s' has a capacity of %u, and %llu was asked for",
                         kind->noun, name, t->is.capacity, (unsigned long long)o->capacity);
    if (o->max_message && o->max_message != t->is.longest)
        return error_set(EINVAL, "the longest %s of %s '%s' has %u bytes, and %llu was asked for",
                         kind->unit, kind->noun, name, t->is.longest,
                         (unsigned long long)o->max_message);
    return 0;
}

/* Begin a topic, or finish what this or another process has begun: `r` is what topic_look() gave.
 * 0; 1: another process was faster; or an errno.  *at_work: the process has counted itself, and is
 * to go on with what it has begun. */
static int work(struct splinter_topic *t, const struct splinter_topic_options *o,
                const struct topic_kind *kind, int r, uint64_t epoch, const struct lookup *own,
                bool *at_work)
{
    struct splinter_store *s = t->store;
    int attached = attach_own(s);
    if (attached)
        return attached;
    if (!*at_work)
        topic_work_begin(s);
    *at_work = true;
    if (r == -ENOENT)
        return begin(t, o, kind);
    if (t->is.state == TOPIC_MAKING)
        return finish(s, &t->name, &t->is, epoch, own, kind);
    return topic_abandon(s, &t->name.key, t->is, epoch);
}

/* Is it something else that a process is about to make? */
static bool is_being_made(const struct splinter_topic *t, const struct topic_kind *kind)
{
    return t->is.kind != kind->kind && t->is.state == TOPIC_MAKING;
}

/* Find the topic, make it if that is asked for, and finish what another process has begun. */
static int try_to_find(struct splinter_topic *t, const struct splinter_topic_options *o,
                       const struct topic_kind *kind, bool *at_work)
{
    struct splinter_store *s = t->store;
    const char *name = topic_name(&t->name);
    uint64_t made = 0;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct lookup own;
        uint64_t epoch;
        int r = topic_look(s, &t->name.key, &t->is, &epoch, &own);
        if (r == -EBADMSG)
            return error_set(EBADMSG, "%s '%s' is damaged", kind->noun, name);
        if (!r && (t->is.state == TOPIC_READY || is_being_made(t, kind)))
            return compare(t, o, kind, t->is.id == made);
        if (r && r != -ENOENT)
            return r;
        if ((r || s->read_only) && o->id)
            return error_set(EIDRM, "%s '%s' was removed", kind->noun, name);
        if ((r || s->read_only) && !(o->flags & SPLINTER_CREATE))
            return error_set(ENOENT, "there is no %s '%s'", kind->noun, name);
        if (s->read_only)
            return error_set(EROFS, "the store is open to read only, and there is no %s '%s'",
                             kind->noun, name);
        bool absent = r;
        r = work(t, o, kind, r, epoch, &own, at_work);
        if (absent)
            made = r ? 0 : t->is.id;
        if (r < 0 && r != -ESTALE)
            return r;
    }
    return -EAGAIN;
}

/* The same, and the process counts itself from the first step of that to the last: also between
 * them a death leaves something to settle. */
static int find_or_make(struct splinter_topic *t, const struct splinter_topic_options *o,
                        const struct topic_kind *kind)
{
    bool at_work = false;
    int r = try_to_find(t, o, kind, &at_work);
    if (at_work)
        topic_work_end(t->store, r != 0);
    return r;
}

/* -ECANCELED: the topic that was found has been removed meanwhile. */
static int open_once(struct splinter_topic *t, const struct splinter_topic_options *o,
                     const struct topic_kind *kind)
{
    int r = find_or_make(t, o, kind);
    if (r)
        return r;
    free(t->slot);
    bool whole = !(t->is.capacity & (t->is.capacity - 1));
    t->mask = whole ? t->is.capacity - 1 : 0;
    t->slot = calloc(t->is.capacity, sizeof *t->slot);
    if (!t->slot)
        return error_set(ENOMEM, "there is no memory for a handle");
    r = t->store->durable ? kind->survey(t) : 0;
    return r == -EIDRM ? -ECANCELED : r;
}

int topic_open(struct splinter_topic *t, struct splinter_store *s, const char *name,
               const struct splinter_topic_options *options, const struct topic_kind *kind)
{
    struct splinter_topic_options o = {0};
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (r)
        return error_set(-r, r == -E2BIG ? "an option is not 0 that this library does not know"
                                         : "struct_size of the options is not set");
    if (o.reserved || o.flags & ~(SPLINTER_CREATE | SPLINTER_EXCL) || o.flags == SPLINTER_EXCL)
        return error_set(EINVAL, "the flags of a %s are 0, SPLINTER_CREATE, or SPLINTER_CREATE "
                         "and SPLINTER_EXCL", kind->noun);
    if (o.id && (o.flags || kind != &topic_is_topic))
        return error_set(EINVAL, kind == &topic_is_topic
                                     ? "a topic that is to be opened by its id cannot be made"
                                     : "a queue has no id");
    t->store = s;
    r = name_make(s, name, kind, &t->name);
    if (r)
        return r;
    for (uint32_t races = 0; races <= RACES_MAX; races++)
        if ((r = open_once(t, &o, kind)) != -ECANCELED)
            return r;
    return -EAGAIN;
}

int splinter_topic_open(splinter_topic **out, splinter_store *s, const char *name,
                        const struct splinter_topic_options *options)
{
    not_cancelled();
    error_clear();
    struct splinter_topic *t;
    if (!out || !s)
        return error_set(EINVAL, "no store was given, or no place for the handle");
    if (posix_memalign((void **)&t, alignof(struct splinter_topic), sizeof *t))
        return error_set(ENOMEM, "there is no memory for a handle");
    memset(t, 0, sizeof *t);
    int r = topic_open(t, s, name, options, &topic_is_topic);
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

int topic_walk(struct splinter_store *s, uint64_t *cursor, char *name,
               const struct topic_kind *kind)
{
    struct walked w;
    struct topic is;
    struct lookup where;
    uint64_t epoch;
    if (!s || !cursor || !name)
        return -EINVAL;
    while (topic_next(s, cursor, &w))
        if (!topic_look(s, &w.key, &is, &epoch, &where) && is.state == TOPIC_READY &&
            is.kind == kind->kind) {
            memcpy(name, w.text + TOPIC_NAME_AT, w.key.len - TOPIC_NAME_AT + 1);
            return 1;
        }
    return 0;
}

int splinter_topic_walk(splinter_store *s, uint64_t *cursor, char *name)
{
    return topic_walk(s, cursor, name, &topic_is_topic);
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
