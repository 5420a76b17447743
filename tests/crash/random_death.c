/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_death.c - writers and readers, killed and stopped at random moments, for as long as wanted
 *
 *     random_death [--kills N] [--seed S] [--store memory|file|memfd]
 *
 * Each writer has keys that only it changes, and a page outside the store in which it says what
 * it begins and what was acknowledged; the writer that replaces it after its death goes on there.
 * So of every value that anybody reads it is known whether it may be: it is whole, no older than
 * what had been acknowledged when the read began, no newer than what was begun when it
 * ended.  Other keys are everybody's.
 *
 * Three parts: kills alone, and stops (SIGSTOP, SIGCONT) alone, in both of which no call on a key
 * of one's own may say EAGAIN; and both together.  After each part everybody leaves, and the store
 * is looked through: nothing torn, lost, stuck, doubled or leaked.  In the end everybody is killed
 * at once, all keys are unset, and no byte may be in use.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define WRITERS 10 /* the number of one is a digit */
#define READERS 2
#define WORKERS (WRITERS + READERS)
#define OWN 12           /* keys of each writer */
#define SHARED 6         /* keys of everybody */
#define RUN 8            /* a value is at most so many pieces, each appended to the last */
#define PIECE 40000
#define MAX_VALUE (RUN * PIECE)
#define SLOTS 200
#define ROOM ((uint64_t)SLOTS * MAX_VALUE) /* bytes of the most and largest values */
#define STUCK_NS UINT64_C(30000000000) /* a watchdog: no call takes a hundredth of it */

/* A piece of a value: says what it is, and whether it is whole. */
struct piece {
    uint64_t owner, key, number, len, sum;
    unsigned char fill[];
};

struct own {
    uint64_t begun, acked; /* numbers of changes */
};

/* What a worker tells, in memory of its own: it must not depend on what is tested. */
struct worker {
    struct own own[OWN];
    uint64_t adds_begun, adds_acked;     /* to a counter of its own, by one */
    uint64_t sum_begun, sum_acked;       /* to the counter of everybody */
    uint64_t sum_maybe;                  /* begun by those who died over it */
    uint64_t ops, torn, lost, wrong, own_again, again, backwards;
    int64_t first_wrong, first_op;
};

struct board {
    uint32_t stop;
    struct worker worker[WORKERS];
};

static struct board *board;
static struct place place;
static splinter_store *store;

/* ---- what change number n of a key is, and what it leaves ---- */

enum kind { ABSENT, WHOLE, APPEND, CONDITIONAL, FOR_A_WHILE };

/* All of this is to take less time than the calls: who is to die in a call has to be in one. */
static uint64_t mix(uint64_t owner, uint64_t key, uint64_t n)
{
    uint64_t x = support_seed ^ (owner + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
                 (key + 1) * UINT64_C(0xc2b2ae3d27d4eb4f) ^ (n + 1) * UINT64_C(0x165667b19e3779f9);

    x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
    x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (x ^ x >> 33) >> 11;
}

/* FNV-1a by words: a piece is a number of them. */
static uint64_t sum_of(const struct piece *p)
{
    const uint64_t *words = (const void *)p;
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < p->len / 8; i++)
        if (i != offsetof(struct piece, sum) / 8)
            h = (h ^ words[i]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static enum kind kind_of(uint64_t owner, uint64_t key, uint64_t n)
{
    uint64_t r = mix(owner, key, n) % 100;

    if (!n)
        return ABSENT; /* before the first change */
    if (r < 15)
        return ABSENT;
    if (r < 40 && n % RUN) /* so that no value is longer than RUN pieces */
        return APPEND;
    return r < 55 ? CONDITIONAL : r < 65 ? FOR_A_WHILE : WHOLE;
}

static size_t piece_make(void *at, uint64_t owner, uint64_t key, uint64_t n)
{
    struct piece *p = at;
    uint64_t r = mix(owner, key, n ^ UINT64_C(1) << 40);
    /* Most are short, so that more calls are made; a few are longer than any small block. */
    size_t most = r % 64 == 0 ? PIECE - sizeof(*p) : r % 8 == 0 ? 3000 : 100,
           fill = r / 64 % most & ~(size_t)7;

    p->owner = owner;
    p->key = key;
    p->number = n;
    p->len = sizeof(*p) + fill;
    memset(p->fill, (int)(r >> 20), fill);
    p->sum = sum_of(p);
    return p->len;
}

/* The number of the last piece of a whole value; 0: it is torn, or another key's. */
static uint64_t value_number(const unsigned char *value, size_t len, uint64_t owner, uint64_t key)
{
    uint64_t last = 0;

    while (len) {
        const struct piece *p = (const void *)value;

        if (len < sizeof(*p) || p->len < sizeof(*p) || p->len > len || p->len % 8 ||
            p->key != key || (owner < WORKERS && p->owner != owner) || !p->number ||
            (last && p->number != last + 1) || sum_of(p) != p->sum)
            return 0;
        last = p->number;
        len -= p->len;
        value += p->len;
    }
    return last;
}

/* ---- a worker ---- */

static struct worker *me;
static unsigned number;
static splinter_store *s;
static _Alignas(8) unsigned char buf[MAX_VALUE + PIECE];

static void wrong(int rc, int op)
{
    if (!me->wrong++) {
        me->first_wrong = rc;
        me->first_op = op;
    }
}

static char own_keys[WRITERS][OWN][16], shared_keys[SHARED][16], count_keys[WRITERS][16];

static void name_keys(void)
{
    for (unsigned w = 0; w < WRITERS; w++) {
        snprintf(count_keys[w], sizeof(count_keys[w]), "count-%u", w);
        for (unsigned k = 0; k < OWN; k++)
            snprintf(own_keys[w][k], sizeof(own_keys[w][k]), "own-%u-%u", w, k);
    }
    for (unsigned k = 0; k < SHARED; k++)
        snprintf(shared_keys[k], sizeof(shared_keys[k]), "shared-%u", k);
}

/* What is there: the number of its last change; 0: nothing.  False: it could not be read. */
static bool read_own(unsigned owner, unsigned k, uint64_t *is)
{
    size_t len;
    int rc = splinter_store_get(s, own_keys[owner][k], buf, sizeof(buf), &len, NULL);

    *is = 0;
    if (rc == -ENOENT)
        return true;
    if (rc) {
        if (rc == -EAGAIN)
            me->own_again++;
        else
            wrong(rc, 1);
        return false;
    }
    *is = value_number(buf, len, owner, k);
    if (!*is)
        me->torn++;
    return *is;
}

/* May it be that, when `acked` was acknowledged before, and `begun` begun after the look? */
static bool may_be(unsigned owner, unsigned k, uint64_t is, uint64_t acked, uint64_t begun)
{
    if (is)
        return is >= acked && is <= begun;
    for (uint64_t n = acked; n <= begun; n++)
        if (kind_of(owner, k, n) == ABSENT)
            return true;
    return false;
}

/* The predecessor died: which of its changes were made? */
static void take_over(void)
{
    int64_t count = 0;
    int rc;

    for (unsigned k = 0; k < OWN; k++) {
        struct own *own = &me->own[k];
        uint64_t is;

        if (!read_own(number, k, &is))
            continue;
        if (!may_be(number, k, is, own->acked, own->begun)) {
            me->lost++;
            printf("# key %u of writer %u has change %" PRIu64 ", acknowledged is %" PRIu64
                   ", begun %" PRIu64 "\n", k, number, is, own->acked, own->begun);
        }
        if (is ? is == own->begun : kind_of(number, k, own->begun) == ABSENT)
            own->acked = own->begun;
        /* Else it is done again, and stays begun: a key that was on its way in may still become
         * visible, when who cleans up after our predecessor, and is stopped, goes on. */
    }
    rc = splinter_store_get(s, count_keys[number], &count, sizeof(count), NULL, NULL);
    if (rc && rc != -ENOENT)
        wrong(rc, 2);
    if ((uint64_t)count < me->adds_acked || (uint64_t)count > me->adds_begun) {
        printf("# count of writer %u is %" PRId64 ", acknowledged %" PRIu64 ", begun %" PRIu64 "\n",
               number, count, me->adds_acked, me->adds_begun);
        me->lost++;
    }
    me->adds_acked = (uint64_t)count;
    me->sum_maybe += me->sum_begun - me->sum_acked;
    me->sum_begun = me->sum_acked;
}

static void change_own(unsigned k)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    struct own *own = &me->own[k];
    uint64_t n = own->acked + 1;
    enum kind kind = kind_of(number, k, n);
    bool was = kind_of(number, k, n - 1) != ABSENT, again = own->begun == n;
    const char *key = own_keys[number][k];
    size_t len = 0;
    int rc, want = 0;

    if (kind != ABSENT)
        len = piece_make(buf, number, k, n);
    if (again && !was && kind != ABSENT)
        kind = WHOLE; /* it may be there, after all */
    if (kind == CONDITIONAL && was) {
        rc = splinter_store_get(s, key, NULL, 0, NULL, &meta);
        if (rc)
            wrong(rc, 3);
        options.flags = SPLINTER_IF_EPOCH;
        options.if_epoch = meta.epoch;
    } else if (kind == CONDITIONAL) {
        options.flags = SPLINTER_IF_ABSENT;
    } else if (kind == FOR_A_WHILE) {
        options.ttl_ns = UINT64_C(36000000000000);
    }
    __atomic_store_n(&own->begun, n, __ATOMIC_SEQ_CST);
    if (kind == ABSENT) {
        rc = splinter_store_unset(s, key, 0, NULL);
        want = was ? 0 : -ENOENT;
    } else if (kind == APPEND) {
        rc = splinter_store_append(s, key, buf, len, NULL);
    } else {
        rc = splinter_store_set(s, key, buf, len, if_any(&options), NULL);
    }
    if (rc == want) {
        __atomic_store_n(&own->acked, n, __ATOMIC_SEQ_CST);
        return;
    }
    if (rc == -EAGAIN)
        me->own_again++;
    else
        wrong(rc, 10 + (int)kind);
}

static void look_at_own(unsigned owner, unsigned k)
{
    const struct own *own = &board->worker[owner].own[k];
    uint64_t acked = __atomic_load_n(&own->acked, __ATOMIC_SEQ_CST), is, begun;

    if (!read_own(owner, k, &is))
        return;
    begun = __atomic_load_n(&own->begun, __ATOMIC_SEQ_CST);
    /* A change that its writer did not live to see acknowledged may be taken for undone by nobody
     * but his successor, who has looked. */
    if (!may_be(owner, k, is, acked, begun > acked ? begun : acked) && !me->lost++)
        printf("# worker %u finds change %" PRIu64 " of key %u of writer %u, acknowledged was %"
               PRIu64 ", begun %" PRIu64 "\n", number, is, k, owner, acked, begun);
}

static void change_shared(uint64_t r, uint64_t seen[SHARED])
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    unsigned k = (unsigned)(r >> 8) % SHARED, what = r % 100;
    const char *key = shared_keys[k];
    size_t len;
    int rc;

    if (what < 40) {
        rc = splinter_store_get(s, key, buf, sizeof(buf), &len, &meta);
        if (!rc) {
            me->torn += !value_number(buf, len, WORKERS, 1000 + k);
            me->backwards += meta.epoch < seen[k];
            seen[k] = meta.epoch;
        }
    } else if (what < 85) {
        if (what < 50)
            options.flags = SPLINTER_IF_ABSENT;
        if (what >= 50 && what < 60) {
            options.flags = SPLINTER_IF_EPOCH;
            options.if_epoch = seen[k];
        }
        if (what >= 60 && what < 70)
            options.ttl_ns = 1 + (r >> 20) % 2000000;
        len = piece_make(buf, number, 1000 + k, 1 + (r >> 20));
        rc = splinter_store_set(s, key, buf, len, if_any(&options), &seen[k]);
    } else {
        rc = splinter_store_unset(s, key, what < 90 ? seen[k] : 0, NULL);
    }
    if (rc == -EAGAIN)
        me->again++;
    else if (rc && rc != -ENOENT && rc != -EEXIST && rc != -ESTALE)
        wrong(rc, 20 + (int)what);
}

static void add(uint64_t r)
{
    int64_t count;
    int rc;

    if (r % 2) {
        __atomic_store_n(&me->adds_begun, me->adds_acked + 1, __ATOMIC_SEQ_CST);
        rc = splinter_store_add(s, count_keys[number], 1, &count);
        if (!rc)
            __atomic_store_n(&me->adds_acked, (uint64_t)count, __ATOMIC_SEQ_CST);
        else
            me->own_again += rc == -EAGAIN;
    } else {
        uint64_t by = r >> 44;

        __atomic_store_n(&me->sum_begun, me->sum_acked + by, __ATOMIC_SEQ_CST);
        rc = splinter_store_add(s, "sum", (int64_t)by, NULL);
        if (!rc) {
            __atomic_store_n(&me->sum_acked, me->sum_begun, __ATOMIC_SEQ_CST);
        } else {
            me->sum_begun = me->sum_acked;
            me->again += rc == -EAGAIN;
        }
    }
    if (rc && rc != -EAGAIN)
        wrong(rc, 4);
}

static void walk(void)
{
    unsigned met[WRITERS][OWN] = {0}, all = 0;
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;

    while (splinter_store_walk(s, "own-", &cursor, key, NULL) == 1) {
        unsigned owner = (unsigned)key[4] - '0', k = (unsigned)atoi(key + 6);

        /* A key may be met twice if it is unset and set again meanwhile, but not for ever. */
        if (owner >= WRITERS || k >= OWN || (met[owner][k]++, ++all > 100 * WRITERS * OWN)) {
            wrong(0, 5);
            break;
        }
    }
}

static void work(unsigned which, uint64_t seed)
{
    uint64_t seen[SHARED] = {0};
    bool writes = which < WRITERS;
    int rc;

    number = which;
    me = &board->worker[number];
    rc = place_open(&place, which == WORKERS - 1 ? SPLINTER_RDONLY : 0, &s);
    if (rc) {
        wrong(rc, 6);
        _exit(1);
    }
    if (writes)
        take_over();
    while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
        uint64_t r = random_next(&seed) >> 8;
        unsigned what = r % 256;

        r >>= 8;
        if (!writes || what < 30)
            look_at_own((unsigned)r % WRITERS, (unsigned)(r >> 8) % OWN);
        else if (what < 170)
            change_own((unsigned)r % OWN);
        else if (what < 220)
            change_shared(r, seen);
        else if (what < 254)
            add(r);
        if (what == 254 && r % 16 == 0)
            walk();
        if (what == 255 && r % 64 == 0) {
            rc = splinter_store_wait(s, own_keys[r % WRITERS][(r >> 8) % OWN], 0, r % 3, NULL);
            if (rc && rc != -ETIMEDOUT && rc != -ENOENT)
                wrong(rc, 7);
        }
        __atomic_store_n(&me->ops, me->ops + 1, __ATOMIC_RELAXED);
    }
    splinter_store_close(s);
    _exit(0);
}

static pid_t start(unsigned which, uint64_t seed)
{
    pid_t pid = fork_bound_child();

    if (!pid)
        work(which, seed ? seed : 1);
    return pid;
}

/* ---- the one who kills ---- */

struct crew {
    pid_t pid[WORKERS];
    uint64_t ops[WORKERS], since[WORKERS]; /* of the watchdog */
    uint64_t stuck, odd_deaths;
};

static void watch(struct crew *c, uint64_t *seed)
{
    uint64_t now = now_ns();

    for (unsigned i = 0; i < WORKERS; i++) {
        uint64_t ops = __atomic_load_n(&board->worker[i].ops, __ATOMIC_RELAXED);

        if (ops != c->ops[i] || !c->since[i]) {
            c->ops[i] = ops;
            c->since[i] = now;
        } else if (now - c->since[i] > STUCK_NS) {
            printf("# worker %u does not go on\n", i);
            c->stuck++;
            kill(c->pid[i], SIGKILL);
            reap(c->pid[i]);
            c->pid[i] = start(i, random_next(seed));
            c->since[i] = now;
        }
    }
}

static void replace(struct crew *c, unsigned i, uint64_t *seed)
{
    kill(c->pid[i], SIGKILL);
    c->odd_deaths += reap(c->pid[i]) != 1000 + SIGKILL;
    c->pid[i] = start(i, random_next(seed));
    c->since[i] = 0;
}

static void stop(struct crew *c, unsigned i, uint64_t *seed)
{
    int status;

    kill(c->pid[i], SIGSTOP);
    while (waitpid(c->pid[i], &status, WUNTRACED) < 0 && errno == EINTR)
        ;
    /* Now and then for longer than anybody waits for a lock. */
    if (random_next(seed) >> 33 & 31)
        nap(seed, 5000);
    else
        sleep_ms(1100);
}

/* ---- when everybody has left ---- */

static const char *part; /* that is played */

static void tell(bool ok, const char *what)
{
    report(ok, "%s, %s: %s", backing_names[place.backing], part, what);
}

/* All that the workers told; what each counts of a part begins at 0 again. */
static struct worker sum_up(void)
{
    struct worker sum = {0};

    for (unsigned w = 0; w < WORKERS; w++) {
        struct worker *worker = &board->worker[w];

        sum.ops += worker->ops;
        sum.torn += worker->torn;
        sum.lost += worker->lost;
        sum.wrong += worker->wrong;
        sum.own_again += worker->own_again;
        sum.again += worker->again;
        sum.backwards += worker->backwards;
        sum.sum_acked += worker->sum_acked;
        sum.sum_maybe += worker->sum_maybe + worker->sum_begun - worker->sum_acked;
        if (worker->wrong)
            printf("# first unexpected result: %" PRId64 " of operation %" PRId64 "\n",
                   worker->first_wrong, worker->first_op);
        worker->ops = worker->torn = worker->lost = worker->wrong = 0;
        worker->own_again = worker->again = worker->backwards = 0;
    }
    return sum;
}

/* Keys and counters of one writer that are not what it told. */
static uint64_t lost_of_writer(unsigned w)
{
    const struct worker *worker = &board->worker[w];
    uint64_t is, lost = 0;
    int64_t count = 0;
    int rc;

    for (unsigned k = 0; k < OWN; k++) {
        const struct own *own = &worker->own[k];

        if (read_own(w, k, &is) && !may_be(w, k, is, own->acked, own->begun) && !lost++)
            printf("# at the end change %" PRIu64 " of key %u of writer %u, acknowledged was %"
                   PRIu64 ", begun %" PRIu64 "\n", is, k, w, own->acked, own->begun);
    }
    rc = splinter_store_get(store, count_keys[w], &count, sizeof(count), NULL, NULL);
    if ((rc && rc != -ENOENT) || (uint64_t)count < worker->adds_acked ||
        (uint64_t)count > worker->adds_begun) {
        printf("# count of writer %u is %" PRId64 ", acknowledged %" PRIu64 ", begun %" PRIu64
               "\n", w, count, worker->adds_acked, worker->adds_begun);
        lost++;
    }
    return lost;
}

/* And the counter of everybody. */
static uint64_t lost_of_sum(const struct worker *sum)
{
    int64_t added = 0;

    splinter_store_get(store, "sum", &added, sizeof(added), NULL, NULL);
    if ((uint64_t)added >= sum->sum_acked && (uint64_t)added <= sum->sum_acked + sum->sum_maybe)
        return 0;
    printf("# the sum is %" PRId64 ", acknowledged %" PRIu64 ", not so %" PRIu64 "\n", added,
           sum->sum_acked, sum->sum_maybe);
    return 1;
}

static uint64_t met_twice(void)
{
    unsigned met[WRITERS][OWN] = {0};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0, twice = 0;

    while (splinter_store_walk(store, "own-", &cursor, key, NULL) == 1) {
        unsigned owner = (unsigned)key[4] - '0', k = (unsigned)atoi(key + 6);

        if (owner >= WRITERS || k >= OWN || met[owner][k]++)
            twice++;
    }
    return twice;
}

static bool check_finds_nothing(void)
{
    int rc = check_store(store);

    if (rc < 0)
        printf("# check: %s\n", strerror(-rc));
    return rc == 0;
}

static bool shared_keys_work(void)
{
    unsigned refused = 0;

    for (unsigned k = 0; k < SHARED; k++)
        if (splinter_store_set(store, shared_keys[k], "x", 1, NULL, NULL) ||
            splinter_store_unset(store, shared_keys[k], 0, NULL))
            refused++;
    return !refused;
}

static void look_through(const struct crew *c, bool kills, bool stops)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct worker sum = sum_up();
    uint64_t lost = 0, was;
    int rc;

    me = &sum;
    s = store;
    for (unsigned w = 0; w < WRITERS; w++)
        lost += lost_of_writer(w);
    lost += lost_of_sum(&sum);
    printf("# %" PRIu64 " operations, EAGAIN %" PRIu64 " times on a key of one's own, %" PRIu64
           " on a shared one\n", sum.ops, sum.own_again, sum.again);
    /* [P1] */
    tell(!sum.torn, "no value is torn");
    /* [P2] */
    tell(!sum.lost && !lost, "nothing acknowledged is lost, nothing undone comes back");
    tell(!sum.wrong, "no call fails that may not");
    /* [P8] */
    tell(!sum.backwards, "the epochs of a key only rise");
    /* [P2] */
    tell(!c->stuck && !c->odd_deaths, "nobody is stuck, and only the killed die");
    /* On a shared one it may happen that its holder gets no processor for longer than is waited;
     * its own key a writer gets back from its predecessor, which is certainly dead. */
    if (!kills || !stops)
        tell(!sum.own_again, "nobody is told to try again on a key of his own");
    /* [P3] */
    tell(!met_twice(), "no key is met twice");
    tell(check_finds_nothing(), "check finds nothing, no leaked block either");
    /* [P2] */
    tell(shared_keys_work(), "every shared key can be set and unset");
    splinter_store_sync(store);
    rc = splinter_store_stat(store, &st);
    printf("# %" PRIu64 " KiB in use, %" PRIu64 " reserved\n", st.used_bytes >> 10,
           st.reserved_bytes >> 10);
    was = st.reserved_bytes;
    if (!rc)
        rc = splinter_store_trim(store, NULL);
    if (!rc)
        rc = splinter_store_stat(store, &st);
    printf("# %" PRIu64 " KiB reserved after a trim\n", st.reserved_bytes >> 10);
    /* What was in use at once, and not how often somebody died, says how much that is. */
    tell(!rc && st.attached == 1 && was < ROOM && st.reserved_bytes <= was,
         "nobody else is attached, and memory is bounded");
}

static void progress(uint64_t done, uint64_t total)
{
    static uint64_t last;
    uint64_t now = now_ns();

    if (!isatty(2) || (now - last < 200000000 && done != total))
        return;
    last = now;
    fprintf(stderr, "\r%s, %s: %" PRIu64 " of %" PRIu64 "   %s", backing_names[place.backing], part,
            done, total, done == total ? "\n" : "");
}

static void play(const char *name, uint64_t events, bool kills, bool stops)
{
    uint64_t seed = support_seed + (uint64_t)place.backing * 77 + kills * 7 + stops;
    struct crew c = {0};

    part = name;
    __atomic_store_n(&board->stop, 0, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        c.pid[i] = start(i, random_next(&seed));
    sleep_ms(20);
    for (uint64_t event = 1; event <= events; event++) {
        unsigned victim = (unsigned)(random_next(&seed) >> 33) % (event % 8 ? WRITERS : WORKERS);
        bool stopped = stops && (!kills || random_next(&seed) >> 33 & 1);

        nap(&seed, 4000);
        if (stopped)
            stop(&c, victim, &seed);
        /* A stopped one dies as well as one that runs; others are killed while it is stopped. */
        if (stopped && kills && random_next(&seed) >> 33 & 1)
            replace(&c, (victim + 1) % WRITERS, &seed);
        if (kills && (!stopped || random_next(&seed) >> 33 & 1))
            replace(&c, victim, &seed);
        else if (stopped)
            kill(c.pid[victim], SIGCONT);
        c.since[victim] = 0;
        if (event % 16 == 0)
            watch(&c, &seed);
        progress(event, events);
    }
    sleep_ms(20);
    __atomic_store_n(&board->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        c.odd_deaths += reap(c.pid[i]) != 0;
    look_through(&c, kills, stops);
}

/* Nothing of the dead, and nothing of any size that was ever set, is still in use. */
static bool nothing_is_left(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0, stay = 0;

    splinter_store_sweep(store);
    while (splinter_store_walk(store, NULL, &cursor, key, NULL) == 1)
        stay += splinter_store_unset(store, key, 0, NULL) != 0;
    must(splinter_store_sync(store), "sync");
    must(splinter_store_stat(store, &st), "stat");
    if (!stay && !st.keys && !st.used_bytes)
        return true;
    printf("# %" PRIu64 " keys could not be unset, %" PRIu64 " are left, and %" PRIu64
           " bytes are in use\n", stay, st.keys, st.used_bytes);
    return false;
}

static void everybody_dies(void)
{
    uint64_t seed = support_seed + (uint64_t)place.backing;
    struct crew c = {0};

    part = "everybody is killed";
    __atomic_store_n(&board->stop, 0, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        c.pid[i] = start(i, random_next(&seed));
    sleep_ms(50);
    for (unsigned i = 0; i < WORKERS; i++)
        kill(c.pid[i], SIGKILL);
    for (unsigned i = 0; i < WORKERS; i++)
        c.odd_deaths += reap(c.pid[i]) != 1000 + SIGKILL;
    look_through(&c, true, true);
    /* [P9] */
    tell(nothing_is_left(), "nothing is in use when all keys are unset");
    tell(check_finds_nothing(), "check finds nothing in the empty store");
}

static void run(int backing, uint64_t kills)
{
    memset(board, 0, sizeof(*board));
    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    /* So that each add is to a key that is there: it is made or not when its maker dies. */
    for (unsigned w = 0; w < WRITERS; w++)
        if (splinter_store_add(store, count_keys[w], 0, NULL))
            die("add");
    if (splinter_store_add(store, "sum", 0, NULL))
        die("add");
    /* In portions, with a look through the whole store after each. */
    for (uint64_t done = 0, now; done < kills; done += now) {
        now = kills - done < 2000 ? kills - done : 2000;
        play("kills", now, true, false);
        play("stops", now / 8 + 1, false, true);
        play("kills and stops", now / 4 + 1, true, true);
    }
    everybody_dies();
    place_end(&place, store);
}

static int usage(const char *name)
{
    fprintf(stderr, "usage: %s [--kills N] [--seed S] [--store memory|file|memfd]\n"
            "N: kills in each store, 1 to 1000000000, default 150; all stores unless one is named"
            "\n",
            name);
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t kills = 150;
    int only = -1;

    for (int i = 1; i < argc; i += 2) {
        char *end = NULL;

        if (i + 1 == argc)
            return usage(argv[0]);
        if (!strcmp(argv[i], "--kills")) {
            kills = strtoull(argv[i + 1], &end, 10);
            if (*end || !kills || kills > 1000000000)
                return usage(argv[0]);
        } else if (!strcmp(argv[i], "--seed")) {
            setenv("SPLINTER_TEST_SEED", argv[i + 1], 1);
        } else if (!strcmp(argv[i], "--store")) {
            for (only = 0; only < BACKINGS && strcmp(argv[i + 1], backing_names[only]);)
                only++;
            if (only == BACKINGS)
                return usage(argv[0]);
        } else {
            return usage(argv[0]);
        }
    }
    if (argc == 1 && getenv("SPLINTER_TEST_SHORT"))
        kills = 40;
    support_start();
    name_keys();
    board = shared_memory(sizeof(*board));
    for (int backing = 0; backing < BACKINGS; backing++)
        if (only < 0 || only == backing)
            run(backing, kills);
    return tap_end();
}
