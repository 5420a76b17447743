/* SPDX-License-Identifier: Apache-2.0 */
/* steps_queues.c - scenes: an item is pushed, taken, acknowledged, given back; see steps.h */
#include "steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY 2
#define LENGTH 600

/* Items say by their type which they are. */
#define FIRST 1u  /* waits when the scene begins */
#define PUSHED 2u /* by the process that dies */
#define NEW 3u    /* by a survivor */

static int open_it(splinter_queue **out, splinter_store *s, uint32_t flags)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.capacity = flags ? CAPACITY : 0;
    options.max_message = flags ? LENGTH : 0;
    return splinter_queue_open(out, s, "a queue", &options);
}

static int push(splinter_queue *q, uint32_t which)
{
    struct splinter_publish_options options = {.struct_size = sizeof(options), .type = which};
    unsigned char text[LENGTH];

    memset(text, (int)which, sizeof(text));
    memcpy(text, "MARKMARK", 8);
    return splinter_queue_push(q, text, slow_sets ? LENGTH : 60, &options, 0, NULL);
}

static int take(splinter_queue *q, struct splinter_item *item)
{
    unsigned char text[LENGTH] = {0};
    int rc;

    *item = (struct splinter_item){.struct_size = sizeof(*item)};
    rc = splinter_queue_take(q, text, sizeof(text), 0, 0, item);
    if (!rc && (memcmp(text, "MARKMARK", 8) || text[8] != item->type ||
                text[item->size - 1] != item->type))
        fault("item %llu is not as it was pushed", (unsigned long long)item->number);
    return rc;
}

/* ---- how scenes begin, and what they do ---- */

/* One item waits, and was not handed out. */
static void with_item(splinter_store *s)
{
    splinter_queue *q;

    present_stays(s);
    must(open_it(&q, s, SPLINTER_CREATE), "a queue");
    must(push(q, FIRST), "an item");
    splinter_queue_close(q);
}

/* One item waits, and the next number has its turn where that one is. */
static void with_item_in_the_way(splinter_store *s)
{
    struct splinter_item one, other;
    splinter_queue *q;

    with_item(s);
    must(open_it(&q, s, 0), "the queue");
    must(push(q, NEW), "an item");
    must(take(q, &one), "take");
    must(take(q, &other), "take");
    must(splinter_queue_ack(q, &other), "ack");
    must(splinter_queue_nack(q, &one), "nack");
    splinter_queue_close(q);
}

static int act_push(splinter_store *s)
{
    splinter_queue *q;
    int rc = open_it(&q, s, 0);

    return rc ? rc : push(q, PUSHED);
}

static int act_take(splinter_store *s)
{
    struct splinter_item item;
    splinter_queue *q;
    int rc = open_it(&q, s, 0);

    return rc ? rc : take(q, &item);
}

static int act_ack(splinter_store *s)
{
    struct splinter_item item;
    splinter_queue *q;
    int rc = open_it(&q, s, 0);

    if (!rc)
        rc = take(q, &item);
    return rc ? rc : splinter_queue_ack(q, &item);
}

static int act_nack(splinter_store *s)
{
    struct splinter_item item;
    splinter_queue *q;
    int rc = open_it(&q, s, 0);

    if (!rc)
        rc = take(q, &item);
    return rc ? rc : splinter_queue_nack(q, &item);
}

/* ---- what is left ---- */

static uint64_t waiting(splinter_queue *q, const char *who)
{
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    int rc = splinter_queue_stat(q, &st);

    if (rc || st.taken)
        fault("%s: %s, and %llu items of a dead worker are taken", who, strerror(-rc),
              (unsigned long long)st.taken);
    return st.waiting;
}

static void expect_items(const unsigned *came)
{
    bool done = board->acked && !board->result;

    if (came[FIRST] > 1 || came[PUSHED] > 1 || came[NEW])
        fault("an item comes twice, or came back");
    if (!came[FIRST] && scene->act != act_ack)
        fault("an item is lost");
    if (came[FIRST] && scene->act == act_ack && done)
        fault("an item that was acknowledged is there");
    if (!came[PUSHED] && scene->act == act_push && done)
        fault("an item that was pushed is lost");
}

static void take_all(splinter_queue *q)
{
    unsigned came[NEW + 1] = {0}, most = scene->prepare == with_item ? 2 : 3;
    struct splinter_item item;
    uint64_t last = 0;
    int rc;

    while (!(rc = take(q, &item))) {
        if (item.type > NEW || item.number <= last)
            fault("item %llu, of type %u, comes after %llu", (unsigned long long)item.number,
                  item.type, (unsigned long long)last);
        else
            came[item.type]++;
        if (!item.delivery || item.delivery > most)
            fault("an item was handed out %u times", item.delivery);
        last = item.number;
        if ((rc = splinter_queue_ack(q, &item)) != 0)
            fault("ack: %s", strerror(-rc));
        if (splinter_queue_ack(q, &item) != -ESTALE)
            fault("an item can be acknowledged twice");
    }
    if (rc != -ETIMEDOUT)
        fault("take: %s", strerror(-rc));
    expect_items(came);
}

unsigned use_the_queue(splinter_store *reads, splinter_store *s)
{
    splinter_queue *q, *of_reader;
    struct splinter_item item;
    int rc = open_it(&of_reader, reads, 0);

    if (!rc)
        rc = open_it(&q, s, 0);
    if (rc) {
        fault("a survivor: %s", splinter_last_error());
        return 0;
    }
    if (waiting(of_reader, "a reader") != waiting(q, "a survivor"))
        fault("reader and survivor disagree");
    take_all(q);
    if (waiting(of_reader, "a reader, later"))
        fault("what was acknowledged waits");
    for (unsigned i = 0; i < CAPACITY; i++)
        if ((rc = push(q, NEW)) != 0)
            fault("push: %s", strerror(-rc));
    if (push(q, NEW) != -ETIMEDOUT)
        fault("there is room in a full queue");
    for (unsigned i = 0; i < CAPACITY; i++)
        if ((rc = take(q, &item)) != 0 || (rc = splinter_queue_ack(q, &item)) != 0)
            fault("take or ack: %s", strerror(-rc));
    splinter_queue_close(of_reader);
    splinter_queue_close(q);
    return CAPACITY + 1;
}

void remove_the_queue(splinter_store *s)
{
    int rc = splinter_queue_remove(s, "a queue");

    if (rc)
        fault("remove: %s", strerror(-rc));
}

/* [C6] [P2] */
const struct scene queue_scenes[] = {
    {.name = "an item is pushed",
     .prepare = with_item, .act = act_push, .flags = QUEUE},
    {.name = "a number is left out, as an item is in the way",
     .prepare = with_item_in_the_way, .act = act_push, .flags = QUEUE},
    {.name = "an item is taken",
     .prepare = with_item, .act = act_take, .flags = QUEUE},
    {.name = "an item is acknowledged",
     .prepare = with_item, .act = act_ack, .flags = QUEUE},
    {.name = "an item is given back",
     .prepare = with_item, .act = act_nack, .flags = QUEUE},
    {.name = NULL},
};
