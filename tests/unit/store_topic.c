/* SPDX-License-Identifier: Apache-2.0 */
/* store_topic.c - topics: numbers, readers that are overtaken, room, removal, waits */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define CAPACITY 8
#define LONGEST 100

static splinter_topic *topic;

static int open_topic(splinter_topic **out, splinter_store *s, uint32_t flags, uint64_t capacity,
                      uint64_t longest)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.capacity = capacity;
    options.max_message = longest;
    return splinter_topic_open(out, s, "news", &options);
}

static void make_topic(int backing)
{
    make_store(backing, SLOTS, MAX_VALUE);
    ck_assert_int_eq(open_topic(&topic, store, SPLINTER_CREATE, CAPACITY, LONGEST), 0);
}

static void end_topic(void)
{
    splinter_topic_close(topic);
    end_store();
}

/* Message n says its number. */
static int publish(splinter_topic *t, uint64_t *number)
{
    struct splinter_publish_options options = {.struct_size = sizeof(options)};
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    char text[LONGEST];
    int rc = splinter_topic_stat(t, &st);

    if (rc)
        return rc;
    options.type = (uint32_t)(st.next % 65536);
    snprintf(text, sizeof(text), "message %llu", (unsigned long long)st.next);
    return splinter_topic_publish(t, text, strlen(text), &options, number);
}

static void publish_up_to(uint64_t last)
{
    uint64_t n = 0;

    while (n < last)
        ck_assert_int_eq(publish(topic, &n), 0);
}

static int read_one(splinter_topic *t, uint64_t *position, struct splinter_message *m)
{
    char text[LONGEST], want[LONGEST];
    int rc;

    *m = (struct splinter_message){.struct_size = sizeof(*m)};
    rc = splinter_topic_read(t, position, text, sizeof(text), m);
    if (rc)
        return rc;
    snprintf(want, sizeof(want), "message %llu", (unsigned long long)m->number);
    ck_assert_uint_eq(m->size, strlen(want));
    ck_assert_mem_eq(text, want, m->size);
    ck_assert_uint_eq(m->type, m->number % 65536);
    ck_assert_uint_eq(*position, m->number + 1);
    return 0;
}

static struct splinter_topic_stat topic_stat(void)
{
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};

    ck_assert_int_eq(splinter_topic_stat(topic, &st), 0);
    return st;
}

/* [C5] */
START_TEST(messages_are_numbered_in_order_without_holes)
{
    struct splinter_message m;
    uint64_t position = SPLINTER_TOPIC_OLDEST, epoch = 0;

    make_topic(_i);
    ck_assert_int_eq(read_one(topic, &position, &m), -EAGAIN);
    ck_assert_uint_eq(position, 1);
    for (uint64_t n = 1; n <= 3 * CAPACITY; n++) {
        uint64_t number;

        ck_assert_int_eq(publish(topic, &number), 0);
        ck_assert_uint_eq(number, n);
        ck_assert_int_eq(read_one(topic, &position, &m), 0);
        ck_assert_uint_eq(m.number, n);
        ck_assert_uint_eq(m.lost, 0);
        ck_assert_uint_gt(m.epoch, epoch);
        epoch = m.epoch;
        ck_assert_int_eq(read_one(topic, &position, &m), -EAGAIN);
    }
    ck_assert_uint_eq(topic_stat().oldest, 2 * CAPACITY + 1);
    ck_assert_uint_eq(topic_stat().next, 3 * CAPACITY + 1);
    ck_assert_uint_eq(topic_stat().capacity, CAPACITY);
    ck_assert_uint_eq(topic_stat().max_message, LONGEST);
    end_topic();
}
END_TEST

/* [C5] */
START_TEST(an_overtaken_reader_is_told_how_many_messages_it_lost)
{
    struct splinter_message m;
    uint64_t position = 1;

    make_topic(_i);
    publish_up_to(2);
    ck_assert_int_eq(read_one(topic, &position, &m), 0);
    publish_up_to(20);
    ck_assert_int_eq(read_one(topic, &position, &m), -EOVERFLOW);
    ck_assert_uint_eq(m.lost, 11);
    ck_assert_uint_eq(m.number, 0);
    ck_assert_uint_eq(position, 13);
    for (uint64_t n = 13; n <= 20; n++) {
        ck_assert_int_eq(read_one(topic, &position, &m), 0);
        ck_assert_uint_eq(m.number, n);
    }
    ck_assert_int_eq(read_one(topic, &position, &m), -EAGAIN);
    position = 3; /* and without a place to tell it in */
    ck_assert_int_eq(splinter_topic_read(topic, &position, NULL, 0, NULL), -EOVERFLOW);
    ck_assert_uint_eq(position, 13);
    end_topic();
}
END_TEST

START_TEST(a_reader_begins_where_it_wants)
{
    struct splinter_message m;
    uint64_t oldest = SPLINTER_TOPIC_OLDEST, newest = SPLINTER_TOPIC_NEWEST,
             next = SPLINTER_TOPIC_NEXT, middle = 15;

    make_topic(_i);
    ck_assert_int_eq(splinter_topic_wait(topic, &newest, 0), -ETIMEDOUT);
    ck_assert_uint_eq(newest, 1);
    newest = SPLINTER_TOPIC_NEWEST;
    publish_up_to(20);
    ck_assert_int_eq(splinter_topic_wait(topic, &next, 0), -ETIMEDOUT);
    ck_assert_uint_eq(next, 21);
    publish_up_to(22);
    ck_assert_int_eq(read_one(topic, &oldest, &m), 0);
    ck_assert_uint_eq(m.number, 15);
    ck_assert_int_eq(read_one(topic, &newest, &m), 0);
    ck_assert_uint_eq(m.number, 22);
    ck_assert_int_eq(read_one(topic, &next, &m), 0);
    ck_assert_uint_eq(m.number, 21);
    ck_assert_int_eq(read_one(topic, &middle, &m), 0);
    ck_assert_uint_eq(m.number, 15);
    end_topic();
}
END_TEST

START_TEST(a_position_from_the_future_is_an_error)
{
    struct splinter_message m;
    uint64_t wrong[] = {22, 23, 21 + CAPACITY, 1000, UINT64_C(1) << 40, UINT64_MAX / 2,
                        UINT64_MAX - 5};

    make_topic(_i);
    publish_up_to(20);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        uint64_t position = wrong[i];

        ck_assert_int_eq(read_one(topic, &position, &m), -ERANGE);
        ck_assert_int_eq(splinter_topic_wait(topic, &position, SPLINTER_FOREVER), -ERANGE);
        ck_assert_uint_eq(position, wrong[i]);
    }
    end_topic();
}
END_TEST

START_TEST(another_process_goes_on_from_a_position)
{
    struct splinter_message m;
    uint64_t position = SPLINTER_TOPIC_OLDEST;

    make_topic(_i);
    publish_up_to(5);
    ck_assert_int_eq(read_one(topic, &position, &m), 0);
    for (int i = 0; i < 2; i++) { /* of fork, and one of its own */
        pid_t pid = fork_child();

        if (!pid) {
            splinter_topic *t = topic;
            uint64_t number;

            if (i && (open_topic(&t, place_again(&place, 0), 0, 0, 0)))
                _exit(1);
            if (read_one(t, &position, &m) || m.number != 2)
                _exit(2);
            _exit(publish(t, &number) || number != 6u + (unsigned)i ? 3 : 0);
        }
        ck_assert_int_eq(reap(pid), 0);
    }
    while (!read_one(topic, &position, &m))
        ;
    ck_assert_uint_eq(position, 8);
    end_topic();
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_not_touched)
{
    struct splinter_message m = {.struct_size = sizeof(m)};
    char text[200];
    uint64_t position = 1;

    make_topic(_i);
    publish_up_to(1);
    memset(text, '#', sizeof(text));
    ck_assert_int_eq(splinter_topic_read(topic, &position, text, 8, &m), -EMSGSIZE);
    ck_assert_uint_eq(m.size, 9);
    ck_assert_uint_eq(m.number, 1);
    ck_assert_uint_eq(position, 1);
    for (unsigned i = 0; i < sizeof(text); i++)
        ck_assert_int_eq(text[i], '#');
    ck_assert_int_eq(splinter_topic_read(topic, &position, NULL, 0, &m), 0);
    ck_assert_uint_eq(m.size, 9);
    ck_assert_uint_eq(position, 1);
    ck_assert_int_eq(splinter_topic_read(topic, &position, text, 9, &m), 0);
    ck_assert_mem_eq(text, "message 1#", 10);
    end_topic();
}
END_TEST

START_TEST(messages_of_every_length_come_back_whole)
{
    static unsigned char out[60000], in[60000];
    const unsigned lengths[] = {1, 7, 8, 55, 56, 57, 127, 128, 129, 250, 1000, 4000, 8000, 8200,
                                59992};
    splinter_topic *t;
    uint64_t position = 1;

    make_store(_i, SLOTS, sizeof(out));
    ck_assert_int_eq(open_topic(&t, store, SPLINTER_CREATE, 3, 0), 0);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            struct splinter_message m = {.struct_size = sizeof(m)};

            memset(out, (int)(i + round + 1), lengths[i]);
            ck_assert_int_eq(splinter_topic_publish(t, out, lengths[i], NULL, NULL), 0);
            ck_assert_int_eq(splinter_topic_read(t, &position, in, sizeof(in), &m), 0);
            ck_assert_uint_eq(m.size, lengths[i]);
            ck_assert_int_eq(memcmp(in, out, lengths[i]), 0);
        }
    ck_assert_int_eq(splinter_topic_publish(t, out, 59993, NULL, NULL), -EMSGSIZE);
    splinter_topic_close(t);
    end_store();
}
END_TEST

/* What the last call said has both. */
static void said(const char *one, const char *two)
{
    ck_assert_msg(strstr(splinter_last_error(), one) && strstr(splinter_last_error(), two),
                  "'%s' lacks '%s' or '%s'", splinter_last_error(), one, two);
}

START_TEST(what_makes_no_sense_is_refused_with_a_reason)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    struct splinter_publish_options publishing = {.struct_size = sizeof(publishing)};
    struct splinter_message m = {.struct_size = sizeof(size_t) - 1};
    splinter_topic *t = NULL;
    char name[SPLINTER_KEY_MAX + 1], text[LONGEST + 1] = "";
    uint64_t cursor = 0, position = 1;

    make_topic(_i);
    ck_assert_int_eq(open_topic(&t, store, 0, CAPACITY + 1, 0), -EINVAL);
    said(" 8,", " 9 ");
    ck_assert_int_eq(open_topic(&t, store, SPLINTER_CREATE, 0, LONGEST - 1), -EINVAL);
    said(" 100 ", " 99 ");
    ck_assert_int_eq(open_topic(&t, store, SPLINTER_CREATE | SPLINTER_EXCL, 0, 0), -EEXIST);
    said("news", "exists");
    ck_assert_int_eq(open_topic(&t, store, SPLINTER_EXCL, 0, 0), -EINVAL);
    ck_assert_int_eq(open_topic(&t, store, SPLINTER_RDONLY, 0, 0), -EINVAL);
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", NULL), -ENOENT);
    said("no topic", "other");
    options.flags = SPLINTER_CREATE;
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", &options), -EINVAL);
    said("capacity", "needs");
    options.capacity = SLOTS;
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", &options), -ENOSPC);
    said("64", "slots");
    options.capacity = UINT64_C(1) << 40;
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", &options), -ENOSPC);
    options.capacity = 4;
    options.max_message = MAX_VALUE - 7;
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", &options), -EMSGSIZE);
    said(" 4089 ", " 4088");
    options.reserved = 1;
    ck_assert_int_eq(splinter_topic_open(&t, store, "other", &options), -EINVAL);
    memset(name, 'n', sizeof(name));
    name[SPLINTER_TOPIC_NAME_MAX] = '\0';
    ck_assert_int_eq(splinter_topic_open(&t, store, name, NULL), -ENAMETOOLONG);
    ck_assert_int_eq(splinter_topic_remove(store, name), -ENAMETOOLONG);
    said("253", "name");
    ck_assert_int_eq(splinter_topic_open(&t, store, "", NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_open(&t, store, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_open(&t, NULL, "news", NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_open(NULL, store, "news", NULL), -EINVAL);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(splinter_topic_remove(store, "other"), -ENOENT);
    ck_assert_int_eq(splinter_topic_remove(store, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_remove(NULL, "news"), -EINVAL);
    ck_assert_int_eq(splinter_topic_walk(store, NULL, name), -EINVAL);
    ck_assert_int_eq(splinter_topic_walk(store, &cursor, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_walk(NULL, &cursor, name), -EINVAL);
    ck_assert_int_eq(splinter_topic_publish(topic, text, LONGEST + 1, NULL, NULL), -EMSGSIZE);
    said(" 101 ", " 100");
    ck_assert_int_eq(splinter_topic_publish(topic, text, 0, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_publish(topic, NULL, 1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_publish(NULL, text, 1, NULL, NULL), -EINVAL);
    publishing.type = 65536;
    ck_assert_int_eq(splinter_topic_publish(topic, text, 1, &publishing, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_read(topic, NULL, text, 1, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_read(NULL, &position, text, 1, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_read(topic, &position, text, 1, &m), -EINVAL);
    ck_assert_int_eq(splinter_topic_wait(topic, NULL, 0), -EINVAL);
    ck_assert_int_eq(splinter_topic_wait(NULL, &position, 0), -EINVAL);
    ck_assert_int_eq(splinter_topic_stat(NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_topic_stat(topic, NULL), -EINVAL);
    splinter_topic_close(NULL);
    ck_assert_uint_eq(topic_stat().next, 1);
    ck_assert_uint_eq(stat_of(store).keys, CAPACITY + 1);
    end_topic();
}
END_TEST

START_TEST(a_name_of_any_length_is_a_topic_of_its_own)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    char name[SPLINTER_TOPIC_NAME_MAX] = "", met[SPLINTER_TOPIC_NAME_MAX];
    unsigned lengths = 0;
    uint64_t cursor = 0;
    int found = 0;

    make_store(_i, 1000, MAX_VALUE);
    options.flags = SPLINTER_CREATE | SPLINTER_EXCL;
    options.capacity = 1;
    for (unsigned n = 1; n < SPLINTER_TOPIC_NAME_MAX; n += n < 20 ? 1 : 233) {
        memset(name, 'm', n);
        ck_assert_int_eq(splinter_topic_open(&topic, store, name, &options), 0);
        ck_assert_int_eq(publish(topic, NULL), 0);
        splinter_topic_close(topic);
        lengths++;
    }
    while (splinter_topic_walk(store, &cursor, met) == 1)
        found += !strncmp(met, name, strlen(met));
    ck_assert_int_eq(found, (int)lengths);
    ck_assert_uint_eq(walk_count(store, NULL), 0);
    end_store();
}
END_TEST

/* [C5] */
START_TEST(a_full_store_has_room_for_every_message)
{
    char key[32];
    int n = 0;
    splinter_topic *other;

    make_topic(_i);
    do
        snprintf(key, sizeof(key), "k%d", n++);
    while (!set(key, "v"));
    ck_assert_int_eq(n - 1, SLOTS - CAPACITY - 1);
    publish_up_to(3 * CAPACITY);
    ck_assert_uint_eq(stat_of(store).keys, SLOTS);
    ck_assert_uint_eq(walk_count(store, NULL), SLOTS - CAPACITY - 1);
    /* For another topic there is none, and nothing is left of it. */
    for (int i = 0; i < 3; i++) {
        struct splinter_topic_options options = {.struct_size = sizeof(options)};

        options.flags = SPLINTER_CREATE;
        options.capacity = 5;
        ck_assert_int_eq(splinter_topic_open(&other, store, "other", &options), -ENOSPC);
        if (i)
            said("other", " 6 ");
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        ck_assert_uint_eq(stat_of(store).keys, SLOTS - 1u - (unsigned)i);
    }
    end_topic();
}
END_TEST

START_TEST(a_removed_topic_is_gone_for_all)
{
    struct splinter_message m;
    splinter_topic *again, *reads;
    splinter_store *reader;
    uint64_t position = 1;
    char path[600], met[SPLINTER_TOPIC_NAME_MAX];

    make_topic(_i);
    publish_up_to(5);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(open_topic(&reads, reader, 0, 0, 0), 0);
    ck_assert_int_eq(read_one(reads, &position, &m), 0);
    ck_assert_int_eq(splinter_topic_remove(reader, "news"), -EROFS);
    ck_assert_int_eq(splinter_topic_remove(store, "news"), 0);
    ck_assert_int_eq(splinter_topic_remove(store, "news"), -ENOENT);
    ck_assert_uint_eq(stat_of(store).keys, 0);
    place_path(&place, path, sizeof(path));
    ck_assert(!raw_contains(path, "message "));
    ck_assert_int_eq(publish(topic, NULL), -EIDRM);
    ck_assert_int_eq(splinter_topic_publish(topic, "x", 1, NULL, NULL), -EIDRM);
    ck_assert_int_eq(read_one(topic, &position, &m), -EIDRM);
    ck_assert_int_eq(splinter_topic_wait(topic, &position, SPLINTER_FOREVER), -EIDRM);
    ck_assert_int_eq(read_one(reads, &position, &m), -EIDRM);
    position = 0;
    ck_assert_int_eq(splinter_topic_walk(store, &position, met), 0);
    /* Another one of the same name is another one. */
    ck_assert_int_eq(open_topic(&again, store, SPLINTER_CREATE, 2, 10), 0);
    ck_assert_int_eq(publish(again, &position), 0);
    ck_assert_uint_eq(position, 1);
    ck_assert_int_eq(publish(topic, NULL), -EIDRM);
    ck_assert_int_eq(read_one(reads, &position, &m), -EIDRM);
    splinter_topic_close(again);
    splinter_topic_close(reads);
    splinter_store_close(reader);
    end_topic();
}
END_TEST

/* [C5] A position that was written down does not lead into another topic of the same name. */
START_TEST(a_position_belongs_to_one_topic)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    struct splinter_message m;
    splinter_topic *again = NULL, *reads = NULL;
    splinter_store *reader;
    uint64_t position = 1, id;

    make_topic(_i);
    publish_up_to(3);
    id = topic_stat().id;
    ck_assert_uint_ne(id, 0);
    ck_assert_int_eq(read_one(topic, &position, &m), 0);
    ck_assert_uint_eq(m.topic, id);
    options.id = id;
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_topic_open(&reads, reader, "news", &options), 0);
    splinter_topic_close(reads);
    publish_up_to(20);
    ck_assert_int_eq(read_one(topic, &position, &m), -EOVERFLOW);
    ck_assert_uint_eq(m.topic, id);
    options.flags = SPLINTER_CREATE;
    ck_assert_int_eq(splinter_topic_open(&again, store, "news", &options), -EINVAL);
    options.flags = 0;
    ck_assert_int_eq(splinter_topic_remove(store, "news"), 0);
    ck_assert_int_eq(splinter_topic_open(&again, store, "news", &options), -EIDRM);
    said("news", "removed");
    splinter_topic_close(topic);
    ck_assert_int_eq(open_topic(&topic, store, SPLINTER_CREATE, CAPACITY, LONGEST), 0);
    ck_assert_uint_gt(topic_stat().id, id);
    ck_assert_int_eq(splinter_topic_open(&again, store, "news", &options), -EIDRM);
    said("news", "made again");
    ck_assert_int_eq(splinter_topic_open(&again, reader, "news", &options), -EIDRM);
    options.id = topic_stat().id;
    ck_assert_int_eq(splinter_topic_open(&again, store, "news", &options), 0);
    splinter_topic_close(again);
    splinter_store_close(reader);
    end_topic();
}
END_TEST

START_TEST(who_may_only_read_reads)
{
    struct splinter_message m;
    splinter_topic *reads = NULL;
    splinter_store *reader;
    uint64_t position = SPLINTER_TOPIC_OLDEST, next = SPLINTER_TOPIC_NEXT;

    make_store(_i, SLOTS, MAX_VALUE);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(open_topic(&reads, reader, 0, 0, 0), -ENOENT);
    ck_assert_int_eq(open_topic(&reads, reader, SPLINTER_CREATE, CAPACITY, 0), -EROFS);
    ck_assert_int_eq(open_topic(&topic, store, SPLINTER_CREATE, CAPACITY, LONGEST), 0);
    ck_assert_int_eq(open_topic(&reads, reader, SPLINTER_CREATE, CAPACITY, 0), 0);
    ck_assert_int_eq(splinter_topic_wait(reads, &next, 10), -ETIMEDOUT);
    publish_up_to(3 * CAPACITY);
    ck_assert_int_eq(splinter_topic_wait(reads, &next, SPLINTER_FOREVER), 0);
    for (uint64_t n = 2 * CAPACITY + 1; n <= 3 * CAPACITY; n++) {
        ck_assert_int_eq(read_one(reads, &position, &m), 0);
        ck_assert_uint_eq(m.number, n);
    }
    ck_assert_int_eq(splinter_topic_publish(reads, "x", 1, NULL, NULL), -EROFS);
    splinter_topic_close(reads);
    splinter_store_close(reader);
    end_topic();
}
END_TEST

/* ---- waits ---- */

static void *publish_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return publish(topic, NULL) ? (void *)1 : NULL;
}

static void *remove_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return splinter_topic_remove(store, "news") ? (void *)1 : NULL;
}

static void *interrupt_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return splinter_store_interrupt(store) ? (void *)1 : NULL;
}

static int wait_while(void *(*run)(void *), uint64_t *position)
{
    pthread_t thread;
    void *failed;
    int rc;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
    rc = splinter_topic_wait(topic, position, SPLINTER_FOREVER);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    return rc;
}

START_TEST(a_wait_ends_when_its_message_is_there)
{
    uint64_t position = SPLINTER_TOPIC_NEXT, begin;

    make_topic(_i);
    ck_assert_int_eq(wait_while(publish_soon, &position), 0);
    ck_assert_uint_eq(position, 1);
    publish_up_to(CAPACITY + 2);
    position = 1; /* it was replaced since */
    ck_assert_int_eq(splinter_topic_wait(topic, &position, 0), 0);
    position = CAPACITY + 3;
    begin = now_ns();
    ck_assert_int_eq(splinter_topic_wait(topic, &position, 50), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 48000000);
    ck_assert_int_eq(wait_while(publish_soon, &position), 0);
    position++;
    ck_assert_int_eq(wait_while(interrupt_soon, &position), -EINTR);
    ck_assert_int_eq(splinter_topic_wait(topic, &position, SPLINTER_FOREVER), -EINTR);
    ck_assert_int_eq(splinter_store_resume(store), 0);
    ck_assert_int_eq(wait_while(remove_soon, &position), -EIDRM);
    end_topic();
}
END_TEST

/* ---- copies, damage, races ---- */

START_TEST(a_snapshot_has_the_topic)
{
    struct place copy;
    struct splinter_message m;
    splinter_store *was = store;
    splinter_topic *there;
    uint64_t position = SPLINTER_TOPIC_OLDEST, number;

    make_topic(_i);
    was = store;
    publish_up_to(CAPACITY + 3);
    place_new(&copy, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, copy.name, 0), 0);
    store = place_again(&copy, 0);
    ck_assert_int_eq(check_store(store), 0);
    ck_assert_uint_eq(stat_of(store).keys, CAPACITY + 1);
    ck_assert_int_eq(open_topic(&there, store, 0, CAPACITY, LONGEST), 0);
    for (uint64_t n = 4; n <= CAPACITY + 3; n++) {
        ck_assert_int_eq(read_one(there, &position, &m), 0);
        ck_assert_uint_eq(m.number, n);
    }
    ck_assert_int_eq(publish(there, &number), 0);
    ck_assert_uint_eq(number, CAPACITY + 4);
    splinter_topic_close(there);
    place_end(&copy, store);
    store = was;
    end_topic();
}
END_TEST

/* Change the bytes of the topic's own key in the store, from `was` on, to `is`. */
static void patch(uint32_t was, uint32_t is)
{
    uint32_t words[2] = {was, LONGEST};
    char path[600];
    size_t size;
    uint8_t *bytes, *at;

    place_path(&place, path, sizeof(path));
    bytes = raw_read(path, &size);
    at = memmem(bytes, size, words, sizeof(words));
    ck_assert_ptr_nonnull(at);
    raw_patch(path, (uint64_t)(at - bytes), &is, sizeof(is));
    free(bytes);
}

/* [P7] */
START_TEST(a_topic_that_cannot_be_is_refused)
{
    const uint32_t wild[] = {0, SLOTS, UINT32_MAX};
    splinter_topic *t;

    make_topic(_i);
    publish_up_to(3);
    for (unsigned i = 0; i < 3; i++) {
        patch(i ? wild[i - 1] : CAPACITY, wild[i]);
        ck_assert_int_eq(open_topic(&t, store, SPLINTER_CREATE, CAPACITY, 0), -EBADMSG);
        said("news", "damaged");
        ck_assert_uint_eq(topic_stat().next, 4); /* a handle has its own copy */
    }
    ck_assert_int_eq(splinter_topic_remove(store, "news"), -EBADMSG);
    said("news", "only its name");
    ck_assert_int_eq(publish(topic, NULL), 0);
    ck_assert_int_eq(open_topic(&t, store, 0, 0, 0), -ENOENT);
    splinter_topic_close(topic);
    place_end(&place, store); /* what is left of it is no problem of the store */
}
END_TEST

#define OPENERS 4

START_TEST(openers_at_once_make_one_topic)
{
    pid_t pid[OPENERS];
    int *go;

    make_store(_i, SLOTS, MAX_VALUE);
    go = shared_memory(sizeof(*go));
    for (int i = 0; i < OPENERS; i++) {
        pid[i] = fork_child();
        if (!pid[i]) {
            splinter_store *own = place_again(&place, 0);
            splinter_topic *t;

            __atomic_fetch_add(go, 1, __ATOMIC_SEQ_CST);
            while (__atomic_load_n(go, __ATOMIC_SEQ_CST) < OPENERS)
                ;
            if (open_topic(&t, own, SPLINTER_CREATE, CAPACITY, LONGEST))
                _exit(1);
            _exit(splinter_topic_publish(t, "message", 7, NULL, NULL) ? 2 : 0);
        }
    }
    for (int i = 0; i < OPENERS; i++)
        ck_assert_int_eq(reap(pid[i]), 0);
    ck_assert_int_eq(open_topic(&topic, store, 0, CAPACITY, LONGEST), 0);
    ck_assert_uint_eq(topic_stat().next, OPENERS + 1);
    ck_assert_uint_eq(stat_of(store).keys, CAPACITY + 1);
    end_topic();
}
END_TEST

#define THREADS 3
#define EACH 2000

static void *publish_many(void *arg)
{
    uint64_t before = 0, number;

    for (unsigned i = 0; i < repeated(EACH); i++) {
        uint64_t text[2] = {(uintptr_t)arg, i};

        if (splinter_topic_publish(topic, text, sizeof(text), NULL, &number) || number <= before)
            return (void *)1;
        before = number;
    }
    return NULL;
}

/* [C5] */
START_TEST(all_readers_agree_on_one_order)
{
    static uint64_t text[2][THREADS * EACH][2];
    uint64_t all = THREADS * repeated(EACH), next[THREADS] = {0};
    pthread_t thread[THREADS];
    void *failed;

    make_store(_i, 2 * THREADS * EACH, MAX_VALUE);
    ck_assert_int_eq(open_topic(&topic, store, SPLINTER_CREATE, THREADS * EACH, LONGEST), 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, publish_many, (void *)i), 0);
    for (int reader = 0; reader < 2; reader++)
        for (uint64_t position = 1; position <= all;) {
            uint64_t n = position;
            int rc = splinter_topic_read(topic, &position, text[reader][n - 1], 16, NULL);

            if (rc == -EAGAIN)
                rc = splinter_topic_wait(topic, &position, 30000);
            ck_assert_int_eq(rc, 0);
        }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_int_eq(memcmp(text[0], text[1], all * 16), 0);
    for (uint64_t n = 0; n < all; n++) { /* each publisher's in its order, and none is missing */
        ck_assert_uint_lt(text[0][n][0], THREADS);
        ck_assert_uint_eq(text[0][n][1], next[text[0][n][0]]++);
    }
    end_topic();
}
END_TEST

TCase *topic_tests(void)
{
    TCase *tcase = group("topic", 120);

    ADD(messages_are_numbered_in_order_without_holes);
    ADD(an_overtaken_reader_is_told_how_many_messages_it_lost);
    ADD(a_reader_begins_where_it_wants);
    ADD(a_position_from_the_future_is_an_error);
    ADD(another_process_goes_on_from_a_position);
    ADD(a_buffer_that_is_too_small_is_not_touched);
    ADD(messages_of_every_length_come_back_whole);
    ADD(what_makes_no_sense_is_refused_with_a_reason);
    ADD(a_name_of_any_length_is_a_topic_of_its_own);
    ADD(a_full_store_has_room_for_every_message);
    ADD(a_removed_topic_is_gone_for_all);
    ADD(a_position_belongs_to_one_topic);
    ADD(who_may_only_read_reads);
    ADD(a_wait_ends_when_its_message_is_there);
    ADD(a_snapshot_has_the_topic);
    ADD(a_topic_that_cannot_be_is_refused);
    ADD(openers_at_once_make_one_topic);
    ADD(all_readers_agree_on_one_order);
    return tcase;
}
