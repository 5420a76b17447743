/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threads_end.c - threads that are cancelled or exit, handles that many share, and fork
 *
 * The library in here has its fault points, so that another process can be stopped, or die, just
 * where it hurts.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "support.h"
#include "tap.h"

#define KEYS 40
#define MAX_VALUE 4000

static int backing;
static struct place place;
static splinter_store *store;

static void begin(void)
{
    store = place_make(&place, backing, 200, MAX_VALUE);
}

static void end(void)
{
    place_end(&place, store);
}

/* More at once than there are lanes, so a lost one would show. */
static void *set_one(void *arg)
{
    char key[32];
    int rc = 0;

    snprintf(key, sizeof(key), "thread-%u", (unsigned)(uintptr_t)arg);
    for (int i = 0; i < 50 && !rc; i++) {
        rc = splinter_store_set(store, key, key, strlen(key), NULL, NULL);
        if (!rc && i % 2)
            rc = splinter_store_unset(store, key, 0, NULL);
    }
    return rc ? (void *)1 : NULL;
}

static bool usable(void)
{
    pthread_t threads[24];
    struct splinter_stat st = {.struct_size = sizeof(st)};
    void *failed;
    int bad = 0;

    for (unsigned i = 0; i < 24; i++)
        if (pthread_create(&threads[i], NULL, set_one, (void *)(uintptr_t)i))
            die("pthread_create");
    for (unsigned i = 0; i < 24; i++) {
        pthread_join(threads[i], &failed);
        bad += failed != NULL;
    }
    if (splinter_store_sync(store))
        bad++;
    if (splinter_store_stat(store, &st) || st.attached != 1) {
        printf("# %u are attached\n", st.attached);
        bad++;
    }
    return !bad && !check_store(store);
}

/* ---- cancelled, at any moment of any call ---- */

static void *any_call(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    static const char bytes[MAX_VALUE];
    char buf[MAX_VALUE], key[16];

    for (;;) {
        uint64_t r = random_next(&seed) >> 20, token;
        struct splinter_stat st = {.struct_size = sizeof(st)};
        splinter_store *s;

        pthread_testcancel();
        snprintf(key, sizeof(key), "key%u", (unsigned)(r >> 8) % KEYS);
        switch (r % 12) {
        case 0:
            /* The handle would be lost with a thread that is cancelled before it has closed it. */
            pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
            if (!place_open(&place, r & 4096 ? SPLINTER_RDONLY : 0, &s))
                splinter_store_close(s);
            pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
            break;
        case 1:
            splinter_store_stat(store, &st);
            break;
        case 2:
            if (r >> 16 & 1)
                splinter_store_check(store, NULL, NULL);
            else
                splinter_store_sync(store);
            break;
        case 3:
            splinter_store_unset(store, key, 0, NULL);
            break;
        case 4:
            splinter_store_wait(store, key, 0, 1, NULL);
            break;
        case 5:
            splinter_store_add(store, "count", 1, NULL);
            break;
        case 6:
            if (r >> 17 & 1 && !splinter_lease_acquire(store, "lease", NULL, 0, NULL, 1, &token))
                splinter_lease_release(store, "lease", token);
            if (r >> 16 & 1)
                splinter_store_append(store, key, "more", 4, NULL);
            else
                splinter_store_touch(store, key, NULL);
            break;
        case 7:
            splinter_store_get(store, key, buf, sizeof(buf), NULL, NULL);
            break;
        default:
            splinter_store_set(store, key, bytes, 1 + (r >> 20) % MAX_VALUE, NULL, NULL);
        }
    }
    return NULL;
}

static void cancelled_anywhere(void)
{
    unsigned times = repeated(300);
    uint64_t seed = support_seed;
    pthread_t threads[6];

    begin();
    for (unsigned i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, any_call, (void *)(uintptr_t)(random_next(&seed) | 1));
    for (unsigned i = 0; i < times; i++) {
        if (i % 4 == 0)
            sleep_ms(1);
        pthread_cancel(threads[i % 6]);
        pthread_join(threads[i % 6], NULL);
        pthread_create(&threads[i % 6], NULL, any_call,
                       (void *)(uintptr_t)(random_next(&seed) | 1));
    }
    for (unsigned i = 0; i < 6; i++) {
        pthread_cancel(threads[i]);
        pthread_join(threads[i], NULL);
    }
    report(usable(), "%s: %u threads were cancelled in any call, and took nothing along",
           backing_names[backing], times + 6);
    end();
}

/* ---- cancelled while it waits for somebody who is stopped ---- */

static const char *stop_at;

static void stops_there(const char *step)
{
    if (stop_at && !strcmp(step, stop_at)) {
        stop_at = NULL;
        raise(SIGSTOP);
    }
}

/* A process that stops at this step of setting `key`, or of a sync, or of opening. */
static pid_t start_stopper(const char *step, int (*act)(splinter_store *s))
{
    pid_t pid;
    int status;

    pid = fork_bound_child();
    if (!pid) {
        splinter_store *s;

        fault_hook = stops_there;
        stop_at = step;
        if (place_open(&place, 0, &s))
            _exit(2);
        _exit(act(s) ? 1 : 0);
    }
    while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
        ;
    if (!WIFSTOPPED(status))
        die("the other process did not stop at '%s'", step);
    return pid;
}

static int set_hot(splinter_store *s)
{
    return splinter_store_set(s, "hot", "stopped", 7, NULL, NULL);
}

static int sync_now(splinter_store *s)
{
    int rc = splinter_store_set(s, "hot", "to be synced", 12, NULL, NULL);

    return rc ? rc : splinter_store_sync(s);
}

static int nothing(splinter_store *s)
{
    (void)s;
    return 0;
}

static uint32_t begun;

static void *wants_hot(void *arg)
{
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    splinter_store_set(store, "hot", "waited", 6, NULL, NULL);
    pthread_testcancel();
    return arg;
}

static void *wants_sync(void *arg)
{
    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    splinter_store_sync(store);
    pthread_testcancel();
    return arg;
}

static void *wants_open(void *arg)
{
    splinter_store *s = NULL;

    __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
    if (!place_open(&place, 0, &s))
        splinter_store_close(s);
    pthread_testcancel();
    return arg;
}

static void cancelled_while_waiting(const char *what, const char *step,
                                    int (*act)(splinter_store *s), void *(*want)(void *),
                                    unsigned n)
{
    pthread_t threads[32];
    pid_t pid;
    int rc;

    begin();
    pid = start_stopper(step, act);
    begun = 0;
    for (unsigned i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, want, NULL);
    while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) < n)
        sleep_ms(1);
    sleep_ms(10); /* now they wait, most of them at least */
    for (unsigned i = 0; i < n; i++)
        pthread_cancel(threads[i]);
    if (want != wants_hot) /* else they come back by themselves */
        kill(pid, SIGCONT);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    kill(pid, SIGCONT);
    rc = reap(pid);
    report(!rc && usable(), "%s: threads cancelled while they wait for %s take nothing along",
           backing_names[backing], what);
    end();
}

/* ---- opening while another opener is stopped ---- */

static int set_hot_twice(splinter_store *s)
{
    int rc = set_hot(s);

    return rc ? rc : set_hot(s);
}

/* A writer is stopped in the middle of the fast path: a sync may not write without its change. */
static void a_sync_waits_for_a_fast_set(void)
{
    pid_t pid;
    int rc;

    begin();
    if (set_hot(store))
        die("set");
    pid = start_stopper("fast: epoch taken", set_hot_twice);
    rc = splinter_store_sync(store);
    kill(pid, SIGCONT);
    report(rc == -EAGAIN && !reap(pid) && !splinter_store_sync(store) && usable(),
           "a sync waits for a set that is stopped in the fast path");
    end();
}

static pid_t cleaner;
static int cleaner_status;

static void lets_the_cleaner_go_on(const char *step)
{
    pid_t pid = cleaner;

    if (pid && !strcmp(step, "limbo: block marked")) {
        cleaner = 0;
        kill(pid, SIGCONT);
        cleaner_status = reap(pid);
    }
}

/* A sync looks through a slab for old records just while another one comes to lie there. */
static void a_sync_cleans_while_a_record_is_retired(void)
{
    int rc;

    begin();
    rc = set_hot(store);
    if (!rc)
        rc = splinter_store_set(store, "other", "synced", 6, NULL, NULL);
    if (!rc)
        rc = splinter_store_sync(store);
    cleaner = start_stopper("limbo: slab named", sync_now);
    fault_hook = lets_the_cleaner_go_on;
    if (!rc)
        rc = splinter_store_set(store, "other", "after", 5, NULL, NULL);
    fault_hook = NULL;
    report(!rc && !cleaner && !cleaner_status && usable(),
           /* [P4] */
           "a record that is retired while a sync cleans is found by the next one");
    end();
}

/* A process was killed while its sync freed an old record, and its cleaner is stopped while it
 * zeroes that block: another sync must not free the block, for a writer would get it. */
static void a_sync_leaves_a_block_to_its_cleaner(void)
{
    unsigned lost = 0;
    char key[16], got[16];
    pid_t pid;
    int rc;

    begin();
    rc = splinter_store_set(store, "other", "synced", 6, NULL, NULL);
    if (!rc)
        rc = splinter_store_sync(store);
    if (!rc)
        rc = splinter_store_set(store, "other", "after", 5, NULL, NULL);
    pid = start_stopper("limbo: named", sync_now);
    kill(pid, SIGKILL);
    reap(pid);
    pid = start_stopper("recover: spare's header zeroed", nothing);
    splinter_store_sync(store); /* it may say EAGAIN */
    for (unsigned i = 0; i < 12 && !rc; i++) {
        snprintf(key, sizeof(key), "key%u", i);
        rc = splinter_store_set(store, key, "whole", 5, NULL, NULL);
    }
    kill(pid, SIGCONT);
    rc |= reap(pid);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(key, sizeof(key), "key%u", i);
        memset(got, 0, sizeof(got));
        lost += splinter_store_get(store, key, got, sizeof(got), NULL, NULL) ||
                strcmp(got, "whole");
        splinter_store_unset(store, key, 0, NULL);
    }
    if (lost || rc)
        printf("# %u keys are lost, %d\n", lost, rc);
    report(!rc && !lost && !splinter_store_sync(store) && usable(),
           /* [P2] */
           "a sync leaves a block to the cleaner that zeroes it");
    end();
}

static void an_open_does_not_wait_for_ever(void)
{
    uint64_t patience = open_patience_ns;
    splinter_store *s = NULL;
    pid_t pid;
    int rc;

    begin();
    pid = start_stopper("attach: named", set_hot);
    open_patience_ns = 200000000;
    rc = place_open(&place, 0, &s);
    open_patience_ns = patience;
    report(rc == -EAGAIN && strstr(splinter_last_error(), "stopped"),
           "an open beside one that is stopped gives up, and says why");
    kill(pid, SIGCONT);
    report(!reap(pid) && !place_open(&place, 0, &s), "and succeeds when that one goes on");
    splinter_store_close(s);
    end();
}

/* ---- the bus verbs ---- */

static void *any_verb(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    char buf[100];

    for (;;) {
        pthread_testcancel();
        switch (random_next(&seed) >> 30 & 3) {
        case 0:
            splinter_get("hot", buf, sizeof(buf), NULL);
            break;
        case 1:
            splinter_poll("hot", 1);
            break;
        case 2:
            splinter_unset("hot");
            break;
        default:
            splinter_set("hot", "verb", 4);
        }
    }
    return NULL;
}

static void verbs(void)
{
    uint64_t seed = support_seed;
    pthread_t threads[4];
    char name[512];
    int rc;

    bus_name(name, sizeof(name));
    if (splinter_create(name, 10, 100))
        die("create %s: %s", name, splinter_last_error());
    for (unsigned i = 0; i < 200; i++) {
        if (i >= 4) {
            pthread_cancel(threads[i % 4]);
            pthread_join(threads[i % 4], NULL);
        }
        pthread_create(&threads[i % 4], NULL, any_verb,
                       (void *)(uintptr_t)(random_next(&seed) | 1));
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_cancel(threads[i]);
        pthread_join(threads[i], NULL);
    }
    rc = splinter_set("after", "all", 3);
    splinter_close(); /* waits for threads that are in a call: there is none */
    report(!rc, "bus: 200 threads were cancelled in the verbs, and close returns");
    splinter_store_unlink(name, 0);
}

/* ---- exits ---- */

static void *exits(void *arg)
{
    char key[32];

    snprintf(key, sizeof(key), "exit-%u", (unsigned)(uintptr_t)arg % 20);
    if (splinter_store_set(store, key, key, strlen(key), NULL, NULL))
        pthread_exit((void *)1);
    pthread_exit(NULL);
}

static void threads_exit(void)
{
    int bad = 0;

    begin();
    for (unsigned i = 0; i < 400; i += 4) {
        pthread_t threads[4];
        void *failed;

        for (unsigned k = 0; k < 4; k++)
            pthread_create(&threads[k], NULL, exits, (void *)(uintptr_t)(i + k));
        for (unsigned k = 0; k < 4; k++) {
            pthread_join(threads[k], &failed);
            bad += failed != NULL;
        }
    }
    report(!bad && usable(), "%s: 400 threads set something each, and exit",
           backing_names[backing]);
    end();
}

/* ---- a handle that 16 threads share ---- */

struct sharer {
    pthread_t thread;
    unsigned number, sets;
    int bad;
};

static void *shares(void *arg)
{
    struct sharer *w = arg;
    char key[32], val[64], buf[64];
    size_t len;

    for (unsigned i = 0; i < 3000; i++) {
        int rc;

        snprintf(key, sizeof(key), "share-%u-%u", w->number, i % 5);
        snprintf(val, sizeof(val), "%s is %u", key, i);
        rc = splinter_store_set(store, key, val, strlen(val), NULL, NULL);
        if (!rc)
            rc = splinter_store_get(store, key, buf, sizeof(buf), &len, NULL);
        if (rc || len != strlen(val) || memcmp(buf, val, len))
            w->bad++;
        if (splinter_store_add(store, "all", 1, NULL))
            w->bad++;
        if (i % 7 == 0 && splinter_store_unset(store, key, 0, NULL))
            w->bad++;
    }
    return NULL;
}

static void sixteen_threads(void)
{
    static struct sharer sharers[16];
    int64_t all = 0;
    int bad = 0;

    begin();
    memset(sharers, 0, sizeof(sharers));
    for (unsigned i = 0; i < 16; i++) {
        sharers[i].number = i;
        pthread_create(&sharers[i].thread, NULL, shares, &sharers[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        pthread_join(sharers[i].thread, NULL);
        bad += sharers[i].bad;
    }
    splinter_store_get(store, "all", &all, sizeof(all), NULL, NULL);
    report(!bad && all == 16 * 3000 && usable(), "%s: 16 threads share a handle",
           backing_names[backing]);
    end();
}

/* ---- fork ---- */

static uint32_t stop_writing;

static void *writes(void *arg)
{
    char key[32];
    int bad = 0;

    for (unsigned i = 0; !__atomic_load_n(&stop_writing, __ATOMIC_RELAXED); i++) {
        snprintf(key, sizeof(key), "writer-%u-%u", (unsigned)(uintptr_t)arg, i % 3);
        if (splinter_store_set(store, key, key, strlen(key), NULL, NULL) ||
            (i % 3 == 0 && splinter_store_unset(store, key, 0, NULL)))
            bad++;
    }
    return bad ? (void *)1 : NULL;
}

/* Child number i, which dies, or goes in order, now and then with a child of its own. */
__attribute__((noreturn)) static void be_child(unsigned i, const char *key)
{
    char buf[32];
    size_t len;
    int rc;

    alarm(60);
    rc = splinter_store_set(store, key, key, strlen(key), NULL, NULL);
    if (!rc)
        rc = splinter_store_get(store, "writer-0-1", buf, sizeof(buf), &len, NULL);
    if (rc == -ENOENT)
        rc = 0;
    if (!rc && i % 3 == 0 && !fork()) { /* it outlives its parent */
        prctl(PR_SET_PDEATHSIG, 0);
        splinter_store_set(store, "grandchild", key, strlen(key), NULL, NULL);
        splinter_store_close(store);
        _exit(0);
    }
    if (i % 3 == 1)
        kill(getpid(), SIGKILL);
    splinter_store_close(store);
    _exit(rc ? 1 : 0);
}

/* Until this process alone is attached, but not for ever. */
static void until_alone(void)
{
    for (int i = 0; i < 1000; i++) {
        struct splinter_stat st = {.struct_size = sizeof(st)};

        splinter_store_stat(store, &st);
        if (st.attached == 1)
            break;
        sleep_ms(10);
    }
}

/* The other threads of the parent may hold anything when it forks. */
static void forks_while_threads_write(void)
{
    pthread_t threads[4];
    int bad = 0;

    begin();
    stop_writing = 0;
    for (unsigned i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, writes, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < 60; i++) {
        char key[32], buf[32];
        size_t len;
        pid_t pid;
        int rc;

        snprintf(key, sizeof(key), "child-%u", i);
        pid = fork_child();
        if (!pid)
            be_child(i, key);
        rc = reap(pid);
        if (rc != (i % 3 == 1 ? 1000 + SIGKILL : 0) ||
            splinter_store_get(store, key, buf, sizeof(buf), &len, NULL) || len != strlen(key) ||
            memcmp(buf, key, len)) {
            printf("# child %u: %d\n", i, rc);
            bad++;
        }
    }
    __atomic_store_n(&stop_writing, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        bad += failed != NULL;
    }
    until_alone(); /* the last grandchild may still be about */
    report(!bad && usable(), "%s: 60 children, born while threads write, use the handle",
           backing_names[backing]);
    end();
}

static const char *die_at;

static void dies_there(const char *step)
{
    if (die_at && !strcmp(step, die_at))
        kill(getpid(), SIGKILL);
}

/* What three generations tell each other by. */
struct family {
    int ready[2], gone[2], result[2];
    bool child_was_attached;
};

/* Goes on with the handle of its parent, when that has died. */
__attribute__((noreturn)) static void be_heir(splinter_store *s, const struct family *f)
{
    char buf[8], c;
    int rc = 0;

    alarm(60);
    close(f->gone[1]);
    close(f->result[0]);
    if (f->child_was_attached)
        rc = splinter_store_set(s, "child", "c", 1, NULL, NULL);
    if (write(f->ready[1], "r", 1) != 1)
        _exit(1);
    while (read(f->gone[0], &c, 1) > 0) /* until the parent is gone */
        ;
    if (!rc)
        rc = splinter_store_set(s, "hot", "child", 5, NULL, NULL);
    if (!rc)
        rc = splinter_store_get(s, "hot", buf, sizeof(buf), NULL, NULL);
    if (!rc)
        rc = splinter_store_unset(s, "hot", 0, NULL);
    if (!rc)
        rc = check_store(s);
    splinter_store_close(s);
    if (write(f->result[1], rc ? "n" : "y", 1) != 1)
        _exit(1);
    _exit(0);
}

/* Has a child with the same handle, and dies at this step of a change. */
__attribute__((noreturn)) static void be_parent(const char *step, const struct family *f)
{
    splinter_store *s = place_again(&place, 0);
    char c;

    if (splinter_store_set(s, "before", "b", 1, NULL, NULL))
        _exit(1);
    if (!fork())
        be_heir(s, f);
    if (read(f->ready[0], &c, 1) != 1)
        _exit(1);
    fault_hook = dies_there;
    die_at = step;
    splinter_store_set(s, "hot", "parent", 6, NULL, NULL);
    _exit(1);
}

/* A parent dies in the middle of a change; its child goes on with the same handle. */
static void a_parent_dies(bool child_was_attached)
{
    static const char *const steps[] = {"write: value", "open: open", "lock: taken",
                                        "insert: claimed", "insert: visible", "announce: begun"};
    int bad = 0;

    for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct family f = {.child_was_attached = child_was_attached};
        pid_t parent;
        char c = 'x';

        begin();
        if (pipe(f.ready) || pipe(f.gone) || pipe(f.result))
            die("pipe");
        parent = fork_child();
        if (!parent)
            be_parent(steps[i], &f);
        close(f.gone[1]);
        close(f.result[1]);
        if (reap(parent) != 1000 + SIGKILL || read(f.result[0], &c, 1) != 1 || c != 'y') {
            printf("# the parent died at '%s', and its child cannot go on\n", steps[i]);
            bad++;
        }
        close(f.ready[0]);
        close(f.ready[1]);
        close(f.gone[0]);
        close(f.result[0]);
        if (!usable())
            bad++;
        end();
    }
    /* [P2] */
    report(!bad, "%s: a child that %s goes on where its parent died in a change",
           backing_names[backing], child_was_attached ? "has written" : "has not written yet");
}

/* ---- a fork while the handle is being opened or closed ---- */

static unsigned fork_at, steps_met;
static pid_t *late_child;

/* At this step of an open, a first set or a close the process gets a child that lives on, as if
 * another thread had forked; and dies. */
static void forks_there_and_dies(const char *step)
{
    pid_t child;

    (void)step;
    if (++steps_met != fork_at)
        return;
    fault_hook = NULL;
    child = fork();
    if (!child) {
        alarm(60);
        __atomic_store_n(late_child, getpid(), __ATOMIC_SEQ_CST);
        for (;;)
            pause();
    }
    while (!__atomic_load_n(late_child, __ATOMIC_SEQ_CST)) /* until it has heard of the fork */
        usleep(100);
    kill(getpid(), SIGKILL);
}

/* Whose parent died at that step; 0: there are fewer steps. */
static pid_t orphan_made_at(unsigned step)
{
    pid_t parent;

    *late_child = 0;
    parent = fork_child();
    if (!parent) {
        splinter_store *s;

        fork_at = step;
        fault_hook = forks_there_and_dies;
        if (place_open(&place, 0, &s) || splinter_store_set(s, "parent", "p", 1, NULL, NULL))
            _exit(1);
        splinter_store_close(s);
        _exit(0);
    }
    return reap(parent) == 1000 + SIGKILL ? *late_child : 0;
}

static void forked_while_it_opens_or_closes(void)
{
    unsigned n, bad = 0;
    uint64_t patience = open_patience_ns;
    pid_t orphan;

    begin();
    if (backing == BACKING_FILE) { /* else its last user never closes it, and opens find it open */
        splinter_store_close(store);
        store = NULL;
    }
    open_patience_ns = UINT64_C(3000000000); /* what is held by a child is held for ever */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    late_child = shared_memory(sizeof(*late_child));
    for (n = 1; (orphan = orphan_made_at(n)); n++) {
        struct splinter_stat st = {.struct_size = sizeof(st)};
        splinter_store *s = store;
        int rc = store ? 0 : place_open(&place, 0, &s);

        if (!rc)
            rc = splinter_store_set(s, "after", "a", 1, NULL, NULL);
        if (rc || splinter_store_stat(s, &st) || st.attached != 1) {
            printf("# step %u: open says %d, %u are attached\n", n, rc, st.attached);
            bad++;
        }
        if (!rc && !store)
            splinter_store_close(s);
        kill(orphan, SIGKILL);
        reap(orphan);
    }
    open_patience_ns = patience;
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (!store)
        store = place_again(&place, 0);
    report(!bad && n > 5 && usable(),
           /* [P2] */
           "%s: a child born at any of %u steps of opening and closing keeps nothing",
           backing_names[backing], n - 1);
    end();
}

int main(void)
{
    support_start_in_memory();
    alarm(300); /* what hangs is to fail */
    for (backing = 0; backing < BACKINGS; backing++) {
        /* AddressSanitizer believes that the stack of a cancelled thread has overflown. */
        if (SANITIZED) {
            report(true, "%s: threads end anywhere # SKIP a sanitizer does not understand it",
                   backing_names[backing]);
        } else {
            cancelled_anywhere();
            cancelled_while_waiting("a key", "lock: taken", set_hot, wants_hot, 20);
            if (backing == BACKING_FILE) {
                cancelled_while_waiting("a sync", "sync: begun", sync_now, wants_sync, 4);
                cancelled_while_waiting("one who opens", "attach: named", set_hot, wants_open, 4);
            }
            threads_exit();
        }
        if (backing == BACKING_FILE) {
            an_open_does_not_wait_for_ever();
            a_sync_waits_for_a_fast_set();
            a_sync_cleans_while_a_record_is_retired();
            a_sync_leaves_a_block_to_its_cleaner();
        }
        sixteen_threads();
        forks_while_threads_write();
        a_parent_dies(false);
        a_parent_dies(true);
        forked_while_it_opens_or_closes();
    }
    if (!SANITIZED)
        verbs();
    return tap_end();
}
