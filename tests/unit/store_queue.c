/* SPDX-License-Identifier: Apache-2.0 */
/* store_queue.c - queues: order, workers that die or hang, tickets, a full queue, waits */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

#define CAPACITY 4
#define LONGEST 100
#define SOON_NS UINT64_C(20000000)

static splinter_queue *queue;

static int open_queue(splinter_queue **out, splinter_store *s, uint32_t flags, uint64_t capacity,
                      uint64_t longest)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.capacity = capacity;
    options.max_message = longest;
    return splinter_queue_open(out, s, "jobs", &options);
}

static void make_queue(int backing)
{
    make_store(backing, SLOTS, MAX_VALUE);
    ck_assert_int_eq(open_queue(&queue, store, SPLINTER_CREATE, CAPACITY, LONGEST), 0);
}

static void end_queue(void)
{
    splinter_queue_close(queue);
    end_store();
}

/* Job k says so, and has the type k. */
static int push(splinter_queue *q, unsigned k, uint64_t *number)
{
    struct splinter_publish_options options = {.struct_size = sizeof(options)};
    char text[LONGEST];

    options.type = k;
    snprintf(text, sizeof(text), "job %u", k);
    return splinter_queue_push(q, text, strlen(text), &options, 0, number);
}

static int take_for(splinter_queue *q, uint64_t limit_ns, uint64_t timeout_ms,
                    struct splinter_item *item)
{
    char text[LONGEST], want[LONGEST];
    int rc;

    *item = (struct splinter_item){.struct_size = sizeof(*item)};
    rc = splinter_queue_take(q, text, sizeof(text), limit_ns, timeout_ms, item);
    if (rc)
        return rc;
    snprintf(want, sizeof(want), "job %u", item->type);
    ck_assert_uint_eq(item->size, strlen(want));
    ck_assert_mem_eq(text, want, item->size);
    return 0;
}

static int take(splinter_queue *q, struct splinter_item *item)
{
    return take_for(q, 0, 0, item);
}

/* The next item is job k, handed out for the nth time. */
static struct splinter_item takes(splinter_queue *q, unsigned k, unsigned nth)
{
    struct splinter_item item;

    ck_assert_int_eq(take(q, &item), 0);
    ck_assert_uint_eq(item.type, k);
    ck_assert_uint_eq(item.delivery, nth);
    return item;
}

static void holds(uint64_t waiting, uint64_t taken)
{
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};

    ck_assert_int_eq(splinter_queue_stat(queue, &st), 0);
    ck_assert_uint_eq(st.waiting, waiting);
    ck_assert_uint_eq(st.taken, taken);
}

/* [C6] */
START_TEST(items_come_in_order_and_go_when_they_are_acknowledged)
{
    struct splinter_item item;
    uint64_t last = 0, number;

    make_queue(_i);
    ck_assert_int_eq(take(queue, &item), -ETIMEDOUT);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned k = 1; k <= 3; k++) {
            ck_assert_int_eq(push(queue, k, &number), 0);
            ck_assert_uint_gt(number, last);
            last = number;
        }
        for (unsigned k = 1; k <= 3; k++) {
            holds(4 - k, 0);
            item = takes(queue, k, 1);
            holds(3 - k, 1);
            ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
            ck_assert_int_eq(splinter_queue_ack(queue, &item), -ESTALE);
            ck_assert_int_eq(splinter_queue_nack(queue, &item), -ESTALE);
        }
        ck_assert_int_eq(take(queue, &item), -ETIMEDOUT);
        holds(0, 0);
    }
    ck_assert_uint_eq(stat_of(store).keys, CAPACITY + 1);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(an_item_that_is_given_back_is_handed_out_again)
{
    struct splinter_item first, second = {0}, item;
    unsigned came = 0;

    make_queue(_i);
    for (unsigned k = 1; k <= 3; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    first = takes(queue, 1, 1);
    ck_assert_int_eq(splinter_queue_nack(queue, &first), 0);
    ck_assert_int_eq(splinter_queue_nack(queue, &first), -ESTALE);
    holds(3, 0);
    for (unsigned i = 0; i < 3; i++) { /* when it comes back is not said */
        ck_assert_int_eq(take(queue, &item), 0);
        ck_assert_uint_eq(item.delivery, item.type == 1 ? 2 : 1);
        came |= 1u << item.type;
        if (item.number == first.number)
            second = item;
    }
    ck_assert_uint_eq(came, 14);
    ck_assert_int_eq(splinter_queue_ack(queue, &first), -ESTALE);
    ck_assert_int_eq(splinter_queue_ack(queue, &second), 0);
    holds(0, 2);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(a_dead_workers_items_go_to_the_next)
{
    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    ck_assert_int_eq(push(queue, 2, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        pid_t pid = fork_child();
        struct splinter_item item;

        if (!pid) {
            splinter_queue *q = queue; /* of the parent, or of its own */

            if (i && open_queue(&q, place_again(&place, 0), 0, 0, 0))
                _exit(1);
            if (take(q, &item) || item.type != 1 || item.delivery != i + 1)
                _exit(2);
            if (i == 2)
                raise(SIGKILL);
            _exit(0);
        }
        ck_assert_int_eq(reap(pid), i == 2 ? 1000 + SIGKILL : 0);
        holds(2, 0);
    }
    (void)takes(queue, 1, 4);
    (void)takes(queue, 2, 1);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(a_stopped_worker_keeps_its_item)
{
    struct splinter_item item;
    int told[2];
    char c;
    pid_t pid;

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    ck_assert_int_eq(pipe(told), 0);
    pid = fork_child();
    if (!pid) {
        if (take(queue, &item) || write(told[1], "x", 1) != 1)
            _exit(1);
        raise(SIGSTOP);
        _exit(splinter_queue_ack(queue, &item) ? 2 : 0);
    }
    ck_assert_int_eq(read(told[0], &c, 1), 1);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(take(queue, &item), -ETIMEDOUT);
        sleep_ms(1);
    }
    holds(0, 1);
    ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    ck_assert_int_eq(reap(pid), 0);
    holds(0, 0);
    close(told[0]);
    close(told[1]);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(a_closed_handle_gives_its_items_back)
{
    splinter_queue *other;
    splinter_store *worker;

    make_queue(_i);
    worker = place_again(&place, 0);
    ck_assert_int_eq(open_queue(&other, worker, 0, 0, 0), 0);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    (void)takes(other, 1, 1);
    holds(0, 1);
    splinter_queue_close(other);
    holds(0, 1); /* the store's handle has the item */
    splinter_store_close(worker);
    holds(1, 0);
    (void)takes(queue, 1, 2);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(a_limit_takes_the_item_from_a_worker_that_hangs)
{
    struct splinter_item first, second;

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    ck_assert_int_eq(take_for(queue, SOON_NS, 0, &first), 0);
    ck_assert_int_eq(take(queue, &second), -ETIMEDOUT);
    ck_assert_int_eq(take_for(queue, 0, SPLINTER_FOREVER, &second), 0);
    ck_assert_uint_eq(second.delivery, 2);
    ck_assert_int_eq(splinter_queue_ack(queue, &first), -ESTALE);
    ck_assert_int_eq(splinter_queue_ack(queue, &second), 0);
    /* If nobody has taken it meanwhile, the late worker is in time. */
    ck_assert_int_eq(push(queue, 2, NULL), 0);
    ck_assert_int_eq(take_for(queue, 1, 0, &first), 0);
    sleep_ms(2);
    holds(1, 0);
    ck_assert_int_eq(splinter_queue_ack(queue, &first), 0);
    holds(0, 0);
    end_queue();
}
END_TEST

/* [C6] */
START_TEST(a_full_queue_says_so_and_drops_nothing)
{
    struct splinter_item item;

    make_queue(_i);
    for (unsigned k = 1; k <= CAPACITY; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    ck_assert_int_eq(push(queue, 9, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_queue_push(queue, "x", 1, NULL, 20, NULL), -ETIMEDOUT);
    item = takes(queue, 1, 1);
    ck_assert_int_eq(push(queue, 9, NULL), -ETIMEDOUT); /* it is taken, and may come back */
    ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    ck_assert_int_eq(push(queue, 5, NULL), 0);
    for (unsigned k = 2; k <= CAPACITY + 1; k++)
        item = takes(queue, k, 1);
    ck_assert_int_eq(take(queue, &item), -ETIMEDOUT);
    end_queue();
}
END_TEST

/* One item that takes longer than all others holds nobody up, and its number is left out. */
START_TEST(a_slow_item_is_passed)
{
    struct splinter_item slow, item;
    uint64_t number, last = 0;

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    slow = takes(queue, 1, 1);
    for (unsigned k = 2; k < 8 * CAPACITY; k++) {
        ck_assert_int_eq(push(queue, k, &number), 0);
        ck_assert_uint_gt(number, last);
        ck_assert_uint_ne(number % CAPACITY, slow.number % CAPACITY);
        last = number;
        item = takes(queue, k, 1);
        ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    }
    ck_assert_int_eq(splinter_queue_nack(queue, &slow), 0);
    slow = takes(queue, 1, 2);
    for (unsigned k = 2; k <= CAPACITY; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    ck_assert_int_eq(push(queue, 9, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_queue_ack(queue, &slow), 0);
    ck_assert_int_eq(push(queue, 5, NULL), 0);
    for (unsigned k = 2; k <= CAPACITY + 1; k++)
        (void)takes(queue, k, 1);
    end_queue();
}
END_TEST

/* A handle that comes late, or was away for laps, finds all that is there. */
START_TEST(every_handle_finds_every_item)
{
    splinter_queue *late, *away;
    struct splinter_item slow, item;

    make_queue(_i);
    ck_assert_int_eq(open_queue(&away, store, 0, 0, 0), 0);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    slow = takes(away, 1, 1);
    for (unsigned k = 2; k < 5 * CAPACITY; k++) {
        ck_assert_int_eq(push(queue, k, NULL), 0);
        item = takes(queue, k, 1);
        ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    }
    ck_assert_int_eq(push(queue, 77, NULL), 0);
    ck_assert_int_eq(push(queue, 78, NULL), 0);
    ck_assert_int_eq(open_queue(&late, store, 0, 0, 0), 0);
    ck_assert_int_eq(splinter_queue_nack(late, &slow), 0);
    ck_assert_int_eq(take(late, &item), 0);
    ck_assert_int_eq(splinter_queue_nack(queue, &item), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(take(i % 2 ? away : late, &item), 0);
        ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    }
    ck_assert_int_eq(take(away, &item), -ETIMEDOUT);
    ck_assert_int_eq(take(late, &item), -ETIMEDOUT);
    ck_assert_int_eq(take(queue, &item), -ETIMEDOUT);
    holds(0, 0);
    splinter_queue_close(late);
    splinter_queue_close(away);
    end_queue();
}
END_TEST

START_TEST(a_buffer_that_is_too_small_takes_nothing)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    char text[8];

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1234, NULL), 0);
    for (unsigned i = 0; i < 2; i++) { /* when it is new, and when it has come back */
        ck_assert_int_eq(splinter_queue_take(queue, text, 7, 0, 0, &item), -EMSGSIZE);
        ck_assert_uint_eq(item.size, 8);
        ck_assert_uint_eq(item.number, 1);
        ck_assert_uint_eq(item.delivery, i);
        ck_assert_int_eq(splinter_queue_take(queue, NULL, 0, 0, 0, &item), -EMSGSIZE);
        holds(1, 0);
        ck_assert_int_eq(splinter_queue_take(queue, text, 8, 0, 0, &item), 0);
        ck_assert_mem_eq(text, "job 1234", 8);
        ck_assert_int_eq(splinter_queue_nack(queue, &item), 0);
    }
    end_queue();
}
END_TEST

START_TEST(items_of_every_length_come_back_whole)
{
    static unsigned char out[60000], in[60000];
    const unsigned lengths[] = {1, 7, 8, 55, 56, 57, 127, 128, 129, 250, 1000, 4000, 8000, 8200,
                                59960};
    splinter_queue *q;

    make_store(_i, SLOTS, sizeof(out));
    ck_assert_int_eq(open_queue(&q, store, SPLINTER_CREATE, 3, 0), 0);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            struct splinter_item item = {.struct_size = sizeof(item)};

            memset(out, (int)(i + round + 1), lengths[i]);
            ck_assert_int_eq(splinter_queue_push(q, out, lengths[i], NULL, 0, NULL), 0);
            for (unsigned k = 1; k <= round + 1; k++) {
                memset(in, 0, lengths[i]);
                ck_assert_int_eq(splinter_queue_take(q, in, sizeof(in), 0, 0, &item), 0);
                ck_assert_uint_eq(item.size, lengths[i]);
                ck_assert_uint_eq(item.delivery, k);
                ck_assert_int_eq(memcmp(in, out, lengths[i]), 0);
                ck_assert_int_eq(k <= round ? splinter_queue_nack(q, &item)
                                            : splinter_queue_ack(q, &item), 0);
            }
        }
    ck_assert_int_eq(splinter_queue_push(q, out, 59961, NULL, 0, NULL), -EMSGSIZE);
    splinter_queue_close(q);
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
    struct splinter_publish_options pushing = {.struct_size = sizeof(pushing)};
    struct splinter_item item = {.struct_size = sizeof(item)};
    struct splinter_item odd = {.struct_size = sizeof(size_t) - 1};
    struct splinter_queue_stat st = {.struct_size = sizeof(size_t) - 1};
    splinter_queue *q = NULL;
    splinter_topic *topic = NULL;
    char text[LONGEST + 1] = "", name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;

    make_queue(_i);
    ck_assert_int_eq(open_queue(&q, store, 0, CAPACITY + 1, 0), -EINVAL);
    said("queue 'jobs'", " 5 ");
    ck_assert_int_eq(open_queue(&q, store, 0, 0, LONGEST - 1), -EINVAL);
    said("item", " 99 ");
    ck_assert_int_eq(open_queue(&q, store, SPLINTER_CREATE | SPLINTER_EXCL, 0, 0), -EEXIST);
    ck_assert_int_eq(open_queue(&q, store, SPLINTER_RDONLY, 0, 0), -EINVAL);
    said("queue", "flags");
    ck_assert_int_eq(splinter_queue_open(&q, store, "other", NULL), -ENOENT);
    said("no queue", "other");
    options.flags = SPLINTER_CREATE;
    options.capacity = 2;
    options.max_message = MAX_VALUE - 39;
    ck_assert_int_eq(splinter_queue_open(&q, store, "other", &options), -EMSGSIZE);
    said(" 4057 ", " 4056");
    ck_assert_int_eq(splinter_topic_open(&topic, store, "jobs", NULL), -EPROTO);
    said("jobs", "no topic");
    ck_assert_int_eq(splinter_topic_remove(store, "jobs"), -EPROTO);
    options.max_message = 0;
    ck_assert_int_eq(splinter_topic_open(&topic, store, "news", &options), 0);
    ck_assert_int_eq(splinter_queue_open(&q, store, "news", NULL), -EPROTO);
    said("news", "no queue");
    ck_assert_int_eq(splinter_queue_remove(store, "news"), -EPROTO);
    ck_assert_int_eq(splinter_queue_walk(store, &cursor, name), 1);
    ck_assert_str_eq(name, "jobs");
    ck_assert_int_eq(splinter_queue_walk(store, &cursor, name), 0);
    cursor = 0;
    ck_assert_int_eq(splinter_topic_walk(store, &cursor, name), 1);
    ck_assert_str_eq(name, "news");
    splinter_topic_close(topic);
    ck_assert_int_eq(splinter_queue_open(&q, NULL, "jobs", NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_open(NULL, store, "jobs", NULL), -EINVAL);
    ck_assert_ptr_null(q);
    ck_assert_int_eq(splinter_queue_remove(NULL, "jobs"), -EINVAL);
    ck_assert_int_eq(splinter_queue_walk(store, NULL, name), -EINVAL);
    ck_assert_int_eq(splinter_queue_push(queue, text, LONGEST + 1, NULL, 0, NULL), -EMSGSIZE);
    said(" 101 ", " 100");
    ck_assert_int_eq(splinter_queue_push(queue, text, 0, NULL, 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_push(queue, NULL, 1, NULL, 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_push(NULL, text, 1, NULL, 0, NULL), -EINVAL);
    pushing.type = 65536;
    ck_assert_int_eq(splinter_queue_push(queue, text, 1, &pushing, 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_take(NULL, text, 1, 0, 0, &item), -EINVAL);
    ck_assert_int_eq(splinter_queue_take(queue, text, 1, 0, 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_take(queue, text, 1, 0, 0, &odd), -EINVAL);
    ck_assert_int_eq(splinter_queue_ack(NULL, &item), -EINVAL);
    ck_assert_int_eq(splinter_queue_ack(queue, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_ack(queue, &odd), -EINVAL);
    ck_assert_int_eq(splinter_queue_ack(queue, &item), -EINVAL); /* number 0 */
    item.number = 3;
    ck_assert_int_eq(splinter_queue_ack(queue, &item), -ESTALE);
    said("item 3", "jobs");
    item.number = UINT64_MAX;
    ck_assert_int_eq(splinter_queue_nack(queue, &item), -EINVAL);
    ck_assert_int_eq(splinter_queue_stat(queue, NULL), -EINVAL);
    ck_assert_int_eq(splinter_queue_stat(queue, &st), -EINVAL);
    ck_assert_int_eq(splinter_queue_stat(NULL, &st), -EINVAL);
    splinter_queue_close(NULL);
    holds(0, 0);
    end_queue();
}
END_TEST

START_TEST(a_removed_queue_is_gone_for_all)
{
    struct splinter_item item, other;
    splinter_queue *again;
    char path[600];

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    ck_assert_int_eq(push(queue, 2, NULL), 0);
    item = takes(queue, 1, 1);
    ck_assert_int_eq(splinter_queue_remove(store, "jobs"), 0);
    ck_assert_int_eq(splinter_queue_remove(store, "jobs"), -ENOENT);
    ck_assert_uint_eq(stat_of(store).keys, 0);
    place_path(&place, path, sizeof(path));
    ck_assert(!raw_contains(path, "job 1") && !raw_contains(path, "job 2"));
    ck_assert_int_eq(splinter_queue_ack(queue, &item), -EIDRM);
    ck_assert_int_eq(splinter_queue_nack(queue, &item), -EIDRM);
    ck_assert_int_eq(push(queue, 3, NULL), -EIDRM);
    ck_assert_int_eq(take(queue, &other), -EIDRM);
    ck_assert_int_eq(open_queue(&again, store, SPLINTER_CREATE, 2, 10), 0);
    ck_assert_int_eq(push(again, 1, NULL), 0);
    ck_assert_int_eq(take(queue, &other), -EIDRM);
    other = takes(again, 1, 1);
    /* It has the same number and delivery as the item of the queue that is gone. */
    ck_assert_int_eq(splinter_queue_ack(again, &item), -ESTALE);
    ck_assert_int_eq(splinter_queue_nack(again, &item), -ESTALE);
    ck_assert_int_eq(splinter_queue_ack(again, &other), 0);
    item.queue = 0;
    ck_assert_int_eq(splinter_queue_ack(again, &item), -ESTALE);
    splinter_queue_close(again);
    end_queue();
}
END_TEST

/* An item that was acknowledged leaves no byte behind. */
START_TEST(what_is_acknowledged_is_zeroed)
{
    struct splinter_item item;
    char path[600];

    make_queue(_i);
    ck_assert_int_eq(push(queue, 4711, NULL), 0);
    place_path(&place, path, sizeof(path));
    item = takes(queue, 4711, 1);
    ck_assert(raw_contains(path, "job 4711"));
    ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert(!raw_contains(path, "job 4711"));
    end_queue();
}
END_TEST

START_TEST(who_may_only_read_looks_on)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    splinter_queue *looks = NULL;
    splinter_store *reader;

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    item = takes(queue, 1, 1);
    ck_assert_int_eq(push(queue, 2, NULL), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_queue_open(&looks, reader, "jobs", NULL), 0);
    ck_assert_int_eq(push(looks, 1, NULL), -EROFS);
    ck_assert_int_eq(take(looks, &(struct splinter_item){0}), -EROFS);
    ck_assert_int_eq(splinter_queue_ack(looks, &item), -EROFS);
    ck_assert_int_eq(splinter_queue_nack(looks, &item), -EROFS);
    ck_assert_int_eq(splinter_queue_stat(looks, &st), 0);
    ck_assert_uint_eq(st.waiting, 1);
    ck_assert_uint_eq(st.taken, 1);
    ck_assert_uint_eq(st.capacity, CAPACITY);
    ck_assert_uint_eq(st.max_message, LONGEST);
    ck_assert_uint_eq(st.newest, 2);
    splinter_queue_close(looks);
    splinter_store_close(reader);
    end_queue();
}
END_TEST

/* ---- a snapshot ---- */

/* [C6] */
START_TEST(in_a_snapshot_nobody_has_an_item)
{
    struct place copy;
    splinter_store *was;
    splinter_queue *original;
    struct splinter_item item, mine;

    make_queue(_i);
    for (unsigned k = 1; k <= 3; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    mine = takes(queue, 1, 1);
    ck_assert_int_eq(splinter_queue_ack(queue, &mine), 0);
    mine = takes(queue, 2, 1);
    place_new(&copy, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, copy.name, 0), 0);
    was = store;
    original = queue;
    store = place_again(&copy, 0);
    ck_assert_int_eq(check_store(store), 0);
    ck_assert_int_eq(open_queue(&queue, store, 0, CAPACITY, LONGEST), 0);
    holds(2, 0);
    item = takes(queue, 2, 2);
    (void)takes(queue, 3, 1);
    ck_assert_int_eq(push(queue, 4, NULL), 0);
    ck_assert_int_eq(splinter_queue_ack(queue, &item), 0);
    splinter_queue_close(queue);
    place_end(&copy, store);
    store = was;
    queue = original;
    holds(1, 1);
    ck_assert_int_eq(splinter_queue_ack(queue, &mine), 0);
    end_queue();
}
END_TEST

/* ---- waits ---- */

static void *push_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return push(queue, 1, NULL) ? (void *)1 : NULL;
}

static void *give_back_soon(void *arg)
{
    sleep_ms(40);
    return splinter_queue_nack(queue, arg) ? (void *)1 : NULL;
}

static void *acknowledge_soon(void *arg)
{
    sleep_ms(40);
    return splinter_queue_ack(queue, arg) ? (void *)1 : NULL;
}

static void *interrupt_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return splinter_store_interrupt(store) ? (void *)1 : NULL;
}

static void *remove_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return splinter_queue_remove(store, "jobs") ? (void *)1 : NULL;
}

/* A push of job 0, or a take, that waits while the thread runs. */
static int wait_while(bool pushes, void *(*run)(void *), void *arg, struct splinter_item *item)
{
    pthread_t thread;
    void *failed;
    int rc;

    ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
    rc = pushes ? splinter_queue_push(queue, "job 0", 5, NULL, SPLINTER_FOREVER, NULL)
                : take_for(queue, 0, SPLINTER_FOREVER, item);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    return rc;
}

START_TEST(a_wait_ends_when_there_is_an_item_or_room)
{
    struct splinter_item item, other;
    uint64_t begin;

    make_queue(_i);
    ck_assert_int_eq(wait_while(false, push_soon, NULL, &item), 0);
    ck_assert_int_eq(wait_while(false, give_back_soon, &item, &other), 0);
    ck_assert_uint_eq(other.number, item.number);
    ck_assert_uint_eq(other.delivery, 2);
    for (unsigned k = 2; k <= CAPACITY; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    begin = now_ns();
    ck_assert_int_eq(splinter_queue_push(queue, "x", 1, NULL, 50, NULL), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 48000000);
    ck_assert_int_eq(wait_while(true, acknowledge_soon, &other, NULL), 0);
    for (unsigned k = 2; k <= CAPACITY; k++)
        item = takes(queue, k, 1);
    ck_assert_int_eq(take_for(queue, 0, 0, &other), 0);
    begin = now_ns();
    ck_assert_int_eq(take_for(queue, 0, 50, &other), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 48000000);
    /* Room that is made elsewhere than where the next number has its turn. */
    ck_assert_int_eq(wait_while(true, acknowledge_soon, &item, NULL), 0);
    end_queue();
}
END_TEST

START_TEST(a_wait_can_be_ended)
{
    struct splinter_item item;

    make_queue(_i);
    ck_assert_int_eq(wait_while(false, interrupt_soon, NULL, &item), -EINTR);
    ck_assert_int_eq(splinter_store_resume(store), 0);
    for (unsigned k = 1; k <= CAPACITY; k++)
        ck_assert_int_eq(push(queue, k, NULL), 0);
    ck_assert_int_eq(wait_while(true, interrupt_soon, NULL, NULL), -EINTR);
    ck_assert_int_eq(splinter_store_resume(store), 0);
    ck_assert_int_eq(wait_while(true, remove_soon, NULL, NULL), -EIDRM);
    splinter_queue_close(queue);
    ck_assert_int_eq(open_queue(&queue, store, SPLINTER_CREATE, CAPACITY, LONGEST), 0);
    ck_assert_int_eq(wait_while(false, remove_soon, NULL, &item), -EIDRM);
    end_queue();
}
END_TEST

START_TEST(a_waiting_worker_gets_what_a_dead_one_had)
{
    struct splinter_item item;
    int told[2];
    char c;
    pid_t pid;

    make_queue(_i);
    ck_assert_int_eq(push(queue, 1, NULL), 0);
    ck_assert_int_eq(pipe(told), 0);
    pid = fork_child();
    if (!pid) {
        if (take(queue, &item) || write(told[1], "x", 1) != 1)
            _exit(1);
        sleep_ms(60);
        raise(SIGKILL);
    }
    ck_assert_int_eq(read(told[0], &c, 1), 1);
    ck_assert_int_eq(take_for(queue, 0, SPLINTER_FOREVER, &item), 0);
    ck_assert_uint_eq(item.delivery, 2);
    ck_assert_int_eq(reap(pid), 1000 + SIGKILL);
    close(told[0]);
    close(told[1]);
    end_queue();
}
END_TEST

TCase *queue_tests(void)
{
    TCase *tcase = group("queue", 120);

    ADD(items_come_in_order_and_go_when_they_are_acknowledged);
    ADD(an_item_that_is_given_back_is_handed_out_again);
    ADD(a_dead_workers_items_go_to_the_next);
    ADD(a_stopped_worker_keeps_its_item);
    ADD(a_closed_handle_gives_its_items_back);
    ADD(a_limit_takes_the_item_from_a_worker_that_hangs);
    ADD(a_full_queue_says_so_and_drops_nothing);
    ADD(a_slow_item_is_passed);
    ADD(every_handle_finds_every_item);
    ADD(a_buffer_that_is_too_small_takes_nothing);
    ADD(items_of_every_length_come_back_whole);
    ADD(what_makes_no_sense_is_refused_with_a_reason);
    ADD(a_removed_queue_is_gone_for_all);
    ADD(what_is_acknowledged_is_zeroed);
    ADD(who_may_only_read_looks_on);
    ADD(in_a_snapshot_nobody_has_an_item);
    ADD(a_wait_ends_when_there_is_an_item_or_room);
    ADD(a_wait_can_be_ended);
    ADD(a_waiting_worker_gets_what_a_dead_one_had);
    return tcase;
}
