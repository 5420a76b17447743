/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_many.c - waits for many keys
 *
 * Each test runs three times over each backing: as the kernel is, as if it knew nothing of
 * futex_waitv(2), and as if a filter kept that from the process.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define MOST SPLINTER_WAIT_KEYS_MAX
#define WAYS 3

static char names[MOST + 1][16];
static const char *keys[MOST + 1];
static uint64_t epochs[MOST + 1];

/* A store, and as many keys that are not in it. */
static void make_many(int i)
{
    static const int refused[WAYS] = {0, ENOSYS, EPERM};

    make_store(i % BACKINGS, 4 * MOST, MAX_VALUE);
    memset(epochs, 0, sizeof(epochs)); /* under valgrind, all tests are one process */
    for (unsigned k = 0; k <= MOST; k++) {
        snprintf(names[k], sizeof(names[k]), "many/%u", k);
        keys[k] = names[k];
    }
    if (refused[i / BACKINGS] && !refuse_waitv(refused[i / BACKINGS]))
        printf("# futex_waitv cannot be refused here\n");
}

static int wait_many(size_t count, uint64_t timeout_ms, size_t *which, uint64_t *epoch)
{
    return splinter_store_wait_many(store, keys, epochs, count, timeout_ms, which, epoch);
}

START_TEST(the_change_that_was_first_is_told_first)
{
    uint64_t third, first, got;
    size_t which = 9;

    make_many(_i);
    ck_assert_int_eq(wait_many(4, 0, &which, &got), -ETIMEDOUT);
    ck_assert_int_eq(wait_many(4, 20, &which, &got), -ETIMEDOUT);
    ck_assert_uint_eq(which, 9);
    ck_assert_int_eq(set_with(keys[3], "v", 0, 0, 0, &third), 0);
    ck_assert_int_eq(set_with(keys[1], "v", 0, 0, 0, &first), 0);
    ck_assert_int_eq(wait_many(4, SPLINTER_FOREVER, &which, &got), 0);
    ck_assert_uint_eq(which, 3);
    ck_assert_uint_eq(got, third);
    epochs[3] = third;
    ck_assert_int_eq(set(keys[3], "w"), 0); /* however often it changes, the other one is told */
    ck_assert_int_eq(wait_many(4, SPLINTER_FOREVER, &which, &got), 0);
    ck_assert_uint_eq(which, 1);
    ck_assert_uint_eq(got, first);
    epochs[1] = first;
    ck_assert_int_eq(wait_many(4, SPLINTER_FOREVER, &which, NULL), 0);
    ck_assert_uint_eq(which, 3);
    ck_assert_int_eq(splinter_store_unset(store, keys[1], 0, NULL), 0);
    ck_assert_int_eq(wait_many(4, SPLINTER_FOREVER, &which, NULL), -ENOENT);
    ck_assert_uint_eq(which, 1);
    end_store();
}
END_TEST

START_TEST(a_wrong_argument_is_named)
{
    char too_long[SPLINTER_KEY_MAX + 1];
    size_t which = 200;

    make_many(_i);
    memset(too_long, 'k', SPLINTER_KEY_MAX);
    too_long[SPLINTER_KEY_MAX] = 0;
    ck_assert_int_eq(wait_many(0, 0, &which, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "no key was given");
    ck_assert_int_eq(wait_many(MOST + 1, 0, &which, NULL), -E2BIG);
    ck_assert_str_eq(splinter_last_error(), "129 keys were given, and one wait takes at most 128");
    ck_assert_uint_eq(which, 200);
    keys[MOST - 1] = "many/5";
    ck_assert_int_eq(wait_many(MOST, 0, &which, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "keys 5 and 127 are the same");
    ck_assert_uint_eq(which, 127);
    keys[2] = "";
    ck_assert_int_eq(wait_many(4, 0, &which, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "key 2 is empty");
    ck_assert_uint_eq(which, 2);
    keys[2] = too_long;
    ck_assert_int_eq(wait_many(4, 0, NULL, NULL), -ENAMETOOLONG);
    ck_assert_str_eq(splinter_last_error(), "key 2 has more than 255 bytes");
    keys[0] = NULL;
    ck_assert_int_eq(wait_many(4, 0, NULL, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "key 0 is NULL");
    ck_assert_int_eq(splinter_store_wait_many(store, NULL, epochs, 1, 0, NULL, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "no keys were given");
    ck_assert_int_eq(splinter_store_wait_many(store, keys, NULL, 1, 0, NULL, NULL), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "no epochs were given");
    end_store();
}
END_TEST

/* The key to set next, which the waiter has slept for a while before; -1: none. */
static int next_key;

static void *sets_what_is_next(void *arg)
{
    (void)arg;
    for (;;) {
        int k = __atomic_load_n(&next_key, __ATOMIC_ACQUIRE);

        if (k == -2)
            return NULL;
        if (k < 0) {
            usleep(20);
            continue;
        }
        __atomic_store_n(&next_key, -1, __ATOMIC_RELAXED);
        usleep(k % 4 ? 100 : 1); /* the waiter is asleep, or about to be */
        if (set(keys[k], "x"))
            return (void *)1;
    }
}

/* [P8] */
START_TEST(each_of_many_keys_wakes_the_waiter)
{
    pthread_t thread;
    void *failed;
    size_t which;

    make_many(_i);
    next_key = -1;
    ck_assert_int_eq(pthread_create(&thread, NULL, sets_what_is_next, NULL), 0);
    for (unsigned k = 0; k < 2 * MOST; k++) {
        unsigned wanted = (k * 37 + k / MOST) % MOST;

        __atomic_store_n(&next_key, (int)wanted, __ATOMIC_RELEASE);
        ck_assert_int_eq(wait_many(MOST, 30000, &which, &epochs[wanted]), 0);
        ck_assert_uint_eq(which, wanted);
    }
    __atomic_store_n(&next_key, -2, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    end_store();
}
END_TEST

#define SETTERS 3
#define ROUNDS 500

/* Sets its key, and waits until the waiter has said that it has seen that. */
static void *sets_and_waits(void *arg)
{
    unsigned n = *(unsigned *)arg;
    char answer[24];
    uint64_t epoch = 0;

    snprintf(answer, sizeof(answer), "answer/%u", n);
    for (int i = 0; i < ROUNDS; i++) {
        if (set(keys[40 * n], "x"))
            return (void *)1;
        if (splinter_store_wait(store, answer, epoch, 60000, &epoch))
            return (void *)2;
    }
    return NULL;
}

/* [P8] A wake that is missed costs a tenth of a second, until the waiter looks by itself. */
START_TEST(no_change_is_missed_among_many_keys)
{
    pthread_t thread[SETTERS];
    unsigned numbers[SETTERS];
    unsigned slow = 0;
    void *failed;

    make_many(_i);
    for (unsigned n = 0; n < SETTERS; n++) {
        numbers[n] = n;
        ck_assert_int_eq(pthread_create(&thread[n], NULL, sets_and_waits, &numbers[n]), 0);
    }
    for (int i = 0; i < SETTERS * ROUNDS; i++) {
        size_t which;
        uint64_t epoch, begin = now_ns();
        char answer[24];

        ck_assert_int_eq(wait_many(MOST, 30000, &which, &epoch), 0);
        slow += now_ns() - begin > 90000000;
        ck_assert_uint_eq(which % 40, 0);
        ck_assert_uint_gt(epoch, epochs[which]);
        epochs[which] = epoch;
        snprintf(answer, sizeof(answer), "answer/%u", (unsigned)which / 40);
        ck_assert_int_eq(set(answer, "x"), 0);
    }
    ck_assert_uint_lt(slow, SETTERS * ROUNDS / 50);
    for (unsigned n = 0; n < SETTERS; n++) {
        ck_assert_int_eq(pthread_join(thread[n], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    end_store();
}
END_TEST

static void *interrupts_soon(void *arg)
{
    sleep_ms(40);
    return splinter_store_interrupt(arg) ? (void *)1 : NULL;
}

static void nothing(int number)
{
    (void)number;
}

START_TEST(a_call_and_a_signal_end_it)
{
    struct sigaction act = {.sa_handler = nothing};
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EINTR};
    splinter_store *own;
    pthread_t thread;
    pid_t parent = getpid(), pid;

    make_many(_i);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupts_soon, store), 0);
    ck_assert_int_eq(wait_many(MOST, 30000, NULL, NULL), -EINTR);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(wait_many(MOST, 30000, NULL, NULL), -EINTR);
    ck_assert_int_eq(splinter_store_resume(store), 0);
    ck_assert_int_eq(wait_many(MOST, 1, NULL, NULL), -ETIMEDOUT);

    ck_assert_int_eq(sigaction(SIGUSR1, &act, NULL), 0);
    ck_assert_int_eq(splinter_store_open_fd(&own, splinter_store_fd(store), &o), 0);
    pid = fork_bound_child();
    if (!pid)
        for (;;) { /* one may come before the wait begins to sleep */
            sleep_ms(20);
            kill(parent, SIGUSR1);
        }
    ck_assert_int_eq(splinter_store_wait_many(own, keys, epochs, MOST, 30000, NULL, NULL), -EINTR);
    kill(pid, SIGKILL);
    reap(pid);
    splinter_store_close(own);
    end_store();
}
END_TEST

START_TEST(a_read_only_handle_waits_for_many_too)
{
    splinter_store *reader;
    pthread_t thread;
    size_t which;

    make_many(_i);
    reader = place_again(&place, SPLINTER_RDONLY);
    next_key = 77;
    ck_assert_int_eq(pthread_create(&thread, NULL, sets_what_is_next, NULL), 0);
    ck_assert_int_eq(splinter_store_wait_many(reader, keys, epochs, MOST, 30000, &which, NULL), 0);
    ck_assert_uint_eq(which, 77);
    __atomic_store_n(&next_key, -2, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* A wait in a busy store, for keys that are quiet, lasts as long as it should. */
START_TEST(what_others_do_neither_ends_nor_delays_it)
{
    bool until = false;
    pthread_t thread;
    uint64_t begin;

    make_many(_i);
    ck_assert_int_eq(pthread_create(&thread, NULL, sets_others, &until), 0);
    begin = now_ns();
    ck_assert_int_eq(wait_many(MOST, 100, NULL, NULL), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 99000000);
    __atomic_store_n(&until, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    end_store();
}
END_TEST

#define ADD_WAYS(test) tcase_add_loop_test(tcase, test, 0, WAYS * BACKINGS)

TCase *many_tests(void)
{
    TCase *tcase = group("many", 120);

    ADD_WAYS(the_change_that_was_first_is_told_first);
    ADD_WAYS(a_wrong_argument_is_named);
    ADD_WAYS(each_of_many_keys_wakes_the_waiter);
    ADD_WAYS(no_change_is_missed_among_many_keys);
    ADD_WAYS(a_call_and_a_signal_end_it);
    ADD_WAYS(a_read_only_handle_waits_for_many_too);
    ADD_WAYS(what_others_do_neither_ends_nor_delays_it);
    return tcase;
}
