/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf_scenario.c - messages through a feed, a topic or a queue, each of them accounted for
 *
 * The writer numbers what it sends from 1.  The number is the version of the value, so a receiver
 * sees what comes twice, and what is missing though nobody said that it is lost.  When the writer
 * has ended, the receivers go on until they have everything.
 */
#include "perf_scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "perf_latency.h"
#include "perf_value.h"

#define SAMPLE_EVERY 64
#define FAULT_EVERY 1000
#define WAIT_MS 10 /* how often a receiver that waits looks whether all has ended */

const char *const perf_scenario_names[PERF_SCENARIOS] = {
    [PERF_KEYS] = "keys", [PERF_FEED] = "feed", [PERF_TOPIC] = "topic", [PERF_QUEUE] = "queue",
};

static char name[PERF_KEY_SIZE];

static struct splinter_topic_options options_of(const struct perf_options *o)
{
    return (struct splinter_topic_options){
        .struct_size = sizeof(struct splinter_topic_options),
        .flags = SPLINTER_CREATE | SPLINTER_EXCL,
        .capacity = o->keys,
        .max_message = o->value_size,
    };
}

void perf_scenario_make(const struct perf_options *o, splinter_store *store)
{
    const struct splinter_topic_options options = options_of(o);
    splinter_topic *topic = NULL;
    splinter_queue *queue = NULL;
    int r = 0;

    snprintf(name, sizeof(name), "__perf.%ld", (long)getpid());
    if (o->scenario == PERF_TOPIC)
        r = splinter_topic_open(&topic, store, name, &options);
    else if (o->scenario == PERF_QUEUE)
        r = splinter_queue_open(&queue, store, name, &options);
    if (r)
        cli_die(CLI_FAILURE, "cannot make the %s: %s", perf_scenario_names[o->scenario],
                splinter_last_error());
    splinter_topic_close(topic);
    splinter_queue_close(queue);
}

void perf_scenario_remove(enum perf_scenario scenario, splinter_store *store)
{
    if (scenario == PERF_TOPIC)
        splinter_topic_remove(store, name);
    else if (scenario == PERF_QUEUE)
        splinter_queue_remove(store, name);
}

/* ---- the writer ---- */

struct sender {
    splinter_topic *topic;
    splinter_queue *queue;
    uint64_t seed;
};

static int send_one(const struct perf_job *job, struct sender *s, struct perf_value *v, uint64_t n)
{
    const struct perf_options *o = job->options;
    char key[PERF_KEY_SIZE];
    uint64_t number = 0;

    if (o->scenario == PERF_FEED)
        number = perf_mix(&s->seed) % o->keys;
    perf_make_value(v, o->value_size, number, n);
    atomic_store_explicit(&job->shared->sent[n % PERF_SENT], perf_now_ns(CLOCK_MONOTONIC),
                          memory_order_relaxed);
    switch (o->scenario) {
    case PERF_TOPIC:
        return splinter_topic_publish(s->topic, v, o->value_size, NULL, NULL);
    case PERF_QUEUE:
        return splinter_queue_push(s->queue, v, o->value_size, NULL, WAIT_MS, NULL);
    default:
        perf_make_key(key, number);
        return splinter_store_set(job->store, key, v, o->value_size, NULL, NULL);
    }
}

static int send_on(const struct perf_job *job, struct perf_result *r, struct perf_value *v)
{
    const struct perf_options *o = job->options;
    struct perf_shared *shared = job->shared;
    struct sender s = {.seed = 1};
    int e = 0;

    if (o->scenario == PERF_TOPIC)
        e = splinter_topic_open(&s.topic, job->store, name, NULL);
    else if (o->scenario == PERF_QUEUE)
        e = splinter_queue_open(&s.queue, job->store, name, NULL);
    perf_wait_for_go(shared);
    while (!e && !atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        bool sample = r->operations % SAMPLE_EVERY == 0;
        uint64_t begin = sample ? perf_now_ns(CLOCK_MONOTONIC) : 0;

        e = send_one(job, &s, v, r->operations + 1);
        if (e == -ETIMEDOUT || e == -EAGAIN) { /* the queue is full; or races were lost */
            r->again += e == -EAGAIN;
            e = 0;
            continue;
        }
        if (sample)
            r->histogram[perf_place_of(perf_now_ns(CLOCK_MONOTONIC) - begin)]++;
        r->operations += !e;
    }
    atomic_store(&shared->written, r->operations);
    atomic_store(&shared->writer_ended, true);
    splinter_topic_close(s.topic);
    splinter_queue_close(s.queue);
    return e;
}

/* ---- receivers ---- */

/* Is everything over, and has this receiver heard of all up to `last`? */
static bool has_all(const struct perf_shared *shared, uint64_t last)
{
    return atomic_load(&shared->writer_ended) && last >= atomic_load(&shared->written);
}

/* A value has come, with the number of its key; `last` is what must be older than it. */
static enum perf_fault look(const struct perf_job *job, struct perf_result *r,
                            struct perf_value *v, size_t size, uint64_t key, uint64_t last)
{
    const struct perf_options *o = job->options;
    enum perf_fault fault = PERF_MISSING;

    if (o->fault && r->operations % FAULT_EVERY == FAULT_EVERY - 1)
        perf_break_value(v, o->value_size, o->fault, key, last ? last : 1);
    if (size == o->value_size)
        fault = perf_verify_value(v, size, key, last + 1);
    if (!fault && v->version % SAMPLE_EVERY == 0) {
        uint64_t then = atomic_load_explicit(&job->shared->sent[v->version % PERF_SENT],
                                             memory_order_relaxed);
        uint64_t now = perf_now_ns(CLOCK_MONOTONIC);

        r->histogram[perf_place_of(now > then ? now - then : 0)]++;
    }
    return fault;
}

static int read_topic(const struct perf_job *job, struct perf_result *r, struct perf_value *v)
{
    uint64_t position = 1, last = 0;
    splinter_topic *topic = NULL;
    int e = splinter_topic_open(&topic, job->store, name, NULL);

    perf_wait_for_go(job->shared);
    while (!e && !has_all(job->shared, last)) {
        struct splinter_message m = {.struct_size = sizeof(m)};

        e = splinter_topic_read(topic, &position, v, job->options->value_size, &m);
        if (!e) {
            enum perf_fault fault = look(job, r, v, m.size, 0, last);

            if (!fault && v->version != m.number)
                fault = PERF_FOREIGN;
            if (!fault && v->version != last + 1)
                fault = PERF_MISSING;
            last = m.number;
            r->faults[fault]++;
            r->operations++;
        } else if (e == -EOVERFLOW) {
            r->lost += m.lost;
            last = position - 1;
            e = 0;
        } else if (e == -EAGAIN) {
            e = splinter_topic_wait(topic, &position, WAIT_MS);
            e = e == -ETIMEDOUT ? 0 : e;
        }
    }
    splinter_topic_close(topic);
    return e;
}

static int work_queue(const struct perf_job *job, struct perf_result *r, struct perf_value *v)
{
    uint64_t last = 0;
    splinter_queue *queue = NULL;
    int e = splinter_queue_open(&queue, job->store, name, NULL);

    perf_wait_for_go(job->shared);
    while (!e) {
        struct splinter_item item = {.struct_size = sizeof(item)};

        e = splinter_queue_take(queue, v, job->options->value_size, 0, WAIT_MS, &item);
        if (e == -ETIMEDOUT && atomic_load(&job->shared->writer_ended)) {
            e = 0;
            break;
        }
        if (!e) {
            enum perf_fault fault = look(job, r, v, item.size, 0, last);

            if (!fault && item.delivery != 1)
                fault = PERF_STALE;
            last = fault ? last : v->version;
            r->sum += v->version;
            r->faults[fault]++;
            r->operations++;
            e = splinter_queue_ack(queue, &item);
        }
        e = e == -ETIMEDOUT ? 0 : e;
    }
    splinter_queue_close(queue);
    return e;
}

/* One change of the feed.  Revisions of a key rise by one, unless a gap was told. */
static enum perf_fault look_at_change(const struct perf_job *job, struct perf_result *r,
                                      struct perf_value *v, const struct splinter_event *e,
                                      uint64_t *revisions)
{
    const char *digits = e->key + strlen(e->key) - 8;
    uint64_t number = 0, *seen;

    for (int i = 0; i < 8; i++)
        number = number * 10 + (uint64_t)(digits[i] - '0');
    if (number >= job->options->keys)
        return PERF_FOREIGN;
    seen = &revisions[number];
    if (*seen && e->revision <= *seen) { /* told again: that may be */
        r->again++;
        return PERF_RIGHT;
    }
    bool follows = !*seen || e->revision == *seen + 1;
    *seen = e->revision;
    if (!follows)
        return PERF_MISSING;
    return e->flags & SPLINTER_EVENT_VALUE ? look(job, r, v, e->value_size, number, 0)
                                           : PERF_RIGHT;
}

static int follow_feed(const struct perf_job *job, struct perf_result *r, struct perf_value *v,
                       uint64_t *revisions)
{
    const struct perf_options *o = job->options;
    struct splinter_feed_options from = {.struct_size = sizeof(from)};
    splinter_feed *feed = NULL;
    char first[PERF_KEY_SIZE];
    int e;

    perf_make_key(first, 0);
    first[strlen(first) - 8] = '\0'; /* what all keys begin with */
    from.prefix = first;
    e = splinter_feed_open(&feed, job->store, &from);
    memset(revisions, 0, (size_t)o->keys * sizeof(*revisions));
    perf_wait_for_go(job->shared);
    while (!e) {
        struct splinter_event event = {.struct_size = sizeof(event)};

        e = splinter_feed_next(feed, &event, v, o->value_size, WAIT_MS);
        if (e == -ETIMEDOUT && atomic_load(&job->shared->writer_ended)) {
            e = 0;
            break;
        }
        if (!e && event.what == SPLINTER_EVENT_GAP) {
            r->lost++;
            memset(revisions, 0, (size_t)o->keys * sizeof(*revisions));
        } else if (!e && event.what == SPLINTER_EVENT_SET) {
            r->faults[look_at_change(job, r, v, &event, revisions)]++;
            r->operations++;
        }
        e = e == -ETIMEDOUT ? 0 : e;
    }
    splinter_feed_close(feed);
    return e;
}

int perf_scenario_work(const struct perf_job *job, unsigned number, struct perf_value *v,
                       uint64_t *revisions)
{
    struct perf_result *r = &job->shared->result[number];

    if (number == PERF_WRITER)
        return send_on(job, r, v);
    switch (job->options->scenario) {
    case PERF_TOPIC:
        return read_topic(job, r, v);
    case PERF_QUEUE:
        return work_queue(job, r, v);
    default:
        return follow_feed(job, r, v, revisions);
    }
}

void perf_scenario_account(const struct perf_job *job)
{
    uint64_t written = atomic_load(&job->shared->written), count = 0, sum = 0;
    struct perf_result *first = &job->shared->result[PERF_WRITER + 1];

    if (job->options->scenario != PERF_QUEUE || !atomic_load(&job->shared->writer_ended))
        return;
    for (unsigned i = PERF_WRITER + 1; i < job->end; i++) {
        count += job->shared->result[i].operations;
        sum += job->shared->result[i].sum;
    }
    if (count < written)
        first->faults[PERF_MISSING] += written - count;
    else if (count > written)
        first->faults[PERF_STALE] += count - written;
    else if (sum != written * (written + 1) / 2)
        first->faults[PERF_MISSING]++;
}
