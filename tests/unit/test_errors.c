/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_errors.c - bad input: what is refused, with which error, and what stays as it was
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct place place;
static splinter_store *store;

static void make(int backing)
{
    store = place_make(&place, backing, 100, 4096);
    ck_assert_int_eq(splinter_store_set(store, "k", "value", 5, NULL, NULL), 0);
}

static void end(void)
{
    place_end(&place, store);
}

/* Opens to write, to read, and open-or-create all say `want`, with a sentence. */
static void refused(const struct place *at, int want)
{
    splinter_store *s;
    int rc = place_open(at, 0, &s);

    ck_assert_msg(rc == want, "%s: %d (%s), not %d", at->name, rc, splinter_last_error(), want);
    ck_assert_ptr_null(s);
    ck_assert_str_ne(splinter_last_error(), "");
    ck_assert_ptr_null(strchr(splinter_last_error(), '\n'));
    ck_assert_int_eq(place_open(at, SPLINTER_RDONLY, &s), want);
    if (at->backing != BACKING_MEMFD) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};

        options.flags = at->flags | SPLINTER_CREATE;
        options.slots = options.max_value = 100;
        ck_assert_int_eq(splinter_store_open(&s, at->name, &options), want);
        /* What is no store is not removed; a store of another version may be. */
        if (want == -EBADMSG)
            ck_assert_int_eq(splinter_store_unlink(at->name, at->flags), want);
    }
}

static void spoil(struct place *at, const void *bytes, size_t len, int backing)
{
    char path[600];
    int fd;

    place_new(at, backing);
    place_path(at, path, sizeof(path));
    fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    if (len)
        ck_assert_int_eq((int)write(fd, bytes, len), (int)len);
    close(fd);
}

/* ---- a name that is no store ---- */

START_TEST(a_file_of_text_is_ebadmsg_and_stays)
{
    static char text[20000];
    char path[600];
    size_t n;
    uint8_t *bytes;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "This is a letter, not a store.\n"[i % 31];
    for (size_t len = 1; len <= sizeof(text); len = len < 300 ? len + 37 : len * 3) {
        spoil(&place, text, len, _i);
        refused(&place, -EBADMSG);
        place_path(&place, path, sizeof(path));
        bytes = raw_read(path, &n);
        ck_assert_uint_eq(n, len);
        ck_assert(!memcmp(bytes, text, n));
        free(bytes);
        unlink(path);
    }
}
END_TEST

START_TEST(an_empty_file_is_ebadmsg)
{
    char path[600];

    spoil(&place, NULL, 0, _i);
    refused(&place, -EBADMSG);
    place_path(&place, path, sizeof(path));
    unlink(path);
}
END_TEST

START_TEST(a_file_of_zeros_is_ebadmsg)
{
    static char zeros[65536];
    char path[600];

    spoil(&place, zeros, sizeof(zeros), _i);
    refused(&place, -EBADMSG);
    place_path(&place, path, sizeof(path));
    unlink(path);
}
END_TEST

/* It must come back at once, too: opening a FIFO may not wait for the other end. */
START_TEST(a_directory_a_fifo_and_a_device_are_refused)
{
    splinter_store *s = NULL;
    char path[300];
    struct splinter_open_options options = {.struct_size = sizeof(options)};

    for (int create = 0; create < 2; create++) {
        options.flags = SPLINTER_FILE | (create ? SPLINTER_CREATE : 0);
        options.slots = options.max_value = 10;
        ck_assert_int_lt(splinter_store_open(&s, support_dir(), &options), 0);
        ck_assert_int_lt(splinter_store_open(&s, "/dev/null", &options), 0);
        ck_assert_int_lt(splinter_store_open(&s, "/dev/zero", &options), 0);
        snprintf(path, sizeof(path), "%s/fifo", support_dir());
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_lt(splinter_store_open(&s, path, &options), 0);
        ck_assert_int_eq(splinter_store_unlink(path, SPLINTER_FILE), -EBADMSG);
        ck_assert_ptr_null(s);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_lt(splinter_store_unlink(support_dir(), SPLINTER_FILE), 0);
    ck_assert_int_eq(access(support_dir(), F_OK), 0);
}
END_TEST

START_TEST(a_descriptor_of_no_store_is_refused)
{
    splinter_store *s = NULL;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(splinter_store_open_fd(&s, -1, NULL), -EBADF);
    ck_assert_int_eq(splinter_store_open_fd(&s, 12345, NULL), -EBADF);
    ck_assert_int_eq(splinter_store_open_fd(&s, ends[0], NULL), -EBADMSG);
    ck_assert_ptr_null(s);
    ck_assert_int_eq(fcntl(ends[0], F_GETFD) < 0, 0);
}
END_TEST

/* ---- a store that was damaged ---- */

/* [P7] */
START_TEST(a_truncated_store_is_ebadmsg)
{
    static const off_t lengths[] = {0, 1, 8, 16, 63, 64, 100, 255, 256, 1000, 4095, 4096, 8192};
    char path[600];

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        make(_i);
        place_path(&place, path, sizeof(path));
        splinter_store_close(store);
        ck_assert_int_eq(truncate(path, lengths[i]), 0);
        refused(&place, -EBADMSG);
        unlink(path);
    }
}
END_TEST

/* [P7] A flipped bit in each of the first 64 bytes in turn: geometry is covered by a checksum. */
START_TEST(a_damaged_header_is_refused)
{
    char path[600];
    size_t size;
    uint8_t *bytes;
    splinter_store *s;

    make(_i);
    place_path(&place, path, sizeof(path));
    bytes = raw_read(path, &size);
    ck_assert_uint_ge(size, 64);
    ck_assert(!memcmp(bytes, "SPLINTER", 8));
    for (unsigned i = 0; i < 64; i++) {
        uint8_t flipped = bytes[i] ^ (uint8_t)(1u << (i % 8));
        int rc, want = i >= 8 && i < 20 ? -EPROTO : -EBADMSG;

        raw_patch(path, i, &flipped, 1);
        rc = place_open(&place, 0, &s);
        ck_assert_msg(rc == want, "byte %u: %d, not %d", i, rc, want);
        raw_patch(path, i, bytes + i, 1);
    }
    ck_assert_int_eq(place_open(&place, 0, &s), 0);
    splinter_store_close(s);
    free(bytes);
    end();
}
END_TEST

START_TEST(another_version_word_size_or_byte_order_is_eproto)
{
    static const struct {
        unsigned offset;
        uint32_t value;
    } cases[] = {{8, 0x04030201}, {12, 0}, {12, 1}, {12, 0x7fffffff}, {16, 16},
                 {16, sizeof(void *) == 8 ? 32 : 64}};
    char path[600];
    size_t size;
    uint8_t *bytes;

    make(_i);
    place_path(&place, path, sizeof(path));
    bytes = raw_read(path, &size);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        raw_patch(path, cases[i].offset, &cases[i].value, 4);
        refused(&place, -EPROTO);
        raw_patch(path, cases[i].offset, bytes + cases[i].offset, 4);
    }
    free(bytes);
    end();
}
END_TEST

/* [P7] A store damaged anywhere, through every call: errors and wrong values, no crash. */
START_TEST(a_corrupt_store_never_crashes_a_call)
{
    uint64_t seed = support_seed + (uint64_t)_i;
    char path[600], key[SPLINTER_KEY_MAX], buf[4096];
    size_t size;
    uint8_t *good;

    make(_i);
    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        memset(buf, i, sizeof(buf));
        ck_assert_int_eq(splinter_store_set(store, key, buf, 1 + (size_t)i * 60, NULL, NULL), 0);
    }
    place_path(&place, path, sizeof(path));
    good = raw_read(path, &size);
    splinter_store_close(store);
    unlink(path);
    for (int round = 0; round < 60; round++) {
        uint8_t *bad = malloc(size);
        uint64_t cursor = 0;
        splinter_store *s = NULL;

        memcpy(bad, good, size);
        for (int i = 0; i < 1 + round * 8; i++) {
            /* Where there is something, more often than not. */
            size_t at = 256 + random_next(&seed) % (size - 256);

            for (int tries = 0; tries < 200 && !good[at]; tries++)
                at = 256 + random_next(&seed) % (size - 256);
            bad[at] = (uint8_t)random_next(&seed);
        }
        spoil(&place, bad, size, _i);
        free(bad);
        if (!place_open(&place, round % 4 == 3 ? SPLINTER_RDONLY : 0, &s)) {
            struct splinter_stat st = {.struct_size = sizeof(st)};

            for (int i = 0; i < 70; i++) {
                snprintf(key, sizeof(key), "key%d", i);
                splinter_store_get(s, key, buf, sizeof(buf), NULL, NULL);
            }
            for (int i = 0; i < 10000; i++)
                if (splinter_store_walk(s, NULL, &cursor, key, NULL) != 1)
                    break;
            splinter_store_stat(s, &st);
            splinter_store_check(s, NULL, NULL);
            for (int i = 0; i < 70; i += 3) {
                snprintf(key, sizeof(key), "key%d", i);
                splinter_store_set(s, key, buf, 100 + (size_t)i, NULL, NULL);
                splinter_store_append(s, key, buf, 100, NULL);
                splinter_store_wait(s, key, 0, 0, NULL);
                splinter_store_unset(s, key, 0, NULL);
            }
            splinter_store_sweep(s);
            splinter_store_close(s);
        }
        place_path(&place, path, sizeof(path));
        unlink(path);
    }
    free(good);
}
END_TEST

/* ---- arguments ---- */

START_TEST(impossible_limits_are_einval_and_create_nothing)
{
    static const struct {
        size_t slots, max_value;
    } cases[] = {{0, 100},
                 {100, 0},
                 {0, 0},
                 {(size_t)SPLINTER_SLOTS_MAX + 1, 100},
                 {100, (size_t)SPLINTER_VALUE_MAX + 1},
                 {SIZE_MAX, 100},
                 {100, SIZE_MAX},
                 {SIZE_MAX, SIZE_MAX}};
    char path[600];

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;

        place_new(&place, _i);
        options.flags = place.flags | (_i == BACKING_MEMFD ? 0 : SPLINTER_CREATE);
        options.slots = cases[i].slots;
        options.max_value = cases[i].max_value;
        ck_assert_int_eq(splinter_store_open(&s, place.name, &options), -EINVAL);
        ck_assert_str_ne(splinter_last_error(), "");
        ck_assert_ptr_null(s);
        if (_i != BACKING_MEMFD) {
            place_path(&place, path, sizeof(path));
            ck_assert_int_eq(access(path, F_OK), -1);
        }
    }
}
END_TEST

START_TEST(verbs_refuse_impossible_limits_and_create_nothing)
{
    char bus[512], path[600];

    bus_name(bus, sizeof(bus));
    bus_path(path, sizeof(path), bus);
    for (int i = 0; i < 3; i++) {
        int (*verb)(const char *, size_t, size_t) = i == 0   ? splinter_create
                                                    : i == 1 ? splinter_open_or_create
                                                             : splinter_create_or_open;

        ck_assert_int_eq(verb(bus, 0, 10), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(verb(bus, 10, 0), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(verb(bus, SIZE_MAX, 10), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(verb(bus, 10, SIZE_MAX), -1);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(access(path, F_OK), -1);
    }
}
END_TEST

START_TEST(contradictory_flags_are_einval)
{
    static const uint32_t flags[] = {
        SPLINTER_CREATE | SPLINTER_RDONLY,
        SPLINTER_MEMORY | SPLINTER_FILE,
        SPLINTER_MEMORY | SPLINTER_FILE | SPLINTER_CREATE,
        SPLINTER_ANONYMOUS | SPLINTER_RDONLY,
        UINT32_C(0x80000000),
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;
        char name[512];

        bus_name(name, sizeof(name));
        options.flags = flags[i];
        options.slots = options.max_value = 10;
        ck_assert_msg(splinter_store_open(&s, name, &options) == -EINVAL, "flags %#x", flags[i]);
        ck_assert_ptr_null(s);
    }
}
END_TEST

START_TEST(null_pointers_are_einval)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    splinter_store *s = NULL;
    uint64_t cursor = 0;
    char key[SPLINTER_KEY_MAX];

    make(_i);
    ck_assert_int_eq(splinter_store_open(NULL, "x", NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_open(&s, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_set(store, "k", NULL, 1, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_set(store, "k", "v", 0, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_append(store, "k", NULL, 1, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_walk(store, NULL, NULL, key, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_walk(store, NULL, &cursor, NULL, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_stat(store, NULL), -EINVAL);
    ck_assert_int_eq(splinter_store_unlink(NULL, 0), -EINVAL);
    end();
}
END_TEST

START_TEST(bad_keys_are_refused_by_every_call)
{
    char over[SPLINTER_KEY_MAX + 1], buf[8] = "#######";
    const char *keys[] = {NULL, "", over};
    uint64_t token = 1;
    struct splinter_stat before = {.struct_size = sizeof(before)}, after = before;

    make(_i);
    memset(over, 'k', sizeof(over));
    over[SPLINTER_KEY_MAX] = 0;
    ck_assert_int_eq(splinter_store_stat(store, &before), 0);
    for (int i = 0; i < 3; i++) {
        int want = i == 2 ? -ENAMETOOLONG : -EINVAL;
        size_t n;

        ck_assert_int_eq(splinter_store_get(store, keys[i], buf, 8, &n, NULL), want);
        ck_assert_int_eq(splinter_store_set(store, keys[i], "v", 1, NULL, NULL), want);
        ck_assert_int_eq(splinter_store_unset(store, keys[i], 0, NULL), want);
        ck_assert_int_eq(splinter_store_append(store, keys[i], "v", 1, NULL), want);
        ck_assert_int_eq(splinter_store_add(store, keys[i], 1, NULL), want);
        ck_assert_int_eq(splinter_store_touch(store, keys[i], NULL), want);
        ck_assert_int_eq(splinter_lease_acquire(store, keys[i], NULL, 0, NULL, 0, &token), want);
        ck_assert_int_eq(splinter_lease_renew(store, keys[i], 0, &token), want);
        ck_assert_int_eq(splinter_lease_release(store, keys[i], token), want);
        ck_assert_int_eq(splinter_store_wait(store, keys[i], 0, 0, NULL), want);
    }
    ck_assert_str_eq(buf, "#######");
    ck_assert_int_eq(splinter_store_stat(store, &after), 0);
    ck_assert_uint_eq(after.keys, before.keys);
    ck_assert_uint_eq(after.epoch, before.epoch);
    end();
}
END_TEST

START_TEST(unknown_set_flags_are_einval)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    make(_i);
    options.flags = UINT32_C(0x40000000);
    ck_assert_int_eq(splinter_store_set(store, "k", "v", 1, &options, NULL), -EINVAL);
    end();
}
END_TEST

/* ---- permissions ---- */

static int open_is_eacces(void)
{
    splinter_store *s;

    return place_open(&place, 0, &s) != -EACCES ||
           place_open(&place, SPLINTER_RDONLY, &s) != -EACCES;
}

static int reads_but_may_not_write(void)
{
    splinter_store *s;
    char buf[8];

    int rc = place_open(&place, 0, &s);

    if (place.backing == BACKING_FILE) { /* a file that may only be read is read */
        if (rc || splinter_store_set(s, "k", "x", 1, NULL, NULL) != -EROFS)
            return 6;
        splinter_store_close(s);
    } else if (rc != -EACCES) {
        return 1;
    }
    if (place_open(&place, SPLINTER_RDONLY, &s))
        return 2;
    if (splinter_store_get(s, "k", buf, sizeof(buf), NULL, NULL) || memcmp(buf, "value", 5))
        return 3;
    if (splinter_store_set(s, "k", "x", 1, NULL, NULL) != -EROFS)
        return 4;
    if (splinter_store_wait(s, "k", 0, 0, NULL))
        return 5;
    splinter_store_close(s);
    return 0;
}

static int create_is_eacces(void)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *s;
    char path[400];

    options.flags = SPLINTER_FILE | SPLINTER_CREATE;
    options.slots = options.max_value = 10;
    snprintf(path, sizeof(path), "%s/closed/store", support_dir());
    return splinter_store_open(&s, path, &options) == -EACCES ? 0 : 1;
}

START_TEST(no_permission_is_eacces)
{
    int rc;

    make(_i);
    ck_assert_int_eq(fchmod(splinter_store_fd(store), geteuid() ? 0 : 0600), 0);
    rc = as_nobody(open_is_eacces);
    ck_assert_msg(rc <= 0, "open: %d", rc);
    ck_assert_int_eq(fchmod(splinter_store_fd(store), 0444), 0);
    rc = as_nobody(reads_but_may_not_write);
    ck_assert_msg(rc <= 0, "read-only: %d", rc);
    end();
}
END_TEST

/* Whoever makes a store for others to read, itself included, can do so. */
static int creates_a_store_to_be_read(void)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    struct place copy;
    splinter_store *s;
    struct stat st;
    char buf[8];

    options.flags = place.flags | SPLINTER_CREATE | SPLINTER_EXCL;
    options.mode = 0444;
    options.slots = options.max_value = 10;
    if (splinter_store_open(&s, place.name, &options))
        return 1;
    if (fstat(splinter_store_fd(s), &st) || (st.st_mode & 0777 & ~0444) || !(st.st_mode & 0400))
        return 2;
    if (splinter_store_set(s, "k", "value", 5, NULL, NULL))
        return 3;
    place_new(&copy, BACKING_FILE);
    if (splinter_store_snapshot(s, copy.name, 0400) || unlink(copy.name))
        return 4;
    splinter_store_close(s);
    if (place_open(&place, 0, &s) != (place.backing == BACKING_FILE ? 0 : -EACCES))
        return 5;
    if (s)
        splinter_store_close(s);
    if (place_open(&place, SPLINTER_RDONLY, &s) ||
        splinter_store_get(s, "k", buf, sizeof(buf), NULL, NULL) || memcmp(buf, "value", 5))
        return 6;
    splinter_store_close(s);
    return splinter_store_unlink(place.name, place.flags) ? 7 : 0;
}

START_TEST(a_store_may_be_created_to_be_read)
{
    int rc;

    place_new(&place, _i);
    ck_assert_int_eq(chmod(support_dir(), 0777), 0);
    rc = as_nobody(creates_a_store_to_be_read);
    chmod(support_dir(), 0700);
    ck_assert_msg(rc <= 0, "%d", rc);
}
END_TEST

START_TEST(no_permission_on_the_directory_is_eacces)
{
    char path[400];
    int rc;

    snprintf(path, sizeof(path), "%s/closed", support_dir());
    ck_assert_int_eq(mkdir(path, 0500), 0);
    rc = as_nobody(create_is_eacces);
    ck_assert_msg(rc <= 0, "create: %d", rc);
    rmdir(path);
}
END_TEST

START_TEST(a_missing_directory_is_enoent)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *s;
    char path[400];

    options.flags = SPLINTER_FILE | SPLINTER_CREATE;
    options.slots = options.max_value = 10;
    snprintf(path, sizeof(path), "%s/missing/store", support_dir());
    ck_assert_int_eq(splinter_store_open(&s, path, &options), -ENOENT);
}
END_TEST

START_TEST(no_descriptors_left_is_emfile)
{
    splinter_store *s = NULL;
    struct rlimit before, few;
    int rc, held[64], count = 0, fd;

    make(_i);
    splinter_store_get(store, "k", NULL, 0, NULL, NULL);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 64;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < 64 && (fd = dup(0)) >= 0)
        held[count++] = fd;
    rc = place_open(&place, 0, &s);
    ck_assert_int_eq(rc, -EMFILE);
    ck_assert_ptr_null(s);
    /* With each descriptor given back it works or says the same, and what is open goes on. */
    for (int i = 0; i < 4; i++) {
        close(held[--count]);
        rc = place_open(&place, 0, &s);
        ck_assert_msg(rc == 0 || rc == -EMFILE, "%d: %s", rc, splinter_last_error());
        if (!rc)
            splinter_store_close(s);
        ck_assert_int_eq(splinter_store_set(store, "k", "value", 5, NULL, NULL), 0);
    }
    ck_assert_int_eq(rc, 0);
    while (count)
        close(held[--count]);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    end();
}
END_TEST

/* ---- a small file system that fills up ---- */

static void write_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (write(fd, line, strlen(line)) < 0)
        fprintf(stderr, "# %s: %s\n", path, strerror(errno));
    close(fd);
}

/* A tmpfs of one MiB at `where`, seen by this process alone. */
static int small_tmpfs(const char *where)
{
    char line[64];
    unsigned uid = geteuid(), gid = getegid();

    if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
        return -1;
    if (uid) {
        write_line("/proc/self/setgroups", "deny");
        snprintf(line, sizeof(line), "0 %u 1", uid);
        write_line("/proc/self/uid_map", line);
        snprintf(line, sizeof(line), "0 %u 1", gid);
        write_line("/proc/self/gid_map", line);
    }
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
        return -1;
    return mount("tmpfs", where, "tmpfs", 0, "size=1m");
}

static bool small_tmpfs_possible(void)
{
    pid_t pid = fork_child();

    if (!pid)
        _exit(small_tmpfs(support_dir()) ? 1 : 0);
    return reap(pid) == 0;
}

/* Where the default of the backing lies in the small file system. */
static void in_small_tmpfs(int backing)
{
    ck_assert_int_eq(small_tmpfs(backing == BACKING_MEMORY ? "/dev/shm" : support_dir()), 0);
}

/* [P6] */
START_TEST(a_full_file_system_is_enospc_and_everything_stays)
{
    static char val[4096], out[4096];
    char key[32];
    size_t sizes[] = {4096, 1000, 64, 1}, n;
    int kept = 0, rc;
    static size_t size_of[3000];

    in_small_tmpfs(_i);
    store = place_make(&place, _i, 3000, 4096);
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        while (kept < 3000) {
            snprintf(key, sizeof(key), "key%d", kept);
            memset(val, kept, sizes[s]);
            rc = splinter_store_set(store, key, val, sizes[s], NULL, NULL);
            if (rc)
                break;
            size_of[kept++] = sizes[s];
        }
        ck_assert_int_eq(rc, -ENOSPC);
        ck_assert_int_eq(splinter_store_get(store, key, NULL, 0, NULL, NULL), -ENOENT);
    }
    ck_assert_int_gt(kept, 20);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < kept; i++) {
            snprintf(key, sizeof(key), "key%d", i);
            memset(val, i, sizeof(val));
            ck_assert_int_eq(splinter_store_get(store, key, out, sizeof(out), &n, NULL), 0);
            ck_assert_uint_eq(n, size_of[i]);
            ck_assert(!memcmp(out, val, n));
            /* An update works or leaves the old value. */
            rc = splinter_store_set(store, key, val, n, NULL, NULL);
            ck_assert(rc == 0 || rc == -ENOSPC);
        }
    }
    ck_assert_int_eq(check_store(store), 0);

    /* Room comes back with what is unset. */
    for (int i = 0; i < kept; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "new%d", i);
        memset(val, i, 1000);
        rc = splinter_store_set(store, key, val, 1000, NULL, NULL);
        ck_assert_msg(rc == 0, "%d values fitted before, %d of 100 now: %d", kept, i, rc);
    }
    ck_assert_int_eq(check_store(store), 0);
    end();
}
END_TEST

/* A copy has holes wherever there were zeroes, whatever was reserved in the store.
 * [P6] */
START_TEST(a_copy_in_a_full_file_system_is_enospc_and_everything_stays)
{
    static char val[1000], block[4096];
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    char key[32], path[600];
    uint8_t *bytes;
    size_t size;
    int kept = 0, rc = -1, fd;

    in_small_tmpfs(BACKING_FILE);
    store = place_make(&place, BACKING_FILE, 2000, 3000);
    for (; kept < 200; kept++) {
        snprintf(key, sizeof(key), "key%d", kept);
        ck_assert_int_eq(splinter_store_set(store, key, val, kept % 3 ? 9 : 990, NULL, NULL), 0);
    }
    if (_i)
        ck_assert_int_eq(splinter_store_sync(store), 0);
    else
        splinter_store_close(store);
    bytes = raw_read(place.name, &size);
    if (_i)
        splinter_store_close(store);
    unlink(place.name);
    fd = open(place.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    for (size_t at = 0; at + 4096 <= size; at += 4096)
        if (memcmp(bytes + at, block, 4096))
            ck_assert_int_eq((int)pwrite(fd, bytes + at, 4096, (off_t)at), 4096);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    close(fd);
    free(bytes);
    snprintf(path, sizeof(path), "%s/ballast", support_dir());
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    /* Give back a page at a time: at first it does not open, later all sets find room. */
    for (off_t left = lseek(fd, 0, SEEK_END); rc && left > 0; left -= 4096) {
        ck_assert_int_eq(ftruncate(fd, left), 0);
        rc = place_open(&place, 0, &store);
        ck_assert_msg(!rc || rc == -ENOSPC, "%s: %s", strerror(-rc), splinter_last_error());
    }
    ck_assert_int_eq(rc, 0);
    for (int i = 0; i < 600; i++) {
        snprintf(key, sizeof(key), i % 2 ? "key%d" : "new%d", i % kept);
        memset(val, i, sizeof(val));
        rc = splinter_store_set(store, key, val, i % 5 ? 9 : 900, NULL, NULL);
        ck_assert(rc == 0 || rc == -ENOSPC);
    }
    for (int i = 0; i < kept; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        ck_assert_int_eq(splinter_store_get(store, key, NULL, 0, NULL, NULL), 0);
    }
    ck_assert_int_eq(check_store(store), 0);
    close(fd);
    end();
}
END_TEST

/* [P6] */
START_TEST(creation_in_a_full_file_system_is_enospc)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    char path[600];
    splinter_store *s = NULL;
    static char block[4096];
    int fd, rc;

    in_small_tmpfs(_i);
    snprintf(path, sizeof(path), "%s/ballast",
             _i == BACKING_MEMORY ? "/dev/shm" : support_dir());
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    /* Give back a page at a time: it fails whole or works whole. */
    for (int pages = 0; pages < 64; pages++) {
        char raw[600];

        place_new(&place, _i);
        place_path(&place, raw, sizeof(raw));
        options.flags = place.flags | SPLINTER_CREATE;
        options.slots = 1000;
        options.max_value = 1000;
        rc = splinter_store_open(&s, place.name, &options);
        if (!rc) {
            rc = splinter_store_set(s, "k", "v", 1, NULL, NULL);
            ck_assert(rc == 0 || rc == -ENOSPC);
            splinter_store_close(s);
            ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), 0);
            rc = 0;
        } else {
            ck_assert_int_eq(rc, -ENOSPC);
            ck_assert_int_eq(access(raw, F_OK), -1);
        }
        if (!pages)
            ck_assert_int_eq(rc, -ENOSPC);
        ck_assert_int_eq(ftruncate(fd, (off_t)(1 << 20) - (pages + 1) * 4096), 0);
    }
    ck_assert_int_eq(rc, 0);
    close(fd);
}
END_TEST

static TCase *error_tests(void)
{
    TCase *tcase = group("errors", 120);

    ADD_NAMED(a_file_of_text_is_ebadmsg_and_stays);
    ADD_NAMED(an_empty_file_is_ebadmsg);
    ADD_NAMED(a_file_of_zeros_is_ebadmsg);
    tcase_add_test(tcase, a_directory_a_fifo_and_a_device_are_refused);
    tcase_add_test(tcase, a_descriptor_of_no_store_is_refused);
    ADD_NAMED(a_truncated_store_is_ebadmsg);
    ADD(a_damaged_header_is_refused);
    ADD(another_version_word_size_or_byte_order_is_eproto);
    ADD_NAMED(a_corrupt_store_never_crashes_a_call);
    ADD(impossible_limits_are_einval_and_create_nothing);
    tcase_add_test(tcase, verbs_refuse_impossible_limits_and_create_nothing);
    tcase_add_test(tcase, contradictory_flags_are_einval);
    ADD(null_pointers_are_einval);
    ADD(bad_keys_are_refused_by_every_call);
    ADD(unknown_set_flags_are_einval);
    ADD_NAMED(no_permission_is_eacces);
    ADD_NAMED(a_store_may_be_created_to_be_read);
    tcase_add_test(tcase, no_permission_on_the_directory_is_eacces);
    tcase_add_test(tcase, a_missing_directory_is_enoent);
    ADD(no_descriptors_left_is_emfile);
    if (small_tmpfs_possible()) {
        ADD_NAMED(a_full_file_system_is_enospc_and_everything_stays);
        ADD_NAMED(creation_in_a_full_file_system_is_enospc);
        tcase_add_loop_test(tcase, a_copy_in_a_full_file_system_is_enospc_and_everything_stays, 0,
                            2);
    } else {
        puts("# no small tmpfs can be mounted here: the tests of a full one are left out");
    }
    return tcase;
}

int main(void)
{
    support_start();
    return run_groups("errors", (TCase *[]){error_tests(), NULL});
}
