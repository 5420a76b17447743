/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.c - one pass of the watcher's thread: what may have something to tell, and what to sleep on
 *
 * The thread waits for each key on the key's own word.  For what is left it waits on the word of
 * the store: feeds, prefixes, and the keys for which the kernel has no place (it takes 128 words).
 *
 * Invariants
 *  - The thread sets the bit of a word, then looks, and sleeps only while the word is as it was
 *    then: as in wait.c, no change is missed.  What `next` has seen was read before it looked.
 *  - It looks after a wake at the word of a store a millisecond after the look before, or later.
 *    Meanwhile the bit is not set, so the writers do not pay.  So too with the word of a key that
 *    wakes it for other keys of the same bucket: it looks by itself for some time.
 *  - If something of a watch is ready, the descriptor is readable.  It is made so in the same step
 *    as the first that becomes ready.
 */
#include <errno.h>
#include <time.h>

#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "handle.h"
#include "pass.h"
#include "wait.h"

#define APART_NS UINT64_C(1000000)   /* between two looks at what is not asleep on its own word */
#define NAP_MAX_NS UINT64_C(5000000) /* between looks if the thread cannot ask to be woken */
#define AT_ONCE 256 /* looks, before others may have the mutex */
#define LOUD_MIN_NS UINT64_C(64000000)
#define LOUD_MAX_NS UINT64_C(1024000000)
#define SOURCES_MOST ((uint32_t)WAKE_WORDS / 2 - 1) /* that get a place among the words */

/* ---- what is ready, and what waits ---- */

void watched_ready(struct watched *it)
{
    struct splinter_watch *w = it->watch;
    it->next = NULL;
    *w->ready_end = it;
    w->ready_end = &it->next;
    w->ready_count++;
    readable_set(&w->readable);
}

void watched_stop(struct pass *p, struct watched *it)
{
    if (p->next == it)
        p->next = it->next;
    *it->link = it->next;
    if (it->next)
        it->next->link = it->link;
}

/* ---- the pass ---- */

static void sleep_on(struct pass *p, const uint32_t *word, uint32_t expected)
{
    p->words[p->used++] = wake_word(word, expected);
}

/* Which keys get a place of their own among the words, and what waits for a store. */
static void share_out(struct pass *p, uint64_t now)
{
    uint32_t room = WAKE_WORDS - 1, count = 0;
    for (struct source *src = p->sources; src; src = src->next) {
        src->wanted = src->feeds = false;
        count++;
    }
    room -= count < SOURCES_MOST ? count : SOURCES_MOST;
    for (struct watched *it = p->waiting; it; it = it->next) {
        it->own = it->kind == WATCHED_KEY && it->word && room && wake_can_many();
        it->asked = it->asked && it->own;
        room -= it->own;
        it->watch->source->wanted |= !it->own && now >= it->not_before;
        it->watch->source->feeds |= it->kind != WATCHED_KEY;
    }
}

/* Does the thread look at what waits for this store, and does it sleep on its word? */
static void prepare_source(struct pass *p, struct source *src, uint64_t now, bool all)
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
        pass_wake_by(p, now + end);
    bool can_ask = !s->read_only && wake_can_many() && p->used <= SOURCES_MOST;
    if (!can_ask || !src->asked || load_acquire(word) != src->expected) {
        src->asked = false;
        if (now < src->look_again) {
            pass_wake_by(p, src->look_again);
            return;
        }
        src->look = true;
        src->look_again = now + APART_NS;
        if (!can_ask) {
            src->nap = src->nap * 2 < NAP_MAX_NS ? src->nap * 2 : NAP_MAX_NS;
            pass_wake_by(p, now + src->nap);
            return;
        }
        src->expected = wake_ask(word);
        src->asked = true;
    }
    sleep_on(p, word, src->expected);
}

static bool key_stirs(struct pass *p, struct watched *it, uint64_t now)
{
    struct key_seen seen = {0};
    int r = key_passed(it->watch->store, &it->key, it->seen, &seen);
    bool stirs = r != -EAGAIN && (r != it->error || !r);
    it->owner_at = seen.owner ? now + WAIT_OWNER_NS : 0;
    if (seen.owner)
        pass_wake_by(p, it->owner_at);
    return stirs;
}

/* A key with a word of its own. */
static bool own_stirs(struct pass *p, struct watched *it, uint64_t now, bool look)
{
    if (it->asked && load_acquire(it->word) == it->expected) {
        if (look && key_stirs(p, it, now))
            return true;
        sleep_on(p, it->word, it->expected);
        return false;
    }
    if (it->asked) { /* woken: for it, or for another key of the bucket */
        it->asked = false;
        if (key_stirs(p, it, now))
            return true;
        bool rare = now - it->asked_at > LOUD_MAX_NS;
        it->loud_ns = rare || !it->loud_ns ? LOUD_MIN_NS : it->loud_ns * 2;
        if (it->loud_ns > LOUD_MAX_NS)
            it->loud_ns = LOUD_MAX_NS;
        it->loud_until = now + it->loud_ns;
    }
    if (now < it->loud_until) {
        pass_wake_by(p, now + APART_NS);
        return key_stirs(p, it, now);
    }
    it->expected = wake_ask(it->word);
    if (key_stirs(p, it, now))
        return true;
    it->asked = true;
    it->asked_at = now;
    sleep_on(p, it->word, it->expected);
    return false;
}

/* Is it ready? */
static bool stirs(struct pass *p, struct watched *it, uint64_t now, bool all)
{
    const struct source *src = it->watch->source;
    const struct header *h = src->store->header;
    if (now < it->not_before) {
        pass_wake_by(p, it->not_before);
        return false;
    }
    if (it->due && now >= it->due)
        return true;
    if (it->due)
        pass_wake_by(p, it->due);
    /* If it is not time yet to look at the store, neither is it for what has just come. */
    bool look = all || src->look || (it->fresh && (it->own || src->asked)) ||
                (it->owner_at && now >= it->owner_at);
    if (now < it->owner_at)
        pass_wake_by(p, it->owner_at);
    it->fresh = it->fresh && !look;
    if (it->own)
        return own_stirs(p, it, now, look);
    if (it->untold != src->untold && it->kind != WATCHED_KEY)
        return true;
    if (!look)
        return false;
    if (it->kind == WATCHED_KEY)
        return key_stirs(p, it, now);
    const uint64_t *counter = it->kind == WATCHED_FEED ? &h->published : &h->epoch;
    return load_seq_cst(counter) > it->seen;
}

/* What they add comes before what is looked at, and rings for the next pass. */
static void let_others(struct pass *p)
{
    if (!load_relaxed(p->wanted))
        return;
    pthread_mutex_unlock(p->mutex);
    nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL); /* else this thread has it again */
    pthread_mutex_lock(p->mutex);
}

void pass_make(struct pass *p, uint64_t now, bool all)
{
    share_out(p, now);
    for (struct source *src = p->sources; src; src = src->next)
        prepare_source(p, src, now, all);
    p->next = p->waiting;
    for (uint32_t i = 1; p->next; i++) {
        struct watched *it = p->next;
        p->next = it->next;
        if (stirs(p, it, now, all)) {
            watched_stop(p, it);
            it->asked = false;
            it->watch->source->nap = SOURCE_NAP_NS;
            watched_ready(it);
        }
        if (i % AT_ONCE == 0)
            let_others(p);
    }
}
