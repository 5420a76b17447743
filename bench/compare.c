/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - two builds of the library, side by side in one process
 *
 *     compare OLD.so NEW.so [ROUNDS]
 *
 * Both are loaded, each with a store of its own, and take turns of some milliseconds, in an order
 * that alternates.  So whatever the machine does meanwhile, it does to both.  Of each operation the
 * table has the ratio new / old first: the median over all rounds of the ratio of a pair of turns,
 * and the middle half of them; then the nanoseconds of either (medians).
 */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <splinter.h>

#define KEYS 20000
#define HOT 64

struct build {
    const char *path;
    splinter_store *store;
    int (*open)(splinter_store **, const char *, const struct splinter_open_options *);
    void (*close)(splinter_store *);
    int (*get)(splinter_store *, const char *, void *, size_t, size_t *, struct splinter_meta *);
    int (*set)(splinter_store *, const char *, const void *, size_t,
               const struct splinter_set_options *, uint64_t *);
    int (*unset)(splinter_store *, const char *, uint64_t, size_t *);
};

static char names[KEYS][16], fresh[KEYS][16];
static char value[64];
static uint32_t order[KEYS];

static void *find(void *library, const char *path, const char *name)
{
    void *call = dlsym(library, name);

    if (!call) {
        fprintf(stderr, "compare: %s has no %s\n", path, name);
        exit(1);
    }
    return call;
}

static void load(struct build *b, const char *path)
{
    struct splinter_open_options o = {.struct_size = sizeof(o),
                                      .flags = SPLINTER_ANONYMOUS,
                                      .slots = 2 * KEYS,
                                      .max_value = 65536};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int rc;

    if (!library) {
        fprintf(stderr, "compare: %s\n", dlerror());
        exit(1);
    }
    b->path = path;
    *(void **)&b->open = find(library, path, "splinter_store_open");
    *(void **)&b->close = find(library, path, "splinter_store_close");
    *(void **)&b->get = find(library, path, "splinter_store_get");
    *(void **)&b->set = find(library, path, "splinter_store_set");
    *(void **)&b->unset = find(library, path, "splinter_store_unset");
    rc = b->open(&b->store, NULL, &o);
    for (unsigned i = 0; !rc && i < KEYS; i++)
        rc = b->set(b->store, names[i], value, sizeof(value), NULL, NULL);
    /* The room for the new keys was used once: what is measured is the set, not the first page. */
    for (unsigned i = 0; !rc && i < KEYS; i++)
        rc = b->set(b->store, fresh[i], value, sizeof(value), NULL, NULL);
    for (unsigned i = 0; !rc && i < KEYS; i++)
        rc = b->unset(b->store, fresh[i], 0, NULL);
    if (rc) {
        fprintf(stderr, "compare: %s: %s\n", path, strerror(-rc));
        exit(1);
    }
}

/* ---- what is measured: each does n operations and returns how many failed ---- */

static unsigned get_all(struct build *b, unsigned n)
{
    unsigned bad = 0;
    char out[64];
    size_t len;

    for (unsigned i = 0; i < n; i++)
        bad += b->get(b->store, names[order[i % KEYS]], out, sizeof(out), &len, NULL) != 0;
    return bad;
}

static unsigned get_hot(struct build *b, unsigned n)
{
    unsigned bad = 0;
    char out[64];
    size_t len;

    for (unsigned i = 0; i < n; i++)
        bad += b->get(b->store, names[i % HOT], out, sizeof(out), &len, NULL) != 0;
    return bad;
}

static unsigned get_meta(struct build *b, unsigned n)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    unsigned bad = 0;
    char out[64];
    size_t len;

    for (unsigned i = 0; i < n; i++)
        bad += b->get(b->store, names[order[i % KEYS]], out, sizeof(out), &len, &meta) != 0;
    return bad;
}

static unsigned set_all(struct build *b, unsigned n)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        bad += b->set(b->store, names[order[i % KEYS]], value, sizeof(value), NULL, NULL) != 0;
    return bad;
}

static unsigned set_hot(struct build *b, unsigned n)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        bad += b->set(b->store, names[i % HOT], value, sizeof(value), NULL, NULL) != 0;
    return bad;
}

/* With an option, or a larger value, a set takes the slow path. */
static unsigned set_typed(struct build *b, unsigned n)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = SPLINTER_TYPE_TEXT};
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        bad += b->set(b->store, names[order[i % KEYS]], value, sizeof(value), &o, NULL) != 0;
    return bad;
}

static unsigned set_new(struct build *b, unsigned n)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        bad += b->set(b->store, fresh[order[i % KEYS]], value, sizeof(value), NULL, NULL) != 0;
    return bad;
}

static unsigned unset_all(struct build *b, unsigned n)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < n; i++)
        bad += b->unset(b->store, fresh[order[i % KEYS]], 0, NULL) != 0;
    return bad;
}

static unsigned miss(struct build *b, unsigned n)
{
    unsigned bad = 0;
    char out[64];
    size_t len;

    for (unsigned i = 0; i < n; i++)
        bad += b->get(b->store, fresh[order[i % KEYS]], out, sizeof(out), &len, NULL) == 0;
    return bad;
}

static const struct {
    const char *name;
    unsigned (*run)(struct build *b, unsigned n);
} rows[] = {
    {"get, 20,000 keys", get_all},      {"get, 64 keys", get_hot},
    {"get with meta", get_meta},        {"get of an absent key", miss},
    {"set, 20,000 keys", set_all},      {"set, 64 keys", set_hot},
    {"set with a type", set_typed},     {"set of a new key", set_new},
    {"unset", unset_all},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double turn(struct build *b, unsigned row)
{
    double begin = now_ns();
    unsigned bad = rows[row].run(b, KEYS);
    double ns = (now_ns() - begin) / KEYS;

    if (bad) {
        fprintf(stderr, "compare: %s: %u of %d failed: %s\n", rows[row].name, bad, KEYS, b->path);
        exit(1);
    }
    return ns;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 101;
    static struct build old, new;
    double *times[ROWS][3]; /* old, new, ratio */

    if (argc < 3 || argc > 4 || rounds < 5 || rounds > 100000) {
        fprintf(stderr, "usage: compare OLD.so NEW.so [ROUNDS]   (5 to 100000 rounds)\n");
        return 2;
    }
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof(names[i]), "key-%u", i);
        snprintf(fresh[i], sizeof(fresh[i]), "new-%u", i);
        order[i] = (uint32_t)((uint64_t)i * 7919 % KEYS); /* 7919 is prime, so each comes once */
    }
    memset(value, 'v', sizeof(value));
    load(&old, argv[1]);
    load(&new, argv[2]);
    for (unsigned row = 0; row < ROWS; row++)
        for (unsigned k = 0; k < 3; k++)
            if (!(times[row][k] = calloc(rounds, sizeof(double))))
                return 1;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned row = 0; row < ROWS; row++) {
            double a, b;

            if (round & 1) {
                b = turn(&new, row);
                a = turn(&old, row);
            } else {
                a = turn(&old, row);
                b = turn(&new, row);
            }
            times[row][0][round] = a;
            times[row][1][round] = b;
            times[row][2][round] = b / a;
        }
    printf("%-22s %9s  %-15s %8s %8s\n", "", "new / old", "middle half", "old, ns", "new, ns");
    for (unsigned row = 0; row < ROWS; row++) {
        for (unsigned k = 0; k < 3; k++)
            qsort(times[row][k], rounds, sizeof(double), by_size);
        printf("%-22s %9.3f  %.3f to %.3f  %8.1f %8.1f\n", rows[row].name,
               times[row][2][rounds / 2], times[row][2][rounds / 4],
               times[row][2][rounds - 1 - rounds / 4], times[row][0][rounds / 2],
               times[row][1][rounds / 2]);
        for (unsigned k = 0; k < 3; k++)
            free(times[row][k]);
    }
    old.close(old.store);
    new.close(new.store);
    return 0;
}
