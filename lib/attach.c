/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.c - a handle gets a registry entry, gets another one after a fork, and gives it back
 *
 * There are 512 entries, so a handle gets one only when it is about to change something.  Until
 * then it is a reader that may also ask to be woken.
 *
 * Invariants
 *  - A process gets an entry that is clean: no lane has a block id or an insert lock.
 *  - Any two processes that have had an entry differ in its incarnation.
 *  - An entry says "attached" from before its process writes with it until its lanes are clean.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "atomic.h"
#include "attach.h"
#include "backing.h"
#include "cancel.h"
#include "descriptor.h"
#include "error.h"
#include "expiry.h"
#include "fault.h"
#include "filesystem.h"
#include "fork.h"
#include "handle.h"
#include "limbo.h"
#include "owner.h"
#include "reap.h"
#include "rebuild.h"
#include "recover.h"
#include "registry.h"
#include "sync.h"
#include "syncpoint.h"

/* This process has the lock of entry i: clean up after the last holder, and take the entry. */
static int entry_claim(struct splinter_store *s, uint32_t i)
{
    /* Reserve all entries up to this one: any process may touch every entry below registry_used. */
    int r = backing_reserve(descriptor_file(s), s->geo.registry_off,
                            (i + 1) * sizeof(struct entry));
    if (r) {
        registry_unlock_entry(s, i);
        return error_set(-r, "no room in the store for one more process");
    }
    fault_point("attach: reserved");
    raise_u32(&s->header->registry_used, i + 1);
    fault_point("attach: counted");
    struct entry *e = &s->registry[i];
    if (load_acquire(&e->attached))
        recover_entry(s, i);
    fault_point("attach: cleaned");
    s->entry = i;
    s->incarnation = load_relaxed(&e->incarnation) + 1;
    store_release(&e->incarnation, s->incarnation);
    fault_point("attach: incarnation");
    s->owning = 0;
    store_release(&e->owned, s->incarnation << 32);
    store_relaxed(&e->pid, (uint32_t)getpid());
    for (uint32_t l = 0; l < ENTRY_LANES; l++) {
        struct lane_private *lane = &s->lane[l];
        memset(lane, 0, sizeof *lane);
        lane->number = lane_number_of(i, l);
        lane->shared = &e->lane[l];
        /* Different lanes begin their search for free blocks at different slabs. */
        lane->cursor = (i * ENTRY_LANES + l) * 7;
    }
    fault_point("attach: named");
    store_release(&e->attached, 1);
    fault_point("attach: attached");
    return 0;
}

static int entry_claim_any(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->registry_used);
    /* First any entry that is not attached, used before or not; then one whose holder has died. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < MAX_ENTRIES; i++) {
            if (!pass && i < used && load_acquire(&s->registry[i].attached))
                continue;
            int r = registry_lock_entry(s, i);
            if (!r)
                return entry_claim(s, i);
            if (r != -EAGAIN)
                return error_set(-r, "the file system of the store has no file locks");
        }
    }
    return error_set(EUSERS, "all %u places for attached processes are taken", MAX_ENTRIES);
}

/* Is an index that can be believed to be made anew, as the opener asks for that?  Not under others,
 * who would miss keys meanwhile, also if they only read.  The caller has the lock of openers. */
static bool rebuild_wanted(struct splinter_store *s)
{
    if (!s->options || !(s->options->flags & SPLINTER_REBUILD))
        return false;
    s->not_rebuilt = registry_anybody(s) || registry_others_present(s);
    return !s->not_rebuilt;
}

/* If no other process changes this durable store, bring it into order: rebuild it if it is torn, or
 * if the opener asks for that and is alone.  The caller has the lock of openers. */
static int make_whole(struct splinter_store *s)
{
    bool wanted = rebuild_wanted(s);
    if (registry_anybody(s))
        return 0;
    int r;
    switch (sync_state(s)) {
    case LEFT_CLEAN:
        /* Before a rebuild also: if we died in it, the next opener would believe what is there. */
        r = sync_mark_open(s);
        if (r || !wanted)
            return r;
        break;
    case LEFT_RUNNING: /* all were killed: cleaners will find out what each entry held */
        s->left_open = true;
        if (!wanted)
            return sync_go_on(s);
        break;
    case LEFT_TORN:
        s->not_rebuilt = false;
        break;
    }
    s->left_open = true;
    return rebuild(s, true, s->options);
}

/* Need nothing be done before somebody reads this durable store?  Either other processes change it,
 * and one of them has seen to that; or it was closed in order, and nothing is to be forgotten.  The
 * caller has the lock of openers. */
static bool in_order(struct splinter_store *s)
{
    bool wanted = rebuild_wanted(s);
    if (registry_anybody(s))
        return true;
    return !wanted && !load_relaxed(&s->header->damaged) && sync_state(s) == LEFT_CLEAN;
}

/* What comes before anything is read or written: the file gets blocks of its own, and the sync
 * points, which may be holes in a copy, get some; and the clock of the store goes on.  To ask to be
 * woken, readers write as well.  The caller has the lock of openers. */
static int prepare(struct splinter_store *s)
{
    bool alone = !registry_anybody(s);
    int r = filesystem_unshare(descriptor_file(s), alone);
    if (r == -ENOSPC)
        return error_set(ENOSPC, "no room for blocks of its own: the file shares some with a copy "
                         "(cp --reflink) or a snapshot, and the disk is full");
    if (r)
        return error_set(-r, "the file shares blocks with a copy (cp --reflink) or a snapshot, and "
                         "cannot get its own: %s", strerror(-r));
    r = backing_reserve(descriptor_file(s), 0, INDEX_MAP_OFF);
    if (r)
        return error_set(-r, "no room to open the store: its file system is full");
    if (alone)
        sync_clock(s);
    return 0;
}

/* Get an entry; of a durable store in order, under the lock of openers.  If the handle does not
 * write yet, only a durable store that is not in order makes it get one. */
static int enter(struct splinter_store *s, bool to_write)
{
    int r = 0;
    if (s->durable) {
        if ((r = registry_lock_open(s)))
            return r;
        r = to_write ? 0 : registry_be_present(s); /* who writes has been present since the open */
        if (!r)
            r = prepare(s);
        if (!r)
            to_write |= !in_order(s);
        if (!r && to_write)
            r = make_whole(s);
    }
    if (!r && to_write && !(r = entry_claim_any(s)))
        store_release(&s->fork_generation, load_relaxed(&fork_generation));
    if (s->durable)
        registry_unlock_open(s);
    return r;
}

int attach_locks_open(struct splinter_store *s)
{
    fork_hold();
    int r = descriptor_locks_open(s);
    fork_numbers(s);
    fork_resume();
    return r;
}

void attach_locks_close(struct splinter_store *s)
{
    fork_hold();
    descriptor_locks_close(s);
    fork_resume();
}

/* Turns an error of attach_locks_open() into one of its own, so that nobody believes that the store
 * or the key does not exist. */
static int cannot_lock(int r)
{
    if (r == -EBADF)
        return error_set(EBADF, "the descriptors of the handle were closed or replaced");
    if (r == -ENOLCK)
        return error_set(ENOLCK, "cannot open the store a second time, for its locks: there is no "
                         "/proc, or this user may not");
    return error_set(-r, "cannot open the store a second time, for its locks: %s", strerror(-r));
}

int attach_locks_own(struct splinter_store *s)
{
    /* An attached handle holds the lock of its entry by this description, also when its number is
     * somebody else's by now. */
    if (!unattached(s)) /* which notices a fork */
        return descriptor_locks(s) >= 0 ? 0 : cannot_lock(-EBADF);
    /* After a fork that ran the handlers of pthread_atfork, the child has its own. */
    if (descriptor_locks_own(s))
        return 0;
    bool inherited = s->lock_process && s->lock_process != (uint32_t)getpid();
    attach_locks_close(s);
    int r = attach_locks_open(s);
    return r ? cannot_lock(inherited && r == -EACCES ? -ENOLCK : r) : 0;
}

int attach_join(struct splinter_store *s)
{
    s->entry = MAX_ENTRIES;
    int r = attach_locks_own(s);
    if (r)
        return r;
    r = enter(s, false);
    if (r) {
        attach_locks_close(s);
        return r;
    }
    reap_all(s);
    sync_after_death(s);
    return 0;
}

void attach_leave(struct splinter_store *s)
{
    if (s->lock_fd < 0)
        return;
    /* To write to blocks that a copy shares could be the end of the process: then leave as one that
     * was killed does. */
    if (!unattached(s) && (!s->durable || !filesystem_unshare(descriptor_file(s), false))) {
        store_relaxed(&s->holds, 0);
        bool last = s->durable && registry_lock_open(s) == 0 && !registry_anybody(s);
        if (last) {
            reap_all(s);
            if (limbo_any(s))
                sync_now(s);
        }
        struct entry *e = &s->registry[s->entry];
        for (uint32_t l = 0; l < ENTRY_LANES; l++)
            for (uint32_t k = 0; k < LANE_SPARES; k++) {
                arena_free_block(s, load_relaxed(&e->lane[l].spare[k]), s->lane[l].number);
                crash_order();
                store_relaxed(&e->lane[l].spare[k], 0);
            }
        fault_point("detach: lanes clean");
        if (owner_has_keys(s, s->entry)) /* which somebody else had in his hands */
            expiry_orphans(s);
        store_relaxed(&e->owned, 0);
        fault_point("detach: no keys");
        /* From now on any lane may adopt the slabs of this one. [>over] */
        store_release(&e->incarnation, s->incarnation + 1);
        fault_point("detach: incarnation over");
        store_release(&e->attached, 0); /* [>attached] */
        fault_point("detach: detached");
        if (last)
            sync_close(s);
    }
    attach_locks_close(s);
}

int attach_now(struct splinter_store *s)
{
    not_cancelled();
    pthread_mutex_lock(&s->mutex);
    int r = 0;
    if (unattached(s)) {
        r = attach_locks_own(s);
        s->entry = MAX_ENTRIES;
        store_relaxed(&s->holds, 0); /* those of a parent are not the child's */
        fault_point("attach: begun");
        if (!r)
            r = enter(s, true);
    }
    pthread_mutex_unlock(&s->mutex);
    return r;
}
