/* SPDX-License-Identifier: Apache-2.0 */
/* top_sample.h - what top shows: the bus as it is, and how fast it changes */
#ifndef SPLINTERCTL_TOP_SAMPLE_H
#define SPLINTERCTL_TOP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <splinter.h>

#include "processes.h"

#define TOP_KEYS_MAX 100   /* keys that are kept, by their rates */
#define TOP_LEASES_MAX 100 /* leases that are kept; the others are counted */

struct top_key {
    uint64_t changes; /* since the last sample */
    uint64_t size;
    char key[SPLINTER_KEY_MAX];
};

struct top_lease {
    uint32_t owner;   /* the pid */
    char holder[32];  /* its name, or "" */
    uint64_t ttl_ms;  /* 0: none */
    char key[SPLINTER_KEY_MAX];
};

struct top_queue {
    struct splinter_queue_stat stat;
    char name[SPLINTER_TOPIC_NAME_MAX];
};

struct top_topic {
    struct splinter_topic_stat stat;
    uint64_t published; /* since the last sample */
    char name[SPLINTER_TOPIC_NAME_MAX];
};

struct top_sample {
    splinter_store *store;
    struct splinter_stat stat;
    uint64_t at_ms, for_ms; /* since the last sample; 0: there was none */
    uint64_t changes;       /* since then */
    bool replaced;          /* another file, or none, has the name of the bus by now */
    struct top_key keys[TOP_KEYS_MAX]; /* those that changed most, the first one most */
    size_t key_count, changed;         /* changed: all that did */
    struct top_lease leases[TOP_LEASES_MAX];
    size_t lease_count; /* of all */
    struct top_queue *queues;
    size_t queue_count;
    struct top_topic *topics;
    size_t topic_count;
    struct ctl_process *processes;
    size_t process_count;
    struct top_seen *seen; /* the revision of each key */
    size_t seen_room;
};

/* Looks again.  The rates are those since the last look; the first one has none. */
void top_look(struct top_sample *sample, splinter_store *store);
/* Frees what it has, and begins again. */
void top_free(struct top_sample *sample);

/* So many in for_ms as so many in a second. */
uint64_t top_rate(const struct top_sample *sample, uint64_t count);

#endif /* SPLINTERCTL_TOP_SAMPLE_H */
