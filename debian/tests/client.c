/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the installed library: a child process sets, the parent waits, gets and lists.
 * usage: client NAME-OR-PATH; the store is removed at the end. */
#include <splinter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            printf("line %d: %s is not so; last error: %s\n", __LINE__, #condition,            \
                   splinter_last_error());                                                     \
            exit(1);                                                                           \
        }                                                                                      \
    } while (0)

int main(int argc, char **argv)
{
    splinter_store *store = NULL;
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char value[64] = "", *keys[4] = {0};
    size_t size = 0, count = 0;
    int64_t sum = 0;
    uint64_t epoch = 0;
    int status = 0;
    pid_t child;

    if (argc != 2)
        return 2;
    CHECK(splinter_create(argv[1], 100, 1000) == 0);
    CHECK(splinter_create(argv[1], 100, 1000) == -1); /* never overwrites */
    CHECK(splinter_set("colour", "blue", 4) == 0);
    CHECK(splinter_store_open(&store, argv[1], NULL) == 0);
    CHECK(splinter_store_get(store, "colour", value, sizeof(value), &size, &meta) == 0);
    CHECK(size == 4 && memcmp(value, "blue", 4) == 0 && meta.epoch != 0);

    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(splinter_set("colour", "orange", 6) == 0 ? 0 : 1);
    CHECK(splinter_store_wait(store, "colour", meta.epoch, 60000, &epoch) == 0);
    CHECK(epoch > meta.epoch);
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    CHECK(splinter_get("colour", value, sizeof(value), &size) == 0);
    CHECK(size == 6 && memcmp(value, "orange", 6) == 0);
    CHECK(splinter_store_add(store, "count", 41, &sum) == 0);
    CHECK(splinter_store_add(store, "count", 1, &sum) == 0 && sum == 42);
    CHECK(splinter_list(keys, 4, &count) == 0 && count == 2);
    CHECK(splinter_unset("colour") == 6);
    CHECK(splinter_get("colour", value, sizeof(value), &size) == -1);
    CHECK(splinter_store_check(store, NULL, NULL) == 0);
    splinter_store_close(store);
    splinter_close();
    CHECK(splinter_store_unlink(argv[1], 0) == 0);
    CHECK(splinter_open(argv[1]) == -1);
    printf("libsplinter %s: ok\n", splinter_version());
    return 0;
}
