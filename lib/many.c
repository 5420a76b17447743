/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many.c - wait for any of many keys
 *
 * Invariants
 *  - The waiter sets the bit of each key's word, then looks at each key once more, and sleeps only
 *    while all of the words are as they were with the bits set.  The kernel compares each word and
 *    queues the waiter on it in one step, and lets it go if one differs.  So for each key by itself
 *    the waiter does what splinter_store_wait() does, and no change is missed (wait.c).
 *  - If the kernel cannot sleep on many words, the waiter sleeps on that for any change of the
 *    store, which a writer looks at after that of the key, and looks at all keys in the same order.
 *  - Of the keys that have passed, the one whose change was numbered first is told.  So a key that
 *    changes all the time keeps no other from being told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "atomic.h"
#include "clock.h"
#include "error.h"
#include "fault.h"
#include "handle.h"
#include "key.h"
#include "wait.h"
#include "wake.h"

#define MOST SPLINTER_WAIT_KEYS_MAX
#define APART_NS UINT64_C(1000000) /* between wakes for nothing, by other changes of the store */

static_assert(MOST <= WAKE_WORDS, "the kernel takes the words of all keys at once");

/* A wait for many keys. */
struct many {
    struct splinter_store *store;
    const uint64_t *since;
    size_t count;
    struct key key[MOST];
    struct key_seen seen[MOST];
    size_t index;     /* of the key that has passed, or that an error is about */
    uint64_t epoch;   /* of its value */
    bool for_nothing; /* the last wake was for a key that nobody waits for */
};

/* ---- the arguments ---- */

/* No key is there twice.  0, or -EINVAL. */
static int find_twins(struct many *m)
{
    uint8_t table[4 * MOST] = {0}; /* number + 1 of a key, by its hash */
    for (size_t i = 0; i < m->count; i++) {
        const struct key *key = &m->key[i];
        size_t at = key->hash % sizeof table;
        for (; table[at]; at = (at + 1) % sizeof table) {
            const struct key *other = &m->key[table[at] - 1];
            if (other->len != key->len || memcmp(other->s, key->s, key->len))
                continue;
            m->index = i;
            return error_set(EINVAL, "keys %d and %zu are the same", table[at] - 1, i);
        }
        table[at] = (uint8_t)(i + 1);
    }
    return 0;
}

static int take_keys(struct many *m, const char *const *keys)
{
    for (size_t i = 0; i < m->count; i++) {
        int r = key_make(m->store, keys[i], &m->key[i]);
        m->index = i;
        if (r == -EINVAL)
            return error_set(EINVAL, "key %zu is %s", i, keys[i] ? "empty" : "NULL");
        if (r)
            return error_set(-r, "key %zu has more than %d bytes", i, SPLINTER_KEY_MAX - 1);
    }
    return find_twins(m);
}

/* ---- looking ---- */

/* Look at all keys, and decide if the wait is over.  True: it is, with *result. */
static bool decide(struct many *m, int *result)
{
    *result = -EAGAIN;
    for (size_t i = 0; i < m->count; i++) {
        int r = key_passed(m->store, &m->key[i], m->since[i], &m->seen[i]);
        if (r == -EAGAIN || (!r && *result != -EAGAIN && m->seen[i].epoch >= m->epoch))
            continue; /* it has not passed, or another one did before */
        *result = r;
        m->index = i;
        m->epoch = r ? 0 : m->seen[i].epoch;
        if (r) /* what the caller has to see to, before it can wait on */
            break;
    }
    bool told = !*result || *result == -ENOENT || *result == -EAGAIN;
    if (told && wait_ended(m->store))
        *result = wait_ended(m->store);
    return *result != -EAGAIN;
}

/* May a key have changed since the last look? */
static bool stirs(const struct many *m)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct slot *slot = m->seen[i].slot;
        if (!slot || load_relaxed(&slot->current) != m->seen[i].current)
            return true;
    }
    return wait_ended(m->store);
}

static bool spin(struct many *m, int *result, const struct patience *p)
{
    uint64_t end = patience_spin(p);
    while (now_monotonic() < end) {
        cpu_relax();
        if (stirs(m) && decide(m, result))
            return true;
    }
    return false;
}

/* ---- sleeping ---- */

/* The words of all keys; false: there is one that this handle cannot ask to be woken by. */
static bool words_of(struct many *m, uint32_t **words)
{
    for (size_t i = 0; i < m->count; i++)
        if (!(words[i] = key_word(m->store, &m->key[i])))
            return false;
    return true;
}

/* On the words of the keys.  True: the wait is over, with *result. */
static bool sleep_on_keys(struct many *m, uint32_t *const *words, int *result, uint64_t ns,
                          enum wake_slept *slept)
{
    struct wake_word sleep[MOST];
    for (size_t i = 0; i < m->count; i++)
        sleep[i] = wake_word(words[i], wake_ask(words[i]));
    fault_point("wait many: bits set");
    *slept = WAKE_SLEPT;
    if (decide(m, result))
        return true;
    *slept = wake_sleep_many(m->store, sleep, (uint32_t)m->count, ns);
    *result = -EINTR;
    return *slept == WAKE_HANDLED && m->store->eintr;
}

/* On that of the store. */
static bool sleep_on_store(struct many *m, int *result, struct patience *p, uint64_t ns)
{
    static const uint32_t nowhere;
    struct splinter_store *s = m->store;
    uint32_t *word = &s->header->any_wait;
    if (m->for_nothing) { /* writers of other keys are not to pay for us all the time */
        m->for_nothing = false;
        p->nap = APART_NS;
        *result = -EINTR;
        return patience_nap(s, p, &nowhere, 0, ns) && s->eintr;
    }
    uint32_t expected = wake_ask(word);
    fault_point("wait many: bit of the store set");
    if (decide(m, result))
        return true;
    *result = -EINTR;
    bool handled = wake_sleep(s, word, expected, ns);
    m->for_nothing = load_relaxed(word) != expected;
    return handled && s->eintr;
}

/* Say that we sleep, look once more, and sleep.  True: the wait is over, with *result. */
static bool sleep_once(struct many *m, int *result, struct patience *p, uint64_t ns)
{
    static const uint32_t nowhere;
    uint32_t *words[MOST];
    if (!words_of(m, words)) {
        *result = -EINTR;
        return patience_nap(m->store, p, &nowhere, 0, ns) && m->store->eintr;
    }
    enum wake_slept slept = WAKE_CANNOT;
    bool over = wake_can_many() && sleep_on_keys(m, words, result, ns, &slept);
    return slept == WAKE_CANNOT ? sleep_on_store(m, result, p, ns) : over;
}

static int wait_for(struct many *m, uint64_t timeout_ms)
{
    int r;
    if (decide(m, &r))
        return r;
    struct patience p = patience_for(timeout_ms);
    bool over = spin(m, &r, &p), slept = !over;
    while (!over) {
        wait_dead_untold(m->store, p.begin);
        uint64_t ns = patience_slice(&p);
        over = decide(m, &r);
        if (over)
            break;
        if (!ns)
            return -ETIMEDOUT;
        for (size_t i = 0; i < m->count; i++)
            ns = key_slice(&m->seen[i], ns);
        over = sleep_once(m, &r, &p, ns);
    }
    patience_learn(&p, slept);
    return r;
}

/* ---- the call ---- */

static int check_arguments(struct splinter_store *s, const char *const *keys,
                           const uint64_t *epochs, size_t count)
{
    if (!s || !keys || !epochs)
        return error_set(EINVAL, "no %s given", !s ? "store was" : !keys ? "keys were"
                                                                         : "epochs were");
    if (!count)
        return error_set(EINVAL, "no key was given");
    if (count > MOST)
        return error_set(E2BIG, "%zu keys were given, and one wait takes at most %d", count, MOST);
    return 0;
}

int splinter_store_wait_many(splinter_store *s, const char *const *keys, const uint64_t *epochs,
                             size_t count, uint64_t timeout_ms, size_t *out_index,
                             uint64_t *out_epoch)
{
    int r = check_arguments(s, keys, epochs, count);
    if (r)
        return r;
    struct many m;
    m.store = s;
    m.since = epochs;
    m.count = count;
    m.for_nothing = false;
    r = take_keys(&m, keys);
    if (!r) {
        r = wait_for(&m, timeout_ms);
        if (r == -ENOENT)
            key_gone(s, &m.key[m.index], &m.seen[m.index]);
    }
    if (out_index && r != -ETIMEDOUT && r != -EINTR)
        *out_index = m.index;
    if (out_epoch && !r)
        *out_epoch = m.epoch;
    return r;
}
