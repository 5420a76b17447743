/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_watch.c - threads that add to a watch, ask it and set keys, all at once
 *
 * One watch is asked by several threads, each with an epoll of its own, while others add keys to it
 * and set them, and open and close watches of their own.  At the end the last value of each key has
 * been told.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define KEYS 200
#define ASKERS 2
#define SETTERS 2

static struct place place;
static splinter_store *store;
static splinter_watch *watch;
static int stop, faults, added;
static uint64_t told[KEYS]; /* the highest epoch that was told of a key; by its tag */
static uint64_t last[KEYS]; /* that the setter of the key was given */
static unsigned events;

static void fault(const char *what, int rc)
{
    if (__atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED) < 10)
        printf("# %s: %s\n", what, strerror(-rc));
}

static void key_of(char *out, size_t size, unsigned k)
{
    snprintf(out, size, "%s/%u", k % 2 ? "odd" : "even", k);
}

/* Several threads may tell of one key; the highest epoch counts. */
static void note(uint64_t k, uint64_t epoch)
{
    uint64_t before = __atomic_load_n(&told[k], __ATOMIC_RELAXED);

    while (before < epoch && !__atomic_compare_exchange_n(&told[k], &before, epoch, false,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
}

static void *asks(void *arg)
{
    struct splinter_event e = {.struct_size = sizeof(e)};
    struct pollfd p = {splinter_watch_fd(watch), POLLIN, 0};
    uint64_t tag;

    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        int rc = splinter_watch_next(watch, &tag, &e, NULL, 0);

        if (rc == -EAGAIN) {
            poll(&p, 1, 50);
            continue;
        }
        if (rc)
            fault("next", rc);
        else if (tag < KEYS && e.what == SPLINTER_EVENT_SET)
            note(tag, e.epoch);
        __atomic_add_fetch(&events, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *sets(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, rounds = repeated(300);
    char key[32];

    for (unsigned i = 0; i < rounds * KEYS / SETTERS; i++) {
        unsigned k = i % (KEYS / SETTERS) * SETTERS + me;
        int rc;

        key_of(key, sizeof(key), k);
        rc = splinter_store_set(store, key, &i, sizeof(i), NULL, &last[k]);
        if (rc)
            fault("set", rc);
        if (i % 64 == 0)
            usleep(50);
    }
    return NULL;
}

static void *adds(void *arg)
{
    char key[32];

    (void)arg;
    for (unsigned k = 0; k < KEYS; k++) {
        int rc;

        key_of(key, sizeof(key), k);
        rc = splinter_watch_add_key(watch, key, 0, k);
        if (rc)
            fault("add", rc);
        usleep(100);
    }
    __atomic_store_n(&added, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *opens_and_closes(void *arg)
{
    struct splinter_event e = {.struct_size = sizeof(e)};

    (void)arg;
    for (unsigned i = 0; i < repeated(300); i++) {
        splinter_watch *own;
        int rc = splinter_watch_open(&own, store, 0);

        if (rc) {
            fault("open", rc);
            continue;
        }
        if ((rc = splinter_watch_add_key(own, "even/2", 0, 1)) ||
            (rc = splinter_watch_add_prefix(own, "odd/", SPLINTER_FEED_STATE, 2)))
            fault("add", rc);
        for (unsigned n = 0; n < i % 7; n++)
            if ((rc = splinter_watch_next(own, NULL, &e, NULL, 0)) && rc != -EAGAIN)
                fault("next", rc);
        splinter_watch_close(own);
    }
    return NULL;
}

static void run(int backing, size_t feed)
{
    pthread_t asker[ASKERS], setter[SETTERS], adder, opener;
    unsigned missing = 0;

    place_feed = feed;
    store = place_make(&place, backing, 4 * KEYS, 64);
    memset(told, 0, sizeof(told));
    stop = added = faults = 0;
    events = 0;
    must(splinter_watch_open(&watch, store, 0), "watch");
    for (unsigned i = 0; i < ASKERS; i++)
        must(pthread_create(&asker[i], NULL, asks, NULL), "thread");
    for (unsigned i = 0; i < SETTERS; i++)
        must(pthread_create(&setter[i], NULL, sets, (void *)(uintptr_t)i), "thread");
    must(pthread_create(&adder, NULL, adds, NULL), "thread");
    must(pthread_create(&opener, NULL, opens_and_closes, NULL), "thread");
    for (unsigned i = 0; i < SETTERS; i++)
        pthread_join(setter[i], NULL);
    pthread_join(adder, NULL);
    pthread_join(opener, NULL);
    for (unsigned i = 0; i < 600; i++) { /* a watchdog, not a limit */
        missing = 0;
        for (unsigned k = 0; k < KEYS; k++)
            missing += __atomic_load_n(&told[k], __ATOMIC_SEQ_CST) != last[k];
        if (!missing)
            break;
        sleep_ms(50);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < ASKERS; i++)
        pthread_join(asker[i], NULL);
    splinter_watch_close(watch);
    printf("# %u events\n", events);
    /* [C3] */
    report(!missing && !faults, "%s, %s: the last value of each key is told",
           backing_names[backing], feed ? "with a feed" : "without a feed");
    report(!check_store(store), "%s: the store is in order", backing_names[backing]);
    place_end(&place, store);
}

int main(void)
{
    support_start();
    for (int backing = 0; backing < BACKINGS; backing++) {
        run(backing, 0);
        run(backing, 256);
    }
    return tap_end();
}
