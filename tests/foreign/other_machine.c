/* SPDX-License-Identifier: Apache-2.0 */
/*
 * other_machine.c - makes a store, or says what this machine makes of one that another made
 *
 *   other_machine make PATH    a store with the key "made-by", and words of every kind in it
 *   other_machine read PATH    opens it, reads all of it, checks it and changes it: prints "ok"
 *   other_machine refuse PATH  every way to open it must fail with EPROTO: prints the sentence
 *
 * Exit status 0 if it is so, else 1 with a message.
 */
#include <errno.h>
#include <splinter.h>
#include <stdio.h>
#include <string.h>

#define KEYS 100
#define COUNT INT64_C(0x0102030405060708)

static int fail(const char *what, int r)
{
    fprintf(stderr, "%s: %s (%s)\n", what, strerror(r < 0 ? -r : errno), splinter_last_error());
    return 1;
}

static int make(const char *path)
{
    struct splinter_open_options options = {.struct_size = sizeof options,
                                            .flags = SPLINTER_FILE | SPLINTER_CREATE |
                                                     SPLINTER_EXCL,
                                            .slots = 2 * KEYS,
                                            .max_value = 5000};
    splinter_store *store;
    char key[32], value[5000];
    int64_t sum;
    int r = splinter_store_open(&store, path, &options);
    if (r)
        return fail("create", r);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%d", i);
        memset(value, i, sizeof value);
        r = splinter_store_set(store, key, value, (size_t)(1 + i * 50), NULL, NULL);
        if (r)
            return fail(key, r);
    }
    r = splinter_store_add(store, "count", COUNT, &sum);
    if (r)
        return fail("add", r);
    splinter_store_close(store);
    return 0;
}

static int read_all(const char *path)
{
    struct splinter_open_options options = {.struct_size = sizeof options, .flags = SPLINTER_FILE};
    splinter_store *store;
    char key[32], value[5000];
    size_t size;
    int64_t sum = 0;
    int r = splinter_store_open(&store, path, &options);
    if (r)
        return fail("open", r);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%d", i);
        r = splinter_store_get(store, key, value, sizeof value, &size, NULL);
        if (r)
            return fail(key, r);
        if (size != (size_t)(1 + i * 50) || value[0] != i || value[size - 1] != i)
            return fprintf(stderr, "%s: %zu bytes, another value\n", key, size), 1;
    }
    r = splinter_store_add(store, "count", 1, &sum);
    if (r || sum != COUNT + 1)
        return fail("add", r);
    r = splinter_store_add(store, "count", -1, &sum);
    if (r)
        return fail("add", r);
    r = splinter_store_check(store, NULL, NULL);
    if (r)
        return fprintf(stderr, "check: %d\n", r), 1;
    splinter_store_close(store);
    puts("ok");
    return 0;
}

static int refused(const char *how, int r)
{
    if (r == -EPROTO)
        return 1;
    fprintf(stderr, "%s: %d, not EPROTO (%s)\n", how, r, splinter_last_error());
    return 0;
}

static int refuse(const char *path)
{
    struct splinter_open_options options = {.struct_size = sizeof options};
    splinter_store *store;
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(path, 0);
    options.flags = SPLINTER_FILE;
    if (!refused("open", splinter_store_open(&store, path, &options)))
        return 1;
    options.flags = SPLINTER_FILE | SPLINTER_RDONLY;
    if (!refused("open read-only", splinter_store_open(&store, path, &options)))
        return 1;
    if (!refused("open of its descriptor", splinter_store_open_fd(&store, fileno(file), &options)))
        return 1;
    fclose(file);
    options.flags = SPLINTER_FILE | SPLINTER_CREATE;
    options.slots = options.max_value = 100;
    if (!refused("open or create", splinter_store_open(&store, path, &options)))
        return 1;
    /* This program is linked with libsplinter_p, where the bus verbs take paths. */
    if (!refused("splinter_open", splinter_open(path) ? -errno : 0) ||
        !refused("splinter_create_or_open", splinter_create_or_open(path, 100, 100) ? -errno : 0))
        return 1;
    puts(splinter_last_error());
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "make"))
        return make(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "read"))
        return read_all(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "refuse"))
        return refuse(argv[2]);
    fputs("usage: other_machine make|read|refuse PATH\n", stderr);
    return 2;
}
