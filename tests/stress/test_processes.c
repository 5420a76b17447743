/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_processes.c - many processes on few keys; some are killed, one is stopped
 *
 * TAP by hand; loops are counted, the seed is printed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"
#include "value.h"

#define WRITERS 5
#define READERS 2
#define WORKERS (WRITERS + READERS)
#define KEYS 24
#define KILLS 100
#define MAX_VALUE 900 /* of the store; a struct value fits */

/* What the workers tell, in memory of its own: it must not depend on what is tested. */
struct tally {
    uint64_t ops, torn, wrong, again, added, backwards;
    int64_t first_wrong;
};

struct board {
    uint32_t stop;
    struct tally worker[WORKERS];
};

static struct board *board;
static struct place place;
static splinter_store *store;

static void tell(bool ok, const char *what)
{
    report(ok, "%s: %s", backing_names[place.backing], what);
}

static void one_walk(splinter_store *s, struct tally *t)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;

    for (int i = 0; splinter_store_walk(s, "key", &cursor, key, NULL) == 1; i++)
        if (i > 100 * KEYS) {
            t->wrong++;
            break;
        }
}

static void wrong(struct tally *t, int rc)
{
    if (!t->wrong++)
        t->first_wrong = rc;
}

/* Until it is told to stop, or killed.  `first` keys are left alone. */
static void work(unsigned number, uint64_t seed, unsigned first, bool reads_only)
{
    splinter_store *s;
    struct tally *t = &board->worker[number];
    uint64_t seen[KEYS] = {0};
    int rc = place_open(&place, reads_only ? SPLINTER_RDONLY : 0, &s);

    if (rc) {
        wrong(t, rc);
        _exit(1);
    }
    while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
        uint64_t r = random_next(&seed) >> 20;
        unsigned k = first + (unsigned)(r % (KEYS - first));
        unsigned what = reads_only ? (r >> 12) % 46 : (r >> 12) % 100;
        struct splinter_set_options options = {.struct_size = sizeof(options)};
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        struct value v;
        char key[16];
        size_t n = 0;

        rc = 0;
        snprintf(key, sizeof(key), "key%u", k);
        if (what < 45) {
            rc = splinter_store_get(s, key, &v, sizeof(v), &n, &meta);
            if (!rc) {
                t->torn += !value_whole(&v, n, k);
                t->backwards += meta.epoch < seen[k];
                seen[k] = meta.epoch;
            }
        } else if (what < 46) {
            one_walk(s, t);
        } else if (what < 84) {
            n = value_make(&v, k, number, t->ops, (r >> 24) % sizeof(v.fill));
            if (what < 54) {
                options.flags = SPLINTER_IF_ABSENT;
            } else if (what < 60) {
                options.flags = SPLINTER_IF_EPOCH;
                options.if_epoch = seen[k];
            } else if (what < 65) {
                options.ttl_ns = 1 + (r >> 24) % 200000;
            }
            rc = splinter_store_set(s, key, &v, n, if_any(&options), &seen[k]);
        } else if (what < 94) {
            rc = splinter_store_unset(s, key, what < 87 ? seen[k] : 0, NULL);
        } else {
            rc = splinter_store_add(s, "sum", (int64_t)(r >> 40), NULL);
            if (!rc)
                t->added += r >> 40;
        }
        t->again += rc == -EAGAIN;
        if (rc && rc != -EAGAIN && rc != -ENOENT && rc != -EEXIST && rc != -ESTALE)
            wrong(t, rc);
        t->ops++;
    }
    splinter_store_close(s);
    _exit(0);
}

static pid_t start(unsigned number, uint64_t seed, unsigned first, bool reads_only)
{
    pid_t pid = fork_bound_child();

    if (!pid)
        work(number, seed ? seed : 1, first, reads_only);
    return pid;
}

static void begin(int backing)
{
    memset(board, 0, sizeof(*board));
    store = place_make(&place, backing, 100, MAX_VALUE);
}

static void end(void)
{
    place_end(&place, store);
}

static struct tally total(void)
{
    struct tally sum = {0};

    for (int i = 0; i < WORKERS; i++) {
        const struct tally *t = &board->worker[i];

        sum.ops += t->ops;
        sum.torn += t->torn;
        sum.wrong += t->wrong;
        sum.again += t->again;
        sum.added += t->added;
        sum.backwards += t->backwards;
        if (t->first_wrong)
            sum.first_wrong = t->first_wrong;
    }
    return sum;
}

/* No key twice, every value whole, nothing wrong, and every key can be used by a survivor. */
static void aftermath(void)
{
    char key[SPLINTER_KEY_MAX];
    int seen[KEYS] = {0}, twice = 0, torn = 0, refused = 0;
    uint64_t cursor = 0;
    struct value v;
    size_t n;

    while (splinter_store_walk(store, "key", &cursor, key, NULL) == 1) {
        unsigned k = (unsigned)atoi(key + 3);

        if (k >= KEYS || seen[k]++)
            twice++;
        else if (!splinter_store_get(store, key, &v, sizeof(v), &n, NULL))
            torn += !value_whole(&v, n, k);
    }
    /* [P3] */
    tell(!twice, "no key is met twice");
    tell(!torn, "every value that is there is whole");
    tell(check_store(store) == 0, "check finds nothing");
    for (unsigned k = 0; k < KEYS; k++) {
        int rc;

        snprintf(key, sizeof(key), "key%u", k);
        n = value_make(&v, k, 99, k, 100);
        rc = splinter_store_set(store, key, &v, n, NULL, NULL);
        if (rc || splinter_store_unset(store, key, 0, NULL)) {
            printf("# %s: %d\n", key, rc);
            refused++;
        }
    }
    /* [P2] */
    tell(!refused, "a survivor can set and unset every key");
    tell(check_store(store) == 0, "check finds nothing after that");
}

static void everybody_lives(int backing)
{
    pid_t pid[WORKERS];
    struct tally sum;
    int64_t added = 0;
    bool clean = true;

    begin(backing);
    for (unsigned i = 0; i < WORKERS; i++)
        pid[i] = start(i, support_seed * (i + 3), 0, i >= WRITERS);
    sleep_ms(700);
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        clean &= reap(pid[i]) == 0;
    sum = total();
    printf("# %llu operations, %llu times EAGAIN, first unexpected result %lld\n",
           (unsigned long long)sum.ops, (unsigned long long)sum.again,
           (long long)sum.first_wrong);
    tell(clean, "every process ends well");
    /* [P1] */
    tell(!sum.torn, "no value is torn");
    tell(!sum.wrong, "no call fails that may not");
    tell(!sum.again || SLOW_HERE, "nobody is told to try again" SKIP_WHERE_SLOW);
    /* [P8] */
    tell(!sum.backwards, "the epochs of a key only rise");
    splinter_store_get(store, "sum", &added, sizeof(added), NULL, NULL);
    tell((uint64_t)added == sum.added, "the sum of all adds is exact");
    aftermath();
    end();
}

static void writers_are_killed(int backing)
{
    uint64_t seed = support_seed + 77;
    pid_t pid[WORKERS];
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct tally sum;
    bool clean = true;

    begin(backing);
    for (unsigned i = 0; i < WORKERS; i++)
        pid[i] = start(i, support_seed * (i + 3), 0, i >= WRITERS);
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned victim = (unsigned)(random_next(&seed) >> 33) % WRITERS;

        nap(&seed, 16000);
        kill(pid[victim], SIGKILL);
        if (reap(pid[victim]) != 1000 + SIGKILL)
            clean = false;
        pid[victim] = start(victim, random_next(&seed), 0, false);
    }
    sleep_ms(50);
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        clean &= reap(pid[i]) == 0;
    sum = total();
    printf("# %llu operations, %d kills, %llu times EAGAIN, first unexpected result %lld\n",
           (unsigned long long)sum.ops, KILLS, (unsigned long long)sum.again,
           (long long)sum.first_wrong);
    tell(clean, "only the killed die");
    /* [P1] */
    tell(!sum.torn, "no value is torn by a kill");
    tell(!sum.wrong, "no call fails that may not after a kill");
    tell(!sum.again || SLOW_HERE, "a death makes nobody try again" SKIP_WHERE_SLOW);
    /* [P8] */
    tell(!sum.backwards, "the epochs of a key only rise over kills");
    splinter_store_stat(store, &st);
    tell(st.reserved_bytes < 4 << 20, "memory is bounded over kills");
    aftermath();
    end();
}

/* One writer stops again and again, wherever it is; those who work on other keys never notice. */
static void a_writer_is_stopped(int backing)
{
    uint64_t seed = support_seed + 99, again = 0, bad = 0;
    struct value v;
    pid_t pid;
    char key[16];
    size_t n;

    begin(backing);
    pid = start(0, support_seed, KEYS / 2, false);
    for (int round = 0; round < 100; round++) {
        int status;

        nap(&seed, 3000);
        kill(pid, SIGSTOP);
        while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
            ;
        for (unsigned i = 0; i < 400; i++) {
            unsigned k = i % (KEYS / 2);
            int rc;

            snprintf(key, sizeof(key), "key%u", k);
            n = value_make(&v, k, 1, i, i);
            rc = splinter_store_set(store, key, &v, n, NULL, NULL);
            again += rc == -EAGAIN;
            bad += rc && rc != -EAGAIN;
            rc = splinter_store_get(store, key, &v, sizeof(v), &n, NULL);
            again += rc == -EAGAIN;
            bad += rc ? rc != -EAGAIN : !value_whole(&v, n, k);
            if (i % 2) {
                rc = splinter_store_unset(store, key, 0, NULL);
                again += rc == -EAGAIN;
                bad += rc && rc != -EAGAIN;
            }
        }
        kill(pid, SIGCONT);
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    tell(reap(pid) == 0, "the stopped writer ends well");
    if (again)
        printf("# %llu times EAGAIN\n", (unsigned long long)again);
    /* [P2] */
    tell(!again, "users of other keys never see EAGAIN while a writer is stopped");
    tell(!bad, "users of other keys get what they set");
    tell(!board->worker[0].torn && !board->worker[0].wrong, "the stopped writer goes on well");
    aftermath();
    end();
}

#define CROWD 64

/* Nobody is stopped, and there are many more of them than processors. */
static void a_crowd_on_one_key(int backing)
{
    static const char bytes[800];
    uint64_t *again = shared_memory(2 * sizeof(*again)), *bad = again + 1;
    pid_t pid[CROWD];
    unsigned dead = 0;

    begin(backing);
    for (unsigned p = 0; p < CROWD; p++) {
        pid[p] = fork_bound_child();
        if (pid[p])
            continue;
        uint64_t seed = support_seed * 5 + p;
        for (unsigned i = repeated(40000); i; i--) {
            uint64_t r = random_next(&seed) >> 33;
            int rc = r & 1 ? splinter_store_unset(store, "one", 0, NULL)
                           : splinter_store_set(store, "one", bytes, 1 + r % sizeof(bytes), NULL,
                                                NULL);

            __atomic_add_fetch(again, rc == -EAGAIN, __ATOMIC_RELAXED);
            __atomic_add_fetch(bad, rc && rc != -EAGAIN && rc != -ENOENT, __ATOMIC_RELAXED);
        }
        _exit(0);
    }
    for (unsigned p = 0; p < CROWD; p++)
        dead += reap(pid[p]) != 0;
    if (*again)
        printf("# %llu times EAGAIN\n", (unsigned long long)*again);
    /* [P2] */
    tell(!*again || SLOW_HERE, "a crowd on one key never sees EAGAIN" SKIP_WHERE_SLOW);
    tell(!*bad && !dead, "a crowd on one key sees no other error");
    tell(check_store(store) == 0, "a crowd leaves the store in order");
    end();
}

int main(void)
{
    support_start();
    board = shared_memory(sizeof(*board));
    printf("1..%d\n", (6 + 5 + 6 + 5 + 4 + 5 + 3) * BACKINGS);
    for (int backing = 0; backing < BACKINGS; backing++) {
        everybody_lives(backing);
        writers_are_killed(backing);
        a_writer_is_stopped(backing);
        a_crowd_on_one_key(backing);
    }
    return 0;
}
