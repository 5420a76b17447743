/* SPDX-License-Identifier: Apache-2.0 */
/* store_memory.c - no old bytes stay, memory follows the data, limits are exact */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

/* ---- P4: nothing stays behind ---- */

/* [P4] */
START_TEST(old_bytes_are_zeroed)
{
    static const size_t sizes[] = {24, 100, 1000, MAX_VALUE};
    char path[600], val[MAX_VALUE + 1], key[32];

    make_store(_i, SLOTS, MAX_VALUE);
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
    end_store();
}
END_TEST

/* [P4] A value of each kind of length takes the place of one of every other kind, under keys of
 * each kind of length: whole, counted, and nothing of what was before is left. */
START_TEST(any_size_takes_the_place_of_any_other)
{
    static const size_t keys[] = {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 40},
                        sizes[] = {1,  7,  8,   15,  16,  17,  31,  33,  63,  64,
                                   65, 127, 128, 129, 192, 200, 448, 449, 1000};
    enum { KEYS = sizeof(keys) / sizeof(*keys), SIZES = sizeof(sizes) / sizeof(*sizes) };
    char path[600], key[64], val[1000], got[1000], old[17];

    make_store(_i, SLOTS, 1000);
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
    end_store();
}
END_TEST

/* ---- P6: memory follows the data ---- */

/* [P6] */
START_TEST(memory_follows_the_values_not_the_limits)
{
    char key[16], val[64];
    struct stat st;

    make_store(_i, 50000, 65536);
    memset(val, 'v', sizeof(val));
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "k%08d", i);
        ck_assert_int_eq(splinter_store_set(store, key, val, 64, NULL, NULL), 0);
    }
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, 8 << 20);
    ck_assert_uint_ge(stat_of(store).reserved_bytes, 20000 * 64);
    end_store();
}
END_TEST

/* In a process that has asked for its memory to be locked, an open fills no hole of the file.  (A
 * user may not lock as much as the store maps; then there is nothing to see.) */
START_TEST(locked_memory_fills_no_hole)
{
    struct stat before, after;
    pid_t pid;

    make_store(_i, 50000, 4096);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &before), 0);
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s;

        if (!mlockall(MCL_FUTURE) && !place_open(&place, 0, &s))
            splinter_store_set(s, "k", "w", 1, NULL, NULL);
        _exit(0);
    }
    ck_assert_int_eq(reap(pid), 0);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &after), 0);
    ck_assert_int_le(after.st_blocks, before.st_blocks + 512);
    end_store();
}
END_TEST

/* Does a core dump leave out the long mapping of this file?  Other mappings have no holes.  Also
 * false if nothing tells. */
static bool left_out(int fd)
{
    char line[600];
    bool ours = false, out = false;
    struct stat st;
    FILE *maps = fopen("/proc/self/smaps", "r");

    ck_assert_int_eq(fstat(fd, &st), 0);
    while (maps && fgets(line, sizeof(line), maps)) {
        unsigned long long from, end, inode;

        if (sscanf(line, "%llx-%llx %*s %*x %*x:%*x %llu", &from, &end, &inode) == 3)
            ours = inode == st.st_ino && end - from > 65536;
        else if (ours && !strncmp(line, "VmFlags:", 8))
            out = strstr(line, " dd") != NULL;
    }
    if (maps)
        fclose(maps);
    return out;
}

/* To read the holes of a store would fill them. */
START_TEST(a_core_dump_leaves_the_store_out)
{
    size_t size = 1 << 20;
    int fd = memfd_create("like it", MFD_CLOEXEC);
    void *like_it = MAP_FAILED;

    if (fd >= 0 && !ftruncate(fd, (off_t)size))
        like_it = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert(like_it != MAP_FAILED && !madvise(like_it, size, MADV_DONTDUMP));
    make_store(_i, SLOTS, MAX_VALUE);
    if (left_out(fd)) /* a kernel, or an emulator, that tells */
        ck_assert(left_out(splinter_store_fd(store)));
    end_store();
    munmap(like_it, size);
    close(fd);
}
END_TEST

/* [P6] */
START_TEST(an_empty_store_of_a_million_slots_costs_little)
{
    struct stat st;

    make_store(_i, 1000000, 4096);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(fstat(splinter_store_fd(store), &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, 1 << 20);
    end_store();
}
END_TEST

/* [P6] */
START_TEST(churn_does_not_grow_a_store)
{
    char key[24], val[64] = {0};
    struct stat before, after;

    make_store(_i, 1000, 1024);
    for (unsigned i = 0; i < repeated(100000); i++) {
        snprintf(key, sizeof(key), "churn-%u", i);
        ck_assert_int_eq(splinter_store_set(store, key, val, sizeof(val), NULL, NULL), 0);
        ck_assert_int_eq(splinter_store_unset(store, key, 0, NULL), 0);
        if (i == repeated(10000))
            ck_assert_int_eq(fstat(splinter_store_fd(store), &before), 0);
    }
    ck_assert_int_eq(fstat(splinter_store_fd(store), &after), 0);
    ck_assert_int_le(after.st_blocks, before.st_blocks + 128);
    end_store();
}
END_TEST

/* ---- limits ---- */

START_TEST(the_limit_of_slots_is_exact)
{
    static const int limits[] = {1, 2, 3, 7, 100, 1000};

    for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
        int slots = limits[l];
        char key[16];

        make_store(_i, (size_t)slots, 64);
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
        end_store();
    }
}
END_TEST

START_TEST(a_full_store_takes_the_longest_value_in_every_slot)
{
    static char val[MAX_VALUE], out[MAX_VALUE];
    char key[SPLINTER_KEY_MAX];

    make_store(_i, 200, MAX_VALUE);
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
    end_store();
}
END_TEST

TCase *memory_tests(void)
{
    TCase *tcase = group("memory", 120);

    ADD(old_bytes_are_zeroed);
    ADD(any_size_takes_the_place_of_any_other);
    ADD(memory_follows_the_values_not_the_limits);
    ADD(locked_memory_fills_no_hole);
    ADD(a_core_dump_leaves_the_store_out);
    ADD(an_empty_store_of_a_million_slots_costs_little);
    ADD(churn_does_not_grow_a_store);
    ADD(the_limit_of_slots_is_exact);
    ADD(a_full_store_takes_the_longest_value_in_every_slot);
    return tcase;
}
