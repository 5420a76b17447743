/* SPDX-License-Identifier: Apache-2.0 */
/* store_expiry.c - keys with an end of life */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "store.h"

/* Until the key has expired; the test's time limit is the watchdog. */
static void until_gone(const char *key)
{
    while (!absent(key))
        sleep_ms(2);
}

#define SHORT UINT64_C(40000000)
#define HOUR (UINT64_C(3600) * 1000000000)

START_TEST(an_expired_key_is_found_by_nobody)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t epoch, cursor = 0;
    size_t n;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("stays", "v"), 0);
    ck_assert_int_eq(set_with("k", "v", 0, 0, HOUR, NULL), 0);
    meta = meta_of("k");
    ck_assert_uint_gt(meta.ttl_ns, 0);
    ck_assert_uint_le(meta.ttl_ns, HOUR);
    ck_assert_int_eq(set_with("k", "v", 0, 0, SHORT, &epoch), 0);
    until_gone("k");
    meta.struct_size = sizeof(meta);
    ck_assert_int_eq(splinter_store_get(store, "k", key, sizeof(key), &n, &meta), -ENOENT);
    ck_assert_int_eq(splinter_store_walk(store, NULL, &cursor, key, NULL), 1);
    ck_assert_str_eq(key, "stays");
    ck_assert_int_eq(splinter_store_walk(store, NULL, &cursor, key, NULL), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch - 1, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_EPOCH, epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    has(store, "k", "w");
    ck_assert_uint_eq(meta_of("k").revision, 1);
    ck_assert_uint_eq(meta_of("k").ttl_ns, 0);
    end_store();
}
END_TEST

START_TEST(append_and_add_begin_anew_after_expiry)
{
    int64_t value;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("a", "old", 0, 0, SHORT, NULL), 0);
    ck_assert_int_eq(set_with("n", "old", 0, 0, SHORT, NULL), 0);
    until_gone("a");
    until_gone("n");
    ck_assert_int_eq(splinter_store_append(store, "a", "new", 3, NULL), 0);
    has(store, "a", "new");
    ck_assert_uint_eq(meta_of("a").ttl_ns, 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 3, &value), 0);
    ck_assert_int_eq(value, 3);
    end_store();
}
END_TEST

/* The clock of ends of life. */
static uint64_t boot_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

START_TEST(append_and_add_keep_the_end_of_life)
{
    uint64_t latest, earliest, epoch;
    int64_t value;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_add(store, "n", 1, &value), 0);
    ck_assert_int_eq(splinter_store_get(store, "n", &value, sizeof(value), NULL, NULL), 0);
    epoch = meta_of("n").epoch;
    {
        struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = HOUR,
                                         .type = SPLINTER_TYPE_INT64,
                                         .flags = SPLINTER_IF_EPOCH, .if_epoch = epoch};

        ck_assert_int_eq(splinter_store_set(store, "n", &value, sizeof(value), &o, NULL), 0);
    }
    ck_assert_int_eq(set_with("a", "v", 0, 0, HOUR, NULL), 0);
    /* An end of life lies between two readings of the clock, each plus what is left of the life. */
    latest = meta_of("n").ttl_ns;
    latest += boot_ns();
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(splinter_store_add(store, "n", 1, NULL), 0);
    earliest = boot_ns();
    earliest += meta_of("n").ttl_ns;
    ck_assert_uint_le(earliest, latest);
    latest = meta_of("a").ttl_ns;
    latest += boot_ns();
    for (int i = 0; i < 4000; i++)
        ck_assert_int_eq(splinter_store_append(store, "a", "b", 1, NULL), 0);
    earliest = boot_ns();
    earliest += meta_of("a").ttl_ns;
    ck_assert_uint_le(earliest, latest);
    end_store();
}
END_TEST

START_TEST(the_longest_life_does_not_overflow)
{
    struct place to;
    splinter_store *s;
    int64_t value = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("a", "v", 0, 0, UINT64_MAX, NULL), 0);
    ck_assert_int_eq(set_with("b", "v", 0, 0, UINT64_MAX - 1, NULL), 0);
    {
        struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = UINT64_MAX,
                                         .type = SPLINTER_TYPE_INT64};

        ck_assert_int_eq(splinter_store_set(store, "n", &value, sizeof(value), &o, NULL), 0);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(splinter_store_append(store, "a", "w", 1, NULL), 0);
        ck_assert_int_eq(splinter_store_append(store, "b", "w", 1, NULL), 0);
        ck_assert_int_eq(splinter_store_add(store, "n", 1, &value), 0);
    }
    ck_assert_int_eq(value, 3);
    has(store, "a", "vwww");
    has(store, "b", "vwww");
    ck_assert_uint_gt(meta_of("a").ttl_ns, HOUR);
    place_new(&to, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), 0);
    s = place_again(&to, 0);
    has(s, "a", "vwww");
    has(s, "b", "vwww");
    ck_assert_uint_eq(stat_of(s).keys, 3);
    place_end(&to, s);
    end_store();
}
END_TEST

START_TEST(a_set_without_ttl_ends_the_countdown)
{
    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, SHORT, NULL), 0);
    ck_assert_int_eq(set_with("marker", "v", 0, 0, 2 * SHORT, NULL), 0);
    if (set_with("k", "kept", 0, 0, 0, NULL))
        ck_abort();
    until_gone("marker");
    has(store, "k", "kept");
    end_store();
}
END_TEST

/* [P4] */
START_TEST(sweep_removes_expired_keys_and_their_bytes)
{
    char key[16], path[600];

    make_store(_i, SLOTS, MAX_VALUE);
    place_path(&place, path, sizeof(path));
    ck_assert_int_eq(splinter_store_sweep(store), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "swept-%d", i);
        ck_assert_int_eq(set_with(key, "a marker to be swept", 0, 0, SHORT, NULL), 0);
    }
    ck_assert_int_eq(set_with("kept", "v", 0, 0, HOUR, NULL), 0);
    ck_assert(raw_contains(path, "a marker to be swept"));
    while (walk_count(store, NULL) > 1)
        sleep_ms(2);
    ck_assert_int_eq(splinter_store_sweep(store), 20);
    ck_assert(!raw_contains(path, "a marker to be swept"));
    ck_assert(!raw_contains(path, "swept-"));
    ck_assert_uint_eq(stat_of(store).keys, 1);
    ck_assert_int_eq(splinter_store_sweep(store), 0);
    end_store();
}
END_TEST

START_TEST(expired_keys_do_not_fill_a_store)
{
    char key[16];

    make_store(_i, 8, 64);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "old%d", i);
        ck_assert_int_eq(set_with(key, "v", 0, 0, SHORT, NULL), 0);
    }
    while (walk_count(store, NULL))
        sleep_ms(2);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "new%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    ck_assert_int_eq(set("one more", "v"), -ENOSPC);
    end_store();
}
END_TEST

START_TEST(a_wait_ends_when_its_key_expires)
{
    uint64_t epoch;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 4 * SHORT, &epoch), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), -ENOENT);
    end_store();
}
END_TEST

TCase *expiry_tests(void)
{
    TCase *tcase = group("expiry", 120);

    ADD(an_expired_key_is_found_by_nobody);
    ADD(append_and_add_begin_anew_after_expiry);
    ADD(append_and_add_keep_the_end_of_life);
    ADD(the_longest_life_does_not_overflow);
    ADD(a_set_without_ttl_ends_the_countdown);
    ADD(sweep_removes_expired_keys_and_their_bytes);
    ADD(expired_keys_do_not_fill_a_store);
    ADD(a_wait_ends_when_its_key_expires);
    return tcase;
}
