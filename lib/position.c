/* SPDX-License-Identifier: Apache-2.0 */
/* position.c - the positions of a topic or a queue: the key of each, and where the numbers end */
#include "atomic.h"
#include "extent.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "position.h"

#define VALUE_AT ((uint32_t)sizeof(struct record) + KEY_SHORT + NUMBER_BYTES)

/* The record of the key that the slot leads to; NULL if that is not the key's. */
static struct record *record_in(struct splinter_store *s, const struct message_key *key,
                                const struct slot *slot, uint64_t *current)
{
    *current = load_acquire(&slot->current); /* [<publish] */
    uint64_t ref = CURRENT_REF(*current);
    if (!*current || !file_covers(s, ref + (VALUE_AT + UNIT - 1) / UNIT))
        return NULL;
    struct record *rec = record_at_ref(s, ref);
    struct key_ends ends = key_ends_of(rec + 1, KEY_SHORT);
    bool same = load_relaxed(&rec->key_len) == KEY_SHORT && ends.first == key->u.word[0] &&
                ends.last == key->u.word[1];
    return same ? rec : NULL;
}

int position_find(struct splinter_topic *t, uint32_t position, struct lookup *f,
                  struct message_key *key)
{
    struct splinter_store *s = t->store;
    uint32_t number = load_relaxed(&t->slot[position]), races = 0;
    if (number) {
        struct bucket *bucket = &s->index[(number - 1) / BUCKET_SLOTS];
        f->slot = &bucket->slot[(number - 1) % BUCKET_SLOTS];
        message_key_text(&t->is, position, key);
        f->rec = record_in(s, key, f->slot, &f->current);
        if (f->rec)
            return 1;
    }
    message_key_make(s, &t->is, position, key);
    int r = index_find_anywhere(s, &key->key, f, &races);
    if (r > 0)
        store_relaxed(&t->slot[position], (uint32_t)slot_number(s, f->slot) + 1);
    return r;
}

int positions_end(struct splinter_topic *t, position_number *number_at, uint64_t *end)
{
    uint64_t low = load_acquire(&t->known), step = 1, most = t->is.capacity, number;
    for (;;) {
        int r = number_at(t, low + step, &number);
        if (r)
            return r;
        if (number < low + step)
            break;
        low = number;
        step = step * 2 < most ? step * 2 : most;
    }
    for (uint64_t high = low + step; low + 1 < high;) {
        uint64_t middle = low + (high - low) / 2;
        int r = number_at(t, middle, &number);
        if (r)
            return r;
        if (number >= middle)
            low = number; /* beyond `high`, if there are more by now */
        else
            high = middle;
    }
    topic_know(t, low);
    *end = low;
    return 0;
}

int positions_survey(struct splinter_topic *t, position_number *number_at)
{
    uint64_t highest = 0, number;
    for (uint32_t i = 0; i < t->is.capacity; i++) {
        int r = number_at(t, i, &number);
        if (r)
            return r;
        highest = number > highest ? number : highest;
    }
    topic_know(t, highest);
    return 0;
}
