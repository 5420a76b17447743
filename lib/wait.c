/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.c - waiting and waking
 *
 * A waiter says that it is about to sleep, looks once more, and sleeps only if the futex word is
 * as it was; a writer publishes, then looks whether somebody may be asleep.  Both pairs of
 * accesses are sequentially consistent, so at least one of the two sees the other.
 *
 * A word is generation << 1 | somebody may be asleep; that of a key is in its home bucket, that of
 * wait_any in the header.  The waker clears the bit, so a waiter that dies costs one useless
 * wake.  He clears it and steps the generation at once: whoever relied on that bit, but does not
 * sleep yet, then finds the word changed and does not.
 *
 * A writer may die between publishing and waking; so nobody sleeps longer than a slice
 * without looking.
 */
#include <errno.h>

#include "atomic.h"
#include "clock.h"
#include "expiry.h"
#include "fault.h"
#include "handle.h"
#include "index.h"
#include "key.h"
#include "reap.h"
#include "wake.h"

#define SLICE_NS UINT64_C(100000000)
#define SPIN_NS 30000u   /* a hand-over between two running processes takes far less */
#define REAP_NS UINT64_C(1000000000)
#define NAP_MIN_NS UINT64_C(50000) /* who cannot set the bit looks at growing intervals */
#define NAP_MAX_NS UINT64_C(5000000)

/* ---- how long a wait may go on ---- */

struct patience {
    uint64_t begin, end, nap, reap;
};

static struct patience patience_for(uint64_t timeout_ms)
{
    uint64_t now = now_monotonic();
    uint64_t end = timeout_ms > (UINT64_MAX - now) / 1000000 ? UINT64_MAX
                                                             : now + timeout_ms * 1000000;
    return (struct patience){now, end, NAP_MIN_NS, now + REAP_NS};
}

/* Nanoseconds to sleep at most; 0: time is up. */
static uint64_t slice(struct splinter_store *s, struct patience *p)
{
    uint64_t now = now_monotonic();
    if (now >= p->end)
        return 0;
    if (now >= p->reap && !s->read_only) {
        reap_all(s); /* a death tells those in wait_any */
        p->reap = now + REAP_NS;
    }
    return p->end - now < SLICE_NS ? p->end - now : SLICE_NS;
}

static void nap(struct patience *p, const uint32_t *word, uint32_t seen, uint64_t most)
{
    futex_wait(word, seen, p->nap < most ? p->nap : most);
    p->nap = p->nap * 2 < NAP_MAX_NS ? p->nap * 2 : NAP_MAX_NS;
}

/*
 * How long the thread looks before it sleeps.  Who waits long had better sleep at once: to have
 * spun costs more than the time, as the scheduler lets a thread that was running go on, when it is
 * woken, only after its waker.  So a long sleep shortens the spin of the thread's next wait, and one
 * that a spin would have spared brings all of it back.
 */
static _Thread_local uint32_t spin_ns = SPIN_NS;

static void learn_from(const struct patience *p, bool slept)
{
    if (!slept)
        return;
    if (now_monotonic() - p->begin < 2 * SPIN_NS)
        spin_ns = SPIN_NS;
    else
        spin_ns /= 4;
}

/* ---- a key ---- */

/* What a wait has seen of its key. */
struct seen {
    uint64_t epoch;          /* of the value */
    const struct slot *slot; /* while this has this current word, */
    uint64_t current;           /* nothing has changed; NULL: look again */
};

/* 1: the key is there; 0: it is not; else an error. */
static int look(struct splinter_store *s, const struct key *key, struct seen *seen)
{
    struct lookup f;
    seen->slot = NULL;
    for (uint32_t races = 0; races <= RACES_MAX; races++) {
        int r = index_find(s, key, &f, &races);
        if (r <= 0)
            return r;
        uint64_t expiry = load_relaxed(&f.rec->expiry);
        seen->epoch = load_relaxed(&f.rec->epoch);
        if (!still_current(f.slot, f.current))
            continue;
        if (!expiry) { /* what will expire changes without anybody's doing */
            seen->slot = f.slot;
            seen->current = f.current;
        }
        return !expiry_passed(s, expiry);
    }
    return -EAGAIN;
}

/* 1: the wait is over, *result is its, and seen->epoch; 0: go on. */
static int decide(struct splinter_store *s, const struct key *key, uint64_t since,
                  struct seen *seen, int *result)
{
    int r = look(s, key, seen);
    if (r < 0 && r != -EAGAIN)
        *result = r;
    else if (load_relaxed(&s->closing))
        *result = -EBADF;
    else if (r == 0 && since)
        *result = -ENOENT;
    else if (r == 1 && seen->epoch > since)
        *result = 0;
    else
        return 0;
    return 1;
}

/* As decide(), after a while in which it was looked at all the time. */
static int spin_on_key(struct splinter_store *s, const struct key *key, uint64_t since,
                       struct seen *seen, int *result, const struct patience *p)
{
    uint64_t end = p->end - p->begin < spin_ns ? p->end : p->begin + spin_ns;
    for (uint32_t i = 1; spin_ns && (i % 16 || now_monotonic() < end); i++) {
        cpu_relax();
        if (seen->slot && load_relaxed(&seen->slot->current) == seen->current &&
            !load_relaxed(&s->closing))
            continue;
        if (decide(s, key, since, seen, result))
            return 1;
    }
    return 0;
}

static int sleep_on_key(struct splinter_store *s, const struct key *key, uint64_t since,
                        struct seen *seen, int *result, struct patience *p, uint64_t ns)
{
    static const uint32_t nowhere;
    if (s->read_only || index_ensure(s, key->home)) {
        nap(p, &nowhere, 0, ns);
        return 0;
    }
    uint32_t *word = &s->index[key->home].wait;
    uint32_t value = wake_ask(word);
    fault_point("wait: bit set");
    if (decide(s, key, since, seen, result))
        return 1;
    futex_wait(word, value, ns);
    return 0;
}

int splinter_store_wait(splinter_store *s, const char *name, uint64_t since, uint64_t timeout_ms,
                        uint64_t *out_epoch)
{
    struct key key;
    if (!s)
        return -EINVAL;
    int r = key_make(s, name, &key);
    if (r)
        return r;
    struct seen seen = {0};
    if (!decide(s, &key, since, &seen, &r)) {
        struct patience p = patience_for(timeout_ms);
        bool over = spin_on_key(s, &key, since, &seen, &r, &p), slept = !over;
        while (!over) {
            uint64_t ns = slice(s, &p);
            over = decide(s, &key, since, &seen, &r);
            if (over)
                break;
            if (!ns)
                return -ETIMEDOUT;
            over = sleep_on_key(s, &key, since, &seen, &r, &p, ns);
        }
        learn_from(&p, slept);
    }
    if (!r && out_epoch)
        *out_epoch = seen.epoch;
    return r;
}

/* ---- anything ---- */

int splinter_store_wait_any(splinter_store *s, uint64_t since, uint64_t timeout_ms,
                            uint64_t *out_epoch)
{
    if (!s)
        return -EINVAL;
    struct patience p = patience_for(timeout_ms);
    bool slept = false;
    uint64_t epoch;
    while ((epoch = load_seq_cst(&s->header->epoch)) <= since) {
        uint32_t *word = &s->header->any_wait;
        if (load_relaxed(&s->closing))
            return -EBADF;
        uint64_t now = now_monotonic();
        if (now < p.end && now - p.begin < spin_ns) {
            for (int i = 0; i < 16; i++)
                cpu_relax();
            continue;
        }
        uint64_t ns = slice(s, &p);
        if (!ns)
            return -ETIMEDOUT;
        slept = true;
        if (s->read_only) {
            /* It sleeps on the word without the bit: woken if somebody else set that. */
            uint32_t seen = load_acquire(word);
            if (load_seq_cst(&s->header->epoch) <= since)
                nap(&p, word, seen, ns);
            continue;
        }
        uint32_t seen = wake_ask(word);
        fault_point("wait any: bit set");
        if (load_seq_cst(&s->header->epoch) <= since)
            futex_wait(word, seen, ns);
    }
    learn_from(&p, slept);
    if (out_epoch)
        *out_epoch = epoch;
    return 0;
}
