/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rings.c - the changes of a store, put together from the rings of all lanes
 *
 * feed.c has the writers' side.  A follower is at a number N: it has told of every change up to N,
 * or of a gap.  It keeps a place in each ring, looks at all of them for number N + 1, and goes on.
 * It is registered nowhere, and the one thing that it writes is header.skipped.
 *
 * Invariants
 *  - In each ring the line at `at` is the first one that has, or will get, a number above N; the
 *    line before it had the word `before` when it was found.  If that word has changed, the place
 *    has to be found again: the ring has gone round, or that change has got another number.
 *  - The body of a line counts only if feed_lane.over, read afterwards, is not above N.
 *  - N passes a number that is in no ring only after header.skipped was seen to be as high, and
 *    after one more look at every ring.  A read-only follower cannot raise it: it passes as well,
 *    but its position stays below that number, and it tells of that change if it comes late.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "atomic.h"
#include "clock.h"
#include "feed.h"
#include "fork.h"
#include "get.h"
#include "handle.h"
#include "key.h"
#include "reap.h"
#include "rings.h"

/* How long to wait for a number that a writer has taken and not yet stored.  A writer that runs
 * stores it within a microsecond; the wait is doubled each time that it was too short. */
#define PATIENCE_LEAST_NS UINT64_C(200000)
#define PATIENCE_MOST_NS UINT64_C(20000000)

/* ---- rings ---- */

static uint64_t word_at(const struct ring *r, uint32_t at)
{
    return load_acquire(&r->line[at].word); /* [<number] */
}

/* Read the list of lanes again, if it has changed.  0 or -ENOMEM. */
static int list_rings(struct follower *f)
{
    struct splinter_store *s = f->store;
    uint32_t known = load_seq_cst(&s->header->feed_rings);
    if (known == f->rings_known)
        return 0;
    uint32_t entries = load_acquire(&s->header->registry_used), have = 0;
    for (uint32_t e = 0; e < entries && e < MAX_ENTRIES; e++) {
        uint32_t lanes = load_acquire(&s->registry[e].feed_lanes);
        for (uint32_t l = 0; l < ENTRY_LANES; l++) {
            size_t place = (size_t)e * ENTRY_LANES + l;
            const struct feed_lane *lane = s->feed_lanes + place;
            if (!(lanes >> l & 1))
                continue;
            while (have < f->rings && f->ring[have].lane < lane)
                have++; /* no lane is taken from the list again, but for a program that lies */
            if (have < f->rings && f->ring[have].lane == lane) {
                have++;
                continue;
            }
            /* A child that another thread forks now finds the old list or the new one. */
            struct ring *less = f->ring, *more = malloc((f->rings + 1) * sizeof *more);
            if (!more)
                return -ENOMEM;
            if (have)
                memcpy(more, less, have * sizeof *more);
            if (have < f->rings)
                memcpy(more + have + 1, less + have, (f->rings - have) * sizeof *more);
            more[have++] = (struct ring){.lane = lane, .line = feed_ring(s, place)};
            store_release(&f->ring, more);
            f->rings++;
            free(less);
        }
    }
    f->rings_known = known;
    return 0;
}

/* The highest number that was overwritten; 0: what the lane says was never given out. */
static uint64_t over_of(const struct follower *f, const struct ring *r)
{
    uint64_t over = load_acquire(&r->lane->over);
    return over <= load_relaxed(&f->store->header->published) ? over : 0;
}

/* The first line of the change before the line `at`. */
static uint32_t line_before(const struct ring *r, uint32_t at, uint32_t mask)
{
    uint32_t b = (at - 1) & mask;
    for (uint32_t n = 0; n < mask && word_at(r, b) & FEED_IS_MORE; n++)
        b = (b - 1) & mask;
    return b;
}

/* The line after the change that begins here. */
static uint32_t line_after(const struct ring *r, uint32_t at, uint32_t mask)
{
    return (at + feed_lines(load_relaxed(&r->line[at].key_len))) & mask;
}

static void set_place(struct ring *r, uint32_t before_at, uint64_t before, uint32_t at)
{
    r->before_at = before_at;
    r->before = before;
    r->at = at;
    r->placed = true;
}

/* One attempt to find the place in a ring.  Writers go on meanwhile, so what was read at different
 * moments has to fit together.  NOTHING: it does not; CHANGE: the place is found. */
static enum look try_place(const struct follower *f, struct ring *r)
{
    uint32_t mask = f->store->geo.feed - 1, first = 0, last = 0;
    uint64_t first_word = UINT64_MAX, last_word = 0;
    for (uint32_t i = 0; i <= mask; i++) {
        uint64_t word = word_at(r, i), number = FEED_NUMBER(word);
        if (number > f->number && word < first_word) {
            first = i;
            first_word = word;
        }
        if (number && word > last_word) {
            last = i;
            last_word = word;
        }
    }
    if (first_word == UINT64_MAX) { /* none above N: the one after the last */
        uint32_t at = last_word ? line_after(r, last, mask) : 0;
        uint32_t before = last_word ? last : mask;
        uint64_t before_word = word_at(r, before);
        /* The length of a line is not that of its change if another one is being described. */
        fence_acquire(); /* [<over-written] */
        if (over_of(f, r) >= FEED_NUMBER(last_word) && last_word)
            return NOTHING;
        if ((last_word && before_word != last_word) || FEED_NUMBER(word_at(r, at)) > f->number)
            return NOTHING;
        set_place(r, before, before_word, at);
        return CHANGE;
    }
    uint32_t before = line_before(r, first, mask);
    uint64_t word = word_at(r, before);
    if (word_at(r, first) != first_word)
        return NOTHING;
    if (FEED_NUMBER(word) > f->number) {
        if (word < first_word) /* it came after the loop had passed it */
            return NOTHING;
        /* The newest line: all are above N.  Those that were here before may have been as well. */
        if (over_of(f, r) > f->number)
            return GAP;
    }
    set_place(r, before, word, first);
    return CHANGE;
}

/* A writer that is at work lets an attempt fail now and then.  If all do, then what is in the ring
 * was not written by this library: that is a gap, and then the ring is left alone. */
#define ATTEMPTS 1000
#define ATTEMPTS_BROKEN 10

/* The ring cannot be followed: a gap, once. */
static enum look give_up_ring(struct ring *r)
{
    bool was = r->broken;
    r->broken = true;
    return was ? NOTHING : GAP;
}

/* NOTHING: the ring is broken, as was told before. */
static enum look find_place(const struct follower *f, struct ring *r)
{
    int attempts = r->broken ? ATTEMPTS_BROKEN : ATTEMPTS;
    for (int i = 0; i < attempts; i++) {
        enum look found = try_place(f, r);
        if (found)
            return found;
        if (over_of(f, r) > f->number)
            return GAP;
    }
    return give_up_ring(r);
}

/* ---- a change ---- */

/* The change at the place.  Returns how many lines it has. */
static uint32_t read_line(const struct ring *r, uint32_t mask, uint64_t word,
                          struct splinter_event *e)
{
    const struct feed_line *line = &r->line[r->at];
    uint32_t key_len = load_relaxed(&line->key_len);
    *e = (struct splinter_event){.struct_size = sizeof *e,
                                 .number = FEED_NUMBER(word),
                                 .epoch = load_relaxed(&line->epoch),
                                 .what = load_relaxed(&line->what),
                                 .flags = word & FEED_IS_OLD ? SPLINTER_EVENT_SUPERSEDED : 0,
                                 .type = load_relaxed(&line->type),
                                 .revision = load_relaxed(&line->revision)};
    uint32_t len = key_len < FEED_KEY ? key_len : FEED_KEY;
    payload_copy(e->key, line->key, len);
    for (uint32_t i = 1; len < key_len; i++) {
        uint32_t rest = key_len - len < FEED_REST ? key_len - len : FEED_REST;
        const struct feed_line *more = &r->line[(r->at + i) & mask];
        payload_copy(e->key + len, (const char *)more + offsetof(struct feed_line, revision),
                     rest);
        len += rest;
    }
    e->key[len] = '\0';
    bool known = e->what >= SPLINTER_EVENT_SET && e->what <= SPLINTER_EVENT_OWNER_GONE;
    if (!known)
        e->what = SPLINTER_EVENT_SET;
    if (!known || memchr(e->key, '\0', len)) /* a key of a topic, which no program can name */
        e->key[0] = '\0';
    return feed_lines(key_len);
}

/* Is the change of a number that a read-only follower has passed the latest one of its key? */
static bool is_latest(struct splinter_store *s, const struct splinter_event *e)
{
    struct stored now;
    struct key key;
    int r = key_make(s, e->key, &key);
    if (!r)
        r = get_stored(s, &key, NULL, 0, &now);
    return e->what == SPLINTER_EVENT_SET ? !r && now.meta.epoch == e->epoch : r == -ENOENT;
}

/* Has a change been overwritten that the follower should have told of?  For one that has passed
 * numbers that may come late, these count as well. */
static bool is_lost(const struct follower *f, const struct ring *r)
{
    uint64_t over = over_of(f, r);
    return over > f->number || (f->hole && over >= f->hole && over > FEED_NUMBER(r->before));
}

/* The change at the place has the number of this word, which is N + 1, or late: go on behind it.
 * NOTHING: it is being overwritten. */
static enum look take(struct follower *f, struct ring *r, uint64_t word, struct splinter_event *e)
{
    uint32_t mask = f->store->geo.feed - 1, lines = read_line(r, mask, word, e);
    fence_acquire(); /* [<over-written] */
    if (is_lost(f, r))
        return GAP;
    if (over_of(f, r) >= e->number) {
        r->placed = false;
        return NOTHING;
    }
    set_place(r, r->at, word, (r->at + lines) & mask);
    return CHANGE;
}

/* Look for number N + 1 in a ring. */
static enum look look_at(struct follower *f, struct ring *r, struct splinter_event *e)
{
    int attempts = r->broken ? ATTEMPTS_BROKEN : ATTEMPTS;
    for (int i = 0; i < attempts; i++) {
        enum look place = r->placed ? CHANGE : find_place(f, r);
        if (place != CHANGE)
            return place;
        /* In this order: a change that comes late is told even if the ring then goes round. */
        bool moved = word_at(r, r->before_at) != r->before;
        uint64_t word = word_at(r, r->at), number = FEED_NUMBER(word);
        bool late = number > FEED_NUMBER(r->before) && number <= f->number;
        if (!late && moved) {
            r->placed = false;
        } else if (late || number == f->number + 1) {
            enum look found = take(f, r, word, e);
            if (found == GAP)
                return GAP;
            if (found == NOTHING)
                continue;
            if (!late) {
                r->broken = false;
                f->number++;
                return CHANGE;
            }
            if (!f->hole || number < f->hole)
                continue;
            if (number == f->hole_last && number == f->hole)
                f->hole = 0;
            if (!is_latest(f->store, e))
                e->flags |= SPLINTER_EVENT_SUPERSEDED;
            return CHANGE;
        } else if (number > f->number ||
                   over_of(f, r) <= FEED_NUMBER(r->before)) {
            r->broken = false;
            return is_lost(f, r) ? GAP : NOTHING;
        } else {
            r->placed = false;
        }
        if (is_lost(f, r))
            return GAP;
    }
    return give_up_ring(r); /* this library does not write such a ring */
}

static enum look look_at_all(struct follower *f, struct splinter_event *e)
{
    for (uint32_t i = 0; i < f->rings; i++) {
        enum look found = look_at(f, &f->ring[i], e);
        if (found)
            return found;
    }
    return NOTHING;
}

/* ---- a number that nobody has ---- */

/* At most in one call, as nothing that stands in the store is to hang it: what a pass costs, apart
 * from a look at each ring, and all of them. */
#define PASS_COST 100
#define PASSES_COST (10000 * PASS_COST)

/* A look at such a ring takes long. */
static bool any_broken(const struct follower *f)
{
    for (uint32_t i = 0; i < f->rings; i++)
        if (f->ring[i].broken)
            return true;
    return false;
}

/* Has another follower given up on it? */
static bool is_skipped(const struct follower *f)
{
    return load_seq_cst(&f->store->header->skipped) > f->number;
}

/* May the follower pass it, after one more look?  Not before it has waited for a while. */
static bool give_up(struct follower *f)
{
    struct splinter_store *s = f->store;
    if (is_skipped(f))
        return true;
    uint64_t now = now_monotonic();
    if (!f->waits_since)
        f->waits_since = now;
    if (now - f->waits_since < f->patience)
        return false;
    if (!s->read_only && !unattached(s))
        reap_all(s);
    if (!s->read_only)
        raise_u64(&s->header->skipped, f->number + 1);
    f->patience = f->patience * 2 < PATIENCE_MOST_NS ? f->patience * 2 : PATIENCE_MOST_NS;
    return true;
}

/* Pass it.  If `for_all`, the writer knows that it was given up. */
static void pass(struct follower *f, bool for_all)
{
    f->number++;
    f->waits_since = 0;
    if (for_all)
        return;
    if (!f->hole)
        f->hole = f->number;
    f->hole_last = f->number;
}

/* Read the list of lanes, and look at all rings.  An enum look, or -ENOMEM. */
static int look_again(struct follower *f, struct splinter_event *e)
{
    /* Before this the follower has read `skipped`: the writer has seen it as well, or this sees its
     * number. [=skipped] */
    fence_seq_cst();
    int r = list_rings(f);
    return r ? r : (int)look_at_all(f, e);
}

#define EXPECTED 4 /* rings: of more it is not worth it */

void follower_expect(const struct follower *f)
{
    for (uint32_t i = 0; i < f->rings && f->rings <= EXPECTED; i++) {
        const struct ring *r = &f->ring[i];
        __builtin_prefetch(&r->line[r->at]);
        __builtin_prefetch(r->lane);
    }
}

int follower_next(struct follower *f, struct splinter_event *e)
{
    struct header *h = f->store->header;
    for (uint32_t cost = 0; cost < PASSES_COST; cost += PASS_COST + f->rings) {
        bool for_all = f->hole && load_seq_cst(&h->skipped) >= f->hole_last;
        uint64_t published = load_seq_cst(&h->published);
        if (f->lost || f->number < load_acquire(&h->feed_base))
            return GAP;
        if (f->number >= published && !f->hole)
            return NOTHING;
        int found = look_again(f, e);
        if (!found && for_all) /* none of the numbers that it has passed comes any more */
            f->hole = 0;
        if (!found && f->number >= published)
            return NOTHING;
        if (!found) {
            if (!give_up(f))
                return HOLE;
            for_all = is_skipped(f);
            found = look_again(f, e);
        }
        if (found == CHANGE) {
            f->waits_since = 0;
            if (f->patience > PATIENCE_LEAST_NS)
                f->patience -= f->patience / 64;
        }
        if (found)
            return found;
        pass(f, for_all);
        if (any_broken(f))
            break;
    }
    return HOLE;
}

void follower_gap(struct follower *f, bool to_now)
{
    struct header *h = f->store->header;
    uint64_t to = load_acquire(&h->feed_base);
    for (uint32_t i = 0; i < f->rings; i++) {
        uint64_t over = over_of(f, &f->ring[i]);
        to = over > to ? over : to;
        f->ring[i].placed = false;
    }
    if (to_now)
        to = load_seq_cst(&h->published);
    if (to > f->number)
        f->number = to;
    f->hole = f->waits_since = 0;
    f->lost = false;
}

uint64_t follower_position(const struct follower *f)
{
    return f->hole ? f->hole - 1 : f->number;
}

void follower_begin(struct follower *f, struct splinter_store *s)
{
    *f = (struct follower){.store = s,
                           .number = load_seq_cst(&s->header->published),
                           .rings_known = UINT32_MAX,
                           .patience = PATIENCE_LEAST_NS};
}

void follower_end(struct follower *f)
{
    free(f->ring);
}
