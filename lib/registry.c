/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - who is attached, and who is alive
 *
 * Liveness is a fact the kernel keeps: the holder of entry i has an open-file-description lock
 * (fcntl(2), F_OFD_SETLK) on byte LOCK_BASE + i of the store.  It vanishes with the process,
 * after its last instruction, and is seen across pid namespaces.  The lock has an open file
 * description of its own (lock_fd): the mapping keeps that of `fd` alive in children of fork.
 *
 * Invariants
 *  - Only the holder of an entry's lock changes the entry; who gets the lock of an entry that
 *    still says "attached" is the sole cleaner of what the dead process held (recover.c).
 *  - An entry is given to a new process clean: no lane names a block or a lock.
 *  - incarnation differs between any two processes that had the entry.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define LOCK_BASE ((off_t)1 << (sizeof(off_t) == 8 ? 62 : 30))
#define LOCK_REPAIR (LOCK_BASE + MAX_ENTRIES)
#define LOCK_SYNC (LOCK_REPAIR + 1)
#define LOCK_OPEN (LOCK_REPAIR + 2) /* durable stores: opens, rebuilds, or closes */

/* ---- locks of the kernel ---- */

static int lock_byte(int fd, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int r;
    do
        r = fcntl(fd, F_OFD_SETLK, &lock);
    while (r && errno == EINTR);
    return r ? (errno == EACCES ? -EAGAIN : -errno) : 0;
}

bool registry_alive(struct splinter_store *s, uint32_t entry)
{
    if (!load_acquire(&s->registry[entry].attached))
        return false;
    if (!s->read_only && entry == s->entry && !fork_happened(s))
        return true;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LOCK_BASE + entry,
                         .l_len = 1};
    return fcntl(s->read_only ? s->fd : s->lock_fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

int registry_lock_repair(struct splinter_store *s)
{
    return lock_byte(s->lock_fd, LOCK_REPAIR, F_WRLCK);
}

void registry_unlock_repair(struct splinter_store *s)
{
    lock_byte(s->lock_fd, LOCK_REPAIR, F_UNLCK);
}

int registry_lock_sync(struct splinter_store *s)
{
    return lock_byte(s->lock_fd, LOCK_SYNC, F_WRLCK);
}

void registry_unlock_sync(struct splinter_store *s)
{
    lock_byte(s->lock_fd, LOCK_SYNC, F_UNLCK);
}

#ifdef SPLINTER_FAULT
uint64_t open_patience_ns = UINT64_C(300000000000);
#else
static const uint64_t open_patience_ns = UINT64_C(300000000000);
#endif

/* Waits as long as a rebuild of another process goes on, which shows in the slabs it has been
 * through; but not for ever for one that is stopped.  The store is mapped. */
int registry_lock_open(struct splinter_store *s)
{
    struct timespec nap = {.tv_nsec = 1000000};
    uint32_t seen = load_relaxed(&s->header->slabs_used), now;
    uint64_t since = now_monotonic();
    int r, fd = s->lock_fd >= 0 ? s->lock_fd : s->fd;
    while ((r = lock_byte(fd, LOCK_OPEN, s->read_only ? F_RDLCK : F_WRLCK)) == -EAGAIN) {
        if ((now = load_relaxed(&s->header->slabs_used)) != seen) {
            seen = now;
            since = now_monotonic();
        } else if (now_monotonic() - since > open_patience_ns) {
            return error_set(EAGAIN, "another process has been opening or closing the store for %llu s "
                             "and does not go on; is it stopped?",
                             (unsigned long long)open_patience_ns / 1000000000);
        }
        nanosleep(&nap, NULL);
    }
    return r ? error_set(-r, "the file system of the store has no file locks") : 0;
}

void registry_unlock_open(struct splinter_store *s)
{
    lock_byte(s->lock_fd >= 0 ? s->lock_fd : s->fd, LOCK_OPEN, F_UNLCK);
}

/* Does anybody but us have the store open to write? */
bool registry_anybody(struct splinter_store *s)
{
    struct flock lock = {.l_type = s->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET,
                         .l_start = LOCK_BASE, .l_len = MAX_ENTRIES};
    return fcntl(s->lock_fd >= 0 ? s->lock_fd : s->fd, F_OFD_GETLK, &lock) ||
           lock.l_type != F_UNLCK;
}

/* ---- attaching ---- */

/* Entry i is locked by us: clean up after its last holder, and take it. */
static int take(struct splinter_store *s, uint32_t i)
{
    /* Everything up to here: whoever reads registry_used may touch all entries below it. */
    int r = backing_reserve(s->fd, s->geo.registry_off, (i + 1) * sizeof(struct entry));
    if (r) {
        lock_byte(s->lock_fd, LOCK_BASE + i, F_UNLCK);
        return error_set(-r, "no room for one more process in the store");
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
    store_relaxed(&e->pid, (uint32_t)getpid());
    for (uint32_t l = 0; l < ENTRY_LANES; l++) {
        struct lane_private *lane = &s->lane[l];
        memset(lane, 0, sizeof *lane);
        lane->number = i * 16 + l + 1;
        lane->shared = &e->lane[l];
        /* Different processes look for free blocks in different places. */
        lane->cursor = (i * ENTRY_LANES + l) * 7;
    }
    fault_point("attach: named");
    store_release(&e->attached, 1);
    fault_point("attach: attached");
    return 0;
}

static int take_some_entry(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->registry_used);
    /* First those that were left in order, then one that was never used, then any. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < MAX_ENTRIES; i++) {
            if (!pass && i < used && load_acquire(&s->registry[i].attached))
                continue;
            int r = lock_byte(s->lock_fd, LOCK_BASE + i, F_WRLCK);
            if (!r)
                return take(s, i);
            if (r != -EAGAIN)
                return error_set(-r, "the file system of the store has no file locks");
        }
    }
    return error_set(EUSERS, "all %u places for attached processes are taken", MAX_ENTRIES);
}

/* Who opens a durable store that nobody has open sees to it that it is whole. */
static int make_whole(struct splinter_store *s)
{
    const struct splinter_open_options *o = s->options;
    if (registry_anybody(s))
        return 0;
    switch (sync_how_left(s)) {
    case LEFT_CLEAN:
        if (!o || !(o->flags & SPLINTER_REBUILD))
            return sync_unclean(s);
        break;
    case LEFT_RUNNING: /* killed: what they held is found out entry by entry */
        if (!o || !(o->flags & SPLINTER_REBUILD))
            return sync_points_to_disk(s);
        break;
    case LEFT_TORN:
        break;
    }
    return rebuild(s, true, o ? o->progress : NULL, o ? o->progress_arg : NULL);
}

static int enter(struct splinter_store *s)
{
    if (!s->durable)
        return take_some_entry(s);
    int r = registry_lock_open(s);
    if (r)
        return r;
    r = make_whole(s);
    if (!r)
        r = take_some_entry(s);
    registry_unlock_open(s);
    return r;
}

int registry_attach(struct splinter_store *s)
{
    int fd = backing_reopen(s->fd, false);
    if (fd < 0)
        return error_set(-fd, "cannot open the store a second time through /proc/self/fd");
    s->lock_fd = fd;
    int r = enter(s);
    if (r) {
        close(fd);
        s->lock_fd = -1;
        return r;
    }
    registry_reap_all(s);
    sync_after_death(s);
    return 0;
}

void registry_detach(struct splinter_store *s)
{
    if (s->lock_fd < 0)
        return;
    if (!fork_happened(s)) {
        bool last = s->durable && registry_lock_open(s) == 0 && !registry_anybody(s);
        if (last) {
            registry_reap_all(s);
            if (limbo_any(s))
                splinter_store_sync(s);
        }
        struct entry *e = &s->registry[s->entry];
        for (uint32_t l = 0; l < ENTRY_LANES; l++)
            for (uint32_t k = 0; k < LANE_SPARES; k++) {
                arena_free_named(s, load_relaxed(&e->lane[l].spare[k]), s->lane[l].number);
                crash_order();
                store_relaxed(&e->lane[l].spare[k], 0);
            }
        fault_point("detach: lanes clean");
        /* From now on its slabs are anybody's. [>over] */
        store_release(&e->incarnation, s->incarnation + 1);
        fault_point("detach: incarnation over");
        store_release(&e->attached, 0); /* [>attached] */
        fault_point("detach: detached");
        if (last)
            sync_close(s);
    }
    close(s->lock_fd); /* and with it the locks */
    s->lock_fd = -1;
}

/* ---- the dead ---- */

/* If the holder of the entry is dead, clean up after it.  True if the entry is free now. */
bool registry_reap(struct splinter_store *s, uint32_t entry)
{
    if (entry >= MAX_ENTRIES || entry == s->entry ||
        entry >= load_acquire(&s->header->registry_used))
        return false;
    struct entry *e = &s->registry[entry];
    if (!load_acquire(&e->attached))
        return true;
    /* Our own threads share the open file description, so its lock does not part them. */
    pthread_mutex_lock(&s->mutex);
    bool dead = lock_byte(s->lock_fd, LOCK_BASE + entry, F_WRLCK) == 0;
    if (dead) {
        fault_point("reap: locked");
        if (load_acquire(&e->attached)) { /* [<attached] */
            recover_entry(s, entry);
            fault_point("reap: cleaned");
            store_release(&e->incarnation, load_relaxed(&e->incarnation) + 1); /* [>over] */
            fault_point("reap: incarnation over");
            store_release(&e->attached, 0); /* [>attached] */
            fault_point("reap: detached");
        }
        lock_byte(s->lock_fd, LOCK_BASE + entry, F_UNLCK);
    }
    pthread_mutex_unlock(&s->mutex);
    if (dead)
        sync_after_death(s);
    return dead;
}

void registry_reap_all(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        if (load_relaxed(&s->registry[i].attached))
            registry_reap(s, i);
}

/* ---- fork ---- */

/* In a child, before its first write: an entry of its own. */
int fork_reattach(struct splinter_store *s)
{
    not_cancelled();
    pthread_mutex_lock(&s->mutex);
    int r = 0;
    if (fork_happened(s)) {
        if (s->lock_fd >= 0) /* inherited behind the back of pthread_atfork */
            close(s->lock_fd);
        int fd = backing_reopen(s->fd, false);
        s->lock_fd = fd;
        s->entry = MAX_ENTRIES;
        fault_point("fork: reopened");
        r = fd < 0 ? fd : enter(s);
        if (!r)
            store_release(&s->fork_generation, load_relaxed(&fork_generation));
    }
    pthread_mutex_unlock(&s->mutex);
    return r;
}
