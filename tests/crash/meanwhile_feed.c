/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meanwhile_feed.c - a follower whose rings change under it, and writers that stop or die
 *
 * Whatever happens, each change that a writer has made is told, or part of a gap, and what was told
 * last of each key is what the store has.  Who begins where a follower was is told the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "feed.h"
#include "meanwhile.h"
#include "support.h"

#define FEED 64
#define MADE 4096
#define EPOCHS 8192 /* more than a round takes */

/* ---- changes ---- */

static uint64_t made[MADE]; /* epochs of the sets that returned 0 */
static unsigned made_count;

static void set(splinter_store *s, const char *key)
{
    uint64_t epoch = 0;
    int rc = splinter_store_set(s, key, "value", 5, NULL, &epoch);

    expect(!rc, "a set: %s", strerror(-rc));
    if (!rc && made_count < MADE)
        made[made_count++] = epoch;
}

static void set_many(splinter_store *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        set(s, i % 2 ? "even" : "odd");
}

static void one_more(void)
{
    set(other, "one");
}

static void half_a_ring(void)
{
    set_many(other, FEED / 2);
}

static void just_short_of_a_ring(void)
{
    set_many(other, FEED - 3);
}

static void a_whole_ring(void)
{
    set_many(other, FEED + 3);
}

static void two_rings(void)
{
    set_many(other, FEED);
    set_many(third, 2 * FEED + 1);
}

static void long_keys(void)
{
    char key[SPLINTER_KEY_MAX];

    memset(key, 'k', sizeof(key));
    for (unsigned i = 0; i < 9; i++) {
        key[20 + 23 * i] = '\0';
        set(other, key);
        key[20 + 23 * i] = 'k';
    }
}

static void a_new_writer(void)
{
    splinter_store *s = another(0);

    set(s, "new");
    set(other, "one");
    splinter_store_close(s);
}

static void a_removal(void)
{
    int rc = splinter_store_unset(other, "one", 0, NULL);

    expect(!rc || rc == -ENOENT, "an unset: %s", strerror(-rc));
    set(other, "one");
    rc = splinter_store_unset(other, "one", 0, NULL);
    expect(!rc, "an unset: %s", strerror(-rc));
}

/* ---- followers ---- */

struct tale {
    splinter_store *store;
    splinter_feed *feed;
    struct account account;
    uint8_t told[EPOCHS]; /* the change of this epoch */
    unsigned passed;      /* as many changes of `made` were told, or part of a gap */
};

static splinter_feed *follow_from(splinter_store *s, struct splinter_feed_position at)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o)};
    splinter_feed *feed = NULL;

    o.flags = SPLINTER_FEED_STATE | SPLINTER_FEED_FROM;
    o.from = at;
    must(splinter_feed_open(&feed, s, &o), "a feed");
    return feed;
}

/* From the first change that there was. */
static struct tale *tale_begin(uint32_t flags)
{
    struct splinter_feed_position at = {0};
    struct tale *t = calloc(1, sizeof(*t));

    if (!t)
        die("calloc");
    t->store = another(flags);
    must(splinter_feed_open(&t->feed, t->store, NULL), "a feed");
    must(splinter_feed_position(t->feed, &at), "position");
    splinter_feed_close(t->feed);
    at.number = 0;
    t->feed = follow_from(t->store, at);
    return t;
}

/* The same follower once more, which begins where this one is. */
static struct tale *tale_again(const struct tale *from)
{
    struct splinter_feed_position at = {0};
    struct tale *t = malloc(sizeof(*t));

    if (!t)
        die("malloc");
    memcpy(t, from, sizeof(*t));
    must(splinter_feed_position(from->feed, &at), "position");
    t->store = another(SPLINTER_RDONLY);
    t->feed = follow_from(t->store, at);
    return t;
}

static void note(struct tale *t, const struct splinter_event *e)
{
    account_add(&t->account, e);
    if (e->what == SPLINTER_EVENT_GAP)
        t->passed = made_count;
    else if (e->epoch < EPOCHS)
        t->told[e->epoch] = 1;
}

static bool next(struct tale *t, uint64_t timeout_ms)
{
    struct splinter_event e = {.struct_size = sizeof(e)};
    int rc = splinter_feed_next(t->feed, &e, NULL, 0, timeout_ms);

    expect(!rc || rc == -ETIMEDOUT, "next: %s", strerror(-rc));
    if (!rc)
        note(t, &e);
    return !rc;
}

static void go_on(struct tale *t)
{
    unsigned events = 0;

    while (next(t, 100))
        if (++events > MADE)
            break;
    expect(events <= MADE, "it does not come to an end");
}

/* The store is quiet, and its followers have gone on. */
static void tale_end(struct tale *t, const char *who)
{
    unsigned untold = 0;

    go_on(t);
    for (unsigned i = t->passed; i < made_count; i++)
        untold += made[i] >= EPOCHS || !t->told[made[i]];
    expect(!untold, "%s was not told of %u changes of %u", who, untold, made_count);
    expect(!account_differs(&t->account, t->store), "%s was told something else", who);
    splinter_feed_close(t->feed);
    splinter_store_close(t->store);
    free(t);
}

/* ---- at each load of a follower ---- */

static void (*what)(void);
static uint32_t how; /* it may write, or SPLINTER_RDONLY */
static unsigned had; /* events that it has had before */

/* [P10] */
static void during_next(uint64_t n)
{
    struct tale *t;

    made_count = 0;
    round_begin(BACKING_MEMFD, 64, 100, FEED);
    set(other, "one");
    set(third, "two");
    t = tale_begin(how);
    for (unsigned i = 0; i < had; i++)
        next(t, 0);
    set(other, "three");
    set(third, "four");
    at_load(n, what);
    next(t, 0);
    was_done();
    tale_end(t, how ? "a reader" : "a follower");
    round_end();
}

static void followers(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } acts[] = {
        {"one change", one_more},
        {"half a ring", half_a_ring},
        {"most of a ring", just_short_of_a_ring},
        {"a whole ring", a_whole_ring},
        {"two whole rings", two_rings},
        {"changes of long keys", long_keys},
        {"a writer with a new ring", a_new_writer},
        {"removals", a_removal},
    };

    for (unsigned i = 0; i < sizeof(acts) / sizeof(*acts); i++)
        for (had = 0; had < 3; had += 2) {
            what = acts[i].act;
            how = (i + had / 2) % 2 ? SPLINTER_RDONLY : 0;
            rounds(during_next, "a %s that has had %u events meets %s",
                   how ? "reader" : "follower", had, acts[i].name);
        }
}

/* ---- at each load of a writer, which is stopped there while others go on ---- */

static struct tale *writes, *reads, *again;
static bool removes, laps;
static bool alone; /* only readers go on, who cannot say that they have given up on a number */

static void followers_go_on(void)
{
    set(third, "meanwhile");
    if (!alone)
        go_on(writes);
    go_on(reads);
    set(third, "and then");
    set(third, "one more");
    go_on(reads);
    again = tale_again(reads);
}

static void finish(void)
{
    if (laps)
        set_many(other, FEED + 3);
    set(third, "in the end");
    if (again)
        tale_end(again, "who goes on from a reader's position");
    tale_end(writes, "a follower");
    tale_end(reads, "a reader");
    round_end();
}

static void before(void)
{
    made_count = 0;
    round_begin(BACKING_MEMFD, 64, 100, FEED);
    set(other, "one");
    set(third, "two");
    writes = tale_begin(0);
    reads = tale_begin(SPLINTER_RDONLY);
    again = NULL;
    go_on(writes);
    go_on(reads);
}

/* [P10] */
static void during_a_change(uint64_t n)
{
    int rc = 0;

    before();
    at_load(n, followers_go_on);
    if (removes)
        rc = splinter_store_unset(other, "one", 0, NULL);
    else
        set(other, "one");
    was_done();
    expect(!rc, "an unset: %s", strerror(-rc));
    finish();
}

/* ---- and which dies there ---- */

static void change(splinter_store *s)
{
    if (removes)
        splinter_store_unset(s, "one", 0, NULL);
    else
        splinter_store_set(s, "one", "value", 5, NULL, NULL);
}

/* [P10] */
static void death_in_a_change(uint64_t n)
{
    before();
    dies_at_load(n, change);
    followers_go_on();
    splinter_store_close(another(0)); /* an opener cleans up after the dead */
    finish();
}

/* ---- what is in the rings is anybody's ---- */

#define SCRIBBLES 300

static void scribble(void)
{
    static uint64_t seed = 7;
    const uint64_t published = store->header->published;

    for (unsigned i = 1 + (unsigned)(random_next(&seed) >> 61); i; i--) {
        uint64_t r = random_next(&seed) >> 20;
        const uint64_t values[] = {0, UINT64_MAX, FEED_IS_MORE, published << 2, published + 1,
                                   (published + 1) << 2, (r & 31) << 2, r};
        uint64_t value = values[r % 8];
        size_t ring = r >> 3 & 1 ? ENTRY_LANES : 2 * ENTRY_LANES;
        struct feed_line *line = feed_ring(store, ring) + (r >> 4) % (r & 16 ? 8 : FEED);

        if (r >> 12 & 1)
            memcpy((uint8_t *)line + (r >> 13) % sizeof(*line), &value, 1);
        else if (r >> 13 & 3)
            line->word = value;
        else
            store->feed_lanes[ring].over = value;
    }
}

/* [P7] A follower comes to an end, and no writer is held up. */
static void nonsense_in_the_rings(uint64_t n)
{
    struct splinter_event e = {.struct_size = sizeof(e)};
    uint8_t value = 0;
    unsigned events = 0;
    int rc;

    before();
    if (n <= SCRIBBLES)
        at_load(1 + n % 50, scribble);
    for (int i = 0; i < 3; i++) {
        struct tale *t = i % 2 ? reads : writes;

        for (events = 0; events < MADE; events++) {
            rc = splinter_feed_next(t->feed, &e, &value, 1, 100);
            if (rc)
                break;
            expect(memchr(e.key, '\0', sizeof(e.key)) != NULL, "a key without an end");
        }
        expect(rc == -ETIMEDOUT, "after %u events: %s", events, strerror(-rc));
        set_many(other, 5);
        set(third, "third");
    }
    was_done();
    splinter_feed_close(writes->feed);
    splinter_feed_close(reads->feed);
    splinter_store_close(writes->store);
    splinter_store_close(reads->store);
    free(writes);
    free(reads);
    round_end();
}

void feeds(void)
{
    followers();
    rounds(nonsense_in_the_rings, "nonsense in the rings");
    for (unsigned i = 0; i < 8; i++) {
        removes = i & 1;
        laps = i & 2;
        alone = i & 4;
        rounds(during_a_change, "%s writer is stopped in %s%s", alone ? "before readers a" : "a",
               removes ? "an unset" : "a set", laps ? ", and its ring then goes round" : "");
        rounds(death_in_a_change, "%s writer dies in %s%s", alone ? "before readers a" : "a",
               removes ? "an unset" : "a set", laps ? ", and a ring then goes round" : "");
    }
}
