/* SPDX-License-Identifier: Apache-2.0 */
/* store_feed.c - feeds: what they tell, in which order, and what they say when they cannot */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "store.h"

#define FEED 256

static void make_feed(int backing, size_t feed)
{
    place_feed = feed;
    make_store(backing, SLOTS, MAX_VALUE);
    place_feed = 0;
}

static splinter_feed *feed_with(splinter_store *s, uint32_t flags, const char *prefix,
                                const struct splinter_feed_position *from)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o), .flags = flags, .prefix = prefix};
    splinter_feed *feed = NULL;

    if (from)
        o.from = *from;
    ck_assert_msg(!splinter_feed_open(&feed, s, &o), "%s", splinter_last_error());
    return feed;
}

static struct splinter_event next_of(splinter_feed *feed)
{
    struct splinter_event e = {.struct_size = sizeof(e)};

    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, 0), 0);
    ck_assert_uint_eq(e.struct_size, sizeof(e));
    return e;
}

static void tells(splinter_feed *feed, uint32_t what, const char *key)
{
    struct splinter_event e = next_of(feed);

    ck_assert_msg(e.what == what && !strcmp(e.key, key), "it tells %u of '%s', not %u of '%s'",
                  (unsigned)e.what, e.key, (unsigned)what, key);
}

static void is_silent(splinter_feed *feed)
{
    struct splinter_event e = {.struct_size = sizeof(e)};

    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, 0), -ETIMEDOUT);
}

static struct splinter_feed_position position_of(const splinter_feed *feed)
{
    struct splinter_feed_position at;

    ck_assert_int_eq(splinter_feed_position(feed, &at), 0);
    return at;
}

/* Where a feed of the store would begin now. */
static struct splinter_feed_position position_now(void)
{
    splinter_feed *feed = feed_with(store, 0, NULL, NULL);
    struct splinter_feed_position at = position_of(feed);

    splinter_feed_close(feed);
    return at;
}

/* [P10] */
START_TEST(a_feed_tells_each_change_in_order)
{
    splinter_feed *feed;
    uint64_t epoch, first;

    make_feed(_i, FEED);
    ck_assert_int_eq(set("before", "v"), 0);
    feed = feed_with(store, 0, NULL, NULL);
    is_silent(feed);
    first = stat_of(store).feed_number;
    ck_assert_int_eq(set_with("a", "1", 0, 0, 0, &epoch), 0);
    ck_assert_int_eq(set_typed("a", "22", 2, 777), 0);
    ck_assert_int_eq(splinter_store_append(store, "a", "3", 1, NULL), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 1, NULL), 0);
    ck_assert_int_eq(splinter_store_touch(store, "a", NULL), 0);
    ck_assert_int_eq(splinter_store_unset(store, "a", 0, NULL), 0);
    ck_assert_int_eq(set("a", "again"), 0);
    for (unsigned i = 1; i <= 7; i++) {
        struct splinter_event e = next_of(feed);

        ck_assert_uint_eq(e.number, first + i);
        ck_assert_uint_eq(e.flags, 0);
        ck_assert_str_eq(e.key, i == 4 ? "n" : "a");
        ck_assert_uint_eq(e.what, i == 6 ? SPLINTER_EVENT_UNSET : SPLINTER_EVENT_SET);
        ck_assert_uint_eq(e.revision, i == 4 || i == 7 ? 1 : i < 4 ? i : 4);
        ck_assert_uint_eq(e.type, i == 1 || i == 7 ? 0 : i == 4 ? SPLINTER_TYPE_INT64 : 777);
        if (i == 1)
            ck_assert_uint_eq(e.epoch, epoch);
        ck_assert_uint_eq(e.value_size, 0);
    }
    is_silent(feed);
    ck_assert_uint_eq(stat_of(store).feed, FEED);
    ck_assert_uint_eq(stat_of(store).feed_number, first + 7);
    splinter_feed_close(feed);
    ck_assert_uint_eq(account_of(store), 0);
    end_store();
}
END_TEST

/* [P10] */
START_TEST(a_change_that_was_not_made_is_not_told)
{
    splinter_feed *feed;
    uint64_t epoch;

    make_feed(_i, FEED);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &epoch), 0);
    feed = feed_with(store, 0, NULL, NULL);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_ABSENT, 0, 0, NULL), -EEXIST);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_EPOCH, epoch + 9, 0, NULL), -ESTALE);
    ck_assert_int_eq(splinter_store_unset(store, "none", 0, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_unset(store, "k", epoch + 9, NULL), -ESTALE);
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* [P10] What a key says of itself, to the byte; on both sides of each line of a ring. */
START_TEST(keys_of_all_lengths_are_told_whole)
{
    char key[SPLINTER_KEY_MAX] = "";
    splinter_feed *feed;

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    for (unsigned len = 1; len < SPLINTER_KEY_MAX; len++) {
        key[len - 1] = (char)('a' + len % 26);
        ck_assert_int_eq(set(key, "v"), 0);
        tells(feed, SPLINTER_EVENT_SET, key);
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        tells(feed, SPLINTER_EVENT_UNSET, key);
    }
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

START_TEST(a_value_is_given_if_it_is_still_there)
{
    struct splinter_event e = {.struct_size = sizeof(e)};
    splinter_feed *feed;
    char buf[8];

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    ck_assert_int_eq(set("a", "old"), 0);
    ck_assert_int_eq(set("a", "new"), 0);
    ck_assert_int_eq(set("b", "longer than 8"), 0);
    ck_assert_int_eq(set("c", "gone"), 0);
    ck_assert_int_eq(splinter_store_unset(store, "c", 0, NULL), 0);
    for (unsigned i = 0; i < 5; i++) {
        static const uint32_t flags[] = {0, SPLINTER_EVENT_VALUE, 0, 0, 0};
        static const uint64_t size[] = {0, 3, 13, 0, 0};

        ck_assert_int_eq(splinter_feed_next(feed, &e, buf, sizeof(buf), 0), 0);
        ck_assert_uint_eq(e.flags, flags[i]);
        ck_assert_uint_eq(e.value_size, size[i]);
        if (flags[i])
            ck_assert_mem_eq(buf, "new", 3);
    }
    splinter_feed_close(feed);
    end_store();
}
END_TEST

START_TEST(a_prefix_chooses)
{
    splinter_feed *feed;

    make_feed(_i, FEED);
    ck_assert_int_eq(set("task/0", "v"), 0);
    ck_assert_int_eq(set("other", "v"), 0);
    feed = feed_with(store, SPLINTER_FEED_STATE, "task/", NULL);
    ck_assert_int_eq(set("task", "v"), 0);
    ck_assert_int_eq(set("task/1", "v"), 0);
    for (unsigned i = 0; i < 2; i++) /* the state, in any order */
        ck_assert_mem_eq(next_of(feed).key, "task/", 5);
    tells(feed, SPLINTER_EVENT_READY, "");
    tells(feed, SPLINTER_EVENT_SET, "task/1"); /* the change */
    is_silent(feed);
    ck_assert_uint_eq(position_of(feed).number, stat_of(store).feed_number);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* However much else has changed, a call that does not wait finds it. */
START_TEST(a_rare_prefix_is_not_overlooked)
{
    splinter_feed *feed;

    if (sizeof(void *) < 8) /* a ring has at most 256 changes there */
        return;
    make_feed(_i, 4096);
    feed = feed_with(store, 0, "rare", NULL);
    for (unsigned i = 0; i < 2500; i++)
        ck_assert_int_eq(set("common", "v"), 0);
    ck_assert_int_eq(set("rare", "v"), 0);
    tells(feed, SPLINTER_EVENT_SET, "rare");
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* [P10] */
START_TEST(the_end_of_a_life_is_told)
{
    splinter_feed *feed;

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 1, NULL), 0);
    ck_assert_int_eq(splinter_store_sweep(store), 1);
    tells(feed, SPLINTER_EVENT_SET, "k");
    tells(feed, SPLINTER_EVENT_EXPIRED, "k");
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* Sets a key that soon expires and an ephemeral one, and dies when it is told to. */
static pid_t start_mortal(void)
{
    pid_t pid = fork_bound_child();

    if (!pid) {
        struct splinter_set_options brief = {.struct_size = sizeof(brief), .ttl_ns = 20000000};
        struct splinter_set_options owned = {.struct_size = sizeof(owned),
                                             .flags = SPLINTER_EPHEMERAL};
        splinter_store *own = place_again(&place, 0);

        if (splinter_store_set(own, "brief", "v", 1, &brief, NULL) ||
            splinter_store_set(own, "owned", "v", 1, &owned, NULL))
            _exit(1);
        for (;;)
            pause();
    }
    return pid;
}

/* [P10] Nobody else is there to clean up. */
START_TEST(ends_are_told_through_a_handle_that_has_changed_nothing)
{
    unsigned set = 0, expired = 0, gone = 0;
    splinter_feed *feed;
    pid_t pid;

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    pid = start_mortal();
    while (set + expired + gone < 4) {
        struct splinter_event e = {.struct_size = sizeof(e)};

        ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, 30000), 0);
        set += e.what == SPLINTER_EVENT_SET;
        expired += e.what == SPLINTER_EVENT_EXPIRED && !strcmp(e.key, "brief");
        gone += e.what == SPLINTER_EVENT_OWNER_GONE && !strcmp(e.key, "owned");
        if (e.what == SPLINTER_EVENT_SET && !strcmp(e.key, "owned")) {
            kill(pid, SIGKILL);
            reap(pid);
        }
    }
    ck_assert_uint_eq(expired, 1);
    ck_assert_uint_eq(gone, 1);
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* [P10] */
START_TEST(what_was_overwritten_is_a_gap)
{
    struct splinter_feed_position start;
    splinter_feed *feed, *state;
    struct splinter_event e;
    unsigned told = 0;

    make_feed(_i, 64);
    feed = feed_with(store, 0, NULL, NULL);
    start = position_of(feed);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(set(i % 2 ? "odd" : "even", "v"), 0);
    e = next_of(feed);
    ck_assert_uint_eq(e.what, SPLINTER_EVENT_GAP);
    ck_assert_uint_eq(e.first, start.number + 1);
    ck_assert_uint_ge(e.number, start.number + 36);
    for (uint64_t n = e.number; n < stat_of(store).feed_number; told++)
        ck_assert_uint_eq(next_of(feed).number, ++n);
    ck_assert_uint_ge(told, 60);
    is_silent(feed);
    splinter_feed_close(feed);

    state = feed_with(store, SPLINTER_FEED_STATE | SPLINTER_FEED_FROM, NULL, &start);
    ck_assert_uint_eq(next_of(state).what, SPLINTER_EVENT_GAP);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(position_of(state).number, 0); /* the state is not complete */
        e = next_of(state);
        ck_assert_uint_eq(e.what, SPLINTER_EVENT_SET);
        ck_assert_uint_eq(e.flags, SPLINTER_EVENT_STATE);
        ck_assert_uint_eq(e.revision, 50);
    }
    tells(state, SPLINTER_EVENT_READY, "");
    is_silent(state);
    splinter_feed_close(state);
    end_store();
}
END_TEST

/* [P10] */
START_TEST(another_process_goes_on_at_a_position)
{
    struct splinter_feed_position at;
    splinter_feed *feed;
    pid_t pid;

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    ck_assert_int_eq(set("a", "v"), 0);
    tells(feed, SPLINTER_EVENT_SET, "a");
    at = position_of(feed);
    splinter_feed_close(feed);
    ck_assert_int_eq(set("b", "v"), 0);
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s = place_again(&place, SPLINTER_RDONLY);

        feed = feed_with(s, SPLINTER_FEED_FROM, NULL, &at);
        tells(feed, SPLINTER_EVENT_SET, "b");
        is_silent(feed);
        splinter_feed_close(feed);
        splinter_store_close(s);
        _exit(0);
    }
    ck_assert_int_eq(reap(pid), 0);
    end_store();
}
END_TEST

/* [P10] Each writer has a ring of its own; one that comes later has none yet. */
START_TEST(changes_of_many_writers_come_in_one_order)
{
    splinter_store *writer[5];
    struct splinter_event e;
    splinter_feed *feed;
    uint64_t epoch = 0;
    char key[8];

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    for (unsigned i = 0; i < 5; i++)
        writer[i] = place_again(&place, 0);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(key, sizeof(key), "k%u", i % 3);
        ck_assert_int_eq(splinter_store_set(writer[i * 7 % 5], key, "v", 1, NULL, NULL), 0);
        if (i % 10 == 9)
            for (unsigned n = 0; n < 10; n++) {
                e = next_of(feed);
                ck_assert_uint_gt(e.epoch, epoch);
                epoch = e.epoch;
            }
    }
    is_silent(feed);
    for (unsigned i = 0; i < 5; i++)
        splinter_store_close(writer[i]);
    splinter_feed_close(feed);
    ck_assert_uint_eq(account_of(store), 0);
    end_store();
}
END_TEST

static void *set_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    return set("late", "v") ? (void *)1 : NULL;
}

static void *interrupt_soon(void *arg)
{
    (void)arg;
    sleep_ms(40);
    splinter_store_interrupt(store);
    return NULL;
}

START_TEST(a_follower_sleeps_until_something_happens)
{
    struct splinter_event e = {.struct_size = sizeof(e)};
    splinter_feed *feed;
    pthread_t thread;
    void *failed;

    make_feed(_i, FEED);
    feed = feed_with(store, 0, NULL, NULL);
    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, 20), -ETIMEDOUT);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_soon, NULL), 0);
    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, SPLINTER_FOREVER), 0);
    ck_assert_str_eq(e.key, "late");
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, SPLINTER_FOREVER), -EINTR);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_int_eq(splinter_store_resume(store), 0);
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

START_TEST(what_a_feed_refuses)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o)};
    char prefix[SPLINTER_KEY_MAX + 1];
    struct splinter_feed_position at;
    splinter_feed *feed;
    struct place other;
    splinter_store *s;

    make_feed(_i, FEED);
    ck_assert_int_eq(set("k", "v"), 0);
    at = position_now();
    o.flags = 8;
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -EINVAL);
    ck_assert_ptr_null(feed);
    ck_assert_int_eq(splinter_feed_open(NULL, store, NULL), -EINVAL);
    ck_assert_int_eq(splinter_feed_open(&feed, NULL, NULL), -EINVAL);
    o.flags = 0;
    o.reserved = 1;
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -EINVAL);
    o.reserved = 0;
    o.flags = SPLINTER_FEED_FROM;
    o.from = at;
    o.from.number++;
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -ERANGE);
    o.from = at;
    o.from.store += UINT64_C(1) << 32;
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -ESTALE);
    memset(prefix, 'p', sizeof(prefix));
    prefix[SPLINTER_KEY_MAX] = '\0';
    o.flags = 0;
    o.prefix = prefix;
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -ENAMETOOLONG);
    prefix[SPLINTER_KEY_MAX - 1] = '\0';
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), 0);
    is_silent(feed);
    splinter_feed_close(feed);
    splinter_feed_close(NULL);
    ck_assert_int_eq(splinter_feed_position(NULL, &at), -EINVAL);

    s = place_make(&other, _i, SLOTS, MAX_VALUE); /* without one */
    ck_assert_int_eq(splinter_feed_open(&feed, s, NULL), -EOPNOTSUPP);
    ck_assert_uint_eq(stat_of(s).feed, 0);
    place_end(&other, s);
    end_store();
}
END_TEST

START_TEST(a_feed_has_a_size)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_ANONYMOUS,
                                      .slots = 1, .max_value = 1};
    static const size_t asked[] = {1, 64, 65, 256}, given[] = {64, 64, 128, 256};

    for (unsigned i = 0; i < 4; i++) {
        o.feed = asked[i];
        ck_assert_int_eq(splinter_store_open(&store, NULL, &o), 0);
        ck_assert_uint_eq(stat_of(store).feed, given[i]);
        splinter_store_close(store);
    }
    o.feed = 65537;
    ck_assert_int_eq(splinter_store_open(&store, NULL, &o), -EINVAL);
    ck_assert_ptr_nonnull(strstr(splinter_last_error(), "65537"));
}
END_TEST

/* [P10] A position of the store says nothing of its snapshot, which has a feed of its own. */
START_TEST(a_snapshot_has_a_feed_of_its_own)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o), .flags = SPLINTER_FEED_FROM};
    splinter_feed *feed;
    struct place to;
    splinter_store *s;

    make_feed(_i, FEED);
    ck_assert_int_eq(set("k", "v"), 0);
    o.from = position_now();
    place_new(&to, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), 0);
    s = place_again(&to, 0);
    ck_assert_uint_eq(stat_of(s).feed, FEED);
    ck_assert_int_eq(splinter_feed_open(&feed, s, &o), -ESTALE);
    ck_assert_uint_eq(account_of(s), 0);
    place_end(&to, s);
    end_store();
}
END_TEST

/* [P10] Of a file: all handles are closed, and it is opened again. */
START_TEST(a_position_outlives_the_handles)
{
    struct splinter_feed_position at;
    splinter_feed *feed;

    if (_i == BACKING_MEMFD) /* gone with its last handle */
        return;
    make_feed(_i, FEED);
    at = position_now();
    ck_assert_int_eq(set("a", "v"), 0);
    splinter_store_close(store);
    store = place_again(&place, 0);
    ck_assert_int_eq(set("b", "v"), 0);
    feed = feed_with(store, SPLINTER_FEED_FROM, NULL, &at);
    tells(feed, SPLINTER_EVENT_SET, "a");
    tells(feed, SPLINTER_EVENT_SET, "b");
    is_silent(feed);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* [P10] A rebuild gives numbers that nobody had; the rings are empty. */
START_TEST(a_rebuild_is_a_gap)
{
    struct splinter_open_options o = {.struct_size = sizeof(o),
                                      .flags = SPLINTER_FILE | SPLINTER_REBUILD};
    struct splinter_feed_position at;
    struct splinter_event e;
    splinter_feed *feed;

    make_feed(BACKING_FILE, FEED);
    ck_assert_int_eq(set("a", "v"), 0);
    at = position_now();
    splinter_store_close(store);
    ck_assert_int_eq(splinter_store_open(&store, place.name, &o), 0);
    ck_assert_int_eq(set("b", "v"), 0);
    feed = feed_with(store, SPLINTER_FEED_FROM, NULL, &at);
    e = next_of(feed);
    ck_assert_uint_eq(e.what, SPLINTER_EVENT_GAP);
    ck_assert_uint_gt(e.number, at.number);
    tells(feed, SPLINTER_EVENT_SET, "b");
    is_silent(feed);
    splinter_feed_close(feed);
    ck_assert_uint_eq(account_of(store), 0);
    end_store();
}
END_TEST

TCase *feed_tests(void)
{
    TCase *tcase = group("feed", 60);

    ADD(a_feed_tells_each_change_in_order);
    ADD(a_change_that_was_not_made_is_not_told);
    ADD(keys_of_all_lengths_are_told_whole);
    ADD(a_value_is_given_if_it_is_still_there);
    ADD(a_prefix_chooses);
    ADD(a_rare_prefix_is_not_overlooked);
    ADD(the_end_of_a_life_is_told);
    ADD(ends_are_told_through_a_handle_that_has_changed_nothing);
    ADD(what_was_overwritten_is_a_gap);
    ADD(another_process_goes_on_at_a_position);
    ADD(changes_of_many_writers_come_in_one_order);
    ADD(a_follower_sleeps_until_something_happens);
    ADD(what_a_feed_refuses);
    tcase_add_test(tcase, a_feed_has_a_size);
    ADD(a_snapshot_has_a_feed_of_its_own);
    ADD(a_position_outlives_the_handles);
    tcase_add_test(tcase, a_rebuild_is_a_gap);
    return tcase;
}
