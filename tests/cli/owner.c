/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c - owner BUS KEY [QUEUE TOPIC]: owns an ephemeral key, until it is killed; and has one of
 * three items of a queue of 8, after it published two messages to a topic of 8 */
#include <stdio.h>
#include <unistd.h>

#include <splinter.h>

#define WATCHDOG 600 /* seconds */

static int coordinate(splinter_store *bus, const char *queue_name, const char *topic_name)
{
    const struct splinter_topic_options make = {
        .struct_size = sizeof(make), .flags = SPLINTER_CREATE, .capacity = 8, .max_message = 100};
    struct splinter_item item = {.struct_size = sizeof(item)};
    char bytes[100];
    splinter_queue *queue;
    splinter_topic *topic;
    if (splinter_queue_open(&queue, bus, queue_name, &make) ||
        splinter_topic_open(&topic, bus, topic_name, &make))
        return 1;
    for (int i = 0; i < 3; i++)
        if (splinter_queue_push(queue, "item", 4, NULL, 0, NULL))
            return 1;
    return splinter_topic_publish(topic, "one", 3, NULL, NULL) ||
           splinter_topic_publish(topic, "two", 3, NULL, NULL) ||
           splinter_queue_take(queue, bytes, sizeof(bytes), 0, 0, &item);
}

int main(int argc, char **argv)
{
    struct splinter_set_options own = {.struct_size = sizeof(own), .flags = SPLINTER_EPHEMERAL};
    splinter_store *bus;

    if ((argc != 3 && argc != 5) || splinter_store_open(&bus, argv[1], NULL) ||
        splinter_store_set(bus, argv[2], "mine", 4, &own, NULL))
        return 1;
    if (argc == 5 && coordinate(bus, argv[3], argv[4]))
        return 1;
    alarm(WATCHDOG);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
