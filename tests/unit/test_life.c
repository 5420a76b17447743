/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_life.c - what programs do all day: threads that end, keys of threads that ran out
 *
 * Over the public interface alone.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

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
static void sets_at_the_end(void *arg)
{
    char buf[100];

    for (unsigned i = 0; i < 20; i++) {
        splinter_set("end", "some value", 10);
        splinter_get("end", buf, sizeof(buf), NULL);
    }
    (void)arg;
}

static uint32_t done;

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

    pthread_key_create(&at_end, sets_at_the_end);
    must(splinter_open_or_create(bus, 100, 100), "create");
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&spawners[i], NULL, spawns, NULL);
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < 4)
        must(splinter_open_or_create(bus, 100, 100), "open");
    for (unsigned i = 0; i < 4; i++)
        pthread_join(spawners[i], NULL);
    pthread_key_delete(at_end);
    splinter_close();
    splinter_store_unlink(bus, 0);
    report(true, "threads use the verbs in their destructors while the store is replaced");
}

int main(void)
{
    support_start_in_memory();
    alarm(120); /* what hangs is to fail */
    bus_name(bus, sizeof(bus));
    no_key_is_left();
    verbs_in_a_destructor();
    threads_end_while_the_store_is_replaced();
    return tap_end();
}
