/* SPDX-License-Identifier: Apache-2.0 */
/* durable_sync.c - what a sync does, when one is made, and what waits for it */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "durable.h"

START_TEST(sync_covers_all_that_was_acknowledged)
{
    struct splinter_stat st;
    uint64_t epoch;

    make_store();
    ck_assert_int_eq(splinter_store_set(store, "k", "v", 1, NULL, &epoch), 0);
    st = stat_of(store);
    ck_assert_uint_eq(st.durable, 1);
    ck_assert_uint_lt(st.synced, epoch);
    syncs = 0;
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_ge(syncs, 2); /* the data, then the sync point */
    ck_assert_uint_ge(stat_of(store).synced, epoch);
    syncs = 0;
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_eq(syncs, 0); /* nothing changed */
    end_store();
}
END_TEST

START_TEST(sync_of_a_memory_store_does_nothing)
{
    struct place p;
    splinter_store *s = place_make(&p, _i ? BACKING_MEMFD : BACKING_MEMORY, 10, 10);

    set(s, "k", "v");
    syncs = 0;
    ck_assert_int_eq(splinter_store_sync(s), 0);
    ck_assert_int_eq(syncs, 0);
    ck_assert_uint_eq(stat_of(s).durable, 0);
    place_end(&p, s);
}
END_TEST

START_TEST(sync_refuses_what_it_cannot_do)
{
    splinter_store *reader;

    ck_assert_int_eq(splinter_store_sync(NULL), -EINVAL);
    errno = 0;
    ck_assert_int_eq(splinter_sync(), -1);
    ck_assert_int_eq(errno, EBADF);
    make_store();
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_store_sync(reader), -EROFS);
    splinter_store_close(reader);
    end_store();
}
END_TEST

START_TEST(the_verb_syncs_the_store_of_the_process)
{
    char name[512];

    bus_name(name, sizeof(name));
    ck_assert_int_eq(splinter_create(name, 10, 10), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    syncs = 0;
    ck_assert_int_eq(splinter_sync(), 0);
#ifdef TEST_PERSISTENT
    ck_assert_int_ge(syncs, 2);
#else
    ck_assert_int_eq(syncs, 0);
#endif
    splinter_close();
    splinter_store_unlink(name, 0);
}
END_TEST

START_TEST(a_failed_sync_is_told_until_one_succeeds)
{
    static const int errors[] = {EIO, ENOSPC};
    struct place copy;
    splinter_store *s;

    make_store();
    set(store, "k", "v");
    sync_errno = errors[_i];
    ck_assert_int_eq(splinter_store_sync(store), -errors[_i]);
    ck_assert_int_eq(splinter_store_sync(store), -errors[_i]);
    ck_assert_uint_eq(stat_of(store).sync_error, (unsigned)errors[_i]);
    ck_assert(has(store, "k", "v"));
    set(store, "k", "w");
    sync_errno = 0;
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_uint_eq(stat_of(store).sync_error, 0);
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    ck_assert(has(s, "k", "w"));
    splinter_store_close(s);
    end_store();
}
END_TEST

static splinter_store *again_with(const struct place *p, uint32_t flags, uint64_t every_ms)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    splinter_store *s;

    o.flags = p->flags | flags;
    o.sync_every_ms = every_ms;
    ck_assert_int_eq(splinter_store_open(&s, p->name, &o), 0);
    return s;
}

START_TEST(sync_each_syncs_before_the_call_returns)
{
    splinter_store *s;
    uint64_t epoch;

    make_store();
    s = again_with(&place, SPLINTER_SYNC_EACH, 0);
    ck_assert_int_eq(splinter_store_set(s, "k", "v", 1, NULL, &epoch), 0);
    ck_assert_uint_ge(stat_of(s).synced, epoch);
    syncs = 0;
    ck_assert_int_eq(splinter_store_unset(s, "k", 0, NULL), 0);
    ck_assert_int_ge(syncs, 2);
    splinter_store_close(s);
    end_store();
}
END_TEST

/* A sync may fail with any error, also with one that a change has for reasons of its own. */
START_TEST(a_change_that_was_made_and_a_sync_that_failed_are_told_apart)
{
    static const int errors[] = {EIO, ENOSPC, EAGAIN, ESTALE, EEXIST, ENOENT};
    struct splinter_set_options unless = {.struct_size = sizeof(unless),
                                          .flags = SPLINTER_IF_ABSENT};
    splinter_store *s;

    make_store();
    s = again_with(&place, SPLINTER_SYNC_EACH, 0);
    for (unsigned i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        uint64_t epoch = 0, before;
        int64_t sum = 0;
        size_t len = 0;

        sync_errno = errors[i];
        ck_assert_int_eq(splinter_store_set(s, "k", "w", 1, NULL, &epoch), -EINPROGRESS);
        ck_assert_ptr_nonnull(strstr(splinter_last_error(), strerror(errors[i])));
        ck_assert(has(s, "k", "w") && epoch);
        before = epoch;
        ck_assert_int_eq(splinter_store_set(s, "new", "w", 1, &unless, &epoch), -EINPROGRESS);
        ck_assert_uint_gt(epoch, before);
        ck_assert_int_eq(splinter_store_append(s, "k", "x", 1, &epoch), -EINPROGRESS);
        ck_assert(has(s, "k", "wx"));
        ck_assert_int_eq(splinter_store_add(s, "n", 1, &sum), -EINPROGRESS);
        ck_assert_int_eq(sum, i + 1);
        ck_assert_int_eq(splinter_store_unset(s, "new", 0, &len), -EINPROGRESS);
        ck_assert_uint_eq(len, 1);
        /* And what was not made has its own error. */
        ck_assert_int_eq(splinter_store_set(s, "k", "w", 1, &unless, NULL), -EEXIST);
        ck_assert_int_eq(splinter_store_unset(s, "new", 0, NULL), -ENOENT);
        ck_assert_int_eq(splinter_store_sync(s), -errors[i]);
    }
    sync_errno = 0;
    ck_assert_int_eq(splinter_store_sync(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(sync_at_intervals_is_done_by_who_changes_something)
{
    splinter_store *often, *seldom;

    make_store();
    often = again_with(&place, 0, 1);
    seldom = again_with(&place, 0, 3600000);
    set(often, "k", "1");
    sleep_ms(3);
    syncs = 0;
    set(seldom, "k", "2");
    set(store, "k", "2");
    ck_assert_int_eq(syncs, 0);
    set(often, "k", "3");
    ck_assert_int_ge(syncs, 2);
    splinter_store_close(often);
    splinter_store_close(seldom);
    end_store();
}
END_TEST

/* Not only the first set of a handle, which looks for a block, but those that follow, too. */
START_TEST(a_set_among_many_syncs_at_its_interval)
{
    splinter_store *steady;

    make_store();
    steady = again_with(&place, 0, 50);
    for (int i = 0; i < 10; i++)
        set(steady, "k", "1");
    sleep_ms(60);
    syncs = 0;
    set(steady, "k", "2");
    ck_assert_int_gt(syncs, 0);
    splinter_store_close(steady);
    end_store();
}
END_TEST

/* ---- limits ---- */

/* Every block is taken, half of them by versions that wait for a sync. */
START_TEST(set_syncs_by_itself_before_it_gives_up)
{
    struct rlimit limit;
    struct stat st;

    make_store();
    fill(store, 2500, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_eq(stat(place.name, &st), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = (rlim_t)st.st_size + 65536;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    syncs = 0;
    fill(store, 2500, "b");
    ck_assert_int_gt(syncs, 0);
    ck_assert_int_eq(count_of(store, 2500, "b"), 2500);
    ck_assert_int_eq(check_store(store), 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    end_store();
}
END_TEST

START_TEST(a_store_of_one_slot_never_opens_with_two_keys)
{
    struct place copy;
    splinter_store *s;

    store = place_make(&place, BACKING_FILE, 1, 100);
    set(store, "first", "1");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_eq(splinter_store_unset(store, "first", 0, NULL), 0);
    set(store, "second", "2");
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    ck_assert_int_eq(has(s, "first", "1") + has(s, "second", "2"), 1);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(the_file_does_not_grow_with_updates)
{
    uint64_t reserved = 0;

    make_store();
    for (int i = 0; i < 50; i++) {
        fill(store, 1000, "round");
        if (_i && i % 10 == 0)
            ck_assert_int_eq(splinter_store_sync(store), 0);
        if (i == 20)
            reserved = stat_of(store).reserved_bytes;
    }
    ck_assert_uint_le(stat_of(store).reserved_bytes, reserved);
    ck_assert_uint_lt(reserved, 16u << 20);
    end_store();
}
END_TEST

/* An unset keeps the record that it removes only if a sync may have seen one of the key. */
START_TEST(the_file_does_not_grow_with_keys_that_come_and_go)
{
    uint64_t reserved = 0;
    char key[32];

    make_store();
    fill(store, 200, "synced");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    for (int round = 0; round < 30; round++) {
        fill(store, 200, "first");
        fill(store, 200, "second");
        for (int i = 0; i < 200; i++) {
            snprintf(key, sizeof(key), "key%05d", i);
            ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        }
        if (round == 4)
            reserved = stat_of(store).reserved_bytes;
    }
    ck_assert_uint_eq(stat_of(store).reserved_bytes, reserved);
    end_store();
}
END_TEST

TCase *sync_tests(void)
{
    TCase *tcase = group("sync", 300);

    tcase_add_test(tcase, sync_covers_all_that_was_acknowledged);
    tcase_add_loop_test(tcase, sync_of_a_memory_store_does_nothing, 0, 2);
    tcase_add_test(tcase, sync_refuses_what_it_cannot_do);
    tcase_add_test(tcase, the_verb_syncs_the_store_of_the_process);
    tcase_add_loop_test(tcase, a_failed_sync_is_told_until_one_succeeds, 0, 2);
    tcase_add_test(tcase, sync_each_syncs_before_the_call_returns);
    tcase_add_test(tcase, a_change_that_was_made_and_a_sync_that_failed_are_told_apart);
    tcase_add_test(tcase, sync_at_intervals_is_done_by_who_changes_something);
    tcase_add_test(tcase, a_set_among_many_syncs_at_its_interval);
    tcase_add_test(tcase, set_syncs_by_itself_before_it_gives_up);
    tcase_add_test(tcase, a_store_of_one_slot_never_opens_with_two_keys);
    tcase_add_loop_test(tcase, the_file_does_not_grow_with_updates, 0, 2);
    tcase_add_test(tcase, the_file_does_not_grow_with_keys_that_come_and_go);
    return tcase;
}
