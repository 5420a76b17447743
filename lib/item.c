/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item.c - the positions of a queue, and what is at each
 *
 * A queue of capacity N has N positions, as a topic has, each the value of one internal key.  That
 * value says which item is there, if any, who has it, and how often it was handed out, followed by
 * the message.  Each step in the life of an item replaces this one value, on condition that it is
 * still what the process has seen.  So a death between two steps leaves one or the other, and no
 * item is in two places.
 *
 *   push         no item        -> the item, that nobody has
 *   take         nobody has it  -> this worker has it, and it was handed out once more
 *   give back    a worker has it -> nobody has it
 *   acknowledge  a worker has it -> no item
 *
 * Numbers take turns: number n has its turn at position n % N.  If no item is there, n becomes the
 * number of the next item that is pushed.  If there is one, which takes longer than all of its lap,
 * the number is skipped.  item.turn says up to which number the turns at the position are over.
 *
 * Invariants
 *  - A process ends the turn of n only after it, or another one, has seen that the turn of n - 1
 *    was over.  So turns end in order, and galloping finds the last one (items_end()).
 *  - A number is given to one item at most.  With each hand-out item.delivery rises.  So the two
 *    together are a ticket that no other worker ever has.
 *  - An item has its worker's incarnation, and the era of the store.  A rebuild and a copy have
 *    another era, and a worker that is gone another incarnation or no lock, so such an item is
 *    nobody's, before anybody has cleaned up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "extent.h"
#include "handle.h"
#include "hash.h"
#include "index.h"
#include "item.h"
#include "position.h"
#include "reading.h"
#include "set.h"
#include "topic.h"
#include "wait.h"

#define ITEM_AT ((uint32_t)sizeof(struct record) + KEY_SHORT)
#define ITEM_MESSAGE_AT (ITEM_AT + (uint32_t)sizeof(struct queue_item))

uint32_t item_era(const struct splinter_store *s)
{
    static const char purpose[] = "items of a queue";
    uint64_t hash = XXH3_64bits_withSeed(purpose, sizeof purpose, s->geo.seed);
    return (uint32_t)hash ^ load_relaxed(&s->header->era);
}

/* Can this be at the position of n? */
static bool is_sane(const struct splinter_topic *t, const struct item_seen *seen, uint64_t n)
{
    const struct queue_item *is = &seen->is;
    uint32_t position = topic_position(t, n);
    if (is->turn > NUMBER_MOST || is->number > is->turn ||
        (is->turn && topic_position(t, is->turn) != position))
        return false;
    if (!is->number)
        return !is->owner;
    return topic_position(t, is->number) == position && seen->len;
}

/* Copy the message, if it fits.  The caller asks afterwards if the record is still current. */
static int copy(struct splinter_store *s, const struct item_seen *seen, void *buf, size_t size)
{
    const struct lookup *f = &seen->at;
    if (!buf || !seen->len || seen->len > size)
        return 0;
    if (reading_needs_care(s, CURRENT_REF(f->current), ITEM_MESSAGE_AT + seen->len))
        return reading_copy(s, f->slot, f->current, buf, ITEM_MESSAGE_AT, seen->len);
    payload_copy(buf, (const uint8_t *)f->rec + ITEM_MESSAGE_AT, seen->len);
    return 0;
}

/* Fill in what the record says.  False: it is not that of an item. */
static bool read_item(struct splinter_topic *t, struct item_seen *seen)
{
    const struct record *rec = seen->at.rec;
    uint32_t len = load_relaxed(&rec->value_len);
    bool ends = load_relaxed(&rec->expiry);
    seen->epoch = load_relaxed(&rec->epoch);
    seen->type = load_relaxed(&rec->type);
    seen->is = (struct queue_item){0};
    seen->len = 0;
    if (len == NUMBER_BYTES) /* as it was made */
        return !ends;
    if (ends || len < sizeof(struct queue_item) || len - sizeof(struct queue_item) > t->is.longest)
        return false;
    seen->len = len - (uint32_t)sizeof(struct queue_item);
    if (!file_covers(t->store, CURRENT_REF(seen->at.current) +
                                   (ITEM_MESSAGE_AT + (uint64_t)seen->len + UNIT - 1) / UNIT))
        return false;
    payload_copy(&seen->is, (const uint8_t *)rec + ITEM_AT, sizeof seen->is);
    if (!seen->is.number) /* these bytes are 0 */
        seen->len = 0;
    return true;
}

/* item_look(), and item_peek() if not `mends`. */
static int look(struct splinter_topic *t, uint64_t n, void *buf, size_t size, bool mends,
                struct item_seen *seen)
{
    uint32_t position = topic_position(t, n);
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct message_key key;
        int r = position_find(t, position, &seen->at, &key);
        if (!r) {
            r = mends ? topic_mend(t, position) : topic_exists(t);
            *seen = (struct item_seen){0};
            if (r == -EROFS || (!r && !mends))
                return 0;
            if (!r)
                continue;
        }
        if (r < 0)
            return r;
        bool sane = read_item(t, seen);
        if (sane && (r = copy(t->store, seen, buf, size)) && r != -ESTALE)
            return r;
        if (still_current(seen->at.slot, seen->at.current))
            return sane && is_sane(t, seen, n) ? 0 : -EBADMSG;
    }
    return -EAGAIN;
}

int item_look(struct splinter_topic *t, uint64_t n, void *buf, size_t size, struct item_seen *seen)
{
    return look(t, n, buf, size, true, seen);
}

int item_peek(struct splinter_topic *t, uint64_t n, struct item_seen *seen)
{
    return look(t, n, NULL, 0, false, seen);
}

/* ---- changes ---- */

int item_put(struct splinter_topic *t, const struct item_seen *seen, const struct queue_item *is,
             const void *val, size_t len)
{
    const struct headed as = {is, seen->type};
    struct message_key key;
    message_key_make(t->store, &t->is, topic_position(t, is->turn), &key);
    return key_item(t->store, &key.key, &as, &seen->at, seen->epoch, val, len);
}

/* A block of another size takes the slow path of a set, and leaves the thread with a spare that the
 * next item cannot use.  So a short message is replaced by as many bytes of 0. */
int item_remove(struct splinter_topic *t, const struct item_seen *seen)
{
    static const uint8_t zero[FAST_UNITS * UNIT];
    const struct queue_item none = {.turn = seen->is.turn};
    return item_put(t, seen, &none, zero, seen->len <= sizeof zero ? seen->len : 0);
}

int item_rewrite(struct splinter_topic *t, const struct item_seen *seen,
                 const struct queue_item *is)
{
    uint8_t few[512], *message = few;
    struct item_seen again;
    if (seen->len > sizeof few && !(message = malloc(seen->len)))
        return -ENOMEM;
    int r = item_look(t, is->turn, message, seen->len, &again);
    if (!r)
        r = again.epoch != seen->epoch || again.len != seen->len
                ? -ESTALE : item_put(t, &again, is, message, seen->len);
    if (message != few)
        free(message);
    return r;
}

/* ---- who has an item ---- */

bool item_is_free(struct splinter_topic *t, const struct queue_item *is)
{
    return is->number && (!is->owner || is->era != item_era(t->store) ||
                          expiry_passed(t->store, is->until));
}

/* ---- where the numbers end ---- */

static int turn_at(struct splinter_topic *t, uint64_t n, uint64_t *turn)
{
    struct item_seen seen;
    int r = item_look(t, n, NULL, 0, &seen);
    *turn = r ? 0 : seen.is.turn;
    return r;
}

int items_end(struct splinter_topic *t, uint64_t *end)
{
    return positions_end(t, turn_at, end);
}

int items_survey(struct splinter_topic *t)
{
    return positions_survey(t, turn_at);
}

/* ---- wait ---- */

int item_wait(struct splinter_topic *t, uint64_t n, uint64_t epoch, uint64_t end, uint64_t most)
{
    struct message_key key;
    uint64_t now = now_monotonic(), left = end > now ? end - now : 0;
    if (!left)
        return -ETIMEDOUT;
    left = left < most ? left : most;
    message_key_make(t->store, &t->is, topic_position(t, n), &key);
    uint64_t ms = left == UINT64_MAX ? SPLINTER_FOREVER : left / 1000000 + (left % 1000000 != 0);
    int r = key_wait(t->store, &key.key, epoch, ms, NULL);
    return r == -ENOENT || r == -ETIMEDOUT ? 0 : r; /* the next look says if the queue is gone */
}
