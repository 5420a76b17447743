/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.c - has the handle attached, and has this process been forked since?
 *
 * A child inherits the mapping but must not use its parent's registry entry.  It notices that it is
 * a child by a page that the kernel clears in every child (MADV_WIPEONFORK).  On a kernel without
 * that it relies on pthread_atfork.  Before its first write it attaches again (attach_own()).
 *
 * Invariants
 *  - A handle on the list has in fork_generation the generation in which it last attached, or 0.
 *    It may change the store only if that is the generation of the process.
 *  - At any fork every descriptor for locks is the lock_fd of a handle on the list.  So a child
 *    closes its copy of each, and the locks of its parent go when the parent dies.
 *  - No handle on the list has in fd what is the fd or lock_fd of a later one.  The kernel gives a
 *    number that is free, so a handle that still has it is one whose descriptors the application
 *    has closed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "atomic.h"
#include "descriptor.h"
#include "fork.h"
#include "handle.h"

/* Protects the list of handles and their links.  Locks no other mutex while it is held, but is held
 * across fork(). */
static pthread_mutex_t handles_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct splinter_store *handles;
uint32_t fork_generation = 1;
static uint32_t fallback_page = 1;
uint32_t *fork_page = &fallback_page;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    pthread_mutex_lock(&handles_mutex);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&handles_mutex);
}

void fork_numbers(const struct splinter_store *s)
{
    for (struct splinter_store *other = handles; other; other = other->next)
        if (other != s && (other->fd == s->fd || other->fd == s->lock_fd))
            store_relaxed(&other->fd, -1);
}

static void after_fork_child(void)
{
    *fork_page = ++fork_generation;
    for (struct splinter_store *s = handles; s; s = s->next) {
        /* The parent's lock must go when the parent dies, whatever its children do. */
        descriptor_forked(s);
        fork_numbers(s);
        s->entry = MAX_ENTRIES;
        memset(s->sleepers, 0, sizeof s->sleepers); /* the threads are not here */
        pthread_mutex_init(&s->mutex, NULL);
        pthread_mutex_init(&s->sync_mutex, NULL);
    }
    pthread_mutex_unlock(&handles_mutex); /* locked by this thread in before_fork() */
}

/* A page in the library itself, so that it goes with the library if that is unloaded. */
static uint32_t *a_page(size_t page)
{
    static uint8_t pages[2 * 65536]; /* the largest page there is, wherever it begins */
    if (page > sizeof pages / 2)
        return NULL;
    return (uint32_t *)(void *)(pages + (-(uintptr_t)pages & (page - 1)));
}

static void start(void)
{
#ifdef MADV_WIPEONFORK
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t *page = a_page(size);
    if (page && !madvise(page, size, MADV_WIPEONFORK)) {
        fork_page = page;
        *fork_page = fork_generation;
    }
#endif
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

uint32_t fork_now(void)
{
    /* A child that was made without the handlers of pthread_atfork. */
    if (load_relaxed(fork_page) == 0)
        raise_u32(fork_page, add_fetch_seq_cst(&fork_generation, 1));
    return load_relaxed(&fork_generation);
}

bool fork_seen(struct splinter_store *s)
{
    return load_acquire(&s->fork_generation) != fork_now();
}

void fork_hold(void)
{
    pthread_mutex_lock(&handles_mutex);
}

void fork_resume(void)
{
    pthread_mutex_unlock(&handles_mutex);
}

void fork_watch(struct splinter_store *s)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&handles_mutex);
    s->next = handles;
    s->link = &handles;
    if (handles)
        handles->link = &s->next;
    handles = s;
    fork_numbers(s);
    pthread_mutex_unlock(&handles_mutex);
}

void fork_unwatch(struct splinter_store *s)
{
    pthread_mutex_lock(&handles_mutex);
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    pthread_mutex_unlock(&handles_mutex);
}
