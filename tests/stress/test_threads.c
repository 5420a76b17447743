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

#define THREADS 12
#define KEYS 24
#define OPS 40000
#define MAX_VALUE 900

struct value {
    uint64_t key, writer, count, len, sum;
    unsigned char fill[MAX_VALUE - 40];
};

static splinter_store *store;
static int tests;

static void report(bool ok, const char *name)
{
    printf("%sok %d - %s\n", ok ? "" : "not ", ++tests, name);
}

static size_t value_make(struct value *v, uint64_t key, uint64_t writer, uint64_t count, size_t fill)
{
    v->key = key;
    v->writer = writer;
    v->count = count;
    v->len = offsetof(struct value, fill) + fill;
    for (size_t i = 0; i < fill; i++)
        v->fill[i] = (unsigned char)(key + writer + count + i);
    v->sum = 0;
    v->sum = fnv1a(v, v->len);
    return v->len;
}

static bool value_whole(struct value *v, size_t len, uint64_t key)
{
    uint64_t sum = v->sum;

    v->sum = 0;
    return len >= offsetof(struct value, fill) && v->len == len && v->key == key &&
           fnv1a(v, len) == sum;
}

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
    static const char *const names[BACKINGS] = {"memory", "file", "memfd"};
    static struct worker workers[THREADS];
    struct place place;
    struct splinter_stat st = {.struct_size = sizeof(st)};
    uint64_t torn = 0, wrong = 0, again = 0, added = 0, backwards = 0, cursor = 0;
    int64_t sum = -1;
    int seen[KEYS] = {0}, twice = 0;
    char key[SPLINTER_KEY_MAX], name[100];

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
    snprintf(name, sizeof(name), "%s: no value is torn", names[backing]);
    report(!torn, name);
    snprintf(name, sizeof(name), "%s: no call fails that may not", names[backing]);
    report(!wrong, name);
    snprintf(name, sizeof(name), "%s: nobody is told to try again%s", names[backing],
             SKIP_WHERE_SLOW);
    report(!again || SLOW_HERE, name);
    snprintf(name, sizeof(name), "%s: the epochs of a key only rise", names[backing]);
    report(!backwards, name);
    splinter_store_get(store, "sum", &sum, sizeof(sum), NULL, NULL);
    snprintf(name, sizeof(name), "%s: the sum of all adds is exact", names[backing]);
    report((uint64_t)sum == added, name);
    while (splinter_store_walk(store, "key", &cursor, key, NULL) == 1) {
        unsigned k = (unsigned)atoi(key + 3);

        if (k >= KEYS || seen[k]++)
            twice++;
    }
    snprintf(name, sizeof(name), "%s: no key is met twice", names[backing]);
    report(!twice, name);
    snprintf(name, sizeof(name), "%s: check finds nothing", names[backing]);
    report(check_store(store) == 0, name);
    splinter_store_stat(store, &st);
    snprintf(name, sizeof(name), "%s: memory is bounded", names[backing]);
    report(st.reserved_bytes < 4 << 20, name);
    splinter_store_close(store);
    if (backing != BACKING_MEMFD)
        splinter_store_unlink(place.name, place.flags);
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

static void must(int rc)
{
    if (rc)
        die("a neighbour: %s", strerror(-rc));
}

static void neighbours_come_and_go(void)
{
    const char *key = four[0], *a = four[1], *b = four[2], *c = four[3];
    uint64_t missed = 0;

    for (unsigned set = 0; set < NAME_SETS; set++) {
        struct place place;
        pthread_t looker;

        store = place_make(&place, BACKING_MEMORY, 3, 100);
        for (unsigned i = 0; i < 4; i++)
            snprintf(four[i], sizeof(four[i]), "%u-%u", set, i);
        phase = 1;
        lookers_stop = 0;
        if (pthread_create(&looker, NULL, look, &missed))
            die("cannot start a thread");
        for (unsigned i = 0; i < repeated(ROUNDS); i++) {
            /* The key leaves its hash in a place behind the one where it then is, ... */
            must(splinter_store_set(store, a, "a", 1, NULL, NULL));
            must(splinter_store_set(store, b, "b", 1, NULL, NULL));
            must(splinter_store_set(store, key, "k", 1, NULL, NULL));
            must(splinter_store_unset(store, key, 0, NULL));
            must(splinter_store_unset(store, a, 0, NULL));
            must(splinter_store_set(store, key, "k", 1, NULL, NULL));
            __atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST);
            /* ... which another key takes. */
            must(splinter_store_set(store, c, "c", 1, NULL, NULL));
            must(splinter_store_set(store, key, "K", 1, NULL, NULL));
            __atomic_add_fetch(&phase, 1, __ATOMIC_SEQ_CST);
            must(splinter_store_unset(store, c, 0, NULL));
            must(splinter_store_unset(store, key, 0, NULL));
            must(splinter_store_unset(store, b, 0, NULL));
        }
        __atomic_store_n(&lookers_stop, 1, __ATOMIC_RELAXED);
        pthread_join(looker, NULL);
        splinter_store_close(store);
        splinter_store_unlink(place.name, place.flags);
    }
    if (missed)
        printf("# not found %llu times\n", (unsigned long long)missed);
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
