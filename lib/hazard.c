/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.c - what each thread has in use, so that nobody destroys it meanwhile
 *
 * Each thread publishes in a hazard pointer what it uses (M. Michael, "Hazard Pointers", 2004).
 * hazard_drain() makes every thread pass a full barrier (membarrier(2)), and waits until no hazard
 * has the pointer.  So to use something a thread pays for two plain stores.
 *
 * Nothing happens in here when a thread ends.  A destructor of pthread_key_create(3) would run
 * before those of the application, which may still call us; it would be code that dlclose(3) has
 * unmapped; and there may be no key left.  Instead a hazard has the number of its thread.  A thread
 * that needs a hazard looks at a few others, and takes one whose thread the kernel does not know
 * any more.
 *
 * Invariants
 *  - A living thread of the process, or the one thread of a child that fork made, has hazard_mine
 *    to itself.
 *  - A hazard stays on the list, so that a walk over the list needs no lock.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "hazard.h"

/* The first hazards stand in the library itself.  So they go when the library is unloaded: nobody
 * can tell dlclose(3) from the end of the process, where other threads may still be at work. */
#define FIRST_HAZARDS 128u
#define LOOKS 8u /* at the hazards of others, when a thread wants one */

static struct hazard first[FIRST_HAZARDS];
static uint32_t first_taken;   /* of those: how many are on the list, or about to be */
static struct hazard *hazards; /* the list, which only grows */
static struct hazard *looked;  /* where the last look ended; NULL: at the end of the list */
static uint32_t process;       /* whose threads the owners are: written before any other thread */
bool hazard_barrier;
_Thread_local struct hazard *hazard_mine __attribute__((tls_model("initial-exec")));

/* An owner is the thread's number, and how often the hazard has had an owner.  So no owner comes
 * twice: between the moment in which we see that a thread has ended, and our compare-and-swap, a
 * new thread of the same number may have taken the hazard. */
static uint64_t owner_after(uint64_t last, uint32_t thread)
{
    return ((last >> 32) + 1) << 32 | thread;
}

static uint32_t this_thread(void)
{
    return (uint32_t)syscall(SYS_gettid);
}

/* Only if the kernel says so: a filter of system calls may forbid the question. */
static bool has_ended(uint32_t thread)
{
    return syscall(SYS_tgkill, getpid(), thread, 0) && errno == ESRCH;
}

/* Of the parent's threads only the one that forked exists in the child. */
static void fork_child(void)
{
    process = (uint32_t)getpid();
    for (struct hazard *h = load_acquire(&hazards); h; h = h->next) {
        store_relaxed(&h->used, NULL);
        store_relaxed(&h->owner, owner_after(h->owner, h == hazard_mine ? this_thread() : 0));
    }
}

void hazard_start(void)
{
    process = (uint32_t)getpid();
    pthread_atfork(NULL, NULL, fork_child);
    hazard_barrier = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

/* A hazard whose thread has ended; NULL if none is found at once.  Of a list that is an eighth
 * longer than there are threads, one in eight is free: so the list gets hardly longer than that. */
static struct hazard *adopt(uint32_t thread)
{
    /* A child that was made without the handlers of pthread_atfork, by _Fork() or clone(2): the
     * kernel does not know its one thread by the number that stands in its hazard. */
    if ((uint32_t)getpid() != process)
        return NULL;
    struct hazard *h = load_acquire(&looked);
    for (uint32_t i = 0; i < LOOKS; i++, h = h->next) {
        if (!h)
            h = load_acquire(&hazards);
        if (!h)
            return NULL;
        uint64_t owner = load_acquire(&h->owner);
        uint32_t last = (uint32_t)owner;
        if ((!last || last == thread || has_ended(last)) &&
            cas_seq_cst(&h->owner, &owner, owner_after(owner, thread)))
            break;
        if (i == LOOKS - 1) {
            store_release(&looked, h->next);
            return NULL;
        }
    }
    store_release(&looked, h->next);
    store_relaxed(&h->used, NULL); /* if the last thread ended within a call */
    return h;
}

static struct hazard *make(void)
{
    struct hazard *h;
    if (load_relaxed(&first_taken) < FIRST_HAZARDS) {
        uint32_t n = fetch_add_relaxed(&first_taken, 1);
        if (n < FIRST_HAZARDS)
            return &first[n];
    }
    if (posix_memalign((void **)&h, alignof(struct hazard), sizeof *h))
        return NULL;
    memset(h, 0, sizeof *h);
    return h;
}

struct hazard *hazard_get(void)
{
    uint32_t thread = this_thread();
    struct hazard *h = adopt(thread);
    if (!h) {
        h = make();
        if (!h)
            return NULL;
        h->owner = owner_after(0, thread);
        struct hazard *expected = load_relaxed(&hazards);
        do
            h->next = expected;
        while (!cas_seq_cst(&hazards, &expected, h));
    }
    return hazard_mine = h;
}

bool hazard_drain(const void *what)
{
    /* A thread that looks after this sees what the caller wrote before it.  One that looked earlier
     * has set its hazard. [=hazard] */
    if (!hazard_barrier)
        fence_seq_cst();
    else if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
        return false; /* a filter of system calls was added, and the threads have no fence */
    for (struct hazard *h = load_acquire(&hazards); h; h = h->next)
        /* A thread that ended within a call, by a signal handler, has nothing in use any more; nor
         * have the other threads of our parent, if we are a child without handlers. */
        while (load_acquire(&h->used) == what && !has_ended((uint32_t)load_relaxed(&h->owner))) {
            struct timespec t = {.tv_nsec = 100000};
            nanosleep(&t, NULL);
        }
    return true;
}
