/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_life.c - what programs do all day: threads that end, signals that arrive
 *
 * Over the public interface alone.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

/* What hangs is to fail; alarm() is for the tests. */
static void *watches(void *arg)
{
    sleep((unsigned)(uintptr_t)arg);
    die("something hangs");
}

static void start_watchdog(unsigned seconds)
{
    pthread_t thread;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_create(&thread, NULL, watches, (void *)(uintptr_t)seconds);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the bus verbs, and the ends of threads ---- */

static char bus[512];

static void *uses_the_verbs(void *arg)
{
    char buf[8];

    (void)arg;
    return splinter_set("k", "v", 1) || splinter_get("k", buf, sizeof(buf), NULL) ? (void *)1
                                                                                 : NULL;
}

/* The application has every key of pthread_key_create(3).  The bus verbs work, and leave what the
 * application has under its keys alone.  First of all, before the library has any. */
static void no_key_is_left(void)
{
    static pthread_key_t keys[PTHREAD_KEYS_MAX];
    unsigned made = 0, wrong = 0;
    pthread_t thread;
    void *failed = NULL;

    while (made < PTHREAD_KEYS_MAX && !pthread_key_create(&keys[made], NULL))
        made++;
    for (unsigned i = 0; i < made; i++)
        pthread_setspecific(keys[i], &keys[i]);
    must(splinter_create(bus, 100, 100), "create");
    if (uses_the_verbs(NULL))
        wrong++;
    pthread_create(&thread, NULL, uses_the_verbs, NULL);
    pthread_join(thread, &failed);
    splinter_close();
    for (unsigned i = 0; i < made; i++) {
        wrong += pthread_getspecific(keys[i]) != &keys[i];
        pthread_key_delete(keys[i]);
    }
    splinter_store_unlink(bus, 0);
    report(made && !failed && !wrong,
           "with no key of pthread_key_create() left the bus verbs work, and overwrite no key");
}

/* ---- in the destructor that an application has for its threads ---- */

static pthread_key_t at_end;
static uint32_t polls, others; /* threads in their destructor; calls of other threads meanwhile */
static int end_result, end_errno;

static void polls_at_the_end(void *arg)
{
    (void)arg;
    __atomic_store_n(&polls, 1, __ATOMIC_SEQ_CST);
    end_result = splinter_poll("k", 20000);
    end_errno = errno;
}

static void *ends_in_a_poll(void *arg)
{
    void *failed = uses_the_verbs(arg);

    pthread_setspecific(at_end, &at_end);
    return failed;
}

static void *closes(void *arg)
{
    splinter_close();
    return arg;
}

/* A thread polls in a destructor of the application, which runs after any that the library might
 * have; then another thread begins with the verbs, and a third one closes the store. */
static void verbs_in_a_destructor(void)
{
    pthread_t ends, begins, closer;
    void *failed, *failed_too;

    must(splinter_create(bus, 100, 100), "create");
    if (uses_the_verbs(NULL)) /* if the library has a key, it is before ours */
        die("the verbs do not work");
    pthread_key_create(&at_end, polls_at_the_end);
    pthread_create(&ends, NULL, ends_in_a_poll, NULL);
    while (!__atomic_load_n(&polls, __ATOMIC_SEQ_CST))
        sleep_ms(1);
    for (others = 0; others < 20; others++) {
        pthread_create(&begins, NULL, uses_the_verbs, NULL);
        pthread_join(begins, &failed_too);
    }
    sleep_ms(20); /* until it waits, probably */
    pthread_create(&closer, NULL, closes, NULL);
    pthread_join(closer, NULL);
    pthread_join(ends, &failed);
    pthread_key_delete(at_end);
    splinter_store_unlink(bus, 0);
    report(!failed && ((end_result == -1 && end_errno == EBADF) || !end_result),
           "a poll in an application's destructor, and close elsewhere: EBADF");
}

/* Threads come and go, each with a destructor of the application that uses the verbs, and the store
 * is replaced all the time. */
static uint32_t done, wrong_results;

static void sets_at_the_end(void *arg)
{
    char buf[100];
    uint32_t wrong = 0;
    size_t size;

    for (unsigned i = 0; i < 20; i++) {
        wrong += splinter_set("end", "some value", 10) != 0;
        wrong += splinter_get("end", buf, sizeof(buf), &size) || size != 10 ||
                 memcmp(buf, "some value", 10);
    }
    __atomic_fetch_add(&wrong_results, wrong, __ATOMIC_SEQ_CST);
    (void)arg;
}

static void *spawns(void *arg)
{
    for (unsigned i = 0; i < repeated(300); i++) {
        pthread_t thread;

        pthread_create(&thread, NULL, ends_in_a_poll, NULL);
        pthread_join(thread, NULL);
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static void threads_end_while_the_store_is_replaced(void)
{
    pthread_t spawners[4];
    splinter_store *s;
    int problems;

    pthread_key_create(&at_end, sets_at_the_end);
    must(splinter_open_or_create(bus, 100, 100), "create");
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&spawners[i], NULL, spawns, NULL);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < 4)
        must(splinter_open_or_create(bus, 100, 100), "open");
    for (unsigned i = 0; i < 4; i++)
        pthread_join(spawners[i], NULL);
    pthread_key_delete(at_end);
    must(splinter_store_open(&s, bus, NULL), "open");
    problems = check_store(s);
    splinter_store_close(s);
    splinter_close();
    splinter_store_unlink(bus, 0);
    report(!wrong_results && !problems,
           "threads use the verbs in their destructors while the store is replaced");
}

/* ---- signals ---- */

static uint32_t handled;

static void counts(int number)
{
    (void)number;
    __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

/* A signal every `us` microseconds from now on; 0: no more. */
static void signals_every(long us, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval timer = {.it_interval = {.tv_usec = us}, .it_value = {.tv_usec = us}};

    if (us)
        sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static splinter_store *again_with(const struct place *place, uint32_t flags)
{
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = flags};
    splinter_store *s;

    if (place->first && place->backing >= BACKING_NAMED) {
        must(splinter_store_open_fd(&s, splinter_store_fd(place->first), &o), "open_fd");
    } else {
        o.flags |= place->flags;
        must(splinter_store_open(&s, place->name, &o), "open");
    }
    return s;
}

static void waits_and_signals(int backing)
{
    struct place place;
    splinter_store *first = place_make(&place, backing, 100, 100);
    struct splinter_meta m = {.struct_size = sizeof(m)};
    int bad = 0;

    must(splinter_store_set(first, "k", "v", 1, NULL, NULL), "set");
    must(splinter_store_get(first, "k", NULL, 0, NULL, &m), "get");
    for (uint32_t read_only = 0; read_only < 2; read_only++) {
        uint32_t flags = read_only ? SPLINTER_RDONLY : 0;
        splinter_store *goes_on = again_with(&place, flags);
        splinter_store *stops = again_with(&place, flags | SPLINTER_EINTR);
        uint64_t epoch = m.epoch + 1000;

        signals_every(10000, counts);
        bad += splinter_store_wait(stops, "k", m.epoch, SPLINTER_FOREVER, NULL) != -EINTR;
        bad += splinter_store_wait(stops, "absent", 0, SPLINTER_FOREVER, NULL) != -EINTR;
        bad += splinter_store_wait_any(stops, epoch, SPLINTER_FOREVER, NULL) != -EINTR;
        handled = 0;
        bad += splinter_store_wait(goes_on, "k", m.epoch, 300, NULL) != -ETIMEDOUT;
        bad += splinter_store_wait_any(goes_on, epoch, 300, NULL) != -ETIMEDOUT;
        signals_every(0, NULL);
        bad += handled < 2;
        splinter_store_close(goes_on);
        splinter_store_close(stops);
    }
    place_end(&place, first);
    report(!bad, "%s: after a signal handler a wait returns EINTR, if it was asked for that",
           backing_names[backing]);
}

static void a_poll_and_signals(void)
{
    must(splinter_create(bus, 100, 100), "create");
    must(splinter_set("k", "v", 1), "set");
    signals_every(10000, counts);
    end_result = splinter_poll("k", SPLINTER_FOREVER);
    end_errno = errno;
    signals_every(0, NULL);
    splinter_close();
    splinter_store_unlink(bus, 0);
    report(end_result == -1 && end_errno == EINTR, "splinter_poll(): EINTR, as poll(2)");
}

/* ---- the end of all waits ---- */

struct waiter {
    pthread_t thread;
    splinter_store *store;
    int which, result;
    uint32_t waits;
};

static void *waits(void *arg)
{
    struct waiter *w = arg;

    __atomic_store_n(&w->waits, 1, __ATOMIC_SEQ_CST);
    w->result = w->which ? splinter_store_wait_any(w->store, UINT64_MAX - 1, SPLINTER_FOREVER, NULL)
                         : splinter_store_wait(w->store, "absent", 0, SPLINTER_FOREVER, NULL);
    return NULL;
}

static void all_waits_end(int backing)
{
    struct place place;
    splinter_store *first = place_make(&place, backing, 100, 100), *store[2];
    struct waiter waiters[40]; /* more than a handle knows the words of */
    int bad = 0;

    store[0] = again_with(&place, 0);
    store[1] = again_with(&place, SPLINTER_RDONLY);
    for (unsigned i = 0; i < 40; i++) {
        waiters[i] = (struct waiter){.store = store[i % 2], .which = i / 2 % 2};
        pthread_create(&waiters[i].thread, NULL, waits, &waiters[i]);
    }
    for (unsigned i = 0; i < 40; i++)
        while (!__atomic_load_n(&waiters[i].waits, __ATOMIC_SEQ_CST))
            sleep_ms(1);
    sleep_ms(20);
    bad += splinter_store_interrupt(store[0]) || splinter_store_interrupt(store[1]);
    for (unsigned i = 0; i < 40; i++) {
        pthread_join(waiters[i].thread, NULL);
        bad += waiters[i].result != -EINTR;
    }
    /* Those that begin later also end; other handles and other calls do not care. */
    for (unsigned i = 0; i < 2; i++) {
        bad += splinter_store_wait(store[i], "absent", 0, SPLINTER_FOREVER, NULL) != -EINTR;
        bad += splinter_store_wait_any(store[i], 1000, SPLINTER_FOREVER, NULL) != -EINTR;
    }
    bad += splinter_store_wait(first, "absent", 0, 10, NULL) != -ETIMEDOUT;
    bad += splinter_store_set(store[0], "k", "v", 1, NULL, NULL);
    for (unsigned i = 0; i < 2; i++) {
        bad += splinter_store_resume(store[i]);
        bad += splinter_store_wait(store[i], "absent", 0, 10, NULL) != -ETIMEDOUT;
        bad += splinter_store_wait(store[i], "k", 0, SPLINTER_FOREVER, NULL);
        splinter_store_close(store[i]);
    }
    bad += splinter_store_interrupt(NULL) != -EINVAL || splinter_store_resume(NULL) != -EINVAL;
    place_end(&place, first);
    report(!bad, "%s: splinter_store_interrupt() ends all waits of a handle, and no other",
           backing_names[backing]);
}

/* ---- what a signal handler may call ---- */

static splinter_store *in_handler, *to_read;
static uint32_t handler_failed;

static void calls_all_it_may(int number)
{
    int before = errno;
    char buf[100];
    size_t size;
    struct splinter_meta m = {.struct_size = sizeof(m)};

    (void)number;
    if (splinter_store_interrupt(in_handler) || errno != before ||
        splinter_store_fd(in_handler) < 0 || splinter_key_max() != SPLINTER_KEY_MAX ||
        !*splinter_version() || !splinter_last_error() ||
        splinter_store_get(to_read, "k", buf, sizeof(buf), &size, &m) || size != 50)
        __atomic_store_n(&handler_failed, 1, __ATOMIC_SEQ_CST);
    errno = before;
    __atomic_fetch_add(&handled, 1, __ATOMIC_SEQ_CST);
}

/* The handler comes in the middle of anything. */
static void a_handler_calls(int backing)
{
    struct place place;
    splinter_store *s = place_make(&place, backing, 100, 100);
    char value[50] = "value";
    uint32_t ended = 0;
    int bad = 0;

    must(splinter_store_set(s, "k", value, sizeof(value), NULL, NULL), "set");
    in_handler = s;
    to_read = again_with(&place, SPLINTER_RDONLY);
    handled = handler_failed = 0;
    signals_every(500, calls_all_it_may);
    while (__atomic_load_n(&handled, __ATOMIC_SEQ_CST) < repeated(300) && !bad) {
        uint64_t epoch;
        int rc;

        bad += splinter_store_set(s, "k", value, sizeof(value), NULL, &epoch) != 0;
        bad += splinter_store_set(s, "other", value, 7, NULL, NULL) != 0;
        bad += splinter_store_unset(s, "other", 0, NULL) != 0;
        bad += splinter_store_append(s, "grows", "a", 1, NULL) != 0;
        bad += splinter_store_unset(s, "grows", 0, NULL) != 0;
        rc = splinter_store_wait(s, "k", epoch, SPLINTER_FOREVER, NULL);
        bad += rc != -EINTR;
        ended += rc == -EINTR;
        bad += splinter_store_resume(s) != 0;
    }
    signals_every(0, NULL);
    bad += check_store(s);
    splinter_store_close(to_read);
    place_end(&place, s);
    report(!bad && ended && !handler_failed,
           "%s: a signal handler makes the calls that it may, in the middle of anything",
           backing_names[backing]);
}

int main(void)
{
    support_start_in_memory();
    start_watchdog(120);
    bus_name(bus, sizeof(bus));
    no_key_is_left();
    verbs_in_a_destructor();
    threads_end_while_the_store_is_replaced();
    a_poll_and_signals();
    for (int backing = 0; backing < BACKINGS; backing++) {
        waits_and_signals(backing);
        all_waits_end(backing);
        a_handler_calls(backing);
    }
    return tap_end();
}
