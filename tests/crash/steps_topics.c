/* SPDX-License-Identifier: Apache-2.0 */
/* steps_topics.c - scenes: a topic is made, published to, removed; see steps.h */
#include "steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY 2
#define LENGTH 100

static splinter_topic *topic; /* of the process that dies */

static int open_it(splinter_topic **out, splinter_store *s, uint32_t flags)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.capacity = flags ? CAPACITY : 0;
    options.max_message = flags ? LENGTH : 0;
    return splinter_topic_open(out, s, "a topic", &options);
}

static int publish(splinter_topic *t, uint64_t number, uint64_t *got)
{
    unsigned char text[LENGTH];

    memset(text, (int)number, sizeof(text));
    memcpy(text, "MARKMARK", 8);
    return splinter_topic_publish(t, text, slow_sets ? LENGTH : 60, NULL, got);
}

/* ---- how scenes begin, and what they do ---- */

static void no_topic(splinter_store *s)
{
    present_stays(s);
}

static void with_topic(splinter_store *s)
{
    present_stays(s);
    must(open_it(&topic, s, SPLINTER_CREATE), "a topic");
    for (uint64_t n = 1; n <= CAPACITY + 1; n++)
        must(publish(topic, n, NULL), "a message");
    splinter_topic_close(topic);
}

static int act_make(splinter_store *s)
{
    return open_it(&topic, s, SPLINTER_CREATE | SPLINTER_EXCL);
}

static int act_publish(splinter_store *s)
{
    int rc = open_it(&topic, s, 0);

    for (uint64_t n = CAPACITY + 2; !rc && n <= CAPACITY + 3; n++)
        rc = publish(topic, n, NULL);
    return rc;
}

static int act_remove(splinter_store *s)
{
    return splinter_topic_remove(s, "a topic");
}

/* ---- what is left ---- */

/* Read all that is there.  The number of the newest message, or 0. */
static uint64_t read_all(splinter_topic *t, const char *who)
{
    unsigned char text[LENGTH];
    uint64_t position = SPLINTER_TOPIC_OLDEST, last = 0;
    int rc;

    for (;;) {
        struct splinter_message m = {.struct_size = sizeof(m)};

        memset(text, 0, sizeof(text));
        rc = splinter_topic_read(t, &position, text, sizeof(text), &m);
        if (rc)
            break;
        if (last && m.number != last + 1)
            fault("%s: message %llu follows %llu", who, (unsigned long long)m.number,
                  (unsigned long long)last);
        if (memcmp(text, "MARKMARK", 8) || text[8] != m.number || text[m.size - 1] != m.number)
            fault("%s: message %llu is not as it was published", who, (unsigned long long)m.number);
        last = m.number;
    }
    if (rc != -EAGAIN)
        fault("%s: read: %s", who, strerror(-rc));
    return last;
}

unsigned use_the_topic(splinter_store *reads, splinter_store *s)
{
    splinter_topic *t, *of_reader = NULL;
    uint64_t seen = 0, number, last;
    int rc = open_it(&of_reader, reads, 0);

    if (rc && rc != -ENOENT)
        fault("a reader: %s", splinter_last_error());
    if (!rc)
        seen = read_all(of_reader, "a reader");
    rc = open_it(&t, s, SPLINTER_CREATE);
    if (rc) {
        fault("a survivor: %s", splinter_last_error());
        return 0;
    }
    last = read_all(t, "a survivor");
    if (last != seen)
        fault("a reader saw %llu messages, a survivor %llu", (unsigned long long)seen,
              (unsigned long long)last);
    if (board->acked && !board->result && scene->act == act_publish && last != CAPACITY + 3)
        fault("a message that was acknowledged is lost");
    if (board->acked && !board->result && scene->act == act_remove && last)
        fault("a topic that was removed is there");
    if (scene->prepare == with_topic && scene->act != act_remove && last < CAPACITY + 1)
        fault("messages are lost");
    for (uint64_t n = last + 1; n <= last + CAPACITY + 1; n++)
        if ((rc = publish(t, n, &number)) != 0 || number != n)
            fault("message %llu was published as %llu: %s", (unsigned long long)n,
                  (unsigned long long)number, strerror(-rc));
    if (read_all(t, "a survivor, later") != last + CAPACITY + 1)
        fault("what a survivor published is not there");
    splinter_topic_close(of_reader);
    splinter_topic_close(t);
    return CAPACITY + 1;
}

void remove_the_topic(splinter_store *s)
{
    int rc = splinter_topic_remove(s, "a topic");

    if (rc)
        fault("remove: %s", strerror(-rc));
}

/* [C5] [P2] */
const struct scene topic_scenes[] = {
    {.name = "a topic is made",
     .prepare = no_topic, .act = act_make, .flags = TOPIC | SLOW},
    {.name = "two messages are published",
     .prepare = with_topic, .act = act_publish, .flags = TOPIC},
    {.name = "a topic is removed",
     .prepare = with_topic, .act = act_remove, .flags = TOPIC | SLOW},
    {.name = NULL},
};
