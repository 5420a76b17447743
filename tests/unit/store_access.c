/* SPDX-License-Identifier: Apache-2.0 */
/* store_access.c - who gets in: the mode of a store, and what a descriptor allows */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

/* ---- the mode of a new store ---- */

START_TEST(permissions_are_0600_unless_asked_less_the_umask)
{
    static const struct {
        uint32_t mode;
        mode_t mask, want;
    } cases[] = {{0, 022, 0600},     {0, 0, 0600},       {0644, 022, 0644}, {0666, 027, 0640},
                 {0660, 077, 0600},  {0666, 0, 0666},    {0444, 022, 0444}, {0640, 077, 0600}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;
        struct stat st;

        place_new(&place, _i);
        options.flags = place.flags | (_i == BACKING_MEMFD ? 0 : SPLINTER_CREATE);
        options.mode = cases[i].mode;
        options.slots = options.max_value = 10;
        umask(cases[i].mask);
        ck_assert_int_eq(splinter_store_open(&s, place.name, &options), 0);
        ck_assert_int_eq(fstat(splinter_store_fd(s), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, cases[i].want);
        ck_assert_uint_eq(umask(022), cases[i].mask);
        ck_assert_int_eq(splinter_store_set(s, "k", "v", 1, NULL, NULL), 0);
        splinter_store_close(s);
        if (_i != BACKING_MEMFD)
            splinter_store_unlink(place.name, place.flags);
    }
}
END_TEST

/* ---- what a descriptor allows ---- */

static int given; /* a descriptor that somebody passed on */
static int opens_to; /* what the open of it to write, and a set, should say */

/* The exit status says which step went wrong. */
static int uses_what_was_given(void)
{
    splinter_store *s = NULL;
    char buf[8];
    int rc = splinter_store_open_fd(&s, given, NULL);

    if (rc != (opens_to == -EROFS ? 0 : opens_to))
        return 1;
    if (rc) /* it may be read, then, if that is what it was opened for */
        return *splinter_last_error() ? 0 : 2;
    if (splinter_store_get(s, "k", buf, sizeof(buf), NULL, NULL) || buf[0] != 'v')
        return 3;
    rc = splinter_store_set(s, "k", "w", 1, NULL, NULL);
    if (rc != opens_to)
        return 4;
    /* Nor does what the handle passes on in turn give more. */
    if (rc == -EROFS && (fcntl(splinter_store_fd(s), F_GETFL) & O_ACCMODE) != O_RDONLY)
        return 5;
    splinter_store_close(s);
    return 0;
}

static void opened_to_read_only_reads(void)
{
    char path[600];

    place_path(&place, path, sizeof(path));
    given = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(given, 0);
    opens_to = -EROFS;
    ck_assert_int_eq(uses_what_was_given(), 0);
    ck_assert_int_le(as_nobody(uses_what_was_given), 0);
    close(given);
    has(store, "k", "v");
}

START_TEST(a_descriptor_to_read_does_not_let_write)
{
    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    opened_to_read_only_reads();
    end_store();
}
END_TEST

START_TEST(the_descriptor_of_a_read_only_handle_does_not_let_write)
{
    splinter_store *reader;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    reader = place_again(&place, SPLINTER_RDONLY);
    given = splinter_store_fd(reader);
    opens_to = -EROFS;
    ck_assert_int_eq(uses_what_was_given(), 0);
    ck_assert_int_le(as_nobody(uses_what_was_given), 0);
    has(store, "k", "v");
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* A writer opens the file again, for which its user needs the mode. */
START_TEST(a_descriptor_to_write_lets_write_whom_the_mode_lets)
{
    static const uint32_t modes[] = {0600, 0666};

    for (size_t i = 0; i < 2; i++) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};

        umask(0);
        options.flags = SPLINTER_ANONYMOUS;
        options.mode = modes[i];
        options.slots = options.max_value = 10;
        ck_assert_int_eq(splinter_store_open(&store, "passed on", &options), 0);
        ck_assert_int_eq(set("k", "v"), 0);
        given = splinter_store_fd(store);
        opens_to = geteuid() || modes[i] == 0666 ? 0 : -EACCES;
        ck_assert_int_le(as_nobody(uses_what_was_given), 0);
        splinter_store_close(store);
    }
}
END_TEST

START_TEST(a_descriptor_that_cannot_read_is_refused)
{
    splinter_store *s = NULL;
    char path[600];

    make_store(_i, SLOTS, MAX_VALUE);
    place_path(&place, path, sizeof(path));
    given = open(path, O_PATH | O_CLOEXEC);
    ck_assert_int_ge(given, 0);
    ck_assert_int_eq(splinter_store_open_fd(&s, given, NULL), -EBADF);
    ck_assert_str_ne(splinter_last_error(), "");
    close(given);
    given = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(given, 0);
    ck_assert_int_eq(splinter_store_open_fd(&s, given, NULL), -EACCES);
    ck_assert_str_ne(splinter_last_error(), "");
    close(given);
    ck_assert_ptr_null(s);
    end_store();
}
END_TEST

TCase *access_tests(void)
{
    TCase *tcase = group("access", 120);

    ADD(permissions_are_0600_unless_asked_less_the_umask);
    ADD(a_descriptor_to_read_does_not_let_write);
    ADD(the_descriptor_of_a_read_only_handle_does_not_let_write);
    tcase_add_test(tcase, a_descriptor_to_write_lets_write_whom_the_mode_lets);
    ADD(a_descriptor_that_cannot_read_is_refused);
    return tcase;
}
