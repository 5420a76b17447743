/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_queues.c - producers and workers of one queue; some are killed, some are stopped
 *
 * Each process notes in memory of its own what it is about to do, and what came of it.  So the test
 * knows of each item whether it must be there, and who may have it.  A worker that gets an item
 * which another one has not let go of looks whether that one has been killed before.  TAP by hand;
 * loops are counted, the seed is printed.
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

#define PRODUCERS 2
#define WORKERS 4
#define ALL (PRODUCERS + WORKERS)
#define CAPACITY 16
#define LONGEST 3000
#define KILLS 60
#define LIVES 4096        /* processes that the test may start */
#define MOST (1u << 20)   /* items of each producer that the account has room for */

struct job {
    uint32_t producer, serial; /* of its producer, from 1 */
    uint32_t length, check;
};

/* What is known of one item.  Whoever tells it may be killed, but not in the middle of one word. */
struct entry {
    uint32_t pushed;   /* 1: the push returned */
    uint32_t holder;   /* life of the worker that has it; 0: nobody */
    uint32_t ending;   /* 1: a worker is about to acknowledge it */
    uint32_t done;     /* how many acknowledgements returned */
    uint32_t delivery; /* of the last hand-out */
};

struct board {
    uint32_t stop;
    uint32_t serial[PRODUCERS]; /* of the item that the producer began last */
    uint32_t wrong, handed_out, again, given_back, lives;
    int32_t wrong_rc, wrong_line;
    uint64_t killed[LIVES]; /* when the process was going to be killed, in nanoseconds; 0: not */
    struct entry entry[PRODUCERS][MOST];
};

static struct board *board;
static struct place place;
static uint32_t life; /* number of this process, from 1 */

static bool stopped(void)
{
    return __atomic_load_n(&board->stop, __ATOMIC_RELAXED);
}

static void is_wrong(int line, int rc)
{
    if (!__atomic_fetch_add(&board->wrong, 1, __ATOMIC_RELAXED)) {
        board->wrong_line = line;
        board->wrong_rc = rc;
    }
}
#define WRONG(rc) is_wrong(__LINE__, (rc))

static splinter_queue *open_again(void)
{
    splinter_queue *q;

    if (splinter_queue_open(&q, place_again(&place, 0), "stress", NULL))
        die("open: %s", splinter_last_error());
    return q;
}

static uint32_t job_make(unsigned char *text, unsigned who, uint32_t serial, uint64_t *seed)
{
    uint64_t r = random_next(seed);
    struct job j = {who, serial, 0, 0};

    j.length = (uint32_t)(sizeof(j) + (r >> 8) % ((r & 7 ? 100 : LONGEST) - sizeof(j)));
    memset(text, (int)serial, j.length);
    memcpy(text, &j, sizeof(j));
    j.check = (uint32_t)fnv1a(text, j.length);
    memcpy(text, &j, sizeof(j));
    return j.length;
}

/* The account of the item; NULL: it is not what a producer pushed. */
static struct entry *entry_of(unsigned char *text, uint64_t size)
{
    struct job j;
    uint32_t check;

    if (size < sizeof(j))
        return NULL;
    memcpy(&j, text, sizeof(j));
    check = j.check;
    j.check = 0;
    memcpy(text, &j, sizeof(j));
    if (j.producer >= PRODUCERS || !j.serial || j.serial >= MOST || j.length != size ||
        (uint32_t)fnv1a(text, size) != check)
        return NULL;
    return &board->entry[j.producer][j.serial];
}

static void produce(unsigned who, uint64_t seed)
{
    splinter_queue *q = open_again();
    unsigned char text[LONGEST];
    uint64_t last = 0;

    while (!stopped()) {
        uint32_t serial = __atomic_add_fetch(&board->serial[who], 1, __ATOMIC_RELAXED);
        uint32_t length = job_make(text, who, serial, &seed);
        uint64_t number = 0;
        int rc;

        if (serial >= MOST - 1)
            break;
        do
            rc = splinter_queue_push(q, text, length, NULL, random_next(&seed) % 3 * 5, &number);
        while ((rc == -ETIMEDOUT || rc == -EAGAIN) && !stopped());
        if (!rc && number <= last)
            WRONG(-ERANGE);
        last = number;
        if (!rc)
            __atomic_store_n(&board->entry[who][serial].pushed, 1, __ATOMIC_RELAXED);
        else if (rc != -ETIMEDOUT && rc != -EAGAIN)
            WRONG(rc);
    }
    _exit(0);
}

/* [C6] The worker has got the item: nobody else may have it. */
static void got(struct entry *e, const struct splinter_item *item)
{
    uint32_t other = __atomic_exchange_n(&e->holder, life, __ATOMIC_SEQ_CST);

    if (other && !__atomic_load_n(&board->killed[other], __ATOMIC_SEQ_CST))
        WRONG(-EBUSY);
    if (__atomic_load_n(&e->done, __ATOMIC_SEQ_CST))
        WRONG(-EALREADY); /* it had been acknowledged */
    if (item->delivery <= e->delivery)
        WRONG(-EILSEQ); /* the worker is not told of a hand-out */
    e->delivery = item->delivery;
    __atomic_fetch_add(&board->handed_out, 1, __ATOMIC_RELAXED);
    if (item->delivery > 1)
        __atomic_fetch_add(&board->again, 1, __ATOMIC_RELAXED);
}

/* Lets go of an item, which others may get from now on. */
static void let_go(struct entry *e)
{
    uint32_t mine = life;

    __atomic_compare_exchange_n(&e->holder, &mine, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void end_item(splinter_queue *q, struct entry *e, const struct splinter_item *item,
                     bool gives_back)
{
    int rc;

    if (gives_back) {
        let_go(e);
        rc = splinter_queue_nack(q, item);
        __atomic_fetch_add(&board->given_back, 1, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&e->ending, 1, __ATOMIC_SEQ_CST);
        rc = splinter_queue_ack(q, item);
        if (!rc)
            __atomic_fetch_add(&e->done, 1, __ATOMIC_SEQ_CST);
    }
    if (rc)
        WRONG(rc);
}

static void work(uint64_t seed)
{
    splinter_queue *q = open_again();
    unsigned char text[LONGEST];
    uint64_t last = 0;

    while (!stopped()) {
        struct splinter_item item = {.struct_size = sizeof(item)};
        int rc = splinter_queue_take(q, text, sizeof(text), 0, random_next(&seed) % 3 * 5, &item);
        struct entry *e;

        if (rc == -ETIMEDOUT || rc == -EAGAIN)
            continue;
        e = rc ? NULL : entry_of(text, item.size);
        if (!e) {
            WRONG(rc ? rc : -EBADMSG);
            continue;
        }
        got(e, &item);
        if (item.delivery == 1 && item.number <= last)
            WRONG(-ERANGE); /* out of order */
        if (item.delivery == 1)
            last = item.number;
        if (!(random_next(&seed) % 16))
            nap(&seed, 3000);
        end_item(q, e, &item, !(random_next(&seed) % 8));
    }
    _exit(0);
}

static pid_t start(unsigned who, uint64_t seed)
{
    uint32_t number = ++board->lives;
    pid_t pid = fork_bound_child();

    if (pid)
        return pid;
    life = number;
    if (who < PRODUCERS)
        produce(who, seed);
    work(seed);
    _exit(1);
}

static void run(void)
{
    pid_t pid[ALL];
    uint32_t number[ALL];
    uint64_t seed = support_seed;

    for (unsigned i = 0; i < ALL; i++) {
        pid[i] = start(i, random_next(&seed));
        number[i] = board->lives;
    }
    for (unsigned i = 0; i < repeated(KILLS) && board->lives < LIVES - 1; i++) {
        unsigned victim = (unsigned)(random_next(&seed) % ALL);

        nap(&seed, 20000);
        if (i % 3 == 0) { /* a stopped one keeps its item */
            kill(pid[victim], SIGSTOP);
            nap(&seed, 20000);
        }
        if (i % 6 == 0) {
            kill(pid[victim], SIGCONT);
            continue;
        }
        __atomic_store_n(&board->killed[number[victim]], now_ns(), __ATOMIC_SEQ_CST);
        kill(pid[victim], SIGKILL);
        reap(pid[victim]);
        pid[victim] = start(victim, random_next(&seed));
        number[victim] = board->lives;
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < ALL; i++)
        if (reap(pid[i]))
            WRONG(-ECHILD);
}

static void tell(bool ok, const char *what)
{
    report(ok, "%s: %s", backing_names[place.backing], what);
}

/* [C6] All workers are gone: what is in the queue comes once each, and what is not was done. */
static void account(splinter_queue *q)
{
    unsigned char text[LONGEST];
    uint64_t twice = 0, lost = 0, back = 0, left = 0, items = 0;
    int rc;

    life = LIVES - 1;
    for (;;) {
        struct splinter_item item = {.struct_size = sizeof(item)};
        struct entry *e;

        rc = splinter_queue_take(q, text, sizeof(text), 0, 0, &item);
        if (rc)
            break;
        e = entry_of(text, item.size);
        if (!e)
            WRONG(-EBADMSG);
        else if (e->done)
            back++;
        else if (e->holder == life)
            twice++;
        else
            e->holder = life;
        left++;
    }
    for (unsigned p = 0; p < PRODUCERS; p++)
        for (uint32_t n = 1; n <= board->serial[p] && n < MOST; n++) {
            const struct entry *e = &board->entry[p][n];

            items += e->pushed;
            twice += e->done > 1;
            lost += e->pushed && !e->done && !e->ending && e->holder != life;
        }
    printf("# %s: %llu items pushed, %u handed out, %u of them again, %u given back, %llu left\n",
           backing_names[place.backing], (unsigned long long)items, board->handed_out,
           board->again, board->given_back, (unsigned long long)left);
    tell(rc == -ETIMEDOUT && left <= CAPACITY, "the queue ends");
    tell(!lost, "no item is lost");
    tell(!back, "no item comes back that was acknowledged");
    tell(!twice, "none comes twice");
    tell(board->again && items > CAPACITY, "and items of dead workers were handed out again");
}

static void play(int backing)
{
    splinter_store *store = place_make(&place, backing, 2 * CAPACITY, LONGEST + 40);
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    splinter_queue *q;

    memset(board, 0, sizeof(*board));
    options.flags = SPLINTER_CREATE;
    options.capacity = CAPACITY;
    options.max_message = LONGEST;
    if (splinter_queue_open(&q, store, "stress", &options))
        die("open: %s", splinter_last_error());
    run();
    account(q);
    tell(!board->wrong, "no item was torn, and nobody got one that a living worker had");
    if (board->wrong)
        printf("# first in line %d: %s; %u in all\n", board->wrong_line,
               strerror(-board->wrong_rc), board->wrong);
    tell(!check_store(store), "the store is sound");
    splinter_queue_close(q);
    place_end(&place, store);
}

int main(void)
{
    support_start();
    board = shared_memory(sizeof(*board));
#ifdef TEST_PERSISTENT
    play(BACKING_FILE);
#else
    play(BACKING_MEMORY);
    play(BACKING_MEMFD);
#endif
    return tap_end();
}
