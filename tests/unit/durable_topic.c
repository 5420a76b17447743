/* SPDX-License-Identifier: Apache-2.0 */
/* durable_topic.c - what a power cut leaves of a topic */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "durable.h"

#define CAPACITY 8

static splinter_topic *open_topic(splinter_store *s)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};
    splinter_topic *t;
    int rc;

    options.flags = SPLINTER_CREATE;
    options.capacity = CAPACITY;
    rc = splinter_topic_open(&t, s, "news", &options);
    ck_assert_msg(!rc, "%s", splinter_last_error());
    return t;
}

static void publish_up_to(splinter_topic *t, uint64_t n, uint64_t last)
{
    for (; n <= last; n++) {
        char text[32];
        uint64_t number;

        snprintf(text, sizeof(text), "message %05u", (unsigned)n);
        ck_assert_int_eq(splinter_topic_publish(t, text, strlen(text), NULL, &number), 0);
        ck_assert_uint_eq(number, n);
    }
}

/* Messages from `n` to `last` are there, but for `missing`. */
static void has_all_but(splinter_topic *t, uint64_t n, uint64_t missing, uint64_t last)
{
    uint64_t position = n;

    while (n <= last) {
        struct splinter_message m = {.struct_size = sizeof(m)};
        char text[32], want[32];
        int rc = splinter_topic_read(t, &position, text, sizeof(text), &m);

        snprintf(want, sizeof(want), "message %05u", (unsigned)n);
        if (n++ == missing) {
            ck_assert_int_eq(rc, -EOVERFLOW);
            ck_assert_uint_eq(m.lost, 1);
        } else {
            ck_assert_int_eq(rc, 0);
            ck_assert_mem_eq(text, want, strlen(want));
        }
        ck_assert_uint_eq(position, n);
    }
    ck_assert_int_eq(splinter_topic_read(t, &position, NULL, 0, NULL), -EAGAIN);
}

/* [C5] The damaged message was in its key alone, or the key was there before, as a sync knows. */
START_TEST(what_a_power_cut_took_is_lost_for_all)
{
    struct place copy;
    splinter_store *s;
    splinter_topic *t;

    make_store();
    t = open_topic(store);
    if (_i)
        ck_assert_int_eq(splinter_store_sync(store), 0);
    publish_up_to(t, 1, CAPACITY);
    copy_to(place.name, &copy);
    raw_patch(copy.name, offset_in(copy.name, "message 00005"), "M", 1);
    s = place_again(&copy, SPLINTER_RDONLY);
    splinter_topic_close(t);
    t = open_topic(s);
    has_all_but(t, 1, 5, CAPACITY);
    splinter_topic_close(t);
    splinter_store_close(s);
    s = place_again(&copy, 0);
    t = open_topic(s);
    has_all_but(t, 1, 5, CAPACITY);
    ck_assert_uint_eq(stat_of(s).keys, CAPACITY + 1);
    publish_up_to(t, CAPACITY + 1, CAPACITY + 3);
    has_all_but(t, 4, 5, CAPACITY + 3);
    publish_up_to(t, CAPACITY + 4, 3 * CAPACITY);
    has_all_but(t, 2 * CAPACITY + 1, 0, 3 * CAPACITY);
    ck_assert_int_eq(check_store(s), 0);
    splinter_topic_close(t);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(a_topic_goes_on_after_a_power_cut)
{
    struct place copy;
    splinter_store *s;
    splinter_topic *t;

    make_store();
    t = open_topic(store);
    publish_up_to(t, 1, 11);
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    splinter_topic_close(t);
    t = open_topic(s);
    has_all_but(t, 4, 0, 11);
    publish_up_to(t, 12, 13);
    splinter_topic_close(t);
    splinter_store_close(s);
    ck_assert_int_eq(splinter_topic_remove(store, "news"), 0);
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    ck_assert_uint_le(stat_of(s).keys, 1); /* the last step may be undone; an open does it again */
    ck_assert_int_eq(splinter_topic_open(&t, s, "news", NULL), -ENOENT);
    ck_assert_uint_eq(stat_of(s).keys, 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

TCase *durable_topic_tests(void)
{
    TCase *tcase = group("topic", 60);

    tcase_add_loop_test(tcase, what_a_power_cut_took_is_lost_for_all, 0, 2);
    tcase_add_test(tcase, a_topic_goes_on_after_a_power_cut);
    return tcase;
}
