/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher.c - the one thread of the process that waits for all watches
 *
 * What a watch was asked to watch is ready or waits.  What is ready may have something to tell;
 * splinter_watch_next() looks, and lets it wait if there is nothing more, with what it has seen.
 * The thread makes it ready again.  It tells the program nothing but that, by the descriptor.
 *
 * What the thread looks at, and what it sleeps on, is in pass.c.
 *
 * Invariants
 *  - Whatever waits is looked at once in SLICE_NS, since a writer may die before it wakes anybody.
 *  - If nothing of a watch is ready when a call has found nothing, the descriptor is made not
 *    readable, under the mutex, under which it is made readable (pass.c).
 *  - The thread holds the mutex, but when it sleeps and when it cleans up after the dead; then the
 *    source is `busy`, and no watch of that handle is closed.
 *  - After a pass or a cleaning that took long the thread lets ten times as much time pass before
 *    the next one; after a pass, SLICE_NS at most.
 *  - No two watches have the same number of a descriptor: the kernel gives one that is free, so a
 *    watch that still has it is one whose descriptor the program has closed.
 *  - Nothing in here survives a fork: the child has no thread, and no watch but to close.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "atomic.h"
#include "clock.h"
#include "fork.h"
#include "handle.h"
#include "pass.h"
#include "readable.h"
#include "source.h"
#include "wait.h"
#include "wake.h"
#include "watcher.h"

#define SLICE_NS UINT64_C(100000000)
#define APART_NS UINT64_C(1000000) /* between looks, if the kernel refuses to let it sleep */
#define SHARE 10 /* the thread pauses so many times as long as it took, if that was long */
#define LONG_NS UINT64_C(100000)
#define STACK ((size_t)256 << 10)
#define UNLOAD_MS 1000

/* Serializes the start and the end of the thread.  Then the mutex, which protects all that
 * follows, and what watcher.h says. */
static pthread_mutex_t life_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t watcher_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_busy = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct splinter_watch *opened;
static struct splinter_watch *inherited; /* of the parents of this process */
static uint32_t wanted; /* so many calls wait for the mutex */
static struct pass pass = {.mutex = &watcher_mutex, .wanted = &wanted};
static uint32_t watches;
static uint32_t generation; /* of the process in which all this holds */
static pthread_t thread;
static bool runs, stops, ended, unloads;
static bool asleep;
static uint32_t bell; /* the thread sleeps on it as well; stepped by who has something for it, */
static bool has_more; /* or will do that before its call returns */

static void ring(bool anyway)
{
    store_relaxed(&bell, bell + 1);
    if (asleep || anyway)
        wake_sleepers(&bell);
}

/* Without the mutex, for it takes time: clean up after the dead, tell of lives that ended.  True:
 * somebody owns ephemeral keys, and may die. */
static bool do_chores(void)
{
    bool owners = false;
    for (struct source *src = pass.sources; src && !stops; src = src->next) {
        struct splinter_store *s = src->store;
        bool feeds = src->feeds, any = false;
        uint64_t before = src->chores_at;
        src->busy = true;
        pthread_mutex_unlock(&watcher_mutex);
        uint64_t now = now_monotonic();
        bool anyway = wait_dead_untold(s, before);
        if (feeds && wait_owner_untold(s, before, &any))
            anyway = true;
        if (feeds && wait_end_untold(s, before))
            anyway = true;
        if (anyway && feeds)
            wait_for_ends_told(s);
        pthread_mutex_lock(&watcher_mutex);
        src->busy = false;
        src->chores_at = now;
        src->untold += anyway;
        src->look_again = anyway ? 0 : src->look_again;
        owners |= any;
        pthread_cond_broadcast(&not_busy);
    }
    return owners;
}

/* Of this thread.  What stopped it, or had the core instead, does not count. */
static uint64_t cpu_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* How long to pause, at most, after what began at that time of the thread. */
static uint64_t pause_after(uint64_t began, uint64_t most)
{
    uint64_t took = cpu_time() - began;
    return took < LONG_NS ? 0 : took < most / SHARE ? took * SHARE : most;
}

/* Whoever rings. */
static void pause_until(uint64_t end)
{
    uint64_t now;
    while (!stops && (now = now_monotonic()) < end) {
        uint32_t rung = bell;
        pthread_mutex_unlock(&watcher_mutex);
        wake_sleep(NULL, &bell, rung, end - now);
        pthread_mutex_lock(&watcher_mutex);
    }
}

static void sleep_now(uint32_t rung, uint64_t now)
{
    uint64_t ns = !pass.waiting ? UINT64_C(3600000000000)
                  : pass.until > now ? pass.until - now : 0;
    asleep = true;
    pthread_mutex_unlock(&watcher_mutex);
    if (pass.used == 1 || !wake_can_many()) {
        wake_sleep(NULL, &bell, rung, ns);
    } else {
        pass.words[0] = wake_word(&bell, rung);
        if (wake_sleep_many(NULL, pass.words, pass.used, ns) == WAKE_CANNOT)
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
        uint64_t now = now_monotonic(), began = cpu_time();
        bool all = now >= all_at;
        all_at = all ? now + SLICE_NS : all_at;
        if (now >= chores_at) {
            uint64_t next = do_chores() ? WAIT_OWNER_NS : SLICE_NS;
            uint64_t pause = pause_after(began, UINT64_MAX);
            now = now_monotonic();
            chores_at = now + (pause > next ? pause : next);
            began = cpu_time();
            if (stops)
                break;
        }
        uint32_t rung = bell;
        pass.used = 1;
        pass.until = now + SLICE_NS;
        pass_make(&pass, now, all);
        pass_wake_by(&pass, chores_at);
        now = now_monotonic();
        uint64_t again = now + pause_after(began, SLICE_NS);
        sleep_now(rung, now);
        pause_until(again);
    }
    ended = true;
    pthread_mutex_unlock(&watcher_mutex);
    return NULL;
}

/* ---- its life ---- */

static int start_thread(void)
{
    /* A fault of this thread is the program's to report, by the handler that it has for that. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_attr_init(&attributes))
        return -ENOMEM;
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    stops = ended = false;
    int r = pthread_create(&thread, &attributes, run, NULL);
    if (r == EINVAL) /* the variables of the program's threads alone take more */
        r = pthread_create(&thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    runs = !r;
    return -r;
}

/* For a call: the thread lets it have the mutex in the middle of a pass. */
static void lock(void)
{
    fetch_add_seq_cst(&wanted, 1);
    pthread_mutex_lock(&watcher_mutex);
    fetch_sub_seq_cst(&wanted, 1);
}

static void unlock(void)
{
    pthread_mutex_unlock(&watcher_mutex);
}

/* Under life_mutex. */
static void stop_thread(void)
{
    lock();
    stops = true;
    ring(true);
    unlock();
    pthread_join(thread, NULL);
    runs = false;
}

/* In a child.  What the lists lead to stays: the watches are the parent's, and another thread of it
 * may have been changing them when it forked. */
static void forget(void)
{
    pthread_mutex_init(&watcher_mutex, NULL);
    pthread_mutex_init(&life_mutex, NULL);
    pthread_cond_init(&not_busy, NULL);
    struct splinter_watch **end = &inherited;
    while (*end)
        end = &(*end)->next;
    *end = opened;
    opened = NULL;
    pass.sources = NULL;
    pass.waiting = NULL;
    watches = wanted = 0;
    runs = asleep = has_more = false;
    generation = fork_now();
}

/* Nothing is held across a fork, as the child forgets it all.  So who forks does not wait for a
 * pass, and a signal handler may fork. */
static void start(void)
{
    pthread_atfork(NULL, NULL, forget);
    generation = fork_now();
}

/* Not for ever: exit(3) in a signal handler may have interrupted who has it. */
static bool lock_soon(pthread_mutex_t *mutex)
{
    for (int i = 0; i < UNLOAD_MS; i++) {
        if (!pthread_mutex_trylock(mutex))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

/* The thread may wait for what the interrupted one has. */
static bool ends_soon(void)
{
    bool is = false;
    for (int i = 0; i < UNLOAD_MS && !is && lock_soon(&watcher_mutex); i++) {
        is = ended;
        pthread_mutex_unlock(&watcher_mutex);
        nanosleep(&(struct timespec){.tv_nsec = is ? 0 : 1000000}, NULL);
    }
    return is;
}

/* A program may unload the library with open watches; a thread must not go on in memory that is
 * gone. */
__attribute__((destructor)) static void unload(void)
{
    if (generation != fork_now() || !lock_soon(&life_mutex))
        return;
    unloads = true;
    if (runs && lock_soon(&watcher_mutex)) {
        stops = true;
        ring(true);
        pthread_mutex_unlock(&watcher_mutex);
        if (ends_soon())
            pthread_join(thread, NULL);
        runs = false;
    }
    pthread_mutex_unlock(&life_mutex);
}

/* The kernel has just given the watch the number of its descriptor.  Whoever had it before may have
 * made it readable since. */
static void list_opened(struct splinter_watch *w)
{
    struct splinter_watch *lists[] = {opened, inherited};
    for (int i = 0; i < 2; i++)
        for (struct splinter_watch *other = lists[i]; other; other = other->next)
            if (other->readable.fd == w->readable.fd) {
                readable_lost(&other->readable);
                w->readable.is = true;
            }
    w->next = opened;
    store_release(&opened, w);
    watches++;
}

static void unlist_opened(struct splinter_watch *w)
{
    struct splinter_watch **link = &opened;
    while (*link != w)
        link = &(*link)->next;
    store_release(link, w->next);
    watches--;
}

int watcher_enter(struct splinter_watch *w)
{
    pthread_once(&once, start);
    if (generation != fork_now()) /* a child that was made without the handlers */
        forget();
    pthread_mutex_lock(&life_mutex);
    int r = unloads ? -ECANCELED : runs ? 0 : start_thread();
    if (!r) {
        lock();
        w->source = source_enter(&pass.sources, w->store);
        if (w->source)
            list_opened(w);
        bool alone = !watches;
        unlock();
        r = w->source ? 0 : -ENOMEM;
        if (alone)
            stop_thread();
    }
    pthread_mutex_unlock(&life_mutex);
    return r;
}

void watcher_leave(struct splinter_watch *w)
{
    lock();
    while (w->source->busy)
        pthread_cond_wait(&not_busy, &watcher_mutex);
    for (struct watched *it = pass.waiting, *next; it; it = next) {
        next = it->next;
        if (it->watch == w)
            watched_stop(&pass, it);
    }
    readable_clear(&w->readable); /* a child may have it still, and an epoll may name it */
    source_leave(&pass.sources, w->source);
    unlist_opened(w);
    unlock();
    pthread_mutex_lock(&life_mutex); /* not before: an open is not to wait for the thread's work */
    lock();
    bool last = !watches;
    unlock();
    if (last && runs)
        stop_thread();
    pthread_mutex_unlock(&life_mutex);
}

/* ---- for the calls ---- */

void watcher_add(struct watched *it)
{
    struct splinter_watch *w = it->watch;
    lock();
    it->after = w->all;
    w->all = it;
    watched_ready(it);
    unlock();
}

size_t watcher_count(struct splinter_watch *w)
{
    lock();
    size_t count = w->ready_count;
    unlock();
    return count;
}

struct watched *watcher_take(struct splinter_watch *w)
{
    lock();
    struct watched *it = w->ready;
    if (it) {
        w->ready = it->next;
        if (!w->ready)
            w->ready_end = &w->ready;
        w->ready_count--;
        it->anyway = it->untold != w->source->untold;
        it->untold = w->source->untold;
    }
    unlock();
    return it;
}

void watcher_ready(struct watched *it)
{
    lock();
    watched_ready(it);
    unlock();
}

void watcher_wait(struct watched *it, const struct watched_left *left)
{
    lock();
    it->seen = left->seen;
    it->due = left->due;
    it->not_before = left->not_before;
    it->fresh = true;
    it->next = pass.waiting;
    it->link = &pass.waiting;
    if (pass.waiting)
        pass.waiting->link = &it->next;
    pass.waiting = it;
    has_more = true;
    unlock();
}

bool watcher_back(struct splinter_watch *w, bool told)
{
    lock();
    if (has_more)
        ring(false);
    has_more = false;
    if (!told && w->ready)
        readable_again(&w->readable);
    else if (!told)
        readable_clear(&w->readable);
    bool more = w->ready;
    unlock();
    return more;
}
