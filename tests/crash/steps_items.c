/* SPDX-License-Identifier: Apache-2.0 */
/* steps_items.c - what the store should hold, and how most scenes begin; see steps.h */
#include "steps.h"

#include <string.h>

#include "steps_inside.h"

struct item items[ITEMS], after;
unsigned item_count;

void fill(struct item *item, char with, uint32_t len)
{
    item->there = true;
    item->len = len;
    memset(item->bytes, with, len);
    /* To be looked for in the raw store, when it should be gone. */
    if (len >= 8)
        memcpy(item->bytes, "MARKMARK", 8);
}

void no_more(struct item *item)
{
    item->there = false;
    item->len = 0;
}

int set_item(splinter_store *s, const struct item *item, uint64_t ttl_ns, uint32_t flags)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.ttl_ns = ttl_ns;
    options.flags = flags;
    board->plain_sets += armed && !if_any(&options);
    return splinter_store_set(s, item->key, item->bytes, item->len,
                              slow_sets ? &options : if_any(&options), NULL);
}

struct item *add_item(splinter_store *s, uint32_t bucket, unsigned n, uint32_t len)
{
    struct item *item = &items[item_count++];

    memset(item, 0, sizeof(*item));
    name_in(s, item->key, bucket, n);
    if (len) {
        fill(item, (char)('a' + item_count), len);
        must(set_item(s, item, 0, 0), "preparing");
    }
    return item;
}

void neighbours(splinter_store *s, uint32_t bucket)
{
    uint32_t last = buckets_of(s) - 1;

    add_item(s, bucket, 5, 100);
    add_item(s, bucket ? bucket - 1 : last, 5, 300);
    add_item(s, bucket < last ? bucket + 1 : 0, 5, 20);
}

/* ---- how scenes begin ---- */

void absent_first(splinter_store *s)
{
    add_item(s, 0, 0, 0);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 100);
}

void present_first(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 90);
}

void present_small(splinter_store *s)
{
    add_item(s, 0, 0, 50);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 60);
}

void present_wrapped(splinter_store *s)
{
    uint32_t last = buckets_of(s) - 1;

    item_count = 1;
    for (unsigned i = 1; i <= 5; i++)
        add_item(s, last, i, 30);
    add_item(s, 0, 0, 30);
    item_count = 0;
    add_item(s, last, 0, 100);
    item_count = 7;
    after = items[0];
    fill(&after, '+', 90);
}

void present_last(splinter_store *s)
{
    add_item(s, buckets_of(s) - 1, 0, 100);
    neighbours(s, buckets_of(s) - 1);
    after = items[0];
    fill(&after, '+', 90);
}

void present_goes(splinter_store *s)
{
    present_last(s);
    no_more(&after);
}

void present_stays(splinter_store *s)
{
    present_first(s);
    after = items[0];
}

/* Items 1 and 4 .. are the operation's to play with. */
void with_playthings(splinter_store *s)
{
    present_stays(s);
    for (unsigned i = 0; i < 5; i++)
        add_item(s, 0, 8 + i, 0)->free = true;
    items[1].free = true;
}

void absent_with_playthings(splinter_store *s)
{
    absent_first(s);
    for (unsigned i = 0; i < 5; i++)
        add_item(s, 0, 8 + i, 0)->free = true;
}

/* ---- and what they do ---- */

/* The first set of a thread is slow: it gets the thread a lane.  A fast one needs that, and in it a
 * spare block of its size.  So another item of that size is set as it is, and that twice: the first
 * set keeps the block of what is on disk.  Item 0 has to do if there is no other. */
static void set_before(splinter_store *s)
{
    unsigned i = 1;

    while (i < item_count && !(items[i].there && block_of(items[i].len) == block_of(after.len)))
        i++;
    if (i == item_count && (scene->flags & DURABLE || !items[0].there ||
                            block_of(items[0].len) != block_of(after.len)))
        return;
    armed = 0;
    for (int times = 0; times < 2; times++)
        must(set_item(s, &items[i % item_count], 0, 0), "the set before");
    armed = 1;
}

int act_set(splinter_store *s)
{
    if (!slow_sets)
        set_before(s);
    return set_item(s, &after, 0, 0);
}

int act_open(splinter_store *s)
{
    (void)s;
    return place_open(&place, 0, &s);
}

int act_unset(splinter_store *s)
{
    return splinter_store_unset(s, items[0].key, 0, NULL);
}
