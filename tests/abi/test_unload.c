/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_unload.c - a library that is loaded and unloaded while the process and its threads go on
 *
 * This program is linked with neither library.  It loads each of them from LIB_DIR, and a module
 * that has the whole library inside (tests/abi/whole.la), which the loader really unmaps.
 */
#include <dirent.h>
#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define WORKERS 3
#define ROUNDS 2000

/* What is called of a library. */
static struct {
    int (*create)(const char *, size_t, size_t);
    int (*set)(const char *, const void *, size_t);
    int (*get)(const char *, void *, size_t, size_t *);
    void (*close)(void);
    int (*store_open)(splinter_store **, const char *, const struct splinter_open_options *);
    int (*store_set)(splinter_store *, const char *, const void *, size_t,
                     const struct splinter_set_options *, uint64_t *);
    void (*store_close)(splinter_store *);
    int (*watch_open)(splinter_watch **, splinter_store *, uint32_t);
    int (*watch_add_key)(splinter_watch *, const char *, uint64_t, uint64_t);
    int (*watch_next)(splinter_watch *, uint64_t *, struct splinter_event *, void *, size_t);
    void (*watch_close)(splinter_watch *);
} lib;

static void *loaded;
static char name[512], path_of_name[600];

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("Bail out! ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    exit(1);
}

/* A function's address through the pointer to an object that dlsym returns. */
static void find(const char *symbol, void *out)
{
    void *address = dlsym(loaded, symbol);

    if (!address)
        give_up("%s: %s", symbol, dlerror());
    memcpy(out, &address, sizeof(address));
}

static void load(const char *path)
{
    loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!loaded)
        give_up("%s", dlerror());
    find("splinter_create", &lib.create);
    find("splinter_set", &lib.set);
    find("splinter_get", &lib.get);
    find("splinter_close", &lib.close);
    find("splinter_store_open", &lib.store_open);
    find("splinter_store_set", &lib.store_set);
    find("splinter_store_close", &lib.store_close);
    find("splinter_watch_open", &lib.watch_open);
    find("splinter_watch_add_key", &lib.watch_add_key);
    find("splinter_watch_next", &lib.watch_next);
    find("splinter_watch_close", &lib.watch_close);
}

static void unload(void)
{
    if (dlclose(loaded))
        give_up("%s", dlerror());
}

/* The store loses its name at once, so that nothing is left behind. */
static int create(void)
{
    int rc = lib.create(name, 100, 1000);

    unlink(path_of_name);
    return rc;
}

static int use(void)
{
    char buf[8];
    size_t size;

    return lib.set("k", "value", 5) || lib.get("k", buf, sizeof(buf), &size) || size != 5;
}

/* ---- threads that use the library when they are told, and live on ---- */

static pthread_barrier_t before, after;
static int workers_go, workers_failed;

static void *works(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_barrier_wait(&before);
        if (!workers_go)
            return NULL;
        if (use())
            __atomic_store_n(&workers_failed, 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&after);
    }
}

static void *uses_once(void *arg)
{
    (void)arg;
    return use() ? (void *)1 : NULL;
}

/* ---- what a process has ---- */

struct having {
    unsigned maps, descriptors;
    size_t heap;
};

static struct having look(void)
{
    struct having h = {0};
    FILE *maps = fopen("/proc/self/maps", "r");
    DIR *fds = opendir("/proc/self/fd");
    int c;

    while (maps && (c = getc(maps)) != EOF)
        h.maps += c == '\n';
    while (fds && readdir(fds))
        h.descriptors++;
    if (maps)
        fclose(maps);
    if (fds)
        closedir(fds);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33) && !SANITIZED
    h.heap = mallinfo2().uordblks;
#endif
    return h;
}

/* A round: load, use in this thread, in a new one, in those that live on; and in a handle. */
static int play(const char *path, bool new_thread)
{
    pthread_t thread;
    void *failed = NULL;
    splinter_store *s;
    splinter_watch *w = NULL;
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_ANONYMOUS,
                                      .slots = 10, .max_value = 10};
    int bad;

    load(path);
    bad = create() || use();
    pthread_barrier_wait(&before);
    pthread_barrier_wait(&after);
    if (new_thread) {
        pthread_create(&thread, NULL, uses_once, NULL);
        pthread_join(thread, &failed);
    }
    bad |= lib.store_open(&s, NULL, &o) || lib.store_set(s, "k", "v", 1, NULL, NULL);
    bad |= lib.watch_open(&w, s, 0) || lib.watch_add_key(w, "k", 0, 1) ||
           lib.watch_next(w, NULL, NULL, NULL, 0);
    lib.watch_close(w);
    lib.store_close(s);
    lib.close();
    unload();
    return bad || failed;
}

/* A sanitizer keeps some of the threads that have been; a leak would be one for each round. */
#define MAPS_MORE (SANITIZED ? 60u : 2u)

static void unloaded_again_and_again(const char *path, const char *what)
{
    pthread_t workers[WORKERS];
    struct having first = {0}, last;
    unsigned rounds = SANITIZED ? ROUNDS / 10 : ROUNDS;
    int bad = 0;

    pthread_barrier_init(&before, NULL, WORKERS + 1);
    pthread_barrier_init(&after, NULL, WORKERS + 1);
    workers_go = 1;
    workers_failed = 0;
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_create(&workers[i], NULL, works, NULL);
    for (unsigned i = 0; i < rounds && !bad; i++) {
        bad = play(path, i % 10 == 0) || workers_failed;
        if (i == 20)
            first = look();
    }
    last = look();
    workers_go = 0;
    pthread_barrier_wait(&before);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    printf("# %u -> %u mappings, %u -> %u descriptors, %zu -> %zu bytes\n", first.maps, last.maps,
           first.descriptors, last.descriptors, first.heap, last.heap);
    report(!bad && last.maps <= first.maps + MAPS_MORE && last.descriptors <= first.descriptors &&
           last.heap <= first.heap + 4096,
           "%s: loaded and unloaded %u times, with threads that live on, nothing leaks", what,
           rounds);
    pthread_barrier_destroy(&before);
    pthread_barrier_destroy(&after);
}

static pthread_barrier_t used, gone;

static void *ends_later(void *arg)
{
    void *failed = uses_once(arg);

    pthread_barrier_wait(&used);
    pthread_barrier_wait(&gone);
    return failed;
}

/* The thread ends when the library has gone. */
static void a_thread_ends_later(const char *path, const char *what)
{
    pthread_t thread;
    void *failed;
    int bad;

    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&gone, NULL, 2);
    load(path);
    bad = create();
    pthread_create(&thread, NULL, ends_later, NULL);
    pthread_barrier_wait(&used);
    lib.close();
    unload();
    pthread_barrier_wait(&gone);
    pthread_join(thread, &failed);
    report(!bad && !failed, "%s: a thread that used the bus verbs ends after dlclose", what);
}

#define LEFT_OPEN 20
static void *volatile left[2 * LEFT_OPEN]; /* so that it is no leak */

/* The program forgets to close it; its thread must not go on in memory that is gone. */
static void a_watch_is_left_open(const char *path, const char *what)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_ANONYMOUS,
                                      .slots = 10, .max_value = 10};
    splinter_store *s;
    splinter_watch *w;
    int bad = 0;

    for (int i = 0; i < LEFT_OPEN && !bad; i++) {
        load(path);
        bad = lib.store_open(&s, NULL, &o) || lib.watch_open(&w, s, 0) ||
              lib.watch_add_key(w, "k", 0, 1);
        left[2 * i] = s;
        left[2 * i + 1] = w;
        while (!bad && !lib.watch_next(w, NULL, NULL, NULL, 0))
            ;
        usleep(i * 300);
        unload();
    }
    usleep(300000); /* the thread would have looked again */
    report(!bad, "%s: is unloaded with an open watch", what);
}

static void both(const char *file, const char *what)
{
    if (!file || access(file, R_OK)) {
        report(true, "%s: unloaded # SKIP there is none", what);
        return;
    }
    a_thread_ends_later(file, what);
    a_watch_is_left_open(file, what);
    unloaded_again_and_again(file, what);
}

int main(void)
{
    static const char *const files[] = {"libsplinter.so", "libsplinter_p.so"};
    const char *dir = getenv("LIB_DIR");
    char path[512];

    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(300); /* what hangs is to fail */
    for (unsigned i = 0; i < 2; i++) {
        /* Files too are in memory: thousands are made. */
        snprintf(name, sizeof(name), "%ssplinter-test-%d-unload", i ? "/dev/shm/" : "",
                 (int)getpid());
        snprintf(path_of_name, sizeof(path_of_name), "%s%s", i ? "" : "/dev/shm/", name);
        snprintf(path, sizeof(path), "%s/%s", dir ? dir : "lib/.libs", files[i]);
        both(path, files[i]);
    }
    both(getenv("SPLINTER_TEST_WHOLE"), "a module with the library inside");
    return tap_end();
}
