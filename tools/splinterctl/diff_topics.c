/* SPDX-License-Identifier: Apache-2.0 */
/* diff_topics.c - compare the topics and queues of two stores */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "diff.h"
#include "unfinished.h"

static noreturn void cannot_read(const char *what, const char *name, const char *store, int r)
{
    const char *why = splinter_last_error();
    cli_die(CLI_FAILURE, "cannot read %s '%s' of '%s': %s", what, name, store,
            *why ? why : strerror(-r));
}

/* ---- topics ---- */

/* A topic, and the message that comes next. */
struct reading {
    splinter_topic *topic;
    const char *name, *store;
    struct splinter_topic_stat stat;
    uint64_t position;
    void *buf;
    struct splinter_message message;
};

/* Returns false if there is no such topic. */
static bool open_topic(struct reading *t, splinter_store *store, const char *store_name,
                       const char *name)
{
    *t = (struct reading){.name = name, .store = store_name, .position = SPLINTER_TOPIC_OLDEST,
                          .stat = {.struct_size = sizeof(t->stat)},
                          .message = {.struct_size = sizeof(t->message)}};
    int r = splinter_topic_open(&t->topic, store, name, NULL);
    if (r == -ENOENT || r == -EPROTO)
        return false;
    if (r || (r = splinter_topic_stat(t->topic, &t->stat)))
        cannot_read("topic", name, store_name, r);
    t->buf = cli_need(malloc((size_t)t->stat.max_message));
    return true;
}

static void close_topic(struct reading *t)
{
    if (t->topic)
        splinter_topic_close(t->topic);
    free(t->buf);
}

static struct ctl_side side_of(const struct reading *t)
{
    return (struct ctl_side){t->topic != NULL, t->stat.next - t->stat.oldest, 0};
}

/* Returns false at the end. */
static bool next_message(struct reading *t)
{
    int r;
    do {
        ctl_unfinished_check();
        r = splinter_topic_read(t->topic, &t->position, t->buf, (size_t)t->stat.max_message,
                                &t->message);
    } while (r == -EOVERFLOW);
    if (r && r != -EAGAIN)
        cannot_read("topic", t->name, t->store, r);
    return !r;
}

static const char *compare(struct reading *left, struct reading *right)
{
    if (left->stat.capacity != right->stat.capacity ||
        left->stat.max_message != right->stat.max_message)
        return "limits";
    for (;;) {
        bool more = next_message(left);
        if (next_message(right) != more)
            return "messages";
        if (!more)
            return NULL;
        if (left->message.size != right->message.size ||
            left->message.type != right->message.type ||
            memcmp(left->buf, right->buf, (size_t)left->message.size) != 0)
            return "messages";
    }
}

/* only_right: topics that both have are left out. */
static void diff_topic(struct ctl_diff *diff, const char *name, bool only_right)
{
    struct reading left, right;
    bool in_left = open_topic(&left, diff->left, diff->left_name, name);
    bool in_right = open_topic(&right, diff->right, diff->right_name, name);
    const char *what = !in_right             ? "only-left"
                       : !in_left            ? "only-right"
                       : only_right          ? NULL
                                             : compare(&left, &right);
    const struct ctl_side of_left = side_of(&left), of_right = side_of(&right);
    if (what && (in_left || in_right))
        ctl_diff_add(diff, what, "topic", name, &of_left, &of_right);
    close_topic(&left);
    close_topic(&right);
}

/* ---- queues ---- */

/* Returns whether there is one. */
static bool look_at_queue(struct splinter_queue_stat *stat, splinter_store *store,
                          const char *store_name, const char *name)
{
    splinter_queue *queue;
    *stat = (struct splinter_queue_stat){.struct_size = sizeof(*stat)};
    int r = splinter_queue_open(&queue, store, name, NULL);
    if (r == -ENOENT || r == -EPROTO)
        return false;
    if (r || (r = splinter_queue_stat(queue, stat)))
        cannot_read("queue", name, store_name, r);
    splinter_queue_close(queue);
    return true;
}

static void diff_queue(struct ctl_diff *diff, const char *name, bool only_right)
{
    struct splinter_queue_stat left, right;
    bool in_left = look_at_queue(&left, diff->left, diff->left_name, name);
    bool in_right = look_at_queue(&right, diff->right, diff->right_name, name);
    uint64_t left_items = left.waiting + left.taken, right_items = right.waiting + right.taken;
    const char *what = !in_right    ? "only-left"
                       : !in_left   ? "only-right"
                       : only_right ? NULL
                       : left.capacity != right.capacity || left.max_message != right.max_message
                           ? "limits"
                       : left_items != right_items ? "items"
                                                   : NULL;
    const struct ctl_side of_left = {in_left, left_items, 0}, of_right = {in_right, right_items, 0};
    if (what && (in_left || in_right))
        ctl_diff_add(diff, what, "queue", name, &of_left, &of_right);
}

void ctl_diff_topics(struct ctl_diff *diff)
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    for (int right = 0; right < 2; right++) {
        splinter_store *store = right ? diff->right : diff->left;
        uint64_t cursor = 0;
        while (splinter_topic_walk(store, &cursor, name) == 1)
            diff_topic(diff, name, right);
        cursor = 0;
        while (splinter_queue_walk(store, &cursor, name) == 1)
            diff_queue(diff, name, right);
    }
}
