/* SPDX-License-Identifier: Apache-2.0 */
/* store_walk.c - walks */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

START_TEST(walk_meets_every_key_once)
{
    char key[SPLINTER_KEY_MAX];
    unsigned char seen[500] = {0};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int rc, n = 0;

    make_store(_i, 500, MAX_VALUE);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "key/%d", i);
        ck_assert_int_eq(splinter_store_set(store, key, key, strlen(key), NULL, NULL), 0);
    }
    while ((rc = splinter_store_walk(store, NULL, &cursor, key, &meta)) == 1) {
        int i = atoi(key + 4);

        ck_assert(i >= 0 && i < 500);
        ck_assert_int_eq(seen[i]++, 0);
        ck_assert_uint_eq(meta.value_size, strlen(key));
        ck_assert_uint_ne(meta.epoch, 0);
        n++;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 500);
    end_store();
}
END_TEST

START_TEST(walk_can_be_limited_to_a_prefix)
{
    static const char *keys[] = {"a", "ab", "abc", "b", "ba", "\xc3\xa4"};

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_uint_eq(walk_count(store, NULL), 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        ck_assert_int_eq(set(keys[i], "v"), 0);
    ck_assert_uint_eq(walk_count(store, NULL), 6);
    ck_assert_uint_eq(walk_count(store, ""), 6);
    ck_assert_uint_eq(walk_count(store, "a"), 3);
    ck_assert_uint_eq(walk_count(store, "ab"), 2);
    ck_assert_uint_eq(walk_count(store, "abc"), 1);
    ck_assert_uint_eq(walk_count(store, "abcd"), 0);
    ck_assert_uint_eq(walk_count(store, "\xc3"), 1);
    ck_assert_uint_eq(walk_count(store, "x"), 0);
    end_store();
}
END_TEST

START_TEST(a_walker_may_unset_what_it_meets)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    int n = 0;

    make_store(_i, 300, 64);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    while (splinter_store_walk(store, NULL, &cursor, key, NULL) == 1) {
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        n++;
    }
    ck_assert_int_eq(n, 300);
    ck_assert_uint_eq(stat_of(store).keys, 0);
    end_store();
}
END_TEST

TCase *walk_tests(void)
{
    TCase *tcase = group("walk", 120);

    ADD(walk_meets_every_key_once);
    ADD(walk_can_be_limited_to_a_prefix);
    ADD(a_walker_may_unset_what_it_meets);
    return tcase;
}
