/* SPDX-License-Identifier: Apache-2.0 */
/* store_open.c - handles: opened, shared, read-only, inherited by a child of fork */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

/* ---- open ---- */

START_TEST(a_second_handle_sees_the_same_store)
{
    splinter_store *again;

    make_store(_i, SLOTS, MAX_VALUE);
    again = place_again(&place, 0);
    ck_assert_int_eq(set("k", "from the first"), 0);
    has(again, "k", "from the first");
    ck_assert_int_eq(splinter_store_set(again, "k", "x", 1, NULL, NULL), 0);
    has(store, "k", "x");
    splinter_store_close(again);
    has(store, "k", "x");
    end_store();
}
END_TEST

START_TEST(create_without_excl_opens_what_exists)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *again = NULL;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    options.flags = place.flags | SPLINTER_CREATE;
    options.slots = 3;
    options.max_value = 3;
    ck_assert_int_eq(splinter_store_open(&again, place.name, &options), 0);
    has(again, "k", "v");
    ck_assert_uint_eq(stat_of(again).slots, SLOTS);
    splinter_store_close(again);
    options.flags |= SPLINTER_EXCL;
    ck_assert_int_eq(splinter_store_open(&again, place.name, &options), -EEXIST);
    end_store();
}
END_TEST

/* Creates or opens what several threads want at once.  Returns what is wrong, or NULL. */
static void *races_to_open(void *arg)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    pthread_barrier_t *start = arg;
    splinter_store *s;
    char *wrong = NULL;

    options.flags = place.flags | SPLINTER_CREATE;
    options.slots = SLOTS;
    options.max_value = MAX_VALUE;
    pthread_barrier_wait(start);
    if (splinter_store_open(&s, place.name, &options))
        return strdup(splinter_last_error());
    if (*splinter_last_error())
        wrong = strdup(splinter_last_error());
    splinter_store_close(s);
    return wrong;
}

START_TEST(an_open_that_succeeds_leaves_no_sentence)
{
    pthread_barrier_t start;
    pthread_t threads[8];

    place_new(&place, _i);
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, 8), 0);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, races_to_open, &start), 0);
        for (int i = 0; i < 8; i++) {
            void *wrong;

            pthread_join(threads[i], &wrong);
            ck_assert_msg(!wrong, "%s", (char *)wrong);
        }
        ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), 0);
        ck_assert_str_eq(splinter_last_error(), "");
    }
    pthread_barrier_destroy(&start);
}
END_TEST

START_TEST(the_descriptor_is_closed_on_exec)
{
    char self[64], *line = NULL;
    size_t room = 0;
    unsigned long flags = 0;
    FILE *info;

    make_store(_i, SLOTS, MAX_VALUE);
    snprintf(self, sizeof(self), "/proc/self/fdinfo/%d", splinter_store_fd(store));
    info = fopen(self, "r");
    ck_assert_ptr_nonnull(info);
    while (getline(&line, &room, info) > 0)
        if (!strncmp(line, "flags:", 6))
            flags = strtoul(line + 6, NULL, 8);
    fclose(info);
    free(line);
    ck_assert(flags & 02000000);
    end_store();
}
END_TEST

START_TEST(unlink_removes_the_name_not_the_store)
{
    splinter_store *again;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), 0);
    ck_assert_int_eq(place_open(&place, 0, &again), -ENOENT);
    ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), -ENOENT);
    has(store, "k", "v");
    ck_assert_int_eq(set("k", "w"), 0);
    end_store();
}
END_TEST

START_TEST(a_store_passed_over_a_socket_is_shared)
{
    int pair[2];
    pid_t pid;
    char byte = 0;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid = fork_child();
    if (!pid) { /* begins before there is a store: it can have it from the socket only */
        splinter_store *got;
        char buf[16];
        int fd;

        if (recvmsg(pair[1], &msg, 0) != 1 || !(c = CMSG_FIRSTHDR(&msg)))
            _exit(1);
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        if (splinter_store_open_fd(&got, fd, NULL))
            _exit(2);
        close(fd);
        if (splinter_store_get(got, "question", buf, sizeof(buf), NULL, NULL))
            _exit(3);
        if (splinter_store_set(got, "answer", "42", 2, NULL, NULL))
            _exit(4);
        splinter_store_close(got);
        _exit(0);
    }
    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("question", "?"), 0);
    memset(&control, 0, sizeof(control));
    c = CMSG_FIRSTHDR(&msg);
    ck_assert_ptr_nonnull(c);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    {
        int fd = splinter_store_fd(store);
        memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    }
    ck_assert_int_eq((int)sendmsg(pair[0], &msg, 0), 1);
    ck_assert_int_eq(splinter_store_wait(store, "answer", 0, 30000, NULL), 0);
    has(store, "answer", "42");
    ck_assert_int_eq(reap(pid), 0);
    end_store();
}
END_TEST

START_TEST(a_memfd_cannot_be_shrunk)
{
    struct stat st;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    errno = 0;
    ck_assert_int_eq(ftruncate(splinter_store_fd(store), st.st_size / 2), -1);
    ck_assert_int_eq(errno, EPERM);
    end_store();
}
END_TEST

START_TEST(close_of_null_is_allowed)
{
    splinter_store_close(NULL);
}
END_TEST

/* ---- stat ---- */

START_TEST(stat_tells_the_limits_and_the_contents)
{
    struct splinter_stat st;

    make_store(_i, 100, 1000);
    st = stat_of(store);
    ck_assert_uint_eq(st.slots, 100);
    ck_assert_uint_eq(st.max_value, 1000);
    ck_assert_uint_eq(st.keys, 0);
    ck_assert_uint_eq(st.used_bytes, 0);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(set("l", "v"), 0);
    st = stat_of(store);
    ck_assert_uint_eq(st.keys, 2);
    ck_assert_uint_gt(st.used_bytes, 0);
    ck_assert_uint_ge(st.reserved_bytes, st.used_bytes);
    ck_assert_uint_ge(st.mapped_bytes, st.reserved_bytes);
    ck_assert_uint_ge(st.attached, 1);
    ck_assert_uint_ge(st.format_version, 1);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_uint_eq(stat_of(store).keys, 1);
    end_store();
}
END_TEST

/* ---- read-only handles ---- */

/* [P1] */
START_TEST(a_read_only_handle_reads_and_refuses_to_write)
{
    splinter_store *reader;
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    int64_t value;
    uint64_t epoch;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    has(reader, "k", "v");
    ck_assert_uint_eq(walk_count(reader, NULL), 1);
    ck_assert_uint_eq(stat_of(reader).keys, 1);
    ck_assert_int_eq(splinter_store_wait(reader, "k", 0, 0, &epoch), 0);
    ck_assert_int_eq(splinter_store_wait(reader, "k", epoch, 10, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_set(reader, "k", "w", 1, NULL, NULL), -EROFS);
    ck_assert_int_eq(splinter_store_set(reader, "new", "w", 1, &options, NULL), -EROFS);
    ck_assert_int_eq(splinter_store_unset(reader, "k", 0, NULL), -EROFS);
    ck_assert_int_eq(splinter_store_append(reader, "k", "w", 1, NULL), -EROFS);
    ck_assert_int_eq(splinter_store_add(reader, "n", 1, &value), -EROFS);
    ck_assert_int_eq(splinter_store_sweep(reader), -EROFS);
    has(store, "k", "v");
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* ---- fork ---- */

START_TEST(a_child_may_use_the_handle_of_its_parent)
{
    pid_t pid;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "parent"), 0);
    pid = fork_child();
    if (!pid) {
        char key[16];

        for (int i = 0; i < 50; i++) {
            snprintf(key, sizeof(key), "child%d", i);
            if (set(key, key))
                _exit(1);
        }
        if (set("k", "child") || check_store(store))
            _exit(2);
        splinter_store_close(store);
        _exit(0);
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(set("parent's own", "v"), 0);
    ck_assert_int_eq(reap(pid), 0);
    has(store, "k", "child");
    has(store, "child49", "child49");
    ck_assert_int_eq(set("k", "parent again"), 0);
    ck_assert_uint_eq(walk_count(store, "child"), 50);
    end_store();
}
END_TEST

START_TEST(a_child_that_writes_nothing_harms_nothing)
{
    make_store(_i, SLOTS, MAX_VALUE);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork_child();

        if (!pid) {
            if (i % 2)
                splinter_store_close(store);
            else if (set("k", "c"))
                _exit(1);
            _exit(0);
        }
        ck_assert_int_eq(set("k", "p"), 0);
        ck_assert_int_eq(reap(pid), 0);
    }
    ck_assert_uint_ge(stat_of(store).attached, 1);
    end_store();
}
END_TEST

START_TEST(a_child_goes_on_when_its_parent_dies)
{
    int done[2];
    pid_t parent;
    char result = 'x';

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(pipe(done), 0);
    parent = fork_child();
    if (!parent) {
        splinter_store *own = place_again(&place, 0);
        pid_t up = getpid();

        if (splinter_store_set(own, "k", "parent", 6, NULL, NULL))
            _exit(1);
        if (!fork()) {
            char key[16];
            int bad = 0;

            close(done[0]);
            for (int i = 0; i < 5000 && getppid() == up; i++) /* until the parent is gone */
                sleep_ms(1);
            for (int i = 0; i < 40; i++) {
                snprintf(key, sizeof(key), "c%d", i);
                bad |= splinter_store_set(own, key, key, strlen(key), NULL, NULL);
            }
            bad |= splinter_store_unset(own, "k", 0, NULL);
            if (write(done[1], bad ? "b" : "g", 1) != 1)
                _exit(1);
            _exit(0);
        }
        sleep_ms(5);
        _exit(0);
    }
    close(done[1]);
    ck_assert_int_eq(reap(parent), 0);
    ck_assert_int_eq((int)read(done[0], &result, 1), 1);
    ck_assert_int_eq(result, 'g');
    ck_assert_uint_eq(walk_count(store, "c"), 40);
    ck_assert(absent("k"));
    end_store();
}
END_TEST

TCase *open_tests(void)
{
    TCase *tcase = group("open", 120);

    ADD(a_second_handle_sees_the_same_store);
    ADD_NAMED(create_without_excl_opens_what_exists);
    ADD_NAMED(an_open_that_succeeds_leaves_no_sentence);
    ADD(the_descriptor_is_closed_on_exec);
    ADD_NAMED(unlink_removes_the_name_not_the_store);
    ADD(a_store_passed_over_a_socket_is_shared);
    tcase_add_loop_test(tcase, a_memfd_cannot_be_shrunk, BACKING_MEMFD, BACKINGS);
    tcase_add_test(tcase, close_of_null_is_allowed);
    ADD(stat_tells_the_limits_and_the_contents);
    ADD(a_read_only_handle_reads_and_refuses_to_write);
    ADD(a_child_may_use_the_handle_of_its_parent);
    ADD(a_child_that_writes_nothing_harms_nothing);
    ADD(a_child_goes_on_when_its_parent_dies);
    return tcase;
}
