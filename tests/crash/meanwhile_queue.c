/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meanwhile_queue.c - calls for a queue while another worker takes, acknowledges or pushes
 *
 * In the end each item that was pushed was acknowledged once, by somebody who had it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meanwhile.h"
#include "support.h"

#define CAPACITY 3
#define MAX_VALUE 3000
#define ITEMS 64

static splinter_queue *mine, *theirs, *thirds;
static struct splinter_item had; /* the ticket of what `mine` has taken */
static uint32_t serial;
static uint8_t pushed[ITEMS], done[ITEMS];
static size_t item_size;
static bool removed;

/* Or the queue is gone. */
static bool is_fine(int rc, int or_error)
{
    return !rc || rc == -or_error || (removed && rc == -EIDRM);
}

static splinter_queue *open_it(splinter_store *s, uint32_t flags)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o), .flags = flags};
    splinter_queue *q;
    int rc;

    o.capacity = flags ? CAPACITY : 0;
    rc = splinter_queue_open(&q, s, "queue", &o);
    if (rc == -ENOENT && removed)
        return NULL;
    must(rc, "a queue");
    return q;
}

/* ---- items: the number of the push in the first bytes ---- */

static void push(splinter_queue *q)
{
    uint32_t text[MAX_VALUE / 4] = {0}, own = serial++ % ITEMS;
    int rc;

    text[0] = own;
    rc = splinter_queue_push(q, text, item_size, NULL, 3, NULL);
    expect(is_fine(rc, ETIMEDOUT), "a push: %s", strerror(-rc));
    pushed[own] = !rc;
}

static int take(splinter_queue *q, struct splinter_item *item, uint32_t *which)
{
    uint32_t text[MAX_VALUE / 4];
    int rc;

    item->struct_size = sizeof(*item);
    rc = splinter_queue_take(q, text, sizeof(text), 0, 3, item);
    expect(is_fine(rc, ETIMEDOUT), "a take: %s", strerror(-rc));
    *which = rc ? 0 : text[0] % ITEMS;
    expect(rc || item->size == item_size, "an item of %llu bytes", (unsigned long long)item->size);
    return rc;
}

static void ack(splinter_queue *q, const struct splinter_item *item, uint32_t which)
{
    int rc = splinter_queue_ack(q, item);

    expect(is_fine(rc, ESTALE), "an acknowledgement: %s", strerror(-rc));
    if (!rc)
        expect(!done[which]++, "item %u is acknowledged twice", which);
}

static void nack(splinter_queue *q, const struct splinter_item *item)
{
    int rc = splinter_queue_nack(q, item);

    expect(is_fine(rc, ESTALE), "an item is given back: %s", strerror(-rc));
}

/* ---- what the other one does; the first item is what `mine` has ---- */

static void pushes(void)
{
    push(theirs);
}

static void takes(void)
{
    struct splinter_item item;
    uint32_t which;

    take(theirs, &item, &which);
}

static void works(void)
{
    struct splinter_item item;
    uint32_t which;

    if (!take(theirs, &item, &which))
        ack(theirs, &item, which);
}

static void works_a_lap(void)
{
    for (int i = 0; i < 2 * CAPACITY; i++) {
        works();
        push(theirs);
    }
}

static void takes_and_gives_back(void)
{
    struct splinter_item item;
    uint32_t which;

    if (!take(theirs, &item, &which))
        nack(theirs, &item);
}

static void acknowledges_mine(void)
{
    ack(theirs, &had, 0);
}

static void gives_mine_back(void)
{
    nack(theirs, &had);
}

static void gives_mine_back_and_takes_it(void)
{
    gives_mine_back();
    takes();
}

/* Another worker that has an item is gone. */
static void a_worker_goes(void)
{
    splinter_queue_close(thirds);
    splinter_store_close(third);
    third = another(0);
    thirds = open_it(third, 0);
}

static void removes(void)
{
    int rc = splinter_queue_remove(other, "queue");

    removed = true;
    expect(!rc, "a removal: %s", strerror(-rc));
}

/* ---- calls ---- */

static void pushing(void)
{
    push(mine);
}

/* Past the item that `mine` has. */
static void pushing_past_an_item(void)
{
    push(mine);
    push(mine);
}

static void taking(void)
{
    struct splinter_item item;
    uint32_t which;

    if (!take(mine, &item, &which))
        ack(mine, &item, which);
}

static void taking_by_a_new_one(void)
{
    struct splinter_item item;
    splinter_queue *q = open_it(store, 0);
    uint32_t which;

    if (q && !take(q, &item, &which))
        ack(q, &item, which);
    splinter_queue_close(q);
}

static void acknowledging(void)
{
    ack(mine, &had, 0);
}

static void giving_back(void)
{
    nack(mine, &had);
}

static void asking(void)
{
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    int rc = splinter_queue_stat(mine, &st);

    expect(is_fine(rc, 0), "a stat: %s", strerror(-rc));
    expect(st.waiting + st.taken <= CAPACITY, "%llu wait, and %llu are taken",
           (unsigned long long)st.waiting, (unsigned long long)st.taken);
}

/* ---- rounds ---- */

static int backing;
static void (*call)(void), (*what)(void);
static bool third_has_one;

/* Those who have an item are gone, so that all that is left can be taken. */
static void drain(void)
{
    struct splinter_item item;
    splinter_queue *q;
    splinter_store *s = another(0);
    uint32_t which;

    splinter_queue_close(thirds);
    splinter_queue_close(theirs);
    splinter_queue_close(mine);
    splinter_store_close(third);
    splinter_store_close(other);
    third = another(0);
    other = another(0);
    q = open_it(s, 0);
    nack(q, &had); /* the handle that has it stays */
    while (!take(q, &item, &which) && item.number)
        ack(q, &item, which);
    for (unsigned i = 0; i < serial && i < ITEMS; i++)
        expect(pushed[i] == done[i], "item %u was pushed %u times, and acknowledged %u times", i,
               pushed[i], done[i]);
    splinter_queue_close(q);
    splinter_store_close(s);
}

/* [C6] */
static void during_a_call(uint64_t n)
{
    struct splinter_item item;
    uint32_t which;

    memset(pushed, 0, sizeof(pushed));
    memset(done, 0, sizeof(done));
    serial = 0;
    removed = false;
    round_begin(backing, 16, MAX_VALUE, 0);
    mine = open_it(store, SPLINTER_CREATE);
    theirs = open_it(other, 0);
    thirds = open_it(third, 0);
    push(mine);
    push(theirs);
    must(take(mine, &had, &which), "take");
    if (third_has_one)
        must(take(thirds, &item, &which), "take");
    if (call == pushing_past_an_item)
        works();
    at_load(n, what);
    call();
    was_done();
    if (removed) {
        splinter_queue_close(thirds);
        splinter_queue_close(theirs);
        splinter_queue_close(mine);
    } else {
        drain();
    }
    round_end();
}

void queues(void)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } calls[] = {
        {"a push", pushing},
        {"a push past an item", pushing_past_an_item},
        {"a take", taking},
        {"a take by a new handle", taking_by_a_new_one},
        {"an acknowledgement", acknowledging},
        {"an item given back", giving_back},
        {"a stat", asking},
    }, acts[] = {
        {"a push", pushes},
        {"a take", takes},
        {"work", works},
        {"a lap of work", works_a_lap},
        {"an item taken and given back", takes_and_gives_back},
        {"an acknowledgement of its item", acknowledges_mine},
        {"its item given back", gives_mine_back},
        {"its item taken from it", gives_mine_back_and_takes_it},
        {"the end of a worker", a_worker_goes},
        {"a removal", removes},
    };

    for (unsigned c = 0; c < sizeof(calls) / sizeof(*calls); c++)
        for (unsigned a = 0; a < sizeof(acts) / sizeof(*acts); a++) {
            call = calls[c].act;
            what = acts[a].act;
            /* In a file a removal syncs, and that waits for whoever is stopped in a change. */
            backing = (c + a) % 4 || what == removes ? BACKING_MEMFD : BACKING_FILE;
            item_size = (c + a) % 3 ? 40 : 2000;
            third_has_one = what == a_worker_goes || (c + a) % 2;
            rounds(during_a_call, "%s: %s meets %s", backing_names[backing], calls[c].name,
                   acts[a].name);
        }
}
