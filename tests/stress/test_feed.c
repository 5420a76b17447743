/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_feed.c - many processes change a few keys, and some are killed; followers keep the account
 *
 * Each change that a writer made is told, or part of a gap; and the last that is told of each key
 * is what the store has in the end.  One follower may write, one may only read, and one begins
 * again where it was, again and again.  TAP by hand; the seed is printed.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "support.h"
#include "tap.h"

#define WRITERS 3
#define THREADS 2
#define KEYS 20
#define KILLS 30
#define EPOCHS (1u << 22) /* that are looked at */
#define FEED_MOST (sizeof(void *) == 8 ? 65536u : 256u)

enum { WRITES, READS, RESUMES, FOLLOWERS };
static const char *const follower_names[FOLLOWERS] = {"one that may write", "one that only reads",
                                                      "one that begins again"};

/* In memory of its own: it must not depend on what is tested. */
struct board {
    uint32_t stop, quiet, following;
    uint32_t failed;     /* calls of writers */
    int failed_with;
    uint64_t made;       /* changes that writers made */
    unsigned differs[FOLLOWERS];
    struct account account[FOLLOWERS];
    uint8_t acked[EPOCHS];            /* the change of this epoch was made, its writer says */
    uint8_t told[FOLLOWERS][EPOCHS];
};

static struct board *board;
static struct place place;

static bool is_set(uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

/* ---- writers ---- */

struct job {
    splinter_store *store;
    uint64_t seed;
};

/* Keys of all lengths, so that entries take one line to five. */
static void key_name(char *key, unsigned n)
{
    int len = snprintf(key, SPLINTER_KEY_MAX, "key%u", n);

    memset(key + len, 'k', n * 12 + 1);
    key[len + n * 12 + 1] = '\0';
}

static void *write_some(void *arg)
{
    struct job job = *(struct job *)arg;
    char key[SPLINTER_KEY_MAX];

    while (!is_set(&board->stop)) {
        uint64_t r = random_next(&job.seed) >> 20, epoch = 0;
        struct splinter_set_options life = {.struct_size = sizeof(life), .ttl_ns = 1000};
        int rc;

        key_name(key, (unsigned)(r % KEYS));
        r >>= 10;
        if (r % 10 < 6)
            rc = splinter_store_set(job.store, key, &r, sizeof(r), NULL, &epoch);
        else if (r % 10 == 6)
            rc = splinter_store_set(job.store, key, &r, sizeof(r), &life, &epoch);
        else if (r % 10 == 7)
            rc = splinter_store_touch(job.store, key, &epoch);
        else
            rc = splinter_store_unset(job.store, key, 0, NULL);
        if (rc && rc != -ENOENT && rc != -EAGAIN) {
            board->failed_with = rc;
            __atomic_fetch_add(&board->failed, 1, __ATOMIC_SEQ_CST);
        }
        if (!rc)
            __atomic_fetch_add(&board->made, 1, __ATOMIC_RELAXED);
        if (!rc && epoch < EPOCHS)
            __atomic_store_n(&board->acked[epoch], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static pid_t start_writer(uint64_t seed)
{
    pid_t pid = fork_bound_child();

    if (!pid) {
        pthread_t thread[THREADS];
        struct job job[THREADS];
        splinter_store *s = place_again(&place, 0);

        for (int i = 0; i < THREADS; i++) {
            job[i] = (struct job){s, seed + (uint64_t)i};
            if (pthread_create(&thread[i], NULL, write_some, &job[i]))
                _exit(1);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(thread[i], NULL);
        splinter_store_close(s);
        _exit(0);
    }
    return pid;
}

/* ---- followers ---- */

static splinter_feed *follow_from(splinter_store *s, const struct splinter_feed_position *from)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o), .flags = SPLINTER_FEED_STATE};
    splinter_feed *feed = NULL;
    int rc;

    if (from) {
        o.flags |= SPLINTER_FEED_FROM;
        o.from = *from;
    }
    rc = splinter_feed_open(&feed, s, &o);
    if (rc)
        die("feed: %s (%s)", strerror(-rc), splinter_last_error());
    return feed;
}

static void follow(unsigned which)
{
    splinter_store *s = place_again(&place, which == READS ? SPLINTER_RDONLY : 0);
    struct account *a = &board->account[which];
    struct splinter_feed_position at;
    splinter_feed *feed = follow_from(s, NULL);
    unsigned events = 0, silent = 0;

    __atomic_fetch_add(&board->following, 1, __ATOMIC_SEQ_CST);
    while (silent < 3) { /* in the end nothing comes any more */
        struct splinter_event e;
        bool quiet = is_set(&board->quiet);
        int rc;

        e.struct_size = sizeof(e);
        rc = splinter_feed_next(feed, &e, NULL, 0, 100);
        if (rc) {
            silent = quiet ? silent + 1 : 0;
            if (rc != -ETIMEDOUT)
                _exit(1);
            continue;
        }
        account_add(a, &e);
        if (e.epoch < EPOCHS)
            board->told[which][e.epoch] = 1;
        if (e.what == SPLINTER_EVENT_GAP)
            memset(board->told[which], 1, EPOCHS); /* of those up to now it says nothing */
        if (which == RESUMES && ++events % 1000 == 0) {
            splinter_feed_position(feed, &at);
            splinter_feed_close(feed);
            feed = follow_from(s, &at);
            a->ready = true;
        }
    }
    splinter_feed_close(feed);
    splinter_store_close(s);
    _exit(0);
}

/* ---- all together ---- */

static unsigned untold(unsigned which, const char *what)
{
    unsigned n = 0;

    for (unsigned e = 1; e < EPOCHS; e++)
        if (board->acked[e] && !board->told[which][e] && n++ < 5)
            printf("# %s was not told of epoch %u\n", what, e);
    return n;
}

static void judge(splinter_store *s)
{
    printf("# %s: %llu changes\n", backing_names[place.backing],
           (unsigned long long)board->made);
    /* [P11] */
    report(!board->failed, "%s: no change failed (%d)", backing_names[place.backing],
           board->failed_with);
    for (unsigned f = 0; f < FOLLOWERS; f++) {
        struct account *a = &board->account[f];

        printf("# %s: %llu told, %llu gaps, %llu superseded, %llu late\n", follower_names[f],
               (unsigned long long)a->changes, (unsigned long long)a->gaps,
               (unsigned long long)a->superseded, (unsigned long long)a->late);
        bool all = !account_differs(a, s) && !untold(f, follower_names[f]) && a->ready;

        /* [P10] */
        report(all, "%s: %s was told of all", backing_names[place.backing], follower_names[f]);
    }
    /* [P10] */
    report(!account_of(s), "%s: so is who begins with the state", backing_names[place.backing]);
    report(!check_store(s), "%s: the store is whole", backing_names[place.backing]);
}

static void play(int backing, size_t feed)
{
    uint64_t seed = support_seed;
    pid_t writer[WRITERS], follower[FOLLOWERS];
    splinter_store *s;
    bool came_back = true;

    memset(board, 0, sizeof(*board));
    place_feed = feed;
    s = place_make(&place, backing, KEYS * 2, 64);
    for (unsigned f = 0; f < FOLLOWERS; f++)
        if (!(follower[f] = fork_bound_child()))
            follow(f);
    while (__atomic_load_n(&board->following, __ATOMIC_SEQ_CST) < FOLLOWERS)
        sleep_ms(1);
    for (unsigned w = 0; w < WRITERS; w++)
        writer[w] = start_writer(random_next(&seed));
    for (unsigned n = 0; n < repeated(KILLS); n++) {
        unsigned w = (unsigned)(random_next(&seed) >> 40) % WRITERS;

        sleep_ms(20);
        kill(writer[w], n % 3 ? SIGKILL : SIGSTOP);
        if (n % 3 == 0) { /* long enough for followers to give up on its number */
            sleep_ms(30);
            kill(writer[w], SIGCONT);
            continue;
        }
        reap(writer[w]);
        writer[w] = start_writer(random_next(&seed));
    }
    board->stop = 1;
    for (unsigned w = 0; w < WRITERS; w++)
        reap(writer[w]);
    splinter_store_sweep(s);
    board->quiet = 1;
    for (unsigned f = 0; f < FOLLOWERS; f++)
        came_back &= !reap(follower[f]);
    report(came_back, "%s: the followers came back", backing_names[backing]);
    judge(s);
    place_end(&place, s);
}

int main(void)
{
    support_start_in_memory();
    board = shared_memory(sizeof(*board));
#ifdef TEST_PERSISTENT
    play(BACKING_FILE, FEED_MOST);
#else
    play(BACKING_MEMORY, FEED_MOST);
    play(BACKING_MEMFD, 64); /* followers that cannot keep up */
#endif
    return tap_end();
}
