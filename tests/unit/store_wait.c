/* SPDX-License-Identifier: Apache-2.0 */
/* store_wait.c - waits, and what wakes them */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "store.h"

START_TEST(a_wait_for_what_is_there_returns_at_once)
{
    uint64_t one, two, got = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &one), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, SPLINTER_FOREVER, &got), 0);
    ck_assert_uint_eq(got, one);
    ck_assert_int_eq(set_with("k", "w", 0, 0, 0, &two), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", one, SPLINTER_FOREVER, &got), 0);
    ck_assert_uint_eq(got, two);
    ck_assert_int_eq(splinter_store_wait(store, "k", two, 0, &got), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "k", two, 20, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "absent", 0, 20, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "absent", two, SPLINTER_FOREVER, NULL), -ENOENT);
    end_store();
}
END_TEST

START_TEST(a_timeout_is_not_cut_short)
{
    uint64_t epoch, begin;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &epoch), 0);
    begin = now_ns();
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, 50, NULL), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 49000000);
    epoch = stat_of(store).epoch;
    begin = now_ns();
    while (!splinter_store_wait_any(store, epoch, 50, &epoch))
        ;
    ck_assert_uint_ge(now_ns() - begin, 49000000);
    end_store();
}
END_TEST

static void *set_soon(void *key)
{
    sleep_ms(40);
    return set(key, "late") ? (void *)1 : NULL;
}

static void *unset_soon(void *key)
{
    sleep_ms(40);
    return splinter_store_unset(store, key, 0, NULL) ? (void *)1 : NULL;
}

static void in_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
    ck_assert_int_eq(pthread_create(thread, NULL, run, arg), 0);
}

static void joined(pthread_t thread)
{
    void *failed;

    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}

START_TEST(a_sleeping_wait_is_woken_by_a_thread)
{
    pthread_t thread;
    uint64_t epoch;
    char k[] = "k", fresh[] = "fresh";

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &epoch), 0);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), 0);
    joined(thread);
    has(store, "k", "late");
    in_thread(&thread, set_soon, fresh);
    ck_assert_int_eq(splinter_store_wait(store, "fresh", 0, SPLINTER_FOREVER, NULL), 0);
    joined(thread);
    in_thread(&thread, unset_soon, k);
    epoch = meta_of("k").epoch;
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), -ENOENT);
    joined(thread);
    end_store();
}
END_TEST

/* [P8] */
START_TEST(a_sleeping_wait_is_woken_by_a_process)
{
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    pid = fork_child();
    if (!pid) {
        splinter_store *own = place_again(&place, 0);

        sleep_ms(40);
        _exit(splinter_store_set(own, "k", "v", 1, NULL, NULL) ? 1 : 0);
    }
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, 30000, NULL), 0);
    ck_assert_int_eq(reap(pid), 0);
    end_store();
}
END_TEST

/* [P8] */
START_TEST(a_read_only_wait_is_woken_too)
{
    pthread_t thread;
    char k[] = "k";
    uint64_t epoch;
    splinter_store *reader;

    make_store(_i, SLOTS, MAX_VALUE);
    reader = place_again(&place, SPLINTER_RDONLY);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(reader, "k", 0, 30000, &epoch), 0);
    joined(thread);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(reader, "k", epoch, 30000, &epoch), 0);
    joined(thread);
    epoch = stat_of(reader).epoch;
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait_any(reader, epoch, 30000, &epoch), 0);
    joined(thread);
    splinter_store_close(reader);
    end_store();
}
END_TEST

struct relay {
    int rounds;
    const char *mine, *yours;
};

/* Two threads hand a counter to and fro: one missed wake and neither goes on. */
static void *relay(void *arg)
{
    struct relay *r = arg;
    uint64_t epoch = 0;

    for (int i = 0; i < r->rounds; i++) {
        if (splinter_store_wait(store, r->yours, epoch, SPLINTER_FOREVER, &epoch))
            return (void *)1;
        if (set(r->mine, "x"))
            return (void *)2;
    }
    return NULL;
}

/* [P8] */
START_TEST(no_change_between_a_get_and_a_wait_is_missed)
{
    struct relay r = {3000, "pong", "ping"};
    pthread_t thread;
    uint64_t epoch = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    in_thread(&thread, relay, &r);
    for (int i = 0; i < r.rounds; i++) {
        ck_assert_int_eq(set("ping", "x"), 0);
        ck_assert_int_eq(splinter_store_wait(store, "pong", epoch, 30000, &epoch), 0);
    }
    joined(thread);
    end_store();
}
END_TEST

/* [P8] */
START_TEST(wait_any_never_misses_a_set_or_unset)
{
    pthread_t thread;
    uint64_t epoch, next;
    char k[] = "k";

    make_store(_i, SLOTS, MAX_VALUE);
    epoch = stat_of(store).epoch;
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_store_wait_any(store, epoch, 30000, &next), 0);
    ck_assert_uint_gt(next, epoch);
    epoch = stat_of(store).epoch;
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(splinter_store_wait_any(store, epoch, 30000, &next), 0);
    /* Nothing goes on, so it times out, at the latest after what was under way is told. */
    for (int i = 0; splinter_store_wait_any(store, next, 20, &next) == 0; i++)
        ck_assert_int_lt(i, 5);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait_any(store, next, SPLINTER_FOREVER, &next), 0);
    joined(thread);
    end_store();
}
END_TEST

TCase *wait_tests(void)
{
    TCase *tcase = group("wait", 120);

    ADD(a_wait_for_what_is_there_returns_at_once);
    ADD(a_timeout_is_not_cut_short);
    ADD(a_sleeping_wait_is_woken_by_a_thread);
    ADD(a_sleeping_wait_is_woken_by_a_process);
    ADD(a_read_only_wait_is_woken_too);
    ADD(no_change_between_a_get_and_a_wait_is_missed);
    ADD(wait_any_never_misses_a_set_or_unset);
    return tcase;
}
