/* SPDX-License-Identifier: Apache-2.0 */
/* durable_snapshot.c - snapshots, and copies made while others write and sync */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "durable.h"

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
    place_end(&place, store);
}
END_TEST

START_TEST(a_snapshot_into_a_descriptor)
{
    char path[600];
    splinter_store *s;
    int fd, pipes[2];

    make_store();
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
    fd = open(path, O_RDWR | O_TRUNC | O_APPEND); /* writes would all go to the end */
    ck_assert_int_eq(splinter_store_snapshot_fd(store, fd), -EINVAL);
    close(fd);
    ck_assert_int_eq(splinter_store_snapshot_fd(store, -1), -EBADF);
    ck_assert_int_eq(splinter_store_snapshot_fd(NULL, 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(NULL, path, 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, "", 0), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, path, 07000), -EINVAL);
    ck_assert_int_eq(splinter_store_snapshot(store, "/nowhere/at/all", 0), -ENOENT);
    unlink(path);
    end_store();
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

static void start_writing(pthread_t *writer)
{
    for (int i = 0; i < 200; i++) {
        char key[32];

        snprintf(key, sizeof(key), "kept%d", i);
        set(store, key, "0 x");
    }
    stop_writer = round_now = 0;
    ck_assert_int_eq(pthread_create(writer, NULL, keep_writing, NULL), 0);
}

static void stop_writing(pthread_t writer)
{
    void *problem;

    stop_writer = 1;
    pthread_join(writer, &problem);
    ck_assert_msg(!problem, "%s", (const char *)problem);
}

START_TEST(a_snapshot_of_a_store_in_use_misses_nothing_that_was_there_all_the_time)
{
    pthread_t writer;

    store = place_make(&place, _i, SLOTS, MAX_VALUE);
    start_writing(&writer);
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
    stop_writing(writer);
    place_end(&place, store);
}
END_TEST

/* A store is full but for one key, and a writer always removes one and sets another. */
static void *keep_replacing(void *arg)
{
    char key[32];

    (void)arg;
    for (unsigned i = 0; !stop_writer; i++) {
        snprintf(key, sizeof(key), "key%05u", i);
        if (splinter_store_unset(store, key, 0, NULL))
            return (void *)(uintptr_t)"unset failed";
        snprintf(key, sizeof(key), "key%05u", i + 299);
        if (splinter_store_set(store, key, "v", 1, NULL, NULL))
            return (void *)(uintptr_t)"set failed";
    }
    return NULL;
}

START_TEST(a_snapshot_of_a_full_store_in_use_has_room)
{
    splinter_store *s;
    pthread_t writer;
    void *said;

    store = place_make(&place, _i, 300, 64);
    fill(store, 299, "a");
    stop_writer = 0;
    ck_assert_int_eq(pthread_create(&writer, NULL, keep_replacing, NULL), 0);
    for (int i = 0; i < 20; i++) {
        struct place to;

        place_new(&to, BACKING_FILE);
        ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), 0);
        s = place_again(&to, 0);
        ck_assert_uint_le(stat_of(s).keys, 300);
        ck_assert_int_eq(check_store(s), 0);
        place_end(&to, s);
    }
    stop_writer = 1;
    pthread_join(writer, &said);
    ck_assert_ptr_eq(said, NULL);
    place_end(&place, store);
}
END_TEST

/* Copy the store while a writer is at work, and open the copy.  It may be refused only if a sync
 * ended meanwhile; then NULL.  A set syncs if it finds no room, as during a long sync nothing that
 * is replaced becomes free. */
static splinter_store *open_copy(struct place *to)
{
    uint64_t before = stat_of(store).synced, after;
    splinter_store *s;
    int rc;

    copy_to(place.name, to);
    after = stat_of(store).synced;
    rc = place_open(to, 0, &s);
    if (!rc)
        return s;
    ck_assert_msg(rc == -EBADMSG && after > before, "%s (%s), synced %llu, then %llu",
                  strerror(-rc), splinter_last_error(), (unsigned long long)before,
                  (unsigned long long)after);
    unlink(to->name);
    return NULL;
}

/* Writers and syncs at once, by threads: every copy made meanwhile has, of each key, what the sync
 * that ended before saw, or something newer. */
START_TEST(copies_made_between_syncs_and_sets_lose_nothing_synced)
{
    pthread_t writer;

    store = place_make(&place, BACKING_FILE, SLOTS, MAX_VALUE);
    start_writing(&writer);
    for (int n = 0, copies = 0; n < 15 && copies < 100; copies++) {
        struct place to;
        splinter_store *s;
        int first = round_now;

        ck_assert_int_eq(splinter_store_sync(store), 0);
        sleep_ms(1);
        s = open_copy(&to);
        if (!s)
            continue;
        n++;
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
    stop_writing(writer);
    end_store();
}
END_TEST

TCase *snapshot_tests(void)
{
    TCase *tcase = group("snapshot", 300);

    ADD(a_snapshot_has_everything_and_opens_as_a_store);
    ADD(a_snapshot_of_a_full_store_in_use_has_room);
    tcase_add_test(tcase, a_snapshot_into_a_descriptor);
    ADD(a_snapshot_of_a_store_in_use_misses_nothing_that_was_there_all_the_time);
    tcase_add_test(tcase, copies_made_between_syncs_and_sets_lose_nothing_synced);
    return tcase;
}
