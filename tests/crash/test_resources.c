/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_resources.c - the nth system call or allocation of a call fails, for every n
 *
 * The library in here has its calls in the hands of fail.c.  For each call of the interface, each
 * kind of resource and each n: the nth use fails, once, or for good.  Then the call has
 * said so with an error that is listed, or done without; no descriptor, mapping, memory or name
 * is left of it; and the store is as good as before.  Also limits of the system itself: files,
 * descriptors, places in the registry.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define FAIL_INSIDE
#include "fail.h"
#include "support.h"
#include "tap.h"

#define SLOTS 64
#define MAX_VALUE 8192
#define KEYS 6
#define PLACES 512 /* in the registry of a store */

static int backing;
static struct place place;
static splinter_store *store; /* which nothing happens to */
static unsigned long tries;

static char context[160];
static int faults;

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list args;

    if (++faults > 20)
        return;
    printf("# %s: ", context);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- what a process holds ---- */

struct held {
    unsigned descriptors, mappings, names;
    long allocated;
};

static struct held held_now(void)
{
    struct held h = {0};
    char line[1024], prefix[64];
    FILE *maps = fopen("/proc/self/maps", "r");

    if (!maps)
        die("/proc/self/maps: %s", strerror(errno));
    while (fgets(line, sizeof(line), maps))
        h.mappings += strstr(line, "splinter-test-") || strstr(line, "memfd:");
    fclose(maps);
    snprintf(prefix, sizeof(prefix), "splinter-test-%ld-", (long)getpid());
    h.descriptors = names_in("/proc/self/fd", "");
    h.names = names_in("/dev/shm", prefix) + names_in(support_dir(), "");
    h.allocated = fail_allocated;
    return h;
}

static void same_held(const struct held *before, const char *when)
{
    struct held now = held_now();

    if (now.descriptors != before->descriptors)
        fault("%s: %u descriptors, there were %u", when, now.descriptors, before->descriptors);
    if (now.mappings != before->mappings)
        fault("%s: %u mappings, there were %u", when, now.mappings, before->mappings);
    if (now.names != before->names)
        fault("%s: %u names, there were %u", when, now.names, before->names);
    if (now.allocated != before->allocated)
        fault("%s: %ld allocations, there were %ld", when, now.allocated, before->allocated);
}

/* ---- the store ---- */

static unsigned char bytes[MAX_VALUE], got[MAX_VALUE + 1000];

static size_t value_of(unsigned k)
{
    memset(bytes, (int)('a' + k), sizeof(bytes));
    return 10 + k * 1000;
}

static void fill(splinter_store *s)
{
    for (unsigned k = 0; k < KEYS; k++) {
        char key[16];

        snprintf(key, sizeof(key), "key%u", k);
        if (splinter_store_set(s, key, bytes, value_of(k), NULL, NULL))
            die("set");
    }
}

/* Everything that was there is there, and new things can be done. */
static void good(splinter_store *s, const char *when)
{
    int rc;

    for (unsigned k = 0; k < KEYS; k++) {
        size_t n = value_of(k), len = 0;
        char key[16];

        snprintf(key, sizeof(key), "key%u", k);
        rc = splinter_store_get(s, key, got, sizeof(got), &len, NULL);
        if (rc || len != n || memcmp(got, bytes, n))
            fault("%s: %s: %s, %zu bytes", when, key, strerror(-rc), len);
    }
    rc = splinter_store_set(s, "new", "new", 3, NULL, NULL);
    if (!rc)
        rc = splinter_store_unset(s, "new", 0, NULL);
    if (rc)
        fault("%s: set and unset: %s", when, strerror(-rc));
    rc = check_store(s);
    if (rc)
        fault("%s: check: %d", when, rc);
}

/* ---- the calls: each gets a handle to act on, or NULL if it makes its own ---- */

static splinter_store *made;       /* what a call opened */
static struct place made_place;    /* and where */

static int create(splinter_store *s)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    int rc;

    (void)s;
    options.flags = made_place.flags;
    if (backing != BACKING_MEMFD)
        options.flags |= SPLINTER_CREATE | SPLINTER_EXCL;
    options.slots = SLOTS;
    options.max_value = MAX_VALUE;
    rc = splinter_store_open(&made, made_place.name, &options);
    made_place.first = made;
    return rc;
}

static int open_again(splinter_store *s)
{
    (void)s;
    return place_open(&place, 0, &made);
}

static int open_to_read(splinter_store *s)
{
    (void)s;
    return place_open(&place, SPLINTER_RDONLY, &made);
}

static int open_fd(splinter_store *s)
{
    return splinter_store_open_fd(&made, splinter_store_fd(s), NULL);
}

static int set_new(splinter_store *s)
{
    memset(bytes, 'n', sizeof(bytes));
    return splinter_store_set(s, "another", bytes, MAX_VALUE, NULL, NULL);
}

static int set_old(splinter_store *s)
{
    return splinter_store_set(s, "key0", bytes, value_of(0), NULL, NULL);
}

static int set_longer(splinter_store *s)
{
    memset(bytes, 'l', sizeof(bytes));
    return splinter_store_set(s, "longer", bytes, MAX_VALUE, NULL, NULL);
}

static int set_for_a_while(splinter_store *s)
{
    struct splinter_set_options options = {.struct_size = sizeof(options), .ttl_ns = 1};

    return splinter_store_set(s, "longer", "short", 5, &options, NULL);
}

/* The first one of a handle takes a lock, which may fail. */
static int lease(splinter_store *s)
{
    uint64_t token;
    int rc = splinter_lease_acquire(s, "lease", NULL, 0, NULL, 0, &token);

    if (!rc)
        rc = splinter_lease_renew(s, "lease", 0, &token);
    return rc ? rc : splinter_lease_release(s, "lease", token);
}

static int append(splinter_store *s)
{
    return splinter_store_append(s, "longer", bytes, 3000, NULL);
}

static int touch(splinter_store *s)
{
    return splinter_store_touch(s, "longer", NULL);
}

static int add(splinter_store *s)
{
    return splinter_store_add(s, "count", 1, NULL);
}

static int unset(splinter_store *s)
{
    return splinter_store_unset(s, "longer", 0, NULL);
}

static int wait_key(splinter_store *s)
{
    return splinter_store_wait(s, "nobody's", 0, 1, NULL);
}

static int wait_any(splinter_store *s)
{
    return splinter_store_wait_any(s, UINT64_MAX - 1, 1, NULL);
}

static int sweep(splinter_store *s)
{
    return splinter_store_sweep(s) < 0 ? -EIO : 0;
}

static int stat_it(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    return splinter_store_stat(s, &st);
}

static int check_it(splinter_store *s)
{
    int rc = splinter_store_check(s, NULL, NULL);

    return rc > 0 ? -EPROTO : rc;
}

static int sync_it(splinter_store *s)
{
    return splinter_store_sync(s);
}

static int snapshot(splinter_store *s)
{
    char path[600];
    int rc;

    snprintf(path, sizeof(path), "%s/snapshot", support_dir());
    rc = splinter_store_snapshot(s, path, 0600);
    if (rc && !access(path, F_OK))
        fault("a snapshot failed, but is there");
    unlink(path);
    return rc;
}

static int close_it(splinter_store *s)
{
    splinter_store_close(s);
    return 0;
}

#define OPENS 1u      /* leaves a handle in `made` */
#define CREATES 2u    /* and a store in made_place */
#define CLOSES 4u     /* the handle is gone afterwards */
#define ALL_THERE 8u  /* may not fail, or only as a wait does */

static const struct call {
    const char *name;
    int (*run)(splinter_store *s);
    unsigned flags;
} calls[] = {
    {"create", create, OPENS | CREATES},
    {"open", open_again, OPENS},
    {"open to read", open_to_read, OPENS},
    {"open by descriptor", open_fd, OPENS},
    {"set a new key", set_new, 0},
    {"set a key that is there", set_old, 0},
    {"set a longer value", set_longer, 0},
    {"set with an end of life", set_for_a_while, 0},
    {"lease", lease, 0},
    {"append", append, 0},
    {"touch", touch, 0},
    {"add", add, 0},
    {"unset", unset, 0},
    {"wait", wait_key, ALL_THERE},
    {"wait for anything", wait_any, ALL_THERE},
    {"sweep", sweep, 0},
    {"stat", stat_it, 0},
    {"check", check_it, 0},
    {"sync", sync_it, 0},
    {"snapshot", snapshot, 0},
    {"close", close_it, CLOSES},
};

static const int errnos[FAIL_COUNT][2] = {
    [FAIL_mmap] = {ENOMEM, 0},           [FAIL_ftruncate] = {ENOSPC, EIO},
    [FAIL_fallocate] = {ENOSPC, EIO},    [FAIL_open] = {EMFILE, ENFILE},
    [FAIL_fcntl] = {ENOLCK, 0},          [FAIL_allocation] = {ENOMEM, 0},
    [FAIL_pwrite] = {ENOSPC, EIO},       [FAIL_pread] = {EIO, 0},
    [FAIL_link] = {ENOSPC, 0},           [FAIL_fstat] = {EIO, 0},
    [FAIL_memfd_create] = {EMFILE, 0},   [FAIL_fdatasync] = {EIO, ENOSPC},
    [FAIL_fchmod] = {EPERM, 0},          [FAIL_fstatfs] = {EIO, 0},
    [FAIL_ioctl] = {ENOTTY, 0},
};

/* One attempt: a call, whose nth use of a resource fails. */
struct attempt {
    const struct call *call;
    enum fail_kind kind;
    unsigned n;
    int err;
    bool for_good, fresh_handle;
};

/* The call said so with an error that is listed, or did without. */
static void result_is_listed(const struct attempt *a, int rc)
{
    if (rc > 0)
        fault("%d is no result", rc);
    if (rc && rc != -a->err && rc != -ENOSPC && rc != -EAGAIN && rc != -ENOENT &&
        rc != -ETIMEDOUT && rc != -ENOMEM && rc != -EOPNOTSUPP && rc != -EBADMSG)
        fault("%s (%d) is not to be expected", strerror(-rc), rc);
    if (rc && a->call->flags & ALL_THERE && rc != -ETIMEDOUT && rc != -ENOMEM)
        fault("a wait ended with %s", strerror(-rc));
}

/* What the call opened, or created, is good, and goes. */
static void end_made(const struct call *call, int rc, const struct held *with_handle)
{
    if (rc && made)
        fault("it failed, but there is a handle");
    if (rc && !*splinter_last_error())
        fault("it failed without a sentence");
    if (rc)
        same_held(with_handle, "after the failure");
    else if (call->flags & CREATES) {
        fill(made);
        good(made, "what was made");
    } else {
        (void)splinter_store_get(made, "key1", got, sizeof(got), NULL, NULL);
    }
    splinter_store_close(made);
    if (!rc && call->flags & CREATES && backing != BACKING_MEMFD &&
        splinter_store_unlink(made_place.name, made_place.flags))
        fault("it cannot be removed");
}

/* False: the call does not use the resource so often. */
static bool attempt(const struct attempt *a)
{
    struct held before = held_now(), with_handle;
    splinter_store *s = store;
    bool enough;
    int rc;

    tries++;
    snprintf(context, sizeof(context), "%s, %s: %s %u %s (%s)%s", backing_names[backing],
             a->call->name, fail_names[a->kind], a->n, a->for_good ? "and all later ones" : "fails",
             strerror(a->err), a->fresh_handle ? ", a new handle" : "");
    if (a->fresh_handle || a->call->flags & CLOSES)
        s = place_again(&place, 0);
    with_handle = held_now();
    made = NULL;
    if (a->call->flags & CREATES)
        place_new(&made_place, backing);
    fail_reset();
    fail_errno = a->err;
    fail_for_good = a->for_good;
    fail_at[a->kind] = a->n;
    rc = a->call->run(s);
    enough = fail_calls[a->kind] >= a->n;
    fail_reset();

    result_is_listed(a, rc);
    if (a->call->flags & OPENS)
        end_made(a->call, rc, &with_handle);
    if (!(a->call->flags & CLOSES)) {
        same_held(&with_handle, "after the call");
        good(s, "afterwards");
    }
    good(store, "another handle");
    splinter_store_unset(store, "another", 0, NULL);
    splinter_store_unset(store, "longer", 0, NULL);
    if (!(a->call->flags & CLOSES) && s != store)
        splinter_store_close(s);
    same_held(&before, "in the end");
    return enough;
}

static void every_failure(const struct call *call)
{
    unsigned long first = tries;

    faults = 0;
    for (int kind = 0; kind < FAIL_COUNT; kind++)
        for (int e = 0; e < 2 && errnos[kind][e]; e++)
            for (int how = 0; how < 4; how++)
                for (unsigned n = 1;; n++) {
                    struct attempt a = {call, (enum fail_kind)kind, n, errnos[kind][e],
                                        how & 1, how & 2};

                    if (!attempt(&a))
                        break;
                    if (n > 3000) {
                        fault("no end of calls");
                        break;
                    }
                }
    /* [P6] */
    report(!faults, "%s: %s: every failure is told, and nothing is left of it (%lu cases)",
           backing_names[backing], call->name, tries - first);
}

/* ---- a child of fork ---- */

static void a_child_cannot_attach(void)
{
    static const enum fail_kind kinds[] = {FAIL_open, FAIL_fcntl, FAIL_fallocate};

    faults = 0;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        for (unsigned n = 1; n < 6; n++) {
            pid_t pid;
            int rc;

            snprintf(context, sizeof(context), "%s, a child: %s %u fails", backing_names[backing],
                     fail_names[kinds[i]], n);
            pid = fork_child();
            if (!pid) {
                faults = 0;
                fail_reset();
                fail_at[kinds[i]] = n;
                fail_for_good = 1;
                fail_errno = errnos[kinds[i]][0];
                rc = splinter_store_set(store, "key0", bytes, value_of(0), NULL, NULL);
                if (rc && rc != -fail_errno)
                    fault("%s", strerror(-rc));
                rc = splinter_store_get(store, "key1", got, sizeof(got), NULL, NULL);
                if (rc)
                    fault("get: %s", strerror(-rc));
                fail_reset();
                good(store, "in the child");
                splinter_store_close(store);
                fflush(stdout);
                _exit(faults != 0);
            }
            if (reap(pid))
                fault("the child failed");
            good(store, "in the parent");
        }
    report(!faults, "%s: a child that cannot attach is told, and can when it goes again",
           backing_names[backing]);
}

/* ---- limits of the system ---- */

/* In a process of its own: a store whose file may not grow beyond the limit. */
static void fill_up_to(rlim_t limit)
{
    struct rlimit r = {limit, RLIM_INFINITY};
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *s = NULL;
    int rc, kept = 0;

    faults = 0;
    setrlimit(RLIMIT_FSIZE, &r);
    place_new(&made_place, backing);
    options.flags = made_place.flags;
    if (backing != BACKING_MEMFD)
        options.flags |= SPLINTER_CREATE;
    options.slots = 1000;
    options.max_value = MAX_VALUE;
    rc = splinter_store_open(&s, made_place.name, &options);
    if (rc && (rc != -ENOSPC || s || !*splinter_last_error()))
        fault("create: %s", strerror(-rc));
    while (!rc && kept < 1000) {
        char key[16];

        snprintf(key, sizeof(key), "%d", kept);
        memset(bytes, kept, sizeof(bytes));
        rc = splinter_store_set(s, key, bytes, MAX_VALUE, NULL, NULL);
        kept += !rc;
    }
    if (rc && rc != -ENOSPC)
        fault("set: %s", strerror(-rc));
    for (int i = 0; s && i < kept; i++) {
        char key[16];
        size_t len = 0;

        snprintf(key, sizeof(key), "%d", i);
        memset(bytes, i, sizeof(bytes));
        if (splinter_store_get(s, key, got, sizeof(got), &len, NULL) || len != MAX_VALUE ||
            memcmp(got, bytes, len))
            fault("value %d of %d is gone", i, kept);
    }
    if (s && check_store(s))
        fault("check");
    splinter_store_close(s);
    if (s && backing != BACKING_MEMFD)
        splinter_store_unlink(made_place.name, made_place.flags);
}

/* Growing a file beyond the limit would raise SIGXFSZ, which ends a process. */
static void a_limit_of_file_size(void)
{
    faults = 0;
    for (rlim_t limit = 4096; limit < 4 << 20; limit += limit / 3) {
        pid_t pid;
        int status;

        snprintf(context, sizeof(context), "%s, files of %lu bytes", backing_names[backing],
                 (unsigned long)limit);
        pid = fork_child();
        if (!pid) {
            fill_up_to(limit);
            fflush(stdout);
            _exit(faults != 0);
        }
        status = reap(pid);
        if (status)
            fault("ended with %d", status);
    }
    /* [P6] */
    report(!faults, "%s: a limit of the file size is ENOSPC, and no signal",
           backing_names[backing]);
}

static void no_descriptor_left(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct rlimit old, none;
    pid_t pid;
    int rc;

    faults = 0;
    snprintf(context, sizeof(context), "%s, no descriptor left", backing_names[backing]);
    if (getrlimit(RLIMIT_NOFILE, &old))
        die("getrlimit");
    none = old;
    none.rlim_cur = 3;
    if (setrlimit(RLIMIT_NOFILE, &none))
        die("setrlimit");
    /* A store that is open needs no more. */
    good(store, "with none left");
    rc = set_new(store);
    if (rc || (rc = splinter_store_unset(store, "another", 0, NULL)) ||
        (rc = splinter_store_wait(store, "key0", 0, 0, NULL)) ||
        (rc = splinter_store_stat(store, &st)) || (rc = splinter_store_sync(store)))
        fault("a call: %s", strerror(-rc));
    rc = place_open(&place, 0, &made);
    if (rc != -EMFILE || made)
        fault("open: %s", strerror(-rc));
    pid = fork_child();
    if (!pid) {
        rc = splinter_store_set(store, "key0", bytes, value_of(0), NULL, NULL);
        if (rc != -EMFILE && rc)
            fault("set in a child: %s", strerror(-rc));
        setrlimit(RLIMIT_NOFILE, &old);
        good(store, "in the child, with more");
        fflush(stdout);
        _exit(faults != 0);
    }
    if (reap(pid))
        fault("the child failed");
    setrlimit(RLIMIT_NOFILE, &old);
    good(store, "with more again");
    report(!faults, "%s: without a descriptor left an open store goes on, another is EMFILE",
           backing_names[backing]);
}

/* Raises the limit of descriptors, if that is allowed. */
static bool many_descriptors(struct rlimit *old)
{
    struct rlimit more;

    if (getrlimit(RLIMIT_NOFILE, old))
        die("getrlimit");
    more = *old;
    more.rlim_cur = old->rlim_max < 4096 ? old->rlim_max : 4096;
    return more.rlim_cur >= 2 * PLACES + 70 && !setrlimit(RLIMIT_NOFILE, &more);
}

/* A process of its own has all places but one, says so, and waits to be killed. */
__attribute__((noreturn)) static void hold_all_places(int told)
{
    static splinter_store *many[PLACES + 1];
    unsigned n = 0;
    int rc = 0;

    while (n < PLACES && !(rc = place_open(&place, 0, &many[n])) &&
           !(rc = splinter_store_set(many[n], "claim", "c", 1, NULL, NULL)))
        n++;
    if (n != PLACES - 1 || rc != -EUSERS || !strstr(splinter_last_error(), "512"))
        fault("%u places were to be had, then %s", n, strerror(-rc));
    for (unsigned i = 0; i < n; i += 37) {
        char key[16];

        snprintf(key, sizeof(key), "at%u", i);
        rc = splinter_store_set(many[i], key, key, strlen(key), NULL, NULL);
        if (rc)
            fault("set by place %u: %s", i, strerror(-rc));
    }
    fflush(stdout);
    if (write(told, faults ? "n" : "y", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

static void attached_are(unsigned want, const char *when)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    if (splinter_store_stat(store, &st) || st.attached != want)
        fault("%u are attached%s", st.attached, when);
}

/* Their places are free again, and what they held is. */
static void places_are_free(void)
{
    int rc = place_open(&place, 0, &made);

    if (rc)
        fault("after their death: %s", splinter_last_error());
    attached_are(1, " after their death");
    good(store, "after their death");
    good(made, "with one of their places");
    attached_are(2, " after one more has written");
    splinter_store_close(made);
    for (unsigned i = 0; i < PLACES - 1; i += 37) {
        char key[16];

        snprintf(key, sizeof(key), "at%u", i);
        rc = splinter_store_unset(store, key, 0, NULL);
        if (rc)
            fault("what place %u had set: %s", i, strerror(-rc));
    }
}

/* All that a handle may be used for without a change of the store. */
static void reads(splinter_store *s, bool read_only, const char *when)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0, epoch = 0;
    int rc = splinter_store_stat(s, &st);

    if (!rc)
        rc = splinter_store_get(s, "key0", got, sizeof(got), NULL, NULL);
    if (!rc)
        rc = splinter_store_wait(s, "key0", 0, 0, &epoch);
    if (!rc && (rc = splinter_store_wait(s, "key0", epoch, 1, NULL)) == -ETIMEDOUT)
        rc = splinter_store_wait(s, "no key", 0, 1, NULL);
    if (rc == -ETIMEDOUT)
        rc = splinter_store_wait_any(s, st.epoch, 1, NULL);
    if (rc == -ETIMEDOUT)
        rc = splinter_store_walk(s, NULL, &cursor, key, NULL) == 1 ? 0 : -ENOENT;
    if (!rc)
        rc = splinter_store_get(s, "no key", got, sizeof(got), NULL, NULL) == -ENOENT ? 0 : -EIO;
    if (!rc && !read_only)
        rc = splinter_store_unset(s, "no key", 0, NULL) == -ENOENT ? 0 : -EIO;
    if (!rc && !read_only)
        rc = splinter_store_sweep(s);
    if (!rc)
        rc = check_store(s);
    if (rc)
        fault("%s: %s", when, strerror(-rc));
}

/* However many handles only read, they take no place, and writers get in. */
static void readers_take_no_place(void)
{
    static splinter_store *many[PLACES + 8];
    struct splinter_set_options over = {.struct_size = sizeof(over), .ttl_ns = 1};
    struct rlimit old;

    faults = 0;
    snprintf(context, sizeof(context), "%s, many readers", backing_names[backing]);
    if (!many_descriptors(&old)) {
        report(true, "%s: many readers # SKIP too few descriptors are allowed",
               backing_names[backing]);
        return;
    }
    for (unsigned i = 0; i < PLACES + 8; i++) {
        many[i] = place_again(&place, 0);
        if (i % 100 == 0)
            reads(many[i], false, "a reader");
        else
            (void)splinter_store_wait(many[i], "no key", 0, 0, NULL);
    }
    if (splinter_store_set(store, "over", "over", 4, &over, NULL))
        fault("set: %s", splinter_last_error());
    for (unsigned i = 0; i < PLACES + 8; i++) {
        (void)splinter_store_wait_any(many[i], UINT64_MAX - 1, 0, NULL);
        if (splinter_store_get(many[i], "over", NULL, 0, NULL, NULL) != -ENOENT)
            fault("an expired key is there");
    }
    attached_are(1, ", though the others only read");
    if (splinter_store_sweep(store) < 1)
        fault("a reader has removed the expired key");
    good(many[0], "one of them that writes after all");
    attached_are(2, " when one has written");
    for (unsigned i = 0; i < PLACES + 8; i++)
        splinter_store_close(many[i]);
    attached_are(1, " in the end");
    setrlimit(RLIMIT_NOFILE, &old);
    report(!faults, "%s: %u handles that only read take no place of a writer",
           backing_names[backing], PLACES + 8);
}

static void the_registry_is_full(void)
{
    struct rlimit old;
    int pipes[2], rc;
    pid_t pid;
    char c;

    faults = 0;
    snprintf(context, sizeof(context), "%s, a full registry", backing_names[backing]);
    if (!many_descriptors(&old)) {
        report(true, "%s: a full registry # SKIP too few descriptors are allowed",
               backing_names[backing]);
        return;
    }
    if (pipe(pipes))
        die("pipe");
    pid = fork_bound_child();
    if (!pid)
        hold_all_places(pipes[1]);
    if (read(pipes[0], &c, 1) != 1 || c != 'y')
        fault("the child failed");
    for (int i = 0; i < 2; i++) {
        rc = place_open(&place, i ? SPLINTER_RDONLY : 0, &made);
        if (rc)
            die("a reader needs no place: %s", strerror(-rc));
        reads(made, i, "with no place left");
        rc = splinter_store_set(made, "key0", "v", 1, NULL, NULL);
        if (rc != (i ? -EROFS : -EUSERS))
            fault("one too many: %s", strerror(-rc));
        splinter_store_close(made);
    }
    attached_are(PLACES, "");
    good(store, "the last one with a place");
    kill(pid, SIGKILL);
    reap(pid);
    close(pipes[0]);
    close(pipes[1]);
    places_are_free();
    setrlimit(RLIMIT_NOFILE, &old);
    report(!faults, "%s: one process too many is EUSERS, until others die", backing_names[backing]);
}

int main(void)
{
    support_start_in_memory();
    for (backing = 0; backing < BACKINGS; backing++) {
        store = place_make(&place, backing, SLOTS, MAX_VALUE);
        fill(store);
        for (unsigned i = 0; i < sizeof(calls) / sizeof(*calls); i++)
            every_failure(&calls[i]);
        a_child_cannot_attach();
        a_limit_of_file_size();
        no_descriptor_left();
        readers_take_no_place();
        the_registry_is_full();
        place_end(&place, store);
    }
    return tap_end();
}
