/* SPDX-License-Identifier: Apache-2.0 */
/* store_lease.c - leases: one holder at a time */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define HOUR (UINT64_C(3600) * 1000000000)

/* Acquire without a wait, for the other handle. */
static int try(splinter_store *s, const char *key, uint64_t *token)
{
    return splinter_lease_acquire(s, key, NULL, 0, NULL, 0, token);
}

/* [C4] */
START_TEST(one_holder_at_a_time)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    splinter_store *other;
    uint64_t one = 0, two = 0, three = 0, renewed;
    char pid[24];

    make_store(_i, SLOTS, MAX_VALUE);
    other = place_again(&place, 0);
    ck_assert_int_eq(try(store, "lease", &one), 0);
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    has(other, "lease", pid);
    ck_assert_uint_eq(meta_of("lease").epoch, one);
    ck_assert_uint_eq(meta_of("lease").owner, getpid());
    ck_assert_uint_eq(meta_of("lease").type, SPLINTER_TYPE_TEXT);
    ck_assert_int_eq(try(other, "lease", &two), -ETIMEDOUT);
    ck_assert_int_eq(try(store, "lease", &two), -ETIMEDOUT); /* nor the holder itself */
    ck_assert_int_eq(splinter_lease_acquire(other, "lease", NULL, 0, NULL, 20, &two), -ETIMEDOUT);
    ck_assert_uint_eq(two, 0);
    ck_assert_int_eq(splinter_lease_release(other, "lease", one + 1), -ESTALE);
    has(other, "lease", pid);
    ck_assert_int_eq(splinter_lease_release(store, "lease", one), 0);
    ck_assert_int_eq(splinter_lease_release(store, "lease", one), -ESTALE);
    options.type = 300;
    ck_assert_int_eq(splinter_lease_acquire(other, "lease", "other", 5, &options, 0, &two), 0);
    ck_assert_uint_gt(two, one);
    ck_assert_uint_eq(meta_of("lease").type, 300);
    has(store, "lease", "other");
    renewed = one;
    ck_assert_int_eq(splinter_lease_renew(store, "lease", 0, &renewed), -ESTALE);
    ck_assert_uint_eq(renewed, one);
    ck_assert_int_eq(splinter_lease_release(store, "lease", one), -ESTALE);
    splinter_store_close(other); /* without a release */
    ck_assert_int_eq(try(store, "lease", &three), 0);
    ck_assert_uint_gt(three, two);
    ck_assert_int_eq(splinter_lease_release(store, "lease", three), 0);
    end_store();
}
END_TEST

START_TEST(a_renewal_keeps_the_value_and_gives_a_life)
{
    char big[1000];
    uint64_t token, before;

    make_store(_i, SLOTS, MAX_VALUE);
    memset(big, 'b', sizeof(big));
    for (int i = 0; i < 2; i++) {
        struct splinter_set_options options = {.struct_size = sizeof(options), .type = 7};

        ck_assert_int_eq(splinter_lease_acquire(store, "lease", big, i ? 3 : sizeof(big), &options,
                                                0, &token), 0);
        before = token;
        ck_assert_int_eq(splinter_lease_renew(store, "lease", HOUR, &token), 0);
        ck_assert_uint_gt(token, before);
        ck_assert_uint_eq(meta_of("lease").epoch, token);
        ck_assert_uint_eq(meta_of("lease").value_size, i ? 3 : sizeof(big));
        ck_assert_uint_eq(meta_of("lease").type, 7);
        ck_assert_uint_gt(meta_of("lease").ttl_ns, 0);
        ck_assert_int_eq(splinter_lease_release(store, "lease", before), -ESTALE);
        ck_assert_int_eq(splinter_lease_renew(store, "lease", 0, &token), 0);
        ck_assert_uint_eq(meta_of("lease").ttl_ns, 0);
        ck_assert_int_eq(splinter_lease_release(store, "lease", token), 0);
    }
    end_store();
}
END_TEST

/* Whose time was over has lost it, also if nobody else has taken it meanwhile. */
START_TEST(a_lease_that_has_expired_is_lost)
{
    struct splinter_set_options options = {.struct_size = sizeof(options), .ttl_ns = 1000000};
    splinter_store *other;
    uint64_t one, two, old;

    make_store(_i, SLOTS, MAX_VALUE);
    other = place_again(&place, 0);
    ck_assert_int_eq(splinter_lease_acquire(store, "lease", NULL, 0, &options, 0, &one), 0);
    while (!absent("lease"))
        sleep_ms(1);
    old = one;
    ck_assert_int_eq(splinter_lease_renew(store, "lease", HOUR, &old), -ESTALE);
    ck_assert_int_eq(splinter_lease_acquire(store, "lease", NULL, 0, &options, 0, &one), 0);
    ck_assert_int_eq(splinter_lease_acquire(other, "lease", NULL, 0, NULL, SPLINTER_FOREVER, &two),
                     0);
    ck_assert_uint_gt(two, one);
    ck_assert_int_eq(splinter_lease_renew(store, "lease", HOUR, &one), -ESTALE);
    ck_assert_int_eq(splinter_lease_release(store, "lease", one), -ESTALE);
    ck_assert_uint_eq(meta_of("lease").epoch, two);
    splinter_store_close(other);
    end_store();
}
END_TEST

START_TEST(a_token_can_be_handed_over)
{
    splinter_store *other;
    uint64_t token;

    make_store(_i, SLOTS, MAX_VALUE);
    other = place_again(&place, 0);
    ck_assert_int_eq(try(other, "lease", &token), 0);
    ck_assert_int_eq(splinter_lease_renew(store, "lease", 0, &token), 0);
    splinter_store_close(other);
    ck_assert_uint_eq(meta_of("lease").epoch, token);
    ck_assert_int_eq(splinter_lease_release(store, "lease", token), 0);
    end_store();
}
END_TEST

static splinter_store *waiting;

static void *acquire(void *token)
{
    int rc = splinter_lease_acquire(waiting, "lease", NULL, 0, NULL, SPLINTER_FOREVER, token);

    return rc ? (void *)(intptr_t)rc : NULL;
}

/* A release, a close and a death wake who waits. */
START_TEST(a_waiter_gets_it_when_the_holder_goes)
{
    pthread_t thread;
    void *failed;
    uint64_t mine, token;

    make_store(_i, SLOTS, MAX_VALUE);
    waiting = place_again(&place, 0);
    for (int way = 0; way < 3; way++) {
        splinter_store *holder = place_again(&place, 0);
        pid_t pid = 0;

        if (way < 2) {
            ck_assert_int_eq(try(holder, "lease", &mine), 0);
        } else {
            int ready[2];

            ck_assert_int_eq(pipe(ready), 0);
            pid = fork_bound_child();
            if (!pid) {
                splinter_store *own = place_again(&place, 0);

                if (try(own, "lease", &mine) || write(ready[1], &mine, sizeof(mine)) < 1)
                    _exit(1);
                for (;;)
                    pause();
            }
            ck_assert_int_eq(read(ready[0], &mine, sizeof(mine)), sizeof(mine));
            close(ready[0]);
            close(ready[1]);
        }
        ck_assert_int_eq(pthread_create(&thread, NULL, acquire, &token), 0);
        sleep_ms(20);
        if (way == 0)
            ck_assert_int_eq(splinter_lease_release(holder, "lease", mine), 0);
        if (pid)
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
        splinter_store_close(holder);
        ck_assert_int_eq(pthread_join(thread, &failed), 0);
        ck_assert_ptr_null(failed);
        ck_assert_uint_gt(token, mine);
        ck_assert_int_eq(splinter_lease_release(waiting, "lease", token), 0);
        if (pid)
            ck_assert_int_eq(reap(pid), 1000 + SIGKILL);
    }
    splinter_store_close(waiting);
    end_store();
}
END_TEST

START_TEST(a_wait_for_a_lease_can_be_ended)
{
    pthread_t thread;
    void *failed;
    uint64_t mine, token;

    make_store(_i, SLOTS, MAX_VALUE);
    waiting = place_again(&place, 0);
    ck_assert_int_eq(try(store, "lease", &mine), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, acquire, &token), 0);
    sleep_ms(10);
    ck_assert_int_eq(splinter_store_interrupt(waiting), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_int_eq((int)(intptr_t)failed, -EINTR);
    splinter_store_close(waiting);
    end_store();
}
END_TEST

START_TEST(what_is_no_lease)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    splinter_store *reader;
    struct splinter_meta meta;
    uint64_t token = 1, none = 0;
    char key[SPLINTER_KEY_MAX + 1];

    make_store(_i, SLOTS, 2);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(set("plain", "v"), 0);
    meta = meta_of("plain");
    token = meta.epoch;
    ck_assert_int_eq(splinter_lease_acquire(store, "plain", "x", 1, NULL, SPLINTER_FOREVER, &none),
                     -EEXIST);
    ck_assert_int_eq(splinter_lease_renew(store, "plain", 0, &token), -ESTALE);
    ck_assert_int_eq(splinter_lease_release(store, "plain", token), -ESTALE);
    ck_assert_int_eq(splinter_lease_renew(store, "absent", 0, &token), -ESTALE);
    ck_assert_int_eq(splinter_lease_release(store, "absent", token), -ESTALE);
    ck_assert_int_eq(splinter_lease_renew(store, "absent", 0, &none), -EINVAL);
    ck_assert_int_eq(splinter_lease_renew(store, "absent", 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_lease_release(store, "absent", 0), -EINVAL);
    ck_assert_int_eq(splinter_lease_acquire(store, "l", "x", 1, NULL, 0, NULL), -EINVAL);
    ck_assert_int_eq(splinter_lease_acquire(store, "l", NULL, 1, NULL, 0, &none), -EINVAL);
    ck_assert_int_eq(splinter_lease_acquire(store, "l", "x", 0, NULL, 0, &none), -EINVAL);
    ck_assert_int_eq(splinter_lease_acquire(NULL, "l", "x", 1, NULL, 0, &none), -EINVAL);
    ck_assert_int_eq(splinter_lease_renew(NULL, "l", 0, &token), -EINVAL);
    ck_assert_int_eq(splinter_lease_release(NULL, "l", token), -EINVAL);
    options.flags = SPLINTER_IF_ABSENT;
    ck_assert_int_eq(splinter_lease_acquire(store, "l", "x", 1, &options, 0, &none), -EINVAL);
    ck_assert_int_eq(splinter_lease_acquire(store, "l", "long", 4, NULL, 0, &none), -EMSGSIZE);
    ck_assert_int_eq(splinter_lease_acquire(reader, "l", "x", 1, NULL, 0, &none), -EROFS);
    ck_assert_int_eq(splinter_lease_renew(reader, "l", 0, &token), -EROFS);
    ck_assert_int_eq(splinter_lease_release(reader, "l", token), -EROFS);
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    ck_assert_int_eq(splinter_lease_acquire(store, key, "x", 1, NULL, 0, &none), -ENAMETOOLONG);
    ck_assert_int_eq(splinter_lease_renew(store, key, 0, &token), -ENAMETOOLONG);
    ck_assert_int_eq(splinter_lease_release(store, "", token), -EINVAL);
    ck_assert_uint_eq(none, 0);
    splinter_store_close(reader);
    end_store();
}
END_TEST

TCase *lease_tests(void)
{
    TCase *tcase = group("lease", 120);

    ADD(one_holder_at_a_time);
    ADD(a_renewal_keeps_the_value_and_gives_a_life);
    ADD(a_lease_that_has_expired_is_lost);
    ADD(a_token_can_be_handed_over);
    ADD(a_waiter_gets_it_when_the_holder_goes);
    ADD(a_wait_for_a_lease_can_be_ended);
    ADD(what_is_no_lease);
    return tcase;
}
