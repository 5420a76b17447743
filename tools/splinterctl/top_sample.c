/* SPDX-License-Identifier: Apache-2.0 */
/* top_sample.c - what top shows: the bus as it is, and how fast it changes */
#include "top_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"

/* A key by its hash, which is never 0.  Two keys with the same one would be taken for one. */
struct top_seen {
    uint64_t hash;
    uint64_t revision;
};

uint64_t top_rate(const struct top_sample *sample, uint64_t count)
{
    return sample->for_ms ? (count * 1000 + sample->for_ms / 2) / sample->for_ms : 0;
}

/* ---- keys ---- */

static uint64_t hash_of(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
    return hash ? hash : 1;
}

/* The place of the hash, or where it would be. */
static struct top_seen *find(struct top_seen *seen, size_t room, uint64_t hash)
{
    size_t at = (size_t)(hash ^ hash >> 32) & (room - 1);
    while (seen[at].hash && seen[at].hash != hash)
        at = (at + 1) & (room - 1);
    return &seen[at];
}

/* Puts the key among those that changed most. */
static void rank(struct top_sample *s, const char *key, uint64_t size, uint64_t changes)
{
    size_t at = s->key_count < TOP_KEYS_MAX ? s->key_count++ : TOP_KEYS_MAX - 1;
    s->changed++;
    if (s->changed > TOP_KEYS_MAX && s->keys[at].changes >= changes)
        return;
    for (; at && s->keys[at - 1].changes < changes; at--)
        s->keys[at] = s->keys[at - 1];
    s->keys[at].changes = changes;
    s->keys[at].size = size;
    snprintf(s->keys[at].key, sizeof(s->keys[at].key), "%s", key);
}

static void note_lease(struct top_sample *s, const char *key, const struct splinter_meta *meta)
{
    if (s->lease_count < TOP_LEASES_MAX) {
        struct top_lease *lease = &s->leases[s->lease_count];
        lease->owner = meta->owner;
        lease->holder[0] = '\0';
        lease->ttl_ms = cli_ttl_ms(meta);
        snprintf(lease->key, sizeof(lease->key), "%s", key);
    }
    s->lease_count++;
}

static void look_at_keys(struct top_sample *s)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    size_t room = 1024, used = 0;
    /* A store that is damaged may claim more keys than it has slots. */
    uint64_t keys = s->stat.keys < s->stat.slots ? s->stat.keys : s->stat.slots;
    while (room < keys * 2)
        room *= 2;
    struct top_seen *now = cli_need(calloc(room, sizeof(*now)));
    s->key_count = s->changed = s->lease_count = 0;
    while (splinter_store_walk(s->store, NULL, &cursor, key, &meta) == 1) {
        uint64_t hash = hash_of(key);
        struct top_seen *before = s->seen ? find(s->seen, s->seen_room, hash) : NULL;
        uint32_t last = before && before->hash ? (uint32_t)before->revision : 0;
        uint32_t changes = meta.revision - last;
        if (before && changes)
            /* It was unset meanwhile, and began anew. */
            rank(s, key, meta.value_size, meta.revision < last ? meta.revision : changes);
        if (meta.owner)
            note_lease(s, key, &meta);
        if (used < room / 4 * 3) {
            struct top_seen *place = find(now, room, hash);
            used += !place->hash;
            *place = (struct top_seen){hash, meta.revision};
        }
    }
    free(s->seen);
    s->seen = now;
    s->seen_room = room;
}

/* ---- queues and topics ---- */

static void look_at_queues(struct top_sample *s)
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;
    s->queue_count = 0;
    while (splinter_queue_walk(s->store, &cursor, name) == 1) {
        struct top_queue q = {.stat = {.struct_size = sizeof(q.stat)}};
        splinter_queue *queue;
        if (splinter_queue_open(&queue, s->store, name, NULL))
            continue; /* it was removed meanwhile */
        int r = splinter_queue_stat(queue, &q.stat);
        splinter_queue_close(queue);
        if (r)
            continue;
        memcpy(q.name, name, sizeof(name));
        s->queues = cli_need(realloc(s->queues, (s->queue_count + 1) * sizeof(q)));
        s->queues[s->queue_count++] = q;
    }
}

static void look_at_topics(struct top_sample *s)
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;
    struct top_topic *before = s->topics;
    size_t count = s->topic_count;
    s->topics = NULL;
    s->topic_count = 0;
    while (splinter_topic_walk(s->store, &cursor, name) == 1) {
        struct top_topic t = {.stat = {.struct_size = sizeof(t.stat)}};
        splinter_topic *topic;
        if (splinter_topic_open(&topic, s->store, name, NULL))
            continue;
        int r = splinter_topic_stat(topic, &t.stat);
        splinter_topic_close(topic);
        if (r)
            continue;
        for (size_t i = 0; i < count; i++)
            if (before[i].stat.id == t.stat.id)
                t.published = t.stat.next - before[i].stat.next;
        memcpy(t.name, name, sizeof(name));
        s->topics = cli_need(realloc(s->topics, (s->topic_count + 1) * sizeof(t)));
        s->topics[s->topic_count++] = t;
    }
    free(before);
}

static int by_topic(const void *a, const void *b)
{
    return strcmp(((const struct top_topic *)a)->name, ((const struct top_topic *)b)->name);
}

static int by_queue(const void *a, const void *b)
{
    return strcmp(((const struct top_queue *)a)->name, ((const struct top_queue *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct top_lease *)a)->key, ((const struct top_lease *)b)->key);
}

/* ---- all ---- */

static void name_holders(struct top_sample *s)
{
    size_t kept = s->lease_count < TOP_LEASES_MAX ? s->lease_count : TOP_LEASES_MAX;
    for (size_t i = 0; i < kept; i++)
        for (size_t p = 0; p < s->process_count; p++)
            if ((uint32_t)s->processes[p].pid == s->leases[i].owner)
                memcpy(s->leases[i].holder, s->processes[p].name, sizeof(s->leases[i].holder));
    qsort(s->leases, kept, sizeof(*s->leases), by_key);
}

void top_look(struct top_sample *s, splinter_store *store)
{
    const struct splinter_stat before = s->stat;
    uint64_t now = cli_now_ms();
    s->for_ms = s->at_ms ? now - s->at_ms : 0;
    s->at_ms = now;
    s->store = store;
    cli_stat(&s->stat);
    /* Without a feed, the epoch counts the changes. */
    s->changes = s->stat.feed ? s->stat.feed_number - before.feed_number
                              : s->stat.epoch - before.epoch;
    s->replaced = ctl_bus_was_replaced(store);
    look_at_keys(s);
    look_at_queues(s);
    look_at_topics(s);
    if (s->queue_count)
        qsort(s->queues, s->queue_count, sizeof(*s->queues), by_queue);
    if (s->topic_count)
        qsort(s->topics, s->topic_count, sizeof(*s->topics), by_topic);
    free(s->processes);
    s->processes = ctl_processes(splinter_store_fd(store), &s->process_count);
    name_holders(s);
}

void top_free(struct top_sample *s)
{
    free(s->seen);
    free(s->queues);
    free(s->topics);
    free(s->processes);
    memset(s, 0, sizeof(*s));
}
