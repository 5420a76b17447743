/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - the kernel's locks on bytes of the store: which process is alive, and may do what
 *
 * The kernel knows which process is alive.  The holder of entry i has an open-file-description lock
 * (fcntl(2), F_OFD_SETLK) on byte LOCK_BASE + i of the store.  The kernel releases it after the
 * last instruction of the process, and shows it across pid namespaces.  The lock has an open file
 * description of its own (lock_fd), since the mapping keeps that of `fd` alive in children of fork.
 *
 * Invariants
 *  - Only the holder of an entry's lock changes the entry.
 *  - A process that gets the lock of an entry which still says "attached" is the only cleaner of
 *    what the dead process held (recover.c).
 *  - Who looks into the index of a durable store, even if only to read, has LOCK_PRESENT, to read.
 *    That lock is taken and asked for only under LOCK_OPEN.  It belongs to the description of `fd`,
 *    so it stays as long as the mapping does, also in children of fork, whatever is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "clock.h"
#include "descriptor.h"
#include "error.h"
#include "fault.h"
#include "fork.h"
#include "handle.h"
#include "registry.h"

#define LOCK_BASE ((off_t)1 << (sizeof(off_t) == 8 ? 62 : 30))
#define LOCK_REPAIR (LOCK_BASE + MAX_ENTRIES)
#define LOCK_SYNC (LOCK_REPAIR + 1)
#define LOCK_OPEN (LOCK_REPAIR + 2) /* durable stores: to open, rebuild or close */
#define LOCK_HOLD (LOCK_REPAIR + 3) /* durable stores: a byte for each entry whose process copies */
#define LOCK_PRESENT (LOCK_HOLD + MAX_ENTRIES) /* durable stores: who looks into the file */
#define LOCK_LIFE (LOCK_PRESENT + 1) /* a byte for each entry whose process owns ephemeral keys */

static int lock_byte(int fd, off_t byte, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int r;
    do
        r = fcntl(fd, F_OFD_SETLK, &lock);
    while (r && errno == EINTR);
    return r ? (errno == EACCES ? -EAGAIN : -errno) : 0;
}

/* A read-only handle may have no descriptor for locks. */
static int lock_descriptor(const struct splinter_store *s)
{
    return s->lock_fd >= 0 ? descriptor_locks(s) : descriptor_file(s);
}

bool registry_alive(struct splinter_store *s, uint32_t entry)
{
    if (!load_acquire(&s->registry[entry].attached))
        return false;
    if (!s->read_only && entry == s->entry && !unattached(s))
        return true;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LOCK_BASE + entry,
                         .l_len = 1};
    /* Asked through `fd`, which has no lock of an entry: a reader, and some children, have no
     * lock_fd. */
    return fcntl(descriptor_file(s), F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

bool registry_any_dead(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        if (load_acquire(&s->registry[i].attached) && !registry_alive(s, i) &&
            load_acquire(&s->registry[i].attached)) /* else it has left meanwhile */
            return true;
    return false;
}

int registry_lock_entry(struct splinter_store *s, uint32_t entry)
{
    return lock_byte(descriptor_locks(s), LOCK_BASE + entry, F_WRLCK);
}

void registry_unlock_entry(struct splinter_store *s, uint32_t entry)
{
    lock_byte(descriptor_locks(s), LOCK_BASE + entry, F_UNLCK);
}

int registry_lock_life(struct splinter_store *s)
{
    return lock_byte(descriptor_locks(s), LOCK_LIFE + s->entry, F_WRLCK);
}

void registry_unlock_life(struct splinter_store *s)
{
    lock_byte(descriptor_locks(s), LOCK_LIFE + s->entry, F_UNLCK);
}

/* Asked as in registry_alive(). */
int registry_lives(struct splinter_store *s, uint32_t entry)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LOCK_LIFE + entry,
                         .l_len = 1};
    if (fcntl(descriptor_file(s), F_OFD_GETLK, &lock))
        return -errno;
    return lock.l_type != F_UNLCK;
}

int registry_lock_repair(struct splinter_store *s)
{
    return lock_byte(descriptor_locks(s), LOCK_REPAIR, F_WRLCK);
}

void registry_unlock_repair(struct splinter_store *s)
{
    lock_byte(descriptor_locks(s), LOCK_REPAIR, F_UNLCK);
}

int registry_lock_sync(struct splinter_store *s)
{
    return lock_byte(descriptor_locks(s), LOCK_SYNC, F_WRLCK);
}

void registry_unlock_sync(struct splinter_store *s)
{
    lock_byte(descriptor_locks(s), LOCK_SYNC, F_UNLCK);
}

#ifdef SPLINTER_FAULT
uint64_t open_patience_ns = UINT64_C(300000000000);
#else
static const uint64_t open_patience_ns = UINT64_C(300000000000);
#endif

/* That another process goes on with its rebuild shows in slabs_used, which it raises with every
 * slab that it scans. */
int registry_lock_open(struct splinter_store *s)
{
    struct timespec nap = {.tv_nsec = 1000000};
    uint32_t seen = load_relaxed(&s->header->slabs_used), now;
    uint64_t since = now_monotonic();
    short type = s->read_only ? F_RDLCK : F_WRLCK;
    int r;
    while ((r = lock_byte(lock_descriptor(s), LOCK_OPEN, type)) == -EAGAIN) {
        if ((now = load_relaxed(&s->header->slabs_used)) != seen) {
            seen = now;
            since = now_monotonic();
        } else if (now_monotonic() - since > open_patience_ns) {
            return error_set(EAGAIN,
                             "another process has been opening or closing the store for %llu s "
                             "without progress; is it stopped?",
                             (unsigned long long)open_patience_ns / 1000000000);
        }
        nanosleep(&nap, NULL);
    }
    return r ? error_set(-r, "the file system of the store has no file locks") : 0;
}

void registry_unlock_open(struct splinter_store *s)
{
    lock_byte(lock_descriptor(s), LOCK_OPEN, F_UNLCK);
}

int registry_hold(struct splinter_store *s)
{
    return lock_byte(descriptor_locks(s), LOCK_HOLD + s->entry, F_WRLCK);
}

int registry_unhold(struct splinter_store *s)
{
    return lock_byte(descriptor_locks(s), LOCK_HOLD + s->entry, F_UNLCK);
}

/* Locks to read, which who may only read can take, do not count. */
bool registry_held(struct splinter_store *s)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LOCK_HOLD,
                         .l_len = MAX_ENTRIES};
    return !fcntl(descriptor_locks(s), F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

/* A lock to read, which who may only read can take, stands for nobody. */
bool registry_anybody(struct splinter_store *s)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = LOCK_BASE,
                         .l_len = MAX_ENTRIES};
    return fcntl(lock_descriptor(s), F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

int registry_be_present(struct splinter_store *s)
{
    int r = lock_byte(descriptor_file(s), LOCK_PRESENT, F_RDLCK);
    return r ? error_set(-r, "cannot lock a byte of the store, to say that it is open: %s",
                         strerror(-r)) : 0;
}

bool registry_others_present(struct splinter_store *s)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_PRESENT,
                         .l_len = 1};
    return fcntl(descriptor_file(s), F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}
