/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.c - durable stores: what is on disk, and since when
 *
 * The kernel writes pages back in any order and at any time.  Two things make a file that was cut
 * off at any moment good for rebuild.c: records carry a checksum; and the record that the last
 * sync acknowledged as a key's current one stays whole, though superseded, until a later sync has
 * ended.  The sync point says which epoch that was.
 *
 * A sync
 *   1. reads the store's epoch E, and lets every record that is replaced from here on be kept;
 *   2. waits until every change that was under way has ended (grace): then all changes up to E are
 *      in memory, marks on what they superseded included, and no record is being zeroed;
 *   3. writes the arena out (msync), then the sync point, then that;
 *   4. lets the records be kept that were there then: those up to the epoch of now;
 *   5. zeroes and frees what changes up to E superseded.
 *
 * Why all records in step 1, and not those up to E: of a key changed during step 2 the old version
 * may have been zeroed already, and the new one, numbered after E, be the only one that step 3
 * brings to the disk.
 *
 * Step 2 is the grace period of read-copy-update: P. McKenney, J. Slingwine, "Read-Copy Update:
 * Using Execution History to Solve Concurrency Problems", PDCS 1998.
 *
 * Invariants
 *  - header.synced <= epoch of the sync point on disk <= header.keep.
 *  - The newest version of a key that is on disk for certain has an epoch up to header.keep.
 *  - Of the two sync points one is whole on disk at any moment, and belongs to data on disk.
 *  - "clean" is on disk only while nobody has the store open to write.
 */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "fault.h"
#include "handle.h"
#include "limbo.h"
#include "reap.h"
#include "registry.h"
#include "sync.h"
#include "syncpoint.h"

#define GRACE_NS UINT64_C(1000000000) /* for a live process that does not go on with its change */
#define TURN_NS UINT64_C(10000000000) /* for another sync */

static void nap_us(long us)
{
    struct timespec t = {.tv_nsec = us * 1000};
    nanosleep(&t, NULL);
}

static int lock_turn(struct splinter_store *s)
{
    uint64_t begin = now_monotonic();
    int r;
    while ((r = registry_lock_sync(s)) == -EAGAIN) {
        if (now_monotonic() - begin > TURN_NS)
            return -EAGAIN;
        nap_us(200);
    }
    return r;
}

/* Until every change that is under way now has ended. */
static int wait_grace_period(struct splinter_store *s)
{
    fence_seq_cst(); /* after the store of keep; pairs with the fence in must_keep() [=keep] */
    uint32_t used = load_acquire(&s->header->registry_used);
    uint64_t begin = now_monotonic();
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            const uint8_t *seq = &s->registry[i].lane[l].change_seq;
            /* [<change-seq] */
            uint8_t first = load_acquire(seq); /* pairs with the release in lane_release() */
            for (uint32_t n = 1; first & 1 && load_acquire(seq) == first; n++) {
                if (n < 100) {
                    cpu_relax();
                    continue;
                }
                if (n % 64 == 0)
                    reap_entry(s, i); /* a dead one's change is ended for it */
                if (now_monotonic() - begin > GRACE_NS)
                    return -EAGAIN;
                if (now_monotonic() - begin > GRACE_NS / 1000)
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
        sync_keep_now(s); /* also where it failed: who knows what is on disk */
    if (r)
        return r;
    fault_point("sync: on disk");
    store_release(&h->synced, epoch);
    fault_point("sync: known");
    limbo_clean(s, epoch);
    return 0;
}

/* Everything that was acknowledged before the call is on disk when it returns 0. */
int sync_now(struct splinter_store *s)
{
    not_cancelled();
    uint64_t mine = load_seq_cst(&s->header->epoch);
    reap_all(s);
    pthread_mutex_lock(&s->sync_mutex);
    int r = lock_turn(s);
    if (!r) {
        /* Somebody else's, which began after this call, does for us as well; but he may have died
         * before he cleaned up. */
        uint64_t synced = load_acquire(&s->header->synced);
        if (synced < mine || load_relaxed(&s->header->sync_error))
            r = sync_locked(s);
        else
            limbo_clean(s, synced);
        registry_unlock_sync(s);
    }
    pthread_mutex_unlock(&s->sync_mutex);
    return r;
}

/* After a change that succeeded: what the options of the handle ask for. */
int sync_if_due(struct splinter_store *s)
{
    if (!s->durable || (!s->sync_each && !s->sync_every_ns))
        return 0;
    if (!s->sync_each) {
        uint64_t last = load_relaxed(&s->header->last_sync_ns), now = now_monotonic();
        /* One of the writers does it; a clock that began anew is a reason, too. */
        if ((now >= last && now - last < s->sync_every_ns) ||
            !cas_seq_cst(&s->header->last_sync_ns, &last, now))
            return 0;
    }
    return sync_now(s);
}
