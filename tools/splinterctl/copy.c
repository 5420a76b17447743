/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c - all that a store holds into another one */
#include "copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "progress.h"
#include "unfinished.h"

/* ---- keys ---- */

void ctl_copy_keys(const struct ctl_copy *copy)
{
    static struct cli_value value;
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0, done = 0;
    int r, got;
    while ((r = splinter_store_walk(copy->from, NULL, &cursor, key, &meta)) == 1) {
        ctl_unfinished_check();
        if (meta.owner)
            continue;
        while ((got = cli_get_of(copy->from, copy->from_name, key, &value)) == -EAGAIN)
            ctl_unfinished_check();
        if (got || value.meta.owner)
            continue;
        const struct splinter_set_options options = {.struct_size = sizeof(options),
                                                     .type = value.meta.type,
                                                     .ttl_ns = value.meta.ttl_ns};
        r = splinter_store_set(copy->to, key, value.buf, value.size, &options, NULL);
        if (r)
            cli_die(CLI_FAILURE, "cannot set key '%s' of '%s': %s", key, copy->to_name,
                    r == -ENOSPC ? cli_what_ran_out() : strerror(-r));
        ctl_progress(++done);
    }
    if (r)
        cli_die(CLI_FAILURE, "cannot walk over the keys of '%s': %s", copy->from_name,
                strerror(-r));
}

/* ---- topics and queues ---- */

static noreturn void cannot_copy(const char *what, const char *name, int r)
{
    const char *why = splinter_last_error();
    cli_die(CLI_FAILURE, "cannot copy %s '%s': %s", what, name, *why ? why : strerror(-r));
}

static struct splinter_topic_options new_one(uint64_t capacity, uint64_t max_message)
{
    return (struct splinter_topic_options){.struct_size = sizeof(struct splinter_topic_options),
                                           .flags = SPLINTER_CREATE | SPLINTER_EXCL,
                                           .capacity = capacity,
                                           .max_message = max_message};
}

/* Every message that is there, in order.  Returns 0 or an errno. */
static int copy_messages(splinter_topic *from, splinter_topic *to, void *buf, size_t room)
{
    struct splinter_message message = {.struct_size = sizeof(message)};
    struct splinter_publish_options options = {.struct_size = sizeof(options)};
    uint64_t position = SPLINTER_TOPIC_OLDEST;
    int r;
    while ((r = splinter_topic_read(from, &position, buf, room, &message)) != -EAGAIN) {
        ctl_unfinished_check();
        if (r == -EOVERFLOW) /* others publish meanwhile */
            continue;
        options.type = message.type;
        if (r || (r = splinter_topic_publish(to, buf, (size_t)message.size, &options, NULL)))
            return r;
    }
    return 0;
}

static void copy_topic(const struct ctl_copy *copy, const char *name)
{
    struct splinter_topic_stat stat = {.struct_size = sizeof(stat)};
    splinter_topic *from, *to;
    int r = splinter_topic_open(&from, copy->from, name, NULL);
    if (r == -ENOENT)
        return;
    if (r || (r = splinter_topic_stat(from, &stat)))
        cannot_copy("topic", name, r);
    const struct splinter_topic_options options = new_one(stat.capacity, stat.max_message);
    r = splinter_topic_open(&to, copy->to, name, &options);
    if (r)
        cannot_copy("topic", name, r);
    void *buf = cli_need(malloc((size_t)stat.max_message));
    r = copy_messages(from, to, buf, (size_t)stat.max_message);
    free(buf);
    if (r)
        cannot_copy("topic", name, r);
    splinter_topic_close(from);
    splinter_topic_close(to);
}

void ctl_copy_topics(const struct ctl_copy *copy)
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;
    while (splinter_topic_walk(copy->from, &cursor, name) == 1)
        copy_topic(copy, name);
}

/* Every item, in order.  Returns 0 or an errno. */
static int move_items(splinter_queue *from, splinter_queue *to, void *buf, size_t room)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    struct splinter_publish_options options = {.struct_size = sizeof(options)};
    int r;
    while ((r = splinter_queue_take(from, buf, room, 0, 0, &item)) != -ETIMEDOUT) {
        ctl_unfinished_check();
        options.type = item.type;
        if (r || (r = splinter_queue_push(to, buf, (size_t)item.size, &options, 0, NULL)))
            return r;
    }
    return 0;
}

static void move_queue(splinter_store *of, splinter_store *into, const char *name)
{
    struct splinter_queue_stat stat = {.struct_size = sizeof(stat)};
    splinter_queue *from, *to;
    int r = splinter_queue_open(&from, of, name, NULL);
    if (r || (r = splinter_queue_stat(from, &stat)))
        cannot_copy("queue", name, r);
    const struct splinter_topic_options options = new_one(stat.capacity, stat.max_message);
    r = splinter_queue_open(&to, into, name, &options);
    if (r)
        cannot_copy("queue", name, r);
    void *buf = cli_need(malloc((size_t)stat.max_message));
    r = move_items(from, to, buf, (size_t)stat.max_message);
    free(buf);
    if (r)
        cannot_copy("queue", name, r);
    splinter_queue_close(from);
    splinter_queue_close(to);
}

/* Only who takes an item can see it.  So they are taken from a copy, in which nobody has any. */
void ctl_copy_queues(const struct ctl_copy *copy)
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;
    if (splinter_queue_walk(copy->from, &cursor, name) != 1)
        return;
    splinter_store *own = ctl_private_copy(copy->from, copy->from_name);
    cursor = 0;
    while (splinter_queue_walk(own, &cursor, name) == 1)
        move_queue(own, copy->to, name);
}
