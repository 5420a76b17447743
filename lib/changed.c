/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changed.c - which keys with a prefix have changed, in a store without a feed
 *
 * It walks over the store, and remembers of each key with which epoch it was told.  A walk that
 * compared with the epoch of the whole store would miss a change that was numbered before the walk
 * and made after it.
 *
 * Invariants
 *  - The store's epoch is read before a walk begins.  A change that the walk does not meet becomes
 *    visible after that, and then steps the epoch.  So it is met by the walk that is due then.  If
 *    something ends (a life, an owner, a writer before it stepped the epoch), and this handle may
 *    not clean up, and step it, the watcher asks for a walk in any case.
 *  - A key that a whole walk has not met was absent at some moment of it.
 */
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "changed.h"
#include "follow.h"
#include "key.h"
#include "walk.h"

#define FEW 64         /* lists, at first */
#define AT_ONCE 10000u /* keys that one call looks at */

/* A key as it was told. */
struct told {
    struct told *next;
    uint64_t hash, epoch;
    uint64_t walk; /* the last one that has met it */
    uint32_t type;
    uint32_t len;
    char text[]; /* and a zero byte */
};

enum phase { RESTING, WALKING, REMOVING };

struct changed {
    struct splinter_store *store;
    struct told **list; /* by hash */
    size_t lists, count;
    enum phase phase;
    uint64_t walk;   /* the number of the current or the last walk */
    uint64_t epoch;  /* of the store, before it began */
    uint64_t cursor; /* WALKING: of the walk */
    size_t at;       /* REMOVING: the list to look at next */
    bool state;      /* the first walk tells of all that it meets */
    bool again;      /* another walk is due, whatever the epoch is */
    size_t prefix_len;
    char prefix[SPLINTER_KEY_MAX];
};

struct changed *changed_begin(struct splinter_store *s, const char *prefix, bool state)
{
    struct changed *c = calloc(1, sizeof *c);
    struct told **list = calloc(FEW, sizeof(struct told *));
    if (!c || !list) {
        free(c);
        free(list);
        return NULL;
    }
    c->store = s;
    c->list = list;
    c->lists = FEW;
    c->state = state;
    c->prefix_len = strlen(prefix);
    memcpy(c->prefix, prefix, c->prefix_len);
    return c;
}

void changed_end(struct changed *c)
{
    for (size_t i = 0; c && i < c->lists; i++)
        for (struct told *t = c->list[i], *next; t; t = next) {
            next = t->next;
            free(t);
        }
    free(c ? c->list : NULL);
    free(c);
}

/* Twice as many lists.  Without memory they stay longer. */
static void grow(struct changed *c)
{
    size_t lists = 2 * c->lists;
    struct told **list = calloc(lists, sizeof(struct told *));
    for (size_t i = 0; list && i < c->lists; i++)
        for (struct told *t = c->list[i], *next; t; t = next) {
            next = t->next;
            t->next = list[t->hash % lists];
            list[t->hash % lists] = t;
        }
    if (!list)
        return;
    free(c->list);
    c->list = list;
    c->lists = lists;
}

/* Note a key that the walk has met.  CHANGED_EVENT: it is not as it was told last. */
static enum changed_found note(struct changed *c, const struct walked *met)
{
    const struct key *key = &met->key;
    struct told *t = c->list[key->hash % c->lists];
    while (t && (t->hash != key->hash || t->len != key->len || memcmp(t->text, key->s, t->len)))
        t = t->next;
    bool is_new = !t;
    if (is_new) {
        if (c->count > 2 * c->lists)
            grow(c);
        t = malloc(sizeof *t + key->len + 1);
        if (!t)
            return CHANGED_NO_MEMORY;
        t->hash = key->hash;
        t->len = key->len;
        memcpy(t->text, key->s, key->len);
        t->text[key->len] = '\0';
        t->next = c->list[key->hash % c->lists];
        c->list[key->hash % c->lists] = t;
        c->count++;
    }
    bool other = is_new || t->epoch != met->meta.epoch;
    t->epoch = met->meta.epoch;
    t->type = met->meta.type;
    t->walk = c->walk;
    return other && (c->walk > 1 || c->state) ? CHANGED_EVENT : CHANGED_NOTHING;
}

/* CHANGED_NOTHING: it was the last key. */
static enum changed_found walk_on(struct changed *c, struct splinter_event *e, void *buf,
                                  size_t size)
{
    struct walked met;
    enum walk found;
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        uint64_t before = c->cursor;
        found = walk_next(c->store, &c->cursor, &met);
        if (found == WALK_END)
            return CHANGED_NOTHING;
        if (found == WALK_EXPIRED || key_is_internal(met.text, met.key.len) ||
            (c->prefix_len && strncmp(met.text, c->prefix, c->prefix_len)))
            continue;
        enum changed_found r = note(c, &met);
        if (r == CHANGED_NOTHING)
            continue;
        if (r == CHANGED_NO_MEMORY) {
            c->cursor = before;
            return r;
        }
        *e = (struct splinter_event){.struct_size = sizeof *e,
                                     .what = SPLINTER_EVENT_SET,
                                     .flags = c->walk == 1 ? SPLINTER_EVENT_STATE : 0,
                                     .epoch = met.meta.epoch,
                                     .value_size = met.meta.value_size,
                                     .type = met.meta.type,
                                     .revision = met.meta.revision};
        strcpy(e->key, met.text);
        uint32_t home;
        if (buf)
            event_add_value(c->store, e, buf, size, &home);
        return r;
    }
    return CHANGED_MORE;
}

/* The next key that the walk has not met.  CHANGED_NOTHING: there is none. */
static enum changed_found tell_removed(struct changed *c, struct splinter_event *e)
{
    for (; c->at < c->lists; c->at++)
        for (struct told **link = &c->list[c->at], *t; (t = *link); link = &t->next) {
            if (t->walk == c->walk)
                continue;
            *e = (struct splinter_event){.struct_size = sizeof *e,
                                         .what = SPLINTER_EVENT_UNSET,
                                         .type = t->type};
            strcpy(e->key, t->text);
            *link = t->next;
            c->count--;
            free(t);
            return CHANGED_EVENT;
        }
    return CHANGED_NOTHING;
}

enum changed_found changed_next(struct changed *c, bool anyway, struct splinter_event *e, void *buf,
                                size_t size, uint64_t *epoch)
{
    enum changed_found r;
    c->again |= anyway;
    if (c->phase == RESTING) {
        uint64_t now = load_seq_cst(&c->store->header->epoch);
        *epoch = c->epoch;
        if (c->walk && now == c->epoch && !c->again)
            return CHANGED_NOTHING;
        c->again = false;
        c->epoch = now;
        c->cursor = 0;
        c->walk++;
        c->phase = WALKING;
    }
    if (c->phase == WALKING) {
        r = walk_on(c, e, buf, size);
        if (r)
            return r;
        c->at = 0;
        c->phase = REMOVING;
    }
    r = tell_removed(c, e);
    if (r)
        return r;
    c->phase = RESTING;
    *epoch = c->epoch;
    if (c->walk > 1 || !c->state)
        return c->again ? CHANGED_MORE : CHANGED_NOTHING;
    *e = (struct splinter_event){.struct_size = sizeof *e, .what = SPLINTER_EVENT_READY};
    return CHANGED_EVENT;
}
