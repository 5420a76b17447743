/* SPDX-License-Identifier: Apache-2.0 */
/* coordination.c - what feeds, topics and queues cost, and how fast they deliver */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <splinter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "others.h"

#define FEED 4096
#define CAPACITY 1024

/* What two processes of a figure share. */
static struct board {
    uint32_t ready, end;
    uint64_t count, gaps, late[20000];
} *board;

static pid_t child(void (*run)(splinter_store *store), splinter_store *store)
{
    pid_t parent = getpid(), pid;

    if (!board)
        board = shared(sizeof(*board));
    memset(board, 0, sizeof(*board));
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            run(store);
        _exit(0);
    }
    while (!__atomic_load_n(&board->ready, __ATOMIC_ACQUIRE))
        sleep_ns(100000);
    return pid;
}

static void ready(void)
{
    __atomic_store_n(&board->ready, 1, __ATOMIC_RELEASE);
}

static bool at_end(void)
{
    return __atomic_load_n(&board->end, __ATOMIC_RELAXED);
}

static void finish(pid_t pid)
{
    int status;

    __atomic_store_n(&board->end, 1, __ATOMIC_RELAXED);
    if (waitpid(pid, &status, 0) != pid || status)
        die("the other process failed");
}

static splinter_store *store_with(size_t feed)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *store;

    options.flags = SPLINTER_ANONYMOUS;
    options.slots = SLOTS;
    options.max_value = MAX_VALUE;
    options.feed = feed;
    if (splinter_store_open(&store, "bench", &options))
        die("cannot create a store: %s", splinter_last_error());
    return store;
}

/* Nanoseconds of the processor for a set, over n sets. */
static double set_all(splinter_store *store, const key_t16 *keys, size_t n)
{
    static const char value[VALUE] = "v";
    uint64_t begin = cpu_ns();

    for (size_t i = 0; i < n; i++)
        if (splinter_store_set(store, keys[i], value, sizeof(value), NULL, NULL))
            die("set failed");
    return (double)(cpu_ns() - begin) / (double)n;
}

/* ---- feeds ---- */

static void set_with_a_feed(const key_t16 *keys)
{
    enum { MOST = 31 };
    splinter_store *with = store_with(FEED), *without = store_with(0);
    double a[MOST], b[MOST], ratio[MOST];
    const size_t rounds = quick ? 7 : MOST;

    progress("sets in a store with a feed");
    set_all(with, keys, KEYS);
    set_all(without, keys, KEYS);
    for (size_t r = 0; r < rounds; r++) {
        a[r] = set_all(with, keys, KEYS);
        b[r] = set_all(without, keys, KEYS);
        ratio[r] = a[r] / b[r];
    }
    result("set with a feed, to one without", median(ratio, rounds), 1.25,
           median(a, rounds), median(b, rounds), "ns", false);
    splinter_store_close(with);
    splinter_store_close(without);
}

static void follow(splinter_store *store)
{
    splinter_feed *feed;

    if (splinter_feed_open(&feed, store, NULL))
        _exit(1);
    ready();
    for (;;) {
        struct splinter_event e = {.struct_size = sizeof(e)};
        int rc = splinter_feed_next(feed, &e, NULL, 0, 10);

        if (rc == -ETIMEDOUT && at_end())
            return;
        if (!rc && e.what == SPLINTER_EVENT_GAP)
            board->gaps++;
        else if (!rc)
            board->count++;
    }
}

static void follow_one_writer(const key_t16 *keys)
{
    splinter_store *store = store_with(FEED);
    uint64_t begin, sets = 0, ns;
    pid_t pid;

    progress("a follower and a writer at full speed");
    set_all(store, keys, KEYS);
    pid = child(follow, store);
    begin = now_ns();
    while (now_ns() - begin < (quick ? UINT64_C(300000000) : UINT64_C(2000000000))) {
        set_all(store, keys, KEYS);
        sets += KEYS;
    }
    ns = now_ns() - begin;
    finish(pid);
    result("gaps of a follower at full speed", (double)board->gaps, 0,
           (double)board->gaps, (double)sets, "count", false);
    result("  changes it was told, to those made", (double)board->count / (double)sets,
           NO_LIMIT, (double)board->count / (double)ns * 1e3, (double)sets / (double)ns * 1e3,
           "million/s", true);
    splinter_store_close(store);
}

/* Values are the time at which they were set. */
static bool spins;

static void note(uint64_t then)
{
    if (board->count < sizeof(board->late) / sizeof(*board->late))
        board->late[board->count++] = now_ns() - then;
}

static void hear_by_feed(splinter_store *store)
{
    splinter_feed *feed;

    if (splinter_feed_open(&feed, store, NULL))
        _exit(1);
    ready();
    while (!at_end()) {
        struct splinter_event e = {.struct_size = sizeof(e)};
        uint64_t then = 0;

        if (!splinter_feed_next(feed, &e, &then, sizeof(then), spins ? 0 : 10) && then)
            note(then);
    }
}

static void hear_by_wait(splinter_store *store)
{
    uint64_t epoch = 0;

    ready();
    while (!at_end()) {
        uint64_t then = 0;
        struct splinter_meta meta = {.struct_size = sizeof(meta)};

        if (splinter_store_wait(store, "tick", epoch, spins ? 0 : 10, NULL))
            continue;
        if (!splinter_store_get(store, "tick", &then, sizeof(then), NULL, &meta)) {
            epoch = meta.epoch;
            note(then);
        }
    }
}

/* The median time from a set until the other process has the value. */
static double hear(splinter_store *store, void (*run)(splinter_store *store), unsigned times)
{
    static double v[sizeof(board->late) / sizeof(*board->late)];
    pid_t pid = child(run, store);

    for (unsigned i = 0; i < times; i++) {
        uint64_t now = now_ns(), next = now + (spins ? 20000 : 300000);

        splinter_store_set(store, "tick", &now, sizeof(now), NULL, NULL);
        while (spins && now_ns() < next)
            ;
        if (!spins)
            sleep_ns(300000);
    }
    finish(pid);
    if (!board->count)
        die("nothing was delivered");
    for (uint64_t i = 0; i < board->count; i++)
        v[i] = (double)board->late[i];
    return median(v, board->count);
}

static void delivery(bool spinning)
{
    enum { ROUNDS = 9 };
    splinter_store *store = store_with(FEED);
    double feed[ROUNDS], wait[ROUNDS], ratio[ROUNDS];
    uint64_t zero = 0;

    spins = spinning;
    progress(spins ? "delivery to a spinning follower" : "delivery to a sleeping follower");
    splinter_store_set(store, "tick", &zero, sizeof(zero), NULL, NULL);
    for (int r = 0; r < ROUNDS; r++) {
        feed[r] = hear(store, hear_by_feed, quick ? 200 : 1000);
        wait[r] = hear(store, hear_by_wait, quick ? 200 : 1000);
        ratio[r] = feed[r] / wait[r];
    }
    result(spins ? "spinning follower, to a wait"
                 : "sleeping follower, to a wait",
           median(ratio, ROUNDS), spins ? 1.5 : 1.3, median(feed, ROUNDS), median(wait, ROUNDS),
           "ns", false);
    splinter_store_close(store);
}

void bench_feed(void)
{
    key_t16 *keys = new_keys(KEYS);

    shuffle(keys, KEYS);
    set_with_a_feed(keys);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        follow_one_writer(keys);
        delivery(true);
    }
    delivery(false);
    free(keys);
}

/* ---- watches ---- */

#define WATCHES 100

static void watch_quiet_keys(splinter_store *store)
{
    static splinter_watch *watch[WATCHES];
    char key[16];

    for (int i = 0; i < WATCHES; i++) {
        snprintf(key, sizeof(key), "quiet/%d", i);
        if (splinter_watch_open(&watch[i], store, 0) ||
            splinter_watch_add_key(watch[i], key, 0, 1) ||
            splinter_watch_next(watch[i], NULL, NULL, NULL, 0) != -EAGAIN)
            _exit(1);
    }
    ready();
    while (!at_end())
        sleep_ns(10000000);
}

void bench_watch(void)
{
    enum { MOST = 61 };
    const size_t rounds = quick ? 9 : MOST;
    splinter_store *with = store_with(0), *without = store_with(0);
    key_t16 *keys = new_keys(KEYS);
    double a[MOST], b[MOST], ratio[MOST];
    pid_t pid;

    shuffle(keys, KEYS);
    progress("sets beside 100 watches of quiet keys");
    set_all(with, keys, KEYS);
    set_all(without, keys, KEYS);
    pid = child(watch_quiet_keys, with);
    for (size_t r = 0; r < rounds; r++) {
        a[r] = set_all(with, keys, KEYS);
        b[r] = set_all(without, keys, KEYS);
        ratio[r] = a[r] / b[r];
    }
    finish(pid);
    result("set beside 100 watches, to one without", median(ratio, rounds), 1.02,
           median(a, rounds), median(b, rounds), "ns", false);
    splinter_store_close(with);
    splinter_store_close(without);
    free(keys);
}

/* ---- topics ---- */

static splinter_topic *topic_of(splinter_store *store, uint64_t capacity)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    splinter_topic *topic;

    options.flags = SPLINTER_CREATE;
    options.capacity = capacity;
    options.max_message = VALUE;
    if (splinter_topic_open(&topic, store, "bench", &options))
        die("cannot make a topic: %s", splinter_last_error());
    return topic;
}

static double publish_all(splinter_topic *topic, size_t n)
{
    static const char message[VALUE] = "m";
    uint64_t begin = cpu_ns();

    for (size_t i = 0; i < n; i++)
        if (splinter_topic_publish(topic, message, sizeof(message), NULL, NULL))
            die("publish failed");
    return (double)(cpu_ns() - begin) / (double)n;
}

static double read_all(splinter_topic *topic)
{
    char message[VALUE];
    uint64_t position = SPLINTER_TOPIC_OLDEST, n = 0, begin = cpu_ns();

    while (!splinter_topic_read(topic, &position, message, sizeof(message), NULL)) {
        used(message);
        n++;
    }
    return (double)n / (double)(cpu_ns() - begin) * 1e3;
}

void bench_topic(void)
{
    enum { MOST = 31 };
    const size_t rounds = quick ? 7 : MOST;
    splinter_store *store = store_with(0);
    splinter_topic *topic = topic_of(store, KEYS);
    key_t16 *keys = new_keys(KEYS);
    double a[MOST], b[MOST], ratio[MOST], rate[MOST];

    progress("publishing, and reading a topic");
    set_all(store, keys, KEYS);
    publish_all(topic, 2 * KEYS);
    for (size_t r = 0; r < rounds; r++) {
        a[r] = publish_all(topic, KEYS);
        b[r] = set_all(store, keys, KEYS);
        ratio[r] = a[r] / b[r];
        rate[r] = read_all(topic);
    }
    result("publish, to a set of a present key", median(ratio, rounds), 1.5, median(a, rounds),
           median(b, rounds), "ns", false);
    result("messages of 64 bytes, read", median(rate, rounds) / 5, 1,
           median(rate, rounds), 5, "million/s", true);
    splinter_topic_close(topic);
    splinter_store_close(store);
    free(keys);
}

/* ---- queues ---- */

static splinter_queue *queue_of(splinter_store *store)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    splinter_queue *queue;

    options.flags = SPLINTER_CREATE;
    options.capacity = CAPACITY;
    options.max_message = VALUE;
    if (splinter_queue_open(&queue, store, "bench", &options))
        die("cannot make a queue: %s", splinter_last_error());
    return queue;
}

static void produce(splinter_store *store)
{
    splinter_queue *queue = queue_of(store);
    uint64_t item[VALUE / 8] = {0};

    ready();
    while (!at_end()) {
        if (!splinter_queue_push(queue, item, sizeof(item), NULL, 10, NULL))
            item[0]++;
    }
}

/* Million items a second, of a producer and a worker that acknowledges each. */
static double queue_rate(uint64_t ns)
{
    splinter_store *store = store_with(0);
    splinter_queue *queue = queue_of(store);
    pid_t pid = child(produce, store);
    uint64_t item[VALUE / 8], next = 0, begin = now_ns(), passed;

    do {
        struct splinter_item meta = {.struct_size = sizeof(meta)};

        if (splinter_queue_take(queue, item, sizeof(item), 0, 10, &meta))
            continue;
        torn |= item[0] != next++ || meta.delivery != 1;
        if (splinter_queue_ack(queue, &meta))
            die("ack failed");
    } while ((passed = now_ns() - begin) < ns);
    finish(pid);
    splinter_queue_close(queue);
    splinter_store_close(store);
    return (double)next / (double)passed * 1e3;
}

void bench_queue(void)
{
    enum { MOST = 7 };
    const size_t rounds = quick ? 3 : MOST;
    const uint64_t ns = quick ? 100000000 : 500000000;
    double queue[MOST], other[OTHERS][MOST], ratio[OTHERS][MOST];

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return;
    progress("a queue, beside a pipe, a message queue and Redis");
    others_begin();
    for (size_t r = 0; r < rounds; r++) {
        queue[r] = queue_rate(ns);
        for (unsigned o = 0; o < OTHERS; o++) {
            other[o][r] = others_rate(o, ns);
            ratio[o][r] = queue[r] / other[o][r];
        }
    }
    others_end();
    result("items pushed, taken, acknowledged", median(queue, rounds), 1,
           median(queue, rounds), 1, "million/s", true);
    for (unsigned o = 0; o < OTHERS; o++)
        if (other[o][0] > 0)
            result(others_name[o], median(ratio[o], rounds), NO_LIMIT,
                   median(queue, rounds) * 1e3, median(other[o], rounds) * 1e3, "thousand/s",
                   true);
}
