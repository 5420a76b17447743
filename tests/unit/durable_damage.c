/* SPDX-License-Identifier: Apache-2.0 */
/* durable_damage.c - damaged files, torn ones, and who rebuilds them */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "durable.h"

START_TEST(a_damaged_record_is_lost_and_counted)
{
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, 100, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    raw_patch(copy.name, offset_in(copy.name, "a of 00042"), "A", 1);
    ck_assert_int_eq(place_open(&copy, 0, &s), 0);
    ck_assert_msg(strstr(splinter_last_error(), "1 record"), "%s", splinter_last_error());
    ck_assert_uint_eq(stat_of(s).damaged, 1);
    ck_assert_int_eq(count_of(s, 100, "a"), 99);
    ck_assert_int_eq(splinter_store_get(s, "key00042", NULL, 0, NULL, NULL), -ENOENT);
    ck_assert_int_eq(check_store(s), 1);
    set(s, "key00042", "a of 00042");
    splinter_store_close(s);
    s = place_again(&copy, 0);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(count_of(s, 100, "a"), 100);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(a_record_that_no_sync_covers_may_be_torn_without_being_damage)
{
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, 100, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    fill(store, 50, "b");
    copy_to(place.name, &copy);
    raw_patch(copy.name, offset_in(copy.name, "b of 00042"), "B", 1);
    s = place_again(&copy, 0);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert(has(s, "key00042", "a of 00042"));
    ck_assert_int_eq(count_of(s, 100, "b"), 49);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(check_finds_a_wrong_checksum_in_a_store_in_use)
{
    make_store();
    fill(store, 10, "a");
    raw_patch(place.name, offset_in(place.name, "a of 00004"), "A", 1);
    ck_assert_int_eq(check_store(store), 1);
    end_store();
}
END_TEST

START_TEST(a_file_that_was_cut_off_is_damaged)
{
    struct place copy;
    splinter_store *s;
    struct stat st;

    make_store();
    fill(store, 2000, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    ck_assert_int_eq(stat(copy.name, &st), 0);
    ck_assert_int_eq(truncate(copy.name, st.st_size - 60000), 0);
    s = place_again(&copy, 0);
    ck_assert_uint_gt(stat_of(s).damaged, 0);
    ck_assert_uint_eq(stat_of(s).keys, (unsigned)count_of(s, 2000, "a"));
    fill(s, 2000, "b");
    ck_assert_int_eq(count_of(s, 2000, "b"), 2000);
    splinter_store_close(s);
    end_store();
}
END_TEST

/* As when the length was asked for, then the file grew, then its header was read. */
START_TEST(a_copy_without_what_the_file_grew_by_meanwhile_is_whole)
{
    struct place copy;
    splinter_store *s;
    struct stat before, after;
    char key[32];
    int n = 500;

    make_store();
    do { /* the file is to end in the middle of a slab, of which the rest is used later */
        fill(store, ++n, "a");
        ck_assert_int_eq(splinter_store_sync(store), 0);
        ck_assert_int_eq(stat(place.name, &before), 0);
    } while (before.st_size % 16384 == 0 && n < 900);
    ck_assert_int_ne((int)(before.st_size % 16384), 0);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "later%05d", i);
        set(store, key, "v");
    }
    ck_assert_int_eq(stat(place.name, &after), 0);
    ck_assert_int_gt((int)((after.st_size - before.st_size) / 1024), 50);
    copy_to(place.name, &copy);
    ck_assert_int_eq(truncate(copy.name, before.st_size), 0);
    s = place_again(&copy, 0);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(count_of(s, n, "a"), n);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

/* ---- opening ---- */

START_TEST(two_that_open_at_once_rebuild_once)
{
    struct place copy;
    pid_t pid[2];
    int rebuilt = 0;

    make_store();
    fill(store, 2000, "a");
    copy_to(place.name, &copy);
    for (int i = 0; i < 2; i++) {
        pid[i] = fork_child();
        if (!pid[i]) {
            splinter_store *s;
            int rc = open_with_progress(&copy, 0, &s);

            if (rc || count_of(s, 2000, "a") != 2000)
                _exit(100);
            /* Stays until the other one also writes: closing the last is another story. */
            ck_assert_int_eq(splinter_store_set(s, "a", "b", 1, NULL, NULL), 0);
            for (int tries = 0; tries < 10000 && stat_of(s).attached < 2; tries++)
                sleep_ms(1);
            splinter_store_close(s);
            _exit(progress_calls > 0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status = reap(pid[i]);

        ck_assert_int_lt(status, 2);
        rebuilt += status;
    }
    ck_assert_int_eq(rebuilt, 1);
    end_store();
}
END_TEST

static void die_in_progress(void *arg, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    if (--*(int *)arg == 0)
        kill(getpid(), SIGKILL);
}

START_TEST(a_rebuild_that_is_killed_is_done_by_the_next)
{
    struct place copy;
    splinter_store *s;

    make_store();
    fill(store, 1000, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    fill(store, 1000, "b");
    copy_to(place.name, &copy);
    for (int n = 1; n < 4; n++) {
        pid_t pid = fork_child();

        if (!pid) {
            struct splinter_open_options o = {.struct_size = sizeof(o)};

            o.flags = copy.flags;
            o.progress = die_in_progress;
            o.progress_arg = &n;
            splinter_store_open(&s, copy.name, &o);
            _exit(0);
        }
        reap(pid);
    }
    s = place_again(&copy, 0);
    ck_assert_int_eq(count_of(s, 1000, "b"), 1000);
    ck_assert_uint_eq(stat_of(s).damaged, 0);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    end_store();
}
END_TEST

START_TEST(a_rebuild_can_be_asked_for)
{
    splinter_store *s;

    make_store();
    fill(store, 100, "a");
    /* Not while somebody has it open. */
    ck_assert_int_eq(open_with_progress(&place, SPLINTER_REBUILD, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    ck_assert_ptr_nonnull(strstr(splinter_last_error(), "not rebuilt"));
    splinter_store_close(s);
    splinter_store_close(store);
    ck_assert_int_eq(open_with_progress(&place, SPLINTER_REBUILD, &store), 0);
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_int_eq(count_of(store, 100, "a"), 100);
    ck_assert_int_eq(check_store(store), 0);
    end_store();
}
END_TEST

/* ---- a rebuild that is asked for, while others look into the file ---- */

/* Open the file in order to rebuild it: 0: it was, and has n keys; 1: it was not, and that is said;
 * 2: neither. */
static int asks_for_rebuild(int n)
{
    splinter_store *s;
    int told;

    if (open_with_progress(&place, SPLINTER_REBUILD, &s))
        return 2;
    told = strstr(splinter_last_error(), "not rebuilt") != NULL;
    if (count_of(s, n, "a") != n)
        told = 2;
    else if (told)
        told = progress_calls || stat_of(s).rebuilt ? 2 : 1;
    else
        told = progress_calls && stat_of(s).rebuilt == (unsigned)n ? 0 : 2;
    splinter_store_close(s);
    return told;
}

/* A handle that only reads, and one that has changed nothing yet. */
START_TEST(a_rebuild_that_is_asked_for_waits_for_who_looks)
{
    splinter_store *s;
    int status = 0;
    pid_t pid;

    make_store();
    fill(store, 2000, "a");
    splinter_store_close(store);
    s = place_again(&place, _i ? SPLINTER_RDONLY : 0);
    pid = fork_child();
    if (!pid) {
        splinter_store_close(s);
        for (int n = 0; n < 20; n++)
            if (asks_for_rebuild(2000) != 1)
                _exit(1);
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0)
        ck_assert_int_eq(count_of(s, 2000, "a"), 2000);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(check_store(s), 0);
    if (!_i)
        set(s, "key00000", "a of 00000");
    splinter_store_close(s);
    ck_assert_int_eq(asks_for_rebuild(2000), 0);
    store = place_again(&place, 0);
    end_store();
}
END_TEST

START_TEST(a_child_that_has_the_mapping_counts)
{
    splinter_store *s;
    char byte;
    int end[2];
    pid_t pid;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    s = place_again(&place, _i ? SPLINTER_RDONLY : 0);
    ck_assert_int_eq(pipe(end), 0);
    pid = fork_child();
    if (!pid) {
        close(end[1]);
        (void)!read(end[0], &byte, 1); /* until the parent closes its end */
        _exit(count_of(s, 100, "a") != 100);
    }
    close(end[0]);
    splinter_store_close(s);
    ck_assert_int_eq(asks_for_rebuild(100), 1);
    close(end[1]);
    ck_assert_int_eq(reap(pid), 0);
    ck_assert_int_eq(asks_for_rebuild(100), 0);
    store = place_again(&place, 0);
    end_store();
}
END_TEST

/* The index is believed, as the kernel still has what they wrote. */
START_TEST(who_looked_when_all_writers_were_killed_counts)
{
    splinter_store *s;
    pid_t pid;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    s = place_again(&place, _i ? SPLINTER_RDONLY : 0);
    pid = fork_child();
    if (!pid) {
        splinter_store *writer = place_again(&place, 0);

        fill(writer, 100, "a");
        kill(getpid(), SIGKILL);
    }
    reap(pid);
    ck_assert_int_eq(asks_for_rebuild(100), 1);
    ck_assert_int_eq(count_of(s, 100, "a"), 100);
    splinter_store_close(s);
    ck_assert_int_eq(asks_for_rebuild(100), 0);
    store = place_again(&place, 0);
    end_store();
}
END_TEST

#define AT_EPOCH 256u
#define AT_MOUNT 768u
#define AT_FILESYSTEM 776u

static uint64_t number_at(uint64_t offset)
{
    size_t size;
    uint64_t number;
    uint8_t *bytes = raw_read(place.name, &size);

    memcpy(&number, bytes + offset, sizeof(number));
    free(bytes);
    return number;
}

static void killed_in_the_middle(void)
{
    pid_t pid = fork_child();

    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        fill(s, 50, "b");
        splinter_store_unset(s, "key00099", 0, NULL);
        kill(getpid(), SIGKILL);
    }
    reap(pid);
}

static const struct {
    bool filesystem, reader, rebuilt;
} mounts[] = {
    {true, false, true},   /* the file system was away */
    {false, false, false}, /* it is mounted in another place */
    {true, true, false},   /* nothing is known, but somebody looks into the file */
};

/* If all writers were killed, what they left is believed only if the file system was mounted all
 * the time.  A rebuild loses nothing of what is there. */
START_TEST(a_file_system_that_was_away_is_not_believed)
{
    const uint64_t other = 0xdead;
    splinter_store *s, *reader = NULL;
    uint64_t epoch;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    if (mounts[_i].reader)
        reader = place_again(&place, SPLINTER_RDONLY);
    killed_in_the_middle();
    epoch = number_at(AT_EPOCH);
    if (mounts[_i].filesystem || number_at(AT_FILESYSTEM)) {
        raw_patch(place.name, AT_MOUNT, &other, sizeof(other));
        if (mounts[_i].filesystem)
            raw_patch(place.name, AT_FILESYSTEM, &other, sizeof(other));
        for (int n = 0; n < 2; n++) { /* who reads alone leaves it as it is */
            ck_assert_int_eq(open_with_progress(&place, n ? 0 : SPLINTER_RDONLY, &s), 0);
            ck_assert_int_eq(progress_calls > 0, mounts[_i].rebuilt);
            ck_assert_int_eq(count_of(s, 100, "b"), 50);
            ck_assert_int_eq(count_of(s, 100, "a"), 49);
            ck_assert_uint_eq(stat_of(s).damaged, 0);
            ck_assert_int_eq(check_store(s), 0);
            splinter_store_close(s);
        }
        /* No epoch that was given out is given out again. */
        ck_assert_int_eq(number_at(AT_EPOCH) > epoch + (UINT64_C(1) << 39), mounts[_i].rebuilt);
    }
    splinter_store_close(reader);
    unlink(place.name);
}
END_TEST

/* The next one knows the mount again: what it leaves when it is killed is believed. */
START_TEST(the_mount_is_noted_again)
{
    const uint64_t other = 0xdead;
    splinter_store *s, *reader;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    reader = place_again(&place, SPLINTER_RDONLY);
    killed_in_the_middle();
    raw_patch(place.name, AT_MOUNT, &other, sizeof(other));
    raw_patch(place.name, AT_FILESYSTEM, &other, sizeof(other));
    killed_in_the_middle();
    ck_assert_uint_ne(number_at(AT_MOUNT), other);
    ck_assert_uint_ne(number_at(AT_FILESYSTEM), other);
    splinter_store_close(reader);
    ck_assert_int_eq(open_with_progress(&place, 0, &s), 0);
    if (number_at(AT_MOUNT) || number_at(AT_FILESYSTEM))
        ck_assert_int_eq(progress_calls, 0);
    ck_assert_int_eq(count_of(s, 100, "b"), 50);
    splinter_store_close(s);
    unlink(place.name);
}
END_TEST

/* The application may have closed the descriptors of the handle: the mapping has the lock. */
START_TEST(who_closed_every_descriptor_counts)
{
    splinter_store *s;

    make_store();
    fill(store, 100, "a");
    splinter_store_close(store);
    s = place_again(&place, SPLINTER_RDONLY);
    close(splinter_store_fd(s));
    ck_assert_int_eq(asks_for_rebuild(100), 1);
    splinter_store_close(s);
    ck_assert_int_eq(asks_for_rebuild(100), 0);
    store = place_again(&place, 0);
    end_store();
}
END_TEST

START_TEST(who_reads_a_private_copy_is_in_nobodys_way)
{
    struct place copy;
    splinter_store *s, *reader;

    make_store();
    fill(store, 100, "a");
    copy_to(place.name, &copy);
    reader = place_again(&copy, SPLINTER_RDONLY);
    for (int n = 0; n < 2; n++) { /* the copy is torn, and then it is not */
        ck_assert_int_eq(open_with_progress(&copy, SPLINTER_REBUILD, &s), 0);
        ck_assert_str_eq(splinter_last_error(), "");
        ck_assert_int_gt(progress_calls, 0);
        splinter_store_close(s);
    }
    ck_assert_int_eq(count_of(reader, 100, "a"), 100);
    splinter_store_close(reader);
    end_store();
}
END_TEST

static struct place torn;

static int reads_a_torn_copy(void)
{
    splinter_store *s;

    if (place_open(&torn, SPLINTER_RDONLY, &s))
        return 1;
    if (count_of(s, 1000, "a") != 500 || count_of(s, 1000, "b") != 500)
        return 2;
    if (splinter_store_set(s, "key00000", "x", 1, NULL, NULL) != -EROFS)
        return 3;
    if (check_store(s))
        return 4;
    splinter_store_close(s);
    return 0;
}

/* Who may write the file does not do so either, if it is opened to be read. */
/* Places that a rebuild has looked at, and forgotten, become the inside of a large slab. */
START_TEST(large_values_outlive_two_rebuilds)
{
    static char val[10000];
    struct place copy, again;
    splinter_store *s;
    char key[32];
    int there = 0;

    store = place_make(&place, BACKING_FILE, SLOTS, 16384);
    memset(val, 'v', sizeof(val));
    for (int i = 0; i < 2500; i++) { /* 81 slabs; the file already has those up to 86 */
        snprintf(key, sizeof(key), "small%05d", i);
        ck_assert_int_eq(splinter_store_set(store, key, val, 4000, NULL, NULL), 0);
    }
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "large%05d", i);
        ck_assert_int_eq(splinter_store_set(s, key, val, sizeof(val), NULL, NULL), 0);
    }
    ck_assert_int_eq(splinter_store_sync(s), 0);
    copy_to(copy.name, &again);
    place_end(&copy, s);
    s = place_again(&again, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "large%05d", i);
        there += !splinter_store_get(s, key, NULL, 0, NULL, NULL);
    }
    ck_assert_int_eq(there, 200);
    place_end(&again, s);
    end_store();
}
END_TEST

/* A lock that anybody can take who may read the file. */
START_TEST(a_reader_who_locks_the_file_does_not_pass_for_a_writer)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1,
                         .l_start = ((off_t)1 << (sizeof(off_t) == 8 ? 62 : 30)) + 100};
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct place copy;
    splinter_store *s;
    int fd;

    make_store();
    fill(store, 100, "locked");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    copy_to(place.name, &copy);
    fd = open(copy.name, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    ck_assert_int_eq(place_open(&copy, 0, &s), 0);
    ck_assert_int_eq(splinter_store_stat(s, &st), 0);
    ck_assert_uint_eq(st.rebuilt, 100);
    ck_assert_int_eq(count_of(s, 100, "locked"), 100);
    close(fd);
    place_end(&copy, s);
    end_store();
}
END_TEST

START_TEST(a_torn_copy_is_read_and_left_alone)
{
    size_t size, size2;
    uint8_t *before, *after;
    int status;

    make_store();
    fill(store, 1000, "a");
    fill(store, 500, "b");
    copy_to(place.name, &torn);
    before = raw_read(torn.name, &size);
    if (_i) {
        ck_assert_int_eq(chmod(torn.name, 0444), 0);
        status = as_nobody(reads_a_torn_copy);
    } else {
        status = reads_a_torn_copy();
    }
    ck_assert_msg(status <= 0, "%d", status);
    after = raw_read(torn.name, &size2);
    ck_assert(size == size2 && !memcmp(before, after, size));
    free(before);
    free(after);
    end_store();
}
END_TEST

/* How much of a large block is reserved may be of before the value, which is beyond the sync. */
START_TEST(a_large_value_in_a_torn_copy_is_read)
{
    static char big[90000], out[90000];
    static const uint8_t none[256];
    struct place p, copy;
    splinter_store *s;
    uint64_t at;
    size_t n;

    s = place_make(&p, BACKING_FILE, 100, sizeof(big));
    memset(big, 'b', sizeof(big));
    ck_assert_int_eq(splinter_store_set(s, "the-large-one", big, sizeof(big), NULL, NULL), 0);
    copy_to(p.name, &copy);
    at = offset_in(copy.name, "the-large-one") - 48; /* the first block begins 64 units on */
    raw_patch(copy.name, at - 4096 + 576, none, sizeof(none));
    place_end(&p, s);
    for (int rdonly = 1; rdonly >= 0; rdonly--) {
        s = place_again(&copy, rdonly ? SPLINTER_RDONLY : 0);
        ck_assert_int_eq(splinter_store_get(s, "the-large-one", out, sizeof(out), &n, NULL), 0);
        ck_assert(n == sizeof(big) && !memcmp(big, out, n));
        ck_assert_int_eq(check_store(s), 0);
        if (rdonly)
            splinter_store_close(s);
    }
    place_end(&copy, s);
}
END_TEST

START_TEST(a_network_file_system_is_refused_unless_forced)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    splinter_store *s;
    struct place other;

    make_store();
    fs_type = 0x6969;
    ck_assert_int_eq(place_open(&place, 0, &s), -EOPNOTSUPP);
    ck_assert_ptr_nonnull(strstr(splinter_last_error(), "NFS"));
    place_new(&other, BACKING_FILE);
    o.flags = SPLINTER_FILE | SPLINTER_CREATE;
    o.slots = o.max_value = 10;
    ck_assert_int_eq(splinter_store_open(&s, other.name, &o), -EOPNOTSUPP);
    ck_assert_int_ne(access(other.name, F_OK), 0);
    o.flags |= SPLINTER_NETWORK;
    ck_assert_int_eq(splinter_store_open(&s, other.name, &o), 0);
    splinter_store_close(s);
    fs_type = 0;
    end_store();
}
END_TEST

TCase *damage_tests(void)
{
    TCase *tcase = group("damage", 300);

    tcase_add_test(tcase, a_damaged_record_is_lost_and_counted);
    tcase_add_test(tcase, a_record_that_no_sync_covers_may_be_torn_without_being_damage);
    tcase_add_test(tcase, check_finds_a_wrong_checksum_in_a_store_in_use);
    tcase_add_test(tcase, a_file_that_was_cut_off_is_damaged);
    tcase_add_test(tcase, a_copy_without_what_the_file_grew_by_meanwhile_is_whole);
    tcase_add_test(tcase, two_that_open_at_once_rebuild_once);
    tcase_add_test(tcase, a_rebuild_that_is_killed_is_done_by_the_next);
    tcase_add_test(tcase, a_rebuild_can_be_asked_for);
    tcase_add_test(tcase, large_values_outlive_two_rebuilds);
    tcase_add_test(tcase, a_reader_who_locks_the_file_does_not_pass_for_a_writer);
    tcase_add_loop_test(tcase, a_rebuild_that_is_asked_for_waits_for_who_looks, 0, 2);
    tcase_add_loop_test(tcase, a_child_that_has_the_mapping_counts, 0, 2);
    tcase_add_loop_test(tcase, who_looked_when_all_writers_were_killed_counts, 0, 2);
    tcase_add_loop_test(tcase, a_file_system_that_was_away_is_not_believed, 0, 3);
    tcase_add_test(tcase, the_mount_is_noted_again);
    tcase_add_test(tcase, who_closed_every_descriptor_counts);
    tcase_add_test(tcase, who_reads_a_private_copy_is_in_nobodys_way);
    tcase_add_loop_test(tcase, a_torn_copy_is_read_and_left_alone, 0, 2);
    tcase_add_test(tcase, a_large_value_in_a_torn_copy_is_read);
    tcase_add_test(tcase, a_network_file_system_is_refused_unless_forced);
    return tcase;
}
