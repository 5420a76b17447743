/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.c - is there an order that explains a history?  See history.h
 *
 * A process makes one call after another, so what has been put in order is, of each process, its
 * first so many calls.  These numbers and the state are a node of the search.
 *
 * What makes the search short
 *  - A call that leaves the state as it is, and could come next, does come next: in any order that
 *    has it later it can be moved here.
 *  - Of the changes that told their epoch, the one with the lowest is next.
 *  - A node is left for good when no order goes on from it.
 */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define NODES_MAX 200000
#define SHOWN 12

/* ---- what a call does ---- */

/* The value has this epoch, if it was told. */
static bool epoch_is(struct state *s, uint64_t epoch)
{
    if (!epoch)
        return true;
    if (s->epoch ? s->epoch != epoch : epoch <= s->after)
        return false;
    s->epoch = s->after = epoch;
    return true;
}

static bool set_to(const struct call *c, struct state *s, uint64_t value)
{
    if (c->epoch && c->epoch <= s->after)
        return false;
    if (c->epoch)
        s->after = c->epoch;
    s->revision = s->there ? s->revision + 1 : 1;
    s->there = true;
    s->value = value;
    s->epoch = c->epoch;
    return true;
}

static bool fails_rightly(const struct call *c, const struct state *s)
{
    switch (c->result) {
    case -ENOENT:
        return !s->there && c->act != ACT_SET && c->act != ACT_SET_IF_ABSENT && c->act != ACT_ADD;
    case -EEXIST:
        return s->there && c->act == ACT_SET_IF_ABSENT;
    case -ESTALE:
        return s->there && (c->act == ACT_SET_IF_EPOCH || c->if_epoch) &&
               (!s->epoch || s->epoch != c->if_epoch);
    default:
        return false;
    }
}

bool history_step(const struct call *c, struct state *s)
{
    bool died = c->end == ACT_NEVER;
    uint64_t sum = (s->there ? s->value : 0) + c->delta;

    if (!died && c->result)
        return fails_rightly(c, s);
    switch (c->act) {
    case ACT_GET:
        return s->there && s->value == c->value && epoch_is(s, c->epoch) &&
               (!c->revision || s->revision == c->revision);
    case ACT_SET:
        return set_to(c, s, c->value);
    case ACT_SET_IF_ABSENT:
        return !s->there && set_to(c, s, c->value);
    case ACT_SET_IF_EPOCH:
        return s->there && c->if_epoch && epoch_is(s, c->if_epoch) && set_to(c, s, c->value);
    case ACT_TOUCH:
        return s->there && set_to(c, s, s->value);
    case ACT_ADD:
        return (died || sum == c->value) && set_to(c, s, sum);
    case ACT_UNSET:
        if (!s->there || !epoch_is(s, c->if_epoch))
            return false;
        *s = (struct state){.after = s->after};
        return true;
    }
    return false;
}

/* ---- the search ---- */

/* Without padding, and all of it is set, so that nodes can be compared as bytes. */
struct node {
    uint32_t done[HISTORY_PROCESSES];
    uint64_t value, epoch, after, there_revision;
};

/* One call of the order, and where the search is if it has to be taken back. */
struct move {
    struct state before;
    uint32_t process, next;
};

struct search {
    const struct history *history;
    uint32_t done[HISTORY_PROCESSES]; /* how many of its calls are in the order */
    uint64_t *lowest[HISTORY_PROCESSES]; /* epoch told by a change from the nth call on */
    struct state state;
    struct move *order;
    unsigned length, longest;
    struct node *nodes; /* a hash table; of a free place there_revision is 0 */
    unsigned count, places;
    uint32_t longest_done[HISTORY_PROCESSES];
    struct state longest_state;
    uint32_t last[SHOWN]; /* processes of the last calls of the longest order */
};

static void *memory(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);

    if (!p)
        die("no memory for a history");
    return p;
}

static bool tells_change(const struct call *c)
{
    return c->act != ACT_GET && c->end != ACT_NEVER && !c->result && c->epoch;
}

static void search_begin(struct search *s, const struct history *history)
{
    unsigned total = 0;

    memset(s, 0, sizeof(*s));
    s->history = history;
    for (unsigned p = 0; p < history->processes; p++) {
        unsigned n = history->of[p].count;

        total += n;
        s->lowest[p] = memory(n + 1, sizeof(uint64_t));
        for (s->lowest[p][n] = UINT64_MAX; n; n--) {
            const struct call *c = &history->of[p].calls[n - 1];
            uint64_t low = s->lowest[p][n];

            s->lowest[p][n - 1] = tells_change(c) && c->epoch < low ? c->epoch : low;
        }
    }
    s->order = memory(total, sizeof(*s->order));
    s->places = 1024;
    s->nodes = memory(s->places, sizeof(*s->nodes));
}

static void search_end(struct search *s)
{
    for (unsigned p = 0; p < s->history->processes; p++)
        free(s->lowest[p]);
    free(s->order);
    free(s->nodes);
}

/* The next call of a process, or NULL. */
static const struct call *next_of(const struct search *s, unsigned p, const uint32_t *done)
{
    return done[p] < s->history->of[p].count ? &s->history->of[p].calls[done[p]] : NULL;
}

/* When the first call ends that is not in the order.  One that begins later cannot come before. */
static uint64_t first_end(const struct search *s, const uint32_t *done)
{
    uint64_t first = ACT_NEVER;

    for (unsigned p = 0; p < s->history->processes; p++) {
        const struct call *c = next_of(s, p, done);

        first = c && c->end < first ? c->end : first;
    }
    return first;
}

static uint64_t lowest_epoch(const struct search *s)
{
    uint64_t lowest = UINT64_MAX;

    for (unsigned p = 0; p < s->history->processes; p++)
        if (s->lowest[p][s->done[p]] < lowest)
            lowest = s->lowest[p][s->done[p]];
    return lowest;
}

static struct node *place_of(const struct search *s, const struct node *node)
{
    uint64_t at = fnv1a(node, sizeof(*node));

    for (;; at++) {
        struct node *place = &s->nodes[at & (s->places - 1)];

        if (!place->there_revision || !memcmp(place, node, sizeof(*node)))
            return place;
    }
}

static void grow(struct search *s)
{
    struct node *old = s->nodes;
    unsigned places = s->places;

    s->places *= 2;
    s->nodes = memory(s->places, sizeof(*s->nodes));
    for (unsigned i = 0; i < places; i++)
        if (old[i].there_revision)
            *place_of(s, &old[i]) = old[i];
    free(old);
}

/* Has the search been where it is now?  It has from now on. */
static bool been_here(struct search *s)
{
    struct node node = {.value = s->state.value, .epoch = s->state.epoch,
                        .after = s->state.after,
                        .there_revision = 1 | (uint64_t)s->state.there << 1 |
                                          (uint64_t)s->state.revision << 2};
    struct node *place;

    memcpy(node.done, s->done, sizeof(node.done));
    place = place_of(s, &node);
    if (place->there_revision)
        return true;
    *place = node;
    if (++s->count * 2 > s->places)
        grow(s);
    return false;
}

static bool same_state(const struct state *a, const struct state *b)
{
    return a->there == b->there && a->revision == b->revision && a->value == b->value &&
           a->epoch == b->epoch && a->after == b->after;
}

static void take_back(struct search *s)
{
    const struct move *m = &s->order[--s->length];

    s->done[m->process]--;
    s->state = m->before;
}

/* Put the next call of a process into the order; `next` is where the search goes on if that leads
 * to nothing. */
static bool put(struct search *s, unsigned p, const struct state *after, uint32_t next)
{
    s->order[s->length++] = (struct move){s->state, p, next};
    s->done[p]++;
    s->state = *after;
    if (been_here(s)) {
        take_back(s);
        return false;
    }
    if (s->length > s->longest) {
        s->longest = s->length;
        s->longest_state = s->state;
        memcpy(s->longest_done, s->done, sizeof(s->done));
        for (unsigned i = 0; i < SHOWN && i < s->length; i++)
            s->last[i] = s->order[s->length - 1 - i].process;
    }
    return true;
}

#define NOTHING_LEFT (2 * HISTORY_PROCESSES)

/* Put the first call, from number `next` on, that can come now.  First come those that ended, then
 * those in which a process died. */
static bool put_next(struct search *s, uint32_t next)
{
    uint64_t end = first_end(s, s->done), lowest = lowest_epoch(s);

    for (unsigned p = 0; !next && p < s->history->processes; p++) {
        const struct call *c = next_of(s, p, s->done);
        struct state after = s->state;

        if (c && c->end != ACT_NEVER && c->begin <= end && history_step(c, &after) &&
            same_state(&after, &s->state))
            return put(s, p, &after, NOTHING_LEFT);
    }
    for (; next < NOTHING_LEFT; next++) {
        unsigned p = next % HISTORY_PROCESSES;
        const struct call *c = p < s->history->processes ? next_of(s, p, s->done) : NULL;
        struct state after = s->state;

        if (c && (c->end == ACT_NEVER) == (next >= HISTORY_PROCESSES) && c->begin <= end &&
            !(tells_change(c) && c->epoch > lowest) && history_step(c, &after) &&
            put(s, p, &after, next + 1))
            return true;
    }
    return false;
}

static bool all_in_order(const struct search *s)
{
    return first_end(s, s->done) == ACT_NEVER;
}

static enum verdict look_for_order(struct search *s)
{
    uint32_t next = 0;

    while (!all_in_order(s)) {
        if (s->count > NODES_MAX)
            return UNDECIDED;
        if (put_next(s, next)) {
            next = 0;
        } else {
            if (!s->length)
                return NOT_LINEARIZABLE;
            take_back(s);
            next = s->order[s->length].next;
        }
    }
    return LINEARIZABLE;
}

/* ---- what is said of it ---- */

static void print_call(const char *what, unsigned process, const struct call *c)
{
    static const char *const names[] = {"get",   "set", "set if absent", "set if epoch",
                                        "unset", "add", "touch"};

    printf("#   %s process %u, %" PRIu64 " to ", what, process, c->begin);
    if (c->end == ACT_NEVER)
        printf("its death: ");
    else
        printf("%" PRIu64 ": ", c->end);
    printf("%s, value %" PRIx64 ", delta %" PRId64 ", if_epoch %" PRIu64 " = %d, epoch %" PRIu64
           ", revision %u\n",
           names[c->act], c->value, (int64_t)c->delta, c->if_epoch, (int)c->result, c->epoch,
           (unsigned)c->revision);
}

/* The longest order that was found, its end; and the calls of which one has to come next. */
static void print_longest(const struct search *s)
{
    const struct history *h = s->history;
    const struct state *state = &s->longest_state;
    uint32_t done[HISTORY_PROCESSES];
    uint64_t end = first_end(s, s->longest_done);

    memcpy(done, s->longest_done, sizeof(done));
    for (unsigned i = 0; i < SHOWN && i < s->longest; i++)
        done[s->last[i]]--;
    for (unsigned i = s->longest < SHOWN ? s->longest : SHOWN; i; i--) {
        unsigned p = s->last[i - 1];

        print_call("then", p, &h->of[p].calls[done[p]++]);
    }
    printf("#   after %u calls: %s, value %" PRIx64 ", epoch %" PRIu64 ", revision %u\n",
           s->longest, state->there ? "there" : "absent", state->value, state->epoch,
           (unsigned)state->revision);
    for (unsigned p = 0; p < h->processes; p++) {
        const struct call *c = next_of(s, p, s->longest_done);

        if (c && c->begin <= end)
            print_call("next?", p, c);
    }
}

enum verdict history_judge(const struct history *history, bool explain)
{
    struct search s;
    enum verdict verdict;

    search_begin(&s, history);
    verdict = look_for_order(&s);
    if (explain && verdict != LINEARIZABLE)
        print_longest(&s);
    search_end(&s);
    return verdict;
}
