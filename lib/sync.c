/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.c - durable stores: the steps of a sync
 *
 * The kernel writes pages back in any order and at any time, and the power may fail at any moment.
 * Two things let rebuild.c use the file that is then on disk: records have a checksum; and the
 * record that the last sync acknowledged as the current one of a key stays whole, even if it is
 * superseded, until a later sync has ended.  The sync point has the epoch that was acknowledged.
 *
 * A sync
 *   1. reads the store's epoch E, and lets every record that is replaced from now on be kept;
 *   2. waits until every change that was under way has ended (the grace period): then all changes
 *      up to E are in memory, with their marks on what they superseded, and no writer is zeroing a
 *      record;
 *   3. writes the arena to disk (msync), and then the sync point;
 *   4. lets only the records be kept that there are now: those up to the present epoch;
 *   5. zeroes and frees what changes up to E superseded.
 *
 * Step 1 keeps all records, not only those up to E.  If a key is changed during step 2, its version
 * from before may have been zeroed already.  Then the new version, numbered after E, is the only
 * one that step 3 brings to the disk.
 *
 * Step 2 is the grace period of read-copy-update: P. McKenney, J. Slingwine, "Read-Copy Update:
 * Using Execution History to Solve Concurrency Problems", PDCS 1998.
 *
 * The invariants are in syncpoint.c.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "fault.h"
#include "handle.h"
#include "limbo.h"
#include "reap.h"
#include "registry.h"
#include "sync.h"
#include "syncpoint.h"
#include "trim.h"

#define GRACE_NS UINT64_C(1000000000)       /* for a live process in the middle of a change */
#define OTHER_SYNC_NS UINT64_C(10000000000) /* for a live process in the middle of a sync */

static void nap_us(long us)
{
    struct timespec t = {.tv_nsec = us * 1000};
    nanosleep(&t, NULL);
}

/* The sync lock; -EAGAIN after a bounded wait for another sync. */
static int lock_sync(struct splinter_store *s)
{
    uint64_t begin = now_monotonic(), last = load_relaxed(&s->header->synced);
    int r;
    while ((r = registry_lock_sync(s)) == -EAGAIN) {
        uint64_t synced = load_relaxed(&s->header->synced);
        if (synced != last) { /* others had the lock meanwhile, and were done with it */
            last = synced;
            begin = now_monotonic();
        }
        if (now_monotonic() - begin > OTHER_SYNC_NS)
            return -EAGAIN;
        nap_us(200);
    }
    return r;
}

/* Wait until every change that is under way now has ended.  0; -EAGAIN: one does not end. */
static int wait_grace_period(struct splinter_store *s)
{
    fence_seq_cst(); /* after the store of keep; pairs with the fence in must_keep() [=keep] */
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            uint64_t begin = 0; /* of the wait for this lane: each may wait for a processor */
            const uint8_t *seq = &s->registry[i].lane[l].change_seq;
            /* Pairs with the release in lane_change_end(). [<change-seq] */
            uint8_t first = load_acquire(seq);
            for (uint32_t n = 1; first & 1 && load_acquire(seq) == first; n++) {
                if (n < 100) {
                    cpu_relax();
                    continue;
                }
                if (n % 64 == 0)
                    reap_entry(s, i); /* a cleaner ends the changes of a dead process */
                uint64_t now = now_monotonic();
                begin = begin ? begin : now;
                if (now - begin > GRACE_NS)
                    return -EAGAIN;
                if (now - begin > GRACE_NS / 1000)
                    nap_us(100);
                else
                    sched_yield();
            }
        }
    return 0;
}

/* The caller holds the sync lock. */
static int sync_locked(struct splinter_store *s)
{
    struct header *h = s->header;
    uint64_t epoch = load_seq_cst(&h->epoch);
    fault_point("sync: numbered");
    store_seq_cst(&h->keep, fault_bug(BUG_KEEP_LESS) ? epoch : KEEP_ALL);
    fault_point("sync: begun");
    int r = fault_bug(BUG_NO_GRACE) ? 0 : wait_grace_period(s);
    if (!r)
        r = sync_write_out(s, epoch, false);
    if (!fault_bug(BUG_KEEP_LESS))
        sync_keep_now(s); /* also if it failed, as the disk may have any of it */
    if (r)
        return r;
    fault_point("sync: on disk");
    store_release(&h->synced, epoch);
    fault_point("sync: known");
    s->freed += limbo_clean(s, epoch);
    if (s->freed >= MUCH) {
        s->freed = 0;
        trim_much(s);
    }
    return 0;
}

int sync_trim(struct splinter_store *s, uint64_t *bytes)
{
    not_cancelled();
    if (!s->durable)
        return trim_all(s, bytes);
    pthread_mutex_lock(&s->sync_mutex);
    int r = lock_sync(s);
    if (!r) {
        r = trim_all(s, bytes);
        registry_unlock_sync(s);
    }
    pthread_mutex_unlock(&s->sync_mutex);
    return r;
}

int sync_now(struct splinter_store *s)
{
    not_cancelled();
    uint64_t mine = load_seq_cst(&s->header->epoch);
    reap_all(s);
    pthread_mutex_lock(&s->sync_mutex);
    int r = lock_sync(s);
    if (!r) {
        /* If another process's sync covers our epoch, it is as good as our own.  But that process
         * may have died before it freed what the sync released. */
        uint64_t synced = load_acquire(&s->header->synced);
        if (synced < mine || load_relaxed(&s->header->sync_error))
            r = sync_locked(s);
        else if (!wait_grace_period(s)) /* it may be dying in limbo_clean(), or be cleaned up */
            limbo_clean(s, synced);
        registry_unlock_sync(s);
    }
    pthread_mutex_unlock(&s->sync_mutex);
    return r;
}

void sync_trim_much(struct splinter_store *s)
{
    if (!s->durable) {
        trim_much(s);
        return;
    }
    not_cancelled();
    if (pthread_mutex_trylock(&s->sync_mutex))
        return;
    if (!registry_lock_sync(s)) {
        trim_much(s);
        registry_unlock_sync(s);
    }
    pthread_mutex_unlock(&s->sync_mutex);
}

int sync_if_due(struct splinter_store *s)
{
    if (!s->durable || (!s->sync_each && !s->sync_every_ns))
        return 0;
    if (!s->sync_each) {
        uint64_t last = load_relaxed(&s->header->last_sync_ns), now = now_monotonic();
        /* One of the writers syncs, also if the clock began again at a boot. */
        if ((now >= last && now - last < s->sync_every_ns) ||
            !cas_seq_cst(&s->header->last_sync_ns, &last, now))
            return 0;
    }
    int r = sync_now(s);
    /* Not `r` itself: after -EAGAIN the caller would make the change a second time. */
    return r ? error_set(EINPROGRESS, "the change was made, but the sync that followed failed, so "
                         "it may not be on disk: %s", strerror(-r)) : 0;
}
