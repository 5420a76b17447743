/* SPDX-License-Identifier: Apache-2.0 */
/*
 * default.c - the bus verbs: one store per process, on top of the calls that take a handle
 *
 * One thread may call splinter_close() while others are inside a call.  Each thread says in its
 * hazard (hazard.c) which store it uses.  splinter_close() replaces the current store, and closes
 * the old one when no thread uses it any more.
 *
 * Invariant: a store is closed only after it stopped being `current` and no hazard has it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "cancel.h"
#include "handle.h"
#include "hazard.h"

static splinter_store *current; /* written by replace(), read by every call */
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Protects list_memory and the writing of `current`; a thread that holds it keeps the store open.
 * Taken before all others: handles_mutex, and sync_mutex and mutex of a handle. */
static pthread_mutex_t change = PTHREAD_MUTEX_INITIALIZER;
static char *list_memory; /* keys that the last splinter_list() returned */

/* Of the parent's threads only the one that forked exists in the child. */
static void fork_child(void)
{
    pthread_mutex_init(&change, NULL);
}

static void start(void)
{
    hazard_start();
    pthread_atfork(NULL, NULL, fork_child);
}

static struct hazard *hazard_of_thread(void)
{
    if (hazard_mine)
        return hazard_mine;
    pthread_once(&once, start);
    return hazard_get();
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
        store_relaxed(&h->used, s);
        /* For replace(), the store above comes before the load below. [=hazard] */
        if (hazard_barrier)
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
    store_release(&hazard_mine->used, NULL);
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
    if (hazard_drain(old)) /* else it stays until the process ends */
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

int splinter_open_with(const char *name_or_path, const struct splinter_open_options *options)
{
    not_cancelled();
    pthread_once(&once, start);
    splinter_store *s;
    int r = splinter_store_open(&s, name_or_path, options);
    if (r)
        return result(r);
    s->eintr = true; /* nobody waits through it yet */
    pthread_mutex_lock(&change);
    replace(s);
    pthread_mutex_unlock(&change);
    return 0;
}

static int open_current(const char *name, uint32_t flags, size_t slots, size_t max_value)
{
    struct splinter_open_options o = {.struct_size = sizeof o,
                                      .flags = flags,
                                      .slots = slots,
                                      .max_value = max_value};
    return splinter_open_with(name, &o);
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
