/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow.c - feeds: the state of a store, its changes, and what was lost of them
 *
 * Invariants
 *  - A follower that has lost changes, because they were overwritten, says so first.
 *  - The state is walked after the number was read behind which the changes begin.  So a change
 *    that the walk does not meet comes after it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "follow.h"
#include "get.h"
#include "handle.h"
#include "hash.h"
#include "key.h"
#include "rings.h"
#include "sized.h"
#include "wait.h"
#include "walk.h"

struct splinter_feed {
    struct follower follower;
    bool state_first;
    bool walking;    /* telling of the state; the changes come after that */
    uint64_t tick;   /* of the last call that found nothing and did not wait */
    uint32_t home;   /* the home bucket of the key whose value was copied last */
    uint64_t cursor; /* of the walk */
    size_t prefix_len;
    char prefix[SPLINTER_KEY_MAX];
};

/* What a position calls the store: in the high half of the word itself, of which a snapshot has
 * another seed, and in the low half what a rebuild makes of it. */
static uint64_t identity_of(const struct splinter_store *s)
{
    static const char purpose[] = "position of a feed";
    uint64_t hash = XXH3_64bits_withSeed(purpose, sizeof purpose, s->geo.seed);
    return hash >> 32 << 32 | load_relaxed(&s->header->era);
}

static void tell_gap(struct splinter_feed *f, struct splinter_event *e)
{
    *e = (struct splinter_event){.struct_size = sizeof *e,
                                 .what = SPLINTER_EVENT_GAP,
                                 .first = f->follower.lost
                                              ? 0 : follower_position(&f->follower) + 1};
    follower_gap(&f->follower, f->state_first);
    e->number = f->follower.number;
    f->walking = f->state_first;
    f->cursor = 0;
}

/* ---- the state ---- */

/* The next key of the state, or its end. */
static void next_of_state(struct splinter_feed *f, struct splinter_event *e)
{
    struct splinter_meta m = {.struct_size = sizeof m};
    *e = (struct splinter_event){.struct_size = sizeof *e, .number = f->follower.number};
    if (splinter_store_walk(f->follower.store, f->prefix, &f->cursor, e->key, &m) == 1) {
        e->what = SPLINTER_EVENT_SET;
        e->flags = SPLINTER_EVENT_STATE;
        e->epoch = m.epoch;
        e->value_size = m.value_size;
        e->type = m.type;
        e->revision = m.revision;
        return;
    }
    e->what = SPLINTER_EVENT_READY;
    f->walking = false;
}

bool event_add_value(struct splinter_store *s, struct splinter_event *e, void *buf, size_t size,
                     uint32_t *home)
{
    struct stored now;
    struct key key;
    int r = key_make(s, e->key, &key);
    if (!r) {
        *home = key.home;
        r = get_stored(s, &key, buf, size, &now);
    }
    if (e->flags & SPLINTER_EVENT_STATE && (!r || r == -EMSGSIZE)) { /* the latest is as good */
        e->epoch = now.meta.epoch;
        e->type = now.meta.type;
        e->revision = now.meta.revision;
    }
    if ((!r || r == -EMSGSIZE) && now.meta.epoch == e->epoch) {
        e->value_size = now.meta.value_size;
        e->flags |= r ? 0 : SPLINTER_EVENT_VALUE;
    }
    return r != -ENOENT || !(e->flags & SPLINTER_EVENT_STATE);
}

/* ---- the calls ---- */

/* Does the user want to hear of this key? */
static bool is_wanted(const struct splinter_feed *f, const struct splinter_event *e)
{
    return *e->key && !strncmp(e->key, f->prefix, f->prefix_len);
}

#define UNWANTED 1000 /* changes, until the time is looked at */

/* One event, if there is one: CHANGE; else an enum look that is not GAP, or a negative errno. */
static int next_event(struct splinter_feed *f, struct splinter_event *e, void *buf, size_t size)
{
    for (int i = 0; i < UNWANTED; i++) {
        int r = CHANGE;
        if (f->walking)
            next_of_state(f, e);
        else
            r = follower_next(&f->follower, e);
        if (r == GAP) {
            tell_gap(f, e);
            return CHANGE;
        }
        if (r != CHANGE || e->what == SPLINTER_EVENT_READY)
            return r;
        if (is_wanted(f, e) && (!buf || e->what != SPLINTER_EVENT_SET ||
                                event_add_value(f->follower.store, e, buf, size, &f->home)))
            return CHANGE;
    }
    return MORE;
}

enum feed_found feed_look(struct splinter_feed *f, struct splinter_event *e, void *buf, size_t size,
                          uint64_t *number, uint64_t *again_ns)
{
    *number = load_seq_cst(&f->follower.store->header->published);
    int r = next_event(f, e, buf, size);
    /* A number that was passed may come late, and is not counted again then. */
    *again_ns = r == HOLE || f->follower.hole ? f->follower.patience : 0;
    return r == CHANGE ? FEED_EVENT : r == MORE ? FEED_MORE : r < 0 ? FEED_NO_MEMORY : FEED_NOTHING;
}

struct splinter_store *feed_store(const struct splinter_feed *f)
{
    return f->follower.store;
}

/* A wait, also one that does not wait, asks if there are writers that died and whose changes nobody
 * has told of.  For calls in a row, once a tick of the clock is enough. */
static bool is_same_tick(struct splinter_feed *f)
{
    uint64_t before = f->tick;
    f->tick = now_coarse();
    return f->tick == before;
}

/* There is a change: ask for the lines of memory that a look at it will need.  Often it is one of
 * the same key again. */
static void expect(const struct splinter_feed *f, const void *buf)
{
    follower_expect(&f->follower);
    if (buf)
        __builtin_prefetch(&f->follower.store->index[f->home]);
}

int splinter_feed_next(splinter_feed *f, struct splinter_event *event, void *buf, size_t buf_size,
                       uint64_t timeout_ms)
{
    if (!f || !event || !sized_may_give(event))
        return -EINVAL;
    struct splinter_store *s = f->follower.store;
    uint64_t end = timeout_ms ? now_and(timeout_ms) : 0;
    uint64_t first = load_seq_cst(&s->header->published);
    for (;;) {
        struct splinter_event e;
        uint64_t published = load_seq_cst(&s->header->published);
        if (published > f->follower.number)
            expect(f, buf);
        int r = next_event(f, &e, buf, buf_size);
        if (r == CHANGE) {
            sized_give(event, &e, sizeof e);
            return 0;
        }
        if (r < 0)
            return r;
        if (r == MORE && !wait_ended(s) && (f->walking || f->follower.number < first))
            continue; /* what was there when the call began is looked at in any case */
        if (r == NOTHING && !timeout_ms && !f->follower.hole && !wait_ended(s) &&
            is_same_tick(f))
            return -ETIMEDOUT;
        uint64_t now = now_monotonic(), left = now < end ? end - now : 0;
        /* A number that was passed may come late, and is not counted again then. */
        if ((r == HOLE || f->follower.hole) && left > f->follower.patience)
            left = f->follower.patience;
        bool more = r == MORE;
        r = wait_number(s, more ? 0 : published, left);
        if (!r && !more && load_seq_cst(&s->header->published) == published)
            wait_for_ends_told(s);
        if (!r && now >= end)
            r = -ETIMEDOUT;
        if (r && (r != -ETIMEDOUT || now >= end))
            return r;
    }
}

static int take_position(struct splinter_feed *f, const struct splinter_feed_position *from)
{
    struct splinter_store *s = f->follower.store;
    uint64_t published = load_seq_cst(&s->header->published);
    uint64_t mine = identity_of(s);
    if (from->store >> 32 != mine >> 32)
        return error_set(ESTALE, "the position is of another store, or of what this one is a "
                         "snapshot of");
    f->follower.lost = from->store != mine;
    if (f->follower.lost) {
        f->follower.number = 0;
        return 0;
    }
    if (from->number > published)
        return error_set(ERANGE, "the position is %llu, but the last change is %llu",
                         (unsigned long long)from->number, (unsigned long long)published);
    f->follower.number = from->number;
    return 0;
}

static int open_with(struct splinter_feed *f, const struct splinter_feed_options *o)
{
    if (o->flags & ~(SPLINTER_FEED_STATE | SPLINTER_FEED_FROM))
        return error_set(EINVAL, "unknown flags 0x%x", (unsigned)o->flags);
    if (o->reserved)
        return error_set(EINVAL, "reserved is not 0");
    f->prefix_len = o->prefix ? strlen(o->prefix) : 0;
    if (f->prefix_len >= sizeof f->prefix)
        return error_set(ENAMETOOLONG, "the prefix has %zu bytes, a key has at most %d",
                         f->prefix_len, SPLINTER_KEY_MAX - 1);
    memcpy(f->prefix, o->prefix ? o->prefix : "", f->prefix_len);
    f->state_first = o->flags & SPLINTER_FEED_STATE;
    if (o->flags & SPLINTER_FEED_FROM)
        return take_position(f, &o->from);
    f->walking = f->state_first;
    return 0;
}

int splinter_feed_open(splinter_feed **out, splinter_store *s,
                       const struct splinter_feed_options *options)
{
    not_cancelled();
    error_clear();
    if (!out || !s)
        return error_set(EINVAL, out ? "no store was given" : "no place for the feed was given");
    *out = NULL;
    struct splinter_feed_options o = {.struct_size = sizeof o};
    int r = options ? sized_take(&o, sizeof o, options) : 0;
    if (r)
        return error_set(-r, "struct_size is %zu, or the options ask for something that this "
                         "library does not know", sized_bytes(options));
    if (!s->has_feed)
        return error_set(EOPNOTSUPP, "the store was made without a feed");
    struct splinter_feed *f = calloc(1, sizeof *f);
    if (!f)
        return error_set(ENOMEM, "no memory for a follower");
    follower_begin(&f->follower, s);
    r = open_with(f, &o);
    if (r)
        free(f);
    else
        *out = f;
    return r;
}

int splinter_feed_position(const splinter_feed *f, struct splinter_feed_position *position)
{
    if (!f || !position)
        return -EINVAL;
    /* Who has not had all of the state begins again: with all changes there ever were, or a gap. */
    uint64_t number = f->walking ? 0 : follower_position(&f->follower);
    *position = (struct splinter_feed_position){identity_of(f->follower.store), number};
    return 0;
}

void splinter_feed_close(splinter_feed *f)
{
    if (!f)
        return;
    follower_end(&f->follower);
    free(f);
}
