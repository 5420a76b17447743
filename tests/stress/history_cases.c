/* SPDX-License-Identifier: Apache-2.0 */
/* history_cases.c - history_judge() judges rightly: histories made by hand, and by chance */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "history.h"
#include "support.h"
#include "tap.h"

#define CALLS 8 /* of a history */

struct line {
    unsigned process; /* from 1; 0: there is no more */
    struct call call;
};

struct made {
    const char *what;
    enum verdict verdict;
    struct line line[CALLS];
};

#define CALL(p, from, to, what, ...) {p, {.begin = from, .end = to, .act = what, __VA_ARGS__}}
#define SETS(p, from, to, v, e) CALL(p, from, to, ACT_SET, .value = v, .epoch = e)
#define DIES(p, from, v) CALL(p, from, ACT_NEVER, ACT_SET, .value = v)
#define GETS(p, from, to, v, e) CALL(p, from, to, ACT_GET, .value = v, .epoch = e)
#define MISSES(p, from, to) CALL(p, from, to, ACT_GET, .result = -ENOENT)
#define NEW(p, from, to, v, e) CALL(p, from, to, ACT_SET_IF_ABSENT, .value = v, .epoch = e)
#define EXISTS(p, from, to) CALL(p, from, to, ACT_SET_IF_ABSENT, .result = -EEXIST)
#define SWAPS(p, from, to, was, v, e) \
    CALL(p, from, to, ACT_SET_IF_EPOCH, .if_epoch = was, .value = v, .epoch = e)
#define STALE(p, from, to, was) \
    CALL(p, from, to, ACT_SET_IF_EPOCH, .if_epoch = was, .result = -ESTALE)
#define UNSETS(p, from, to) CALL(p, from, to, ACT_UNSET, .if_epoch = 0)
#define ADDS(p, from, to, d, sum) CALL(p, from, to, ACT_ADD, .delta = d, .value = sum)
#define TOUCHES(p, from, to, e) CALL(p, from, to, ACT_TOUCH, .epoch = e)

/* Each call is (process, begin, end, ...). */
static const struct made made[] = {
    {"one after another", LINEARIZABLE,
     {MISSES(1, 1, 2), SETS(1, 3, 4, 7, 1), GETS(2, 5, 6, 7, 1), UNSETS(1, 7, 8),
      MISSES(2, 9, 10)}},
    {"a get during a set returns the old value", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 6, 8, 3), GETS(2, 4, 5, 7, 1)}},
    {"a get during a set returns the new value", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 6, 8, 3), GETS(2, 4, 5, 8, 3)}},
    {"two gets during a set: the old value, then the new one", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 9, 8, 3), GETS(2, 4, 5, 7, 1), GETS(3, 6, 7, 8, 3)}},
    {"two gets during a set: the new value, then the old one", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 9, 8, 3), GETS(2, 4, 5, 8, 3), GETS(3, 6, 7, 7, 1)}},
    {"a get returns what was replaced before it began", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 4, 8, 3), GETS(2, 5, 6, 7, 1)}},
    {"a get returns what was replaced before it began, without an epoch", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 0), SETS(1, 3, 4, 8, 0), GETS(2, 5, 6, 7, 0)}},
    {"a get returns what is set only later", NOT_LINEARIZABLE,
     {GETS(2, 1, 2, 7, 1), SETS(1, 3, 4, 7, 1)}},
    {"a get returns what nobody set", NOT_LINEARIZABLE, {SETS(1, 1, 2, 7, 1), GETS(2, 3, 4, 9, 1)}},
    {"a get returns another epoch", NOT_LINEARIZABLE, {SETS(1, 1, 2, 7, 1), GETS(2, 3, 4, 7, 3)}},
    {"a get misses a key that is there", NOT_LINEARIZABLE, {SETS(1, 1, 2, 7, 1), MISSES(2, 3, 4)}},
    {"a get misses a key that comes", LINEARIZABLE, {SETS(1, 1, 4, 7, 1), MISSES(2, 2, 3)}},
    {"the later set has the lower epoch", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 5), SETS(2, 3, 4, 8, 3)}},
    {"the set with the lower epoch began later", LINEARIZABLE,
     {SETS(1, 1, 4, 7, 5), SETS(2, 2, 3, 8, 3), GETS(3, 5, 6, 7, 5)}},
    {"two sets at once, and the one with the lower epoch stays", NOT_LINEARIZABLE,
     {SETS(1, 1, 4, 7, 5), SETS(2, 2, 3, 8, 3), GETS(3, 5, 6, 8, 3)}},
    {"two sets at once whose order three gets tell", LINEARIZABLE,
     {SETS(1, 1, 8, 7, 0), SETS(2, 1, 8, 8, 0), GETS(3, 2, 3, 8, 0), GETS(3, 4, 5, 7, 0),
      GETS(3, 9, 10, 7, 0)}},
    {"two sets at once of which three gets tell two orders", NOT_LINEARIZABLE,
     {SETS(1, 1, 8, 7, 0), SETS(2, 1, 8, 8, 0), GETS(3, 2, 3, 8, 0), GETS(3, 4, 5, 7, 0),
      GETS(3, 9, 10, 8, 0)}},
    {"two sets of an absent key at once", LINEARIZABLE,
     {NEW(1, 1, 4, 7, 1), EXISTS(2, 2, 3), GETS(2, 5, 6, 7, 1)}},
    {"an absent key is set twice", NOT_LINEARIZABLE, {NEW(1, 1, 4, 7, 1), NEW(2, 2, 3, 8, 3)}},
    {"an absent key is set, unset and set", LINEARIZABLE,
     {NEW(1, 1, 4, 7, 1), NEW(2, 2, 6, 8, 3), UNSETS(3, 3, 5)}},
    {"a key that is absent exists", NOT_LINEARIZABLE, {EXISTS(1, 1, 2), NEW(2, 3, 4, 7, 1)}},
    {"a key is unset once by two", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), UNSETS(1, 3, 6), UNSETS(2, 4, 5)}},
    {"a set if the epoch is current", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SWAPS(2, 3, 4, 1, 8, 3), STALE(3, 5, 6, 1), GETS(1, 7, 8, 8, 3)}},
    {"a set although the epoch is not current", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SETS(1, 3, 4, 8, 3), SWAPS(2, 5, 6, 1, 9, 5)}},
    {"two sets if one epoch is current", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), SWAPS(1, 3, 6, 1, 8, 3), SWAPS(2, 4, 5, 1, 9, 5)}},
    {"the current epoch is refused", NOT_LINEARIZABLE, {SETS(1, 1, 2, 7, 1), STALE(2, 3, 4, 1)}},
    {"a touch changes the epoch", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), TOUCHES(2, 3, 4, 3), STALE(1, 5, 6, 1), GETS(1, 7, 8, 7, 3)}},
    {"a touch does not change the epoch", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), TOUCHES(2, 3, 4, 3), SWAPS(1, 5, 6, 1, 8, 5)}},
    {"two adds at once", LINEARIZABLE,
     {ADDS(1, 1, 4, 2, 7), ADDS(2, 2, 3, 5, 5), GETS(1, 5, 6, 7, 3)}},
    {"two adds at once of which one is lost", NOT_LINEARIZABLE,
     {ADDS(1, 1, 4, 2, 2), ADDS(2, 2, 3, 5, 5)}},
    {"a set whose process died, and which was made", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), DIES(2, 3, 8), GETS(1, 4, 5, 7, 1), GETS(1, 6, 7, 8, 3)}},
    {"a set whose process died, and which was not made", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), DIES(2, 3, 8), GETS(1, 4, 5, 7, 1), SETS(1, 6, 7, 9, 3),
      GETS(1, 8, 9, 9, 3)}},
    {"a set whose process died, and which comes and goes", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), DIES(2, 3, 8), GETS(1, 4, 5, 8, 3), GETS(1, 6, 7, 7, 1)}},
    {"a set whose process died, seen before it began", NOT_LINEARIZABLE,
     {GETS(1, 1, 2, 8, 1), DIES(2, 3, 8)}},
    {"an unset whose process died", LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), CALL(2, 3, ACT_NEVER, ACT_UNSET, .if_epoch = 1), GETS(1, 4, 5, 7, 1),
      MISSES(1, 6, 7)}},
    {"an unset if an epoch that is not current, whose process died", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 3), CALL(2, 3, ACT_NEVER, ACT_UNSET, .if_epoch = 1), MISSES(1, 6, 7)}},
    {"an add whose process died", LINEARIZABLE,
     {ADDS(1, 1, 2, 7, 7), CALL(2, 3, ACT_NEVER, ACT_ADD, .delta = 5), ADDS(1, 4, 5, 1, 8),
      ADDS(1, 6, 7, 1, 14)}},
    {"a revision too many", NOT_LINEARIZABLE,
     {SETS(1, 1, 2, 7, 1), CALL(1, 3, 4, ACT_GET, .value = 7, .epoch = 1, .revision = 2)}},
};

/* Calls of one process stand in the order in which it made them. */
static void history_of(struct history *h, const struct line *lines,
                       struct call calls[CALLS + 1][CALLS])
{
    memset(h, 0, sizeof(*h));
    h->processes = CALLS;
    for (unsigned i = 0; i < CALLS && lines[i].process; i++) {
        unsigned p = lines[i].process;

        calls[p][h->of[p].count++] = lines[i].call;
        h->of[p].calls = calls[p];
    }
}

static bool is_judged(const struct made *m)
{
    static struct call calls[CALLS + 1][CALLS];
    struct history h;
    enum verdict verdict;

    history_of(&h, m->line, calls);
    verdict = history_judge(&h, false);
    if (verdict != m->verdict)
        printf("# %s: verdict %d, not %d\n", m->what, verdict, m->verdict);
    return verdict == m->verdict;
}

/* ---- by chance ---- */

/* Every order, and nothing clever. */
static bool has_order(const struct line *lines, unsigned used, struct state state)
{
    bool all = true;

    for (unsigned i = 0; i < CALLS && lines[i].process; i++) {
        struct state after = state;
        bool first = true;

        if (used >> i & 1)
            continue;
        all &= lines[i].call.end == ACT_NEVER;
        for (unsigned j = 0; j < CALLS && lines[j].process; j++)
            first &= used >> j & 1 || lines[j].call.end >= lines[i].call.begin;
        if (first && history_step(&lines[i].call, &after) &&
            has_order(lines, used | 1u << i, after))
            return true;
    }
    return all;
}

/* What the call would return in that state. */
static void answer(struct call *c, struct state *state)
{
    bool current = state->there && c->if_epoch == state->epoch;

    c->result = 0;
    if (c->act == ACT_GET || c->act == ACT_UNSET || c->act == ACT_TOUCH ||
        c->act == ACT_SET_IF_EPOCH)
        c->result = state->there ? 0 : -ENOENT;
    if (c->act == ACT_SET_IF_ABSENT && state->there)
        c->result = -EEXIST;
    if (c->if_epoch && state->there && !current)
        c->result = -ESTALE;
    if (c->act == ACT_GET) {
        c->value = state->value;
        c->epoch = state->epoch;
    }
    if (c->act == ACT_ADD)
        c->value = (state->there ? state->value : 0) + c->delta;
    history_step(c, state);
}

/* Calls of three processes that return what they might, more or less. */
static void random_lines(struct line *lines, unsigned count, uint64_t *seed)
{
    static const int errors[] = {0, 0, -ENOENT, -EEXIST, -ESTALE};
    uint64_t at[3] = {1, 1, 1};
    bool dead[3] = {false};
    struct state state = {0};

    memset(lines, 0, CALLS * sizeof(*lines));
    for (unsigned i = 0; i < count; i++) {
        uint64_t r = random_next(seed) >> 8;
        unsigned p = (unsigned)(r % 3);
        struct call *c = &lines[i].call;

        while (dead[p])
            p = (p + 1) % 3;
        lines[i].process = p + 1;
        c->begin = at[p] + (r >> 2) % 3;
        c->end = c->begin + (r >> 4) % 6;
        at[p] = c->end + 1;
        if ((r >> 8) % 16 == 0 && !dead[(p + 1) % 3] && !dead[(p + 2) % 3]) {
            c->end = ACT_NEVER;
            dead[p] = true;
        }
        c->act = (uint32_t)((r >> 12) % 7);
        c->result = c->end == ACT_NEVER ? 0 : errors[(r >> 16) % 5];
        c->value = 1 + (r >> 20) % 3;
        c->delta = c->act == ACT_ADD ? 1 : 0;
        if (c->act == ACT_SET_IF_EPOCH || (c->act == ACT_UNSET && (r >> 24) % 2))
            c->if_epoch = 1 + (r >> 26) % 6;
        if (c->end != ACT_NEVER && !c->result && c->act != ACT_ADD && c->act != ACT_UNSET &&
            (r >> 30) % 2)
            c->epoch = c->act == ACT_GET ? 1 + (r >> 32) % 6 : i + 1;
        if (c->end != ACT_NEVER && (r >> 36) % 8)
            answer(c, &state);
    }
}

/* The search is right where every order can be tried. */
static bool random_is_judged(unsigned rounds)
{
    static struct call calls[CALLS + 1][CALLS];
    uint64_t seed = support_seed;
    unsigned linearizable = 0;

    for (unsigned n = 0; n < rounds; n++) {
        struct line lines[CALLS];
        struct history h;
        bool want;

        random_lines(lines, 2 + n % (CALLS - 2), &seed);
        want = has_order(lines, 0, (struct state){0});
        linearizable += want;
        history_of(&h, lines, calls);
        if ((history_judge(&h, false) == LINEARIZABLE) != want) {
            printf("# round %u: a history %s an order, and the search disagrees:\n", n,
                   want ? "has" : "does not have");
            history_judge(&h, true);
            return false;
        }
    }
    printf("# %u of %u random histories are linearizable\n", linearizable, rounds);
    return linearizable > rounds / 100;
}

void history_cases(void)
{
    bool good[2] = {true, true};

    for (unsigned i = 0; i < sizeof(made) / sizeof(*made); i++)
        if (!is_judged(&made[i]))
            good[made[i].verdict == LINEARIZABLE] = false;
    report(good[1], "histories that are linearizable are judged so");
    report(good[0], "histories that are not linearizable are judged so");
    report(random_is_judged(repeated(20000)),
           "random histories are judged as by trying every order");
}
