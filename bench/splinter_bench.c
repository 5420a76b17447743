/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_bench.c - what splinter costs, as ratios to floors measured in the same run
 *
 *     splinter_bench [--quick] [--json] [--plot FILE] [--only NAME] [--dir DIR]
 *
 * A figure in nanoseconds says as much about the machine as about the program.  So each is set
 * against a floor: the least that any program of the kind must do, in the same process, the
 * same moment.  The two alternate (A B A B), and the median ratio of the rounds is shown.
 *
 * The floor of a lookup: FNV-1a of the key, one cache line of an index of the same size as the
 * store's, one packed record (key and value) copied out; in shared memory, like the store.
 *
 * Exit status: 0, also if a figure misses its limit; 1 if a value was torn; 2 for misuse.
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <splinter.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READERS 16

/* ---- helpers ---- */

bool quick, json;
const char *left_out;
const char *dir = ".";

uint64_t rnd(void)
{
    static uint64_t x = UINT64_C(88172645463325252);

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    return x * UINT64_C(2685821657736338717);
}

static uint64_t fnv1a_bytes(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = UINT64_C(14695981039346656037);

    while (len--) {
        h ^= *p++;
        h *= UINT64_C(1099511628211);
    }
    return h;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void *shared(size_t size)
{
    int fd = memfd_create("splinter-bench", MFD_CLOEXEC);
    void *p;

    if (fd < 0 || ftruncate(fd, (off_t)size))
        die("memfd: %s", strerror(errno));
    p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    close(fd);
    return p;
}

/* ---- the store and its floor ---- */

struct field {
    splinter_store *store;
    size_t keys;
    key_t16 *present, *absent; /* in random order */
    size_t lines;
    struct line *index;
    struct packed_record *records;
};

splinter_store *new_store(size_t slots, size_t max_value)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *store;
    int rc;

    options.flags = SPLINTER_ANONYMOUS;
    options.slots = slots;
    options.max_value = max_value;
    rc = splinter_store_open(&store, "bench", &options);
    if (rc)
        die("cannot create a store: %s: %s", strerror(-rc), splinter_last_error());
    return store;
}

static void put(splinter_store *store, const char *key, const void *val, size_t len)
{
    int rc = splinter_store_set(store, key, val, len, NULL, NULL);

    if (rc)
        die("set %s: %s", key, strerror(-rc));
}

void shuffle(key_t16 *keys, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = rnd() % i;
        key_t16 t;

        memcpy(t, keys[i - 1], sizeof(t));
        memcpy(keys[i - 1], keys[j], sizeof(t));
        memcpy(keys[j], t, sizeof(t));
    }
}

key_t16 *new_keys(size_t n)
{
    key_t16 *keys = need(malloc(n * sizeof(key_t16)));

    for (size_t i = 0; i < n; i++)
        snprintf(keys[i], sizeof(key_t16), "k%08u", (unsigned)i);
    return keys;
}

static void field_make(struct field *f, size_t keys, size_t slots)
{
    char val[VALUE];

    memset(val, 'v', sizeof(val));
    f->keys = keys;
    f->present = new_keys(keys);
    f->absent = need(malloc(keys * sizeof(key_t16)));
    f->lines = slots / 2 + 1; /* three slots to a line, filled to two thirds */
    f->index = shared(f->lines * sizeof(struct line));
    f->records = shared(keys * sizeof(struct packed_record));
    f->store = new_store(slots, MAX_VALUE);
    for (size_t i = 0; i < keys; i++) {
        snprintf(f->absent[i], sizeof(key_t16), "n%08zu", i);
        put(f->store, f->present[i], val, sizeof(val));
        memcpy(f->records[i].key, f->present[i], sizeof(key_t16));
        memset(f->records[i].value, 'v', VALUE);
    }
    for (size_t i = 0; i < f->lines; i++)
        for (int w = 0; w < 8; w++)
            f->index[i].word[w] = rnd() % keys;
    /* Each key leads to a record of its own, and to all of them: as in the store. */
    for (size_t i = 0; i < keys; i++) {
        uint64_t h = fnv1a(f->present[i]);

        f->index[(h >> 32) * f->lines >> 32].word[h & 7] = i;
    }
    shuffle(f->present, keys);
    shuffle(f->absent, keys);
}

static void field_free(struct field *f)
{
    splinter_store_close(f->store);
    munmap(f->index, f->lines * sizeof(struct line));
    munmap(f->records, f->keys * sizeof(struct packed_record));
    free(f->present);
    free(f->absent);
}

/* Each timed loop makes `ops` operations and returns nanoseconds an operation. */
#define TIMED(ops, body)                                                                           \
    uint64_t begin = now_ns();                                                                     \
    for (size_t op = 0, i = 0; op < (ops); op++) {                                                 \
        body;                                                                                      \
        if (++i == f->keys)                                                                        \
            i = 0;                                                                                 \
    }                                                                                              \
    return (double)(now_ns() - begin) / (double)(ops)

static double time_floor(struct field *f, size_t ops)
{
    struct packed_record out;

    TIMED(ops, {
        uint64_t h = fnv1a(f->present[i]);
        const struct line *line = &f->index[(h >> 32) * f->lines >> 32];

        out = f->records[line->word[h & 7]];
        used(&out);
    });
}

static double time_hit(struct field *f, size_t ops)
{
    char out[MAX_VALUE];
    size_t n, bad = 0;
    double ns;
    uint64_t begin = now_ns();

    for (size_t op = 0, i = 0; op < ops; op++) {
        bad += splinter_store_get(f->store, f->present[i], out, sizeof(out), &n, NULL) != 0;
        used(out);
        if (++i == f->keys)
            i = 0;
    }
    ns = (double)(now_ns() - begin) / (double)ops;
    if (bad)
        die("%zu gets failed", bad);
    return ns;
}

static double time_hit_with_meta(struct field *f, size_t ops)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char out[MAX_VALUE];
    size_t n, bad = 0;
    double ns;
    uint64_t begin = now_ns();

    for (size_t op = 0, i = 0; op < ops; op++) {
        bad += splinter_store_get(f->store, f->present[i], out, sizeof(out), &n, &meta) != 0;
        used(out);
        used(&meta);
        if (++i == f->keys)
            i = 0;
    }
    ns = (double)(now_ns() - begin) / (double)ops;
    if (bad)
        die("%zu gets failed", bad);
    return ns;
}

static double time_miss(struct field *f, size_t ops)
{
    char out[MAX_VALUE];
    size_t n;

    TIMED(ops, {
        int rc = splinter_store_get(f->store, f->absent[i], out, sizeof(out), &n, NULL);

        used(&rc);
    });
}

static double time_set(struct field *f, size_t ops)
{
    char val[VALUE];

    memset(val, 'w', sizeof(val));
    TIMED(ops, put(f->store, f->present[i], val, sizeof(val)));
}

typedef double timed(struct field *, size_t);

/* Rounds of all, alternately; the median of each one's ratio to another one. */
static void in_turns(struct field *f, timed *const *what, const int *base, size_t n, double *ratio,
                     double *ns)
{
    size_t ops = f->keys < 100000 ? 100000 : f->keys, rounds = quick ? 7 : 31;
    double *t = need(malloc(n * rounds * sizeof(double)));
    double *r = need(malloc(rounds * sizeof(double)));

    if (f->keys > 100000 && !quick)
        rounds = 9;
    for (size_t k = 0; k < n; k++) /* warm */
        what[k](f, ops);
    for (size_t round = 0; round < rounds; round++)
        for (size_t k = 0; k < n; k++)
            t[k * rounds + round] = what[k](f, ops);
    for (size_t k = 0; k < n; k++) {
        for (size_t round = 0; round < rounds; round++)
            r[round] = t[k * rounds + round] / t[(size_t)base[k] * rounds + round];
        ratio[k] = median(r, rounds);
    }
    for (size_t k = 0; k < n; k++)
        ns[k] = median(t + k * rounds, rounds);
    free(r);
    free(t);
}

static void bench_basic(size_t keys, size_t slots, const char *const names[4],
                        const double limits[4])
{
    static timed *const what[] = {time_floor, time_hit, time_hit_with_meta, time_miss, time_set};
    static const int base[] = {0, 0, 1, 1, 0};
    double ratio[5], ns[5];
    struct field f;

    progress(names[0]);
    field_make(&f, keys, slots);
    in_turns(&f, what, base, 5, ratio, ns);
    for (int k = 1; k < 5; k++)
        result(names[k - 1], ratio[k], limits[k - 1], ns[k], ns[base[k]], "ns", false);
    field_free(&f);
}

static void bench_keys(void)
{
    bench_basic(KEYS, SLOTS,
                (const char *const[]){"get hit, 20000 keys",
                                      "get with meta, 20000 keys, to a hit",
                                      "get miss, 20000 keys, to a hit",
                                      "set present, 20000 keys"},
                (const double[]){1.6, 1.15, 1.0, 3.0});
}

static void bench_few(void)
{
    bench_basic(100, SLOTS,
                (const char *const[]){"get hit, 100 keys", "get with meta, 100 keys, to a hit",
                                      "get miss, 100 keys, to a hit", "set present, 100 keys"},
                (const double[]){1.6 * 1.2, 1.15, 1.2, 3.0 * 1.2});
}

static void bench_many(void)
{
    bench_basic(1000000, 2500000,
                (const char *const[]){"get hit, 1000000 keys",
                                      "get with meta, 1000000 keys, to a hit",
                                      "get miss, 1000000 keys, to a hit",
                                      "set present, 1000000 keys"},
                (const double[]){1.8, 1.15, 1.2, 3.0 * 1.2});
}

static void miss_to_hit(struct field *f, const char *name)
{
    static timed *const what[] = {time_hit, time_miss};
    static const int base[] = {0, 0};
    double ratio[2], ns[2];

    in_turns(f, what, base, 2, ratio, ns);
    result(name, ratio[1], 1.0, ns[1], ns[0], "ns", false);
}

static void bench_full(void)
{
    struct field f;

    progress("every slot filled");
    field_make(&f, SLOTS, SLOTS);
    if (splinter_store_set(f.store, "one more", "v", 1, NULL, NULL) != -ENOSPC)
        die("a full store took one more key");
    miss_to_hit(&f, "get miss, every slot filled, to a hit");
    field_free(&f);
}

static void bench_churn(void)
{
    const size_t changes = quick ? 1000000 : 10000000, window = 1000;
    struct field f;
    char key[32], val[VALUE] = {0};

    progress("sets and unsets of ever new keys");
    field_make(&f, KEYS, SLOTS);
    /* A set and an unset are two changes; a thousand of the keys live at any moment. */
    for (size_t i = 0; i < changes / 2 + window; i++) {
        if (i < changes / 2) {
            snprintf(key, sizeof(key), "c%zu", i);
            put(f.store, key, val, sizeof(val));
        }
        if (i >= window) {
            snprintf(key, sizeof(key), "c%zu", i - window);
            if (splinter_store_unset(f.store, key, 0, NULL))
                die("unset %s failed", key);
        }
    }
    miss_to_hit(&f, quick ? "get miss, 1 million changes on, to hit"
                          : "get miss, 10 million changes on, to hit");
    field_free(&f);
}

/* ---- readers and a writer ---- */

struct checked {
    uint64_t id, count, fill[5], sum;
};

struct crowd {
    struct field *f;
    uint32_t go; /* 1: run, 2: end */
    uint64_t seed;
};

struct tally {
    struct crowd *crowd;
    uint64_t reads, retries, failures;
    unsigned number;
};

static void checked_make(struct checked *v, uint64_t id, uint64_t count)
{
    v->id = id;
    v->count = count;
    for (int i = 0; i < 5; i++)
        v->fill[i] = id * 31 + count * (uint64_t)(i + 7);
    v->sum = fnv1a_bytes(v, offsetof(struct checked, sum));
}

static void *crowd_read(void *arg)
{
    struct tally *t = arg;
    struct crowd *c = t->crowd;
    struct field *f = c->f;
    size_t i = t->number * 977u % f->keys;

    while (!__atomic_load_n(&c->go, __ATOMIC_ACQUIRE))
        sleep_ns(50000);
    while (__atomic_load_n(&c->go, __ATOMIC_RELAXED) == 1) {
        for (int k = 0; k < 64; k++) {
            struct splinter_meta meta = {.struct_size = sizeof(meta)};
            struct checked v;
            size_t n = 0;
            int rc = splinter_store_get(f->store, f->present[i], &v, sizeof(v), &n, &meta);

            if (rc || n != sizeof(v) || v.id != fnv1a(f->present[i]) ||
                v.sum != fnv1a_bytes(&v, offsetof(struct checked, sum)))
                t->failures++;
            t->retries += meta.retries;
            t->reads++;
            if (++i == f->keys)
                i = 0;
        }
    }
    return NULL;
}

static void *crowd_write(void *arg)
{
    struct tally *t = arg;
    struct crowd *c = t->crowd;
    uint64_t x = c->seed;

    while (!__atomic_load_n(&c->go, __ATOMIC_ACQUIRE))
        sleep_ns(50000);
    while (__atomic_load_n(&c->go, __ATOMIC_RELAXED) == 1) {
        const char *key;
        struct checked v;

        x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
        key = c->f->present[(x >> 33) % c->f->keys];
        checked_make(&v, fnv1a(key), t->reads++);
        if (splinter_store_set(c->f->store, key, &v, sizeof(v), NULL, NULL))
            t->failures++;
    }
    return NULL;
}

/* Reads a second of all readers; the writer's sets in *sets. */
static double crowd_run(struct field *f, bool writer, uint64_t *reads, uint64_t *retries,
                        double *sets)
{
    struct crowd crowd = {f, 0, rnd()};
    struct tally tally[READERS + 1] = {{0}};
    pthread_t thread[READERS + 1];
    unsigned n = READERS + writer;
    uint64_t begin, total = 0;
    double seconds;

    for (unsigned i = 0; i < n; i++) {
        tally[i].crowd = &crowd;
        tally[i].number = i;
        if (pthread_create(&thread[i], NULL, i < READERS ? crowd_read : crowd_write, &tally[i]))
            die("cannot start a thread");
    }
    sleep_ns(20000000);
    begin = now_ns();
    __atomic_store_n(&crowd.go, 1, __ATOMIC_RELEASE);
    sleep_ns(quick ? 300000000 : 1000000000);
    __atomic_store_n(&crowd.go, 2, __ATOMIC_RELEASE);
    seconds = (double)(now_ns() - begin) / 1e9;
    for (unsigned i = 0; i < n; i++) {
        pthread_join(thread[i], NULL);
        if (tally[i].failures)
            torn = true;
        if (i < READERS) {
            total += tally[i].reads;
            *retries += tally[i].retries;
        } else {
            *sets = (double)tally[i].reads / seconds;
        }
    }
    *reads += total;
    return (double)total / seconds;
}

static void bench_readers(void)
{
    enum { ROUNDS = 5 };
    double ratio[ROUNDS], with[ROUNDS], without[ROUNDS], sets = 0;
    uint64_t reads = 0, retries = 0, reads0 = 0, retries0 = 0;
    struct field f;
    const uint64_t before = torn;

    progress("16 readers and a writer");
    /* Under chrt -f the threads that come first would have the processors for ever. */
    if (sched_getscheduler(0) == SCHED_FIFO) {
        struct sched_param priority;

        sched_getparam(0, &priority);
        if (sched_setscheduler(0, SCHED_RR, &priority))
            die("sched_setscheduler: %s", strerror(errno));
    }
    field_make(&f, KEYS, SLOTS);
    for (size_t i = 0; i < f.keys; i++) {
        struct checked v;

        checked_make(&v, fnv1a(f.present[i]), 0);
        put(f.store, f.present[i], &v, sizeof(v));
    }
    for (int r = 0; r < ROUNDS; r++) {
        without[r] = crowd_run(&f, false, &reads0, &retries0, &sets);
        with[r] = crowd_run(&f, true, &reads, &retries, &sets);
        ratio[r] = with[r] / without[r];
    }
    result("16 readers, 1 writer: reads a second", median(ratio, ROUNDS), 0.9,
           median(with, ROUNDS) / 1e6, median(without, ROUNDS) / 1e6, "million/s", true);
    result("  retries in 1000 reads", 1000.0 * (double)retries / (double)reads, 1.0,
           (double)retries, (double)reads, "count", false);
    result("  integrity failures", (double)(torn && !before), 0, (double)(torn && !before), 0,
           "count", false);
    (void)sets;
    field_free(&f);
}

/* ---- waking ---- */

struct pair {
    _Alignas(64) uint32_t flag; /* futex */
    _Alignas(64) uint32_t back;
    _Alignas(64) uint32_t done; /* rounds the child has finished */
    uint64_t sent, latency;
};

static pid_t child_of(void (*run)(struct pair *, splinter_store *, uint32_t), struct pair *pair,
                      splinter_store *store, uint32_t rounds)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(pair, store, rounds);
        _exit(0);
    }
    return pid;
}

static void child_end(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) < 0 || status)
        die("the other process failed");
}

static void landed(struct pair *p, uint32_t round)
{
    p->latency = now_ns() - p->sent;
    __atomic_store_n(&p->done, round + 1, __ATOMIC_RELEASE);
}

static void sleep_bare(struct pair *p, splinter_store *store, uint32_t rounds)
{
    (void)store;
    for (uint32_t i = 0; i < rounds; i++) {
        while (__atomic_load_n(&p->flag, __ATOMIC_ACQUIRE) == i)
            syscall(SYS_futex, &p->flag, FUTEX_WAIT, i, NULL, NULL, 0);
        landed(p, i);
    }
}

static void sleep_ours(struct pair *p, splinter_store *store, uint32_t rounds)
{
    uint64_t epoch = 0;

    if (splinter_store_wait(store, "ping", 0, SPLINTER_FOREVER, &epoch))
        _exit(1);
    __atomic_store_n(&p->back, 1, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < rounds; i++) {
        if (splinter_store_wait(store, "ping", epoch, SPLINTER_FOREVER, &epoch))
            _exit(1);
        landed(p, i);
    }
}

/* Median latency from before the change to the return of the waiter. */
static double wake_run(splinter_store *store, bool ours, uint32_t rounds)
{
    struct pair *p = shared(sizeof(*p));
    double *ns = need(malloc(rounds * sizeof(double))), m;
    pid_t pid;

    if (ours)
        put(store, "ping", "x", 1);
    pid = child_of(ours ? sleep_ours : sleep_bare, p, store, rounds);
    while (ours && !__atomic_load_n(&p->back, __ATOMIC_ACQUIRE))
        sleep_ns(100000);
    for (uint32_t i = 0; i < rounds; i++) {
        sleep_ns(400000); /* whatever spins first has gone to sleep by now */
        p->sent = now_ns();
        if (ours) {
            put(store, "ping", "x", 1);
        } else {
            __atomic_store_n(&p->flag, i + 1, __ATOMIC_RELEASE);
            syscall(SYS_futex, &p->flag, FUTEX_WAKE, 1, NULL, NULL, 0);
        }
        while (__atomic_load_n(&p->done, __ATOMIC_ACQUIRE) != i + 1)
            sleep_ns(20000);
        ns[i] = (double)p->latency;
    }
    child_end(pid);
    m = median(ns, rounds);
    free(ns);
    munmap(p, sizeof(*p));
    return m;
}

static void spin_bare(struct pair *p, splinter_store *store, uint32_t rounds)
{
    (void)store;
    for (uint32_t i = 0; i < rounds; i++) {
        while (__atomic_load_n(&p->flag, __ATOMIC_ACQUIRE) == i)
            relax();
        __atomic_store_n(&p->back, i + 1, __ATOMIC_RELEASE);
    }
}

static void spin_ours(struct pair *p, splinter_store *store, uint32_t rounds)
{
    uint64_t epoch = 0;

    (void)p;
    for (uint32_t i = 0; i < rounds; i++)
        if (splinter_store_wait(store, "ping", epoch, SPLINTER_FOREVER, &epoch) ||
            splinter_store_set(store, "pong", &i, sizeof(i), NULL, NULL))
            _exit(1);
}

/* Nanoseconds a hand-over, two of which make a round. */
static double spin_run(bool ours, uint32_t rounds)
{
    struct pair *p = shared(sizeof(*p));
    splinter_store *store = new_store(100, 64);
    pid_t pid = child_of(ours ? spin_ours : spin_bare, p, store, rounds);
    uint64_t begin = 0, epoch = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        if (i == rounds / 10)
            begin = now_ns();
        if (ours) {
            put(store, "ping", &i, sizeof(i));
            if (splinter_store_wait(store, "pong", epoch, SPLINTER_FOREVER, &epoch))
                die("wait failed");
        } else {
            __atomic_store_n(&p->flag, i + 1, __ATOMIC_RELEASE);
            while (__atomic_load_n(&p->back, __ATOMIC_ACQUIRE) != i + 1)
                relax();
        }
    }
    begin = now_ns() - begin;
    child_end(pid);
    splinter_store_close(store);
    munmap(p, sizeof(*p));
    return (double)begin / (rounds - rounds / 10) / 2;
}

static void bench_wake(void)
{
    enum { ROUNDS = 7 };
    double ours[ROUNDS], bare[ROUNDS], ratio[ROUNDS], wall;
    splinter_store *store = new_store(100, 64);
    struct rusage before, after;
    uint64_t epoch, begin;
    double cpu;

    progress("waking a sleeping process");
    for (int r = 0; r < ROUNDS; r++) {
        bare[r] = wake_run(store, false, quick ? 100 : 500);
        ours[r] = wake_run(store, true, quick ? 100 : 500);
        ratio[r] = ours[r] / bare[r];
    }
    result("wake of a sleeping process", median(ratio, ROUNDS), 1.3, median(ours, ROUNDS),
           median(bare, ROUNDS), "ns", false);

    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        progress("handing over to a spinning process");
        for (int r = 0; r < ROUNDS; r++) {
            bare[r] = spin_run(false, quick ? 20000 : 200000);
            ours[r] = spin_run(true, quick ? 20000 : 200000);
            ratio[r] = ours[r] / bare[r];
        }
        result("hand-over to a spinning process", median(ratio, ROUNDS), 2.0, median(ours, ROUNDS),
               median(bare, ROUNDS), "ns", false);
    }

    progress("a sleeping poll");
    if (splinter_store_set(store, "still", "x", 1, NULL, &epoch))
        die("set failed");
    begin = now_ns();
    getrusage(RUSAGE_THREAD, &before);
    if (splinter_store_wait(store, "still", epoch, quick ? 500 : 2000, NULL) != -ETIMEDOUT)
        die("a wait for nothing did not time out");
    getrusage(RUSAGE_THREAD, &after);
    wall = (double)(now_ns() - begin) / 1e6;
    cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                   after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e3 +
          (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                   after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e3;
    result("CPU of a sleeping poll", cpu / wall, 0.01, cpu, wall, "ms", false);
    splinter_store_close(store);
}

/* ---- memory ---- */

static double resident_kib(splinter_store *store)
{
    struct stat st;

    if (fstat(splinter_store_fd(store), &st))
        die("fstat: %s", strerror(errno));
    return (double)st.st_blocks / 2;
}

static void bench_memory(void)
{
    enum { ROUNDS = 15 };
    splinter_store *store;
    char key[16], val[VALUE] = {0};
    double ms[ROUNDS], kib;

    progress("memory");
    store = new_store(SLOTS, 65536);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "k%08u", i);
        put(store, key, val, sizeof(val));
    }
    kib = resident_kib(store);
    result("20000 x 64 bytes, max_value 64 KiB", kib / 8192, 1, kib, 8192, "KiB", false);
    splinter_store_close(store);

    for (int r = 0; r < ROUNDS; r++) {
        uint64_t begin = now_ns();

        store = new_store(1000000, MAX_VALUE);
        ms[r] = (double)(now_ns() - begin) / 1e6;
        kib = resident_kib(store);
        splinter_store_close(store);
    }
    result("empty store of 1000000 slots", kib / 1024, 1, kib, 1024, "KiB", false);
    result("its creation", median(ms, ROUNDS) / 2, 1, median(ms, ROUNDS) * 1e3, 2000, "us", false);
}

/* ---- */

static const struct {
    const char *name;
    void (*run)(void);
} groups[] = {
    {"keys", bench_keys},   {"few", bench_few},         {"many", bench_many},
    {"full", bench_full},   {"churn", bench_churn},     {"readers", bench_readers},
    {"wake", bench_wake},   {"memory", bench_memory},
    {"first", bench_first}, {"again", bench_again},     {"large", bench_large},
    {"sizes", bench_sizes}, {"processes", bench_processes}, {"writers", bench_writers},
    {"feed", bench_feed},   {"watch", bench_watch},     {"topic", bench_topic},
    {"queue", bench_queue},
    {"file", bench_file_calls}, {"sync", bench_file_sync}, {"space", bench_file_space},
    {"rebuild", bench_file_rebuild},
};
#define GROUPS (sizeof(groups) / sizeof(*groups))

static void usage(FILE *to)
{
    fputs("usage: splinter_bench [--quick] [--json] [--plot FILE] [--only NAME] [--dir DIR]\n\n"
          "  --quick      fewer and shorter rounds\n"
          "  --json       the figures as JSON\n"
          "  --plot FILE  also write a picture of them, as SVG\n"
          "  --only NAME  one group of figures; may be given several times\n"
          "  --dir DIR    where the stores that are files are made, instead of here\n\n"
          "NAME is one of:",
          to);
    for (size_t i = 0; i < GROUPS; i++)
        fprintf(to, " %s", groups[i].name);
    fputc('\n', to);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"plot", required_argument, NULL, 'p'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool wanted[GROUPS] = {false}, any = false;
    const char *plot = NULL;
    FILE *picture = NULL;
    size_t g;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'q') {
            quick = true;
        } else if (c == 'j') {
            json = true;
        } else if (c == 'o') {
            for (g = 0; g < GROUPS && strcmp(optarg, groups[g].name); g++)
                ;
            if (g == GROUPS) {
                fprintf(stderr, "splinter_bench: --only: there is no group '%s'\n", optarg);
                usage(stderr);
                return 2;
            }
            any = wanted[g] = true;
        } else if (c == 'p') {
            plot = optarg;
        } else if (c == 'd') {
            dir = optarg;
        } else {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "splinter_bench: '%s' is one argument too many\n", argv[optind]);
        usage(stderr);
        return 2;
    }
    /* Before the minutes that it takes, not after. */
    if (plot && !(picture = fopen(plot, "we")))
        die("cannot write the plot to '%s': %s", plot, strerror(errno));
    for (g = 0; g < GROUPS; g++)
        if (!any || wanted[g])
            groups[g].run();
    progress(NULL);
    print_results();
    if (picture) {
        write_plot(picture);
        if (ferror(picture) | fclose(picture))
            die("cannot write the plot to '%s': %s", plot, strerror(errno));
    }
    return torn ? 1 : 0;
}
