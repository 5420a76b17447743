/* SPDX-License-Identifier: Apache-2.0 */
/* durable_backup.c - copies that are made while a store syncs */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"

static int keys_of(splinter_store *s, int n)
{
    char key[32];
    int found = 0;

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key%05d", i);
        found += !splinter_store_get(s, key, NULL, 0, NULL, NULL);
    }
    return found;
}

/* As cp, dd and gzip read: from the beginning to the end, `pages` at a time.  Meanwhile each key is
 * set again and again, with syncs; all of them are there all the time. */
static void copy_slowly(struct place *to, int n, size_t pages, int sets)
{
    static char bytes[64 * 4096];
    int from = open(place.name, O_RDONLY), fd, k = 0;
    char key[32], val[64];
    ssize_t got;

    place_new(to, BACKING_FILE);
    fd = open(to->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert(from >= 0 && fd >= 0);
    for (int round = 0; (got = read(from, bytes, pages * 4096)) > 0; round++) {
        off_t at = lseek(fd, 0, SEEK_CUR);

        ck_assert_int_eq((int)write(fd, bytes, (size_t)got), (int)got);
        if (at < 16384 && round) /* a part of the registry and of the index: nothing happens */
            continue;
        for (int i = 0; i < sets; i++, k += 7) {
            snprintf(key, sizeof(key), "key%05d", k % n);
            snprintf(val, sizeof(val), "%d of round %d", k, round);
            set(store, key, val);
        }
        if (sets)
            ck_assert_int_eq(splinter_store_sync(store), 0);
    }
    close(fd);
    close(from);
}

/* A store of 60 keys is all in the last slab of each size. */
static const struct {
    int keys;
    size_t pages;
    int sets;
} copies[] = {{60, 1, 20}, {60, 1, 60}, {60, 2, 7}, {2000, 4, 50}, {2000, 16, 500}, {2000, 1, 3}};

START_TEST(a_copy_that_spans_a_sync_is_refused_and_left_alone)
{
    int n = copies[_i].keys, found;
    uint8_t *before, *after;
    size_t size, size2;
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, n, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_slowly(&copy, n, copies[_i].pages, copies[_i].sets);
    before = raw_read(copy.name, &size);
    for (int rdonly = 0; rdonly < 2; rdonly++) {
        ck_assert_int_eq(place_open(&copy, rdonly ? SPLINTER_RDONLY : 0, &s), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(splinter_last_error(), "SPLINTER_REBUILD"));
        ck_assert_ptr_nonnull(strstr(splinter_last_error(), "splinter_store_snapshot"));
    }
    after = raw_read(copy.name, &size2);
    ck_assert(size == size2 && !memcmp(before, after, size));
    /* Who asks for it gets what there is, and hears how much may be missing. */
    ck_assert_int_eq(open_with_progress(&copy, SPLINTER_REBUILD, &s), 0);
    found = keys_of(s, n);
    printf("# %d keys of %d are missing\n", n - found, n);
    ck_assert_uint_eq(stat_of(s).keys, (unsigned)found);
    ck_assert_uint_eq(stat_of(s).damaged, (unsigned)(n - found));
    ck_assert(check_store(s) == (found < n));
    fill(s, n, "b");
    splinter_store_close(s);
    s = place_again(&copy, 0);
    ck_assert_int_eq(count_of(s, n, "b"), n);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    free(before);
    free(after);
    end_store();
}
END_TEST

/* While nobody syncs, a copy that takes its time misses nothing. */
START_TEST(a_slow_copy_without_a_sync_is_good)
{
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, 2000, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    fill(store, 500, "b");
    if (_i) /* it cleans, before the copy begins */
        ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_slowly(&copy, 2000, 8, 0);
    s = place_again(&copy, 0);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(count_of(s, 500, "b"), 500);
    ck_assert_int_eq(keys_of(s, 2000), 2000);
    ck_assert_int_eq(check_store(s), 0);
    place_end(&copy, s);
    end_store();
}
END_TEST

/* The hold is this handle's, another one's, or that of a process that is killed in the end. */
START_TEST(a_copy_under_a_hold_is_good_whatever_is_synced)
{
    splinter_store *s, *holder = NULL;
    struct place copy;
    pid_t pid = 0;
    int *held = shared_memory(sizeof(*held));

    make_store();
    fill(store, 2000, "a");
    set(store, "other", "MARKER-OLD");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_eq(splinter_store_release(store), -EINVAL);
    if (_i == 2) {
        pid = fork_child();
        if (!pid) {
            *held = splinter_store_hold(store) ? -1 : 1;
            for (;;)
                sleep_ms(1000);
        }
        while (!__atomic_load_n(held, __ATOMIC_ACQUIRE))
            sleep_ms(1);
        ck_assert_int_eq(*held, 1);
    } else {
        holder = _i ? place_again(&place, 0) : store;
        ck_assert_int_eq(splinter_store_hold(holder), 0);
        ck_assert_int_eq(splinter_store_hold(holder), 0);
        ck_assert_int_eq(splinter_store_release(holder), 0);
    }
    set(store, "other", "new");
    copy_slowly(&copy, 2000, 64, 200);
    ck_assert(raw_contains(place.name, "MARKER-OLD"));
    if (pid) {
        kill(pid, SIGKILL);
        reap(pid);
    } else if (_i) {
        splinter_store_close(holder);
    } else {
        ck_assert_int_eq(splinter_store_release(holder), 0);
    }
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert(!raw_contains(place.name, "MARKER-OLD"));
    s = place_again(&copy, 0);
    ck_assert_int_eq(keys_of(s, 2000), 2000);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(check_store(s), 0);
    place_end(&copy, s);
    end_store();
}
END_TEST

TCase *backup_tests(void)
{
    TCase *tcase = group("backup", 300);

    tcase_add_loop_test(tcase, a_copy_that_spans_a_sync_is_refused_and_left_alone, 0,
                        (int)(sizeof(copies) / sizeof(*copies)));
    tcase_add_loop_test(tcase, a_copy_under_a_hold_is_good_whatever_is_synced, 0, 3);
    tcase_add_loop_test(tcase, a_slow_copy_without_a_sync_is_good, 0, 2);
    return tcase;
}
