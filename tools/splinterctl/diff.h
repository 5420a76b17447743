/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h - what two stores do not have in common */
#ifndef SPLINTERCTL_DIFF_H
#define SPLINTERCTL_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <splinter.h>

/* A key, topic or queue of one of them. */
struct ctl_side {
    bool there;
    uint64_t size; /* bytes of a value, messages of a topic, items of a queue */
    uint32_t type; /* of a value */
};

struct ctl_difference {
    const char *what; /* "only-left", "only-right", "value", ... */
    const char *kind; /* "key", "topic" or "queue" */
    char *name;
    struct ctl_side left, right;
};

struct ctl_diff {
    splinter_store *left, *right;
    const char *left_name, *right_name;
    struct ctl_difference *found;
    size_t count, room;
};

/* differences.c */
void ctl_diff_clear(struct ctl_diff *diff);
void ctl_diff_add(struct ctl_diff *diff, const char *what, const char *kind, const char *name,
                  const struct ctl_side *left, const struct ctl_side *right);

/* diff_topics.c: adds those of topics and queues. */
void ctl_diff_topics(struct ctl_diff *diff);

#endif /* SPLINTERCTL_DIFF_H */
