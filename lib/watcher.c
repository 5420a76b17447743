/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher.c - the one thread of the process that waits for all watches
 *
 * What a watch was asked to watch is ready or waits.  What is ready may have something to tell;
 * splinter_watch_next() looks, and lets it wait if there is nothing more, with what it has seen.
 * The thread makes it ready again.  It tells the program nothing but that, by the descriptor.
 *
 * The thread waits for each key on the key's own word.  For what is left it waits on the word of
 * the store: feeds, prefixes, and the keys for which the kernel has no place (it takes 128 words).
 *
 * Invariants
 *  - The thread sets the bit of a word, then looks, and sleeps only while the word is as it was
 *    then: as in wait.c, no change is missed.  What `next` has seen was read before it looked.
 *  - Whatever waits is looked at once in SLICE_NS, since a writer may die before it wakes anybody.
 *  - It looks after a wake at the word of a store a millisecond after the look before, or later.
 *    Meanwhile the bit is not set, so the writers do not pay.  So too with the word of a key that
 *    wakes it for other keys of the same bucket: it looks by itself for some time.
 *  - If something of a watch is ready, the descriptor is readable.  It is made so under the mutex,
 *    in the same step as the first that becomes ready, and not readable when none is.
 *  - The thread holds the mutex, but when it sleeps and when it cleans up after the dead; then the
 *    source is `busy`, and no watch of that handle is closed.
 *  - Nothing in here survives a fork: the child has no thread and no watch.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "fork.h"
#include "handle.h"
#include "readable.h"
#include "source.h"
#include "wait.h"
#include "wake.h"
#include "watcher.h"

#define SLICE_NS UINT64_C(100000000)
#define APART_NS UINT64_C(1000000)   /* between two looks at what is not asleep on its own word */
#define NAP_MAX_NS UINT64_C(5000000) /* between looks if the thread cannot ask to be woken */
#define LOUD_MIN_NS UINT64_C(64000000)
#define LOUD_MAX_NS UINT64_C(1024000000)
#define SOURCES_MOST ((uint32_t)WAKE_WORDS / 2 - 1) /* that get a place among the words */
#define SHARE 10 /* the thread sleeps so many times as long as a pass took, if that was long */
#define LONG_NS UINT64_C(100000)
#define STACK ((size_t)256 << 10)

/* Serializes the start and the end of the thread.  Then the mutex, which protects all that
 * follows, and what watcher.h says. */
static pthread_mutex_t life_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t watcher_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_busy = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct source *sources;
static struct watched *waiting;
static uint32_t watches;
static uint32_t generation; /* of the process in which all this holds */
static pthread_t thread;
static bool runs, stops, unloads;
static bool asleep;
static uint32_t bell; /* the thread sleeps on it as well; stepped by who has something for it */

/* Of the thread alone. */
static struct wake_word words[WAKE_WORDS];
static uint32_t used;
static uint64_t until; /* when it wakes by itself */

/* ---- what is ready, and what waits ---- */

static void make_ready(struct watched *it)
{
    struct splinter_watch *w = it->watch;
    it->next = NULL;
    *w->ready_end = it;
    w->ready_end = &it->next;
    w->ready_count++;
    readable_set(&w->readable);
}

static void stop_waiting(struct watched *it)
{
    *it->link = it->next;
    if (it->next)
        it->next->link = it->link;
}

static void ring(void)
{
    store_relaxed(&bell, bell + 1);
    if (asleep)
        wake_sleepers(&bell);
}

/* ---- one pass of the thread ---- */

static void wake_by(uint64_t when)
{
    if (when < until)
        until = when;
}

static void sleep_on(const uint32_t *word, uint32_t expected)
{
    words[used++] = wake_word(word, expected);
}

/* Which keys get a place of their own among the words, and what waits for a store. */
static void share_out(void)
{
    uint32_t room = WAKE_WORDS - 1, count = 0;
    for (struct source *src = sources; src; src = src->next) {
        src->wanted = src->feeds = false;
        count++;
    }
    room -= count < SOURCES_MOST ? count : SOURCES_MOST;
    for (struct watched *it = waiting; it; it = it->next) {
        it->own = it->kind == WATCHED_KEY && it->word && room && wake_can_many();
        it->asked = it->asked && it->own;
        room -= it->own;
        it->watch->source->wanted |= !it->own;
        it->watch->source->feeds |= it->kind != WATCHED_KEY;
    }
}

/* Does the thread look at what waits for this store, and does it sleep on its word? */
static void prepare_source(struct source *src, uint64_t now, bool all)
{
    struct splinter_store *s = src->store;
    uint32_t *word = &s->header->any_wait;
    src->look = all;
    if (!src->wanted) {
        src->asked = false;
        return;
    }
    uint64_t end = src->feeds ? expiry_next(s) : 0;
    if (end && end < UINT64_MAX - now)
        wake_by(now + end);
    bool can_ask = !s->read_only && wake_can_many() && used <= SOURCES_MOST;
    if (!can_ask || !src->asked || load_acquire(word) != src->expected) {
        src->asked = false;
        if (now < src->look_again) {
            wake_by(src->look_again);
            return;
        }
        src->look = true;
        src->look_again = now + APART_NS;
        if (!can_ask) {
            src->nap = src->nap * 2 < NAP_MAX_NS ? src->nap * 2 : NAP_MAX_NS;
            wake_by(now + src->nap);
            return;
        }
        src->expected = wake_ask(word);
        src->asked = true;
    }
    sleep_on(word, src->expected);
}

static bool key_stirs(struct watched *it, uint64_t now)
{
    struct key_seen seen = {0};
    bool stirs = key_passed(it->watch->store, &it->key, it->seen, &seen) != -EAGAIN;
    it->owner_at = seen.owner ? now + WAIT_OWNER_NS : 0;
    if (seen.owner)
        wake_by(it->owner_at);
    return stirs;
}

/* A key with a word of its own. */
static bool own_stirs(struct watched *it, uint64_t now, bool look)
{
    if (it->asked && load_acquire(it->word) == it->expected) {
        if (look && key_stirs(it, now))
            return true;
        sleep_on(it->word, it->expected);
        return false;
    }
    if (it->asked) { /* woken: for it, or for another key of the bucket */
        it->asked = false;
        if (key_stirs(it, now))
            return true;
        bool rare = now - it->asked_at > LOUD_MAX_NS;
        it->loud_ns = rare || !it->loud_ns ? LOUD_MIN_NS : it->loud_ns * 2;
        if (it->loud_ns > LOUD_MAX_NS)
            it->loud_ns = LOUD_MAX_NS;
        it->loud_until = now + it->loud_ns;
    }
    if (now < it->loud_until) {
        wake_by(now + APART_NS);
        return key_stirs(it, now);
    }
    it->expected = wake_ask(it->word);
    if (key_stirs(it, now))
        return true;
    it->asked = true;
    it->asked_at = now;
    sleep_on(it->word, it->expected);
    return false;
}

/* Is it ready? */
static bool stirs(struct watched *it, uint64_t now, bool all)
{
    const struct source *src = it->watch->source;
    const struct header *h = src->store->header;
    if (it->due && now >= it->due)
        return true;
    if (it->due)
        wake_by(it->due);
    /* If it is not time yet to look at the store, neither is it for what has just come. */
    bool look = all || src->look || (it->fresh && (it->own || src->asked)) ||
                (it->owner_at && now >= it->owner_at);
    if (it->owner_at)
        wake_by(it->owner_at);
    it->fresh = it->fresh && !look;
    if (it->own)
        return own_stirs(it, now, look);
    if (src->anyway && it->kind != WATCHED_KEY)
        return true;
    if (!look)
        return false;
    if (it->kind == WATCHED_KEY)
        return key_stirs(it, now);
    const uint64_t *counter = it->kind == WATCHED_FEED ? &h->published : &h->epoch;
    return load_seq_cst(counter) > it->seen;
}

static void pass(uint64_t now, bool all)
{
    used = 1;
    until = now + SLICE_NS;
    share_out();
    for (struct source *src = sources; src; src = src->next)
        prepare_source(src, now, all);
    for (struct watched *it = waiting, *next; it; it = next) {
        next = it->next;
        if (!stirs(it, now, all))
            continue;
        stop_waiting(it);
        it->asked = false;
        it->watch->source->nap = SOURCE_NAP_NS;
        make_ready(it);
    }
    for (struct source *src = sources; src; src = src->next)
        src->anyway = false;
}

/* Without the mutex, for it takes time: clean up after the dead, tell of lives that ended.  True:
 * somebody owns ephemeral keys, and may die. */
static bool do_chores(void)
{
    bool owners = false;
    for (struct source *src = sources; src; src = src->next) {
        struct splinter_store *s = src->store;
        bool feeds = src->feeds, any = false;
        uint64_t before = src->chores_at;
        src->busy = true;
        pthread_mutex_unlock(&watcher_mutex);
        uint64_t now = now_monotonic();
        bool anyway = wait_dead_untold(s);
        if (feeds && wait_owner_untold(s, before, &any))
            anyway = true;
        if (feeds && wait_end_untold(s))
            anyway = true;
        pthread_mutex_lock(&watcher_mutex);
        src->busy = false;
        src->chores_at = now;
        src->anyway |= anyway;
        src->look_again = anyway ? 0 : src->look_again;
        owners |= any;
        pthread_cond_broadcast(&not_busy);
    }
    return owners;
}

static void sleep_now(uint32_t rung, uint64_t now, uint64_t took)
{
    uint64_t ns = waiting ? (until > now ? until - now : 0) : UINT64_C(3600000000000);
    asleep = true;
    pthread_mutex_unlock(&watcher_mutex);
    if (took > LONG_NS) {
        wake_sleep(NULL, &bell, rung, SHARE * took); /* it is not to burn a core */
    } else if (used == 1 || !wake_can_many()) {
        wake_sleep(NULL, &bell, rung, ns);
    } else {
        words[0] = wake_word(&bell, rung);
        if (wake_sleep_many(NULL, words, used, ns) == WAKE_CANNOT)
            wake_sleep(NULL, &bell, rung, APART_NS);
    }
    pthread_mutex_lock(&watcher_mutex);
    asleep = false;
}

static void *run(void *unused)
{
    (void)unused;
    uint64_t all_at = 0, chores_at = 0;
    pthread_mutex_lock(&watcher_mutex);
    while (!stops) {
        uint64_t begin = now_monotonic();
        bool all = begin >= all_at;
        all_at = all ? begin + SLICE_NS : all_at;
        if (begin >= chores_at) {
            chores_at = begin + (do_chores() ? WAIT_OWNER_NS : SLICE_NS);
            if (stops)
                break;
        }
        uint32_t rung = bell;
        uint64_t now = now_monotonic();
        pass(now, all);
        wake_by(chores_at);
        uint64_t end = now_monotonic();
        sleep_now(rung, end, end - now);
    }
    pthread_mutex_unlock(&watcher_mutex);
    return NULL;
}

/* ---- its life ---- */

static int start_thread(void)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return -ENOMEM;
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    stops = false;
    int r = pthread_create(&thread, &attributes, run, NULL);
    if (r == EINVAL) /* the variables of the program's threads alone take more */
        r = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    runs = !r;
    return -r;
}

/* Under life_mutex. */
static void stop_thread(void)
{
    pthread_mutex_lock(&watcher_mutex);
    stops = true;
    ring();
    pthread_mutex_unlock(&watcher_mutex);
    pthread_join(thread, NULL);
    runs = false;
}

static void before_fork(void)
{
    pthread_mutex_lock(&life_mutex);
    pthread_mutex_lock(&watcher_mutex);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&watcher_mutex);
    pthread_mutex_unlock(&life_mutex);
}

/* In a child.  What the lists lead to stays: it belongs to watches of the parent, and is freed with
 * their copies. */
static void forget(void)
{
    pthread_cond_init(&not_busy, NULL);
    sources = NULL;
    waiting = NULL;
    watches = 0;
    runs = asleep = false;
    generation = fork_now();
}

static void after_fork_child(void)
{
    forget();
    pthread_mutex_unlock(&watcher_mutex); /* locked by this thread in before_fork() */
    pthread_mutex_unlock(&life_mutex);
}

static void start(void)
{
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    generation = fork_now();
}

/* A program may unload the library with open watches; a thread must not go on in memory that is
 * gone. */
__attribute__((destructor)) static void unload(void)
{
    if (generation != fork_now())
        return;
    pthread_mutex_lock(&life_mutex);
    unloads = true;
    if (runs)
        stop_thread();
    pthread_mutex_unlock(&life_mutex);
}

int watcher_enter(struct splinter_watch *w)
{
    pthread_once(&once, start);
    if (generation != fork_now()) { /* a child that was made without the handlers */
        pthread_mutex_init(&watcher_mutex, NULL);
        pthread_mutex_init(&life_mutex, NULL);
        forget();
    }
    pthread_mutex_lock(&life_mutex);
    int r = unloads ? -ECANCELED : runs ? 0 : start_thread();
    if (!r) {
        pthread_mutex_lock(&watcher_mutex);
        w->source = source_enter(&sources, w->store);
        watches += w->source != NULL;
        bool alone = !watches;
        pthread_mutex_unlock(&watcher_mutex);
        r = w->source ? 0 : -ENOMEM;
        if (alone)
            stop_thread();
    }
    pthread_mutex_unlock(&life_mutex);
    return r;
}

void watcher_leave(struct splinter_watch *w)
{
    pthread_mutex_lock(&life_mutex);
    pthread_mutex_lock(&watcher_mutex);
    while (w->source->busy)
        pthread_cond_wait(&not_busy, &watcher_mutex);
    for (struct watched *it = waiting, *next; it; it = next) {
        next = it->next;
        if (it->watch == w)
            stop_waiting(it);
    }
    source_leave(&sources, w->source);
    bool last = !--watches;
    pthread_mutex_unlock(&watcher_mutex);
    if (last && runs)
        stop_thread();
    pthread_mutex_unlock(&life_mutex);
}

/* ---- for the calls ---- */

void watcher_add(struct watched *it)
{
    struct splinter_watch *w = it->watch;
    pthread_mutex_lock(&watcher_mutex);
    it->after = w->all;
    w->all = it;
    make_ready(it);
    pthread_mutex_unlock(&watcher_mutex);
}

struct watched *watcher_take(struct splinter_watch *w)
{
    pthread_mutex_lock(&watcher_mutex);
    struct watched *it = w->ready;
    if (it) {
        w->ready = it->next;
        if (!w->ready)
            w->ready_end = &w->ready;
        w->ready_count--;
    } else {
        readable_clear(&w->readable);
    }
    pthread_mutex_unlock(&watcher_mutex);
    return it;
}

void watcher_ready(struct watched *it)
{
    pthread_mutex_lock(&watcher_mutex);
    make_ready(it);
    pthread_mutex_unlock(&watcher_mutex);
}

void watcher_wait(struct watched *it, uint64_t seen, uint64_t due)
{
    pthread_mutex_lock(&watcher_mutex);
    it->seen = seen;
    it->due = due;
    it->fresh = true;
    it->next = waiting;
    it->link = &waiting;
    if (waiting)
        waiting->link = &it->next;
    waiting = it;
    ring();
    pthread_mutex_unlock(&watcher_mutex);
}
