/* SPDX-License-Identifier: Apache-2.0 */
/* test_verbs.c - the ten bus verbs: results and errno exactly as splinter.h has them */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char bus[512], other[512];

static void names(void)
{
    bus_name(bus, sizeof(bus));
    bus_name(other, sizeof(other));
}

static void names_away(void)
{
    splinter_close();
    splinter_store_unlink(bus, 0);
    splinter_store_unlink(other, 0);
}

static void opened(void)
{
    names();
    if (splinter_create(bus, 16, 256))
        die("create %s: %s", bus, splinter_last_error());
}

#define FAILS(call, cause)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((call), -1);                                                              \
        ck_assert_int_eq(errno, (cause));                                                          \
    } while (0)

#define FAILS2(call, cause)                                                                        \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((call), -2);                                                              \
        ck_assert_int_eq(errno, (cause));                                                          \
    } while (0)

/* ---- create, open, close ---- */

START_TEST(create_makes_a_store_that_open_finds)
{
    ck_assert_int_eq(splinter_create(bus, 10, 100), 0);
    splinter_close();
    ck_assert_int_eq(splinter_open(bus), 0);
}
END_TEST

START_TEST(create_refuses_a_name_that_exists_and_overwrites_nothing)
{
    char buf[8];

    ck_assert_int_eq(splinter_create(bus, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "kept", 4), 0);
    FAILS(splinter_create(bus, 10, 100), EEXIST);
    ck_assert_str_ne(splinter_last_error(), "");
    ck_assert_int_eq(splinter_get("k", buf, sizeof(buf), NULL), 0);
    splinter_close();
    FAILS(splinter_create(bus, 10, 100), EEXIST);
    ck_assert_int_eq(splinter_open(bus), 0);
    ck_assert_int_eq(splinter_get("k", buf, sizeof(buf), NULL), 0);
    ck_assert_mem_eq(buf, "kept", 4);
}
END_TEST

START_TEST(open_with_takes_a_mode_and_opens_to_read_only)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    char buf[8], path[600];
    struct stat st;

    options.flags = SPLINTER_CREATE;
    options.mode = 0640;
    options.slots = options.max_value = 10;
    umask(022);
    ck_assert_int_eq(splinter_open_with(bus, &options), 0);
    bus_path(path, sizeof(path), bus);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(splinter_set("k", "kept", 4), 0);
    options.flags = SPLINTER_RDONLY;
    ck_assert_int_eq(splinter_open_with(bus, &options), 0);
    ck_assert_int_eq(splinter_get("k", buf, sizeof(buf), NULL), 0);
    FAILS(splinter_set("k", "lost", 4), EROFS);
    FAILS(splinter_unset("k"), EROFS);
    ck_assert_int_eq(splinter_open_with(bus, NULL), 0);
    ck_assert_int_eq(splinter_set("k", "new", 3), 0);
    FAILS(splinter_open_with(other, NULL), ENOENT);
    options.flags = SPLINTER_RDONLY | SPLINTER_CREATE;
    FAILS(splinter_open_with(other, &options), EINVAL);
    ck_assert_int_eq(splinter_get("k", buf, sizeof(buf), NULL), 0);
}
END_TEST

START_TEST(open_of_a_missing_store_is_enoent)
{
    FAILS(splinter_open(bus), ENOENT);
    ck_assert_str_ne(splinter_last_error(), "");
}
END_TEST

START_TEST(open_or_create_creates_then_opens)
{
    size_t n = 0;

    ck_assert_int_eq(splinter_open_or_create(bus, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    splinter_close();
    ck_assert_int_eq(splinter_open_or_create(bus, 99, 999), 0);
    ck_assert_int_eq(splinter_get("k", NULL, 0, &n), 0);
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(create_or_open_creates_then_opens)
{
    size_t n = 0;

    ck_assert_int_eq(splinter_create_or_open(bus, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    splinter_close();
    ck_assert_int_eq(splinter_create_or_open(bus, 99, 999), 0);
    ck_assert_int_eq(splinter_get("k", NULL, 0, &n), 0);
    ck_assert_uint_eq(n, 1);
}
END_TEST

/* Sixteen processes race; in the end there is one store with all they wrote. */
START_TEST(racing_creators_end_in_one_store)
{
    for (int round = 0; round < 20; round++) {
        char name[512], key[16];
        pid_t pids[16];
        int gate[2];
        size_t n;

        bus_name(name, sizeof(name));
        ck_assert_int_eq(pipe(gate), 0);
        for (int i = 0; i < 16; i++) {
            pids[i] = fork_child();
            ck_assert_int_ge(pids[i], 0);
            if (!pids[i]) {
                char c;

                close(gate[1]);
                if (read(gate[0], &c, 1) < 0)
                    _exit(2);
                if (i % 2 ? splinter_create_or_open(name, 64, 64)
                          : splinter_open_or_create(name, 64, 64))
                    _exit(3);
                snprintf(key, sizeof(key), "k%d", i);
                _exit(splinter_set(key, key, strlen(key)) ? 4 : 0);
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < 16; i++)
            ck_assert_int_eq(reap(pids[i]), 0);
        ck_assert_int_eq(splinter_open(name), 0);
        ck_assert_int_eq(splinter_list(NULL, 0, &n), 0);
        splinter_store_unlink(name, 0);
        ck_assert_uint_eq(n, 16);
    }
}
END_TEST

START_TEST(a_successful_open_closes_the_store_before)
{
    ck_assert_int_eq(splinter_create(bus, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    ck_assert_int_eq(splinter_create(other, 10, 100), 0);
    FAILS(splinter_get("k", NULL, 0, NULL), ENOENT);
}
END_TEST

START_TEST(a_failed_open_keeps_the_store_before)
{
    ck_assert_int_eq(splinter_create(bus, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    FAILS(splinter_open(other), ENOENT);
    FAILS(splinter_create(other, 0, 100), EINVAL);
    ck_assert_int_eq(splinter_get("k", NULL, 0, NULL), 0);
}
END_TEST

START_TEST(close_detaches_and_may_be_repeated)
{
    splinter_close();
    ck_assert_int_eq(splinter_create(bus, 10, 100), 0);
    splinter_close();
    splinter_close();
    FAILS(splinter_get("k", NULL, 0, NULL), EBADF);
    ck_assert_int_eq(splinter_open(bus), 0);
}
END_TEST

START_TEST(without_a_store_every_verb_is_ebadf)
{
    size_t n;

    for (int closed = 0; closed < 2; closed++) {
        FAILS(splinter_set("k", "v", 1), EBADF);
        FAILS2(splinter_unset("k"), EBADF);
        FAILS(splinter_get("k", NULL, 0, &n), EBADF);
        FAILS(splinter_list(NULL, 0, &n), EBADF);
        FAILS(splinter_poll("k", 0), EBADF);
        ck_assert_int_eq(splinter_create_or_open(bus, 10, 100), 0);
        splinter_close();
    }
}
END_TEST

#ifndef TEST_PERSISTENT
START_TEST(a_name_is_the_same_with_and_without_a_leading_slash)
{
    char slashed[520];

    snprintf(slashed, sizeof(slashed), "/%s", bus);
    ck_assert_int_eq(splinter_create(slashed, 10, 100), 0);
    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    ck_assert_int_eq(splinter_open(bus), 0);
    ck_assert_int_eq(splinter_get("k", NULL, 0, NULL), 0);
    FAILS(splinter_create(bus, 10, 100), EEXIST);
}
END_TEST

START_TEST(a_name_with_a_slash_inside_is_einval)
{
    FAILS(splinter_create("a/b", 10, 100), EINVAL);
    FAILS(splinter_create("/", 10, 100), EINVAL);
}
END_TEST
#endif

START_TEST(bad_names_are_einval)
{
    FAILS(splinter_create(NULL, 10, 100), EINVAL);
    FAILS(splinter_open(NULL), EINVAL);
    FAILS(splinter_open_or_create(NULL, 10, 100), EINVAL);
    FAILS(splinter_create_or_open(NULL, 10, 100), EINVAL);
    errno = 0;
    ck_assert_int_eq(splinter_create("", 10, 100), -1);
    ck_assert(errno == EINVAL || errno == ENOENT);
}
END_TEST

START_TEST(an_over_long_name_is_enametoolong)
{
    char name[6000];

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = 0;
    FAILS(splinter_create(name, 10, 100), ENAMETOOLONG);
    FAILS(splinter_open(name), ENAMETOOLONG);
}
END_TEST

START_TEST(a_store_outlives_the_process_that_made_it)
{
    pid_t pid = fork_child();
    char buf[8];

    if (!pid)
        _exit(splinter_create(bus, 10, 100) || splinter_set("k", "from it", 7));
    ck_assert_int_eq(reap(pid), 0);
    ck_assert_int_eq(splinter_open(bus), 0);
    ck_assert_int_eq(splinter_get("k", buf, sizeof(buf), NULL), 0);
    ck_assert_mem_eq(buf, "from it", 7);
}
END_TEST

/* ---- set, get, unset ---- */

START_TEST(get_returns_what_was_set)
{
    unsigned char in[256], out[256];
    size_t n;

    for (int i = 0; i < 256; i++)
        in[i] = (unsigned char)i;
    for (size_t len = 1; len <= 256; len++) {
        ck_assert_int_eq(splinter_set("k", in, len), 0);
        n = 0;
        ck_assert_int_eq(splinter_get("k", out, sizeof(out), &n), 0);
        ck_assert_uint_eq(n, len);
        ck_assert_mem_eq(out, in, len);
    }
}
END_TEST

START_TEST(set_refuses_what_it_cannot_keep)
{
    char big[257] = {0};

    FAILS(splinter_set("k", "v", 0), EINVAL);
    FAILS(splinter_set("k", NULL, 1), EINVAL);
    FAILS(splinter_set("k", big, 257), EMSGSIZE);
    FAILS(splinter_set("k", big, SIZE_MAX), EMSGSIZE);
    FAILS(splinter_get("k", NULL, 0, NULL), ENOENT);
    ck_assert_int_eq(splinter_set("k", big, 256), 0);
    FAILS(splinter_set("k", big, 257), EMSGSIZE);
    ck_assert_int_eq(splinter_get("k", NULL, 0, NULL), 0);
}
END_TEST

START_TEST(bad_keys_are_refused_by_every_verb)
{
    char buf[8], longest[SPLINTER_KEY_MAX], over[SPLINTER_KEY_MAX + 1];

    memset(longest, 'k', sizeof(longest));
    longest[SPLINTER_KEY_MAX - 1] = 0;
    memset(over, 'k', sizeof(over));
    over[SPLINTER_KEY_MAX] = 0;

    FAILS(splinter_set(NULL, "v", 1), EINVAL);
    FAILS(splinter_set("", "v", 1), EINVAL);
    FAILS(splinter_get(NULL, buf, 8, NULL), EINVAL);
    FAILS(splinter_get("", buf, 8, NULL), EINVAL);
    FAILS2(splinter_unset(NULL), EINVAL);
    FAILS2(splinter_unset(""), EINVAL);
    FAILS(splinter_poll(NULL, 0), EINVAL);
    FAILS(splinter_poll("", 0), EINVAL);

    /* The longest key works; one byte more is refused, not cut. */
    ck_assert_int_eq(splinter_set(longest, "v", 1), 0);
    FAILS(splinter_set(over, "v", 1), ENAMETOOLONG);
    FAILS(splinter_get(over, buf, 8, NULL), ENAMETOOLONG);
    FAILS(splinter_poll(over, 0), ENAMETOOLONG);
    errno = 0;
    ck_assert_int_eq(splinter_unset(over), -1);
    ck_assert_int_eq(errno, ENAMETOOLONG);
    ck_assert_int_eq(splinter_get(longest, buf, 8, NULL), 0);
    ck_assert_int_eq(splinter_unset(longest), 1);
    ck_assert_uint_eq(splinter_key_max(), SPLINTER_KEY_MAX);
}
END_TEST

START_TEST(a_buffer_too_small_is_untouched_and_told_the_size)
{
    char buf[8];
    size_t n = 0;

    ck_assert_int_eq(splinter_set("k", "0123456789", 10), 0);
    memset(buf, '#', sizeof(buf));
    FAILS(splinter_get("k", buf, 8, &n), EMSGSIZE);
    ck_assert_uint_eq(n, 10);
    ck_assert_mem_eq(buf, "########", 8);
    FAILS(splinter_get("k", buf, 0, &n), EMSGSIZE);
    FAILS(splinter_get("k", buf, 8, NULL), EMSGSIZE);
    ck_assert_mem_eq(buf, "########", 8);
}
END_TEST

START_TEST(get_without_a_buffer_asks_for_the_size)
{
    size_t n = 0;

    ck_assert_int_eq(splinter_set("k", "0123456789", 10), 0);
    ck_assert_int_eq(splinter_get("k", NULL, 0, &n), 0);
    ck_assert_uint_eq(n, 10);
    ck_assert_int_eq(splinter_get("k", NULL, 0, NULL), 0);
    FAILS(splinter_get("absent", NULL, 0, &n), ENOENT);
}
END_TEST

START_TEST(unset_returns_the_length_removed)
{
    FAILS(splinter_unset("k"), ENOENT);
    ck_assert_int_eq(splinter_set("k", "0123456789", 10), 0);
    ck_assert_int_eq(splinter_unset("k"), 10);
    FAILS(splinter_unset("k"), ENOENT);
    FAILS(splinter_get("k", NULL, 0, NULL), ENOENT);
}
END_TEST

START_TEST(a_full_store_is_enospc_and_keeps_everything)
{
    char key[16], buf[16];
    size_t n;

    for (int i = 0; i < 16; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(splinter_set(key, key, strlen(key)), 0);
    }
    FAILS(splinter_set("one more", "v", 1), ENOSPC);
    for (int i = 0; i < 16; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(splinter_get(key, buf, sizeof(buf), &n), 0);
        ck_assert_uint_eq(n, strlen(key));
        ck_assert_mem_eq(buf, key, n);
    }
    ck_assert_int_eq(splinter_set("key3", "new", 3), 0);
    ck_assert_int_eq(splinter_unset("key3"), 3);
    ck_assert_int_eq(splinter_set("one more", "v", 1), 0);
}
END_TEST

/* ---- list ---- */

START_TEST(list_counts_and_names_every_key_once)
{
    char *keys[32];
    size_t n = 99;
    int seen[10] = {0};

    ck_assert_int_eq(splinter_list(NULL, 0, &n), 0);
    ck_assert_uint_eq(n, 0);
    for (int i = 0; i < 10; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(splinter_set(key, "v", 1), 0);
    }
    ck_assert_int_eq(splinter_list(NULL, 0, &n), 0);
    ck_assert_uint_eq(n, 10);
    ck_assert_int_eq(splinter_list(keys, 32, &n), 0);
    ck_assert_uint_eq(n, 10);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(strlen(keys[i]), 4);
        seen[keys[i][3] - '0']++;
    }
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(splinter_list(keys, 4, &n), 0);
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(listed_strings_outlive_their_keys)
{
    char *keys[4];
    size_t n;

    ck_assert_int_eq(splinter_set("short lived", "v", 1), 0);
    ck_assert_int_eq(splinter_list(keys, 4, &n), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(splinter_unset("short lived"), 1);
    ck_assert_int_eq(splinter_set("another key", "v", 1), 0);
    ck_assert_str_eq(keys[0], "short lived");
}
END_TEST

START_TEST(list_without_a_count_is_einval)
{
    char *keys[4];

    FAILS(splinter_list(keys, 4, NULL), EINVAL);
    FAILS(splinter_list(NULL, 0, NULL), EINVAL);
}
END_TEST

/* ---- poll ---- */

START_TEST(poll_of_a_missing_key_is_enoent)
{
    FAILS(splinter_poll("absent", 10), ENOENT);
    FAILS(splinter_poll("absent", SPLINTER_FOREVER), ENOENT);
}
END_TEST

START_TEST(poll_of_an_unchanged_key_times_out)
{
    uint64_t begin;

    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    FAILS(splinter_poll("k", 0), ETIMEDOUT);
    begin = now_ns();
    FAILS(splinter_poll("k", 30), ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 29000000);
}
END_TEST

static void *set_again_and_again(void *stop)
{
    for (int i = 0; !__atomic_load_n((int *)stop, __ATOMIC_ACQUIRE); i++) {
        if (splinter_set("k", &i, sizeof(i)))
            return (void *)1;
        sleep_ms(5);
    }
    return NULL;
}

START_TEST(poll_returns_when_a_thread_sets)
{
    pthread_t thread;
    int stop = 0;
    void *failed;

    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_again_and_again, &stop), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(splinter_poll("k", SPLINTER_FOREVER), 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

START_TEST(poll_returns_when_a_process_sets)
{
    pid_t pid;

    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    pid = fork_child();
    if (!pid) {
        if (splinter_open(bus))
            _exit(1);
        for (int i = 0; i < 40; i++) {
            sleep_ms(5);
            if (splinter_set("k", &i, sizeof(i)))
                _exit(2);
        }
        _exit(0);
    }
    ck_assert_int_eq(splinter_poll("k", 20000), 0);
    ck_assert_int_eq(splinter_poll("k", 20000), 0);
    ck_assert_int_eq(reap(pid), 0);
}
END_TEST

static void *unset_soon(void *arg)
{
    (void)arg;
    sleep_ms(50);
    return splinter_unset("k") == 1 ? NULL : (void *)1;
}

START_TEST(poll_of_a_key_that_is_unset_meanwhile_is_enoent)
{
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, unset_soon, NULL), 0);
    FAILS(splinter_poll("k", SPLINTER_FOREVER), ENOENT);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

/* A poller is asleep while another thread closes: it must come back, and nothing may crash. */
static void *poll_for_long(void *arg)
{
    (void)arg;
    return splinter_poll("k", 60000) == -1 ? NULL : (void *)1;
}

START_TEST(close_waits_for_calls_of_other_threads)
{
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(splinter_set("k", "v", 1), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, poll_for_long, NULL), 0);
    sleep_ms(50);
    splinter_close();
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

static void *open_and_close(void *arg)
{
    for (int i = 0; i < 300; i++) {
        if (splinter_open(i % 2 ? bus : (const char *)arg))
            return (void *)1;
        if (i % 7 == 0)
            splinter_close();
    }
    return NULL;
}

START_TEST(verbs_are_safe_while_another_thread_reopens)
{
    pthread_t thread;
    void *failed;
    char buf[16];

    ck_assert_int_eq(splinter_create(other, 10, 100), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, open_and_close, other), 0);
    for (int i = 0; i < 20000; i++) {
        if (splinter_set("k", "value", 5))
            ck_assert_int_eq(errno, EBADF);
        if (splinter_get("k", buf, sizeof(buf), NULL))
            ck_assert(errno == EBADF || errno == ENOENT);
        else
            ck_assert_mem_eq(buf, "value", 5);
        if (i % 100 == 0)
            splinter_poll("k", 0);
    }
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}
END_TEST

START_TEST(a_child_uses_the_store_of_its_parent)
{
    char buf[8];
    pid_t pid;

    ck_assert_int_eq(splinter_set("k", "parent", 6), 0);
    pid = fork_child();
    if (!pid) {
        if (splinter_get("k", buf, sizeof(buf), NULL) || memcmp(buf, "parent", 6))
            _exit(1);
        if (splinter_set("c", "child", 5) || splinter_unset("k") != 6)
            _exit(2);
        splinter_close();
        _exit(0);
    }
    ck_assert_int_eq(reap(pid), 0);
    ck_assert_int_eq(splinter_get("c", buf, sizeof(buf), NULL), 0);
    ck_assert_mem_eq(buf, "child", 5);
    FAILS(splinter_get("k", NULL, 0, NULL), ENOENT);
    ck_assert_int_eq(splinter_set("k", "still", 5), 0);
}
END_TEST

START_TEST(the_version_is_dotted_numbers)
{
    int a, b, c;

    ck_assert_int_eq(sscanf(splinter_version(), "%d.%d.%d", &a, &b, &c), 3);
}
END_TEST

static TCase *open_tests(void)
{
    TCase *tcase = group("open", 60);

    tcase_add_checked_fixture(tcase, names, names_away);
    tcase_add_test(tcase, create_makes_a_store_that_open_finds);
    tcase_add_test(tcase, create_refuses_a_name_that_exists_and_overwrites_nothing);
    tcase_add_test(tcase, open_with_takes_a_mode_and_opens_to_read_only);
    tcase_add_test(tcase, open_of_a_missing_store_is_enoent);
    tcase_add_test(tcase, open_or_create_creates_then_opens);
    tcase_add_test(tcase, create_or_open_creates_then_opens);
    tcase_add_test(tcase, racing_creators_end_in_one_store);
    tcase_add_test(tcase, a_successful_open_closes_the_store_before);
    tcase_add_test(tcase, a_failed_open_keeps_the_store_before);
    tcase_add_test(tcase, close_detaches_and_may_be_repeated);
    tcase_add_test(tcase, without_a_store_every_verb_is_ebadf);
#ifndef TEST_PERSISTENT
    tcase_add_test(tcase, a_name_is_the_same_with_and_without_a_leading_slash);
    tcase_add_test(tcase, a_name_with_a_slash_inside_is_einval);
#endif
    tcase_add_test(tcase, bad_names_are_einval);
    tcase_add_test(tcase, an_over_long_name_is_enametoolong);
    tcase_add_test(tcase, a_store_outlives_the_process_that_made_it);
    tcase_add_test(tcase, the_version_is_dotted_numbers);
    return tcase;
}

/* With a store that is open. */
static TCase *verb_tests(void)
{
    TCase *tcase = group("verbs", 60);

    tcase_add_checked_fixture(tcase, opened, names_away);
    tcase_add_test(tcase, get_returns_what_was_set);
    tcase_add_test(tcase, set_refuses_what_it_cannot_keep);
    tcase_add_test(tcase, bad_keys_are_refused_by_every_verb);
    tcase_add_test(tcase, a_buffer_too_small_is_untouched_and_told_the_size);
    tcase_add_test(tcase, get_without_a_buffer_asks_for_the_size);
    tcase_add_test(tcase, unset_returns_the_length_removed);
    tcase_add_test(tcase, a_full_store_is_enospc_and_keeps_everything);
    tcase_add_test(tcase, list_counts_and_names_every_key_once);
    tcase_add_test(tcase, listed_strings_outlive_their_keys);
    tcase_add_test(tcase, list_without_a_count_is_einval);
    tcase_add_test(tcase, poll_of_a_missing_key_is_enoent);
    tcase_add_test(tcase, poll_of_an_unchanged_key_times_out);
    tcase_add_test(tcase, poll_returns_when_a_thread_sets);
    tcase_add_test(tcase, poll_returns_when_a_process_sets);
    tcase_add_test(tcase, poll_of_a_key_that_is_unset_meanwhile_is_enoent);
    tcase_add_test(tcase, close_waits_for_calls_of_other_threads);
    tcase_add_test(tcase, verbs_are_safe_while_another_thread_reopens);
    tcase_add_test(tcase, a_child_uses_the_store_of_its_parent);
    return tcase;
}

int main(void)
{
    support_start();
    return run_groups("verbs", (TCase *[]){open_tests(), verb_tests(), NULL});
}
