/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.c - has a fork happened, and the list of handles for it
 *
 * A child has its parent's mapping but must not use its parent's entry.  It finds out by a page
 * that the kernel empties in a child (MADV_WIPEONFORK), or by pthread_atfork where that is
 * missing, and attaches anew before its first write (lane.c).
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "atomic.h"
#include "fork.h"
#include "handle.h"

static pthread_mutex_t handles_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct splinter_store *handles;
uint32_t fork_generation = 1;
static uint32_t fallback_page = 1;
uint32_t *fork_page = &fallback_page; /* the generation; 0 in a child that has not noticed yet */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    pthread_mutex_lock(&handles_mutex);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&handles_mutex);
}

static void after_fork_child(void)
{
    *fork_page = ++fork_generation;
    for (struct splinter_store *s = handles; s; s = s->next) {
        /* The parent's death is to release the parent's lock, whatever its children do. */
        if (s->lock_fd >= 0)
            close(s->lock_fd);
        s->lock_fd = -1;
        pthread_mutex_init(&s->mutex, NULL);
        pthread_mutex_init(&s->sync_mutex, NULL);
    }
    pthread_mutex_unlock(&handles_mutex); /* taken by us, in before_fork() */
}

static void start(void)
{
    long page = sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) {
#ifdef MADV_WIPEONFORK
        if (!madvise(p, (size_t)page, MADV_WIPEONFORK)) {
            fork_page = p;
            *fork_page = fork_generation;
        } else
#endif
            munmap(p, (size_t)page);
    }
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* fork_happened() where the page does not have the handle's generation. */
bool fork_seen(struct splinter_store *s)
{
    /* In a child that pthread_atfork did not hear of. */
    if (load_relaxed(fork_page) == 0)
        raise_u32(fork_page, __atomic_add_fetch(&fork_generation, 1, __ATOMIC_SEQ_CST));
    return load_acquire(&s->fork_generation) != load_relaxed(&fork_generation);
}

void fork_watch(struct splinter_store *s)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&handles_mutex);
    store_release(&s->fork_generation, load_relaxed(&fork_generation));
    s->next = handles;
    s->link = &handles;
    if (handles)
        handles->link = &s->next;
    handles = s;
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
