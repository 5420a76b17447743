/* SPDX-License-Identifier: Apache-2.0 */
/* store_values.c - get, set and unset: keys and values of every length come back */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store.h"

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

    make_store(_i, 300, MAX_VALUE);
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
    end_store();
    munmap(key_page, 2 * page);
    munmap(val_page, 2 * page);
}
END_TEST

/* All keys of one and two bytes, and longer ones that differ at one end only. */
START_TEST(short_keys_are_told_apart)
{
    char key[24], val[24];
    size_t n = 0;

    make_store(_i, 70000, 64);
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
    end_store();
}
END_TEST

START_TEST(meta_tells_of_the_value)
{
    struct splinter_meta meta, later;
    uint64_t epoch = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_store_set(store, "k", "12345", 5, NULL, &epoch), 0);
    meta = meta_of("k");
    ck_assert_uint_ne(epoch, 0);
    ck_assert_uint_eq(meta.epoch, epoch);
    ck_assert_uint_eq(meta.ttl_ns, 0);
    ck_assert_uint_eq(meta.value_size, 5);
    ck_assert_uint_eq(meta.type, SPLINTER_TYPE_BYTES);
    ck_assert_uint_eq(meta.revision, 1);
    ck_assert_uint_eq(meta.owner, 0);
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
    end_store();
}
END_TEST

START_TEST(a_small_buffer_gets_the_size_and_the_meta_only)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char buf[4] = "###";
    size_t n = 0;

    make_store(_i, SLOTS, MAX_VALUE);
    ck_assert_int_eq(set("k", "12345"), 0);
    ck_assert_int_eq(splinter_store_get(store, "k", buf, 4, &n, &meta), -EMSGSIZE);
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_eq(meta.value_size, 5);
    ck_assert_uint_ne(meta.epoch, 0);
    ck_assert_str_eq(buf, "###");
    end_store();
}
END_TEST

/* [P8] */
START_TEST(epochs_only_rise_over_all_keys)
{
    uint64_t epoch, last = 0;
    char key[16];

    make_store(_i, SLOTS, MAX_VALUE);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%d", i % 10);
        ck_assert_int_eq(splinter_store_set(store, key, &i, sizeof(i), NULL, &epoch), 0);
        ck_assert_uint_gt(epoch, last);
        last = epoch;
        ck_assert_uint_ge(stat_of(store).epoch, epoch);
    }
    end_store();
}
END_TEST

START_TEST(values_of_every_size_come_back_whole)
{
    static unsigned char val[MAX_VALUE], out[MAX_VALUE + 1];
    uint64_t seed = support_seed;
    size_t n;

    make_store(_i, SLOTS, MAX_VALUE);
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
    end_store();
}
END_TEST

START_TEST(keys_of_every_length_come_back)
{
    char key[SPLINTER_KEY_MAX], got[SPLINTER_KEY_MAX];
    unsigned char seen[SPLINTER_KEY_MAX] = {0};
    uint64_t cursor = 0;

    make_store(_i, 300, 64);
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
    end_store();
}
END_TEST

TCase *value_tests(void)
{
    TCase *tcase = group("values", 120);

    ADD(a_key_and_a_value_are_read_no_further_than_they_go);
    ADD(short_keys_are_told_apart);
    ADD(meta_tells_of_the_value);
    ADD(a_small_buffer_gets_the_size_and_the_meta_only);
    ADD(epochs_only_rise_over_all_keys);
    ADD(values_of_every_size_come_back_whole);
    ADD(keys_of_every_length_come_back);
    return tcase;
}
