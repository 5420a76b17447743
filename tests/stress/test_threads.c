/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threads.c - many threads of one process on few keys
 *
 * TAP by hand; loops are counted, the seed is printed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tap.h"
#include "value.h"

#define THREADS 12
#define KEYS 24
#define OPS 40000
#define MAX_VALUE 900 /* of the store; a struct value fits */

static splinter_store *store;
struct worker {
    pthread_t thread;
    unsigned number;
    uint64_t seed;
    uint64_t torn, wrong, again, added, lost_epochs;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t seen[KEYS] = {0};

    for (unsigned op = 0; op < OPS; op++) {
        uint64_t r = random_next(&w->seed) >> 20;
        unsigned k = (unsigned)(r % KEYS), what = (unsigned)(r >> 12) % 100;
        struct splinter_set_options options = {.struct_size = sizeof(options)};
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        struct value v;
        char key[16];
        size_t n = 0;
        int rc = 0;

        snprintf(key, sizeof(key), "key%u", k);
        if (what < 45) {
            rc = splinter_store_get(store, key, &v, sizeof(v), &n, &meta);
            if (!rc) {
                w->torn += !value_whole(&v, n, k) || meta.value_size != n;
                w->lost_epochs += meta.epoch < seen[k];
                seen[k] = meta.epoch;
            }
        } else if (what < 85) {
            n = value_make(&v, k, w->number, op, (r >> 24) % sizeof(v.fill));
            if (what < 55) {
                options.flags = SPLINTER_IF_ABSENT;
            } else if (what < 60) {
                options.flags = SPLINTER_IF_EPOCH;
                options.if_epoch = seen[k];
            } else if (what < 65) {
                options.ttl_ns = 1 + (r >> 24) % 200000;
            }
            rc = splinter_store_set(store, key, &v, n, if_any(&options), NULL);
        } else if (what < 95) {
            rc = splinter_store_unset(store, key, what < 88 ? seen[k] : 0, NULL);
        } else if (what < 98) {
            rc = splinter_store_add(store, "sum", (int64_t)(r >> 40), NULL);
            if (!rc)
                w->added += r >> 40;
            else
                w->wrong++;
        } else {
            uint64_t cursor = 0;
            char got[SPLINTER_KEY_MAX];

            for (int i = 0; splinter_store_walk(store, "key", &cursor, got, NULL) == 1; i++)
                if (i > 1000) {
                    w->wrong++;
                    break;
                }
        }
        w->again += rc == -EAGAIN;
        w->wrong += rc && rc != -EAGAIN && rc != -ENOENT && rc != -EEXIST && rc != -ESTALE;
    }
    return NULL;
}

static void run(int backing)
{
    static struct worker workers[THREADS];
    struct place place;
    struct splinter_stat st = {.struct_size = sizeof(st)};
    uint64_t torn = 0, wrong = 0, again = 0, added = 0, backwards = 0, cursor = 0;
    int64_t sum = -1;
    int seen[KEYS] = {0}, twice = 0;
    char key[SPLINTER_KEY_MAX];

    store = place_make(&place, backing, 100, MAX_VALUE);
    memset(workers, 0, sizeof(workers));
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].seed = support_seed * (i + 1) + (unsigned)backing + 1;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
            die("cannot start a thread");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        torn += workers[i].torn;
        wrong += workers[i].wrong;
        again += workers[i].again;
        added += workers[i].added;
        backwards += workers[i].lost_epochs;
    }
    /* [P1] */
    report(!torn, "%s: no value is torn", backing_names[backing]);
    report(!wrong, "%s: no call fails that may not", backing_names[backing]);
    report(!again || SLOW_HERE, "%s: nobody is told to try again" SKIP_WHERE_SLOW,
           backing_names[backing]);
    /* [P8] */
    report(!backwards, "%s: the epochs of a key only rise", backing_names[backing]);
    splinter_store_get(store, "sum", &sum, sizeof(sum), NULL, NULL);
    report((uint64_t)sum == added, "%s: the sum of all adds is exact", backing_names[backing]);
    while (splinter_store_walk(store, "key", &cursor, key, NULL) == 1) {
        unsigned k = (unsigned)atoi(key + 3);

        if (k >= KEYS || seen[k]++)
            twice++;
    }
    /* [P3] */
    report(!twice, "%s: no key is met twice", backing_names[backing]);
    report(check_store(store) == 0, "%s: check finds nothing", backing_names[backing]);
    splinter_store_stat(store, &st);
    report(st.reserved_bytes < 4 << 20, "%s: memory is bounded", backing_names[backing]);
    place_end(&place, store);
}

/* ---- a key that is there is found, whatever becomes of its neighbours ---- */

#define NAME_SETS 64 /* of four names; in each of 8 all four lie in the same of two buckets */
#define ROUNDS 3000

static uint32_t phase, lookers_stop; /* phase is even while the key is there all the time */
static char four[4][16];

static void *look(void *arg)
{
    uint64_t *missed = arg;
    char buf[16];

    while (!__atomic_load_n(&lookers_stop, __ATOMIC_RELAXED)) {
        uint32_t before = __atomic_load_n(&phase, __ATOMIC_SEQ_CST);
        int rc = splinter_store_get(store, four[0], buf, sizeof(buf), NULL, NULL);

        if (rc && !(before & 1) && __atomic_load_n(&phase, __ATOMIC_SEQ_CST) == before)
            ++*missed;
    }
    return NULL;
}

static void set(const char *key, const char *val)
{
    must(splinter_store_set(store, key, val, strlen(val), NULL, NULL), "a neighbour");
}

static void unset(const char *key)
{
    must(splinter_store_unset(store, key, 0, NULL), "a neighbour");
}

static void neighbours_come_and_go(void)
{
    const char *key = four[0], *a = four[1], *b = four[2], *c = four[3];
    uint64_t missed = 0;

    for (unsigned n = 0; n < NAME_SETS; n++) {
        struct place place;
        pthread_t looker;

        store = place_make(&place, BACKING_MEMORY, 3, 100);
        for (unsigned i = 0; i < 4; i++)
            snprintf(four[i], sizeof(four[i]), "%u-%u", n, i);
        phase = 1;
        lookers_stop = 0;
        if (pthread_create(&looker, NULL, look, &missed))
            die("cannot start a thread");
        for (unsigned i = 0; i < repeated(ROUNDS); i++) {
            /* The key leaves its hash in a place behind the one where it then is, ... */
            set(a, "a");
            set(b, "b");
            set(key, "k");
            unset(key);
            unset(a);
            set(key, "k");
            __atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST);
            /* ... which another key takes. */
            set(c, "c");
            set(key, "K");
            __atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST);
            unset(c);
            unset(key);
            unset(b);
        }
        __atomic_store_n(&lookers_stop, 1, __ATOMIC_RELAXED);
        pthread_join(looker, NULL);
        place_end(&place, store);
    }
    if (missed)
        printf("# not found %llu times\n", (unsigned long long)missed);
    /* [P1] */
    report(!missed, "a key that is there is found while its neighbours come and go");
}

int main(void)
{
    support_start();
    printf("1..%d\n", 8 * BACKINGS + 1);
    neighbours_come_and_go();
    for (int backing = 0; backing < BACKINGS; backing++)
        run(backing);
    return 0;
}
