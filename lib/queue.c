/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - work queues: make one, push an item, acknowledge it or give it back */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "fault.h"
#include "handle.h"
#include "item.h"
#include "owner.h"
#include "sized.h"
#include "take.h"
#include "topic.h"
#include "topics.h"

#define ROOM_NS UINT64_C(10000000) /* how often a push that waits looks for room elsewhere, */
#define ROOM_SHARE 16u             /* and at most such a part of the time goes into it */
#define FULL 1
#define AGAIN 2

static const char *name_of(const struct splinter_queue *q)
{
    return topic_name(&q->topic.name);
}

/* ---- push ---- */

/* A push under way. */
struct push {
    const void *val;
    size_t len;
    uint32_t type;
    uint64_t n;     /* the number whose turn it is */
    uint64_t epoch; /* of the record at its position */
    uint64_t room;  /* the number up to which there is no room, or 0 if that is not known */
    uint64_t took;  /* nanoseconds of the last search for room in vain */
};

/* Find the next number, from p->n on, at whose position there is room.  1; 0: there is none; or an
 * errno. */
static int find_room(struct splinter_queue *q, struct push *p)
{
    uint64_t begin = now_monotonic();
    for (uint64_t i = 0; i < q->topic.is.capacity; i++) {
        struct item_seen seen;
        int r = item_look(&q->topic, p->n + i, NULL, 0, &seen);
        if (r)
            return r;
        p->room = p->n + i;
        if (seen.epoch && !seen.is.number)
            return 1;
    }
    p->room = 0;
    p->took = now_monotonic() - begin;
    return 0;
}

/* An item is at the position of the number: end its turn, if there is room elsewhere.  Returns as
 * push_once() does, but not 0. */
static int skip(struct splinter_queue *q, struct push *p, struct item_seen *seen)
{
    int r = p->n < p->room ? 1 : find_room(q, p);
    if (r <= 0)
        return r ? r : FULL;
    if (p->n == p->room) /* there is room by now */
        return AGAIN;
    seen->is.turn = p->n;
    r = item_rewrite(&q->topic, seen, &seen->is);
    fault_point("queue: number skipped");
    if (r == -EINPROGRESS) /* the push itself will say so, if that is not synced either */
        r = 0;
    if (!r)
        topic_know(&q->topic, p->n);
    return r == -ESTALE || r == -ENOENT || !r ? AGAIN : r;
}

/* One attempt to push, with the next number.  0: done; AGAIN: look again; FULL; or another
 * errno. */
static int push_once(struct splinter_queue *q, struct push *p)
{
    struct splinter_topic *t = &q->topic;
    struct item_seen seen;
    p->n = load_acquire(&t->known) + 1;
    int r = item_look(&q->topic, p->n, NULL, 0, &seen);
    if (r || !seen.epoch)
        return r ? r : -EROFS;
    p->epoch = seen.epoch;
    if (seen.is.turn >= p->n) {
        uint64_t end;
        topic_know(t, seen.is.turn);
        r = items_end(&q->topic, &end);
        return r ? r : AGAIN;
    }
    if (seen.is.number)
        return skip(q, p, &seen);
    const struct queue_item is = {.turn = p->n, .number = p->n};
    seen.type = p->type;
    r = item_put(&q->topic, &seen, &is, p->val, p->len);
    fault_point("queue: pushed");
    if (!r || r == -EINPROGRESS)
        topic_know(t, p->n);
    return r == -ESTALE || r == -ENOENT ? AGAIN : r;
}

int splinter_queue_push(splinter_queue *q, const void *val, size_t len,
                        const struct splinter_publish_options *options, uint64_t timeout_ms,
                        uint64_t *out_number)
{
    struct splinter_publish_options o = {0};
    if (!q || !val || !len)
        return -EINVAL;
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (!r && (o.flags || o.type > 65535))
        r = -EINVAL;
    if (r)
        return r;
    if (len > q->topic.is.longest)
        return error_set(EMSGSIZE, "the item has %zu bytes, and the longest of queue '%s' has %u",
                         len, name_of(q), q->topic.is.longest);
    if (q->topic.store->read_only)
        return -EROFS;
    struct push p = {.val = val, .len = len, .type = o.type};
    uint64_t end = timeout_ms ? now_and(timeout_ms) : 0;
    for (uint64_t races = 0; races <= RACES_MAX + (uint64_t)q->topic.is.capacity; races++) {
        r = push_once(q, &p);
        if (r == FULL) {
            uint64_t rest = p.took * ROOM_SHARE > ROOM_NS ? p.took * ROOM_SHARE : ROOM_NS;
            r = end ? item_wait(&q->topic, p.n, p.epoch, end, rest) : -ETIMEDOUT;
            if (r)
                return r;
            races = 0;
        } else if (r != AGAIN) {
            if (out_number && (!r || r == -EINPROGRESS))
                *out_number = p.n;
            return r;
        }
    }
    return -EAGAIN;
}

/* ---- the end of a hand-out ---- */

/* The ticket of the item.  -EINVAL: it cannot be one. */
static int ticket_of(const struct splinter_item *item, struct splinter_item *ticket)
{
    int r = item ? sized_take(ticket, sizeof *ticket, item) : -EINVAL;
    return r ? r : ticket->number && ticket->number <= NUMBER_MOST ? 0 : -EINVAL;
}

/* End a hand-out: the item is gone, or nobody has it any more. */
static int end_hand_out(struct splinter_queue *q, const struct splinter_item *item, bool gone)
{
    struct splinter_item ticket;
    int r = q ? ticket_of(item, &ticket) : -EINVAL;
    if (r)
        return r;
    if (q->topic.store->read_only)
        return -EROFS;
    if (ticket.queue && ticket.queue != q->topic.is.id)
        return error_set(ESTALE, "item %llu is not of this queue '%s', but of one that was removed",
                         (unsigned long long)ticket.number, name_of(q));
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct item_seen seen;
        r = item_look(&q->topic, ticket.number, NULL, 0, &seen);
        if (r)
            return r;
        if (seen.is.number != ticket.number || seen.is.delivery != ticket.delivery ||
            !seen.is.owner)
            return error_set(ESTALE, "nobody has item %llu of queue '%s' by hand-out %u any more",
                             (unsigned long long)ticket.number, name_of(q), ticket.delivery);
        if (gone) {
            r = item_remove(&q->topic, &seen);
            fault_point("queue: acknowledged");
        } else {
            const struct queue_item next = {.turn = seen.is.turn,
                                            .number = seen.is.number,
                                            .delivery = seen.is.delivery};
            r = item_rewrite(&q->topic, &seen, &next);
            fault_point("queue: given back");
        }
        if (r == -ESTALE || r == -ENOENT)
            continue;
        if (gone && (!r || r == -EINPROGRESS))
            takers_unlist(q, ticket.number);
        return r;
    }
    return -EAGAIN;
}

int splinter_queue_ack(splinter_queue *q, const struct splinter_item *item)
{
    return end_hand_out(q, item, true);
}

int splinter_queue_nack(splinter_queue *q, const struct splinter_item *item)
{
    return end_hand_out(q, item, false);
}

/* ---- the queue itself ---- */

int splinter_queue_open(splinter_queue **out, splinter_store *s, const char *name,
                        const struct splinter_topic_options *options)
{
    not_cancelled();
    error_clear();
    if (!out || !s)
        return error_set(EINVAL, "no store was given, or no place for the handle");
    struct splinter_queue *q;
    if (posix_memalign((void **)&q, alignof(struct splinter_queue), sizeof *q))
        return error_set(ENOMEM, "there is no memory for a handle");
    memset(q, 0, sizeof *q);
    int r = topic_open(&q->topic, s, name, options, &topic_is_queue);
    if (r) {
        splinter_queue_close(q);
        return r;
    }
    *out = q;
    return 0;
}

void splinter_queue_close(splinter_queue *q)
{
    if (!q)
        return;
    takers_free(q->takers);
    free(q->topic.slot);
    free(q);
}

int splinter_queue_stat(splinter_queue *q, struct splinter_queue_stat *stat)
{
    struct splinter_queue_stat own = {.struct_size = sizeof own};
    if (!q || !stat || !sized_may_give(stat))
        return -EINVAL;
    for (uint32_t i = 0; i < q->topic.is.capacity; i++) {
        struct item_seen seen;
        int r = item_peek(&q->topic, i, &seen);
        if (!r && seen.is.number)
            r = item_is_free(&q->topic, &seen.is) ? 1 : owner_gone(q->topic.store, seen.is.owner);
        if (r < 0)
            return r;
        if (r)
            own.waiting++;
        else if (seen.is.number)
            own.taken++;
        own.newest = seen.is.turn > own.newest ? seen.is.turn : own.newest;
    }
    own.capacity = q->topic.is.capacity;
    own.max_message = q->topic.is.longest;
    sized_give(stat, &own, sizeof own);
    return 0;
}

int splinter_queue_remove(splinter_store *s, const char *name)
{
    return topic_remove(s, name, &topic_is_queue);
}

int splinter_queue_walk(splinter_store *s, uint64_t *cursor, char *name)
{
    return topic_walk(s, cursor, name, &topic_is_queue);
}
