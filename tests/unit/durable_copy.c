/* SPDX-License-Identifier: Apache-2.0 */
/* durable_copy.c - a copy made at any moment: whole, and nothing in it that should be gone */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"

START_TEST(a_copy_of_a_store_in_use_is_whole)
{
    struct place copy;
    splinter_store *s;
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = SPLINTER_TYPE_JSON};
    struct splinter_meta before = {.struct_size = sizeof(before)}, after = before;

    make_store();
    fill(store, 1000, "old");
    if (_i)
        ck_assert_int_eq(splinter_store_sync(store), 0);
    fill(store, 500, "new");
    ck_assert_int_eq(splinter_store_set(store, "typed", "{}", 2, &o, NULL), 0);
    ck_assert_int_eq(splinter_store_get(store, "typed", NULL, 0, NULL, &before), 0);
    copy_to(place.name, &copy);
    ck_assert_int_eq(open_with_progress(&copy, 0, &s), 0);
    ck_assert_str_eq(splinter_last_error(), "");
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_uint_eq(progress_done, progress_total);
    ck_assert_uint_eq(stat_of(s).rebuilt, 1001);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_uint_eq(stat_of(s).keys, 1001);
    ck_assert_int_eq(count_of(s, 500, "new"), 500);
    ck_assert_int_eq(count_of(s, 1000, "old"), 500);
    ck_assert_int_eq(splinter_store_get(s, "typed", NULL, 0, NULL, &after), 0);
    ck_assert(after.epoch == before.epoch && after.type == before.type &&
              after.revision == before.revision);
    ck_assert_int_eq(check_store(s), 0);
    /* It goes on from there, with epochs that nobody has seen. */
    ck_assert_int_eq(splinter_store_set(s, "key00000", "next", 4, NULL, &after.epoch), 0);
    ck_assert_uint_gt(after.epoch, stat_of(store).epoch);
    fill(s, 1000, "third");
    ck_assert_int_eq(count_of(s, 1000, "third"), 1000);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    /* Closed in order: not rebuilt again. */
    ck_assert_int_eq(open_with_progress(&copy, 0, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    ck_assert_int_eq(count_of(s, 1000, "third"), 1000);
    splinter_store_close(s);
    end_store();
}
END_TEST

/* More sets than the disk ever hears of, and then the power fails. */
START_TEST(no_epoch_is_given_out_twice)
{
    struct place copy;
    splinter_store *s;
    uint64_t last = 0, next;

    make_store();
    fill(store, 10, "a");
    if (_i)
        ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    for (int i = 0; i < 600000; i++) {
        int rc = splinter_store_set(store, "key00003", "b", 1, NULL, &last);

        if (rc)
            ck_assert_int_eq(rc, 0);
    }
    s = place_again(&copy, 0);
    ck_assert_uint_gt(stat_of(s).epoch, last);
    ck_assert_int_eq(splinter_store_set(s, "key00003", "c", 1, NULL, &next), 0);
    ck_assert_uint_gt(next, last);
    place_end(&copy, s);
    end_store();
}
END_TEST

/* "Closed in order" is believed of the very file alone. */
START_TEST(a_copy_of_a_closed_store_is_rebuilt_once)
{
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    copy_to(place.name, &copy);
    ck_assert_int_eq(open_with_progress(&place, _i ? SPLINTER_RDONLY : 0, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    splinter_store_close(s);
    for (int n = 0; n < 2; n++) {
        ck_assert_int_eq(open_with_progress(&copy, 0, &s), 0);
        ck_assert_int_eq(progress_calls > 0, !n);
        ck_assert_int_eq(count_of(s, 100, "a"), 100);
        ck_assert_int_eq(check_store(s), 0);
        splinter_store_close(s);
    }
    ck_assert_int_eq(open_with_progress(&copy, SPLINTER_RDONLY, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    ck_assert_int_eq(count_of(s, 100, "a"), 100);
    splinter_store_close(s);
    unlink(place.name);
}
END_TEST

/* A copy that begins while the store is closed, and ends after somebody opened it and wrote. */
START_TEST(a_copy_that_begins_while_the_store_is_closed_is_not_believed)
{
    size_t size, size2;
    uint8_t *closed, *open;
    splinter_store *s;

    make_store();
    fill(store, 500, "a");
    splinter_store_close(store);
    closed = raw_read(place.name, &size);
    store = place_again(&place, 0);
    fill(store, 1500, "b");
    open = raw_read(place.name, &size2);
    ck_assert_uint_ge(size2, size);
    for (size_t pages = 1; pages < 40; pages += 5) {
        struct place copy;

        memcpy(open, closed, pages * 4096);
        place_new(&copy, BACKING_FILE);
        write_file(copy.name, open, size2);
        ck_assert_int_eq(open_with_progress(&copy, 0, &s), 0);
        ck_assert_int_gt(progress_calls, 0);
        ck_assert_int_eq(count_of(s, 500, "a") + count_of(s, 1500, "b"), 1500);
        ck_assert_int_eq(check_store(s), 0);
        place_end(&copy, s);
    }
    free(closed);
    free(open);
    end_store();
}
END_TEST

/* The copy is written over the old file, which keeps its inode, and loses what was reserved. */
START_TEST(a_copy_restored_over_the_closed_file_is_rebuilt)
{
    static const uint8_t zeroes[4096];
    struct stat before, after;
    uint8_t *bytes;
    size_t size;
    int fd;

    make_store();
    fill(store, 300, "a");
    splinter_store_close(store);
    bytes = raw_read(place.name, &size);
    ck_assert_int_eq(stat(place.name, &before), 0);
    fd = open(place.name, O_WRONLY | O_TRUNC);
    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at + 4096 <= size; at += 4096) /* as cp --sparse=always does */
        if (memcmp(bytes + at, zeroes, 4096))
            ck_assert_int_eq((int)pwrite(fd, bytes + at, 4096, (off_t)at), 4096);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    ck_assert_int_eq(fsync(fd), 0);
    ck_assert_int_eq(fstat(fd, &after), 0);
    close(fd);
    free(bytes);
    ck_assert(before.st_ino == after.st_ino && before.st_blocks > after.st_blocks);
    ck_assert_int_eq(open_with_progress(&place, 0, &store), 0);
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_int_eq(count_of(store, 300, "a"), 300);
    ck_assert_int_eq(check_store(store), 0);
    end_store();
}
END_TEST

#define NAMES 12
#define PLACES 8

/* Everything that the model has is in the copy, and nothing else. */
static void same_as_the_model(const int *model)
{
    struct place copy;
    splinter_store *s;
    uint32_t keys = 0;

    copy_to(place.name, &copy);
    ck_assert_int_eq(open_with_progress(&copy, 0, &s), 0);
    ck_assert_int_gt(progress_calls, 0);
    for (int i = 0; i < NAMES; i++) {
        char key[16], val[16];

        snprintf(key, sizeof(key), "name%d", i);
        snprintf(val, sizeof(val), "%d", model[i]);
        keys += model[i] != 0;
        if (model[i])
            ck_assert_msg(has(s, key, val), "%s is not %s", key, val);
        else
            ck_assert_int_eq(splinter_store_get(s, key, NULL, 0, NULL, NULL), -ENOENT);
    }
    ck_assert_uint_eq(stat_of(s).keys, keys);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    unlink(copy.name);
}

/* The memory of this kernel has every change, so a rebuild from it loses none, synced or not: also
 * no unset, and no key that took the last place of one that was unset. */
START_TEST(a_rebuild_of_what_is_in_memory_has_every_change)
{
    uint64_t seed = support_seed + (uint64_t)_i;
    int model[NAMES] = {0}, keys = 0;

    store = place_make(&place, BACKING_FILE, PLACES, 64);
    for (int n = 1; n <= 300; n++) {
        int i = (int)(random_next(&seed) % NAMES), what = (int)(random_next(&seed) % 20);
        char key[16], val[16];

        snprintf(key, sizeof(key), "name%d", i);
        snprintf(val, sizeof(val), "%d", n);
        if (what == 0) {
            ck_assert_int_eq(splinter_store_sync(store), 0);
        } else if (what < 9) {
            ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), model[i] ? 0 : -ENOENT);
            keys -= model[i] != 0;
            model[i] = 0;
        } else if (model[i] || keys < PLACES) {
            set(store, key, val);
            keys += !model[i];
            model[i] = n;
        }
        if (n % 20 == 0)
            same_as_the_model(model);
    }
    end_store();
}
END_TEST

/* The page of the records is of before the last changes, all others of now: nothing but what the
 * last sync acknowledged may be believed of the records, whatever index and counts say. */
START_TEST(a_synced_unset_is_not_resurrected_by_an_old_page)
{
    struct place before, after;
    size_t size, size2;
    uint8_t *old, *now;
    splinter_store *s;

    make_store();
    fill(store, 200, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert_int_eq(splinter_store_unset(store, "key00007", 0, NULL), 0);
    set(store, "key00008", "b of 00008");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &before); /* what is on disk for certain */
    fill(store, 100, "c");
    copy_to(place.name, &after);
    old = raw_read(before.name, &size);
    now = raw_read(after.name, &size2);
    ck_assert_uint_ge(size2, size);
    /* Every page taken from either at random is a disk that may be. */
    for (int round = 0; round < 20; round++) {
        uint64_t seed = support_seed + (uint64_t)round * 7919 + 1;
        struct place mixed;
        int fd;

        place_new(&mixed, BACKING_FILE);
        fd = open(mixed.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        ck_assert_int_ge(fd, 0);
        for (size_t at = 0; at < size2; at += 512) {
            const uint8_t *from = at + 512 > size || random_next(&seed) % 2 ? now : old;
            ck_assert_int_eq((int)pwrite(fd, from + at, 512, (off_t)at), 512);
        }
        close(fd);
        s = place_again(&mixed, 0);
        ck_assert(splinter_store_get(s, "key00007", NULL, 0, NULL, NULL) == -ENOENT ||
                  has(s, "key00007", "c of 00007"));
        ck_assert(has(s, "key00008", "b of 00008") || has(s, "key00008", "c of 00008"));
        ck_assert_int_eq(count_of(s, 200, "a") + count_of(s, 200, "c") +
                         has(s, "key00008", "b of 00008") +
                         (splinter_store_get(s, "key00007", NULL, 0, NULL, NULL) == -ENOENT), 200);
        ck_assert_uint_eq(stat_of(s).damaged, 0);
        ck_assert_int_eq(check_store(s), 0);
        splinter_store_close(s);
        unlink(mixed.name);
    }
    free(old);
    free(now);
    end_store();
}
END_TEST

/* [P4] */
START_TEST(replaced_and_removed_bytes_are_gone_after_a_sync)
{
    make_store();
    set(store, "a", "MARKER-REPLACED");
    set(store, "b", "MARKER-REMOVED");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert(raw_contains(place.name, "MARKER-RE"));
    set(store, "a", "something else");
    ck_assert_int_eq(splinter_store_unset(store, "b", 0, NULL), 0);
    /* A power cut now may need them. */
    ck_assert(raw_contains(place.name, "MARKER-REPLACED"));
    ck_assert(raw_contains(place.name, "MARKER-REMOVED"));
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert(!raw_contains(place.name, "MARKER-RE"));
    /* What no sync has seen is gone at once. */
    set(store, "a", "MARKER-SHORT-LIVED");
    set(store, "a", "x");
    ck_assert(!raw_contains(place.name, "MARKER-SHORT"));
    ck_assert_int_eq(check_store(store), 0);
    end_store();
}
END_TEST

/* [P4] */
START_TEST(closing_leaves_no_replaced_bytes)
{
    make_store();
    set(store, "a", "MARKER");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    set(store, "a", "something else");
    splinter_store_close(store);
    ck_assert(!raw_contains(place.name, "MARKER"));
    unlink(place.name);
}
END_TEST

/* The old file is removed and the copy takes its name; often it gets its inode number, too. */
START_TEST(a_copy_in_the_place_of_the_removed_file_is_rebuilt)
{
    struct place copy;
    struct stat old, new;
    uint8_t *bytes;
    size_t size;

    make_store();
    fill(store, 500, "a");
    copy_to(place.name, &copy);
    bytes = raw_read(copy.name, &size);
    ck_assert_int_eq(stat(place.name, &old), 0);
    splinter_store_close(store);
    unlink(place.name);
    write_file(place.name, bytes, size);
    free(bytes);
    ck_assert_int_eq(stat(place.name, &new), 0);
    printf("# the inode number is %s\n", old.st_ino == new.st_ino ? "the same" : "another");
    ck_assert_int_eq(open_with_progress(&place, 0, &store), 0);
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_int_eq(count_of(store, 500, "a"), 500);
    ck_assert_int_eq(check_store(store), 0);
    end_store();
}
END_TEST

/* ---- ephemeral keys ---- */

static int own(splinter_store *s, const char *key)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL};

    return splinter_store_set(s, key, "v", 1, &o, NULL);
}

static bool is_there(splinter_store *s, const char *key)
{
    int rc = splinter_store_get(s, key, NULL, 0, NULL, NULL);

    ck_assert(!rc || rc == -ENOENT);
    return !rc;
}

#define OWNERS 3

/* [C4] An owner of the store is none of its copy, also if the next owner there gets its place, and
 * the bytes that say which incarnation it was are the copied ones. */
START_TEST(owners_stay_behind_when_a_file_is_copied)
{
    splinter_store *old[OWNERS], *new[OWNERS], *reader;
    struct place copy;
    char key[16];

    make_store();
    set(store, "stays", "v");
    for (int i = 0; i < OWNERS; i++) {
        old[i] = place_again(&place, 0);
        snprintf(key, sizeof(key), "old%d", i);
        ck_assert_int_eq(own(old[i], key), 0);
    }
    ck_assert_int_eq(own(store, "old"), 0);
    if (_i)
        ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    for (int i = 0; i < OWNERS; i++) {
        new[i] = place_again(&copy, 0);
        snprintf(key, sizeof(key), "new%d", i);
        ck_assert_int_eq(own(new[i], key), 0);
    }
    reader = place_again(&copy, SPLINTER_RDONLY);
    for (int n = 0; n <= OWNERS; n++) {
        splinter_store *s = n < OWNERS ? new[n] : reader;
        int i;

        ck_assert(is_there(s, "stays") && !is_there(s, "old"));
        for (i = 0; i < OWNERS; i++) {
            snprintf(key, sizeof(key), "old%d", i);
            ck_assert(!is_there(s, key));
            snprintf(key, sizeof(key), "new%d", i);
            ck_assert(is_there(s, key));
        }
    }
    ck_assert_int_eq(own(new[0], "old1"), 0); /* a name that the other store has as well */
    splinter_store_close(new[1]);
    ck_assert(!is_there(reader, "new1") && is_there(reader, "new0") && is_there(reader, "old1"));
    ck_assert_int_eq(check_store(new[0]), 0);
    splinter_store_close(new[0]);
    ck_assert(!is_there(reader, "old1"));
    splinter_store_close(reader);
    place_end(&copy, new[2]);
    ck_assert(is_there(store, "old") && is_there(old[0], "old1")); /* nor has the copy touched it */
    for (int i = 0; i < OWNERS; i++)
        splinter_store_close(old[i]);
    ck_assert(!is_there(store, "old1"));
    end_store();
}
END_TEST

TCase *copy_tests(void)
{
    TCase *tcase = group("copy", 300);

    tcase_add_loop_test(tcase, a_copy_of_a_store_in_use_is_whole, 0, 2);
    tcase_add_loop_test(tcase, no_epoch_is_given_out_twice, 0, 2);
    tcase_add_loop_test(tcase, a_copy_of_a_closed_store_is_rebuilt_once, 0, 2);
    tcase_add_test(tcase, a_copy_that_begins_while_the_store_is_closed_is_not_believed);
    tcase_add_test(tcase, a_copy_restored_over_the_closed_file_is_rebuilt);
    tcase_add_loop_test(tcase, a_rebuild_of_what_is_in_memory_has_every_change, 0, 3);
    tcase_add_test(tcase, a_synced_unset_is_not_resurrected_by_an_old_page);
    tcase_add_test(tcase, replaced_and_removed_bytes_are_gone_after_a_sync);
    tcase_add_test(tcase, closing_leaves_no_replaced_bytes);
    tcase_add_test(tcase, a_copy_in_the_place_of_the_removed_file_is_rebuilt);
    tcase_add_loop_test(tcase, owners_stay_behind_when_a_file_is_copied, 0, 2);
    return tcase;
}
