/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - the messages of a topic: publish one, read one, wait for one
 *
 * Message n of a topic of capacity N is the value of the key of position n % N, together with its
 * number.  To publish it is a set of that key, on condition that it still has the record in which
 * the publisher saw a lower number.  Whoever loses that race tries the next number.
 *
 * Invariants
 *  - A publisher sets number n only after it, or another one, has seen n - 1 published.  So the
 *    numbers that are published have no hole, and a number is never published twice.
 *  - A publisher that was stopped for a lap finds another epoch in its key, and begins again.
 *  - What was read of a message counts only if the slot's current word is afterwards unchanged.
 *
 * There is no word that says where the topic ends.  Each handle remembers up to which number all
 * were published, and gallops from there: it looks 1, 2, 4 ... numbers further, and then bisects.
 *
 * A number that is at most as high as `known`, and is not there, was lost: in a power cut, or as a
 * snapshot met the keys at different moments.  This can only have been before the store was opened.
 * So the handle surveys a topic of a durable store once.
 */
#include <errno.h>
#include <string.h>

#include "atomic.h"
#include "clock.h"
#include "compiler.h"
#include "error.h"
#include "extent.h"
#include "handle.h"
#include "index.h"
#include "message.h"
#include "position.h"
#include "reading.h"
#include "set.h"
#include "sized.h"
#include "topic.h"
#include "wait.h"

#define MESSAGE_AT ((uint32_t)sizeof(struct record) + KEY_SHORT + NUMBER_BYTES)

/* glance() believes a reference below fast_units. */
static_assert(sizeof(struct record) + KEY_SHORT + NUMBER_BYTES + PAYLOAD_INLINE <=
              FAST_UNITS * UNIT, "a short message lies inside the file");

/* What a look at the position of a number has found. */
struct seen {
    struct lookup at; /* only if `epoch` is not 0 */
    uint64_t number; /* of the message there; 0: none */
    uint64_t epoch;  /* of the record; 0: the key is absent, and this handle cannot make it */
    uint32_t len;    /* bytes of the message */
    uint32_t type;
};

/* ---- one position ---- */

/* Copy the message, if it has this number and fits.  The caller asks afterwards if the record is
 * still current.  0, or an error of reading_copy(). */
static int copy(struct splinter_store *s, const struct lookup *f, const struct seen *seen,
                uint64_t n, void *buf, size_t size)
{
    uint32_t ref = CURRENT_REF(f->current);
    if (seen->number != n || !buf || seen->len > size)
        return 0;
    if (seen->len <= PAYLOAD_INLINE || !reading_needs_care(s, ref, MESSAGE_AT + seen->len))
        payload_copy(buf, (const uint8_t *)f->rec + MESSAGE_AT, seen->len);
    else
        return reading_copy(s, f->slot, f->current, buf, MESSAGE_AT, seen->len);
    return 0;
}

/* Can this be the number at the position of n? */
static bool number_is_sane(const struct splinter_topic *t, uint64_t number, uint64_t n)
{
    return number <= NUMBER_MOST &&
           (!number || number == n || topic_position(t, number) == topic_position(t, n));
}

/* look() for nearly every call: the slot is known, the message short, and message n is there or
 * comes next.  False: it is anything else. */
ALWAYS_INLINE
bool glance(struct splinter_topic *t, uint64_t n, void *buf, size_t size, struct seen *seen)
{
    struct splinter_store *s = t->store;
    uint32_t position = topic_position(t, n), number = load_relaxed(&t->slot[position]);
    struct slot *slot = &s->index[(number - 1) / BUCKET_SLOTS].slot[(number - 1) % BUCKET_SLOTS];
    if (!number)
        return false;
    uint64_t current = load_acquire(&slot->current); /* [<publish] */
    uint32_t ref = CURRENT_REF(current);
    if (ref >= load_relaxed(&s->fast_units))
        return false;
    struct record *rec = record_at_ref(s, ref);
    struct message_key key;
    struct key_ends ends = key_ends_of(rec + 1, KEY_SHORT);
    message_key_text(&t->is, position, &key);
    uint32_t len = load_relaxed(&rec->value_len) - NUMBER_BYTES;
    uint64_t there;
    payload_copy(&there, (const uint8_t *)(rec + 1) + KEY_SHORT, NUMBER_BYTES);
    if (load_relaxed(&rec->key_len) != KEY_SHORT || ends.first != key.u.word[0] ||
        ends.last != key.u.word[1] || len > PAYLOAD_INLINE ||
        (there != n && (n < t->is.capacity || there != n - t->is.capacity)))
        return false;
    if (buf && there == n && len <= size)
        payload_copy(buf, (const uint8_t *)rec + MESSAGE_AT, len);
    seen->at.slot = slot;
    seen->at.current = current;
    seen->at.rec = rec;
    seen->number = there;
    seen->len = len;
    seen->epoch = load_relaxed(&rec->epoch);
    seen->type = load_relaxed(&rec->type);
    return still_current(slot, current);
}

/* Look at the position of message n, and copy the message if it is there and fits into buf.  0, or
 * an errno. */
NOINLINE
static int look(struct splinter_topic *t, uint64_t n, void *buf, size_t size, struct seen *seen)
{
    struct splinter_store *s = t->store;
    uint32_t position = topic_position(t, n);
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        struct message_key key;
        struct lookup f;
        int r = position_find(t, position, &f, &key);
        if (!r) {
            r = topic_mend(t, position);
            *seen = (struct seen){0};
            if (r == -EROFS)
                return 0;
            if (!r)
                continue;
        }
        if (r < 0)
            return r;
        uint32_t len = load_relaxed(&f.rec->value_len);
        seen->at = f;
        seen->epoch = load_relaxed(&f.rec->epoch);
        seen->type = load_relaxed(&f.rec->type);
        seen->len = len - NUMBER_BYTES;
        payload_copy(&seen->number, (const uint8_t *)(f.rec + 1) + KEY_SHORT, NUMBER_BYTES);
        bool sane = len >= NUMBER_BYTES && seen->len <= t->is.longest &&
                    !load_relaxed(&f.rec->expiry) &&
                    file_covers(s, CURRENT_REF(f.current) +
                                       (MESSAGE_AT + (uint64_t)seen->len + UNIT - 1) / UNIT);
        if (sane && (r = copy(s, &f, seen, n, buf, size)) && r != -ESTALE)
            return r;
        if (still_current(f.slot, f.current))
            return sane && number_is_sane(t, seen->number, n) ? 0 : -EBADMSG;
    }
    return -EAGAIN;
}

/* Fetch what a call for message n will look at first, while the program is still busy with the
 * message before. */
ALWAYS_INLINE
void fetch_ahead(struct splinter_topic *t, uint64_t n)
{
    struct splinter_store *s = t->store;
    uint32_t number = load_relaxed(&t->slot[topic_position(t, n)]);
    if (!number)
        return;
    const struct bucket *bucket = &s->index[(number - 1) / BUCKET_SLOTS];
    uint64_t current = load_relaxed(&bucket->slot[(number - 1) % BUCKET_SLOTS].current);
    if (CURRENT_REF(current) >= load_relaxed(&s->fast_units))
        return;
    const char *rec = (const char *)record_at_ref(s, CURRENT_REF(current));
    __builtin_prefetch(rec);
    __builtin_prefetch(rec + UNIT);
    __builtin_prefetch(rec + 2 * UNIT);
}

/* ---- where a topic begins and ends ---- */

static int number_at(struct splinter_topic *t, uint64_t n, uint64_t *number)
{
    struct seen seen;
    int r = look(t, n, NULL, 0, &seen);
    *number = r ? 0 : seen.number;
    return r;
}

/* Find the number of the newest message, 0 if there is none, and remember it. */
static int find_end(struct splinter_topic *t, uint64_t *end)
{
    return positions_end(t, number_at, end);
}

/* The lowest number from n on that is there, or the one after `end`. */
static int first_from(struct splinter_topic *t, uint64_t n, uint64_t end, uint64_t *first)
{
    uint64_t most = t->is.capacity;
    n = end >= most && n <= end - most ? end - most + 1 : n;
    while (t->store->durable && n <= end) {
        struct seen seen;
        int r = look(t, n, NULL, 0, &seen);
        if (r)
            return r;
        if (seen.number >= n)
            break;
        n++;
    }
    *first = n ? n : 1;
    return 0;
}

/* Turn SPLINTER_TOPIC_* into a number. */
static int resolve(struct splinter_topic *t, uint64_t *position)
{
    uint64_t end;
    if (*position && *position < SPLINTER_TOPIC_NEXT)
        return 0;
    int r = find_end(t, &end);
    if (r)
        return r;
    if (*position == SPLINTER_TOPIC_OLDEST)
        return first_from(t, 1, end, position);
    *position = end + (*position == SPLINTER_TOPIC_NEXT || !end);
    return 0;
}

/* Message n is not at its position, where a lower number is; `known` is that of before the look.
 * -EOVERFLOW: it was lost; -EAGAIN: it comes next; -ERANGE: others come before it; or an errno. */
static int missing(struct splinter_topic *t, uint64_t n, uint64_t known)
{
    uint64_t end;
    if (n <= known)
        return -EOVERFLOW;
    if (n == known + 1)
        return -EAGAIN;
    int r = find_end(t, &end);
    /* It may have been published since the look: then the next read finds it. */
    return r ? r : n <= end + 1 ? -EAGAIN : -ERANGE;
}

int messages_survey(struct splinter_topic *t)
{
    return positions_survey(t, number_at);
}

/* ---- the calls ---- */

int splinter_topic_publish(splinter_topic *t, const void *val, size_t len,
                           const struct splinter_publish_options *options, uint64_t *out_number)
{
    struct splinter_publish_options o = {0};
    if (!t || !val || !len)
        return -EINVAL;
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (!r && (o.flags || o.type > 65535))
        r = -EINVAL;
    if (r)
        return r;
    if (len > t->is.longest)
        return error_set(EMSGSIZE, "the message has %zu bytes, and the longest of topic '%s' has "
                         "%u", len, t->name.text + TOPIC_NAME_AT, t->is.longest);
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        uint64_t n = load_acquire(&t->known) + 1, end;
        struct seen seen;
        r = !races && glance(t, n, NULL, 0, &seen) ? 0 : look(t, n, NULL, 0, &seen);
        if (!r && seen.number >= n) {
            topic_know(t, seen.number);
            r = find_end(t, &end);
            if (r)
                return r;
            continue;
        }
        if (r || !seen.epoch)
            return r ? r : -EROFS;
        const struct headed as = {&n, o.type};
        struct message_key key;
        message_key_make(t->store, &t->is, topic_position(t, n), &key);
        r = key_number(t->store, &key.key, &as, &seen.at, seen.epoch, val, len);
        if (r == -ESTALE || r == -ENOENT)
            continue;
        if (r && r != -EINPROGRESS)
            return r;
        topic_know(t, n);
        fetch_ahead(t, n + 1);
        if (out_number)
            *out_number = n;
        return r;
    }
    return -EAGAIN;
}

/* Message *position was overtaken or lost: lead *position to the next that is there. */
static int overtaken(struct splinter_topic *t, uint64_t *position, uint64_t number,
                     struct splinter_message *own)
{
    uint64_t end, first;
    topic_know(t, number);
    int r = find_end(t, &end);
    if (!r)
        r = first_from(t, *position + 1, end, &first);
    if (r)
        return r;
    own->lost = first - *position;
    *position = first;
    return -EOVERFLOW;
}

int splinter_topic_read(splinter_topic *t, uint64_t *position, void *buf, size_t size,
                        struct splinter_message *message)
{
    struct splinter_message own = {.struct_size = sizeof own};
    struct seen seen;
    if (!t || !position || !sized_may_give(message))
        return -EINVAL;
    int r = resolve(t, position);
    if (r)
        return r;
    uint64_t n = *position, known = load_acquire(&t->known);
    if (n > NUMBER_MOST)
        return -ERANGE;
    r = glance(t, n, buf, size, &seen) ? 0 : look(t, n, buf, size, &seen);
    if (r)
        return r;
    if (seen.number < n)
        r = missing(t, n, known);
    own.topic = t->is.id;
    if (seen.number > n || r == -EOVERFLOW) {
        r = overtaken(t, position, seen.number, &own);
        if (message && r == -EOVERFLOW)
            sized_give(message, &own, sizeof own);
        return r;
    }
    if (r)
        return r;
    r = buf && seen.len > size ? -EMSGSIZE : 0;
    *position = n + (buf && !r);
    fetch_ahead(t, n + 1);
    if (message) {
        own.number = n;
        own.epoch = seen.epoch;
        own.size = seen.len;
        own.type = seen.type;
        sized_give(message, &own, sizeof own);
    }
    return r;
}

int splinter_topic_wait(splinter_topic *t, uint64_t *position, uint64_t timeout_ms)
{
    if (!t || !position)
        return -EINVAL;
    uint64_t begin = now_monotonic() / 1000000, passed = 0;
    int r = resolve(t, position);
    while (!r) {
        uint64_t n = *position, known = load_acquire(&t->known);
        struct seen seen;
        struct message_key key;
        r = wait_ended(t->store);
        if (!r && n > NUMBER_MOST)
            r = -ERANGE;
        if (!r)
            r = look(t, n, NULL, 0, &seen);
        if (r || seen.number >= n)
            break;
        r = missing(t, n, known);
        if (r != -EAGAIN)
            return r == -EOVERFLOW ? 0 : r;
        message_key_make(t->store, &t->is, topic_position(t, n), &key);
        uint64_t left = timeout_ms == SPLINTER_FOREVER ? timeout_ms
                        : timeout_ms > passed          ? timeout_ms - passed
                                                       : 0;
        r = key_wait(t->store, &key.key, seen.epoch, left, NULL);
        if (r == -ENOENT) /* the topic is gone, or the key will be made */
            r = 0;
        passed = now_monotonic() / 1000000 - begin;
    }
    return r;
}

int splinter_topic_stat(splinter_topic *t, struct splinter_topic_stat *stat)
{
    struct splinter_topic_stat own = {.struct_size = sizeof own};
    uint64_t end;
    if (!t || !stat || !sized_may_give(stat))
        return -EINVAL;
    int r = find_end(t, &end);
    if (!r)
        r = first_from(t, 1, end, &own.oldest);
    if (r)
        return r;
    own.capacity = t->is.capacity;
    own.max_message = t->is.longest;
    own.next = end + 1;
    own.id = t->is.id;
    sized_give(stat, &own, sizeof own);
    return 0;
}
