/* SPDX-License-Identifier: Apache-2.0 */
/* room.c - what the tests of room in a store share; see room.h */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

unsigned many(unsigned times, unsigned least)
{
    unsigned n = repeated(getenv("SPLINTER_TEST_SHORT") ? times / 4 : times);

    return n > least ? n : least;
}

unsigned more(unsigned times, unsigned if_long)
{
    return getenv("SPLINTER_TEST_LONG") ? if_long : times;
}

/* ---- items ---- */

static void *memory(size_t size)
{
    void *p = calloc(1, size);

    if (!p)
        die("no memory for %zu bytes", size);
    return p;
}

struct worker *worker_make(splinter_store *store, unsigned keys, uint32_t longest)
{
    struct worker *w = memory(sizeof(*w));

    w->store = store;
    w->seed = support_seed;
    w->keys = keys;
    w->longest = longest;
    w->tally = memory(sizeof(*w->tally));
    w->items = memory(keys * sizeof(*w->items));
    w->bytes = memory((size_t)longest + 8);
    return w;
}

void worker_free(struct worker *w)
{
    free(w->bytes);
    free(w->items);
    free(w->tally);
    free(w);
}

bool tally_is_good(const struct tally *t)
{
    if (t->refused)
        printf("# %" PRIu64 " of %" PRIu64 " sets ended with ENOSPC; first of %s\n", t->refused,
               t->sets, t->first_refusal);
    if (t->failed)
        printf("# %" PRIu64 " calls failed, one of them with %s\n", t->failed,
               strerror((int)-t->first_failure));
    if (t->torn)
        printf("# %" PRIu64 " values are not what was set\n", t->torn);
    return !t->refused && !t->failed && !t->torn;
}

/* From what the bytes of a value follow. */
static uint64_t beginning(unsigned k, struct item item)
{
    uint64_t x = (k + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) ^
                 (item.version + UINT64_C(1)) * UINT64_C(0xc2b2ae3d27d4eb4f) ^
                 (item.size + UINT64_C(1)) * UINT64_C(0x165667b19e3779f9);

    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (x ^ x >> 33) | 1;
}

static void make_value(unsigned char *bytes, unsigned k, struct item item)
{
    uint64_t state = beginning(k, item);

    for (size_t at = 0; at < item.size; at += 8) { /* there is room for eight bytes more */
        uint64_t word = random_next(&state);

        memcpy(bytes + at, &word, 8);
    }
}

static bool value_is(const unsigned char *bytes, unsigned k, struct item item)
{
    uint64_t state = beginning(k, item);

    for (size_t at = 0; at < item.size; at += 8) {
        uint64_t word = random_next(&state);

        if (memcmp(bytes + at, &word, item.size - at < 8 ? item.size - at : 8))
            return false;
    }
    return true;
}

static uint64_t count(uint64_t *what)
{
    return __atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static void failed(struct worker *w, int rc)
{
    if (count(&w->tally->failed) == 1)
        w->tally->first_failure = rc;
}

bool item_set(struct worker *w, unsigned k, uint32_t size)
{
    struct item next = {size, w->common ? 0 : w->items[k].version + 1};
    struct tally *t = w->tally;
    char key[24];
    uint64_t n;
    int rc;

    snprintf(key, sizeof(key), "key-%u", k);
    make_value(w->bytes, k, next);
    rc = splinter_store_set(w->store, key, w->bytes, size, NULL, NULL);
    n = count(&t->sets);
    if (!rc) {
        if (!w->common)
            w->items[k] = next;
        return true;
    }
    if (rc == -EAGAIN && w->locked_out)
        return false;
    w->tired = true;
    if (rc != -ENOSPC)
        failed(w, rc);
    else if (count(&t->refused) == 1)
        snprintf(t->first_refusal, sizeof(t->first_refusal),
                 "process %u, thread %u: set %" PRIu64 ", %u bytes for %s (\"%.150s\")",
                 w->process, w->thread, n, size, key, splinter_last_error());
    return false;
}

void item_unset(struct worker *w, unsigned k)
{
    char key[24];
    int rc;

    snprintf(key, sizeof(key), "key-%u", k);
    rc = splinter_store_unset(w->store, key, 0, NULL);
    if (rc == -EAGAIN && w->locked_out)
        return;
    if (rc)
        failed(w, rc);
    else
        w->items[k].size = 0;
}

void item_look(struct worker *w, unsigned k)
{
    struct item item = w->items[k];
    char key[24];
    size_t len = 0;
    int rc;

    snprintf(key, sizeof(key), "key-%u", k);
    rc = splinter_store_get(w->store, key, w->bytes, w->longest, &len, NULL);
    if (w->common)
        item = (struct item){(uint32_t)len, 0};
    if (rc && rc != -ENOENT)
        failed(w, rc);
    else if (rc ? item.size : len != item.size || !value_is(w->bytes, k, item))
        count(&w->tally->torn);
}

uint32_t random_size(uint64_t *seed, uint32_t most)
{
    uint64_t r = random_next(seed) >> 16;
    unsigned doublings = 0;

    while (most >> doublings > 1)
        doublings++;
    r = (UINT64_C(1) << r % (doublings + 1)) + (r >> 8) % (UINT64_C(1) << r % (doublings + 1));
    return r < most ? (uint32_t)r : most;
}

/* ---- a crew ---- */

struct crew *crew_make(const struct place *place, unsigned processes, unsigned threads,
                       unsigned keys, bool common, uint32_t longest)
{
    unsigned all = common ? keys : processes * threads * keys;
    struct crew *crew = memory(sizeof(*crew));

    if (processes > CREW_MOST || pipe2(crew->leave, O_CLOEXEC))
        die("no crew of %u", processes);
    crew->place = place;
    crew->threads = threads;
    crew->keys = keys;
    crew->common = common;
    crew->all_keys = all;
    crew->longest = longest;
    crew->tally = shared_memory(sizeof(*crew->tally));
    crew->items = shared_memory(all * sizeof(*crew->items));
    return crew;
}

void crew_free(struct crew *crew)
{
    munmap(crew->tally, sizeof(*crew->tally));
    munmap(crew->items, crew->all_keys * sizeof(*crew->items));
    free(crew);
}

static void await_end(int fd)
{
    ssize_t n;
    char c;

    do
        n = read(fd, &c, 1);
    while (n > 0 || (n < 0 && errno == EINTR));
}

struct hand {
    pthread_t thread;
    struct worker worker;
    struct crew *crew;
    sem_t *done;
};

static void *hand_works(void *arg)
{
    struct hand *h = arg;

    h->crew->work(&h->worker);
    sem_post(h->done);
    await_end(h->crew->leave[0]); /* its lane stays its own */
    return NULL;
}

__attribute__((noreturn)) static void member_works(struct crew *crew, unsigned number, int done)
{
    struct hand *hands = memory(crew->threads * sizeof(*hands));
    splinter_store *store;
    sem_t ready;
    int rc;

    close(crew->leave[1]);
    rc = place_open(crew->place, 0, &store);
    if (rc)
        die("process %u cannot open the store: %s (%s)", number, strerror(-rc),
            splinter_last_error());
    sem_init(&ready, 0, 0);
    for (unsigned t = 0; t < crew->threads; t++) {
        struct worker *w = &hands[t].worker;

        w->process = number;
        w->thread = t;
        w->common = crew->common;
        w->keys = crew->keys;
        w->first = crew->common ? 0 : (number * crew->threads + t) * crew->keys;
        w->seed = (support_seed + number * 1000 + t + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        w->store = store;
        w->tally = crew->tally;
        w->items = crew->items;
        w->longest = crew->longest;
        w->bytes = memory((size_t)crew->longest + 8);
        hands[t].crew = crew;
        hands[t].done = &ready;
        if (pthread_create(&hands[t].thread, NULL, hand_works, &hands[t]))
            die("process %u cannot start thread %u", number, t);
    }
    for (unsigned t = 0; t < crew->threads; t++)
        while (sem_wait(&ready))
            ;
    close(done);
    for (unsigned t = 0; t < crew->threads; t++)
        pthread_join(hands[t].thread, NULL);
    splinter_store_close(store);
    _exit(0);
}

void crew_hire(struct crew *crew, void (*work)(struct worker *w))
{
    unsigned number = crew->count++;
    int done[2];
    pid_t pid;

    if (pipe2(done, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    crew->work = work;
    pid = fork_bound_child();
    if (!pid)
        member_works(crew, number, done[1]);
    close(done[1]);
    crew->member[number].pid = pid;
    crew->member[number].done = done[0];
}

void crew_wait(struct crew *crew, unsigned which)
{
    if (crew->member[which].done >= 0) {
        await_end(crew->member[which].done);
        close(crew->member[which].done);
    }
    crew->member[which].done = -1;
}

void crew_kill(struct crew *crew, unsigned which)
{
    kill(crew->member[which].pid, SIGKILL);
}

bool crew_dismiss(struct crew *crew)
{
    unsigned odd = 0;

    for (unsigned i = 0; i < crew->count; i++)
        crew_wait(crew, i);
    for (unsigned i = 1; i < crew->count; i += 2)
        crew_kill(crew, i);
    close(crew->leave[1]);
    for (unsigned i = 0; i < crew->count; i++)
        odd += reap(crew->member[i].pid) != (i % 2 ? 1000 + SIGKILL : 0);
    close(crew->leave[0]);
    if (odd)
        printf("# %u processes ended as they should not\n", odd);
    return !odd;
}

/* ---- what is left ---- */

unsigned unset_all(splinter_store *store)
{
    char key[SPLINTER_KEY_MAX];
    unsigned stay = 0;
    uint64_t cursor = 0;

    while (splinter_store_walk(store, NULL, &cursor, key, NULL) == 1)
        stay += splinter_store_unset(store, key, 0, NULL) != 0;
    return stay;
}

bool leaves_nothing(splinter_store *store)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    unsigned stay = unset_all(store);
    int problems = check_store(store), synced = splinter_store_sync(store);

    must(splinter_store_stat(store, &st), "stat");
    if (!stay && !problems && !synced && !st.keys && !st.used_bytes && st.attached == 1)
        return true;
    printf("# %u keys could not be unset, %" PRIu64 " are left; check: %d, sync: %d; %" PRIu64
           " bytes in use; %" PRIu32 " attached\n", stay, st.keys, problems, synced, st.used_bytes,
           st.attached);
    return false;
}

bool there_is_memory(const splinter_store *store, uint64_t bytes)
{
    struct statvfs fs;

    /* A memfd belongs to a file system without a limit of its own. */
    if (fstatvfs(splinter_store_fd(store), &fs) || !fs.f_blocks)
        return true;
    return (uint64_t)fs.f_bavail * fs.f_frsize >= bytes;
}
