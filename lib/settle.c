/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle.c - how topics go, also those that a dead process has left half made or half removed
 *
 * topic.c has the invariants of topics.  What is here writes no record, so that a set for which
 * there is no room can call it.
 *
 * Invariants
 *  - A process counts itself in `topics` of its registry entry while it makes or removes a topic.
 *    The cleaner of a dead process that did, and a process that gives up, step `topics_left`.  So
 *    if that is what `topics_settled` says, every topic is ready, or a living process is at it, and
 *    every message has its topic.
 *  - The keys of a topic that has lost its own key are looked for under their locks afterwards; see
 *    set_args.only_while.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "extent.h"
#include "fault.h"
#include "handle.h"
#include "settle.h"
#include "sync.h"
#include "unset.h"

/* Can this library have written that? */
static bool is_sane(const struct splinter_store *s, const struct topic *is)
{
    uint32_t head = is->kind == TOPIC_KIND_QUEUE ? sizeof(struct queue_item) : NUMBER_BYTES;
    return is->id && is->capacity && is->capacity < s->geo.slots && is->longest &&
           (uint64_t)is->longest + head <= s->geo.max_value &&
           is->state >= TOPIC_MAKING && is->state <= TOPIC_REMOVING;
}

int topic_look(struct splinter_store *s, const struct key *key, struct topic *out, uint64_t *epoch,
               struct lookup *where)
{
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = index_find_anywhere(s, key, where, &races);
        if (r <= 0)
            return r ? r : -ENOENT;
        uint32_t at = value_offset(key->len);
        bool whole = load_relaxed(&where->rec->value_len) == sizeof *out &&
                     !load_relaxed(&where->rec->expiry) &&
                     file_covers(s, CURRENT_REF(where->current) +
                                        (at + sizeof *out + UNIT - 1) / UNIT);
        if (whole)
            payload_copy(out, (const uint8_t *)where->rec + at, sizeof *out);
        *epoch = load_relaxed(&where->rec->epoch);
        if (still_current(where->slot, where->current))
            return whole && is_sane(s, out) ? 0 : -EBADMSG;
    }
    return -EAGAIN;
}

bool topic_next(struct splinter_store *s, uint64_t *cursor, struct walked *w)
{
    while (walk_next(s, cursor, w))
        if (key_is_internal(w->text, w->key.len) && w->text[1] == 't' && w->key.len > TOPIC_NAME_AT)
            return true;
    return false;
}

void topic_work_begin(struct splinter_store *s)
{
    fetch_add_seq_cst(&s->registry[s->entry].topics, 1);
}

void topic_work_end(struct splinter_store *s, bool left)
{
    if (left)
        fetch_add_seq_cst(&s->header->topics_left, 1);
    fetch_sub_seq_cst(&s->registry[s->entry].topics, 1);
}

/* ---- one topic goes ---- */

/* Remove the key of each position, and look for it under its lock also if it seems absent. */
static int remove_keys(struct splinter_store *s, const struct topic *is)
{
    const struct unset_args surely = {.in_any_case = true, .unsynced = true};
    for (uint32_t i = 0; i < is->capacity; i++) {
        struct message_key k;
        message_key_make(s, is, i, &k);
        int r = key_unset(s, &k.key, &surely, NULL);
        fault_point("topic: a key removed");
        if (r && r != -ENOENT)
            return r;
    }
    return 0;
}

int topic_clear(struct splinter_store *s, const struct key *key, const struct topic *is,
                uint64_t epoch)
{
    const struct unset_args own = {.if_epoch = epoch};
    int r = remove_keys(s, is);
    if (!r)
        r = s->durable ? sync_now(s) : 0;
    fault_point("topic: keys gone");
    if (!r)
        r = key_unset(s, key, &own, NULL);
    fault_point("topic: gone");
    return r == -ENOENT || r == -ESTALE ? 0 : r; /* somebody else was faster */
}

int topic_drop(struct splinter_store *s, const struct key *key, const struct topic *is,
               uint64_t epoch)
{
    const struct unset_args own = {.if_epoch = epoch, .unsynced = true};
    int r = key_unset(s, key, &own, NULL);
    fault_point("topic: dropped");
    if (r)
        return r == -ENOENT ? -ESTALE : r;
    return remove_keys(s, is);
}

/* ---- what nobody works at any more ---- */

/* Ids of topics. */
struct ids {
    uint64_t *id;
    size_t count, room;
};

static int ids_add(struct ids *ids, uint64_t id)
{
    if (ids->count == ids->room) {
        size_t room = ids->room ? 2 * ids->room : 16;
        uint64_t *more = realloc(ids->id, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        ids->id = more;
        ids->room = room;
    }
    ids->id[ids->count++] = id;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool ids_have(const struct ids *ids, uint64_t id)
{
    return ids->count && bsearch(&id, ids->id, ids->count, sizeof id, compare_ids);
}

/* The ids of all topics that there are, in order.  0, or an errno. */
static int ids_collect(struct splinter_store *s, struct ids *ids)
{
    struct walked w;
    struct topic is;
    struct lookup where;
    uint64_t cursor = 0, epoch;
    ids->count = 0;
    while (topic_next(s, &cursor, &w)) {
        int r = topic_look(s, &w.key, &is, &epoch, &where);
        if (!r)
            r = ids_add(ids, is.id);
        if (r && r != -ENOENT)
            return r;
    }
    if (ids->count)
        qsort(ids->id, ids->count, sizeof *ids->id, compare_ids);
    return 0;
}

/* The id of the topic whose message the key is; 0: it is no such key. */
static uint64_t id_in(const struct walked *w)
{
    uint64_t id;
    if (!key_is_internal(w->text, w->key.len) || w->text[1] != 'm' || w->key.len != KEY_SHORT)
        return 0;
    memcpy(&id, w->text + KEY_SHORT - sizeof id, sizeof id);
    return id;
}

int topics_drop_orphans(struct splinter_store *s)
{
    struct ids ids = {0};
    struct walked w;
    uint64_t cursor = 0, last = 0;
    int r = ids_collect(s, &ids);
    while (!r && walk_next(s, &cursor, &w)) {
        uint64_t id = id_in(&w);
        if (!id || ids_have(&ids, id))
            continue;
        /* Perhaps its topic was made since.  The key of a topic is there before those of its
         * messages, so a walk that begins now meets it. */
        if (id != last)
            r = ids_collect(s, &ids);
        if (r || ids_have(&ids, id))
            continue;
        last = id;
        r = key_unset(s, &w.key, &(struct unset_args){.unsynced = true}, NULL);
        fault_point("topic: an orphan removed");
        r = r == -ENOENT ? 0 : r;
    }
    free(ids.id);
    return r;
}

/* Has the process ended that began to make this topic?  The dead were reaped. */
static bool maker_is_gone(const struct splinter_store *s, const struct topic *is)
{
    uint32_t entry = (uint32_t)(is->maker & 0xffff);
    if (entry >= MAX_ENTRIES || entry >= load_acquire(&s->header->registry_used))
        return true;
    return load_acquire(&s->registry[entry].incarnation) != is->maker >> 16;
}

/* Remove the topics at which nobody works any more.  0, or an errno. */
static int drop_left(struct splinter_store *s)
{
    struct walked w;
    uint64_t cursor = 0, epoch;
    int r = 0;
    while (!r && topic_next(s, &cursor, &w)) {
        struct topic is;
        struct lookup where;
        r = topic_look(s, &w.key, &is, &epoch, &where);
        if (!r && is.state == TOPIC_REMOVING)
            r = topic_clear(s, &w.key, &is, epoch);
        else if (!r && is.state == TOPIC_MAKING && maker_is_gone(s, &is))
            r = topic_drop(s, &w.key, &is, epoch);
        if (r == -ENOENT || r == -ESTALE || r == -EBADMSG)
            r = 0; /* another process was faster; of a damaged topic it says nothing */
    }
    return r;
}

void topics_settle_dead(struct splinter_store *s)
{
    uint32_t left = load_seq_cst(&s->header->topics_left);
    if (left == load_relaxed(&s->header->topics_settled))
        return;
    topic_work_begin(s);
    int r = drop_left(s);
    if (!r)
        r = topics_drop_orphans(s);
    if (!r || r == -EBADMSG) /* of a damaged topic only a removal can make an end */
        store_seq_cst(&s->header->topics_settled, left);
    fault_point("topic: all settled");
    topic_work_end(s, false);
}
