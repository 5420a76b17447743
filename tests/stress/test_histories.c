/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_histories.c - gets, sets, conditional sets, adds and unsets by several processes at once,
 * some of which are killed, are linearizable
 *
 * Each process notes its calls, what they returned, and when they began and ended.  Afterwards
 * history_judge() looks for an order that explains all calls of a key.  TAP by hand; loops are
 * counted, the seed is printed.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "history.h"
#include "support.h"
#include "tap.h"

#define WORKERS 4
#define KILLS 12
#define KEYS 3
#define CALLS_MAX 3000
#define VALUE_WORDS 100

_Static_assert(WORKERS + KILLS <= HISTORY_PROCESSES, "each of those killed is followed by another");

/* What a process did, in memory of its own. */
struct notes {
    uint32_t count, again;
    struct call call[CALLS_MAX];
};

static struct notes *notes; /* WORKERS + KILLS of them */
static uint32_t *begun;     /* processes that are ready */
static struct place place;

/* A process, and the epochs that it has seen last. */
struct worker {
    splinter_store *store, *to_read;
    unsigned number;
    uint64_t seed, seen[KEYS];
};

/* The first key is a number.  The second has short values, so that most calls take the fast path.
 * Every word of the others is the value: a torn one has a value that nobody set. */
static size_t make_value(const struct worker *w, const struct call *c, uint64_t *words)
{
    static const unsigned most[KEYS] = {1, 2, VALUE_WORDS};
    unsigned n = 1 + (unsigned)(w->seed >> 40) % most[c->key];

    for (unsigned i = 0; i < n; i++)
        words[i] = c->value;
    return n * sizeof(*words);
}

static uint64_t value_of(const uint64_t *words, size_t len)
{
    if (!len || len % sizeof(*words))
        return 0;
    for (unsigned i = 1; i < len / sizeof(*words); i++)
        if (words[i] != words[0])
            return 0;
    return words[0];
}

static int set(struct worker *w, struct call *c, const char *key)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    uint64_t words[VALUE_WORDS];
    size_t len = make_value(w, c, words);

    options.type = c->key ? 0 : SPLINTER_TYPE_INT64;
    if (c->act == ACT_SET_IF_ABSENT)
        options.flags = SPLINTER_IF_ABSENT;
    if (c->act == ACT_SET_IF_EPOCH)
        options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = c->if_epoch;
    return splinter_store_set(w->store, key, words, len, if_any(&options), &c->epoch);
}

/* By either handle, by the fast path or the slow one. */
static int get(struct worker *w, struct call *c, const char *key)
{
    splinter_store *s = w->seed >> 50 & 1 ? w->store : w->to_read;
    struct splinter_meta meta = {.struct_size = w->seed >> 51 & 1 ? sizeof(meta) : SHORT_META};
    bool with_meta = w->seed >> 52 & 3;
    uint64_t words[VALUE_WORDS];
    size_t len = 0;
    int rc = splinter_store_get(s, key, words, sizeof(words), &len, with_meta ? &meta : NULL);

    if (!rc) {
        c->value = value_of(words, len);
        c->epoch = with_meta ? meta.epoch : 0;
        c->revision = with_meta ? meta.revision : 0;
    }
    return rc;
}

static int make_call(struct worker *w, struct call *c, const char *key)
{
    int64_t sum = 0;
    int rc;

    switch (c->act) {
    case ACT_GET:
        return get(w, c, key);
    case ACT_UNSET:
        return splinter_store_unset(w->store, key, c->if_epoch, NULL);
    case ACT_TOUCH:
        return splinter_store_touch(w->store, key, &c->epoch);
    case ACT_ADD:
        rc = splinter_store_add(w->store, key, (int64_t)c->delta, &sum);
        c->value = (uint64_t)sum;
        return rc;
    default:
        return set(w, c, key);
    }
}

static enum act random_act(uint64_t r, unsigned key)
{
    static const enum act acts[] = {
        ACT_GET, ACT_GET, ACT_GET, ACT_GET, ACT_GET, ACT_GET, ACT_SET, ACT_SET, ACT_SET_IF_ABSENT,
        ACT_SET_IF_ABSENT, ACT_SET_IF_EPOCH, ACT_SET_IF_EPOCH, ACT_UNSET, ACT_UNSET, ACT_TOUCH,
        ACT_ADD,
    };
    enum act act = acts[r % 16];

    return act == ACT_ADD && key ? ACT_GET : act == ACT_SET && !key && r >> 4 & 1 ? ACT_ADD : act;
}

/* Note the call before it is made, and what it returned after it: a process that is killed leaves a
 * call without an end. */
static void one_call(struct worker *w)
{
    static const char *const keys[KEYS] = {"number", "short key", "a key of more than 16 bytes"};
    struct notes *n = &notes[w->number];
    struct call *c = &n->call[n->count];
    uint64_t r = random_next(&w->seed) >> 20;

    *c = (struct call){.end = ACT_NEVER, .key = (uint32_t)(r % KEYS)};
    c->act = random_act(r >> 4, c->key);
    if (c->act == ACT_SET_IF_EPOCH || (c->act == ACT_UNSET && r >> 12 & 1))
        c->if_epoch = w->seen[c->key];
    if (c->act == ACT_ADD)
        c->delta = 1 + (r >> 13) % 1000000;
    else if (c->act != ACT_GET)
        c->value = (uint64_t)(w->number + 1) << 40 | (uint64_t)(n->count + 1) << 20;
    c->begin = now_ns();
    __atomic_store_n(&n->count, n->count + 1, __ATOMIC_RELEASE);
    c->result = make_call(w, c, keys[c->key]);
    __atomic_store_n(&c->end, now_ns(), __ATOMIC_RELEASE);
    if (!c->result && c->epoch)
        w->seen[c->key] = c->epoch;
    if (c->result == -EAGAIN) /* it has done nothing */
        n->again++;
}

/* A signal comes in the middle of a call, and others go on: so calls are as long as those of many
 * processes that wait for few processors. */
static void lets_others_go_on(int number)
{
    (void)number;
    sched_yield();
}

/* Once, some microseconds from now; 0: not at all. */
static void interrupt_after(unsigned us)
{
    struct itimerval timer = {.it_value = {.tv_usec = (long)us}};

    setitimer(ITIMER_REAL, &timer, NULL);
}

static pid_t start(unsigned number, unsigned calls, unsigned everybody)
{
    struct sigaction action = {.sa_handler = lets_others_go_on, .sa_flags = SA_RESTART};
    struct worker w = {.number = number, .seed = support_seed * 31 + number * UINT64_C(7919) + 1};
    pid_t pid = fork_bound_child();

    if (pid)
        return pid;
    w.store = place_again(&place, 0);
    w.to_read = place_again(&place, SPLINTER_RDONLY);
    __atomic_add_fetch(begun, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(begun, __ATOMIC_SEQ_CST) < everybody)
        sched_yield();
    sigaction(SIGALRM, &action, NULL);
    while (notes[number].count < calls) {
        if (notes[number].count % 8 == 0)
            interrupt_after(1 + (unsigned)(w.seed >> 33) % 8);
        one_call(&w);
    }
    interrupt_after(0);
    splinter_store_close(w.to_read);
    splinter_store_close(w.store);
    exit(0);
}

/* ---- the verdict ---- */

/* The calls of a key, less those that did nothing. */
static void history_of(struct history *h, unsigned key, unsigned processes, struct call *calls)
{
    memset(h, 0, sizeof(*h));
    h->processes = processes;
    for (unsigned p = 0; p < processes; p++) {
        h->of[p].calls = calls;
        for (unsigned i = 0; i < notes[p].count; i++) {
            const struct call *c = &notes[p].call[i];

            if (c->key == key && c->result != -EAGAIN) {
                *calls++ = *c;
                h->of[p].count++;
            }
        }
    }
}

/* How many calls were not alone with their key.  The calls are those of history_of(). */
static unsigned overlapping(const struct history *h)
{
    unsigned at[HISTORY_PROCESSES] = {0}, n = 0;

    for (unsigned p = 0; p < h->processes; p++) {
        memset(at, 0, sizeof(at));
        for (unsigned i = 0; i < h->of[p].count; i++) {
            const struct call *c = &h->of[p].calls[i];
            bool alone = true;

            for (unsigned q = 0; q < h->processes; q++) {
                while (at[q] < h->of[q].count && h->of[q].calls[at[q]].end < c->begin)
                    at[q]++;
                alone &= q == p || at[q] == h->of[q].count || h->of[q].calls[at[q]].begin > c->end;
            }
            n += !alone;
        }
    }
    return n;
}

static void judge(unsigned processes, const char *what)
{
    struct call *calls = malloc((size_t)processes * CALLS_MAX * sizeof(*calls));
    unsigned total = 0, again = 0, open = 0, at_once = 0;
    bool good = calls != NULL;

    for (unsigned key = 0; good && key < KEYS; key++) {
        struct history h;
        enum verdict verdict;

        history_of(&h, key, processes, calls);
        at_once += overlapping(&h);
        verdict = history_judge(&h, true);
        if (verdict != LINEARIZABLE)
            printf("# key %u: %s\n", key, verdict == UNDECIDED ? "undecided" : "no order");
        good = verdict == LINEARIZABLE;
    }
    free(calls);
    for (unsigned p = 0; p < processes; p++) {
        total += notes[p].count;
        again += notes[p].again;
        open += notes[p].count && notes[p].call[notes[p].count - 1].end == ACT_NEVER;
    }
    printf("# %u calls, %u of them while another call used their key; %u times EAGAIN, %u calls "
           "without an end\n", total, at_once, again, open);
    report(good, "%s: %s", backing_names[place.backing], what);
}

static splinter_store *begin(int backing)
{
    memset(notes, 0, (WORKERS + KILLS) * sizeof(*notes));
    *begun = 0;
    return place_make(&place, backing, 64, VALUE_WORDS * sizeof(uint64_t));
}

static void end(splinter_store *store)
{
    report(check_store(store) == 0, "%s: check finds nothing", backing_names[place.backing]);
    place_end(&place, store);
}

static void everybody_lives(int backing)
{
    splinter_store *store = begin(backing);
    pid_t pid[WORKERS];
    bool clean = true;

    for (unsigned i = 0; i < WORKERS; i++)
        pid[i] = start(i, repeated(CALLS_MAX), WORKERS);
    for (unsigned i = 0; i < WORKERS; i++)
        clean &= reap(pid[i]) == 0;
    report(clean, "%s: every process ends well", backing_names[backing]);
    /* [P1] [P3] [P8] */
    judge(WORKERS, "what several processes do at once is linearizable");
    end(store);
}

/* Until the process has made so many calls; for at most a minute, if it has died meanwhile. */
static void let_work(unsigned number, unsigned calls)
{
    for (unsigned ms = 0; ms < 60000; ms++) {
        if (__atomic_load_n(&notes[number].count, __ATOMIC_ACQUIRE) >= calls)
            break;
        sleep_ms(1);
    }
}

static void some_are_killed(int backing)
{
    splinter_store *store = begin(backing);
    uint64_t seed = support_seed + 5;
    struct {
        pid_t pid;
        unsigned number;
    } worker[WORKERS];
    unsigned calls = repeated(CALLS_MAX), processes = 0;
    bool clean = true;

    for (; processes < WORKERS; processes++) {
        worker[processes].number = processes;
        worker[processes].pid = start(processes, calls, WORKERS);
    }
    for (unsigned i = 0; i < KILLS; i++) {
        unsigned w = (unsigned)(random_next(&seed) >> 33) % WORKERS;
        int status;

        let_work(worker[w].number, calls / 8);
        kill(worker[w].pid, SIGKILL);
        status = reap(worker[w].pid);
        clean &= status == 1000 + SIGKILL || !status;
        worker[w].number = processes;
        worker[w].pid = start(processes++, calls, 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        clean &= reap(worker[i].pid) == 0;
    report(clean, "%s: only the killed die", backing_names[backing]);
    /* [P2] */
    judge(processes, "what processes do of which some are killed is linearizable");
    end(store);
}

int main(void)
{
    support_start();
    notes = shared_memory((WORKERS + KILLS) * sizeof(*notes));
    begun = shared_memory(sizeof(*begun));
    history_cases();
    for (int backing = 0; backing < BACKING_NAMED; backing++) {
        everybody_lives(backing);
        some_are_killed(backing);
    }
    return tap_end();
}
