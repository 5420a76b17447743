/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watches.c - keys, prefixes and feeds behind one descriptor, for the event loop of a program
 *
 * Invariants
 *  - A call of a child with a watch of its parent touches neither the descriptor, which both share,
 *    nor a mutex.  Only a close closes the child's copy of the descriptor.
 *  - What is being looked at is neither ready nor waiting, so the watcher does not know of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "follow.h"
#include "fork.h"
#include "get.h"
#include "handle.h"
#include "key.h"
#include "readable.h"
#include "sized.h"
#include "wait.h"
#include "watcher.h"

/* ---- open and close ---- */

static int enter(struct splinter_watch *w)
{
    int r = watcher_enter(w);
    if (r == -ECANCELED)
        return error_set(ECANCELED, "the process is ending");
    return r ? error_set(-r, "no thread could be made to wait: %s", strerror(-r)) : 0;
}

int splinter_watch_open(splinter_watch **out, splinter_store *s, uint32_t flags)
{
    not_cancelled();
    error_clear();
    if (!out || !s)
        return error_set(EINVAL, out ? "no store was given" : "no place for the watch was given");
    *out = NULL;
    if (flags)
        return error_set(EINVAL, "unknown flags 0x%x", (unsigned)flags);
    struct splinter_watch *w = calloc(1, sizeof *w);
    if (!w)
        return error_set(ENOMEM, "no memory for a watch");
    w->store = s;
    w->generation = fork_now();
    w->ready_end = &w->ready;
    pthread_mutex_init(&w->mutex, NULL);
    int r = readable_open(&w->readable);
    if (r) {
        error_set(-r, "no descriptor could be made: %s", strerror(-r));
    } else {
        r = enter(w);
        if (r)
            readable_close(&w->readable);
    }
    if (r) {
        pthread_mutex_destroy(&w->mutex);
        free(w);
        return r;
    }
    *out = w;
    return 0;
}

static void free_watched(struct watched *it)
{
    if (it->own_feed)
        splinter_feed_close(it->feed);
    changed_end(it->keys);
    free(it);
}

void splinter_watch_close(splinter_watch *w)
{
    not_cancelled();
    if (!w)
        return;
    if (w->generation != fork_now()) { /* the rest stays in a list of the watcher */
        readable_close(&w->readable);
        readable_lost(&w->readable);
        return;
    }
    watcher_leave(w);
    pthread_mutex_destroy(&w->mutex);
    for (struct watched *it = w->all, *after; it; it = after) {
        after = it->after;
        free_watched(it);
    }
    readable_close(&w->readable);
    free(w);
}

/* May the watch be used?  0; -ECANCELED; -EBADF. */
static int usable(const struct splinter_watch *w)
{
    if (w->generation != fork_now())
        return error_set(ECANCELED, "the watch was opened by a parent of this process");
    if (!readable_is_ours(&w->readable))
        return error_set(EBADF, "the program has closed the descriptor of the watch");
    return 0;
}

int splinter_watch_fd(const splinter_watch *w)
{
    error_clear();
    if (!w)
        return error_set(EINVAL, "no watch was given");
    int r = usable(w), fd = load_relaxed(&w->readable.fd);
    return r ? r : fd < 0 ? -EBADF : fd;
}

/* ---- what is watched ---- */

/* Something new to watch, with room for a text. */
static int make_watched(struct splinter_watch *w, enum watched_kind kind, uint64_t tag,
                        const char *text, struct watched **out)
{
    size_t len = strlen(text);
    struct watched *it = calloc(1, sizeof *it + len + 1);
    if (!it)
        return error_set(ENOMEM, "no memory for what is to be watched");
    it->watch = w;
    it->kind = kind;
    it->tag = tag;
    memcpy(it->text, text, len + 1);
    *out = it;
    return 0;
}

int splinter_watch_add_key(splinter_watch *w, const char *name, uint64_t epoch, uint64_t tag)
{
    not_cancelled();
    error_clear();
    struct key key;
    if (!w)
        return error_set(EINVAL, "no watch was given");
    int r = usable(w);
    if (r)
        return r;
    r = key_make(w->store, name, &key);
    if (r)
        return r == -EINVAL ? error_set(EINVAL, "the key is %s", name ? "empty" : "NULL")
                            : error_set(-r, "the key has more than %d bytes", SPLINTER_KEY_MAX - 1);
    struct watched *it;
    r = make_watched(w, WATCHED_KEY, tag, name, &it);
    if (r)
        return r;
    it->key = key_of_bytes(w->store, it->text, key.len);
    it->word = key_word(w->store, &it->key);
    it->seen = epoch;
    watcher_add(it);
    return 0;
}

/* Through a feed that belongs to the watch, or by walking. */
static int follow_prefix(struct watched *it, bool state)
{
    struct splinter_store *s = it->watch->store;
    if (s->has_feed) {
        struct splinter_feed_options o = {.struct_size = sizeof o,
                                          .flags = state ? SPLINTER_FEED_STATE : 0,
                                          .prefix = it->text};
        it->kind = WATCHED_FEED;
        it->own_feed = true;
        return splinter_feed_open(&it->feed, s, &o);
    }
    it->keys = changed_begin(s, it->text, state);
    enum changed_found r = it->keys ? CHANGED_MORE : CHANGED_NO_MEMORY;
    struct splinter_event nobody_asked;
    uint64_t epoch;
    while (!state && r == CHANGED_MORE) /* what is there now is not told */
        r = changed_next(it->keys, false, &nobody_asked, NULL, 0, &epoch);
    if (r == CHANGED_NO_MEMORY)
        return error_set(ENOMEM, "no memory for what is to be watched");
    return 0;
}

int splinter_watch_add_prefix(splinter_watch *w, const char *prefix, uint32_t flags, uint64_t tag)
{
    not_cancelled();
    error_clear();
    if (!w)
        return error_set(EINVAL, "no watch was given");
    if (flags & ~SPLINTER_FEED_STATE)
        return error_set(EINVAL, "unknown flags 0x%x", (unsigned)flags);
    int r = usable(w);
    if (r)
        return r;
    prefix = prefix ? prefix : "";
    if (strlen(prefix) >= SPLINTER_KEY_MAX)
        return error_set(ENAMETOOLONG, "the prefix has %zu bytes, a key has at most %d",
                         strlen(prefix), SPLINTER_KEY_MAX - 1);
    struct watched *it;
    r = make_watched(w, WATCHED_PREFIX, tag, prefix, &it);
    if (r)
        return r;
    r = follow_prefix(it, flags);
    if (r)
        free_watched(it);
    else
        watcher_add(it);
    return r;
}

int splinter_watch_add_feed(splinter_watch *w, splinter_feed *feed, uint64_t tag)
{
    not_cancelled();
    error_clear();
    if (!w || !feed)
        return error_set(EINVAL, "no %s was given", w ? "feed" : "watch");
    int r = usable(w);
    if (r)
        return r;
    if (feed_store(feed) != w->store)
        return error_set(EINVAL, "the feed and the watch belong to different handles");
    struct watched *it;
    r = make_watched(w, WATCHED_FEED, tag, "", &it);
    if (r)
        return r;
    it->feed = feed;
    watcher_add(it);
    return 0;
}

/* ---- what has happened ---- */

#define APART_NS UINT64_C(1000000) /* between two looks at a feed that has a hole */
#define HOLE_MAX_NS UINT64_C(64000000)
#define SHARE 10                   /* walks take one part in so many of the time, and one, */
#define PAUSE_MAX_NS UINT64_C(1000000000) /* but are at most so far apart */

/* What a look has found. */
enum found { NOTHING, EVENT, MORE, NO_MEMORY };

/* What cannot be read is told once, as a value of which nothing is known: a get says why. */
static enum found look_at_key(struct watched *it, struct splinter_event *e, void *buf, size_t size)
{
    struct splinter_store *s = it->watch->store;
    struct key_seen now = {0};
    struct stored stored;
    int r = key_passed(s, &it->key, it->seen, &now), failed = it->error;
    it->error = r && r != -ENOENT && r != -EAGAIN ? r : 0;
    if (r == -EAGAIN || (it->error && r == failed))
        return NOTHING;
    *e = (struct splinter_event){.struct_size = sizeof *e, .what = SPLINTER_EVENT_SET};
    memcpy(e->key, it->text, it->key.len + 1);
    if (it->error)
        return EVENT;
    if (r == -ENOENT)
        key_gone(s, &it->key, &now);
    else
        r = get_stored(s, &it->key, buf, size, &stored);
    if (r == -ENOENT && !it->seen) /* it came, and is gone again */
        return NOTHING;
    if (r == -ENOENT) {
        e->what = SPLINTER_EVENT_UNSET;
        it->seen = 0;
        return EVENT;
    }
    e->epoch = it->seen = now.epoch;
    if (r && r != -EMSGSIZE) /* the get of the program says why */
        return EVENT;
    e->epoch = it->seen = stored.meta.epoch;
    e->value_size = stored.meta.value_size;
    e->type = stored.meta.type;
    e->revision = stored.meta.revision;
    e->flags = !r && buf ? SPLINTER_EVENT_VALUE : 0;
    return EVENT;
}

static enum found look_at_feed(struct watched *it, struct splinter_event *e, void *buf, size_t size,
                               struct watched_left *left)
{
    uint64_t again;
    enum feed_found r = feed_look(it->feed, e, buf, size, &left->seen, &again);
    /* A number that is missing may be missing for good: whoever died with it has told the change by
     * another one. */
    if (r == FEED_EVENT || !it->hole_ns)
        it->hole_ns = again > APART_NS ? again : APART_NS;
    else if (again && it->hole_ns < HOLE_MAX_NS)
        it->hole_ns *= 2;
    if (again)
        left->due = now_monotonic() + it->hole_ns;
    return r == FEED_EVENT ? EVENT : r == FEED_MORE ? MORE : r == FEED_NOTHING ? NOTHING
                                                                               : NO_MEMORY;
}

/* A walk takes the program's time, so the next one is a while later. */
static enum found look_at_prefix(struct watched *it, struct splinter_event *e, void *buf,
                                 size_t size, struct watched_left *left)
{
    uint64_t begin = now_monotonic();
    enum changed_found r = changed_next(it->keys, it->anyway, e, buf, size, &left->seen);
    uint64_t end = now_monotonic();
    it->walked += end - begin;
    if (r != CHANGED_NOTHING)
        return r == CHANGED_EVENT ? EVENT : r == CHANGED_MORE ? MORE : NO_MEMORY;
    left->not_before = end + (it->walked < PAUSE_MAX_NS / SHARE ? it->walked * SHARE
                                                                : PAUSE_MAX_NS);
    it->walked = 0;
    return NOTHING;
}

static enum found look(struct watched *it, struct splinter_event *e, void *buf, size_t size)
{
    struct watched_left left = {0};
    enum found r;
    if (it->kind == WATCHED_KEY)
        r = look_at_key(it, e, buf, size);
    else if (it->kind == WATCHED_FEED)
        r = look_at_feed(it, e, buf, size, &left);
    else
        r = look_at_prefix(it, e, buf, size, &left);
    if (it->kind == WATCHED_KEY)
        left.seen = it->seen;
    if (r == NOTHING)
        watcher_wait(it, &left);
    else
        watcher_ready(it);
    return r;
}

/* One look at each that is ready, for a call does not wait. */
static int next_event(struct splinter_watch *w, uint64_t *tag, struct splinter_event *e, void *buf,
                      size_t size)
{
    enum found r = NOTHING;
    struct watched *it;
    for (size_t looks = watcher_count(w); looks && (it = watcher_take(w)); looks--) {
        *tag = it->tag;
        r = look(it, e, buf, size);
        if (r == EVENT || r == NO_MEMORY)
            break;
    }
    bool more = watcher_back(w, r == EVENT);
    if (r == EVENT || r == NO_MEMORY)
        return r == EVENT ? 0 : -ENOMEM;
    return more || readable_is_ours(&w->readable) ? -EAGAIN : -EBADF;
}

int splinter_watch_next(splinter_watch *w, uint64_t *tag, struct splinter_event *event, void *buf,
                        size_t buf_size)
{
    not_cancelled();
    struct splinter_event e;
    uint64_t its;
    if (!w || !sized_may_give(event))
        return -EINVAL;
    if (w->generation != fork_now())
        return -ECANCELED;
    pthread_mutex_lock(&w->mutex);
    int r = next_event(w, &its, &e, buf, buf_size);
    pthread_mutex_unlock(&w->mutex);
    if (r)
        return r;
    if (tag)
        *tag = its;
    if (event)
        sized_give(event, &e, sizeof e);
    return 0;
}
