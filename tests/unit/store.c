/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - the store that a test of test_store works on; see store.h */
#include "store.h"

#include <errno.h>
#include <string.h>

struct place place;
splinter_store *store;

void make_store(int backing, size_t slots, size_t max_value)
{
    store = place_make(&place, backing, slots, max_value);
}

void end_store(void)
{
    ck_assert_int_eq(check_store(store), 0);
    place_end(&place, store);
}

int set(const char *key, const char *val)
{
    return splinter_store_set(store, key, val, strlen(val), NULL, NULL);
}

void *sets_others(void *until)
{
    while (!__atomic_load_n((bool *)until, __ATOMIC_ACQUIRE))
        if (set("busy", "x"))
            return (void *)1;
    return NULL;
}

int set_with(const char *key, const char *val, uint32_t flags, uint64_t if_epoch, uint64_t ttl_ns,
             uint64_t *epoch)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.flags = flags;
    options.if_epoch = if_epoch;
    options.ttl_ns = ttl_ns;
    return splinter_store_set(store, key, val, strlen(val), &options, epoch);
}

int set_typed(const char *key, const void *val, size_t len, uint32_t type)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.type = type;
    return splinter_store_set(store, key, val, len, &options, NULL);
}

struct splinter_meta meta_of(const char *key)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};

    ck_assert_int_eq(splinter_store_get(store, key, NULL, 0, NULL, &meta), 0);
    return meta;
}

void has(splinter_store *s, const char *key, const char *val)
{
    char buf[MAX_VALUE];
    size_t n = 0;

    ck_assert_int_eq(splinter_store_get(s, key, buf, sizeof(buf), &n, NULL), 0);
    ck_assert_uint_eq(n, strlen(val));
    ck_assert_mem_eq(buf, val, n);
}

int absent(const char *key)
{
    return splinter_store_get(store, key, NULL, 0, NULL, NULL) == -ENOENT;
}

unsigned walk_count(splinter_store *s, const char *prefix)
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
