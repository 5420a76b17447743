/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meanwhile_topic.c - calls for a topic while another handle publishes, removes or makes it again
 *
 * Each message is what was published with its number, the numbers have no hole, and a reader is
 * told of all that it has lost.  Wherever its maker dies, a topic is whole, or takes no slot.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "meanwhile.h"
#include "support.h"

#define CAPACITY 4
#define MAX_VALUE 3000
#define NUMBERS 64

static splinter_topic *mine, *theirs;
static uint32_t text_of[NUMBERS], texts; /* of each number; 0: not published */
static uint32_t published;
static bool removed;
static bool clearing; /* a call clears up what a dead process has left of the topic */
static int backing;
static void (*call)(void), (*what)(void);

static void removing(void);

static int open_it(splinter_topic **out, splinter_store *s, uint32_t flags)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o), .flags = flags};

    o.capacity = flags ? CAPACITY : 0;
    return splinter_topic_open(out, s, "topic", &o);
}

/* ---- messages: a number of four bytes, and again and again ---- */

static void publish(splinter_topic *t, size_t len)
{
    uint32_t text[MAX_VALUE / 4], mark = ++texts;
    uint64_t number = 0;
    int rc;

    for (size_t i = 0; i < len / 4; i++)
        text[i] = mark;
    rc = splinter_topic_publish(t, text, len, NULL, &number);
    if (removed) {
        expect(!rc || rc == -EIDRM, "a publish: %s", strerror(-rc));
        return;
    }
    expect(!rc, "a publish: %s", strerror(-rc));
    if (rc)
        return;
    expect(number && number < NUMBERS && !text_of[number], "number %llu was given twice",
           (unsigned long long)number);
    text_of[number % NUMBERS] = mark;
    published++;
}

static int read_one(splinter_topic *t, uint64_t *position)
{
    struct splinter_message m = {.struct_size = sizeof(m)};
    uint32_t text[MAX_VALUE / 4];
    uint64_t was = *position;
    int rc = splinter_topic_read(t, position, text, sizeof(text), &m);

    if (rc == -EOVERFLOW) {
        bool number = was && was < SPLINTER_TOPIC_NEXT;

        expect(m.lost && (!number || *position == was + m.lost), "%llu lost from %llu to %llu",
               (unsigned long long)m.lost, (unsigned long long)was, (unsigned long long)*position);
        return rc;
    }
    if (rc)
        return rc;
    expect(*position == m.number + 1 && m.size && m.size % 4 == 0, "a message that is none");
    for (size_t i = 0; i < m.size / 4; i++)
        if (text[i] != text[0])
            return expect(false, "a message of two"), 0;
    expect(removed || text[0] == text_of[m.number % NUMBERS] || !text_of[m.number % NUMBERS],
           "message %llu is another one", (unsigned long long)m.number);
    return 0;
}

/* ---- what the other one does ---- */

static void publishes(void)
{
    publish(theirs, 40);
}

static void publishes_long(void)
{
    publish(theirs, 2000);
}

static void publishes_a_lap(void)
{
    for (int i = 0; i < CAPACITY + 1; i++)
        publish(theirs, 40);
}

static void publishes_two_laps(void)
{
    for (int i = 0; i < 2 * CAPACITY; i++)
        publish(theirs, i % 2 ? 400 : 8);
}

/* One that meets another removal, which is stopped with the lock of a key, gives up. */
static bool is_locked_out(int rc)
{
    return rc == -EAGAIN && (call == removing || clearing);
}

static void removes(void)
{
    int rc = splinter_topic_remove(other, "topic");

    removed = true;
    expect(!rc || rc == -ENOENT || is_locked_out(rc), "a removal: %s", strerror(-rc));
}

static void makes_it_again(void)
{
    splinter_topic *t;
    int rc;

    removes();
    rc = open_it(&t, third, SPLINTER_CREATE);
    expect(!rc || is_locked_out(rc), "a new topic: %s", splinter_last_error());
    if (rc)
        return;
    rc = splinter_topic_publish(t, "new!", 4, NULL, NULL);
    expect(!rc, "a publish: %s", strerror(-rc));
    splinter_topic_close(t);
}

/* ---- calls ---- */

static bool may_be_gone(int rc)
{
    return removed && (rc == -EIDRM || rc == -ENOENT);
}

static void publishing(void)
{
    publish(mine, 40);
}

static void publishing_long(void)
{
    publish(mine, 2400);
}

static void reading(uint64_t position)
{
    int rc = read_one(mine, &position);

    expect(!rc || rc == -EOVERFLOW || rc == -EAGAIN || may_be_gone(rc), "a read: %s",
           strerror(-rc));
}

static void reading_the_oldest(void)
{
    reading(SPLINTER_TOPIC_OLDEST);
}

static void reading_the_newest(void)
{
    reading(SPLINTER_TOPIC_NEWEST);
}

static void reading_the_second(void)
{
    reading(2);
}

static void reading_the_next(void)
{
    reading(CAPACITY + 2);
}

/* By a handle that knows of no message yet. */
static void reading_by_a_new_one(void)
{
    splinter_topic *t;
    uint64_t position = CAPACITY + 3;
    int rc = open_it(&t, store, 0);

    expect(!rc || may_be_gone(rc), "an open: %s", splinter_last_error());
    if (rc)
        return;
    rc = read_one(t, &position);
    expect(!rc || rc == -ERANGE || rc == -EAGAIN || rc == -EOVERFLOW || may_be_gone(rc),
           "a read: %s", strerror(-rc));
    splinter_topic_close(t);
}

static void waiting(void)
{
    uint64_t position = SPLINTER_TOPIC_NEXT;
    int rc = splinter_topic_wait(mine, &position, 3);

    expect(!rc || rc == -ETIMEDOUT || may_be_gone(rc), "a wait: %s", strerror(-rc));
    if (rc || removed)
        return;
    rc = read_one(mine, &position);
    expect(!rc || rc == -EOVERFLOW, "a read of what was waited for: %s", strerror(-rc));
}

static void asking(void)
{
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    int rc = splinter_topic_stat(mine, &st);

    expect(!rc || may_be_gone(rc), "a stat: %s", strerror(-rc));
    expect(rc || removed || (st.oldest <= st.next && st.next - st.oldest <= CAPACITY),
           "it reaches from %llu to %llu", (unsigned long long)st.oldest,
           (unsigned long long)st.next);
}

static void opening_or_making(void)
{
    splinter_topic *t;
    int rc = open_it(&t, store, SPLINTER_CREATE);

    expect(!rc, "an open: %s", splinter_last_error());
    if (!rc)
        splinter_topic_close(t);
}

static void removing(void)
{
    int rc;

    removed = true;
    rc = splinter_topic_remove(store, "topic");
    expect(!rc || rc == -ENOENT, "a removal: %s", strerror(-rc));
}

/* ---- rounds ---- */

static void drain(void)
{
    uint64_t position = 1;
    uint32_t met = 0, lost = 0;
    int rc;

    while ((rc = read_one(theirs, &position)) == 0 || rc == -EOVERFLOW)
        met += !rc, lost = rc ? (uint32_t)position - 1 - met : lost;
    expect(rc == -EAGAIN && position == published + 1u, "it ends at %llu, after %u messages: %s",
           (unsigned long long)position, published, strerror(-rc));
    expect(met + lost == published, "%u messages and %u lost, of %u", met, lost, published);
}

/* [C5] */
static void during_a_call(uint64_t n)
{
    memset(text_of, 0, sizeof(text_of));
    texts = published = 0;
    removed = false;
    round_begin(backing, 16, MAX_VALUE, 0);
    must(open_it(&theirs, other, SPLINTER_CREATE), "a topic");
    for (int i = 0; i < CAPACITY - 1; i++)
        publish(theirs, 40);
    must(open_it(&mine, store, 0), "open");
    publish(mine, 40);
    publish(theirs, 40);
    at_load(n, what);
    call();
    was_done();
    if (!removed)
        drain();
    splinter_topic_close(mine);
    splinter_topic_close(theirs);
    round_end();
}

/* ---- a process dies while it makes or removes a topic ---- */

static bool makes;

static void make_or_remove(splinter_store *s)
{
    splinter_topic *t = NULL;

    if (makes)
        open_it(&t, s, SPLINTER_CREATE);
    else
        splinter_topic_remove(s, "topic");
}

static void fill(splinter_store *s)
{
    char key[16];
    int rc = 0;

    for (unsigned n = 0; !rc; n++) {
        snprintf(key, sizeof(key), "key %u", n);
        rc = splinter_store_set(s, key, "v", 1, NULL, NULL);
    }
    expect(rc == -ENOSPC, "a full store: %s", strerror(-rc));
}

static unsigned keys_of_topic(void)
{
    splinter_topic *t;
    int rc = open_it(&t, store, 0);

    expect(!rc || rc == -ENOENT, "what is left of it: %s", splinter_last_error());
    if (rc)
        return 0;
    splinter_topic_close(t);
    return CAPACITY + 1;
}

static void opens(void)
{
    splinter_topic *t;

    if (!open_it(&t, other, 0))
        splinter_topic_close(t);
}

/* [C5] And somebody else uses the topic while what is left of it is cleared up. */
static void death_in_a_call(uint64_t n)
{
    splinter_topic *t;
    unsigned filled;
    char key[16];

    call = NULL;
    removed = true;
    round_begin(backing, 16, MAX_VALUE, 0);
    must(splinter_store_set(other, "child's", "v", 1, NULL, NULL), "set");
    if (!makes) {
        must(open_it(&t, other, SPLINTER_CREATE), "a topic");
        splinter_topic_close(t);
    }
    if (dies_at_load(n, make_or_remove) && what)
        at_load(n * 13 % 700 + 1, what);
    clearing = true;
    fill(third);
    clearing = false;
    was_done();
    fill(third); /* what was freed meanwhile */
    filled = keys_of_topic() + 1;
    for (unsigned i = 0; i < 16; i++) {
        snprintf(key, sizeof(key), "key %u", i);
        filled += splinter_store_get(store, key, NULL, 0, NULL, NULL) == 0;
    }
    expect(filled == 16, "%u keys fill a store of 16", filled);
    removes();
    fill(third);
    for (unsigned i = 0; i < 15; i++) {
        snprintf(key, sizeof(key), "key %u", i);
        expect(!splinter_store_get(store, key, NULL, 0, NULL, NULL), "key %u finds no room", i);
    }
    round_end();
}

static void deaths(void)
{
    for (unsigned i = 0; i < 8; i++) {
        static void (*const acts[])(void) = {NULL, removes, opens, NULL};
        static const char *const names[] = {"nobody", "a removal", "an open", "nobody"};

        makes = i & 1;
        what = acts[i / 2];
        backing = i / 2 == 3 ? BACKING_FILE : BACKING_MEMFD;
        rounds(death_in_a_call, "%s: a death in %s meets %s", backing_names[backing],
               makes ? "the making of a topic" : "a removal", names[i / 2]);
    }
}

void topics(void)
{
    deaths();
    static const struct {
        const char *name;
        void (*act)(void);
    } calls[] = {
        {"a publish", publishing},
        {"a publish of a long message", publishing_long},
        {"a read of the oldest", reading_the_oldest},
        {"a read of the newest", reading_the_newest},
        {"a read of an old one", reading_the_second},
        {"a read of the next", reading_the_next},
        {"a read by a new handle", reading_by_a_new_one},
        {"a wait", waiting},
        {"a stat", asking},
        {"an open", opening_or_making},
        {"a removal", removing},
    }, acts[] = {
        {"a message", publishes},
        {"a long message", publishes_long},
        {"a lap of messages", publishes_a_lap},
        {"two laps", publishes_two_laps},
        {"a removal", removes},
        {"another topic of the name", makes_it_again},
    };

    for (unsigned c = 0; c < sizeof(calls) / sizeof(*calls); c++)
        for (unsigned a = 0; a < sizeof(acts) / sizeof(*acts); a++) {
            if (calls[c].act == removing && acts[a].act != removes &&
                acts[a].act != makes_it_again)
                continue; /* a publish may or may not succeed then */
            call = calls[c].act;
            what = acts[a].act;
            /* In a file a removal syncs, and that waits for the publisher, who is stopped. */
            backing = (c + a) % 4 || acts[a].act == removes || acts[a].act == makes_it_again
                          ? BACKING_MEMFD : BACKING_FILE;
            rounds(during_a_call, "%s: %s meets %s", backing_names[backing], calls[c].name,
                   acts[a].name);
        }
}
