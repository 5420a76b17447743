/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rooms.c - rooms fill|show BUS: a topic and a queue for copies
 *
 * fill makes topic "news", whose first message has been replaced, and queue "work", of which a
 * worker has one item as long as it runs.  show prints what they hold, and empties the queue.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <splinter.h>

static int fill(splinter_store *bus)
{
    const struct splinter_topic_options new = {
        .struct_size = sizeof(new), .flags = SPLINTER_CREATE, .capacity = 2, .max_message = 100};
    const struct splinter_publish_options typed = {.struct_size = sizeof(typed), .type = 300};
    struct splinter_item item = {.struct_size = sizeof(item)};
    splinter_topic *news;
    splinter_queue *work;
    char buf[100];
    if (splinter_topic_open(&news, bus, "news", &new) ||
        splinter_queue_open(&work, bus, "work", &new) ||
        splinter_topic_publish(news, "one", 3, NULL, NULL) ||
        splinter_topic_publish(news, "two", 3, &typed, NULL) ||
        splinter_topic_publish(news, "three", 5, NULL, NULL) ||
        splinter_queue_push(work, "first", 5, &typed, 0, NULL) ||
        splinter_queue_push(work, "second", 6, NULL, 0, NULL) ||
        splinter_queue_take(work, buf, sizeof(buf), 0, 0, &item))
        return 1;
    splinter_topic_close(news);
    splinter_queue_close(work);
    return 0;
}

static int show(splinter_store *bus)
{
    struct splinter_message message = {.struct_size = sizeof(message)};
    struct splinter_item item = {.struct_size = sizeof(item)};
    splinter_topic *news;
    splinter_queue *work;
    char buf[100];
    uint64_t position = SPLINTER_TOPIC_OLDEST;
    if (splinter_topic_open(&news, bus, "news", NULL) ||
        splinter_queue_open(&work, bus, "work", NULL))
        return 1;
    while (splinter_topic_read(news, &position, buf, sizeof(buf), &message) == 0)
        printf("news %.*s %u\n", (int)message.size, buf, message.type);
    while (splinter_queue_take(work, buf, sizeof(buf), 0, 0, &item) == 0)
        printf("work %.*s %u\n", (int)item.size, buf, item.type);
    splinter_topic_close(news);
    splinter_queue_close(work);
    return 0;
}

int main(int argc, char **argv)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *bus;
    if (argc != 3)
        return 2;
    options.flags = strchr(argv[2], '/') ? SPLINTER_FILE : SPLINTER_MEMORY;
    if (splinter_store_open(&bus, argv[2], &options))
        return 1;
    int status = strcmp(argv[1], "fill") == 0 ? fill(bus) : show(bus);
    splinter_store_close(bus);
    return status;
}
