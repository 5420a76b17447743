/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the handle layer, over memory, memfd and file stores alike
 *
 * Every test runs once for each backing (_i).
 */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define SLOTS 64
#define MAX_VALUE 4096

static struct place place;
static splinter_store *store;

static void make(int backing, size_t slots, size_t max_value)
{
    store = place_make(&place, backing, slots, max_value);
}

/* Run at the end of every test: what it did must have left a sound store. */
static void end(void)
{
    ck_assert_int_eq(check_store(store), 0);
    splinter_store_close(store);
    if (place.backing != BACKING_MEMFD)
        splinter_store_unlink(place.name, place.flags);
}

static int set(const char *key, const char *val)
{
    return splinter_store_set(store, key, val, strlen(val), NULL, NULL);
}

static int set_with(const char *key, const char *val, uint32_t flags, uint64_t if_epoch,
                    uint64_t ttl_ns, uint64_t *epoch)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.if_epoch = if_epoch;
    options.ttl_ns = ttl_ns;
    return splinter_store_set(store, key, val, strlen(val), &options, epoch);
}

static int set_typed(const char *key, const void *val, size_t len, uint32_t type)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.type = type;
    return splinter_store_set(store, key, val, len, &options, NULL);
}

static struct splinter_meta meta_of(const char *key)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};

    ck_assert_int_eq(splinter_store_get(store, key, NULL, 0, NULL, &meta), 0);
    return meta;
}

static void has(splinter_store *s, const char *key, const char *val)
{
    char buf[MAX_VALUE];
    size_t n = 0;

    ck_assert_int_eq(splinter_store_get(s, key, buf, sizeof(buf), &n, NULL), 0);
    ck_assert_uint_eq(n, strlen(val));
    ck_assert_mem_eq(buf, val, n);
}

static struct splinter_stat stat_of(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    ck_assert_int_eq(splinter_store_stat(s, &st), 0);
    return st;
}

static int absent(const char *key)
{
    return splinter_store_get(store, key, NULL, 0, NULL, NULL) == -ENOENT;
}

static unsigned walk_count(splinter_store *s, const char *prefix)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    unsigned n = 0;
    int rc;

    while ((rc = splinter_store_walk(s, prefix, &cursor, key, NULL)) == 1)
        n++;
    ck_assert_int_eq(rc, 0);
    return n;
}

/* ---- open ---- */

START_TEST(a_second_handle_sees_the_same_store)
{
    splinter_store *again;

    make(_i, SLOTS, MAX_VALUE);
    again = place_again(&place, 0);
    ck_assert_int_eq(set("k", "from the first"), 0);
    has(again, "k", "from the first");
    ck_assert_int_eq(splinter_store_set(again, "k", "x", 1, NULL, NULL), 0);
    has(store, "k", "x");
    splinter_store_close(again);
    has(store, "k", "x");
    end();
}
END_TEST

START_TEST(create_without_excl_opens_what_exists)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *again = NULL;

    make(_i, SLOTS, MAX_VALUE);
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
    end();
}
END_TEST

START_TEST(permissions_are_0600_unless_asked_less_the_umask)
{
    static const struct {
        uint32_t mode;
        mode_t mask, want;
    } cases[] = {{0, 022, 0600}, {0644, 022, 0644}, {0666, 027, 0640}, {0660, 077, 0600}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;
        struct stat st;

        place_new(&place, _i);
        options.flags = place.flags | SPLINTER_CREATE;
        options.mode = cases[i].mode;
        options.slots = options.max_value = 10;
        umask(cases[i].mask);
        ck_assert_int_eq(splinter_store_open(&s, place.name, &options), 0);
        ck_assert_int_eq(fstat(splinter_store_fd(s), &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, cases[i].want);
        ck_assert_uint_eq(umask(022), cases[i].mask);
        splinter_store_close(s);
        splinter_store_unlink(place.name, place.flags);
    }
}
END_TEST

START_TEST(the_descriptor_is_closed_on_exec)
{
    char self[64], *line = NULL;
    size_t room = 0;
    unsigned long flags = 0;
    FILE *info;

    make(_i, SLOTS, MAX_VALUE);
    snprintf(self, sizeof(self), "/proc/self/fdinfo/%d", splinter_store_fd(store));
    info = fopen(self, "r");
    ck_assert_ptr_nonnull(info);
    while (getline(&line, &room, info) > 0)
        if (!strncmp(line, "flags:", 6))
            flags = strtoul(line + 6, NULL, 8);
    fclose(info);
    free(line);
    ck_assert(flags & 02000000);
    end();
}
END_TEST

START_TEST(unlink_removes_the_name_not_the_store)
{
    splinter_store *again;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), 0);
    ck_assert_int_eq(place_open(&place, 0, &again), -ENOENT);
    ck_assert_int_eq(splinter_store_unlink(place.name, place.flags), -ENOENT);
    has(store, "k", "v");
    ck_assert_int_eq(set("k", "w"), 0);
    end();
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
    pid = fork();
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
    make(_i, SLOTS, MAX_VALUE);
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
    end();
}
END_TEST

START_TEST(a_memfd_cannot_be_shrunk)
{
    struct stat st;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    errno = 0;
    ck_assert_int_eq(ftruncate(splinter_store_fd(store), st.st_size / 2), -1);
    ck_assert_int_eq(errno, EPERM);
    end();
}
END_TEST

START_TEST(close_of_null_is_allowed)
{
    splinter_store_close(NULL);
}
END_TEST

/* ---- get, set, unset ---- */

__attribute__((returns_nonnull, noinline)) static char *page_before_nothing(size_t page)
{
    void *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED || mprotect((char *)p + page, page, PROT_NONE))
        ck_abort_msg("mmap: %s", strerror(errno));
    return p;
}

/* Keys and values of every length, each ending where a page ends that nothing follows. */
START_TEST(a_key_and_a_value_are_read_no_further_than_they_go)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *key_page = page_before_nothing(page), *val_page = page_before_nothing(page);
    char buf[512];

    make(_i, 300, MAX_VALUE);
    for (int pass = 0; pass < 2; pass++) /* set and read back, then read once more, and unset */
        for (size_t len = 1; len < SPLINTER_KEY_MAX; len += len < 40 ? 1 : 254 / repeated(254)) {
            char *key = key_page + page - len - 1, *val = val_page + page - len;
            size_t n = 0;

            memset(key_page, 0, page); /* before the key, too, is what would end it */
            for (size_t i = 0; i < len; i++) {
                key[i] = (char)('a' + (len + i) % 26);
                val[i] = (char)(len * 7 + i * 13);
            }
            if (!pass)
                ck_assert_int_eq(splinter_store_set(store, key, val, len, NULL, NULL), 0);
            memset(buf, 0x5a, sizeof(buf));
            ck_assert_int_eq(splinter_store_get(store, key, buf + 1, len, &n, NULL), 0);
            ck_assert_uint_eq(n, len);
            ck_assert_mem_eq(buf + 1, val, len);
            ck_assert_int_eq(buf[0], 0x5a);
            ck_assert_int_eq(buf[len + 1], 0x5a);
            /* Into memory that ends with the value. */
            memset(val, 0, len);
            ck_assert_int_eq(splinter_store_get(store, key, val, len, NULL, NULL), 0);
            ck_assert_mem_eq(buf + 1, val, len);
            if (len > 1) {
                memset(buf, 0x5a, sizeof(buf));
                ck_assert_int_eq(splinter_store_get(store, key, buf, len - 1, &n, NULL), -EMSGSIZE);
                ck_assert_uint_eq(n, len);
                for (size_t i = 0; i < sizeof(buf); i++)
                    ck_assert_int_eq(buf[i], 0x5a);
            }
            if (pass)
                ck_assert_int_eq(splinter_store_unset(store, key, 0, &n), 0);
        }
    end();
    munmap(key_page, 2 * page);
    munmap(val_page, 2 * page);
}
END_TEST

/* All keys of one and two bytes, and longer ones that differ at one end only. */
START_TEST(short_keys_are_told_apart)
{
    char key[24], val[24];
    size_t n = 0;

    make(_i, 70000, 64);
    for (int pass = 0; pass < 2; pass++) {
        for (int a = 256 - (int)repeated(255); a < 256; a++)
            for (int b = 0; b < 256; b++) {
                key[0] = (char)a;
                key[1] = (char)b;
                key[2] = 0;
                n = 2;
                if (!pass)
                    ck_assert_int_eq(splinter_store_set(store, key, key, n + 1, NULL, NULL), 0);
                ck_assert_int_eq(splinter_store_get(store, key, val, sizeof(val), &n, NULL), 0);
                ck_assert_uint_eq(n, 3);
                ck_assert_mem_eq(val, key, 2);
            }
        for (size_t len = 3; len < 20; len++)
            for (size_t at = 0; at < len; at++) {
                memset(key, 'x', len);
                key[at] = 'y';
                key[len] = 0;
                if (!pass)
                    ck_assert_int_eq(splinter_store_set(store, key, key, len, NULL, NULL), 0);
                ck_assert_int_eq(splinter_store_get(store, key, val, sizeof(val), &n, NULL), 0);
                ck_assert_uint_eq(n, len);
                ck_assert_mem_eq(val, key, len);
            }
    }
    end();
}
END_TEST

START_TEST(meta_tells_of_the_value)
{
    struct splinter_meta meta, later;
    uint64_t epoch = 0;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_set(store, "k", "12345", 5, NULL, &epoch), 0);
    meta = meta_of("k");
    ck_assert_uint_ne(epoch, 0);
    ck_assert_uint_eq(meta.epoch, epoch);
    ck_assert_uint_eq(meta.ttl_ns, 0);
    ck_assert_uint_eq(meta.value_size, 5);
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_BYTES);
    ck_assert_uint_eq(meta.revision, 1);
    ck_assert_uint_eq(meta.reserved, 0);
    ck_assert_int_eq(set_typed("k", "{}", 2, SPLINTER_TYPE_JSON), 0);
    later = meta_of("k");
    ck_assert_uint_gt(later.epoch, epoch);
    ck_assert_uint_eq(later.value_size, 2);
    ck_assert_uint_eq(later.type, SPLINTER_TYPE_JSON);
    ck_assert_uint_eq(later.revision, 2);
    ck_assert_int_eq(set_typed("k", "x", 1, 65535), 0);
    ck_assert_uint_eq(meta_of("k").type, 65535);
    ck_assert_int_eq(set_typed("k", "x", 1, 65536), -EINVAL);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(set("k", "again"), 0);
    ck_assert_uint_eq(meta_of("k").revision, 1);
    ck_assert_uint_gt(meta_of("k").epoch, later.epoch);
    end();
}
END_TEST

START_TEST(a_small_buffer_gets_the_size_and_the_meta_only)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char buf[4] = "###";
    size_t n = 0;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "12345"), 0);
    ck_assert_int_eq(splinter_store_get(store, "k", buf, 4, &n, &meta), -EMSGSIZE);
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(meta.value_size, 5);
    ck_assert_uint_ne(meta.epoch, 0);
    ck_assert_str_eq(buf, "###");
    end();
}
END_TEST

START_TEST(epochs_only_rise_over_all_keys)
{
    uint64_t epoch, last = 0;
    char key[16];

    make(_i, SLOTS, MAX_VALUE);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%d", i % 10);
        ck_assert_int_eq(splinter_store_set(store, key, &i, sizeof(i), NULL, &epoch), 0);
        ck_assert_uint_gt(epoch, last);
        last = epoch;
        ck_assert_uint_ge(stat_of(store).epoch, epoch);
    }
    end();
}
END_TEST

START_TEST(if_absent_sets_only_a_key_that_is_not_there)
{
    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "one", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "two", SPLINTER_IF_ABSENT, 0, 0, NULL), -EEXIST);
    has(store, "k", "one");
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "three", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    has(store, "k", "three");
    end();
}
END_TEST

START_TEST(if_epoch_is_compare_and_swap)
{
    uint64_t one, two, three;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, 1, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "one", 0, 0, 0, &one), 0);
    ck_assert_int_eq(set_with("k", "two", SPLINTER_IF_EPOCH, one, 0, &two), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, one, 0, NULL), -ESTALE);
    has(store, "k", "two");
    ck_assert_int_eq(set_with("k", "three", SPLINTER_IF_EPOCH, two, 0, &three), 0);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, three, 0, NULL), -ENOENT);
    ck_assert_int_eq(set("k", "new"), 0);
    ck_assert_int_eq(set_with("k", "x", SPLINTER_IF_EPOCH, three, 0, NULL), -ESTALE);
    has(store, "k", "new");
    end();
}
END_TEST

START_TEST(unset_can_depend_on_the_epoch)
{
    uint64_t one, two;
    size_t n = 0;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, &n), -ENOENT);
    ck_assert_int_eq(set_with("k", "one", 0, 0, 0, &one), 0);
    ck_assert_int_eq(set_with("k", "three", 0, 0, 0, &two), 0);
    ck_assert_int_eq(splinter_store_unset(store, "k", one, &n), -ESTALE);
    ck_assert_int_eq(splinter_store_unset(store, "k", two, &n), 0);
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(splinter_store_unset(store, "k", two, &n), -ENOENT);
    end();
}
END_TEST

START_TEST(append_grows_a_value_and_keeps_type_and_life)
{
    static char big[MAX_VALUE];
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    uint64_t epoch = 0;
    struct splinter_meta meta;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_append(store, "k", "one", 3, &epoch), 0);
    ck_assert_uint_eq(meta_of("k").epoch, epoch);
    ck_assert_int_eq(splinter_store_append(store, "k", ", two", 5, NULL), 0);
    has(store, "k", "one, two");
    ck_assert_uint_gt(meta_of("k").epoch, epoch);

    options.type = SPLINTER_TYPE_TEXT;
    options.ttl_ns = UINT64_C(3600) * 1000000000;
    ck_assert_int_eq(splinter_store_set(store, "t", "a", 1, &options, NULL), 0);
    ck_assert_int_eq(splinter_store_append(store, "t", "b", 1, NULL), 0);
    meta = meta_of("t");
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_TEXT);
    ck_assert_uint_gt(meta.ttl_ns, 0);
    ck_assert_uint_le(meta.ttl_ns, options.ttl_ns);

    ck_assert_int_eq(splinter_store_append(store, "k", big, MAX_VALUE - 7, NULL), -EMSGSIZE);
    ck_assert_int_eq(splinter_store_append(store, "k", big, SIZE_MAX, NULL), -EMSGSIZE);
    ck_assert_int_eq(splinter_store_append(store, "k", big, 0, NULL), -EINVAL);
    has(store, "k", "one, two");
    ck_assert_int_eq(splinter_store_append(store, "k", big, MAX_VALUE - 8, NULL), 0);
    ck_assert_uint_eq(meta_of("k").value_size, MAX_VALUE);
    end();
}
END_TEST

START_TEST(add_counts_from_zero)
{
    int64_t value = -1;
    struct splinter_meta meta;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_add(store, "n", 5, &value), 0);
    ck_assert_int_eq(value, 5);
    ck_assert_int_eq(splinter_store_add(store, "n", -7, NULL), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 0, &value), 0);
    ck_assert_int_eq(value, -2);
    meta = meta_of("n");
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_INT64);
    ck_assert_uint_eq(meta.value_size, 8);
    ck_assert_uint_eq(meta.revision, 3);
    value = 0;
    ck_assert_int_eq(splinter_store_get(store, "n", &value, 8, NULL, NULL), 0);
    ck_assert_int_eq(value, -2);
    end();
}
END_TEST

START_TEST(add_refuses_overflow_and_other_types)
{
    int64_t value = 0, limit = INT64_MAX;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_typed("n", &limit, 8, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 1, &value), -ERANGE);
    ck_assert_int_eq(splinter_store_add(store, "n", 0, &value), 0);
    ck_assert(value == INT64_MAX);
    limit = INT64_MIN;
    ck_assert_int_eq(set_typed("n", &limit, 8, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "n", -1, &value), -ERANGE);
    ck_assert_int_eq(splinter_store_add(store, "n", INT64_MAX, &value), 0);
    ck_assert_int_eq(value, -1);
    ck_assert_int_eq(set_typed("b", "12345678", 8, SPLINTER_TYPE_BYTES), 0);
    ck_assert_int_eq(splinter_store_add(store, "b", 1, &value), -EINVAL);
    has(store, "b", "12345678");
    ck_assert_int_eq(set_typed("s", "123", 3, SPLINTER_TYPE_INT64), 0);
    ck_assert_int_eq(splinter_store_add(store, "s", 1, &value), -EINVAL);
    has(store, "s", "123");
    end();
}
END_TEST

/* ---- time to live ---- */

/* Until the key has expired; the test's time limit is the watchdog. */
static void until_gone(const char *key)
{
    while (!absent(key))
        sleep_ms(2);
}

#define SHORT UINT64_C(40000000)
#define HOUR (UINT64_C(3600) * 1000000000)

START_TEST(an_expired_key_is_found_by_nobody)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t epoch, cursor = 0;
    size_t n;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("stays", "v"), 0);
    ck_assert_int_eq(set_with("k", "v", 0, 0, HOUR, NULL), 0);
    meta = meta_of("k");
    ck_assert_uint_gt(meta.ttl_ns, 0);
    ck_assert_uint_le(meta.ttl_ns, HOUR);
    ck_assert_int_eq(set_with("k", "v", 0, 0, SHORT, &epoch), 0);
    until_gone("k");
    meta.struct_size = sizeof(meta);
    ck_assert_int_eq(splinter_store_get(store, "k", key, sizeof(key), &n, &meta), -ENOENT);
    ck_assert_int_eq(splinter_store_walk(store, NULL, &cursor, key, NULL), 1);
    ck_assert_str_eq(key, "stays");
    ck_assert_int_eq(splinter_store_walk(store, NULL, &cursor, key, NULL), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, 0, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch - 1, 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_EPOCH, epoch, 0, NULL), -ENOENT);
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), -ENOENT);
    ck_assert_int_eq(set_with("k", "w", SPLINTER_IF_ABSENT, 0, 0, NULL), 0);
    has(store, "k", "w");
    ck_assert_uint_eq(meta_of("k").revision, 1);
    ck_assert_uint_eq(meta_of("k").ttl_ns, 0);
    end();
}
END_TEST

START_TEST(append_and_add_begin_anew_after_expiry)
{
    int64_t value;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("a", "old", 0, 0, SHORT, NULL), 0);
    ck_assert_int_eq(set_with("n", "old", 0, 0, SHORT, NULL), 0);
    until_gone("a");
    until_gone("n");
    ck_assert_int_eq(splinter_store_append(store, "a", "new", 3, NULL), 0);
    has(store, "a", "new");
    ck_assert_uint_eq(meta_of("a").ttl_ns, 0);
    ck_assert_int_eq(splinter_store_add(store, "n", 3, &value), 0);
    ck_assert_int_eq(value, 3);
    end();
}
END_TEST

START_TEST(a_set_without_ttl_ends_the_countdown)
{
    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, SHORT, NULL), 0);
    ck_assert_int_eq(set_with("marker", "v", 0, 0, 2 * SHORT, NULL), 0);
    if (set_with("k", "kept", 0, 0, 0, NULL))
        ck_abort();
    until_gone("marker");
    has(store, "k", "kept");
    end();
}
END_TEST

START_TEST(sweep_removes_expired_keys_and_their_bytes)
{
    char key[16], path[600];

    make(_i, SLOTS, MAX_VALUE);
    place_path(&place, path, sizeof(path));
    ck_assert_int_eq(splinter_store_sweep(store), 0);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof(key), "swept-%d", i);
        ck_assert_int_eq(set_with(key, "a marker to be swept", 0, 0, SHORT, NULL), 0);
    }
    ck_assert_int_eq(set_with("kept", "v", 0, 0, HOUR, NULL), 0);
    ck_assert(raw_contains(path, "a marker to be swept"));
    while (walk_count(store, NULL) > 1)
        sleep_ms(2);
    ck_assert_int_eq(splinter_store_sweep(store), 20);
    ck_assert(!raw_contains(path, "a marker to be swept"));
    ck_assert(!raw_contains(path, "swept-"));
    ck_assert_uint_eq(stat_of(store).keys, 1);
    ck_assert_int_eq(splinter_store_sweep(store), 0);
    end();
}
END_TEST

START_TEST(expired_keys_do_not_fill_a_store)
{
    char key[16];

    make(_i, 8, 64);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "old%d", i);
        ck_assert_int_eq(set_with(key, "v", 0, 0, SHORT, NULL), 0);
    }
    while (walk_count(store, NULL))
        sleep_ms(2);
    for (int i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "new%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    ck_assert_int_eq(set("one more", "v"), -ENOSPC);
    end();
}
END_TEST

START_TEST(a_wait_ends_when_its_key_expires)
{
    uint64_t epoch;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 4 * SHORT, &epoch), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), -ENOENT);
    end();
}
END_TEST

/* ---- walk ---- */

START_TEST(walk_meets_every_key_once)
{
    char key[SPLINTER_KEY_MAX];
    unsigned char seen[500] = {0};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int rc, n = 0;

    make(_i, 500, MAX_VALUE);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "key/%d", i);
        ck_assert_int_eq(splinter_store_set(store, key, key, strlen(key), NULL, NULL), 0);
    }
    while ((rc = splinter_store_walk(store, NULL, &cursor, key, &meta)) == 1) {
        int i = atoi(key + 4);

        ck_assert(i >= 0 && i < 500);
        ck_assert_int_eq(seen[i]++, 0);
        ck_assert_uint_eq(meta.value_size, strlen(key));
        ck_assert_uint_ne(meta.epoch, 0);
        n++;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 500);
    end();
}
END_TEST

START_TEST(walk_can_be_limited_to_a_prefix)
{
    static const char *keys[] = {"a", "ab", "abc", "b", "ba", "\xc3\xa4"};

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_uint_eq(walk_count(store, NULL), 0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        ck_assert_int_eq(set(keys[i], "v"), 0);
    ck_assert_uint_eq(walk_count(store, NULL), 6);
    ck_assert_uint_eq(walk_count(store, ""), 6);
    ck_assert_uint_eq(walk_count(store, "a"), 3);
    ck_assert_uint_eq(walk_count(store, "ab"), 2);
    ck_assert_uint_eq(walk_count(store, "abc"), 1);
    ck_assert_uint_eq(walk_count(store, "abcd"), 0);
    ck_assert_uint_eq(walk_count(store, "\xc3"), 1);
    ck_assert_uint_eq(walk_count(store, "x"), 0);
    end();
}
END_TEST

START_TEST(a_walker_may_unset_what_it_meets)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    int n = 0;

    make(_i, 300, 64);
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    while (splinter_store_walk(store, NULL, &cursor, key, NULL) == 1) {
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        n++;
    }
    ck_assert_int_eq(n, 300);
    ck_assert_uint_eq(stat_of(store).keys, 0);
    end();
}
END_TEST

/* ---- wait ---- */

START_TEST(a_wait_for_what_is_there_returns_at_once)
{
    uint64_t one, two, got = 0;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &one), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, SPLINTER_FOREVER, &got), 0);
    ck_assert_uint_eq(got, one);
    ck_assert_int_eq(set_with("k", "w", 0, 0, 0, &two), 0);
    ck_assert_int_eq(splinter_store_wait(store, "k", one, SPLINTER_FOREVER, &got), 0);
    ck_assert_uint_eq(got, two);
    ck_assert_int_eq(splinter_store_wait(store, "k", two, 0, &got), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "k", two, 20, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "absent", 0, 20, NULL), -ETIMEDOUT);
    ck_assert_int_eq(splinter_store_wait(store, "absent", two, SPLINTER_FOREVER, NULL), -ENOENT);
    end();
}
END_TEST

START_TEST(a_timeout_is_not_cut_short)
{
    uint64_t epoch, begin;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &epoch), 0);
    begin = now_ns();
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, 50, NULL), -ETIMEDOUT);
    ck_assert_uint_ge(now_ns() - begin, 49000000);
    epoch = stat_of(store).epoch;
    begin = now_ns();
    while (!splinter_store_wait_any(store, epoch, 50, &epoch))
        ;
    ck_assert_uint_ge(now_ns() - begin, 49000000);
    end();
}
END_TEST

static void *set_soon(void *key)
{
    sleep_ms(40);
    return set(key, "late") ? (void *)1 : NULL;
}

static void *unset_soon(void *key)
{
    sleep_ms(40);
    return splinter_store_unset(store, key, 0, NULL) ? (void *)1 : NULL;
}

static void in_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
    ck_assert_int_eq(pthread_create(thread, NULL, run, arg), 0);
}

static void joined(pthread_t thread)
{
    void *failed;

    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
}

START_TEST(a_sleeping_wait_is_woken_by_a_thread)
{
    pthread_t thread;
    uint64_t epoch;
    char k[] = "k", fresh[] = "fresh";

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set_with("k", "v", 0, 0, 0, &epoch), 0);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), 0);
    joined(thread);
    has(store, "k", "late");
    in_thread(&thread, set_soon, fresh);
    ck_assert_int_eq(splinter_store_wait(store, "fresh", 0, SPLINTER_FOREVER, NULL), 0);
    joined(thread);
    in_thread(&thread, unset_soon, k);
    epoch = meta_of("k").epoch;
    ck_assert_int_eq(splinter_store_wait(store, "k", epoch, SPLINTER_FOREVER, NULL), -ENOENT);
    joined(thread);
    end();
}
END_TEST

START_TEST(a_sleeping_wait_is_woken_by_a_process)
{
    pid_t pid;

    make(_i, SLOTS, MAX_VALUE);
    pid = fork();
    if (!pid) {
        splinter_store *own = place_again(&place, 0);

        sleep_ms(40);
        _exit(splinter_store_set(own, "k", "v", 1, NULL, NULL) ? 1 : 0);
    }
    ck_assert_int_eq(splinter_store_wait(store, "k", 0, 30000, NULL), 0);
    ck_assert_int_eq(reap(pid), 0);
    end();
}
END_TEST

START_TEST(a_read_only_wait_is_woken_too)
{
    pthread_t thread;
    char k[] = "k";
    uint64_t epoch;
    splinter_store *reader;

    make(_i, SLOTS, MAX_VALUE);
    reader = place_again(&place, SPLINTER_RDONLY);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(reader, "k", 0, 30000, &epoch), 0);
    joined(thread);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait(reader, "k", epoch, 30000, &epoch), 0);
    joined(thread);
    epoch = stat_of(reader).epoch;
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait_any(reader, epoch, 30000, &epoch), 0);
    joined(thread);
    splinter_store_close(reader);
    end();
}
END_TEST

struct relay {
    int rounds;
    const char *mine, *yours;
};

/* Two threads hand a counter to and fro: one missed wake and neither goes on. */
static void *relay(void *arg)
{
    struct relay *r = arg;
    uint64_t epoch = 0;

    for (int i = 0; i < r->rounds; i++) {
        if (splinter_store_wait(store, r->yours, epoch, SPLINTER_FOREVER, &epoch))
            return (void *)1;
        if (set(r->mine, "x"))
            return (void *)2;
    }
    return NULL;
}

START_TEST(no_change_between_a_get_and_a_wait_is_missed)
{
    struct relay r = {3000, "pong", "ping"};
    pthread_t thread;
    uint64_t epoch = 0;

    make(_i, SLOTS, MAX_VALUE);
    in_thread(&thread, relay, &r);
    for (int i = 0; i < r.rounds; i++) {
        ck_assert_int_eq(set("ping", "x"), 0);
        ck_assert_int_eq(splinter_store_wait(store, "pong", epoch, 30000, &epoch), 0);
    }
    joined(thread);
    end();
}
END_TEST

START_TEST(wait_any_never_misses_a_set_or_unset)
{
    pthread_t thread;
    uint64_t epoch, next;
    char k[] = "k";

    make(_i, SLOTS, MAX_VALUE);
    epoch = stat_of(store).epoch;
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_store_wait_any(store, epoch, 30000, &next), 0);
    ck_assert_uint_gt(next, epoch);
    epoch = stat_of(store).epoch;
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    ck_assert_int_eq(splinter_store_wait_any(store, epoch, 30000, &next), 0);
    /* Nothing goes on, so it times out, at the latest after what was under way is told. */
    for (int i = 0; splinter_store_wait_any(store, next, 20, &next) == 0; i++)
        ck_assert_int_lt(i, 5);
    in_thread(&thread, set_soon, k);
    ck_assert_int_eq(splinter_store_wait_any(store, next, SPLINTER_FOREVER, &next), 0);
    joined(thread);
    end();
}
END_TEST

/* ---- stat ---- */

START_TEST(stat_tells_the_limits_and_the_contents)
{
    struct splinter_stat st;

    make(_i, 100, 1000);
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
    end();
}
END_TEST

/* ---- read-only handles ---- */

START_TEST(a_read_only_handle_reads_and_refuses_to_write)
{
    splinter_store *reader;
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    int64_t value;
    uint64_t epoch;

    make(_i, SLOTS, MAX_VALUE);
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
    end();
}
END_TEST

/* ---- P4: nothing stays behind ---- */

START_TEST(old_bytes_are_zeroed)
{
    static const size_t sizes[] = {24, 100, 1000, MAX_VALUE};
    char path[600], val[MAX_VALUE + 1], key[32];

    make(_i, SLOTS, MAX_VALUE);
    place_path(&place, path, sizeof(path));
    for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
        for (size_t i = 0; i + 16 <= sizes[s]; i += 16)
            memcpy(val + i, "<old-marker-val>", 16);
        memset(val + sizes[s] / 16 * 16, '.', sizes[s] % 16);
        for (int i = 0; i < 20; i++) {
            snprintf(key, sizeof(key), "key-marker-%d", i);
            ck_assert_int_eq(splinter_store_set(store, key, val, sizes[s], NULL, NULL), 0);
        }
        ck_assert(raw_contains(path, "old-marker"));
        ck_assert(raw_contains(path, "key-marker"));
        for (int i = 0; i < 10; i++) {
            snprintf(key, sizeof(key), "key-marker-%d", i);
            ck_assert_int_eq(set(key, "short"), 0);
        }
        for (int i = 10; i < 20; i++) {
            snprintf(key, sizeof(key), "key-marker-%d", i);
            ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        }
        ck_assert(!raw_contains(path, "marker-val"));
        for (int i = 0; i < 10; i++) {
            snprintf(key, sizeof(key), "key-marker-%d", i);
            ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        }
        ck_assert(!raw_contains(path, "key-marker"));
    }
    /* Empty blocks that a writer keeps at hand may still be counted. */
    ck_assert_uint_le(stat_of(store).used_bytes, 64 << 10);
    end();
}
END_TEST

/* A value of each kind of length takes the place of one of every other kind, under keys of each
 * kind of length: whole, counted, and nothing of what was before is left. */
START_TEST(any_size_takes_the_place_of_any_other)
{
    static const size_t keys[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 40},
                        sizes[] = {1, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 192, 200, 448,
                                   449, 1000};
    enum { KEYS = sizeof(keys) / sizeof(*keys), SIZES = sizeof(sizes) / sizeof(*sizes) };
    char path[600], key[64], val[1000], got[1000], old[17];

    make(_i, SLOTS, 1000);
    place_path(&place, path, sizeof(path));
    for (int k = 0; k < KEYS; k++) {
        uint32_t revision = 0;

        memset(key, 'a' + k, keys[k]);
        key[keys[k]] = 0;
        for (int from = 0; from < SIZES; from++)
            for (int to = 0; to < SIZES; to++) {
                struct splinter_meta meta = {.struct_size = sizeof(meta)};
                uint64_t epoch = 0;
                size_t n = 0;

                memset(val, 'A' + from, sizeof(val));
                ck_assert_int_eq(splinter_store_set(store, key, val, sizes[from], NULL, NULL), 0);
                snprintf(old, sizeof(old), "%.16s", val);
                memset(val, '0' + to, sizeof(val));
                ck_assert_int_eq(splinter_store_set(store, key, val, sizes[to], NULL, &epoch), 0);
                ck_assert_int_eq(splinter_store_get(store, key, got, sizeof(got), &n, &meta), 0);
                ck_assert_uint_eq(n, sizes[to]);
                ck_assert_mem_eq(got, val, n);
                ck_assert_uint_eq(meta.epoch, epoch);
                ck_assert_uint_eq(meta.revision, revision += 2);
                if (sizes[from] >= 16 && (from + to) % 19 == k)
                    ck_assert(!raw_contains(path, old));
            }
    }
    end();
}
END_TEST

/* ---- P6: memory follows the data ---- */

START_TEST(memory_follows_the_values_not_the_limits)
{
    char key[16], val[64];
    struct stat st;

    make(_i, 50000, 65536);
    memset(val, 'v', sizeof(val));
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "k%08d", i);
        ck_assert_int_eq(splinter_store_set(store, key, val, 64, NULL, NULL), 0);
    }
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, 8 << 20);
    ck_assert_uint_ge(stat_of(store).reserved_bytes, 20000 * 64);
    end();
}
END_TEST

START_TEST(an_empty_store_of_a_million_slots_costs_little)
{
    struct stat st;

    make(_i, 1000000, 4096);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, 1 << 20);
    end();
}
END_TEST

START_TEST(churn_does_not_grow_a_store)
{
    char key[24], val[64] = {0};
    struct stat before, after;

    make(_i, 1000, 1024);
    for (unsigned i = 0; i < repeated(100000); i++) {
        snprintf(key, sizeof(key), "churn-%u", i);
        ck_assert_int_eq(splinter_store_set(store, key, val, sizeof(val), NULL, NULL), 0);
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        if (i == repeated(10000))
            ck_assert_int_eq(fstat(splinter_store_fd(store), &before), 0);
    }
    ck_assert_int_eq(fstat(splinter_store_fd(store), &after), 0);
    ck_assert_int_le(after.st_blocks, before.st_blocks + 128);
    end();
}
END_TEST

/* ---- limits ---- */

START_TEST(the_limit_of_slots_is_exact)
{
    static const int limits[] = {1, 2, 3, 7, 100, 1000};

    for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
        int slots = limits[l];
        char key[16];

        make(_i, (size_t)slots, 64);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < slots; i++) {
                snprintf(key, sizeof(key), "r%d-%d", round, i);
                ck_assert_int_eq(set(key, key), 0);
            }
            ck_assert_int_eq(set("extra", "v"), -ENOSPC);
            ck_assert_int_eq(set_with("extra", "v", SPLINTER_IF_ABSENT, 0, 0, NULL), -ENOSPC);
            ck_assert_int_eq(splinter_store_append(store, "extra", "v", 1, NULL), -ENOSPC);
            ck_assert_int_eq(splinter_store_add(store, "extra", 1, NULL), -ENOSPC);
            ck_assert(absent("extra"));
            ck_assert_uint_eq(stat_of(store).keys, (unsigned)slots);
            for (int i = 0; i < slots; i++) {
                snprintf(key, sizeof(key), "r%d-%d", round, i);
                has(store, key, key);
                ck_assert_int_eq(set(key, "update when full"), 0);
                has(store, key, "update when full");
            }
            ck_assert_int_eq(check_store(store), 0);
            snprintf(key, sizeof(key), "r%d-%d", round, slots / 2);
            ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
            ck_assert_int_eq(set("extra", "v"), 0);
            ck_assert_int_eq(set(key, "v"), -ENOSPC);
            ck_assert_int_eq(splinter_store_unset(store, "extra", 0, NULL), 0);
            for (int i = 0; i < slots; i++) {
                snprintf(key, sizeof(key), "r%d-%d", round, i);
                ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL),
                                 i == slots / 2 ? -ENOENT : 0);
            }
            ck_assert_uint_eq(stat_of(store).keys, 0);
        }
        end();
    }
}
END_TEST

START_TEST(a_full_store_takes_the_longest_value_in_every_slot)
{
    static char val[MAX_VALUE], out[MAX_VALUE];
    char key[SPLINTER_KEY_MAX];

    make(_i, 200, MAX_VALUE);
    for (int i = 0; i < 200; i++) {
        memset(key, 'k', sizeof(key));
        snprintf(key + 245, 11, "%010d", i);
        memset(val, i, sizeof(val));
        ck_assert_int_eq(splinter_store_set(store, key, val, sizeof(val), NULL, NULL), 0);
    }
    for (int i = 0; i < 200; i++) {
        memset(key, 'k', sizeof(key));
        snprintf(key + 245, 11, "%010d", i);
        memset(val, i, sizeof(val));
        ck_assert_int_eq(splinter_store_get(store, key, out, sizeof(out), NULL, NULL), 0);
        ck_assert_mem_eq(out, val, sizeof(out));
        ck_assert_int_eq(splinter_store_set(store, key, val, sizeof(val), NULL, NULL), 0);
    }
    end();
}
END_TEST

START_TEST(values_of_every_size_come_back_whole)
{
    static unsigned char val[MAX_VALUE], out[MAX_VALUE + 1];
    uint64_t seed = support_seed;
    size_t n;

    make(_i, SLOTS, MAX_VALUE);
    for (size_t i = 0; i < MAX_VALUE; i++)
        val[i] = (unsigned char)random_next(&seed);
    for (size_t len = 1; len <= MAX_VALUE; len++) {
        const char *key = len % 2 ? "odd" : "a rather longer key for the even ones";

        ck_assert_int_eq(splinter_store_set(store, key, val, len, NULL, NULL), 0);
        out[len] = 0xee;
        ck_assert_int_eq(splinter_store_get(store, key, out, len, &n, NULL), 0);
        ck_assert_uint_eq(n, len);
        ck_assert(!memcmp(out, val, len));
        ck_assert_uint_eq(out[len], 0xee);
    }
    ck_assert_int_eq(splinter_store_set(store, "odd", val, MAX_VALUE + 1, NULL, NULL), -EMSGSIZE);
    end();
}
END_TEST

START_TEST(keys_of_every_length_come_back)
{
    char key[SPLINTER_KEY_MAX], got[SPLINTER_KEY_MAX];
    unsigned char seen[SPLINTER_KEY_MAX] = {0};
    uint64_t cursor = 0;

    make(_i, 300, 64);
    for (size_t len = 1; len < SPLINTER_KEY_MAX; len++) {
        memset(key, 'x', len);
        key[len] = 0;
        ck_assert_int_eq(splinter_store_set(store, key, &len, sizeof(len), NULL, NULL), 0);
    }
    while (splinter_store_walk(store, NULL, &cursor, got, NULL) == 1) {
        size_t len;

        ck_assert_int_eq(splinter_store_get(store, got, &len, sizeof(len), NULL, NULL), 0);
        ck_assert_uint_eq(len, strlen(got));
        ck_assert_int_eq(seen[len]++, 0);
    }
    for (size_t len = 1; len < SPLINTER_KEY_MAX; len++)
        ck_assert_int_eq(seen[len], 1);
    end();
}
END_TEST

/* ---- against a model ---- */

#define MODEL_KEYS 200
#define MODEL_SLOTS 150
#define MODEL_MAX 700

START_TEST(random_operations_match_a_model)
{
    static struct {
        bool there;
        uint32_t type, revision;
        size_t len;
        uint64_t epoch;
        unsigned char val[MODEL_MAX];
    } model[MODEL_KEYS], *m;
    static unsigned char val[MODEL_MAX], out[MODEL_MAX];
    uint64_t seed = support_seed + (uint64_t)_i, epoch;
    unsigned count = 0;
    char key[64];

    memset(model, 0, sizeof(model)); /* where Check does not fork, the last round is in it */
    make(_i, MODEL_SLOTS, MODEL_MAX);
    for (unsigned step = 0; step < repeated(20000); step++) {
        unsigned k = (unsigned)(random_next(&seed) >> 33) % MODEL_KEYS;
        unsigned op = (unsigned)(random_next(&seed) >> 33) % 100;
        size_t len = 1 + (random_next(&seed) >> 33) % (random_next(&seed) & 1 ? MODEL_MAX : 40);
        struct splinter_set_options options = {.struct_size = sizeof(options)};
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        int want, rc;
        size_t n = 0;

        m = &model[k];
        snprintf(key, sizeof(key), "%.*skey-%u", (int)(k % 40),
                 "------------------------------------------", k);
        for (size_t i = 0; i < len; i++)
            val[i] = (unsigned char)random_next(&seed);
        if (op < 50) { /* set, with or without a condition */
            options.type = (uint32_t)(random_next(&seed) >> 48);
            want = m->there || count < MODEL_SLOTS ? 0 : -ENOSPC;
            if (op < 10) {
                options.flags = SPLINTER_IF_ABSENT;
                if (m->there)
                    want = -EEXIST;
            } else if (op < 20) {
                options.flags = SPLINTER_IF_EPOCH;
                options.if_epoch = op < 16 ? m->epoch : m->epoch - 1;
                want = !m->there ? -ENOENT : op < 16 ? 0 : -ESTALE;
            }
            rc = splinter_store_set(store, key, val, len, &options, &epoch);
            ck_assert_msg(rc == want, "step %u: set %s: %d, not %d", step, key, rc, want);
            if (!rc) {
                m->type = options.type;
                m->len = len;
                memcpy(m->val, val, len);
            }
        } else if (op < 55) {
            want = m->there && m->len + len > MODEL_MAX ? -EMSGSIZE
                   : m->there || count < MODEL_SLOTS    ? 0
                                                        : -ENOSPC;
            rc = splinter_store_append(store, key, val, len, &epoch);
            ck_assert_msg(rc == want, "step %u: append %s: %d, not %d", step, key, rc, want);
            if (!rc) {
                if (!m->there)
                    m->len = m->type = 0;
                memcpy(m->val + m->len, val, len);
                m->len += len;
            }
        } else if (op < 60) {
            int64_t was = 0, sum = 0, delta = (int64_t)random_next(&seed) >> 8;

            want = 0;
            if (m->there && (m->type != SPLINTER_TYPE_INT64 || m->len != 8))
                want = -EINVAL;
            else if (!m->there && count == MODEL_SLOTS)
                want = -ENOSPC;
            else if (m->there)
                memcpy(&was, m->val, 8);
            if (!want && __builtin_add_overflow(was, delta, &sum))
                want = -ERANGE;
            rc = splinter_store_add(store, key, delta, &was);
            ck_assert_msg(rc == want, "step %u: add %s: %d, not %d", step, key, rc, want);
            if (!rc) {
                ck_assert(was == sum);
                m->type = SPLINTER_TYPE_INT64;
                m->len = 8;
                memcpy(m->val, &sum, 8);
                ck_assert_int_eq(splinter_store_get(store, key, NULL, 0, NULL, &meta), 0);
                epoch = meta.epoch;
            }
        } else if (op < 85) {
            uint64_t condition = op < 75 ? 0 : op < 80 ? m->epoch : m->epoch + 1;

            want = !m->there ? -ENOENT : op < 80 ? 0 : -ESTALE;
            rc = splinter_store_unset(store, key, condition, &n);
            ck_assert_msg(rc == want, "step %u: unset %s: %d, not %d", step, key, rc, want);
            if (!rc) {
                ck_assert_uint_eq(n, m->len);
                m->there = false;
                count--;
            }
            rc = 1;
        } else {
            rc = splinter_store_get(store, key, out, sizeof(out), &n, &meta);
            ck_assert_msg(rc == (m->there ? 0 : -ENOENT), "step %u: get %s: %d", step, key, rc);
            if (!rc) {
                ck_assert_uint_eq(n, m->len);
                ck_assert(!memcmp(out, m->val, n));
                ck_assert_uint_eq(meta.epoch, m->epoch);
                ck_assert_uint_eq(meta.type, m->type);
                ck_assert_uint_eq(meta.revision, m->revision);
            }
            rc = 1;
        }
        if (!rc) { /* something was written */
            m->revision = m->there ? m->revision + 1 : 1;
            count += !m->there;
            m->there = true;
            ck_assert_uint_gt(epoch, m->epoch);
            m->epoch = epoch;
        }
        if (step % 1000 == 999) {
            ck_assert_uint_eq(walk_count(store, NULL), count);
            ck_assert_uint_eq(stat_of(store).keys, count);
            ck_assert_int_eq(check_store(store), 0);
        }
    }
    end();
}
END_TEST

/* ---- fork ---- */

START_TEST(a_child_may_use_the_handle_of_its_parent)
{
    pid_t pid;

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "parent"), 0);
    pid = fork();
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
    end();
}
END_TEST

START_TEST(a_child_that_writes_nothing_harms_nothing)
{
    make(_i, SLOTS, MAX_VALUE);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

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
    end();
}
END_TEST

START_TEST(a_child_goes_on_when_its_parent_dies)
{
    int done[2];
    pid_t parent;
    char result = 'x';

    make(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(pipe(done), 0);
    parent = fork();
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
    end();
}
END_TEST

#define ADD_NAMED(test) tcase_add_loop_test(tcase, test, 0, BACKING_NAMED)
#define ADD(test) tcase_add_loop_test(tcase, test, 0, BACKINGS)

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    SRunner *runner;

    support_start();
    tcase_set_timeout(tcase, 120);
    ADD(a_second_handle_sees_the_same_store);
    ADD_NAMED(create_without_excl_opens_what_exists);
    ADD_NAMED(permissions_are_0600_unless_asked_less_the_umask);
    ADD(the_descriptor_is_closed_on_exec);
    ADD_NAMED(unlink_removes_the_name_not_the_store);
    ADD(a_store_passed_over_a_socket_is_shared);
    tcase_add_loop_test(tcase, a_memfd_cannot_be_shrunk, BACKING_MEMFD, BACKINGS);
    tcase_add_test(tcase, close_of_null_is_allowed);
    ADD(a_key_and_a_value_are_read_no_further_than_they_go);
    ADD(short_keys_are_told_apart);
    ADD(meta_tells_of_the_value);
    ADD(a_small_buffer_gets_the_size_and_the_meta_only);
    ADD(epochs_only_rise_over_all_keys);
    ADD(if_absent_sets_only_a_key_that_is_not_there);
    ADD(if_epoch_is_compare_and_swap);
    ADD(unset_can_depend_on_the_epoch);
    ADD(append_grows_a_value_and_keeps_type_and_life);
    ADD(add_counts_from_zero);
    ADD(add_refuses_overflow_and_other_types);
    ADD(an_expired_key_is_found_by_nobody);
    ADD(append_and_add_begin_anew_after_expiry);
    ADD(a_set_without_ttl_ends_the_countdown);
    ADD(sweep_removes_expired_keys_and_their_bytes);
    ADD(expired_keys_do_not_fill_a_store);
    ADD(a_wait_ends_when_its_key_expires);
    ADD(walk_meets_every_key_once);
    ADD(walk_can_be_limited_to_a_prefix);
    ADD(a_walker_may_unset_what_it_meets);
    ADD(a_wait_for_what_is_there_returns_at_once);
    ADD(a_timeout_is_not_cut_short);
    ADD(a_sleeping_wait_is_woken_by_a_thread);
    ADD(a_sleeping_wait_is_woken_by_a_process);
    ADD(a_read_only_wait_is_woken_too);
    ADD(no_change_between_a_get_and_a_wait_is_missed);
    ADD(wait_any_never_misses_a_set_or_unset);
    ADD(stat_tells_the_limits_and_the_contents);
    ADD(a_read_only_handle_reads_and_refuses_to_write);
    ADD(old_bytes_are_zeroed);
    ADD(any_size_takes_the_place_of_any_other);
    ADD(memory_follows_the_values_not_the_limits);
    ADD(an_empty_store_of_a_million_slots_costs_little);
    ADD(churn_does_not_grow_a_store);
    ADD(the_limit_of_slots_is_exact);
    ADD(a_full_store_takes_the_longest_value_in_every_slot);
    ADD(values_of_every_size_come_back_whole);
    ADD(keys_of_every_length_come_back);
    ADD(random_operations_match_a_model);
    ADD(a_child_may_use_the_handle_of_its_parent);
    ADD(a_child_that_writes_nothing_harms_nothing);
    ADD(a_child_goes_on_when_its_parent_dies);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
