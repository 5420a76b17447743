/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topics.c - writers and readers of one topic; some are killed, one is stopped
 *
 * Each writer notes what it is about to publish before it calls, and what number it got afterwards,
 * in memory of its own.  So the test knows of each message whether it must be there, or may be.
 * Each reader sees the numbers one by one, and what it lost.  TAP by hand; loops are counted, the
 * seed is printed.
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

#define WRITERS 3
#define READERS 2
#define WORKERS (WRITERS + READERS)
#define CAPACITY 64
#define LONGEST 400
#define KILLS 30
#define MOST (1u << 21) /* messages that the account has room for */

struct message {
    uint32_t writer, serial; /* of its writer */
    uint32_t length, check;
};

/* What is known of one number: (writer + 1) << 32 | serial.  Whoever tells it may be killed, but
 * not in the middle of one word. */
struct entry {
    uint64_t acked; /* of the writer whose call returned this number; 0: none */
    uint64_t seen[READERS + 1]; /* of the message that each reader saw */
};

struct board {
    uint32_t stop;
    uint32_t serial[WRITERS]; /* of the message that the writer began last */
    uint64_t position[READERS], lost[READERS], waits;
    uint32_t wrong, acks;
    int32_t wrong_rc, wrong_line;
    struct entry entry[MOST];
};

static struct board *board;
static struct place place;

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

static uint64_t id_of(const struct message *m)
{
    return (uint64_t)(m->writer + 1) << 32 | m->serial;
}

static splinter_topic *open_again(void)
{
    splinter_topic *t;

    if (splinter_topic_open(&t, place_again(&place, 0), "stress", NULL))
        die("open: %s", splinter_last_error());
    return t;
}

static void write_for_ever(unsigned who, uint64_t seed)
{
    splinter_topic *t = open_again();
    unsigned char text[LONGEST];

    while (!stopped()) {
        struct message m = {who, ++board->serial[who], 0, 0};
        uint64_t number = 0;
        int rc;

        m.length = (uint32_t)(sizeof(m) + random_next(&seed) % (LONGEST - sizeof(m)));
        memset(text, (int)m.serial, m.length);
        memcpy(text, &m, sizeof(m));
        m.check = (uint32_t)fnv1a(text, m.length);
        memcpy(text, &m, sizeof(m));
        rc = splinter_topic_publish(t, text, m.length, NULL, &number);
        if (rc == -EAGAIN && !number)
            continue; /* a stopped writer holds something */
        if (rc || !number)
            WRONG(rc);
        else if (number < MOST) {
            if (__atomic_exchange_n(&board->entry[number].acked, id_of(&m), __ATOMIC_RELAXED))
                WRONG(-EEXIST);
            __atomic_fetch_add(&board->acks, 1, __ATOMIC_RELAXED);
        } else {
            nap(&seed, 1000);
        }
    }
    _exit(0);
}

/* One message, or why there is none.  `reader` READERS is the account at the end. */
static int read_one(splinter_topic *t, unsigned reader, uint64_t *position, uint64_t *lost)
{
    unsigned char text[LONGEST];
    struct splinter_message meta = {.struct_size = sizeof(meta)};
    uint64_t before = *position;
    struct message m;
    uint32_t check;
    int rc = splinter_topic_read(t, position, text, sizeof(text), &meta);

    if (rc == -EOVERFLOW) {
        if (!meta.lost || before + meta.lost != *position)
            WRONG(rc);
        *lost += meta.lost;
    }
    if (rc)
        return rc;
    memcpy(&m, text, sizeof(m));
    check = m.check;
    m.check = 0;
    memcpy(text, &m, sizeof(m));
    if (meta.number != before || meta.size != m.length || m.writer >= WRITERS ||
        (uint32_t)fnv1a(text, meta.size) != check)
        WRONG(-EBADMSG);
    else if (before < MOST)
        __atomic_store_n(&board->entry[before].seen[reader], id_of(&m), __ATOMIC_RELAXED);
    return 0;
}

static void read_for_ever(unsigned who, uint64_t seed)
{
    splinter_topic *t = open_again();

    while (!stopped()) {
        uint64_t position = board->position[who], lost = 0;
        int rc = read_one(t, who, &position, &lost);

        /* Killed in between, it reads the message once more. */
        board->lost[who] += lost;
        board->position[who] = position;
        if (rc == -EAGAIN) {
            rc = splinter_topic_wait(t, &position, 100);
            __atomic_fetch_add(&board->waits, 1, __ATOMIC_RELAXED);
        }
        if (rc && rc != -EOVERFLOW && rc != -ETIMEDOUT)
            WRONG(rc);
        if (who && !(random_next(&seed) % 4096))
            nap(&seed, 2000); /* so that it is overtaken */
    }
    _exit(0);
}

static pid_t start(unsigned who, uint64_t seed)
{
    pid_t pid = fork_bound_child();

    if (pid)
        return pid;
    if (who < WRITERS)
        write_for_ever(who, seed);
    read_for_ever(who - WRITERS, seed);
    _exit(1);
}

static void run(void)
{
    pid_t pid[WORKERS], still = 0;
    uint64_t seed = support_seed;

    for (unsigned i = 0; i < WORKERS; i++)
        pid[i] = start(i, random_next(&seed));
    for (unsigned i = 0; i < repeated(KILLS); i++) {
        unsigned victim = (unsigned)(random_next(&seed) % WORKERS);

        nap(&seed, 20000);
        if (i == repeated(KILLS) / 2) /* one is stopped for the rest */
            kill(still = pid[0], SIGSTOP);
        if (still && !victim)
            continue;
        kill(pid[victim], SIGKILL);
        reap(pid[victim]);
        pid[victim] = start(victim, random_next(&seed));
    }
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    if (still)
        kill(still, SIGCONT);
    for (unsigned i = 0; i < WORKERS; i++)
        if (reap(pid[i]))
            WRONG(-ECHILD);
}

static void tell(bool ok, const char *what)
{
    report(ok, "%s: %s", backing_names[place.backing], what);
}

/* [C5] No number was acknowledged twice (see WRONG above), all readers saw the same, and what was
 * acknowledged is what they saw.  The serials of a writer only rise. */
static void account(uint64_t last)
{
    uint32_t latest[WRITERS] = {0};
    uint64_t differ = 0, not_ours = 0, order = 0;

    for (uint64_t n = 1; n <= last && n < MOST; n++) {
        const struct entry *e = &board->entry[n];
        uint64_t id = e->acked;

        for (unsigned r = 0; r <= READERS; r++) {
            if (!e->seen[r])
                continue;
            differ += id && e->seen[r] != id && !e->acked;
            not_ours += id && e->seen[r] != id && e->acked;
            id = e->seen[r];
        }
        if (!id) /* its writer was killed before it knew, and everybody was overtaken */
            continue;
        order += (uint32_t)id <= latest[(id >> 32) - 1];
        latest[(id >> 32) - 1] = (uint32_t)id;
    }
    tell(!differ, "all readers saw the same");
    tell(!not_ours, "and what the writers were told");
    tell(!order, "each writer's messages come in its order, and none comes twice");
}

static void play(int backing)
{
    splinter_store *store = place_make(&place, backing, 2 * CAPACITY, LONGEST + 8);
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    uint64_t position = SPLINTER_TOPIC_OLDEST, lost = 0;
    splinter_topic *t;
    int rc;

    memset(board, 0, sizeof(*board));
    options.flags = SPLINTER_CREATE;
    options.capacity = CAPACITY;
    options.max_message = LONGEST;
    if (splinter_topic_open(&t, store, "stress", &options))
        die("open: %s", splinter_last_error());
    for (unsigned i = 0; i < READERS; i++)
        board->position[i] = 1;
    run();
    must(splinter_topic_stat(t, &st), "stat");
    printf("# %s: %llu messages, %u acknowledged; lost %llu and %llu\n", backing_names[backing],
           (unsigned long long)st.next - 1, board->acks, (unsigned long long)board->lost[0],
           (unsigned long long)board->lost[1]);
    tell(!board->wrong, "no call failed, no message was torn, and no number was given out twice");
    if (board->wrong)
        printf("# first in line %d: %s\n", board->wrong_line, strerror(-board->wrong_rc));
    while (!(rc = read_one(t, READERS, &position, &lost)))
        ;
    tell(rc == -EAGAIN && !lost && position == st.next && st.next - st.oldest <= CAPACITY &&
             board->acks < st.next,
         "the numbers go on to the end without a hole");
    for (unsigned i = 0; i < READERS; i++)
        tell(board->position[i] <= st.next, "no reader came further than the writers");
    account(st.next - 1);
    tell(!check_store(store), "the store is sound");
    splinter_topic_close(t);
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
