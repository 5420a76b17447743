/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writers.c - what processes that set at the same time cost each other
 *
 *   16 processes    of 15 threads in a store nine tenths full.  Each thread has keys of its own,
 *                   whose values have random sizes.  To one process of 15 threads that share the
 *                   same keys out among them.
 *   two writers     in two processes, on keys of their own and on one key, to one writer
 */
#include "bench.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <splinter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 16, THREADS = 15, MEMBERS = PROCESSES * THREADS };

/* What a crew shares.  A member is a thread that sets; it writes its own part, and rests while the
 * others read that. */
struct board {
    uint32_t round;   /* futex: the number of the round, from 1 on; OVER: no more */
    uint32_t stopped; /* the last round that has ended */
    uint32_t resting; /* members that wait for the next one */
    struct member {
        _Alignas(64) uint64_t sets; /* in the last round; the failed ones do not count */
        uint64_t wall_ns, cpu_ns;   /* how long that took, and how much of it on a processor */
        uint64_t tried, failed;     /* in all rounds, and before the first */
    } member[MEMBERS];
};
#define OVER UINT32_MAX

/* Processes that set, round after round. */
struct crew {
    splinter_store *store;
    const key_t16 *keys;
    size_t count;      /* of keys */
    bool one_key;      /* all members set the same one; otherwise each has keys of its own */
    bool random_sizes; /* 1 to MAX_VALUE; otherwise VALUE */
    unsigned processes, threads;
    struct board *board;
    pid_t pid[PROCESSES];
};

struct task {
    const struct crew *crew;
    unsigned number;
};

static uint64_t next(uint64_t *x)
{
    *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *x >> 33;
}

static bool has_ended(const struct board *board, uint32_t round)
{
    return __atomic_load_n(&board->stopped, __ATOMIC_RELAXED) == round;
}

static void *member_run(void *arg)
{
    const struct task *task = arg;
    const struct crew *crew = task->crew;
    struct board *board = crew->board;
    struct member *me = &board->member[task->number];
    size_t share = crew->one_key ? 1 : crew->count / (crew->processes * crew->threads);
    const key_t16 *keys = crew->one_key ? crew->keys : crew->keys + task->number * share;
    uint64_t x = task->number + 1;
    uint32_t round = 0;
    char value[MAX_VALUE];
    size_t key = 0;

    memset(value, 'v', sizeof(value));
    do {
        uint64_t wall = now_ns(), cpu = cpu_ns(), sets = 0;

        /* Before the first round each key is set once. */
        for (size_t i = 0; round ? !has_ended(board, round) : i < share; i++) {
            size_t size = crew->random_sizes ? 1 + next(&x) % MAX_VALUE : VALUE;

            if (!splinter_store_set(crew->store, keys[key], value, size, NULL, NULL))
                sets++;
            else
                me->failed++;
            me->tried++;
            key = key + 1 == share ? 0 : key + 1;
        }
        me->sets = sets;
        me->cpu_ns = cpu_ns() - cpu;
        me->wall_ns = now_ns() - wall;
        __atomic_add_fetch(&board->resting, 1, __ATOMIC_RELEASE);
        for (uint32_t last = round; round == last;) {
            syscall(SYS_futex, &board->round, FUTEX_WAIT, last, NULL, NULL, 0);
            round = __atomic_load_n(&board->round, __ATOMIC_ACQUIRE);
        }
    } while (round != OVER);
    return NULL;
}

static void process_run(const struct crew *crew, unsigned process)
{
    pthread_t thread[THREADS];
    struct task task[THREADS];

    for (unsigned i = 0; i < crew->threads; i++) {
        task[i] = (struct task){crew, process * crew->threads + i};
        if (pthread_create(&thread[i], NULL, member_run, &task[i]))
            die("cannot start a thread");
    }
    for (unsigned i = 0; i < crew->threads; i++)
        pthread_join(thread[i], NULL);
}

static void crew_rest(struct crew *crew)
{
    unsigned members = crew->processes * crew->threads;

    while (__atomic_load_n(&crew->board->resting, __ATOMIC_ACQUIRE) != members) {
        sleep_ns(100000);
        for (unsigned i = 0; i < crew->processes; i++)
            if (waitpid(crew->pid[i], NULL, WNOHANG))
                die("another process failed");
    }
}

/* Under chrt -f, a crew as large as the number of processors would have them for ever, and nobody
 * could end a round.  So two writers stay one priority below this process, and many are not at
 * real-time priority at all. */
static void make_way(const struct crew *crew, bool child)
{
    struct sched_param priority;
    int policy = sched_getscheduler(0);

    if ((policy != SCHED_FIFO && policy != SCHED_RR) || sched_getparam(0, &priority))
        return;
    if (child && crew->threads > 1) {
        policy = SCHED_OTHER;
        priority.sched_priority = 0;
    } else if (child) {
        priority.sched_priority--;
    } else if (priority.sched_priority < 2) {
        priority.sched_priority = 2;
    }
    if (sched_setscheduler(0, policy, &priority))
        die("sched_setscheduler: %s", strerror(errno));
}

static void crew_start(struct crew *crew)
{
    make_way(crew, false);
    crew->board = shared(sizeof(*crew->board));
    fflush(NULL);
    for (unsigned i = 0; i < crew->processes; i++) {
        crew->pid[i] = fork();
        if (crew->pid[i] < 0)
            die("fork: %s", strerror(errno));
        if (!crew->pid[i]) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            make_way(crew, true);
            process_run(crew, i);
            _exit(0);
        }
    }
    crew_rest(crew);
}

static void crew_go(struct crew *crew, uint32_t round)
{
    __atomic_store_n(&crew->board->resting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&crew->board->round, round, __ATOMIC_RELEASE);
    syscall(SYS_futex, &crew->board->round, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* A round of that many nanoseconds: the sets a second of all members. */
static double crew_round(struct crew *crew, uint64_t ns)
{
    struct board *board = crew->board;
    uint64_t sets = 0, begin = now_ns();
    double seconds;

    crew_go(crew, board->round + 1);
    sleep_ns(ns);
    __atomic_store_n(&board->stopped, board->round, __ATOMIC_RELEASE);
    seconds = (double)(now_ns() - begin) / 1e9;
    crew_rest(crew);
    for (unsigned i = 0; i < crew->processes * crew->threads; i++)
        sets += board->member[i].sets;
    return (double)sets / seconds;
}

static void crew_end(struct crew *crew)
{
    int status;

    crew_go(crew, OVER);
    for (unsigned i = 0; i < crew->processes; i++)
        if (waitpid(crew->pid[i], &status, 0) < 0 || status)
            die("another process failed");
    munmap(crew->board, sizeof(*crew->board));
}

/* ---- 16 processes of 15 threads ---- */

void bench_processes(void)
{
    enum { ROUNDS = 5, EACH = 9, COUNT = MEMBERS * EACH };
    const size_t rounds = quick ? 3 : ROUNDS;
    double rate[2][ROUNDS], ratio[ROUNDS];
    uint64_t tried = 0, failed = 0;
    key_t16 *keys = new_keys(COUNT);

    progress("16 processes of 15 threads");
    shuffle(keys, COUNT);
    for (size_t r = 0; r < rounds; r++) {
        for (int many = 0; many < 2; many++) {
            struct crew crew = {.store = new_store(COUNT / 9 * 10, MAX_VALUE), .keys = keys,
                                .count = COUNT, .random_sizes = true, .threads = THREADS,
                                .processes = many ? PROCESSES : 1};

            crew_start(&crew);
            rate[many][r] = crew_round(&crew, quick ? 200000000 : 1000000000) / 1e6;
            for (unsigned i = 0; i < MEMBERS; i++) {
                tried += crew.board->member[i].tried;
                failed += crew.board->member[i].failed;
            }
            crew_end(&crew);
            splinter_store_close(crew.store);
        }
        ratio[r] = rate[1][r] / rate[0][r];
    }
    result("16 processes of 15 threads, to one", median(ratio, rounds), 0.8,
           median(rate[1], rounds), median(rate[0], rounds), "million/s", true);
    result("  16 processes: sets that failed", (double)failed, 0, (double)failed, (double)tried,
           "count", false);
    free(keys);
}

/* ---- two writers ---- */

/* Had each writer a processor for itself, in nearly all of the round? */
static bool undisturbed(const struct crew *crew, uint64_t ns)
{
    for (unsigned i = 0; i < crew->processes; i++) {
        const struct member *m = &crew->board->member[i];

        if (m->wall_ns < ns / 10 * 9 || m->cpu_ns < m->wall_ns / 100 * 95)
            return false;
    }
    return true;
}

/* Rounds of one writer and of two, alternately.  They are short, and one counts if no other program
 * had the processors meanwhile: two writers that run one after the other tell nothing.  If the
 * machine is too busy for any such round, all count. */
static void two_writers(splinter_store *store, const key_t16 *keys, bool one_key, double *ratio,
                        double *both, double *alone, double *share)
{
    enum { MOST = 101 };
    const size_t wanted = quick ? 15 : MOST;
    const uint64_t ns = 4000000, longest = quick ? UINT64_C(1000000000) : UINT64_C(4000000000);
    double v[4][MOST];
    struct crew one = {.store = store, .keys = keys, .count = KEYS, .one_key = one_key,
                       .threads = 1, .processes = 1};
    struct crew two = one;
    size_t n = 0, calm = 0;
    uint64_t end;

    two.processes = 2;
    crew_start(&one);
    crew_start(&two);
    end = now_ns() + longest;
    while (calm < wanted && now_ns() < end) {
        const struct member *m = two.board->member;
        double a = crew_round(&one, ns), b = crew_round(&two, ns), x, y;

        if (undisturbed(&one, ns) && undisturbed(&two, ns))
            n = calm++; /* the first one in the place of those that were not */
        else if (calm || n == wanted)
            continue;
        x = (double)m[0].sets;
        y = (double)m[1].sets;
        v[0][n] = b / a;
        v[1][n] = b / 1e6;
        v[2][n] = a / 1e6;
        v[3][n] = (x < y ? x : y) / (x + y);
        n++;
    }
    crew_end(&one);
    crew_end(&two);
    if (!calm)
        fputs("splinter_bench: the machine is busy: two writers hardly ran at the same time; try "
              "chrt -f 1\n", stderr);
    *ratio = median(v[0], n);
    *both = median(v[1], n);
    *alone = median(v[2], n);
    *share = median(v[3], n);
}

void bench_writers(void)
{
    double ratio, both, alone, share;
    splinter_store *store;
    key_t16 *keys;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    progress("two writers");
    keys = new_keys(KEYS);
    shuffle(keys, KEYS);
    store = new_store(SLOTS, MAX_VALUE);
    two_writers(store, keys, false, &ratio, &both, &alone, &share);
    result("two writers, keys of their own, to one", ratio, 1.6, both, alone, "million/s", true);
    two_writers(store, keys, true, &ratio, &both, &alone, &share);
    result("two writers, one key, to one writer", ratio, 0.3, both, alone, "million/s", true);
    result("  the slower one's share of the sets", share, 0.25, share * 100, 100, "%", true);
    splinter_store_close(store);
    free(keys);
}
