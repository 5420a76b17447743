/* SPDX-License-Identifier: Apache-2.0 */
/* store_ephemeral.c - keys that go with their owner */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

#define HOUR (UINT64_C(3600) * 1000000000)

static int own(splinter_store *s, const char *key, const char *val, uint32_t flags)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.flags = SPLINTER_EPHEMERAL | flags;
    return splinter_store_set(s, key, val, strlen(val), &options, NULL);
}

/* A process that owns "e" with a handle of its own, and does nothing but live. */
static pid_t start_owner(void)
{
    int ready[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        if (own(s, "e", "mine", 0) || write(ready[1], "r", 1) != 1)
            _exit(2);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_owner(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(reap(pid), 1000 + SIGKILL);
}

static bool gone(splinter_store *s, const char *key)
{
    return splinter_store_get(s, key, NULL, 0, NULL, NULL) == -ENOENT;
}

/* [C4] */
START_TEST(a_key_goes_with_its_process_and_not_with_a_stop)
{
    splinter_store *reader;
    struct splinter_meta meta;
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("stays", "v"), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    pid = start_owner();
    has(store, "e", "mine");
    has(reader, "e", "mine");
    meta = meta_of("e");
    ck_assert_uint_eq(meta.owner, pid);
    ck_assert_uint_eq(meta.ttl_ns, 0);
    ck_assert_uint_eq(meta_of("stays").owner, 0);
    ck_assert_int_eq(set_with("e", "other", SPLINTER_IF_ABSENT, 0, 0, NULL), -EEXIST);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
    has(store, "e", "mine");
    has(reader, "e", "mine");
    ck_assert_uint_eq(walk_count(reader, NULL), 2);
    end_owner(pid);
    ck_assert(gone(reader, "e"));
    ck_assert_uint_eq(walk_count(reader, NULL), 1);
    ck_assert_int_eq(splinter_store_wait(reader, "e", meta.epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("e", "w", SPLINTER_IF_EPOCH, meta.epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("e", "next", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    has(reader, "e", "next");
    ck_assert_uint_eq(meta_of("e").revision, 1);
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* [C4] However a process ends. */
START_TEST(a_key_goes_with_an_exit_and_an_exec)
{
    int last[2];
    char c;
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    for (int way = 0; way < 2; way++) {
        ck_assert_int_eq(pipe2(last, O_CLOEXEC), 0);
        pid = fork_bound_child();
        if (!pid) {
            splinter_store *s = place_again(&place, 0);

            if (own(s, "e", "mine", 0))
                _exit(2);
            if (way)
                execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
            _exit(0);
        }
        close(last[1]);
        ck_assert_int_eq(read(last[0], &c, 1), 0); /* closed by either */
        close(last[0]);
        if (way) { /* it lives on as another program */
            int status;

            ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
            ck_assert(WIFSTOPPED(status));
            ck_assert(absent("e"));
            end_owner(pid);
        } else {
            ck_assert_int_eq(reap(pid), 0);
            ck_assert(absent("e"));
        }
        ck_assert_uint_eq(walk_count(store, NULL), 0);
    }
    end_store();
}
END_TEST

/* [C4] [P4] The owner is the handle, and not the process. */
START_TEST(a_closed_handle_takes_its_keys_along)
{
    splinter_store *one, *two;
    char path[600], key[16];
    uint64_t epoch;

    make_store(_i, SLOTS, MAX_VALUE);
    place_path(&place, path, sizeof(path));
    ck_assert_int_eq(set("stays", "v"), 0);
    one = place_again(&place, 0);
    two = place_again(&place, 0);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "first-%d", i);
        ck_assert_int_eq(own(one, key, "a marker of the first", 0), 0);
    }
    ck_assert_int_eq(own(two, "second", "v", 0), 0);
    ck_assert_uint_eq(walk_count(store, NULL), 22);
    epoch = stat_of(store).epoch;
    splinter_store_close(one);
    ck_assert_uint_eq(walk_count(store, NULL), 2);
    ck_assert_uint_eq(stat_of(store).keys, 2);
    ck_assert_uint_ge(stat_of(store).epoch, epoch + 20); /* each was unset, and told of */
    ck_assert_int_eq(splinter_store_sync(store), 0);
    ck_assert(!raw_contains(path, "a marker of the first"));
    has(store, "second", "v");
    splinter_store_close(two);
    ck_assert_uint_eq(walk_count(store, NULL), 1);
    end_store();
}
END_TEST

START_TEST(a_set_by_another_decides_anew)
{
    splinter_store *other;
    int64_t sum;

    make_store(_i, SLOTS, MAX_VALUE);
    other = place_again(&place, 0);
    ck_assert_int_eq(own(other, "plain", "v", 0), 0);
    ck_assert_int_eq(own(other, "mine", "v", 0), 0);
    ck_assert_int_eq(own(other, "long", "v", 0), 0);
    ck_assert_int_eq(own(other, "touched", "v", 0), 0);
    ck_assert_int_eq(own(other, "unset", "v", 0), 0);
    {
        struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL,
                                         .type = SPLINTER_TYPE_INT64};

        sum = 1;
        ck_assert_int_eq(splinter_store_set(other, "sum", &sum, sizeof(sum), &o, NULL), 0);
    }
    ck_assert_int_eq(set("plain", "w"), 0);
    ck_assert_int_eq(own(store, "mine", "w", 0), 0);
    ck_assert_int_eq(splinter_store_append(store, "long", "er", 2, NULL), 0);
    ck_assert_int_eq(splinter_store_touch(store, "touched", NULL), 0);
    ck_assert_int_eq(splinter_store_add(store, "sum", 2, &sum), 0);
    ck_assert_int_eq(splinter_store_unset(store, "unset", 0, NULL), 0);
    ck_assert_int_eq(sum, 3);
    has(store, "long", "ver");
    ck_assert_uint_eq(meta_of("plain").owner, 0);
    ck_assert_uint_eq(meta_of("long").owner, getpid());
    ck_assert_int_eq(set_with("mine", "x", SPLINTER_IF_ABSENT | SPLINTER_EPHEMERAL, 0, 0, NULL),
                     -EEXIST);
    splinter_store_close(other);
    has(store, "plain", "w");
    has(store, "mine", "w");
    ck_assert(absent("long"));
    ck_assert(absent("touched"));
    ck_assert(absent("sum"));
    ck_assert_uint_eq(walk_count(store, NULL), 2);
    ck_assert_int_eq(splinter_store_append(store, "long", "new", 3, NULL), 0);
    ck_assert_uint_eq(meta_of("long").owner, 0);
    end_store();
}
END_TEST

/* [C4] A child of fork is another owner. */
START_TEST(a_child_of_fork_owns_what_it_sets)
{
    int both[2], there[2];
    char c;
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(own(store, "parent's", "v", 0), 0);
    ck_assert_int_eq(pipe(both), 0);
    ck_assert_int_eq(pipe(there), 0);
    pid = fork_child();
    if (!pid) {
        close(both[1]);
        if (gone(store, "parent's") || own(store, "child's", "v", 0) || gone(store, "child's") ||
            gone(store, "parent's") || write(there[1], "t", 1) != 1 || read(both[0], &c, 1))
            _exit(1);
        _exit(0);
    }
    ck_assert_int_eq(read(there[0], &c, 1), 1);
    has(store, "child's", "v");
    close(both[1]);
    ck_assert_int_eq(reap(pid), 0);
    close(both[0]);
    close(there[0]);
    close(there[1]);
    has(store, "parent's", "v");
    ck_assert(absent("child's"));
    pid = fork_child();
    if (!pid) { /* not even if it closes its handle */
        splinter_store_close(store);
        _exit(0);
    }
    ck_assert_int_eq(reap(pid), 0);
    has(store, "parent's", "v");
    end_store();
}
END_TEST

/* Does a child lack what madvise(2) was told to keep from it?  With an emulator it may have it. */
static bool children_lack(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool lacks;
    pid_t pid;

    ck_assert(p != MAP_FAILED && !madvise(p, page, MADV_DONTFORK));
    pid = fork_child();
    if (!pid) {
        unsigned char there;

        _exit(mincore(p, page, &there) == 0);
    }
    lacks = reap(pid) == 0;
    munmap(p, page);
    return lacks;
}

/* [C4] A child that outlives its parent does not keep the parent's keys alive. */
START_TEST(a_child_of_fork_does_not_live_for_its_parent)
{
    int both[2], runs[2];
    char c;
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(pipe(both), 0);
    ck_assert_int_eq(pipe(runs), 0);
    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        if (own(s, "e", "v", 0))
            _exit(2);
        close(both[1]);
        if (!fork()) { /* it lives until the test has looked */
            if (write(runs[1], "r", 1) != 1 || read(both[0], &c, 1))
                _exit(3);
            _exit(0);
        }
        _exit(read(runs[0], &c, 1) != 1); /* not before it runs */
    }
    ck_assert_int_eq(reap(pid), 0);
    close(both[0]);
    if (children_lack())
        ck_assert(absent("e"));
    close(both[1]);
    close(runs[0]);
    close(runs[1]);
    end_store();
}
END_TEST

static void *kill_soon(void *pid)
{
    sleep_ms(30);
    return kill(*(pid_t *)pid, SIGKILL) ? (void *)1 : NULL;
}

/* [C4] The waiter that hears of it last has the test's time limit. */
START_TEST(waiters_hear_of_a_death)
{
    splinter_store *reader, *fresh, *waiters[3];
    pthread_t thread;
    void *failed;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    fresh = place_again(&place, 0); /* it has changed nothing, so it cannot clean up */
    waiters[0] = reader;
    waiters[1] = fresh;
    waiters[2] = store;
    for (int i = 0; i < 9; i++) {
        splinter_store *s = waiters[i % 3];
        pid_t pid = start_owner();
        uint64_t epoch = meta_of("e").epoch, any = stat_of(s).epoch;

        ck_assert_int_eq(pthread_create(&thread, NULL, kill_soon, &pid), 0);
        if (i < 3) {
            ck_assert_int_eq(splinter_store_wait(s, "e", epoch, SPLINTER_FOREVER, NULL), -ENOENT);
        } else if (i < 6) {
            const char *keys[] = {"k", "e", "none"};
            const uint64_t epochs[] = {meta_of("k").epoch, epoch, 0};
            size_t which = 0;

            ck_assert_int_eq(splinter_store_wait_many(s, keys, epochs, 3, SPLINTER_FOREVER,
                                                      &which, NULL), -ENOENT);
            ck_assert_uint_eq(which, 1);
        } else {
            while (!gone(s, "e"))
                ck_assert_int_eq(splinter_store_wait_any(s, any, SPLINTER_FOREVER, &any), 0);
        }
        ck_assert_int_eq(pthread_join(thread, &failed), 0);
        ck_assert_ptr_null(failed);
        ck_assert_int_eq(reap(pid), 1000 + SIGKILL);
        ck_assert(absent("e"));
    }
    splinter_store_close(reader);
    splinter_store_close(fresh);
    end_store();
}
END_TEST

/* [P8] A waiter in wait_any that may write removes the keys of the dead, each with an epoch. */
START_TEST(a_death_is_told_as_removals)
{
    uint64_t epoch;
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    pid = start_owner();
    ck_assert_uint_eq(stat_of(store).keys, 2);
    epoch = stat_of(store).epoch;
    end_owner(pid);
    while (stat_of(store).keys > 1)
        ck_assert_int_eq(splinter_store_wait_any(store, epoch, 1000, &epoch), 0);
    for (int i = 0; splinter_store_wait_any(store, epoch, 20, &epoch) == 0; i++)
        ck_assert_int_lt(i, 5);
    end_store();
}
END_TEST

/* [C4] Its end of life comes first, if it has one. */
START_TEST(an_ephemeral_key_may_have_an_end_of_life)
{
    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("e", "v", SPLINTER_EPHEMERAL, 0, HOUR, NULL), 0);
    ck_assert_uint_gt(meta_of("e").ttl_ns, 0);
    ck_assert_uint_le(meta_of("e").ttl_ns, HOUR);
    ck_assert_uint_eq(meta_of("e").owner, getpid());
    ck_assert_int_eq(set_with("e", "v", SPLINTER_EPHEMERAL, 0, 1, NULL), 0);
    while (!absent("e"))
        sleep_ms(1);
    ck_assert_int_eq(set_with("e", "v", SPLINTER_EPHEMERAL | SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    ck_assert_uint_eq(meta_of("e").ttl_ns, 0);
    ck_assert_int_eq(set_with("e", "w", 0, 0, 0, NULL), 0);
    ck_assert_uint_eq(meta_of("e").owner, 0);
    end_store();
}
END_TEST

START_TEST(a_reader_owns_nothing)
{
    splinter_store *reader;

    make_store(_i, SLOTS, MAX_VALUE);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(own(reader, "e", "v", 0), -EROFS);
    ck_assert_int_eq(set_with("e", "v", 0x10, 0, 0, NULL), -EINVAL);
    splinter_store_close(reader);
    end_store();
}
END_TEST

START_TEST(a_snapshot_leaves_ephemeral_keys_out)
{
    struct place to;
    splinter_store *copy;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("stays", "v"), 0);
    ck_assert_int_eq(own(store, "e", "v", 0), 0);
    place_new(&to, BACKING_FILE);
    ck_assert_int_eq(splinter_store_snapshot(store, to.name, 0), 0);
    copy = place_again(&to, 0);
    has(copy, "stays", "v");
    ck_assert_uint_eq(walk_count(copy, NULL), 1);
    ck_assert_uint_eq(stat_of(copy).keys, 1);
    place_end(&to, copy);
    end_store();
}
END_TEST

/* Orphans take no slot from anybody who needs one. */
START_TEST(keys_of_the_dead_do_not_fill_a_store)
{
    char key[16];
    pid_t pid;

    make_store(_i, 8, 64);
    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        for (int i = 0; i < 8; i++) {
            snprintf(key, sizeof(key), "old%d", i);
            if (own(s, key, "v", 0))
                _exit(1);
        }
        _exit(0);
    }
    ck_assert_int_eq(reap(pid), 0);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "new%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    ck_assert_int_eq(set("one more", "v"), -ENOSPC);
    end_store();
}
END_TEST

/* [C4] Nor does the next one that gets the place of a dead owner have its keys. */
START_TEST(a_place_is_inherited_without_its_keys)
{
    splinter_store *reader, *next;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    end_owner(start_owner());
    splinter_store_close(place_again(&place, 0)); /* an opener cleans up after the dead */
    next = place_again(&place, 0);
    ck_assert_int_eq(own(next, "other", "v", 0), 0);
    ck_assert_uint_eq(walk_count(next, NULL), 2);
    ck_assert_uint_eq(walk_count(reader, NULL), 2);
    ck_assert(gone(reader, "e"));
    ck_assert(gone(next, "e"));
    splinter_store_close(next);
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* The next event, for which the call may wait. */
static struct splinter_event next_of(splinter_feed *feed)
{
    struct splinter_event e = {.struct_size = sizeof(e)};

    ck_assert_int_eq(splinter_feed_next(feed, &e, NULL, 0, SPLINTER_FOREVER), 0);
    return e;
}

static uint64_t tells(splinter_feed *feed, uint32_t what, uint32_t revision)
{
    struct splinter_event e = next_of(feed);

    ck_assert_uint_eq(e.what, what);
    ck_assert_str_eq(e.key, "e");
    ck_assert_uint_eq(e.revision, revision);
    return e.epoch;
}

/* [C4] [P10] A feed that waits cleans up after the dead owner itself. */
START_TEST(a_feed_tells_that_an_owner_is_gone)
{
    splinter_feed *feed;
    splinter_store *other;
    uint64_t epoch;
    pid_t pid;

    place_feed = 256;
    make_store(_i, SLOTS, MAX_VALUE);
    place_feed = 0;
    ck_assert_int_eq(set("stays", "v"), 0);
    ck_assert_int_eq(splinter_feed_open(&feed, store, NULL), 0);
    pid = start_owner();
    epoch = tells(feed, SPLINTER_EVENT_SET, 1);
    end_owner(pid);
    ck_assert_uint_gt(tells(feed, SPLINTER_EVENT_OWNER_GONE, 1), epoch);
    other = place_again(&place, 0);
    ck_assert_int_eq(own(other, "e", "v", 0), 0);
    ck_assert_int_eq(own(other, "e", "w", 0), 0);
    splinter_store_close(other);
    tells(feed, SPLINTER_EVENT_SET, 1);
    tells(feed, SPLINTER_EVENT_SET, 2);
    tells(feed, SPLINTER_EVENT_OWNER_GONE, 2);
    /* A set that comes first tells it by its revision. */
    pid = start_owner();
    tells(feed, SPLINTER_EVENT_SET, 1);
    end_owner(pid);
    ck_assert_int_eq(set("e", "next"), 0);
    tells(feed, SPLINTER_EVENT_SET, 1);
    ck_assert_int_eq(splinter_store_unset(store, "e", 0, NULL), 0);
    tells(feed, SPLINTER_EVENT_UNSET, 1);
    splinter_feed_close(feed);
    end_store();
}
END_TEST

/* [C4] However many keys, and however many owners. */
START_TEST(many_owners_go_at_once)
{
    enum { OWNERS = 100, KEYS = 3 };
    char key[24];
    pid_t pid;
    uint64_t epoch;

    make_store(_i, OWNERS * KEYS + 1, 64);
    ck_assert_int_eq(set("stays", "v"), 0);
    pid = fork_child();
    if (!pid) {
        for (int i = 0; i < OWNERS; i++) {
            splinter_store *s = place_again(&place, 0);

            for (int k = 0; k < KEYS; k++) {
                snprintf(key, sizeof(key), "%d of %d", k, i);
                if (own(s, key, "v", 0))
                    _exit(1);
            }
        }
        kill(getpid(), SIGSTOP);
        pause();
    }
    ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
    ck_assert_uint_eq(walk_count(store, NULL), OWNERS * KEYS + 1);
    epoch = stat_of(store).epoch;
    end_owner(pid);
    ck_assert_uint_eq(walk_count(store, NULL), 1);
    while (stat_of(store).keys > 1)
        ck_assert_int_eq(splinter_store_wait_any(store, epoch, SPLINTER_FOREVER, &epoch), 0);
    has(store, "stays", "v");
    end_store();
}
END_TEST

TCase *ephemeral_tests(void)
{
    TCase *tcase = group("ephemeral", 120);

    ADD(a_key_goes_with_its_process_and_not_with_a_stop);
    ADD(a_key_goes_with_an_exit_and_an_exec);
    ADD(a_closed_handle_takes_its_keys_along);
    ADD(a_set_by_another_decides_anew);
    ADD(a_child_of_fork_owns_what_it_sets);
    ADD(a_child_of_fork_does_not_live_for_its_parent);
    ADD(waiters_hear_of_a_death);
    ADD(a_death_is_told_as_removals);
    ADD(an_ephemeral_key_may_have_an_end_of_life);
    ADD(a_reader_owns_nothing);
    ADD(a_snapshot_leaves_ephemeral_keys_out);
    ADD(keys_of_the_dead_do_not_fill_a_store);
    ADD(a_place_is_inherited_without_its_keys);
    ADD(a_feed_tells_that_an_owner_is_gone);
    ADD(many_owners_go_at_once);
    return tcase;
}
