/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_arguments.c - what each call says of arguments that make no sense, and that nothing happens
 *
 * No handle, no store open, a handle that may only read, keys and values that cannot be.  Results
 * as splinter.h lists them.  test_structs.c has structures of other sizes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define MAX_VALUE 100

static int faults;

static void is(int line, int64_t got, int64_t want)
{
    if (got == want)
        return;
    printf("# line %d: %" PRId64 " instead of %" PRId64 "\n", line, got, want);
    faults++;
}
#define IS(got, want) is(__LINE__, (got), (want))

/* Of the bus verbs. */
#define FAILS(call, error) \
    do { \
        errno = 0; \
        is(__LINE__, (call), -1); \
        is(__LINE__, errno, (error)); \
    } while (0)

static uint64_t epoch_of(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    if (splinter_store_stat(s, &st))
        die("stat");
    return st.epoch;
}

/* ---- handles ---- */

static void no_handle(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    uint64_t cursor = 0;
    char key[SPLINTER_KEY_MAX];
    size_t len;

    IS(splinter_store_get(NULL, "k", NULL, 0, &len, NULL), -EINVAL);
    IS(splinter_store_set(NULL, "k", "v", 1, NULL, NULL), -EINVAL);
    IS(splinter_store_unset(NULL, "k", 0, NULL), -EINVAL);
    IS(splinter_store_append(NULL, "k", "v", 1, NULL), -EINVAL);
    IS(splinter_store_add(NULL, "k", 1, NULL), -EINVAL);
    IS(splinter_store_touch(NULL, "k", NULL), -EINVAL);
    IS(splinter_lease_acquire(NULL, "k", NULL, 0, NULL, 0, &cursor), -EINVAL);
    IS(splinter_lease_renew(NULL, "k", 0, &cursor), -EINVAL);
    IS(splinter_lease_release(NULL, "k", 1), -EINVAL);
    IS(splinter_store_walk(NULL, NULL, &cursor, key, NULL), -EINVAL);
    IS(splinter_store_wait(NULL, "k", 0, 0, NULL), -EINVAL);
    IS(splinter_store_wait_any(NULL, 0, 0, NULL), -EINVAL);
    IS(splinter_store_wait_many(NULL, &(const char *){"k"}, &(uint64_t){0}, 1, 0, NULL, NULL),
       -EINVAL);
    IS(splinter_store_stat(NULL, &st), -EINVAL);
    IS(splinter_store_sync(NULL), -EINVAL);
    IS(splinter_store_snapshot(NULL, "x", 0), -EINVAL);
    IS(splinter_store_snapshot_fd(NULL, 0), -EINVAL);
    IS(splinter_store_hold(NULL), -EINVAL);
    IS(splinter_store_release(NULL), -EINVAL);
    IS(splinter_store_sweep(NULL), -EINVAL);
    IS(splinter_store_check(NULL, NULL, NULL), -EINVAL);
    IS(*splinter_last_error() != '\0', 1);
    IS(splinter_store_trim(NULL, NULL), -EINVAL);
    IS(splinter_store_fd(NULL), -EINVAL);
    splinter_store_close(NULL);
    report(!faults, "a call without a handle is EINVAL");
    faults = 0;
}

static void reader(int backing)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = 1};
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct place place;
    splinter_store *s = place_make(&place, backing, 10, MAX_VALUE), *r;
    char got[MAX_VALUE];
    uint64_t before;
    size_t len;
    int rc;

    IS(splinter_store_set(s, "k", "value", 5, NULL, NULL), 0);
    IS(splinter_store_set(s, "short", "lived", 5, &o, NULL), 0);
    r = place_again(&place, SPLINTER_RDONLY);
    before = epoch_of(s);
    IS(splinter_store_set(r, "k", "v", 1, NULL, NULL), -EROFS);
    IS(splinter_store_set(r, "new", "v", 1, &o, NULL), -EROFS);
    IS(splinter_store_unset(r, "k", 0, NULL), -EROFS);
    IS(splinter_store_append(r, "k", "v", 1, NULL), -EROFS);
    IS(splinter_store_add(r, "n", 1, NULL), -EROFS);
    IS(splinter_store_touch(r, "k", NULL), -EROFS);
    IS(splinter_lease_acquire(r, "l", NULL, 0, NULL, 0, &before), -EROFS);
    IS(splinter_store_sweep(r), -EROFS);
    IS(splinter_store_sync(r), backing == BACKING_FILE ? -EROFS : 0);
    IS(splinter_store_get(r, "k", got, sizeof(got), &len, NULL), 0);
    IS((int)len, 5);
    IS(splinter_store_get(r, "short", got, sizeof(got), &len, NULL), -ENOENT);
    IS(splinter_store_wait(r, "k", 0, 0, NULL), 0);
    IS(splinter_store_wait(r, "none", 0, 1, NULL), -ETIMEDOUT);
    rc = splinter_store_wait_any(r, UINT64_MAX - 1, 1, NULL);
    IS(rc == 0 || rc == -ETIMEDOUT, 1); /* 0: it cannot remove the key that has expired */
    IS(splinter_store_stat(r, &st), 0);
    IS(splinter_store_check(r, NULL, NULL), 0);
    IS(splinter_store_trim(r, NULL), -EROFS);
    IS((int64_t)epoch_of(s), (int64_t)before);
    splinter_store_close(r);
    place_end(&place, s);
    report(!faults, "%s: a handle that reads is told so by each call that writes",
           backing_names[backing]);
    faults = 0;
}

/* ---- values, and options ---- */

static void values(int backing)
{
    struct splinter_set_options o = {.struct_size = sizeof(o)};
    struct splinter_meta m = {.struct_size = sizeof(m)};
    struct place place, copy;
    splinter_store *s = place_make(&place, backing, 10, MAX_VALUE), *in_copy;
    char value[MAX_VALUE + 1] = "", got[MAX_VALUE];
    int64_t sum = 77;
    uint64_t before;
    size_t len = 0;

    IS(splinter_store_set(s, "k", value, MAX_VALUE, NULL, NULL), 0);
    IS(splinter_store_set(s, "text", "text", 4, NULL, NULL), 0);
    IS(splinter_store_set(s, "eight", "eight888", 8, NULL, NULL), 0);
    IS(splinter_store_add(s, "n", INT64_MAX, &sum), 0);
    IS(sum, INT64_MAX);
    before = epoch_of(s);
    IS(splinter_store_set(s, "k", value, MAX_VALUE + 1, NULL, NULL), -EMSGSIZE);
    IS(splinter_store_set(s, "k", value, SIZE_MAX, NULL, NULL), -EMSGSIZE);
    IS(splinter_store_append(s, "k", value, MAX_VALUE + 1, NULL), -EMSGSIZE);
    IS(splinter_store_append(s, "k", value, 1, NULL), -EMSGSIZE);
    IS(splinter_store_append(s, "k", value, 0, NULL), -EINVAL);
    IS(splinter_store_add(s, "n", 1, &sum), -ERANGE);
    IS(splinter_store_add(s, "k", 1, &sum), -EINVAL);
    IS(splinter_store_add(s, "text", 1, &sum), -EINVAL);
    IS(splinter_store_add(s, "eight", 1, &sum), -EINVAL);
    IS(sum, INT64_MAX);
    o.type = 65536;
    IS(splinter_store_set(s, "k", "v", 1, &o, NULL), -EINVAL);
    o.type = 0;
    o.flags = SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH;
    IS(splinter_store_set(s, "k", "v", 1, &o, NULL), -EINVAL);
    IS((int64_t)epoch_of(s), (int64_t)before);
    IS(splinter_store_get(s, "k", got, 1, &len, &m), -EMSGSIZE);
    IS((int64_t)len, MAX_VALUE);
    IS((int64_t)m.value_size, MAX_VALUE);
    IS(splinter_store_unset(s, "k", m.epoch + 1, &len), -ESTALE);
    IS(splinter_store_unset(s, "none", 1, &len), -ENOENT);
    IS(splinter_store_unset(s, "k", m.epoch, NULL), 0);
    /* A life that would end after the last day there is. */
    o.flags = 0;
    o.ttl_ns = UINT64_MAX;
    IS(splinter_store_set(s, "k", "v", 1, &o, NULL), 0);
    IS(splinter_store_append(s, "k", "w", 1, NULL), 0);
    IS(splinter_store_get(s, "k", got, sizeof(got), &len, &m), 0);
    IS((int64_t)len, 2);
    IS(m.ttl_ns > 0, 1);
    place_new(&copy, BACKING_FILE);
    IS(splinter_store_snapshot(s, copy.name, 0), 0);
    in_copy = place_again(&copy, 0);
    IS(splinter_store_get(in_copy, "k", got, sizeof(got), &len, &m), 0);
    IS(m.ttl_ns > 0, 1);
    place_end(&copy, in_copy);
    place_end(&place, s);
    report(!faults, "%s: values and options that cannot be are refused", backing_names[backing]);
    faults = 0;
}

/* A number needs eight bytes. */
static void small_values(int backing)
{
    struct place place;
    splinter_store *s = place_make(&place, backing, 1, 7);

    IS(splinter_store_add(s, "n", 1, NULL), -EMSGSIZE);
    IS(splinter_store_set(s, "one", "1", 1, NULL, NULL), 0);
    IS(splinter_store_set(s, "two", "2", 1, NULL, NULL), -ENOSPC);
    IS(splinter_store_append(s, "two", "2", 1, NULL), -ENOSPC);
    IS(check_store(s), 0);
    place_end(&place, s);
    report(!faults, "%s: a store of one short value holds no more", backing_names[backing]);
    faults = 0;
}

/* Changes that are synced: each, or if the last sync is older than a time that is out of reach. */
static void synced(void)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct place place;
    splinter_store *s, *other;

    place_new(&place, BACKING_FILE);
    o.flags = SPLINTER_FILE | SPLINTER_CREATE;
    o.slots = 10;
    o.max_value = MAX_VALUE;
    o.sync_every_ms = UINT64_MAX;
    IS(splinter_store_open(&s, place.name, &o), 0);
    IS(splinter_store_set(s, "k", "v", 1, NULL, NULL), 0);
    IS(splinter_store_stat(s, &st), 0);
    IS(st.synced < st.epoch, 1);
    splinter_store_close(s);
    o.flags = SPLINTER_FILE | SPLINTER_SYNC_EACH;
    IS(splinter_store_open(&s, place.name, &o), 0);
    IS(splinter_store_set(s, "k", "w", 1, NULL, NULL), 0);
    IS(splinter_store_set(s, "k", "x", 1, NULL, NULL), 0);
    IS(splinter_store_unset(s, "k", 0, NULL), 0);
    IS(splinter_store_unset(s, "k", 0, NULL), -ENOENT);
    IS(splinter_store_stat(s, &st), 0);
    IS(st.sync_error, 0);
    IS(st.synced > 0, 1);
    o.flags = 0x800; /* which no flag has */
    IS(splinter_store_open(&other, place.name, &o), -EINVAL);
    IS(splinter_store_open_fd(&other, splinter_store_fd(s), &o), -EINVAL);
    IS(*splinter_last_error() != '\0', 1);
    splinter_store_close(s);
    unlink(place.name);
    report(!faults, "syncs after each change, and after a time that never passes");
    faults = 0;
}

/* ---- the bus verbs ---- */

static void no_bus(void)
{
    char name[512], got[8], *keys[2];
    size_t n;

    splinter_close();
    FAILS(splinter_set("k", "v", 1), EBADF);
    FAILS(splinter_get("k", got, sizeof(got), &n), EBADF);
    FAILS(splinter_list(keys, 2, &n), EBADF);
    FAILS(splinter_poll("k", 0), EBADF);
    FAILS(splinter_sync(), EBADF);
    errno = 0;
    IS(splinter_unset("k"), -2);
    IS(errno, EBADF);
    FAILS(splinter_open(NULL), EINVAL);
    FAILS(splinter_create("", 1, 1), EINVAL);
    bus_name(name, sizeof(name));
    FAILS(splinter_open(name), ENOENT);
    splinter_close();
    report(!faults, "a verb without a store is EBADF");
    faults = 0;
}

static void bus(void)
{
    char name[512], path[600], got[8], *keys[2], longest[SPLINTER_KEY_MAX + 1];
    size_t n = 9;

    memset(longest, 'k', SPLINTER_KEY_MAX);
    longest[SPLINTER_KEY_MAX] = 0;
    bus_name(name, sizeof(name));
    bus_path(path, sizeof(path), name);
    IS(splinter_create(name, 2, 8), 0);
    FAILS(splinter_create(name, 2, 8), EEXIST);
    IS(splinter_set("k", "value", 5), 0); /* the store that was open still is */
    FAILS(splinter_set(NULL, "v", 1), EINVAL);
    FAILS(splinter_set("", "v", 1), EINVAL);
    FAILS(splinter_set("k", NULL, 1), EINVAL);
    FAILS(splinter_set("k", "v", 0), EINVAL);
    FAILS(splinter_set("k", "123456789", 9), EMSGSIZE);
    FAILS(splinter_set(longest, "v", 1), ENAMETOOLONG);
    FAILS(splinter_get(NULL, got, sizeof(got), &n), EINVAL);
    FAILS(splinter_get("none", got, sizeof(got), NULL), ENOENT);
    FAILS(splinter_get("k", got, 2, &n), EMSGSIZE);
    IS((int64_t)n, 5);
    FAILS(splinter_get(longest, got, sizeof(got), &n), ENAMETOOLONG);
    IS(splinter_get("k", NULL, 0, &n), 0);
    FAILS(splinter_poll(NULL, 0), EINVAL);
    FAILS(splinter_poll("none", 0), ENOENT);
    FAILS(splinter_poll("k", 1), ETIMEDOUT);
    FAILS(splinter_poll(longest, 0), ENAMETOOLONG);
    FAILS(splinter_list(keys, 2, NULL), EINVAL);
    IS(splinter_set("l", "v", 1), 0);
    FAILS(splinter_set("m", "v", 1), ENOSPC);
    IS(splinter_list(NULL, 0, &n), 0);
    IS((int64_t)n, 2);
    IS(splinter_list(keys, 1, &n), 0);
    IS((int64_t)n, 1);
    IS(splinter_list(keys, 0, &n), 0);
    IS((int64_t)n, 0);
    FAILS(splinter_unset("none"), ENOENT);
    errno = 0;
    IS(splinter_unset(NULL), -2);
    IS(errno, EINVAL);
    IS(splinter_unset("k"), 5);
    IS(splinter_list(keys, 2, &n), 0);
    IS((int64_t)n, 1);
    IS(strcmp(keys[0], "l"), 0);
    IS(splinter_sync(), 0);
    splinter_close();
    unlink(path);
    report(!faults, "the verbs say what is wrong in errno");
    faults = 0;
}

int main(void)
{
    support_start();
    no_handle();
    for (int backing = 0; backing < BACKINGS; backing++) {
        reader(backing);
        values(backing);
        small_values(backing);
    }
    synced();
    no_bus();
    bus();
    return tap_end();
}
