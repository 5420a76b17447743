/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - what a feed has told of each key, and whether that is what the store holds */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

static void problem(struct account *a, const char *what, const struct splinter_event *e)
{
    if (!*a->problem)
        snprintf(a->problem, sizeof(a->problem), "%s: number %llu, what %u, flags %u, key '%.40s'",
                 what, (unsigned long long)e->number, (unsigned)e->what, (unsigned)e->flags,
                 e->key);
}

/* The place of a key, a new one if need be. */
static unsigned place_of(struct account *a, const struct splinter_event *e)
{
    unsigned i = 0;

    while (i < a->keys && strcmp(a->last[i].key, e->key))
        i++;
    if (i == ACCOUNT_KEYS) {
        problem(a, "too many keys", e);
        return 0;
    }
    if (i == a->keys) {
        memcpy(a->last[i].key, e->key, sizeof(a->last[i].key));
        a->keys++;
    }
    return i;
}

void account_add(struct account *a, const struct splinter_event *e)
{
    unsigned i;

    switch (e->what) {
    case SPLINTER_EVENT_GAP:
        a->gaps++;
        if (e->first > e->number + 1 || e->number < a->number)
            problem(a, "a gap that leads back", e);
        a->number = e->number;
        for (i = 0; i < a->keys; i++) /* anything may have become of them */
            a->last[i].what = 0;
        return;
    case SPLINTER_EVENT_READY:
        a->ready = true;
        return;
    case SPLINTER_EVENT_SET:
    case SPLINTER_EVENT_UNSET:
    case SPLINTER_EVENT_EXPIRED:
    case SPLINTER_EVENT_OWNER_GONE:
        break;
    default:
        problem(a, "an event of no known kind", e);
        return;
    }
    if (!*e->key || !e->epoch)
        problem(a, "an event without a key or an epoch", e);
    if (!(e->flags & SPLINTER_EVENT_STATE)) {
        a->changes++;
        if (e->number <= a->number)
            a->late++;
        else
            a->number = e->number;
    }
    a->superseded += e->flags & SPLINTER_EVENT_SUPERSEDED ? 1 : 0;
    i = place_of(a, e);
    if (e->flags & SPLINTER_EVENT_SUPERSEDED)
        return;
    /* The state is read later than the number behind which the changes begin. */
    if (a->last[i].what && !a->last[i].of_state && e->epoch < a->last[i].epoch)
        problem(a, "an older change that is not marked as superseded", e);
    a->last[i].epoch = e->epoch;
    a->last[i].what = e->what;
    a->last[i].of_state = e->flags & SPLINTER_EVENT_STATE;
}

int account_follow(struct account *a, splinter_feed *feed, uint64_t number)
{
    struct splinter_feed_position at = {0};
    struct splinter_event e;
    uint64_t wait_ms = 0;
    int r;

    for (;;) {
        e.struct_size = sizeof(e);
        r = splinter_feed_next(feed, &e, NULL, 0, wait_ms);
        if (!r)
            account_add(a, &e);
        else if (r != -ETIMEDOUT)
            return r;
        /* No feed tells of what has no name, such as the messages of topics. */
        splinter_feed_position(feed, &at);
        if (r && at.number >= number)
            return 0;
        if (r && wait_ms)
            return r;
        wait_ms = r ? 1000 : 0; /* it may have to wait for a number of a dead writer */
    }
}

/* A key that the store has, and the account does not; or the other way round. */
static unsigned differs(const char *key, uint64_t told, uint64_t there)
{
    printf("# '%.60s': the feed told of epoch %llu, the store has %llu\n", key,
           (unsigned long long)told, (unsigned long long)there);
    return 1;
}

unsigned account_differs(struct account *a, splinter_store *store)
{
    struct splinter_meta m;
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    unsigned n = 0;

    if (*a->problem)
        printf("# %s\n", a->problem), n++;
    for (unsigned i = 0; i < a->keys; i++) {
        int r;

        m.struct_size = sizeof(m);
        r = splinter_store_get(store, a->last[i].key, NULL, 0, NULL, &m);
        if (a->last[i].what == SPLINTER_EVENT_SET && m.epoch != a->last[i].epoch && !r)
            n += differs(a->last[i].key, a->last[i].epoch, m.epoch);
        else if (a->last[i].what > SPLINTER_EVENT_SET && !r)
            n += differs(a->last[i].key, 0, m.epoch);
        else if (a->last[i].what == SPLINTER_EVENT_SET && r) /* a get may have removed it */
            n += differs(a->last[i].key, a->last[i].epoch, 0);
    }
    for (m.struct_size = sizeof(m); splinter_store_walk(store, NULL, &cursor, key, &m) == 1;) {
        unsigned i = 0;

        while (i < a->keys && strcmp(a->last[i].key, key))
            i++;
        if (i == a->keys || a->last[i].what != SPLINTER_EVENT_SET)
            n += differs(key, 0, m.epoch);
    }
    return n;
}

unsigned account_of(splinter_store *store)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o),
                                      .flags = SPLINTER_FEED_STATE | SPLINTER_FEED_FROM};
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct account *a = calloc(1, sizeof(*a));
    splinter_feed *feed;
    unsigned n = 1;
    int r;

    r = splinter_store_sweep(store); /* else a key may expire while this looks */
    if (r < 0 && r != -EROFS)
        printf("# sweep: %d\n", r);
    r = splinter_store_stat(store, &st);
    if (!r && !st.feed) {
        free(a);
        return 0;
    }
    if (!r && !(r = splinter_feed_open(&feed, store, NULL))) {
        splinter_feed_position(feed, &o.from);
        splinter_feed_close(feed);
        o.from.number = 0;
        r = splinter_feed_open(&feed, store, &o);
    }
    if (!r) {
        r = account_follow(a, feed, st.feed_number);
        splinter_feed_close(feed);
    }
    if (r)
        printf("# following: %d %s\n", r, splinter_last_error());
    else
        n = account_differs(a, store);
    free(a);
    return n;
}
