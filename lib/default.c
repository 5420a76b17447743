/* SPDX-License-Identifier: Apache-2.0 */
/*
 * default.c - the bus verbs: one store per process, on top of the calls that take a handle
 *
 * One thread may call splinter_close() while others are inside a call.  Each thread publishes in a
 * hazard pointer which store it uses (M. Michael, "Hazard Pointers", 2004).  splinter_close()
 * replaces the current store, makes every thread pass a full barrier (membarrier(2)), and waits
 * until no hazard pointer has the old store.  So a call pays for two plain stores.
 *
 * Invariants
 *  - A store is closed only after it stopped being `current` and no hazard pointer has it.
 *  - A hazard is never freed: a thread that walks the list needs no lock.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "atomic.h"
#include "cancel.h"
#include "handle.h"
#include "key.h"

struct hazard {
    alignas(64) splinter_store *store; /* in use by its thread; written by it, read by replace() */
    uint32_t taken;                    /* 1: a thread has it; set by exchange, cleared at its end */
    struct hazard *next;               /* written before the hazard is on the list */
};

static splinter_store *current; /* written by replace(), read by every call */
static struct hazard *hazards;  /* a list that only grows; ended threads leave theirs to others */
static bool have_membarrier;
static pthread_key_t thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Protects list_memory and the writing of `current`; a thread that holds it keeps the store open.
 * Taken before all others: handles_mutex, and sync_mutex and mutex of a handle. */
static pthread_mutex_t change = PTHREAD_MUTEX_INITIALIZER;
static char *list_memory; /* keys that the last splinter_list() returned */
static _Thread_local struct hazard *mine __attribute__((tls_model("initial-exec")));

static void give_back(void *hazard)
{
    store_release(&((struct hazard *)hazard)->taken, 0);
}

/* Of the parent's threads only the one that forked exists in the child. */
static void fork_child(void)
{
    for (struct hazard *h = load_acquire(&hazards); h; h = h->next) {
        store_relaxed(&h->store, NULL);
        if (h != mine)
            store_relaxed(&h->taken, 0);
    }
    pthread_mutex_init(&change, NULL);
}

static void start(void)
{
    pthread_key_create(&thread_end, give_back);
    pthread_atfork(NULL, NULL, fork_child);
    have_membarrier =
        !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

static struct hazard *hazard_of_thread(void)
{
    if (mine)
        return mine;
    pthread_once(&once, start);
    struct hazard *h;
    for (h = load_acquire(&hazards); h; h = h->next)
        if (!load_relaxed(&h->taken) && !exchange_acquire(&h->taken, 1))
            break;
    if (!h) {
        if (posix_memalign((void **)&h, alignof(struct hazard), sizeof *h))
            return NULL;
        memset(h, 0, sizeof *h);
        h->taken = 1;
        struct hazard *expected = load_relaxed(&hazards);
        do
            h->next = expected;
        while (!cas_seq_cst(&hazards, &expected, h));
    }
    pthread_setspecific(thread_end, h);
    return mine = h;
}

static splinter_store *enter(void)
{
    struct hazard *h = hazard_of_thread();
    if (!h) {
        errno = ENOMEM;
        return NULL;
    }
    for (;;) {
        splinter_store *s = load_acquire(&current);
        store_relaxed(&h->store, s);
        /* For replace(), the store above comes before the load below. [=hazard] */
        if (have_membarrier)
            crash_order();
        else
            fence_seq_cst();
        if (load_acquire(&current) == s) {
            if (!s)
                errno = EBADF;
            return s;
        }
    }
}

static void leave(void)
{
    store_release(&mine->store, NULL);
}

/* Make `next` the current store and close the old one once no call uses it.  The caller holds
 * `change`. */
static void replace(splinter_store *next)
{
    splinter_store *old = exchange_seq_cst(&current, next);
    free(list_memory);
    list_memory = NULL;
    if (!old)
        return;
    store_seq_cst(&old->closing, 1); /* a waiter returns at the end of its present sleep */
    /* A thread that reads `current` after this gets the new store.  One that read it before has set
     * its hazard pointer. [=hazard] */
    if (!have_membarrier || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
        fence_seq_cst();
    for (struct hazard *h = load_acquire(&hazards); h; h = h->next)
        while (load_acquire(&h->store) == old) {
            struct timespec t = {.tv_nsec = 100000};
            nanosleep(&t, NULL);
        }
    splinter_store_close(old);
}

/* Turn a negative errno into errno and the -1 that the verbs return. */
static int result(int r)
{
    if (r >= 0)
        return r;
    errno = -r;
    return -1;
}

static int open_current(const char *name, uint32_t flags, size_t slots, size_t max_value)
{
    not_cancelled();
    pthread_once(&once, start);
    struct splinter_open_options o = {.struct_size = sizeof o,
                                      .flags = flags,
                                      .slots = slots,
                                      .max_value = max_value};
    splinter_store *s;
    int r = splinter_store_open(&s, name, &o);
    if (r)
        return result(r);
    pthread_mutex_lock(&change);
    replace(s);
    pthread_mutex_unlock(&change);
    return 0;
}

int splinter_create(const char *name_or_path, size_t slots, size_t max_value_sz)
{
    return open_current(name_or_path, SPLINTER_CREATE | SPLINTER_EXCL, slots, max_value_sz);
}

int splinter_open(const char *name_or_path)
{
    return open_current(name_or_path, 0, 0, 0);
}

int splinter_open_or_create(const char *name_or_path, size_t slots, size_t max_value_sz)
{
    return open_current(name_or_path, SPLINTER_CREATE, slots, max_value_sz);
}

/* Both names mean the same: the first process creates the store, all others open it. */
int splinter_create_or_open(const char *name_or_path, size_t slots, size_t max_value_sz)
{
    return open_current(name_or_path, SPLINTER_CREATE, slots, max_value_sz);
}

void splinter_close(void)
{
    not_cancelled();
    pthread_once(&once, start);
    pthread_mutex_lock(&change);
    replace(NULL);
    pthread_mutex_unlock(&change);
}

int splinter_set(const char *key, const void *val, size_t len)
{
    splinter_store *s = enter();
    if (!s)
        return -1;
    int r = splinter_store_set(s, key, val, len, NULL, NULL);
    leave();
    return result(r);
}

int splinter_unset(const char *key)
{
    splinter_store *s = enter();
    if (!s)
        return -2;
    size_t len = 0;
    int r = splinter_store_unset(s, key, 0, &len);
    leave();
    if (r == -EINVAL) {
        errno = EINVAL;
        return -2;
    }
    return r ? result(r) : (int)len;
}

int splinter_get(const char *key, void *buf, size_t buf_sz, size_t *out_sz)
{
    splinter_store *s = enter();
    if (!s)
        return -1;
    int r = splinter_store_get(s, key, buf, buf_sz, out_sz, NULL);
    leave();
    return result(r);
}

/* Collect the keys one after the other in one block; set the pointers when it no longer moves. */
static int list(splinter_store *s, char **out_keys, size_t max_keys, size_t *out_count)
{
    char key[SPLINTER_KEY_MAX], *text = NULL;
    size_t count = 0, used = 0, room = 0;
    uint64_t cursor = 0;
    while ((!out_keys || count < max_keys) &&
           splinter_store_walk(s, NULL, &cursor, key, NULL) == 1) {
        count++;
        if (!out_keys)
            continue;
        size_t len = strlen(key) + 1;
        if (used + len > room) {
            room = (used + len) * 2;
            char *more = realloc(text, room);
            if (!more) {
                free(text);
                return -ENOMEM;
            }
            text = more;
        }
        memcpy(text + used, key, len);
        used += len;
    }
    if (out_keys) {
        free(list_memory);
        list_memory = text;
        for (size_t i = 0; i < count; i++, text += strlen(text) + 1)
            out_keys[i] = text;
    }
    *out_count = count;
    return 0;
}

int splinter_list(char **out_keys, size_t max_keys, size_t *out_count)
{
    /* `change` keeps the store open, so this needs no hazard.  It also keeps a second thread out of
     * list_memory. */
    pthread_mutex_lock(&change);
    splinter_store *s = load_acquire(&current);
    int r = !s ? -EBADF : !out_count ? -EINVAL : list(s, out_keys, max_keys, out_count);
    pthread_mutex_unlock(&change);
    return result(r);
}

int splinter_poll(const char *key, uint64_t timeout_ms)
{
    splinter_store *s = enter();
    if (!s)
        return -1;
    struct splinter_meta m = {.struct_size = sizeof m};
    int r = splinter_store_get(s, key, NULL, 0, NULL, &m);
    if (!r)
        r = splinter_store_wait(s, key, m.epoch, timeout_ms, NULL);
    leave();
    return result(r);
}

int splinter_sync(void)
{
    splinter_store *s = enter();
    if (!s)
        return -1;
    int r = splinter_store_sync(s);
    leave();
    return result(r);
}
