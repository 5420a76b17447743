/* SPDX-License-Identifier: Apache-2.0 */
/* store_conditions.c - changes that depend on what is there: conditions, append, add */
#include <errno.h>

#include "store.h"

START_TEST(if_absent_sets_only_a_key_that_is_not_there)
{
    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "one", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "two", SPLINTER_IF_ABSENT, 0, 0, NULL), -EEXIST);
    has(store, "k", "one");
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "three", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    has(store, "k", "three");
    end_store();
}
END_TEST

START_TEST(if_epoch_is_compare_and_swap)
{
    uint64_t one, two, three;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, 1, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "one", 0, 0, 0, &one), 0);
    ck_assert_int_eq(set_with("k", "two", SPLINTER_IF_EPOCH, one, 0, &two), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, one, 0, NULL), -ESTALE);
    has(store, "k", "two");
    ck_assert_int_eq(set_with("k", "three", SPLINTER_IF_EPOCH, two, 0, &three), 0);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, three, 0, NULL), -ENOENT);
    ck_assert_int_eq(set("k", "new"), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, three, 0, NULL), -ESTALE);
    has(store, "k", "new");
    end_store();
}
END_TEST

START_TEST(unset_can_depend_on_the_epoch)
{
    uint64_t one, two;
    size_t n = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, &n), -ENOENT);
    ck_assert_int_eq(set_with("k", "one", 0, 0, 0, &one), 0);
    ck_assert_int_eq(set_with("k", "three", 0, 0, 0, &two), 0);
    ck_assert_int_eq(splinter_store_unset(store, "k", one, &n), -ESTALE);
    ck_assert_int_eq(splinter_store_unset(store, "k", two, &n), 0);
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(splinter_store_unset(store, "k", two, &n), -ENOENT);
    end_store();
}
END_TEST

START_TEST(append_grows_a_value_and_keeps_type_and_life)
{
    static char big[MAX_VALUE];
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    uint64_t epoch = 0;
    struct splinter_meta meta;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_append(store, "k", "one", 3, &epoch), 0);
    ck_assert_uint_eq(meta_of("k").epoch, epoch);
    ck_assert_int_eq(splinter_store_append(store, "k", ", two", 5, NULL), 0);
    has(store, "k", "one, two");
    ck_assert_uint_gt(meta_of("k").epoch, epoch);

    options.type = SPLINTER_TYPE_TEXT;
    options.ttl_ns = UINT64_C(3600) * 1000000000;
    ck_assert_int_eq(splinter_store_set(store, "t", "a", 1, &options, NULL), 0);
    ck_assert_int_eq(splinter_store_append(store, "t", "b", 1, NULL), 0);
    meta = meta_of("t");
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_TEXT);
    ck_assert_uint_gt(meta.ttl_ns, 0);
    ck_assert_uint_le(meta.ttl_ns, options.ttl_ns);

    ck_assert_int_eq(splinter_store_append(store, "k", big, MAX_VALUE - 7, NULL), -EMSGSIZE);
    ck_assert_int_eq(splinter_store_append(store, "k", big, SIZE_MAX, NULL), -EMSGSIZE);
    ck_assert_int_eq(splinter_store_append(store, "k", big, 0, NULL), -EINVAL);
    has(store, "k", "one, two");
    ck_assert_int_eq(splinter_store_append(store, "k", big, MAX_VALUE - 8, NULL), 0);
    ck_assert_uint_eq(meta_of("k").value_size, MAX_VALUE);
    end_store();
}
END_TEST

START_TEST(a_set_can_keep_the_type)
{
    struct splinter_set_options options = {.struct_size = sizeof(options),
                                           .flags = SPLINTER_KEEP_TYPE, .type = 700};
    uint64_t epoch;

    make_store(_i, SLOTS, MAX_VALUE);
    /* An absent key gets the type of the options. */
    ck_assert_int_eq(splinter_store_set(store, "k", "1", 1, &options, &epoch), 0);
    ck_assert_uint_eq(meta_of("k").type, 700);
    options.type = 701;
    ck_assert_int_eq(splinter_store_set(store, "k", "longer", 6, &options, &epoch), 0);
    ck_assert_uint_eq(meta_of("k").type, 700);
    has(store, "k", "longer");
    /* Also with a condition, and with a life. */
    options.flags |= SPLINTER_IF_EPOCH;
    options.if_epoch = epoch;
    options.ttl_ns = UINT64_C(3600000000000);
    ck_assert_int_eq(splinter_store_set(store, "k", "2", 1, &options, NULL), 0);
    ck_assert_int_eq(splinter_store_set(store, "k", "3", 1, &options, NULL), -ESTALE);
    ck_assert_uint_eq(meta_of("k").type, 700);
    options = (struct splinter_set_options){.struct_size = sizeof(options),
                                            .flags = SPLINTER_KEEP_TYPE, .type = 702};
    ck_assert_int_eq(splinter_store_set(store, "k", "4", 1, &options, NULL), 0);
    ck_assert_uint_eq(meta_of("k").type, 700);
    ck_assert_uint_eq(meta_of("k").ttl_ns, 0);
    /* A key that has expired is absent. */
    options.flags = 0;
    options.ttl_ns = 1;
    ck_assert_int_eq(splinter_store_set(store, "k", "5", 1, &options, NULL), 0);
    options = (struct splinter_set_options){.struct_size = sizeof(options),
                                            .flags = SPLINTER_KEEP_TYPE, .type = 703};
    ck_assert_int_eq(splinter_store_set(store, "k", "6", 1, &options, NULL), 0);
    ck_assert_uint_eq(meta_of("k").type, 703);
    ck_assert_uint_eq(meta_of("k").revision, 1);
    /* Without the flag it does not keep it. */
    ck_assert_int_eq(splinter_store_set(store, "k", "7", 1, NULL, NULL), 0);
    ck_assert_uint_eq(meta_of("k").type, 0);
    options.flags |= SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH;
    ck_assert_int_eq(splinter_store_set(store, "k", "8", 1, &options, NULL), -EINVAL);
    ck_assert_int_eq(check_store(store), 0);
    end_store();
}
END_TEST

START_TEST(touch_gives_the_same_value_a_new_epoch)
{
    static char big[MAX_VALUE];
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    uint64_t before, epoch = 77;
    struct splinter_meta meta;

    make_store(_i, SLOTS, MAX_VALUE);
    before = stat_of(store).epoch;
    ck_assert_int_eq(splinter_store_touch(store, "t", &epoch), -ENOENT);
    ck_assert_uint_eq(epoch, 77);
    ck_assert_uint_eq(stat_of(store).epoch, before);
    ck_assert_uint_eq(stat_of(store).keys, 0);

    options.type = SPLINTER_TYPE_TEXT;
    options.ttl_ns = UINT64_C(3600) * 1000000000;
    ck_assert_int_eq(splinter_store_set(store, "t", "text", 4, &options, &before), 0);
    ck_assert_int_eq(splinter_store_touch(store, "t", &epoch), 0);
    ck_assert_uint_gt(epoch, before);
    has(store, "t", "text");
    meta = meta_of("t");
    ck_assert_uint_eq(meta.epoch, epoch);
    ck_assert_uint_eq(meta.revision, 2);
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_TEXT);
    ck_assert_uint_gt(meta.ttl_ns, 0);
    ck_assert_uint_le(meta.ttl_ns, options.ttl_ns);
    /* Who waits for a newer value, or depends on the old one, is told. */
    ck_assert_int_eq(splinter_store_wait(store, "t", before, 0, &before), 0);
    ck_assert_uint_eq(before, epoch);
    options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = epoch;
    ck_assert_int_eq(splinter_store_touch(store, "t", NULL), 0);
    ck_assert_int_eq(splinter_store_set(store, "t", "late", 4, &options, NULL), -ESTALE);

    memset(big, 'b', sizeof(big));
    ck_assert_int_eq(splinter_store_set(store, "big", big, MAX_VALUE, NULL, NULL), 0);
    ck_assert_int_eq(splinter_store_touch(store, "big", NULL), 0);
    ck_assert_uint_eq(meta_of("big").value_size, MAX_VALUE);
    ck_assert_uint_eq(meta_of("big").revision, 2);
    end_store();
}
END_TEST

START_TEST(add_counts_from_zero)
{
    int64_t value = -1;
    struct splinter_meta meta;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_add(store, "n", 5, &value), 0);
    ck_assert_int_eq(value, 5);
    ck_assert_int_eq(splinter_store_add(store, "n", -7, NULL), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 0, &value), 0);
    ck_assert_int_eq(value, -2);
    meta = meta_of("n");
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_INT64);
    ck_assert_uint_eq(meta.value_size, 8);
    ck_assert_uint_eq(meta.revision, 3);
    value = 0;
    ck_assert_int_eq(splinter_store_get(store, "n", &value, 8, NULL, NULL), 0);
    ck_assert_int_eq(value, -2);
    end_store();
}
END_TEST

START_TEST(add_refuses_overflow_and_other_types)
{
    int64_t value = 0, limit = INT64_MAX;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_typed("n", &limit, 8, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 1, &value), -ERANGE);
    ck_assert_int_eq(splinter_store_add(store, "n", 0, &value), 0);
    ck_assert(value == INT64_MAX);
    limit = INT64_MIN;
    ck_assert_int_eq(set_typed("n", &limit, 8, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", -1, &value), -ERANGE);
    ck_assert_int_eq(splinter_store_add(store, "n", INT64_MAX, &value), 0);
    ck_assert_int_eq(value, -1);
    ck_assert_int_eq(set_typed("b", "12345678", 8, SPLINTER_TYPE_BYTES), 0);
    ck_assert_int_eq(splinter_store_add(store, "b", 1, &value), -EINVAL);
    has(store, "b", "12345678");
    ck_assert_int_eq(set_typed("s", "123", 3, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "s", 1, &value), -EINVAL);
    has(store, "s", "123");
    end_store();
}
END_TEST

TCase *condition_tests(void)
{
    TCase *tcase = group("conditions", 120);

    ADD(if_absent_sets_only_a_key_that_is_not_there);
    ADD(if_epoch_is_compare_and_swap);
    ADD(unset_can_depend_on_the_epoch);
    ADD(append_grows_a_value_and_keeps_type_and_life);
    ADD(a_set_can_keep_the_type);
    ADD(touch_gives_the_same_value_a_new_epoch);
    ADD(add_counts_from_zero);
    ADD(add_refuses_overflow_and_other_types);
    return tcase;
}
