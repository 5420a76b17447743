/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_durable.c - stores in files: sync, what a copy or a lost page leaves, snapshots
 *
 * A copy of the raw file, made while the store is in use, is what a power cut could leave: no
 * process has it open, and it is not the file it says it is.  fdatasync(), msync(), fstatfs() and
 * clock_gettime() are this program's own, in front of the C library's.
 */
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

#define SLOTS 3000
#define MAX_VALUE 4096

static struct place place;
static splinter_store *store;

/* ---- in front of the C library ---- */

static int syncs, sync_errno;
static long fs_type; /* as f_type of struct statfs */
static int64_t clock_shift_ns;

int fdatasync(int fd)
{
    syncs++;
    if (sync_errno) {
        errno = sync_errno;
        return -1;
    }
    return fsync(fd);
}

int msync(void *from, size_t bytes, int flags)
{
    syncs++;
    if (sync_errno) {
        errno = sync_errno;
        return -1;
    }
    return (int)syscall(SYS_msync, from, bytes, flags);
}

int fstatfs(int fd, struct statfs *st)
{
    char proc[64];
    int rc;

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    rc = statfs(proc, st);
    if (!rc && fs_type)
        st->f_type = (__typeof__(st->f_type))fs_type;
    return rc;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    int rc;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    rc = real(id, t);
    if (id == CLOCK_REALTIME && clock_shift_ns) {
        int64_t ns = t->tv_sec * INT64_C(1000000000) + t->tv_nsec + clock_shift_ns;

        t->tv_sec = (time_t)(ns / 1000000000);
        t->tv_nsec = (long)(ns % 1000000000);
    }
    return rc;
}

/* ---- pieces ---- */

static void set(splinter_store *s, const char *key, const char *val)
{
    int rc = splinter_store_set(s, key, val, strlen(val), NULL, NULL);

    ck_assert_msg(!rc, "set %s: %s", key, strerror(-rc));
}

static bool has(splinter_store *s, const char *key, const char *val)
{
    char buf[MAX_VALUE];
    size_t n;

    return !splinter_store_get(s, key, buf, sizeof(buf), &n, NULL) && n == strlen(val) &&
           !memcmp(buf, val, n);
}

static void make(void)
{
    store = place_make(&place, BACKING_FILE, SLOTS, MAX_VALUE);
}

static void end(void)
{
    splinter_store_close(store);
    unlink(place.name);
}

/* A copy of the bytes as they are now, under a name of its own. */
static void copy_to(const char *from, struct place *to)
{
    size_t size;
    uint8_t *bytes = raw_read(from, &size);
    int fd;

    place_new(to, BACKING_FILE);
    fd = open(to->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);

        ck_assert_int_gt((int)n, 0);
        at += (size_t)n;
    }
    close(fd);
    free(bytes);
}

static struct splinter_stat stat_of(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    ck_assert_int_eq(splinter_store_stat(s, &st), 0);
    return st;
}

static void fill(splinter_store *s, int n, const char *tag)
{
    char key[32], val[64];

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key%05d", i);
        snprintf(val, sizeof(val), "%s of %05d", tag, i);
        set(s, key, val);
    }
}

static int count_of(splinter_store *s, int n, const char *tag)
{
    char key[32], val[64];
    int found = 0;

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "key%05d", i);
        snprintf(val, sizeof(val), "%s of %05d", tag, i);
        found += has(s, key, val);
    }
    return found;
}

static uint64_t offset_in(const char *path, const char *marker)
{
    size_t size;
    uint8_t *bytes = raw_read(path, &size), *at = memmem(bytes, size, marker, strlen(marker));
    uint64_t offset = at ? (uint64_t)(at - bytes) : 0;

    free(bytes);
    ck_assert_msg(offset, "'%s' is not in the file", marker);
    return offset;
}

/* ---- sync ---- */

START_TEST(sync_covers_all_that_was_acknowledged)
{
    struct splinter_stat st;
    uint64_t epoch;

    make();
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
    end();
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
    splinter_store_close(s);
    if (!_i)
        splinter_store_unlink(p.name, p.flags);
}
END_TEST

START_TEST(sync_refuses_what_it_cannot_do)
{
    splinter_store *reader;

    ck_assert_int_eq(splinter_store_sync(NULL), -EINVAL);
    errno = 0;
    ck_assert_int_eq(splinter_sync(), -1);
    ck_assert_int_eq(errno, EBADF);
    make();
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_store_sync(reader), -EROFS);
    splinter_store_close(reader);
    end();
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

    make();
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
    end();
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

    make();
    s = again_with(&place, SPLINTER_SYNC_EACH, 0);
    ck_assert_int_eq(splinter_store_set(s, "k", "v", 1, NULL, &epoch), 0);
    ck_assert_uint_ge(stat_of(s).synced, epoch);
    syncs = 0;
    ck_assert_int_eq(splinter_store_unset(s, "k", 0, NULL), 0);
    ck_assert_int_ge(syncs, 2);
    sync_errno = EIO;
    ck_assert_int_eq(splinter_store_set(s, "k", "w", 1, NULL, NULL), -EIO);
    ck_assert(has(s, "k", "w")); /* it is set, but not on disk */
    sync_errno = 0;
    splinter_store_close(s);
    end();
}
END_TEST

START_TEST(sync_at_intervals_is_done_by_who_changes_something)
{
    splinter_store *often, *seldom;

    make();
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
    end();
}
END_TEST

/* Not only the first set of a handle, which looks for a block, but those that follow, too. */
START_TEST(a_set_among_many_syncs_at_its_interval)
{
    splinter_store *steady;

    make();
    steady = again_with(&place, 0, 50);
    for (int i = 0; i < 10; i++)
        set(steady, "k", "1");
    sleep_ms(60);
    syncs = 0;
    set(steady, "k", "2");
    ck_assert_int_gt(syncs, 0);
    splinter_store_close(steady);
    end();
}
END_TEST

/* ---- a copy made at any moment ---- */

static int progress_calls;
static uint64_t progress_done, progress_total;

static void progress(void *arg, uint64_t done, uint64_t total)
{
    ck_assert_ptr_eq(arg, &progress_calls);
    ck_assert_uint_ge(done, progress_done);
    ck_assert_uint_le(done, total);
    progress_calls++;
    progress_done = done;
    progress_total = total;
}

static int open_with_progress(const struct place *p, uint32_t flags, splinter_store **out)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};

    progress_calls = 0;
    progress_done = progress_total = 0;
    o.flags = p->flags | flags;
    o.progress = progress;
    o.progress_arg = &progress_calls;
    return splinter_store_open(out, p->name, &o);
}

START_TEST(a_copy_of_a_store_in_use_is_whole)
{
    struct place copy;
    splinter_store *s;
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = SPLINTER_TYPE_JSON};
    struct splinter_meta before = {.struct_size = sizeof(before)}, after = before;

    make();
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
    end();
}
END_TEST

START_TEST(a_copy_of_a_closed_store_opens_at_once)
{
    struct place copy;
    splinter_store *s;

    make();
    fill(store, 100, "a");
    splinter_store_close(store);
    copy_to(place.name, &copy);
    ck_assert_int_eq(open_with_progress(&copy, _i ? SPLINTER_RDONLY : 0, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    ck_assert_int_eq(count_of(s, 100, "a"), 100);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    unlink(place.name);
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

    make();
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
    end();
}
END_TEST

START_TEST(replaced_and_removed_bytes_are_gone_after_a_sync)
{
    make();
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
    end();
}
END_TEST

START_TEST(closing_leaves_no_replaced_bytes)
{
    make();
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
    int fd;

    make();
    fill(store, 500, "a");
    copy_to(place.name, &copy);
    bytes = raw_read(copy.name, &size);
    ck_assert_int_eq(stat(place.name, &old), 0);
    splinter_store_close(store);
    unlink(place.name);
    fd = open(place.name, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &new), 0);
    printf("# the inode number is %s\n", old.st_ino == new.st_ino ? "the same" : "another");
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);

        ck_assert_int_gt((int)n, 0);
        at += (size_t)n;
    }
    close(fd);
    free(bytes);
    ck_assert_int_eq(open_with_progress(&place, 0, &store), 0);
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_int_eq(count_of(store, 500, "a"), 500);
    ck_assert_int_eq(check_store(store), 0);
    end();
}
END_TEST

/* ---- damage ---- */

START_TEST(a_damaged_record_is_lost_and_counted)
{
    struct place copy;
    splinter_store *s;

    make();
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
    end();
}
END_TEST

START_TEST(a_record_that_no_sync_covers_may_be_torn_without_being_damage)
{
    struct place copy;
    splinter_store *s;

    make();
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
    end();
}
END_TEST

START_TEST(check_finds_a_wrong_checksum_in_a_store_in_use)
{
    make();
    fill(store, 10, "a");
    raw_patch(place.name, offset_in(place.name, "a of 00004"), "A", 1);
    ck_assert_int_eq(check_store(store), 1);
    end();
}
END_TEST

START_TEST(a_file_that_was_cut_off_is_damaged)
{
    struct place copy;
    splinter_store *s;
    struct stat st;

    make();
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
    end();
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

    make();
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
    end();
}
END_TEST

/* ---- opening ---- */

START_TEST(two_that_open_at_once_rebuild_once)
{
    struct place copy;
    pid_t pid[2];
    int rebuilt = 0;

    make();
    fill(store, 2000, "a");
    copy_to(place.name, &copy);
    for (int i = 0; i < 2; i++) {
        pid[i] = fork();
        if (!pid[i]) {
            splinter_store *s;
            int rc = open_with_progress(&copy, 0, &s);

            if (rc || count_of(s, 2000, "a") != 2000)
                _exit(100);
            /* Stays until the other one has it open, too: closing the last would be another story. */
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
    end();
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

    make();
    fill(store, 1000, "a");
    ck_assert_int_eq(splinter_store_sync(store), 0);
    fill(store, 1000, "b");
    copy_to(place.name, &copy);
    for (int n = 1; n < 4; n++) {
        pid_t pid = fork();

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
    end();
}
END_TEST

START_TEST(a_rebuild_can_be_asked_for)
{
    splinter_store *s;

    make();
    fill(store, 100, "a");
    /* Not while somebody has it open. */
    ck_assert_int_eq(open_with_progress(&place, SPLINTER_REBUILD, &s), 0);
    ck_assert_int_eq(progress_calls, 0);
    splinter_store_close(s);
    splinter_store_close(store);
    ck_assert_int_eq(open_with_progress(&place, SPLINTER_REBUILD, &store), 0);
    ck_assert_int_gt(progress_calls, 0);
    ck_assert_int_eq(count_of(store, 100, "a"), 100);
    ck_assert_int_eq(check_store(store), 0);
    end();
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

START_TEST(a_torn_copy_that_may_only_be_read_is_read)
{
    size_t size, size2;
    uint8_t *before, *after;
    pid_t pid;
    int status;

    make();
    fill(store, 1000, "a");
    fill(store, 500, "b");
    copy_to(place.name, &torn);
    ck_assert_int_eq(chmod(torn.name, 0444), 0);
    before = raw_read(torn.name, &size);
    pid = fork();
    if (!pid) {
        if (!geteuid() && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
            _exit(99);
        _exit(reads_a_torn_copy());
    }
    status = reap(pid);
    ck_assert_msg(status == 0 || status == 99, "%d", status);
    after = raw_read(torn.name, &size2);
    ck_assert(size == size2 && !memcmp(before, after, size));
    free(before);
    free(after);
    end();
}
END_TEST

START_TEST(a_network_file_system_is_refused_unless_forced)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    splinter_store *s;
    struct place other;

    make();
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
    end();
}
END_TEST

/* ---- limits ---- */

/* Every block is taken, half of them by versions that wait for a sync. */
START_TEST(set_syncs_by_itself_before_it_gives_up)
{
    struct rlimit limit;
    struct stat st;

    make();
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
    end();
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
    end();
}
END_TEST

START_TEST(the_file_does_not_grow_with_updates)
{
    uint64_t reserved;

    make();
    for (int i = 0; i < 50; i++) {
        fill(store, 1000, "round");
        if (_i && i % 10 == 0)
            ck_assert_int_eq(splinter_store_sync(store), 0);
        if (i == 20)
            reserved = stat_of(store).reserved_bytes;
    }
    ck_assert_uint_le(stat_of(store).reserved_bytes, reserved);
    ck_assert_uint_lt(reserved, 16u << 20);
    end();
}
END_TEST

/* ---- time ---- */

START_TEST(an_end_of_life_survives_and_a_clock_that_jumps_back_revives_nothing)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = UINT64_C(3600000000000)};
    struct splinter_meta m = {.struct_size = sizeof(m)};
    struct place copy;
    splinter_store *s, *reader;

    make();
    ck_assert_int_eq(splinter_store_set(store, "long", "v", 1, &o, NULL), 0);
    o.ttl_ns /= 10;
    ck_assert_int_eq(splinter_store_set(store, "other", "v", 1, &o, NULL), 0);
    ck_assert_int_eq(splinter_store_set(store, "short", "v", 1, &o, NULL), 0);
    clock_shift_ns = INT64_C(1000000000) * 1000;
    ck_assert_int_eq(splinter_store_get(store, "short", NULL, 0, NULL, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_sync(store), 0);
    clock_shift_ns = 0;
    ck_assert_int_eq(splinter_store_get(store, "other", NULL, 0, NULL, NULL), -ENOENT);
    copy_to(place.name, &copy);
    s = place_again(&copy, 0);
    ck_assert_int_eq(splinter_store_get(s, "short", NULL, 0, NULL, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_get(s, "other", NULL, 0, NULL, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_get(s, "long", NULL, 0, NULL, &m), 0);
    ck_assert_uint_gt(m.ttl_ns, 0);
    reader = place_again(&copy, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_store_get(reader, "other", NULL, 0, NULL, NULL), -ENOENT);
    splinter_store_close(reader);
    splinter_store_close(s);
    end();
}
END_TEST

/* ---- snapshot ---- */

START_TEST(a_snapshot_has_everything_and_opens_as_a_store)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = 777,
                                     .ttl_ns = UINT64_C(3600000000000)};
    struct splinter_meta a = {.struct_size = sizeof(a)}, b = a;
    struct place to;
    splinter_store *s;
    struct stat st;
    char big[MAX_VALUE];

    memset(big, 'b', sizeof(big));
    store = place_make(&place, _i, SLOTS, MAX_VALUE);
    fill(store, 1000, "a");
    ck_assert_int_eq(splinter_store_set(store, "big", big, sizeof(big), &o, NULL), 0);
    ck_assert_int_eq(splinter_store_set(store, "big", big, sizeof(big), &o, NULL), 0);
    set(store, "removed", "r");
    ck_assert_int_eq(splinter_store_unset(store, "removed", 0, NULL), 0);
    place_new(&to, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0640), 0);
    ck_assert_int_eq(stat(to.name, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777 & ~0640, 0);
    ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), -EEXIST);
    ck_assert_int_eq(open_with_progress(&to, 0, &s), 0);
    ck_assert_int_eq(progress_calls, 0); /* it was closed in order */
    ck_assert_int_eq(count_of(s, 1000, "a"), 1000);
    ck_assert_uint_eq(stat_of(s).keys, 1001);
    ck_assert_int_eq(splinter_store_get(store, "big", NULL, 0, NULL, &a), 0);
    ck_assert_int_eq(splinter_store_get(s, "big", NULL, 0, NULL, &b), 0);
    ck_assert(a.epoch == b.epoch && a.revision == 2 && b.revision == 2 && b.type == 777);
    ck_assert(b.ttl_ns && b.ttl_ns <= o.ttl_ns);
    ck_assert_int_eq(splinter_store_set(s, "key00000", "x", 1, NULL, &b.epoch), 0);
    ck_assert_uint_gt(b.epoch, stat_of(store).epoch - 1);
    ck_assert_int_eq(check_store(s), 0);
    splinter_store_close(s);
    splinter_store_close(store);
    if (_i != BACKING_MEMFD)
        splinter_store_unlink(place.name, place.flags);
}
END_TEST

START_TEST(a_snapshot_into_a_descriptor)
{
    char path[600];
    splinter_store *s;
    int fd, pipes[2];

    make();
    fill(store, 100, "a");
    snprintf(path, sizeof(path), "%s/by-descriptor", support_dir());
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, fd), 0);
    ck_assert_int_eq(splinter_store_open_fd(&s, fd, NULL), 0);
    ck_assert_int_eq(count_of(s, 100, "a"), 100);
    splinter_store_close(s);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, fd), -EINVAL); /* it is not empty */
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, pipes[1]), -EINVAL);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    fd = open(path, O_RDONLY | O_TRUNC);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, fd), -EINVAL);
    close(fd);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, -1), -EBADF);
    ck_assert_int_eq(splinter_store_snapshot_fd(NULL, 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(NULL, path, 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, "", 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, path, 07000), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, "/nowhere/at/all", 0), -ENOENT);
    unlink(path);
    end();
}
END_TEST

/* A writer changes every key over and over, half of them by unset and set; "kept" ones are always
 * there, and a value says which round it is of. */
static _Atomic int stop_writer;
static _Atomic int round_now;

static void *keep_writing(void *arg)
{
    char key[32], val[64];

    (void)arg;
    for (int round = 1; !stop_writer; round++) {
        round_now = round;
        for (int i = 0; i < 200; i++) {
            snprintf(val, sizeof(val), "%d %d", round, i);
            snprintf(key, sizeof(key), "kept%d", i);
            if (splinter_store_set(store, key, val, strlen(val), NULL, NULL))
                return (void *)(uintptr_t)"set failed";
            snprintf(key, sizeof(key), "comes%d", i);
            if (round % 2 ? splinter_store_set(store, key, val, strlen(val), NULL, NULL)
                          : splinter_store_unset(store, key, 0, NULL))
                return (void *)(uintptr_t)"set or unset of a key that comes and goes failed";
        }
    }
    return NULL;
}

START_TEST(a_snapshot_of_a_store_in_use_misses_nothing_that_was_there_all_the_time)
{
    pthread_t writer;
    void *problem;

    store = place_make(&place, _i, SLOTS, MAX_VALUE);
    for (int i = 0; i < 200; i++) {
        char key[32];

        snprintf(key, sizeof(key), "kept%d", i);
        set(store, key, "0 x");
    }
    stop_writer = round_now = 0;
    ck_assert_int_eq(pthread_create(&writer, NULL, keep_writing, NULL), 0);
    for (int n = 0; n < 10; n++) {
        struct place to;
        splinter_store *s;
        int first = round_now, last;

        place_new(&to, BACKING_FILE);
        ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), 0);
        last = round_now;
        s = place_again(&to, 0);
        for (int i = 0; i < 200; i++) {
            char key[32], val[64] = "";
            int round = -1, number = -1;

            snprintf(key, sizeof(key), "kept%d", i);
            ck_assert_int_eq(splinter_store_get(s, key, val, sizeof(val) - 1, NULL, NULL), 0);
            sscanf(val, "%d %d", &round, &number);
            ck_assert_msg(round >= first - 1 && round <= last && (number == i || !round),
                          "%s is '%s', rounds %d to %d", key, val, first, last);
        }
        ck_assert_int_eq(check_store(s), 0);
        splinter_store_close(s);
        unlink(to.name);
    }
    stop_writer = 1;
    pthread_join(writer, &problem);
    ck_assert_msg(!problem, "%s", (const char *)problem);
    splinter_store_close(store);
    if (_i != BACKING_MEMFD)
        splinter_store_unlink(place.name, place.flags);
}
END_TEST

/* Writers and syncs at once, by threads: every copy made meanwhile has, of each key, what the sync
 * that ended before saw, or something newer. */
START_TEST(copies_made_between_syncs_and_sets_lose_nothing_synced)
{
    pthread_t writer;
    void *problem;

    store = place_make(&place, BACKING_FILE, SLOTS, MAX_VALUE);
    for (int i = 0; i < 200; i++) {
        char key[32];

        snprintf(key, sizeof(key), "kept%d", i);
        set(store, key, "0 x");
    }
    stop_writer = round_now = 0;
    ck_assert_int_eq(pthread_create(&writer, NULL, keep_writing, NULL), 0);
    for (int n = 0; n < 15; n++) {
        struct place to;
        splinter_store *s;
        int first = round_now;

        ck_assert_int_eq(splinter_store_sync(store), 0);
        sleep_ms(1);
        copy_to(place.name, &to);
        s = place_again(&to, 0);
        ck_assert_uint_eq(stat_of(s).damaged, 0);
        for (int i = 0; i < 200; i++) {
            char key[32], val[64] = "";
            int round = -1, number = -1;

            snprintf(key, sizeof(key), "kept%d", i);
            ck_assert_int_eq(splinter_store_get(s, key, val, sizeof(val) - 1, NULL, NULL), 0);
            sscanf(val, "%d %d", &round, &number);
            ck_assert_msg(round >= first - 1 && (number == i || !round),
                          "%s is '%s', the sync began in round %d", key, val, first);
        }
        ck_assert_int_eq(check_store(s), 0);
        splinter_store_close(s);
        unlink(to.name);
    }
    stop_writer = 1;
    pthread_join(writer, &problem);
    ck_assert_msg(!problem, "%s", (const char *)problem);
    end();
}
END_TEST

int main(void)
{
    Suite *suite;
    TCase *tcase;
    SRunner *runner;

    support_start();
    suite = suite_create("durable");
    tcase = tcase_create("durable");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, sync_covers_all_that_was_acknowledged);
    tcase_add_loop_test(tcase, sync_of_a_memory_store_does_nothing, 0, 2);
    tcase_add_test(tcase, sync_refuses_what_it_cannot_do);
    tcase_add_test(tcase, the_verb_syncs_the_store_of_the_process);
    tcase_add_loop_test(tcase, a_failed_sync_is_told_until_one_succeeds, 0, 2);
    tcase_add_test(tcase, sync_each_syncs_before_the_call_returns);
    tcase_add_test(tcase, sync_at_intervals_is_done_by_who_changes_something);
    tcase_add_test(tcase, a_set_among_many_syncs_at_its_interval);
    tcase_add_loop_test(tcase, a_copy_of_a_store_in_use_is_whole, 0, 2);
    tcase_add_loop_test(tcase, a_copy_of_a_closed_store_opens_at_once, 0, 2);
    tcase_add_test(tcase, a_synced_unset_is_not_resurrected_by_an_old_page);
    tcase_add_test(tcase, replaced_and_removed_bytes_are_gone_after_a_sync);
    tcase_add_test(tcase, closing_leaves_no_replaced_bytes);
    tcase_add_test(tcase, a_copy_in_the_place_of_the_removed_file_is_rebuilt);
    tcase_add_test(tcase, a_damaged_record_is_lost_and_counted);
    tcase_add_test(tcase, a_record_that_no_sync_covers_may_be_torn_without_being_damage);
    tcase_add_test(tcase, check_finds_a_wrong_checksum_in_a_store_in_use);
    tcase_add_test(tcase, a_file_that_was_cut_off_is_damaged);
    tcase_add_test(tcase, a_copy_without_what_the_file_grew_by_meanwhile_is_whole);
    tcase_add_test(tcase, two_that_open_at_once_rebuild_once);
    tcase_add_test(tcase, a_rebuild_that_is_killed_is_done_by_the_next);
    tcase_add_test(tcase, a_rebuild_can_be_asked_for);
    tcase_add_test(tcase, a_torn_copy_that_may_only_be_read_is_read);
    tcase_add_test(tcase, a_network_file_system_is_refused_unless_forced);
    tcase_add_test(tcase, set_syncs_by_itself_before_it_gives_up);
    tcase_add_test(tcase, a_store_of_one_slot_never_opens_with_two_keys);
    tcase_add_loop_test(tcase, the_file_does_not_grow_with_updates, 0, 2);
    tcase_add_test(tcase, an_end_of_life_survives_and_a_clock_that_jumps_back_revives_nothing);
    tcase_add_loop_test(tcase, a_snapshot_has_everything_and_opens_as_a_store, 0, BACKINGS);
    tcase_add_test(tcase, a_snapshot_into_a_descriptor);
    tcase_add_loop_test(tcase, a_snapshot_of_a_store_in_use_misses_nothing_that_was_there_all_the_time,
                        0, BACKINGS);
    tcase_add_test(tcase, copies_made_between_syncs_and_sets_lose_nothing_synced);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
