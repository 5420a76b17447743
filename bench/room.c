/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room.c - what a new key, a large value and a change of sizes cost
 *
 *   first set       of 20,000 new keys in a new store, to the same 20,000 records and lines of an
 *                   index written to fresh shared memory: reserved and faulted in by large steps
 *   set after unset of a key of 20,000 that was unset a moment ago, to a set of a present key
 *   64 KiB, 1 MiB   get to memcpy out of shared memory, set to memcpy into it; the part of a set
 *                   that zeroes the old value has a row of its own
 *   changing sizes  of 100,000 values, ten times over: the most that the store ever reserved, to
 *                   what new stores reserve that get the values of one moment each
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <splinter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- helpers ---- */

typedef double timer(void *arg); /* returns nanoseconds or microseconds for an operation */

/* Rounds of all, alternately; the median of each, and of its ratio to the first one.  Each timer
 * counts only the time that it has a processor, because none waits for anything. */
static void alternate(timer *const *what, size_t n, void *arg, double *ratio, double *ns)
{
    size_t rounds = quick ? 11 : 31;
    double *t = need(malloc(n * rounds * sizeof(double)));
    double *r = need(malloc(rounds * sizeof(double)));

    for (size_t k = 0; k < n; k++) /* warm */
        what[k](arg);
    for (size_t round = 0; round < rounds; round++)
        for (size_t k = 0; k < n; k++)
            t[k * rounds + round] = what[k](arg);
    for (size_t k = 0; k < n; k++) {
        for (size_t round = 0; round < rounds; round++)
            r[round] = t[k * rounds + round] / t[round];
        ratio[k] = median(r, rounds);
    }
    for (size_t k = 0; k < n; k++)
        ns[k] = median(t + k * rounds, rounds);
    free(r);
    free(t);
}

static void set_or_die(splinter_store *store, const char *key, const void *value, size_t len)
{
    int rc = splinter_store_set(store, key, value, len, NULL, NULL);

    if (rc)
        die("set %s: %s", key, strerror(-rc));
}

/* ---- the first set of a key ---- */

/* Shared memory that grows by steps.  Each step is reserved, so that it can be touched, and
 * faulted in with one call where the kernel has that (5.14). */
struct fresh {
    int fd;
    char *start;
    size_t size, ready;
};

static struct fresh fresh_make(size_t size)
{
    struct fresh f = {.fd = memfd_create("splinter-bench", MFD_CLOEXEC)};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (f.fd < 0)
        die("memfd: %s", strerror(errno));
    f.size = (size + page - 1) / page * page;
    f.start = mmap(NULL, f.size, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
    if (f.start == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    return f;
}

static void fresh_free(const struct fresh *f)
{
    munmap(f->start, f->size);
    close(f->fd);
}

static void fresh_grow(struct fresh *f)
{
    const size_t most = 1 << 20;
    size_t step = f->size - f->ready < most ? f->size - f->ready : most;

    if (fallocate(f->fd, 0, (off_t)f->ready, (off_t)step))
        die("fallocate: %s", strerror(errno));
    if (madvise(f->start + f->ready, step, MADV_POPULATE_WRITE) && errno != EINVAL)
        die("madvise: %s", strerror(errno));
    f->ready += step;
}

static double first_floor(void *arg)
{
    const key_t16 *keys = arg;
    const size_t lines = SLOTS / 2 + 1;
    struct fresh index = fresh_make(lines * sizeof(struct line));
    struct fresh records = fresh_make(KEYS * sizeof(struct packed_record));
    char value[VALUE];
    uint64_t begin;
    double ns;

    memset(value, 'v', sizeof(value));
    begin = cpu_ns();
    while (index.ready < index.size)
        fresh_grow(&index);
    for (size_t i = 0; i < KEYS; i++) {
        struct packed_record *record = (void *)(records.start + i * sizeof(*record));
        uint64_t h = fnv1a(keys[i]);
        struct line *line = (void *)(index.start + ((h >> 32) * lines >> 32) * sizeof(*line));

        if (records.ready < (i + 1) * sizeof(*record))
            fresh_grow(&records);
        memcpy(record->key, keys[i], sizeof(record->key));
        memcpy(record->value, value, sizeof(record->value));
        line->word[h & 7] = i;
        used(record);
    }
    ns = (double)(cpu_ns() - begin) / KEYS;
    fresh_free(&index);
    fresh_free(&records);
    return ns;
}

static double first_set(void *arg)
{
    const key_t16 *keys = arg;
    splinter_store *store = new_store(SLOTS, MAX_VALUE);
    char value[VALUE];
    uint64_t begin;
    double ns;

    memset(value, 'v', sizeof(value));
    begin = cpu_ns();
    for (size_t i = 0; i < KEYS; i++)
        set_or_die(store, keys[i], value, sizeof(value));
    ns = (double)(cpu_ns() - begin) / KEYS;
    splinter_store_close(store);
    return ns;
}

void bench_first(void)
{
    static timer *const what[] = {first_floor, first_set};
    double ratio[2], ns[2];
    key_t16 *keys = new_keys(KEYS);

    progress("the first set of a key");
    shuffle(keys, KEYS);
    alternate(what, 2, keys, ratio, ns);
    result("first set of a new key, 20000 keys", ratio[1], 2.0, ns[1], ns[0], "ns", false);
    free(keys);
}

/* ---- the set of a key that was unset ---- */

struct again {
    splinter_store *store;
    key_t16 *keys;
};

/* Sets all keys, a batch at a time; if asked, unsets each batch before, which is not timed. */
static double time_again(const struct again *a, bool unset)
{
    const size_t batch = 1000;
    char value[VALUE];
    uint64_t ns = 0;

    memset(value, 'w', sizeof(value));
    for (size_t first = 0; first < KEYS; first += batch) {
        const key_t16 *keys = a->keys + first;
        uint64_t begin;

        for (size_t i = 0; unset && i < batch; i++)
            if (splinter_store_unset(a->store, keys[i], 0, NULL))
                die("unset %s failed", keys[i]);
        begin = cpu_ns();
        for (size_t i = 0; i < batch; i++)
            set_or_die(a->store, keys[i], value, sizeof(value));
        ns += cpu_ns() - begin;
    }
    return (double)ns / KEYS;
}

static double again_present(void *arg)
{
    return time_again(arg, false);
}

static double again_unset(void *arg)
{
    return time_again(arg, true);
}

void bench_again(void)
{
    static timer *const what[] = {again_present, again_unset};
    struct again a = {new_store(SLOTS, MAX_VALUE), new_keys(KEYS)};
    double ratio[2], ns[2];

    progress("the set of a key that was unset");
    shuffle(a.keys, KEYS);
    for (size_t i = 0; i < KEYS; i++)
        set_or_die(a.store, a.keys[i], "x", 1);
    alternate(what, 2, &a, ratio, ns);
    result("set of an unset key, to a present one", ratio[1], 2.2, ns[1], ns[0], "ns", false);
    splinter_store_close(a.store);
    free(a.keys);
}

/* ---- large values ---- */

/* As many values of each size as are 8 MiB together: more than a cache of one processor holds. */
struct large {
    splinter_store *store;
    key_t16 *keys;
    char *floor; /* the same values, in shared memory; a page lies between two */
    char *mine;  /* one value in memory of this process */
    size_t size, count, stride;
};

/* Twice each value; microseconds for one. */
#define TIMED(l, body)                                                                             \
    uint64_t begin = cpu_ns();                                                                     \
    for (int twice = 0; twice < 2; twice++)                                                        \
        for (size_t i = 0; i < (l)->count; i++)                                                    \
            body;                                                                                  \
    return (double)(cpu_ns() - begin) / (double)(2 * (l)->count) / 1e3

static double large_out(void *arg)
{
    const struct large *l = arg;

    TIMED(l, {
        memcpy(l->mine, l->floor + i * l->stride, l->size);
        used(l->mine);
    });
}

static double large_get(void *arg)
{
    const struct large *l = arg;
    size_t n;

    TIMED(l, {
        if (splinter_store_get(l->store, l->keys[i], l->mine, l->size, &n, NULL))
            die("get %s failed", l->keys[i]);
        used(l->mine);
    });
}

static double large_in(void *arg)
{
    const struct large *l = arg;

    TIMED(l, {
        memcpy(l->floor + i * l->stride, l->mine, l->size);
        used(l->floor);
    });
}

static double large_set(void *arg)
{
    const struct large *l = arg;

    TIMED(l, set_or_die(l->store, l->keys[i], l->mine, l->size));
}

static double large_zero(void *arg)
{
    const struct large *l = arg;

    TIMED(l, {
        memset(l->floor + i * l->stride, 0, l->size);
        used(l->floor);
    });
}

static void bench_size(size_t size, const char *const names[3])
{
    static timer *const get[] = {large_out, large_get};
    static timer *const set[] = {large_in, large_set, large_zero};
    const size_t count = (8 << 20) / size, stride = size + 4096;
    struct large l = {
        .store = new_store(count, size),
        .keys = new_keys(count),
        .floor = shared(count * stride),
        .mine = need(malloc(size)),
        .size = size,
        .count = count,
        .stride = stride,
    };
    double ratio[3], us[3];

    progress(names[0]);
    memset(l.mine, 'v', size);
    memset(l.floor, 'v', count * stride);
    for (size_t i = 0; i < count; i++)
        set_or_die(l.store, l.keys[i], l.mine, size);
    alternate(get, 2, &l, ratio, us);
    result(names[0], ratio[1], 1.1, us[1], us[0], "us", false);
    alternate(set, 3, &l, ratio, us);
    result(names[1], ratio[1], 1.6, us[1], us[0], "us", false);
    result(names[2], ratio[2], NO_LIMIT, us[2], us[0], "us", false);
    splinter_store_close(l.store);
    munmap(l.floor, count * stride);
    free(l.mine);
    free(l.keys);
}

void bench_large(void)
{
    bench_size(64 << 10, (const char *const[]){"get of 64 KiB, to memcpy",
                                               "set of 64 KiB, to memcpy",
                                               "  of that, zeroing: memset of 64 KiB"});
    bench_size(1 << 20, (const char *const[]){"get of 1 MiB, to memcpy", "set of 1 MiB, to memcpy",
                                              "  of that, zeroing: memset of 1 MiB"});
}

/* ---- sizes that change ---- */

enum { SIZED = 100000, SIZE_MAX_BYTES = 1000, SIZE_MIN_BYTES = 10, MOMENTS = 11 };

/* Random, large or small sizes: each changes into each. */
static const char moments[MOMENTS + 1] = "RLSLRSRLRSL";

static size_t size_at(int moment, size_t key)
{
    uint64_t x = ((uint64_t)moment << 32 | key) * UINT64_C(0x9e3779b97f4a7c15);

    if (moments[moment] == 'L')
        return SIZE_MAX_BYTES;
    if (moments[moment] == 'S')
        return SIZE_MIN_BYTES;
    x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return 1 + (x >> 32) % SIZE_MAX_BYTES;
}

static uint64_t reserved(splinter_store *store)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    if (splinter_store_stat(store, &st))
        die("stat failed");
    return st.reserved_bytes;
}

/* Sets all keys.  *most becomes what was reserved meanwhile, if that is more.  After 100 sets that
 * failed it leaves it at that: a store that is out of room may take long to say so. */
static void sized_set(splinter_store *store, key_t16 *keys, int moment, uint64_t *most,
                      uint64_t *tried, uint64_t *failed)
{
    static const char value[SIZE_MAX_BYTES] = "v";
    uint64_t failed_now = 0;

    shuffle(keys, SIZED);
    for (size_t i = 0; i < SIZED; i++) {
        /* The number is in the name, which a shuffle does not change. */
        size_t size = size_at(moment, strtoul(keys[i] + 1, NULL, 10));

        ++*tried;
        if (splinter_store_set(store, keys[i], value, size, NULL, NULL)) {
            ++*failed;
            if (++failed_now == 100)
                return;
        }
        if (i % 1000 == 0 || i == SIZED - 1) {
            uint64_t now = reserved(store);

            *most = now > *most ? now : *most;
        }
    }
}

void bench_sizes(void)
{
    uint64_t most = 0, needed = 0, tried = 0, failed = 0;
    key_t16 *keys = new_keys(SIZED);
    splinter_store *store;

    progress("changing sizes");
    for (int moment = 0; moment < MOMENTS; moment++) {
        if (moments[moment] != 'R' && strchr(moments, moments[moment]) != moments + moment)
            continue; /* the same sizes again */
        store = new_store(SIZED, SIZE_MAX_BYTES);
        sized_set(store, keys, moment, &needed, &tried, &failed);
        splinter_store_close(store);
    }
    store = new_store(SIZED, SIZE_MAX_BYTES);
    for (int moment = 0; moment < MOMENTS; moment++)
        sized_set(store, keys, moment, &most, &tried, &failed);
    splinter_store_close(store);
    result("memory after 10 changes of all sizes", (double)most / (double)needed, 1.5,
           (double)most / (1 << 20), (double)needed / (1 << 20), "MiB", false);
    result("  changing sizes: sets that failed", (double)failed, 0, (double)failed, (double)tried,
           "count", false);
    free(keys);
}
