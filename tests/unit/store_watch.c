/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_watch.c - watches, in a process with poll(2) for an event loop
 *
 * Each test runs over each backing, with a feed and without one, and as if the kernel knew nothing
 * of futex_waitv(2).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store.h"

#define WAYS 3 /* with a feed; without one; without one, on an old kernel */
#define HAS_FEED(i) ((i) / BACKINGS == 0)

static splinter_watch *watch;
static struct splinter_event event;
static uint64_t tag;
static char buf[100];
static splinter_store *looker;

static void make_watch(int i, size_t slots)
{
    place_feed = HAS_FEED(i) ? 256 : 0;
    make_store(i % BACKINGS, slots, MAX_VALUE);
    if (i / BACKINGS == 2 && !refuse_waitv(ENOSYS))
        printf("# futex_waitv cannot be refused here\n");
    ck_assert_int_eq(splinter_watch_open(&watch, store, 0), 0);
}

static void end_watch(void)
{
    splinter_watch_close(watch);
    end_store();
}

static bool readable(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, timeout_ms) == 1 && p.revents == POLLIN;
}

static int next_now(void)
{
    memset(&event, 0, sizeof(event));
    event.struct_size = sizeof(event);
    return splinter_watch_next(watch, &tag, &event, buf, sizeof(buf));
}

/* The next event, which poll() tells of.  If `its` is 0, it may be of anything. */
static void next(uint32_t what, const char *key, uint64_t its)
{
    int rc;

    while ((rc = next_now()) == -EAGAIN)
        ck_assert(readable(splinter_watch_fd(watch), 30000));
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_eq(event.what, what);
    ck_assert_str_eq(event.key, key);
    if (its)
        ck_assert_uint_eq(tag, its);
}

/* Its key is given a value that soon expires.  This is told, unless it has expired before somebody
 * looks; and then the end is. */
static void comes_to_an_end(const char *key, uint64_t its)
{
    ck_assert_int_eq(set_with(key, "v", 0, 0, 50000000, NULL), 0);
    do {
        int rc;

        while ((rc = next_now()) == -EAGAIN)
            ck_assert(readable(splinter_watch_fd(watch), 30000));
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(event.key, key);
        ck_assert_uint_eq(tag, its);
    } while (event.what == SPLINTER_EVENT_SET);
    ck_assert_uint_eq(event.what, SPLINTER_EVENT_UNSET);
}

/* There is nothing more, and the descriptor says so in a while. */
static void nothing_more(void)
{
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(next_now(), -EAGAIN);
        if (!readable(splinter_watch_fd(watch), 5))
            return;
    }
    ck_abort_msg("the descriptor stays readable");
}

START_TEST(a_key_is_told_as_often_as_it_is_seen_to_change)
{
    uint64_t epoch;

    make_watch(_i, SLOTS);
    nothing_more();
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 7), 0);
    nothing_more();
    ck_assert_int_eq(set_with("k", "one", 0, 0, 0, &epoch), 0);
    ck_assert(readable(splinter_watch_fd(watch), 30000));
    ck_assert(readable(splinter_watch_fd(watch), 0)); /* until it is asked */
    next(SPLINTER_EVENT_SET, "k", 7);
    ck_assert_uint_eq(event.epoch, epoch);
    ck_assert_uint_eq(event.flags, SPLINTER_EVENT_VALUE);
    ck_assert_mem_eq(buf, "one", event.value_size);
    nothing_more();
    ck_assert_int_eq(set("other", "x"), 0);
    nothing_more();
    ck_assert_int_eq(splinter_store_unset(store, "k", 0, NULL), 0);
    next(SPLINTER_EVENT_UNSET, "k", 7);
    nothing_more();
    ck_assert_int_eq(set("k", "two"), 0);
    next(SPLINTER_EVENT_SET, "k", 7);
    ck_assert_int_eq(set("k", "three"), 0);
    ck_assert_int_eq(set("k", "four"), 0);
    next(SPLINTER_EVENT_SET, "k", 7);
    ck_assert_mem_eq(buf, "four", event.value_size);
    nothing_more();
    /* From an epoch on, as with a wait. */
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", event.epoch, 8), 0);
    ck_assert_int_eq(splinter_watch_add_key(watch, "gone", 5, 9), 0);
    next(SPLINTER_EVENT_SET, "k", 8);
    next(SPLINTER_EVENT_UNSET, "gone", 9);
    end_watch();
}
END_TEST

START_TEST(an_end_of_life_is_told)
{
    make_watch(_i, SLOTS);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    comes_to_an_end("k", 1);
    nothing_more();
    if (HAS_FEED(_i)) {
        ck_assert_int_eq(splinter_watch_add_prefix(watch, "e", 0, 2), 0);
        ck_assert_int_eq(set_with("e", "v", 0, 0, 50000000, NULL), 0);
        next(SPLINTER_EVENT_SET, "e", 2);
        next(SPLINTER_EVENT_EXPIRED, "e", 2);
    }
    end_watch();
}
END_TEST

/* Does every thread but this one sleep? */
static bool others_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    bool sleep = true;
    struct dirent *entry;

    while (tasks && (entry = readdir(tasks))) {
        char path[300], stat[300] = "";
        FILE *f;

        snprintf(path, sizeof(path), "/proc/self/task/%s/stat", entry->d_name);
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == (int)syscall(SYS_gettid) ||
            !(f = fopen(path, "r")))
            continue;
        if (fgets(stat, sizeof(stat), f) && strrchr(stat, ')'))
            sleep &= !strncmp(strrchr(stat, ')'), ") S", 3);
        fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return sleep;
}

/* Forks when the thread of the watch is not in the middle of its beginning: in the child the
 * allocator of AddressSanitizer would stay locked for ever. */
static pid_t fork_in_peace(pid_t (*fork_it)(void))
{
    unsigned in_a_row = 0;

    for (int i = 0; i < 5000 && in_a_row < 5; i++) {
        sleep_ms(1);
        in_a_row = others_sleep() ? in_a_row + 1 : 0;
    }
    return fork_it();
}

static pid_t start_owner_of(const char *key)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL};
    pid_t pid = fork_in_peace(fork_bound_child);

    if (!pid) {
        splinter_store_set(place_again(&place, 0), key, "v", 1, &o, NULL);
        for (;;)
            pause();
    }
    return pid;
}

/* A key whose owner dies: nobody wakes the thread. */
START_TEST(the_end_of_an_owner_is_told)
{
    pid_t owner;

    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_key(watch, "e", 0, 1), 0);
    if (HAS_FEED(_i))
        ck_assert_int_eq(splinter_watch_add_prefix(watch, "e", 0, 2), 0);
    owner = start_owner_of("e");
    next(SPLINTER_EVENT_SET, "e", 0);
    if (HAS_FEED(_i))
        next(SPLINTER_EVENT_SET, "e", 0);
    nothing_more();
    kill(owner, SIGKILL);
    reap(owner);
    do
        while (next_now())
            ck_assert(readable(splinter_watch_fd(watch), 30000));
    while (tag != 1);
    ck_assert_uint_eq(event.what, SPLINTER_EVENT_UNSET);
    end_watch();
}
END_TEST

START_TEST(a_prefix_is_told_of_each_of_its_keys)
{
    uint64_t first;

    make_watch(_i, SLOTS);
    ck_assert_int_eq(set("a/old", "v"), 0);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "a/", 0, 1), 0);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "a/o", SPLINTER_FEED_STATE, 2), 0);
    next(SPLINTER_EVENT_SET, "a/old", 2);
    ck_assert_uint_eq(event.flags & SPLINTER_EVENT_STATE, SPLINTER_EVENT_STATE);
    next(SPLINTER_EVENT_READY, "", 2);
    nothing_more();
    ck_assert_int_eq(set("a/new", "value"), 0);
    next(SPLINTER_EVENT_SET, "a/new", 1);
    ck_assert_uint_eq(event.flags, SPLINTER_EVENT_VALUE);
    ck_assert_mem_eq(buf, "value", event.value_size);
    ck_assert_int_eq(set("b/new", "v"), 0);
    nothing_more();
    ck_assert_int_eq(splinter_store_unset(store, "a/new", 0, NULL), 0);
    next(SPLINTER_EVENT_UNSET, "a/new", 1);
    ck_assert_int_eq(set("a/old", "w"), 0);
    next(SPLINTER_EVENT_SET, "a/old", 0);
    first = tag;
    next(SPLINTER_EVENT_SET, "a/old", 3 - first);
    nothing_more();
    end_watch();
}
END_TEST

START_TEST(a_feed_is_followed)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o), .flags = SPLINTER_FEED_STATE};
    splinter_feed *feed;
    splinter_store *other;

    make_watch(_i, SLOTS);
    if (!HAS_FEED(_i)) {
        ck_assert_int_eq(splinter_feed_open(&feed, store, &o), -EOPNOTSUPP);
        end_watch();
        return;
    }
    other = place_again(&place, 0);
    ck_assert_int_eq(splinter_feed_open(&feed, other, &o), 0);
    ck_assert_int_eq(splinter_watch_add_feed(watch, feed, 3), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "the feed and the watch belong to different handles");
    splinter_feed_close(feed);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert_int_eq(splinter_feed_open(&feed, store, &o), 0);
    ck_assert_int_eq(splinter_watch_add_feed(watch, feed, 3), 0);
    next(SPLINTER_EVENT_SET, "k", 3);
    next(SPLINTER_EVENT_READY, "", 3);
    nothing_more();
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(splinter_store_set(i % 2 ? store : other, "k", "v", 1, NULL, NULL), 0);
        next(SPLINTER_EVENT_SET, "k", 3);
        ck_assert_uint_ge(event.number, 2);
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(set("k", "v"), 0);
    next(SPLINTER_EVENT_GAP, "", 3);
    next(SPLINTER_EVENT_SET, "k", 3);
    next(SPLINTER_EVENT_READY, "", 3);
    nothing_more();
    splinter_watch_close(watch);
    splinter_feed_close(feed);
    splinter_store_close(other);
    end_store();
}
END_TEST

#define MANY 300

/* [C3] More keys than the kernel takes words at once. */
START_TEST(each_of_300_keys_is_told)
{
    char key[16];

    make_watch(_i, 2 * MANY);
    for (unsigned k = 0; k < MANY; k++) {
        snprintf(key, sizeof(key), "k%u", k);
        ck_assert_int_eq(splinter_watch_add_key(watch, key, 0, k), 0);
    }
    nothing_more();
    for (unsigned i = 0; i < MANY; i++) {
        unsigned k = i * 77 % MANY;

        snprintf(key, sizeof(key), "k%u", k);
        if (i % 10 == 0)
            nothing_more();
        ck_assert_int_eq(set(key, "v"), 0);
        next(SPLINTER_EVENT_SET, key, k);
    }
    nothing_more();
    end_watch();
}
END_TEST

/* [C3] What waits uses no processor time to speak of. */
START_TEST(nobody_runs_while_nothing_happens)
{
    struct rusage before, after;
    char key[16];
    uint64_t used;

    make_watch(_i, 2 * MANY);
    for (unsigned k = 0; k < MANY; k++) {
        snprintf(key, sizeof(key), "k%u", k);
        ck_assert_int_eq(splinter_watch_add_key(watch, key, 0, k), 0);
    }
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "x", 0, MANY), 0);
    nothing_more();
    getrusage(RUSAGE_SELF, &before);
    ck_assert(!readable(splinter_watch_fd(watch), 1000));
    getrusage(RUSAGE_SELF, &after);
    used = (uint64_t)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
           (uint64_t)after.ru_utime.tv_usec - (uint64_t)before.ru_utime.tv_usec +
           (uint64_t)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
           (uint64_t)after.ru_stime.tv_usec - (uint64_t)before.ru_stime.tv_usec;
    printf("# %u us of a second\n", (unsigned)used);
    ck_assert_uint_lt(used, SLOW_HERE ? 900000 : 300000);
    end_watch();
}
END_TEST

/* [C3] */
START_TEST(a_read_only_handle_watches_too)
{
    splinter_store *reader;

    make_watch(_i, SLOTS);
    splinter_watch_close(watch);
    reader = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_watch_open(&watch, reader, 0), 0);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "p/", 0, 2), 0);
    nothing_more();
    ck_assert_int_eq(set("k", "v"), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    ck_assert_int_eq(set("p/1", "v"), 0);
    next(SPLINTER_EVENT_SET, "p/1", 2);
    nothing_more();
    splinter_watch_close(watch);
    splinter_store_close(reader);
    end_store();
}
END_TEST

/* [C3] Nobody cleans up, and so nobody steps the epoch of the store. */
START_TEST(a_prefix_is_told_of_ends_through_a_handle_that_changes_nothing)
{
    const uint32_t flags[] = {SPLINTER_RDONLY, 0};
    splinter_store *idle;
    pid_t owner;

    for (int i = 0; i < 2 && !HAS_FEED(_i); i++) { /* a feed is told by who cleans up */
        make_watch(_i, SLOTS);
        splinter_watch_close(watch);
        idle = place_again(&place, flags[i]);
        ck_assert_int_eq(splinter_watch_open(&watch, idle, 0), 0);
        ck_assert_int_eq(splinter_watch_add_prefix(watch, "p/", 0, 1), 0);
        nothing_more();
        ck_assert_int_eq(set("p/1", "v"), 0);
        next(SPLINTER_EVENT_SET, "p/1", 1);
        nothing_more();
        comes_to_an_end("p/1", 1);
        owner = start_owner_of("p/2");
        next(SPLINTER_EVENT_SET, "p/2", 1);
        nothing_more();
        kill(owner, SIGKILL);
        reap(owner);
        next(SPLINTER_EVENT_UNSET, "p/2", 1);
        nothing_more();
        splinter_watch_close(watch);
        splinter_store_close(idle);
        end_store();
    }
}
END_TEST

/* [C3] With a feed, they are told by who cleans up; and nobody else is there. */
START_TEST(a_feed_tells_of_ends_through_a_handle_that_has_changed_nothing)
{
    pid_t owner;

    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "p/", 0, 1), 0);
    owner = start_owner_of("p/1");
    next(SPLINTER_EVENT_SET, "p/1", 1);
    nothing_more();
    kill(owner, SIGKILL);
    reap(owner);
    next(HAS_FEED(_i) ? SPLINTER_EVENT_OWNER_GONE : SPLINTER_EVENT_UNSET, "p/1", 1);
    nothing_more();
    end_watch();
}
END_TEST

static void *waits_for_anything(void *until)
{
    uint64_t epoch = 0;

    while (!__atomic_load_n((bool *)until, __ATOMIC_ACQUIRE))
        splinter_store_wait_any(looker, epoch, 5, &epoch);
    return NULL;
}

/* Of several waiters with a handle that may not clean up, each is told of an end. */
START_TEST(a_waiter_takes_nothing_from_a_watch)
{
    bool until = false;
    pthread_t thread;

    if (HAS_FEED(_i)) /* a feed is told by who cleans up */
        return;
    make_watch(_i, SLOTS);
    splinter_watch_close(watch);
    looker = place_again(&place, SPLINTER_RDONLY);
    ck_assert_int_eq(splinter_watch_open(&watch, looker, 0), 0);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "p/", 0, 1), 0);
    nothing_more();
    ck_assert_int_eq(pthread_create(&thread, NULL, waits_for_anything, &until), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(set_with("p/1", "v", 0, 0, 300000000, NULL), 0);
        next(SPLINTER_EVENT_SET, "p/1", 1);
        next(SPLINTER_EVENT_UNSET, "p/1", 1);
    }
    __atomic_store_n(&until, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    splinter_watch_close(watch);
    splinter_store_close(looker);
    end_store();
}
END_TEST

/* [C3] A prefix of a busy store: woken once a millisecond at most, and nothing is lost. */
START_TEST(a_prefix_of_a_busy_store_wakes_rarely_and_loses_nothing)
{
    bool until = false;
    pthread_t thread;
    uint64_t begin, wakes = 0, told = 0;
    char key[16];

    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "rare/", 0, 1), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, sets_others, &until), 0);
    begin = now_ns();
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof(key), "rare/%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
        for (uint64_t now = now_ns(), least = now + 30000000, most = now + UINT64_C(60000000000);
             now < least || (now < most && !(told >> i & 1)); now = now_ns()) {
            int rc;

            wakes += readable(splinter_watch_fd(watch), 30);
            while (!(rc = next_now())) /* the feed is short: a gap tells as well */
                if ((event.what == SPLINTER_EVENT_SET && !strcmp(event.key, key)) ||
                    event.what == SPLINTER_EVENT_GAP)
                    told |= UINT64_C(1) << i;
            ck_assert_int_eq(rc, -EAGAIN);
        }
    }
    begin = now_ns() - begin;
    __atomic_store_n(&until, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    printf("# %u wakes in %u ms\n", (unsigned)wakes, (unsigned)(begin / 1000000));
    ck_assert_uint_eq(told, (1 << 10) - 1);
    ck_assert_uint_le(wakes, begin / 1000000 + begin / 50000000 + 20);
    end_watch();
}
END_TEST

START_TEST(nothing_is_kept_from_being_told)
{
    bool until = false;
    pthread_t thread;

    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_key(watch, "busy", 0, 1), 0);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 2), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, sets_others, &until), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(set("k", "v"), 0);
        for (;;) {
            int rc = next_now();

            if (!rc && tag == 2)
                break;
            ck_assert(!rc || rc == -EAGAIN);
            if (rc)
                ck_assert(readable(splinter_watch_fd(watch), 30000));
        }
    }
    __atomic_store_n(&until, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    end_watch();
}
END_TEST

START_TEST(epoll_says_so_too)
{
    struct epoll_event e = {.events = EPOLLIN}, got;
    int ep = epoll_create1(EPOLL_CLOEXEC);

    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    nothing_more();
    ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, splinter_watch_fd(watch), &e), 0);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(epoll_wait(ep, &got, 1, 0), 0);
        ck_assert_int_eq(set("k", "v"), 0);
        ck_assert_int_eq(epoll_wait(ep, &got, 1, 30000), 1);
        ck_assert_int_eq(epoll_wait(ep, &got, 1, 0), 1); /* level-triggered */
        next(SPLINTER_EVENT_SET, "k", 1);
        nothing_more();
    }
    close(ep);
    end_watch();
}
END_TEST

/* [C3] A look at a prefix of a large store has to be continued, while nobody sets anything. */
START_TEST(an_edge_is_enough)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLET}, got;
    int ep = epoll_create1(EPOLL_CLOEXEC), rc;
    char key[16];

    make_watch(_i, 40000);
    for (int i = 0; i < 30000; i++) {
        snprintf(key, sizeof(key), "other/%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
    }
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "k", 0, 1), 0);
    ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, splinter_watch_fd(watch), &e), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        ck_assert_int_eq(set(key, "v"), 0);
        while ((rc = next_now()) == -EAGAIN)
            ck_assert_int_eq(epoll_wait(ep, &got, 1, 30000), 1);
        ck_assert_int_eq(rc, 0);
        ck_assert_str_eq(event.key, key);
    }
    close(ep);
    end_watch();
}
END_TEST

/* What a get would fail with is told once, and again what it has afterwards. */
START_TEST(a_key_that_cannot_be_read_is_told_once)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .flags = SPLINTER_EPHEMERAL};
    splinter_store *blind;

    make_watch(_i, SLOTS);
    splinter_watch_close(watch);
    blind = place_again(&place, 0);
    ck_assert_int_eq(splinter_watch_open(&watch, blind, 0), 0);
    ck_assert_int_eq(splinter_store_set(store, "k", "mine", 4, &o, NULL), 0);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    nothing_more();
    ck_assert_int_eq(syscall(SYS_close, splinter_store_fd(blind)), 0); /* a race, and meant */
    next(SPLINTER_EVENT_SET, "k", 1); /* nobody can tell whether its owner lives */
    ck_assert_uint_eq(event.epoch, 0);
    ck_assert_int_eq(splinter_store_get(blind, "k", NULL, 0, NULL, NULL), -EBADF);
    nothing_more();
    ck_assert_int_eq(set("k", "everybody's"), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    ck_assert_mem_eq(buf, "everybody's", event.value_size);
    nothing_more();
    splinter_watch_close(watch);
    splinter_store_close(blind);
    end_store();
}
END_TEST

/* [C3] */
START_TEST(a_child_takes_nothing_from_its_parent)
{
    pid_t pid;

    if (CHILDREN_HAVE_NO_THREADS)
        return;
    make_watch(_i, SLOTS);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    ck_assert_int_eq(set("k", "v"), 0);
    pid = fork_in_peace(fork_child);
    if (!pid) {
        splinter_watch *own;
        int bad = splinter_watch_next(watch, NULL, NULL, NULL, 0) != -ECANCELED;

        bad |= splinter_watch_fd(watch) != -ECANCELED;
        bad |= splinter_watch_add_key(watch, "k", 0, 2) != -ECANCELED;
        bad |= splinter_watch_add_prefix(watch, "k", 0, 2) != -ECANCELED;
        bad |= strcmp(splinter_last_error(), "the watch was opened by a parent of this process");
        splinter_watch_close(watch);
        bad |= splinter_watch_open(&own, store, 0) || splinter_watch_add_key(own, "k", 0, 2);
        watch = own;
        bad |= !readable(splinter_watch_fd(own), 30000) || next_now() || tag != 2;
        bad |= splinter_store_set(store, "k", "w", 1, NULL, NULL);
        while (!bad && next_now() == -EAGAIN)
            bad |= !readable(splinter_watch_fd(own), 30000);
        splinter_watch_close(own);
        _exit(bad);
    }
    ck_assert_int_eq(reap(pid), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    nothing_more();
    ck_assert_int_eq(set("k", "x"), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    end_watch();
}
END_TEST

START_TEST(a_descriptor_that_was_closed_is_left_alone)
{
    int fd, pipes[2];

    make_watch(_i, SLOTS);
    fd = splinter_watch_fd(watch);
    ck_assert_int_gt(fd, 2);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    nothing_more();
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(splinter_watch_fd(watch), -EBADF);
    ck_assert_str_eq(splinter_last_error(), "the program has closed the descriptor of the watch");
    ck_assert_int_eq(splinter_watch_add_key(watch, "j", 0, 2), -EBADF);
    ck_assert_int_eq(next_now(), -EBADF);
    /* Something else has that number now. */
    ck_assert_int_eq(dup2(pipes[1], fd), fd);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert(!readable(pipes[0], 300));
    ck_assert_int_eq(next_now(), 0); /* what there is to tell is told */
    ck_assert_int_eq(next_now(), -EBADF);
    splinter_watch_close(watch);
    ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
    end_store();
}
END_TEST

/* The program closes the descriptor of one watch, and the next one gets the number. */
START_TEST(a_number_belongs_to_one_watch)
{
    splinter_watch *first;
    int fd;

    make_watch(_i, SLOTS);
    first = watch;
    fd = splinter_watch_fd(first);
    ck_assert_int_eq(splinter_watch_add_key(first, "k", 0, 1), 0);
    nothing_more();
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(splinter_watch_open(&watch, store, 0), 0);
    ck_assert_int_eq(splinter_watch_fd(watch), fd);
    ck_assert_int_eq(splinter_watch_fd(first), -EBADF);
    ck_assert_int_eq(splinter_watch_add_key(watch, "other", 0, 2), 0);
    nothing_more();
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert(!readable(fd, 300));
    splinter_watch_close(first);
    ck_assert_int_eq(set("other", "v"), 0);
    next(SPLINTER_EVENT_SET, "other", 2);
    end_watch();
}
END_TEST

/* A child that closes all descriptors, opens a watch, and then closes that of its parent. */
START_TEST(a_number_belongs_to_one_watch_in_a_child_too)
{
    pid_t pid;

    if (CHILDREN_HAVE_NO_THREADS)
        return;
    make_watch(_i, SLOTS);
    ck_assert_int_eq(set("k", "v"), 0);
    pid = fork_in_peace(fork_child);
    if (!pid) {
        splinter_watch *parents = watch;
        int fd, rc = -EAGAIN;

        for (fd = 3; fd < 256; fd++)
            close(fd);
        alarm(60);
        if (splinter_watch_open(&watch, store, 0) ||
            splinter_watch_add_key(watch, "k", 0, 1))
            _exit(1);
        fd = splinter_watch_fd(watch);
        splinter_watch_close(parents);
        if (splinter_watch_fd(watch) != fd)
            _exit(2);
        while ((rc = next_now()) == -EAGAIN)
            if (!readable(fd, 30000))
                _exit(3);
        splinter_watch_close(watch);
        _exit(rc ? 4 : 0);
    }
    ck_assert_int_eq(reap(pid), 0);
    end_watch();
}
END_TEST

/* A program that changes the descriptor's flags hangs nobody. */
START_TEST(a_descriptor_that_blocks_hangs_nobody)
{
    uint64_t count;
    int fd;

    make_watch(_i, SLOTS);
    fd = splinter_watch_fd(watch);
    ck_assert_int_eq(splinter_watch_add_key(watch, "k", 0, 1), 0);
    nothing_more();
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    ck_assert_int_eq(set("k", "v"), 0);
    ck_assert(readable(fd, 30000));
    ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
    next(SPLINTER_EVENT_SET, "k", 1);
    nothing_more();
    ck_assert_int_eq(set("k", "w"), 0);
    next(SPLINTER_EVENT_SET, "k", 1);
    end_watch();
}
END_TEST

static unsigned threads_here(void)
{
    return names_in("/proc/self/task", "");
}

/* The kernel lists a thread that was joined for a little longer. */
static void threads_become(unsigned count)
{
    for (int i = 0; i < 30000 && threads_here() > count; i++)
        sleep_ms(1);
    ck_assert_uint_eq(threads_here(), count);
}

START_TEST(the_thread_comes_with_the_first_watch_and_goes_with_the_last)
{
    splinter_watch *second;
    unsigned before, fds;

    place_feed = 0;
    make_store(_i % BACKINGS, SLOTS, MAX_VALUE);
    ck_assert_int_eq(splinter_watch_open(&watch, store, 0), 0);
    splinter_watch_close(watch); /* ThreadSanitizer makes one of its own with the first */
    before = threads_here();
    for (int i = 0; i < 200 && before > 1; i++) {
        sleep_ms(1);
        before = threads_here() < before ? threads_here() : before;
    }
    fds = names_in("/proc/self/fd", "");
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(splinter_watch_open(&watch, store, 0), 0);
        threads_become(before + 1);
        ck_assert_int_eq(splinter_watch_open(&second, store, 0), 0);
        ck_assert_int_eq(splinter_watch_add_key(second, "k", 0, 1), 0);
        threads_become(before + 1);
        splinter_watch_close(second);
        threads_become(before + 1);
        splinter_watch_close(watch);
    }
    threads_become(before);
    ck_assert_uint_eq(names_in("/proc/self/fd", ""), fds);
    end_store();
}
END_TEST

START_TEST(a_wrong_argument_of_a_watch_is_named)
{
    char too_long[SPLINTER_KEY_MAX + 1];

    make_watch(_i, SLOTS);
    memset(too_long, 'k', SPLINTER_KEY_MAX);
    too_long[SPLINTER_KEY_MAX] = 0;
    ck_assert_int_eq(splinter_watch_add_key(watch, "", 0, 1), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "the key is empty");
    ck_assert_int_eq(splinter_watch_add_key(watch, NULL, 0, 1), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "the key is NULL");
    ck_assert_int_eq(splinter_watch_add_key(watch, too_long, 0, 1), -ENAMETOOLONG);
    ck_assert_str_eq(splinter_last_error(), "the key has more than 255 bytes");
    ck_assert_int_eq(splinter_watch_add_prefix(watch, too_long, 0, 1), -ENAMETOOLONG);
    ck_assert_str_eq(splinter_last_error(), "the prefix has 256 bytes, a key has at most 255");
    ck_assert_int_eq(splinter_watch_add_prefix(watch, "k", 8, 1), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "unknown flags 0x8");
    ck_assert_int_eq(splinter_watch_add_feed(watch, NULL, 1), -EINVAL);
    ck_assert_str_eq(splinter_last_error(), "no feed was given");
    nothing_more();
    end_watch();
}
END_TEST

/* Each way over each backing; or, if the test waits for what takes its time, over one. */
#define ADD_WAYS(test) tcase_add_loop_test(tcase, test, 0, WAYS * BACKINGS)
#define ADD_SLOW(test) \
    for (int way = 0; way < WAYS; way++) \
    tcase_add_loop_test(tcase, test, way * BACKINGS + way % BACKINGS, \
                        way * BACKINGS + way % BACKINGS + 1)

TCase *watch_tests(void)
{
    TCase *tcase = group("watch", 120);

    ADD_WAYS(a_key_is_told_as_often_as_it_is_seen_to_change);
    ADD_SLOW(an_end_of_life_is_told);
    ADD_SLOW(the_end_of_an_owner_is_told);
    ADD_WAYS(a_prefix_is_told_of_each_of_its_keys);
    ADD_WAYS(a_feed_is_followed);
    ADD_SLOW(each_of_300_keys_is_told);
    ADD_SLOW(nobody_runs_while_nothing_happens);
    ADD_WAYS(a_read_only_handle_watches_too);
    ADD_SLOW(a_prefix_is_told_of_ends_through_a_handle_that_changes_nothing);
    ADD_SLOW(a_feed_tells_of_ends_through_a_handle_that_has_changed_nothing);
    ADD_SLOW(a_waiter_takes_nothing_from_a_watch);
    ADD_SLOW(a_prefix_of_a_busy_store_wakes_rarely_and_loses_nothing);
    ADD_SLOW(nothing_is_kept_from_being_told);
    ADD_WAYS(epoll_says_so_too);
    ADD_SLOW(an_edge_is_enough);
    ADD_WAYS(a_key_that_cannot_be_read_is_told_once);
    ADD_WAYS(a_child_takes_nothing_from_its_parent);
    ADD_SLOW(a_descriptor_that_was_closed_is_left_alone);
    ADD_SLOW(a_number_belongs_to_one_watch);
    ADD_SLOW(a_number_belongs_to_one_watch_in_a_child_too);
    ADD_WAYS(a_descriptor_that_blocks_hangs_nobody);
    ADD(the_thread_comes_with_the_first_watch_and_goes_with_the_last);
    ADD_WAYS(a_wrong_argument_of_a_watch_is_named);
    return tcase;
}
