/* SPDX-License-Identifier: Apache-2.0 */
/*
 * take.c - how a worker finds the next item of a queue
 *
 * The takers of a process go through the numbers once, in order: that is their cursor.  They take
 * the first item that nobody has.  An item that another worker has may come back, so they keep its
 * position in a list, and look there again every few milliseconds, and whenever there is nothing
 * new.  Those that others have left a lap behind begin with a list of all that is there.
 *
 * Invariants
 *  - An item that can be handed out is above the cursor, or its position is in the list.  For an
 *    item only comes back after somebody had it, and the cursor passes no number whose turn is not
 *    over.
 *  - A wait for an item is a wait for the position of the next number, from the record that was
 *    seen there on.  So no push is missed.  While the list is not empty, no wait is long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "attach.h"
#include "cancel.h"
#include "clock.h"
#include "expiry.h"
#include "fault.h"
#include "handle.h"
#include "item.h"
#include "owner.h"
#include "sized.h"
#include "take.h"
#include "topic.h"
#include "wait.h"

#define ASK_NS UINT64_C(4000000) /* how often to look whether workers live */
#define ASK_SHARE 16u            /* at most such a part of the time goes into it */
#define BEHIND_MOST 16u          /* how often a call catches up with others */
#define NOTHING 1                /* there is no item to hand out */

/* ---- the list of items that somebody has ---- */

void takers_free(struct takers *k)
{
    while (k) {
        struct takers *before = k->before;
        pthread_mutex_destroy(&k->mutex);
        free(k->taken);
        free(k->listed);
        free(k);
        k = before;
    }
}

static struct takers *takers_make(struct splinter_queue *q, uint32_t process)
{
    uint32_t capacity = q->topic.is.capacity;
    struct takers *k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    k->process = process;
    k->ask_ns = ASK_NS;
    k->behind = true;
    pthread_mutex_init(&k->mutex, NULL);
    k->taken = calloc(capacity, sizeof *k->taken);
    k->listed = calloc(capacity, sizeof *k->listed);
    if (k->taken && k->listed)
        return k;
    takers_free(k);
    return NULL;
}

/* Those of this process; NULL: no memory.  The handle is attached. */
static struct takers *takers_of(struct splinter_queue *q)
{
    uint32_t process = load_acquire(&q->topic.store->fork_generation);
    struct takers *k = load_acquire(&q->takers);
    if (k && k->process == process)
        return k;
    struct takers *mine = takers_make(q, process);
    if (!mine)
        return NULL;
    mine->before = k;
    if (cas_seq_cst(&q->takers, &k, mine))
        return mine;
    mine->before = NULL;
    takers_free(mine);
    return k; /* of another thread of this process */
}

static void list(struct splinter_queue *q, struct takers *k, uint64_t n)
{
    uint32_t position = topic_position(&q->topic, n);
    if (k->listed[position])
        return;
    k->listed[position] = 1;
    k->taken[k->count++] = position;
}

/* ---- is a worker alive? ---- */

/* May the item be handed out?  The kernel is asked about its worker, unless it said after `since`
 * that this one lives.  1, 0, or an errno. */
static int is_free(struct splinter_queue *q, struct takers *k, const struct queue_item *is,
                   uint64_t since)
{
    if (!is->number || item_is_free(&q->topic, is))
        return is->number != 0;
    uint32_t i = 0;
    while (i < KNOWN_WORKERS && k->alive[i].owner != is->owner)
        i++;
    if (i < KNOWN_WORKERS && k->alive[i].at > since)
        return 0;
    int r = owner_gone(q->topic.store, is->owner);
    if (!r) {
        i = i < KNOWN_WORKERS ? i : k->next_alive++ % KNOWN_WORKERS;
        k->alive[i].owner = is->owner;
        k->alive[i].at = now_monotonic();
    }
    return r;
}

/* ---- take ---- */

struct take {
    void *buf;
    size_t size;
    uint64_t limit_ns;
    struct item_seen seen; /* what was looked at last; if it was taken, as it was before */
    uint64_t n;            /* if there is NOTHING, its number */
};

/* Hand out the item that was seen, whose message is in the buffer if it fits.  0; -EMSGSIZE;
 * -ESTALE: it has changed meanwhile; or another errno. */
static int hand_out(struct splinter_queue *q, struct take *c)
{
    struct splinter_store *s = q->topic.store;
    struct queue_item next = c->seen.is;
    if (!c->buf || c->seen.len > c->size)
        return -EMSGSIZE;
    int r = owner_begin(s, &next.owner);
    if (r)
        return r;
    next.until = c->limit_ns ? expiry_after(s, c->limit_ns) : 0;
    next.era = item_era(s);
    next.delivery += next.delivery != UINT32_MAX;
    r = item_put(&q->topic, &c->seen, &next, c->buf, c->seen.len);
    fault_point("queue: taken");
    if (!r || r == -EINPROGRESS)
        c->seen.is = next;
    return r == -ENOENT ? -ESTALE : r;
}

/* Look at a position of the list.  0: taken from there; NOTHING; or an errno.  *keep: it stays in
 * the list. */
static int take_at(struct splinter_queue *q, struct takers *k, struct take *c, uint32_t position,
                   uint64_t since, bool *keep)
{
    *keep = true;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = item_look(&q->topic, position, NULL, 0, &c->seen);
        if (r)
            return r;
        uint64_t epoch = c->seen.epoch;
        *keep = c->seen.is.number && c->seen.is.number <= k->cursor;
        r = *keep ? is_free(q, k, &c->seen.is, since) : 0;
        if (r <= 0)
            return r ? r : NOTHING;
        r = item_look(&q->topic, position, c->buf, c->size, &c->seen);
        if (!r)
            r = c->seen.epoch != epoch ? -ESTALE : hand_out(q, c);
        if (r != -ESTALE)
            return r;
    }
    return NOTHING; /* others are faster all the time */
}

/* Take an item from the list.  The kernel is asked about workers that it has not said since `since`
 * to be alive. */
static int take_listed(struct splinter_queue *q, struct takers *k, struct take *c, uint64_t since)
{
    uint64_t begin = now_monotonic();
    uint32_t kept = 0, i = 0;
    int r = NOTHING;
    for (; r == NOTHING && i < k->count; i++) {
        bool keep;
        uint32_t position = k->taken[i];
        r = take_at(q, k, c, position, since, &keep);
        if (keep)
            k->taken[kept++] = position;
        else
            k->listed[position] = 0;
    }
    memmove(k->taken + kept, k->taken + i, (k->count - i) * sizeof *k->taken);
    k->count -= i - kept;
    uint64_t now = now_monotonic(), share = (now - begin) * ASK_SHARE;
    k->ask_ns = share < ASK_NS ? ASK_NS : share;
    if (r == NOTHING)
        k->ask_at = now + k->ask_ns;
    return r;
}

/* ---- new items ---- */

struct found {
    uint64_t number;
    uint32_t position;
};

static int by_number(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Others are a lap ahead, or nothing was looked at yet: the list becomes that of all items that
 * there are, in order, and the cursor the end.  0, or an errno. */
static int catch_up(struct splinter_queue *q, struct takers *k)
{
    uint32_t capacity = q->topic.is.capacity, count = 0;
    struct found *found = malloc(capacity * sizeof *found);
    uint64_t end;
    int r = found ? items_end(&q->topic, &end) : -ENOMEM;
    for (uint32_t i = 0; !r && i < capacity; i++) {
        struct item_seen seen;
        r = item_look(&q->topic, i, NULL, 0, &seen);
        if (!r && seen.is.number && seen.is.number <= end)
            found[count++] = (struct found){seen.is.number, i};
    }
    if (!r) {
        qsort(found, count, sizeof *found, by_number);
        memset(k->listed, 0, capacity);
        for (uint32_t i = 0; i < count; i++) {
            k->taken[i] = found[i].position;
            k->listed[found[i].position] = 1;
        }
        k->count = count;
        k->cursor = end;
        k->ask_at = 0;
        k->behind = false;
    }
    free(found);
    return r;
}

/* Consider the item that was seen at the position of c->n, which comes next.  0: taken; NOTHING: it
 * is not to be had, or comes later; or an errno. */
static int take_if_free(struct splinter_queue *q, struct takers *k, struct take *c)
{
    const struct queue_item *is = &c->seen.is;
    if (!is->number || is->number > c->n)
        return NOTHING;
    int r = is->owner ? is_free(q, k, is, now_monotonic() - ASK_NS) : 1;
    if (r > 0)
        r = hand_out(q, c);
    else if (!r)
        r = NOTHING;
    if (!r || r == NOTHING || r == -EINPROGRESS)
        list(q, k, c->n);
    return r;
}

/* Take the first item above the cursor that nobody has.  NOTHING: there is none, and c->n is the
 * number whose turn comes next; or the handle has fallen behind. */
static int take_new(struct splinter_queue *q, struct takers *k, struct take *c)
{
    struct splinter_topic *t = &q->topic;
    uint64_t most = RACES_MAX + (uint64_t)t->is.capacity;
    for (uint64_t looks = 0; looks <= most; looks++) {
        uint64_t known = load_acquire(&t->known);
        c->n = k->cursor + 1;
        int r = item_look(t, c->n, c->buf, c->size, &c->seen);
        if (r || !c->seen.epoch)
            return r ? r : -EROFS;
        k->behind = c->seen.is.turn > c->n;
        if (k->behind || (c->seen.is.turn < c->n && c->n > known))
            return NOTHING;
        topic_know(t, c->seen.is.turn);
        r = take_if_free(q, k, c);
        if (r == -ESTALE)
            continue;
        if (!r || r == NOTHING || r == -EINPROGRESS)
            k->cursor = c->n;
        if (r != NOTHING)
            return r;
    }
    return -EAGAIN;
}

/* Take an item, without waiting.  *most: for how long to wait if there is NOTHING.  If this is the
 * last attempt of the call, the kernel is asked about every worker that has an item. */
static int take_once(struct splinter_queue *q, struct takers *k, struct take *c, bool last,
                     uint64_t *most)
{
    not_cancelled();
    pthread_mutex_lock(&k->mutex);
    uint32_t rounds = 0;
    int r;
    do {
        r = k->behind ? catch_up(q, k) : 0;
        uint64_t now = r || !k->count ? 0 : now_monotonic();
        if (!r)
            r = now && now >= k->ask_at ? take_listed(q, k, c, now - ASK_NS) : NOTHING;
        if (r == NOTHING)
            r = take_new(q, k, c);
    } while (r == NOTHING && k->behind && ++rounds < BEHIND_MOST);
    if (r == NOTHING && k->behind)
        r = -EAGAIN;
    if (r == NOTHING && k->count && last) {
        struct item_seen newest = c->seen;
        r = take_listed(q, k, c, now_monotonic());
        if (r == NOTHING)
            c->seen = newest;
    }
    *most = k->count ? k->ask_ns : UINT64_MAX;
    pthread_mutex_unlock(&k->mutex);
    return r;
}

int splinter_queue_take(splinter_queue *q, void *buf, size_t size, uint64_t limit_ns,
                        uint64_t timeout_ms, struct splinter_item *item)
{
    if (!q || !item || !sized_may_give(item))
        return -EINVAL;
    struct take c = {.buf = buf, .size = size, .limit_ns = limit_ns};
    int r = attach_own(q->topic.store);
    if (r)
        return r;
    struct takers *k = takers_of(q);
    if (!k)
        return -ENOMEM;
    uint64_t end = timeout_ms ? now_and(timeout_ms) : 0, most;
    bool last = !end;
    while ((r = take_once(q, k, &c, last, &most)) == NOTHING) {
        r = wait_ended(q->topic.store);
        if (!r)
            r = last ? -ETIMEDOUT : item_wait(&q->topic, c.n, c.seen.epoch, end, most);
        last = r == -ETIMEDOUT && !last;
        if (r && !last)
            return r;
    }
    if (!r || r == -EMSGSIZE || r == -EINPROGRESS) {
        const struct splinter_item own = {.struct_size = sizeof own,
                                          .number = c.seen.is.number,
                                          .size = c.seen.len,
                                          .type = c.seen.type,
                                          .delivery = c.seen.is.delivery,
                                          .queue = q->topic.is.id};
        sized_give(item, &own, sizeof own);
    }
    return r;
}

/* ---- acknowledge ---- */

/* Nearly always it is the one that was taken last. */
void takers_unlist(struct splinter_queue *q, uint64_t number)
{
    struct takers *k = load_acquire(&q->takers);
    if (!k || k->process != load_acquire(&q->topic.store->fork_generation))
        return;
    not_cancelled();
    pthread_mutex_lock(&k->mutex);
    uint32_t position = topic_position(&q->topic, number);
    if (k->count && k->taken[k->count - 1] == position && number == k->cursor) {
        k->listed[position] = 0;
        k->count--;
    }
    pthread_mutex_unlock(&k->mutex);
}
