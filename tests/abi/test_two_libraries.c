/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_two_libraries.c - libsplinter and libsplinter_p in one process, each with its own store
 *
 * First through a plugin: this program is linked with libsplinter, the plugin with libsplinter_p,
 * and both use the same names.  Then both loaded with dlopen.  LIB_DIR says where the libraries
 * are.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

struct verbs {
    int (*create)(const char *, size_t, size_t);
    int (*set)(const char *, const void *, size_t);
    int (*get)(const char *, void *, size_t, size_t *);
    void (*close)(void);
    const char *(*error)(void);
};

static char name[512], path[600];

#define BY_PLUGIN "a program with one library, its plugin with the other"
#define BY_DLOPEN "both libraries loaded with dlopen"

/* A function's address through the pointer to an object that dlsym returns. */
static void find(void *library, const char *symbol, void *out)
{
    void *address = dlsym(library, symbol);

    if (!address)
        die("%s: %s", symbol, dlerror());
    memcpy(out, &address, sizeof(address));
}

static struct verbs verbs_in(void *library, const char *prefix)
{
    struct verbs v;
    char symbol[64];

#define FIND(field, verb) \
    snprintf(symbol, sizeof(symbol), "%s%s", prefix, verb); \
    find(library, symbol, &v.field)
    FIND(create, "create");
    FIND(set, "set");
    FIND(get, "get");
    FIND(close, "close");
    FIND(error, "last_error");
    return v;
}

/* One in memory, one in a file, at the same time; both through fork. */
static void apart(const struct verbs *memory, const struct verbs *file, const char *what)
{
    char buf[16] = "", shm[600];
    size_t n = 0;
    bool ok;
    pid_t pid;

    snprintf(shm, sizeof(shm), "/dev/shm/%s", name);
    ok = !memory->create(name, 10, 100) && !file->create(path, 10, 100) && !access(shm, F_OK) &&
         !access(path, F_OK);
    if (!ok)
        printf("# %s: %s; %s: %s\n", name, memory->error(), path, file->error());
    ok = ok && !memory->set("k", "memory", 6) && !file->set("k", "a file", 6);
    ok = ok && !memory->get("k", buf, sizeof(buf), &n) && n == 6 && !memcmp(buf, "memory", 6);
    ok = ok && !file->get("k", buf, sizeof(buf), &n) && n == 6 && !memcmp(buf, "a file", 6);
    pid = fork_child();
    if (!pid)
        _exit(memory->set("c", "m", 1) || file->set("c", "f", 1));
    ok = !reap(pid) && ok && !memory->get("c", buf, sizeof(buf), &n) && *buf == 'm' &&
         !file->get("c", buf, sizeof(buf), &n) && *buf == 'f';
    memory->close();
    /* Closed in one, open in the other. */
    ok = ok && memory->get("k", buf, sizeof(buf), &n) == -1 && errno == EBADF &&
         !file->get("k", buf, sizeof(buf), &n);
    file->close();
    report(ok, "%s", what);
    unlink(shm);
    unlink(path);
}

int main(void)
{
    const char *dir = getenv("LIB_DIR"), *plugin = getenv("SPLINTER_TEST_PLUGIN");
    const char *versions = getenv("HAVE_VERSION_SCRIPT");
    struct verbs own = {splinter_create, splinter_set, splinter_get, splinter_close,
                        splinter_last_error};
    char one[600], other[600];
    void *p, *memory, *file;

    support_start();
    /* A name for one library, a path for the other. */
    snprintf(name, sizeof(name), "splinter-test-%ld-two", (long)getpid());
    snprintf(path, sizeof(path), "%s/two", support_dir());
    p = plugin && !access(plugin, F_OK) ? dlopen(plugin, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!versions || strcmp(versions, "yes")) {
        report(true, BY_PLUGIN " # SKIP no versioned symbols here");
    } else if (plugin && !access(plugin, F_OK)) {
        if (!p)
            die("%s: %s", plugin, dlerror());
        struct verbs its = verbs_in(p, "plugin_");

        apart(&own, &its, BY_PLUGIN);
    } else {
        report(true, BY_PLUGIN " # SKIP no shared plugin was built");
    }
    snprintf(one, sizeof(one), "%s/libsplinter.so.1", dir ? dir : "");
    snprintf(other, sizeof(other), "%s/libsplinter_p.so.1", dir ? dir : "");
    if (!dir || access(one, F_OK) || access(other, F_OK)) {
        report(true, BY_DLOPEN " # SKIP no shared libraries were built");
        return tap_end();
    }
    memory = dlopen(one, RTLD_NOW | RTLD_LOCAL);
    file = dlopen(other, RTLD_NOW | RTLD_LOCAL);
    if (!memory || !file)
        die("dlopen: %s", dlerror());
    {
        struct verbs m = verbs_in(memory, "splinter_"), f = verbs_in(file, "splinter_");

        apart(&m, &f, BY_DLOPEN);
    }
    return tap_end();
}
