/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - wait for a change of a key, or for any change
 *
 * A waiter says that it is about to sleep, looks once more, and sleeps only if the futex word has
 * not changed.  A writer publishes, and then looks if a waiter may be asleep.  Both pairs of
 * accesses are sequentially consistent, so at least one of the two sees the other.
 *
 * A word is generation << 1 | somebody may be asleep.  The word for a key is in its home bucket,
 * and that for wait_any in the header.  The writer that wakes clears the bit, so a waiter that dies
 * costs one useless wake.  With the same store the writer steps the generation: a waiter that
 * relied on the bit, but does not sleep yet, finds that the word has changed, and does not sleep.
 *
 * A writer may die after it has published and before it wakes.  So no waiter sleeps longer than a
 * slice without another look.  In wait_any the look is at the epoch, which the writer may not have
 * stepped: see wait_dead_untold().
 *
 * The owner of an ephemeral key may die, and nobody steps anything.  So who waits for such a key,
 * or for anything in a store that has any, asks every few milliseconds whether the owner lives.
 */
#include <errno.h>

#include "atomic.h"
#include "attach.h"
#include "clock.h"
#include "fault.h"
#include "fork.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "owner.h"
#include "reap.h"
#include "registry.h"
#include "unset.h"
#include "wait.h"
#include "wake.h"

#define SLICE_NS UINT64_C(100000000)
#define SPIN_NS 30000u /* a message from one running process to another takes far less */
#define REAP_NS UINT64_C(1000000000)
#define NAP_MIN_NS UINT64_C(50000) /* a waiter that cannot set the bit looks at growing intervals */
#define NAP_MAX_NS UINT64_C(5000000)

/* ---- how long a wait may go on ---- */

struct patience patience_for(uint64_t timeout_ms)
{
    return (struct patience){now_monotonic(), now_and(timeout_ms), NAP_MIN_NS};
}

/* The cleaner steps the epoch for a dead writer, and wakes those in wait_any. */
bool wait_dead_untold(struct splinter_store *s, uint64_t begin)
{
    bool cleans = !s->read_only && !unattached(s), due;
    uint64_t now = now_monotonic();
    due = now >= load_relaxed(&s->reap_at);
    if (due)
        store_relaxed(&s->reap_at, now + REAP_NS);
    if (due && cleans)
        reap_all(s);
    else if (due && registry_any_dead(s))
        store_relaxed(&s->deaths_told_at, now);
    uint64_t told_at = load_relaxed(&s->deaths_told_at);
    return !cleans && told_at && begin <= told_at;
}

bool wait_owner_untold(struct splinter_store *s, uint64_t begin, bool *any)
{
    bool cleans = !s->read_only && !unattached(s);
    uint32_t used = load_acquire(&s->header->registry_used);
    uint64_t dead = 0; /* a number made of the dead */
    *any = false;
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++) {
        if (!owner_has_keys(s, i) || (cleans && i == s->entry))
            continue;
        *any = true;
        if (owner_dead(s, i) && !(cleans && reap_entry(s, i)))
            dead = (dead + i + load_relaxed(&s->registry[i].incarnation) + 1) *
                   UINT64_C(0x9E3779B97F4A7C15);
    }
    if (!dead)
        return false;
    uint64_t now = now_monotonic(), told_at = load_relaxed(&s->owners_told_at);
    if (dead == load_relaxed(&s->owners_told) && now < told_at + REAP_NS)
        return begin <= told_at;
    store_relaxed(&s->owners_told, dead);
    store_relaxed(&s->owners_told_at, now);
    return true;
}

bool wait_end_untold(struct splinter_store *s, uint64_t begin)
{
    if (expiry_next(s))
        return false;
    if (!s->read_only && !unattached(s) && splinter_store_sweep(s) >= 0 && expiry_next(s))
        return false;
    uint64_t now = now_monotonic(), told_at = load_relaxed(&s->ends_told_at);
    if (told_at && now < told_at + REAP_NS)
        return begin <= told_at;
    store_relaxed(&s->ends_told_at, now);
    return true;
}

void wait_for_ends_told(struct splinter_store *s)
{
    if (!s->read_only && unattached(s))
        (void)attach_now(s); /* if it fails, another process may clean up, or the next attempt */
}

uint64_t patience_slice(const struct patience *p)
{
    uint64_t now = now_monotonic();
    if (now >= p->end)
        return 0;
    return p->end - now < SLICE_NS ? p->end - now : SLICE_NS;
}

bool patience_nap(struct splinter_store *s, struct patience *p, const uint32_t *word,
                  uint32_t expected, uint64_t most)
{
    bool handled = wake_sleep(s, word, expected, p->nap < most ? p->nap : most);
    p->nap = p->nap * 2 < NAP_MAX_NS ? p->nap * 2 : NAP_MAX_NS;
    return handled;
}

int wait_ended(struct splinter_store *s)
{
    return load_relaxed(&s->closing) ? -EBADF : load_seq_cst(&s->interrupted) ? -EINTR : 0;
}

/*
 * How long the thread spins before it sleeps.  A thread that waits long had better sleep at once.
 * A spin costs more than its time: when a thread that has been running is woken, the scheduler lets
 * it go on only after the thread that woke it.  So a long wait shortens the spin of the thread's
 * next wait, and a short one, which a spin would have covered, restores the whole spin.
 */
static _Thread_local uint32_t spin_ns = SPIN_NS;

uint64_t patience_spin(const struct patience *p)
{
    return p->end - p->begin < spin_ns ? p->end : p->begin + spin_ns;
}

void patience_learn(const struct patience *p, bool slept)
{
    if (!slept)
        return;
    if (now_monotonic() - p->begin < 2 * SPIN_NS)
        spin_ns = SPIN_NS;
    else
        spin_ns /= 4;
}

/* ---- a key ---- */

/* Whether the key is there; or a negative errno. */
enum presence { ABSENT, PRESENT };

/* Look at the key once.  -EAGAIN: too many races. */
static int look(struct splinter_store *s, const struct key *key, struct key_seen *seen)
{
    struct lookup f;
    seen->slot = NULL;
    seen->owner = 0;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = index_find(s, key, &f, &races);
        if (r <= 0)
            return r ? r : ABSENT;
        uint64_t expiry = load_relaxed(&f.rec->expiry), owner = owner_of(f.rec, expiry);
        seen->epoch = load_relaxed(&f.rec->epoch);
        if (!still_current(f.slot, f.current))
            continue;
        /* A value that expires is gone without a change of the slot.  While the thread spins, its
         * owner is not asked for. */
        if (!expiry || expiry == UINT64_MAX) {
            seen->slot = f.slot;
            seen->current = f.current;
        }
        seen->owner = owner;
        int over = life_over(s, expiry, owner);
        return over < 0 ? over : over ? ABSENT : PRESENT;
    }
    return -EAGAIN;
}

int key_passed(struct splinter_store *s, const struct key *key, uint64_t since,
               struct key_seen *seen)
{
    int r = look(s, key, seen);
    if (r < 0)
        return r;
    if (r == ABSENT && since)
        return -ENOENT;
    if (r == ABSENT) {
        seen->owner = 0; /* for whose end nobody waits any more */
        return -EAGAIN;
    }
    return seen->epoch > since ? 0 : -EAGAIN;
}

/* Look at the key, and decide if the wait is over.  True: it is, with *result and seen->epoch. */
static bool decide(struct splinter_store *s, const struct key *key, uint64_t since,
                   struct key_seen *seen, int *result)
{
    *result = key_passed(s, key, since, seen);
    bool told = !*result || *result == -ENOENT || *result == -EAGAIN;
    if (told && wait_ended(s))
        *result = wait_ended(s);
    return *result != -EAGAIN;
}

void key_gone(struct splinter_store *s, const struct key *key, const struct key_seen *seen)
{
    if (seen->owner && !s->read_only && !unattached(s))
        key_unset(s, key, &(struct unset_args){.expired_only = true}, NULL);
}

uint32_t *key_word(struct splinter_store *s, const struct key *key)
{
    /* A file that was closed in order gets no new pages from a handle that changes nothing. */
    bool bare = s->durable && !index_present(s, key->home) && unattached(s);
    bool none = s->read_only || bare || index_ensure(s, key->home);
    return none ? NULL : &s->index[key->home].wait;
}

/* Look at the key all the time for a while.  Returns as decide() does. */
static bool spin_on_key(struct splinter_store *s, const struct key *key, uint64_t since,
                        struct key_seen *seen, int *result, const struct patience *p)
{
    uint64_t end = patience_spin(p);
    for (uint32_t i = 1; spin_ns && (i % 16 || now_monotonic() < end); i++) {
        cpu_relax();
        if (seen->slot && load_relaxed(&seen->slot->current) == seen->current &&
            !wait_ended(s))
            continue;
        if (decide(s, key, since, seen, result))
            return true;
    }
    return false;
}

/* Say that we sleep, look once more, and sleep.  Returns as decide() does; also if a signal handler
 * has run, and the user wants to know. */
static bool sleep_on_key(struct splinter_store *s, const struct key *key, uint64_t since,
                         struct key_seen *seen, int *result, struct patience *p, uint64_t ns)
{
    static const uint32_t nowhere;
    uint32_t *word = key_word(s, key);
    if (!word) {
        *result = -EINTR;
        return patience_nap(s, p, &nowhere, 0, ns) && s->eintr;
    }
    uint32_t value = wake_ask(word);
    fault_point("wait: bit set");
    if (decide(s, key, since, seen, result))
        return true;
    *result = -EINTR;
    return wake_sleep(s, word, value, ns) && s->eintr;
}

int key_wait(struct splinter_store *s, const struct key *key, uint64_t since, uint64_t timeout_ms,
             uint64_t *out_epoch)
{
    struct key_seen seen = {0};
    int r;
    if (!decide(s, key, since, &seen, &r)) {
        struct patience p = patience_for(timeout_ms);
        bool over = spin_on_key(s, key, since, &seen, &r, &p), slept = !over;
        while (!over) {
            wait_dead_untold(s, p.begin); /* the cleaner also wakes those in wait_any */
            uint64_t ns = patience_slice(&p);
            over = decide(s, key, since, &seen, &r);
            if (over)
                break;
            if (!ns)
                return -ETIMEDOUT;
            over = sleep_on_key(s, key, since, &seen, &r, &p, key_slice(&seen, ns));
        }
        patience_learn(&p, slept);
    }
    if (r == -ENOENT)
        key_gone(s, key, &seen);
    if (!r && out_epoch)
        *out_epoch = seen.epoch;
    return r;
}

int splinter_store_wait(splinter_store *s, const char *name, uint64_t since, uint64_t timeout_ms,
                        uint64_t *out_epoch)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_make(s, name, &key);
    return r ? r : key_wait(s, &key, since, timeout_ms, out_epoch);
}

/* ---- anything ---- */

/* Wait until this counter of the header is above `since`; it is one that announce() follows.
 * *value is what it is then.  Returns 0 also if something may have happened that nobody has
 * counted. */
static int wait_above(struct splinter_store *s, const uint64_t *counter, uint64_t since,
                      struct patience p, uint64_t *value)
{
    bool slept = false, handled = false, owners;
    while ((*value = load_seq_cst(counter)) <= since || wait_ended(s)) {
        uint32_t *word = &s->header->any_wait;
        if (wait_ended(s) || handled)
            return wait_ended(s) ? wait_ended(s) : -EINTR;
        uint64_t now = now_monotonic();
        if (now < p.end && now - p.begin < spin_ns) {
            for (int i = 0; i < 16; i++)
                cpu_relax();
            continue;
        }
        if (wait_dead_untold(s, p.begin) || wait_owner_untold(s, p.begin, &owners) ||
            wait_end_untold(s, p.begin))
            break;
        uint64_t ns = patience_slice(&p), next = expiry_next(s);
        if (next && next < ns)
            ns = next;
        if (owners && ns > WAIT_OWNER_NS)
            ns = WAIT_OWNER_NS;
        if (!ns && load_seq_cst(counter) <= since)
            return -ETIMEDOUT;
        slept = true;
        if (s->read_only) {
            /* It cannot set the bit, and sleeps on the word as it is.  A writer wakes it if another
             * waiter has set the bit. */
            uint32_t expected = load_acquire(word);
            if (load_seq_cst(counter) <= since)
                handled = patience_nap(s, &p, word, expected, ns) && s->eintr;
            continue;
        }
        uint32_t expected = wake_ask(word);
        fault_point("wait any: bit set");
        if (load_seq_cst(counter) <= since)
            handled = wake_sleep(s, word, expected, ns) && s->eintr;
    }
    patience_learn(&p, slept);
    return 0;
}

int splinter_store_wait_any(splinter_store *s, uint64_t since, uint64_t timeout_ms,
                            uint64_t *out_epoch)
{
    uint64_t epoch;
    if (!s)
        return -EINVAL;
    int r = wait_above(s, &s->header->epoch, since, patience_for(timeout_ms), &epoch);
    if (!r && out_epoch)
        *out_epoch = epoch;
    return r;
}

int wait_number(struct splinter_store *s, uint64_t since, uint64_t ns)
{
    uint64_t now = now_monotonic(), number;
    uint64_t end = ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
    return wait_above(s, &s->header->published, since, (struct patience){now, end, NAP_MIN_NS},
                      &number);
}

/* ---- the end of all waits ---- */

int splinter_store_interrupt(splinter_store *s)
{
    if (!s)
        return -EINVAL;
    int before = errno;
    store_seq_cst(&s->interrupted, 1);
    wake_own(s); /* a thread that is about to sleep looks again after a slice */
    errno = before;
    return 0;
}

int splinter_store_resume(splinter_store *s)
{
    if (!s)
        return -EINVAL;
    store_seq_cst(&s->interrupted, 0);
    return 0;
}
