/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_listed.c - each error that a call can return is made to happen, and said aloud
 *
 * A line "# error CALL ERRNO" for each; tests/man/test_errors.sh compares them with the lists of
 * the man pages and with the comments of splinter.h.  The calls are those of an application.  What
 * they meet is real where it can be, such as locks, modes and closed descriptors; disks and kernels
 * that fail are those of fail.c, and races that are lost are lost at steps (lib/fault.h).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "fault.h"
#include "listed.h"

#define LARGE 20000 /* a value that a reader copies with care */

/* ---- arguments, and what the store has ---- */

static void waits_for_many(splinter_store *s, const char *too_long, uint64_t epoch)
{
    const char *one[] = {"k"}, *gone[] = {"k", "none"}, *twins[] = {"none", "k", "k"};
    const char *longer[] = {"k", too_long}, *many[SPLINTER_WAIT_KEYS_MAX + 1] = {"k"};
    uint64_t epochs[SPLINTER_WAIT_KEYS_MAX + 1] = {epoch, 1};

    GIVES(ETIMEDOUT, splinter_store_wait_many(s, one, epochs, 1, 0, NULL, NULL));
    GIVES(ENOENT, splinter_store_wait_many(s, gone, epochs, 2, 0, NULL, NULL));
    GIVES(EINVAL, splinter_store_wait_many(s, twins, epochs, 3, 0, NULL, NULL));
    GIVES(ENAMETOOLONG, splinter_store_wait_many(s, longer, epochs, 2, 0, NULL, NULL));
    GIVES(E2BIG, splinter_store_wait_many(s, many, epochs, SPLINTER_WAIT_KEYS_MAX + 1, 0, NULL,
                                          NULL));
}

static void arguments(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o)};
    struct splinter_stat st = {.struct_size = sizeof(st)};
    splinter_store *s = make(2, MAX_VALUE), *r;
    char key[SPLINTER_KEY_MAX + 1], got[8];
    const char *keys[] = {"k"};
    uint64_t epoch = 0, cursor = 0;
    int64_t sum;

    memset(key, 'k', SPLINTER_KEY_MAX);
    key[SPLINTER_KEY_MAX] = 0;
    set(s, "k", 100);
    r = again(SPLINTER_RDONLY);

    GIVES(EINVAL, splinter_store_fd(NULL));
    GIVES(ENOENT, splinter_store_get(s, "none", NULL, 0, NULL, NULL));
    GIVES(EMSGSIZE, splinter_store_get(s, "k", got, sizeof(got), NULL, NULL));
    GIVES(EINVAL, splinter_store_get(s, "", NULL, 0, NULL, NULL));
    GIVES(ENAMETOOLONG, splinter_store_get(s, key, NULL, 0, NULL, NULL));

    GIVES(EINVAL, splinter_store_set(s, "", "v", 1, NULL, NULL));
    GIVES(ENAMETOOLONG, splinter_store_set(s, key, "v", 1, NULL, NULL));
    GIVES(EMSGSIZE, splinter_store_set(s, "k", value, MAX_VALUE + 1, NULL, NULL));
    GIVES(EROFS, splinter_store_set(r, "k", "v", 1, NULL, NULL));
    o.flags = SPLINTER_IF_ABSENT;
    GIVES(EEXIST, splinter_store_set(s, "k", "v", 1, &o, NULL));
    o.flags = SPLINTER_IF_EPOCH;
    GIVES(ENOENT, splinter_store_set(s, "none", "v", 1, &o, NULL));
    GIVES(ESTALE, splinter_store_set(s, "k", "v", 1, &o, NULL));
    o.struct_size = 5000;
    GIVES(E2BIG, splinter_store_set(s, "k", "v", 1, &o, NULL));

    GIVES(ENOENT, splinter_store_unset(s, "none", 0, NULL));
    GIVES(ESTALE, splinter_store_unset(s, "k", UINT64_MAX, NULL));
    GIVES(EINVAL, splinter_store_unset(s, "", 0, NULL));
    GIVES(ENAMETOOLONG, splinter_store_unset(s, key, 0, NULL));
    GIVES(EROFS, splinter_store_unset(r, "k", 0, NULL));

    GIVES(EINVAL, splinter_store_append(s, "", "v", 1, NULL));
    GIVES(ENAMETOOLONG, splinter_store_append(s, key, "v", 1, NULL));
    GIVES(EMSGSIZE, splinter_store_append(s, "k", value, MAX_VALUE - 50, NULL));
    GIVES(EROFS, splinter_store_append(r, "k", "v", 1, NULL));

    GIVES(EINVAL, splinter_store_touch(s, "", NULL));
    GIVES(ENOENT, splinter_store_touch(s, "none", NULL));
    GIVES(ENAMETOOLONG, splinter_store_touch(s, key, NULL));
    GIVES(EROFS, splinter_store_touch(r, "k", NULL));

    must(splinter_store_add(s, "n", INT64_MAX, &sum), "add");
    GIVES(EINVAL, splinter_store_add(s, "k", 1, &sum));
    GIVES(ERANGE, splinter_store_add(s, "n", 1, &sum));
    GIVES(ENAMETOOLONG, splinter_store_add(s, key, 1, &sum));
    GIVES(EROFS, splinter_store_add(r, "n", 1, &sum));

    GIVES(ENOSPC, splinter_store_set(s, "third", "v", 1, NULL, NULL));
    GIVES(ENOSPC, splinter_store_append(s, "third", "v", 1, NULL));
    GIVES(ENOSPC, splinter_store_add(s, "third", 1, NULL));

    GIVES(EINVAL, splinter_store_walk(s, NULL, &cursor, NULL, NULL));
    GIVES(EINVAL, splinter_store_sweep(NULL));
    GIVES(EROFS, splinter_store_sweep(r));
    GIVES(EINVAL, splinter_store_stat(s, NULL));
    GIVES(EINVAL, splinter_store_check(NULL, NULL, NULL));
    GIVES(EINVAL, splinter_store_trim(NULL, NULL));
    GIVES(EROFS, splinter_store_trim(r, NULL));
    GIVES(EINVAL, splinter_store_sync(NULL));
    GIVES(EINVAL, splinter_store_hold(NULL));
    GIVES(EINVAL, splinter_store_release(NULL));
    if (FILES) {
        GIVES(EINVAL, splinter_store_release(s));
        GIVES(EROFS, splinter_store_sync(r));
        GIVES(EROFS, splinter_store_hold(r));
        GIVES(EROFS, splinter_store_release(r));
    }

    GIVES(EINVAL, splinter_store_wait(s, "", 0, 0, NULL));
    GIVES(ENAMETOOLONG, splinter_store_wait(s, key, 0, 0, NULL));
    GIVES(ENOENT, splinter_store_wait(s, "none", 1, 0, NULL));
    must(splinter_store_wait(s, "k", 0, 0, &epoch), "wait");
    GIVES(ETIMEDOUT, splinter_store_wait(s, "k", epoch, 0, NULL));
    must(splinter_store_stat(s, &st), "stat");
    GIVES(EINVAL, splinter_store_wait_any(NULL, 0, 0, NULL));
    GIVES(ETIMEDOUT, splinter_store_wait_any(s, st.epoch, 0, NULL));
    waits_for_many(s, key, epoch);
    must(splinter_store_interrupt(s), "interrupt");
    GIVES(EINTR, splinter_store_wait_many(s, keys, &epoch, 1, SPLINTER_FOREVER, NULL, NULL));
    GIVES(EINTR, splinter_store_wait(s, "k", epoch, SPLINTER_FOREVER, NULL));
    GIVES(EINTR, splinter_store_wait_any(s, st.epoch, SPLINTER_FOREVER, NULL));
    must(splinter_store_resume(s), "resume");
    GIVES(EINVAL, splinter_store_interrupt(NULL));
    GIVES(EINVAL, splinter_store_resume(NULL));
    splinter_store_close(r);
    splinter_store_close(s);
    unlink(path);

    s = make(SLOTS, 7);
    GIVES(EMSGSIZE, splinter_store_add(s, "n", 1, NULL));
    splinter_store_close(s);
    unlink(path);
    done("arguments of the calls that take a handle");
}

static void handler(int number)
{
    (void)number;
}

static void verbs(void)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval each = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_RDONLY};
    char key[SPLINTER_KEY_MAX + 1], got[8], *keys[2];
    size_t n;

    SAYS(EBADF, splinter_set("k", "v", 1));
    SAYS(EBADF, splinter_unset("k"));
    SAYS(EBADF, splinter_get("k", NULL, 0, NULL));
    SAYS(EBADF, splinter_list(keys, 2, &n));
    SAYS(EBADF, splinter_poll("k", 0));
    SAYS(EBADF, splinter_sync());

    memset(key, 'k', SPLINTER_KEY_MAX);
    key[SPLINTER_KEY_MAX] = 0;
    splinter_store_close(make(2, 8000));
    must(splinter_open(name), "open");
    must(splinter_set("k", value, 100), "set");
    SAYS(EINVAL, splinter_set("", "v", 1));
    SAYS(ENAMETOOLONG, splinter_set(key, "v", 1));
    SAYS(EMSGSIZE, splinter_set("k", value, 8001));
    must(splinter_set("l", "v", 1), "set");
    SAYS(ENOSPC, splinter_set("m", "v", 1));
    SAYS(ENOENT, splinter_unset("none"));
    SAYS(EINVAL, splinter_unset(""));
    SAYS(ENAMETOOLONG, splinter_unset(key));
    SAYS(ENOENT, splinter_get("none", NULL, 0, NULL));
    SAYS(EMSGSIZE, splinter_get("k", got, sizeof(got), NULL));
    SAYS(EINVAL, splinter_get("", NULL, 0, NULL));
    SAYS(ENAMETOOLONG, splinter_get(key, NULL, 0, NULL));
    SAYS(EINVAL, splinter_list(keys, 2, NULL));
    fails(FAIL_allocation, 1, ENOMEM);
    SAYS(ENOMEM, splinter_list(keys, 2, &n));
    SAYS(ETIMEDOUT, splinter_poll("k", 0));
    SAYS(ENOENT, splinter_poll("none", 0));
    SAYS(EINVAL, splinter_poll("", 0));
    SAYS(ENAMETOOLONG, splinter_poll(key, 0));
    if (sigaction(SIGALRM, &act, NULL) || setitimer(ITIMER_REAL, &each, NULL))
        die("setitimer: %s", strerror(errno));
    SAYS(EINTR, splinter_poll("k", SPLINTER_FOREVER));
    setitimer(ITIMER_REAL, &never, NULL);
    must(splinter_open_with(name, &o), "open");
    SAYS(EROFS, splinter_set("k", "v", 1));
    SAYS(EROFS, splinter_unset("k"));
    if (FILES)
        SAYS(EROFS, splinter_sync());
    splinter_close();
    unlink(path);
    done("arguments of the bus verbs");
}

/* ---- feeds ---- */

static void feeds(void)
{
    struct splinter_feed_options o = {.struct_size = sizeof(o)};
    struct splinter_event e = {.struct_size = sizeof(e)};
    splinter_store *s = make(SLOTS, MAX_VALUE);
    char prefix[SPLINTER_KEY_MAX + 1];
    splinter_feed *feed = NULL;

    GIVES(EOPNOTSUPP, splinter_feed_open(&feed, s, NULL));
    splinter_store_close(s);
    unlink(path);
    place_feed = 64;
    s = make(SLOTS, MAX_VALUE);
    place_feed = 0;
    GIVES(EINVAL, splinter_feed_open(NULL, s, NULL));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_feed_open(&feed, s, NULL));
    o.flags = SPLINTER_FEED_FROM;
    GIVES(ESTALE, splinter_feed_open(&feed, s, &o));
    must(splinter_feed_open(&feed, s, NULL), "feed");
    must(splinter_feed_position(feed, &o.from), "position");
    o.from.number++;
    splinter_feed_close(feed);
    GIVES(ERANGE, splinter_feed_open(&feed, s, &o));
    memset(prefix, 'p', SPLINTER_KEY_MAX);
    prefix[SPLINTER_KEY_MAX] = 0;
    o.flags = 0;
    o.prefix = prefix;
    GIVES(ENAMETOOLONG, splinter_feed_open(&feed, s, &o));
    o.struct_size = 5000;
    GIVES(E2BIG, splinter_feed_open(&feed, s, &o));

    must(splinter_feed_open(&feed, s, NULL), "feed");
    GIVES(EINVAL, splinter_feed_position(feed, NULL));
    GIVES(EINVAL, splinter_feed_next(feed, NULL, NULL, 0, 0));
    GIVES(ETIMEDOUT, splinter_feed_next(feed, &e, NULL, 0, 0));
    must(splinter_store_interrupt(s), "interrupt");
    GIVES(EINTR, splinter_feed_next(feed, &e, NULL, 0, SPLINTER_FOREVER));
    must(splinter_store_resume(s), "resume");
    set(s, "k", 1);
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_feed_next(feed, &e, NULL, 0, 0));
    must(splinter_feed_next(feed, &e, NULL, 0, 0), "next");
    splinter_feed_close(feed);
    splinter_store_close(s);
    unlink(path);
    done("feeds");
}

/* ---- a bus verb that is the first of its thread ---- */

#define BYSTANDERS 160 /* more threads than need no memory for it */
static pthread_barrier_t ready, over;

static void *stands_by(void *unused)
{
    splinter_get("k", NULL, 0, NULL);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&over);
    return unused;
}

static void *has_no_memory(void *unused)
{
    for (int i = 0; i < 5; i++) {
        fails(FAIL_allocation, 1, ENOMEM);
        switch (i) {
        case 0: SAYS(ENOMEM, splinter_set("k", "v", 1)); break;
        case 1: SAYS(ENOMEM, splinter_unset("k")); break;
        case 2: SAYS(ENOMEM, splinter_get("k", NULL, 0, NULL)); break;
        case 3: SAYS(ENOMEM, splinter_poll("k", 0)); break;
        default: SAYS(ENOMEM, splinter_sync()); break;
        }
    }
    return unused;
}

static void first_verbs(void)
{
    static pthread_t threads[BYSTANDERS + 1];

    pthread_barrier_init(&ready, NULL, BYSTANDERS + 1);
    pthread_barrier_init(&over, NULL, BYSTANDERS + 1);
    for (int i = 0; i < BYSTANDERS; i++)
        if (pthread_create(&threads[i], NULL, stands_by, NULL))
            die("pthread_create: %s", strerror(errno));
    pthread_barrier_wait(&ready);
    if (pthread_create(&threads[BYSTANDERS], NULL, has_no_memory, NULL))
        die("pthread_create: %s", strerror(errno));
    pthread_join(threads[BYSTANDERS], NULL);
    pthread_barrier_wait(&over);
    for (int i = 0; i < BYSTANDERS; i++)
        pthread_join(threads[i], NULL);
    done("the first verb of a thread has no memory");
}

/* ---- the first change of a handle, and what the system refuses it ---- */

static int a_set(splinter_store *s)
{
    return splinter_store_set(s, "k", value, 50, NULL, NULL);
}

static int an_unset(splinter_store *s)
{
    return splinter_store_unset(s, "k", 0, NULL);
}

static int an_append(splinter_store *s)
{
    return splinter_store_append(s, "k", "v", 1, NULL);
}

static int a_touch(splinter_store *s)
{
    return splinter_store_touch(s, "k", NULL);
}

static int an_add(splinter_store *s)
{
    return splinter_store_add(s, "n", 1, NULL);
}

static int a_trim(splinter_store *s)
{
    return splinter_store_trim(s, NULL);
}

static int a_verb_set(splinter_store *s)
{
    (void)s;
    return VERB(splinter_set("k", value, 50));
}

static int a_verb_unset(splinter_store *s)
{
    (void)s;
    return VERB(splinter_unset("k"));
}

static int a_verb_sync(splinter_store *s)
{
    (void)s;
    return VERB(splinter_sync());
}

#define VERBS 1u   /* on the store of the process */
#define SYNCS 2u   /* does nothing to a store in memory */
#define CHANGES 4u /* a key, after which a sync may be due */
#define TOPICS 8u  /* with races of their own (listed_topic.c, listed_queue.c) */
#define LEASE 16u  /* acquires, renews or releases one, */
#define HELD 32u   /* which has to be held */

static const struct change {
    const char *name;
    int (*make)(splinter_store *s);
    unsigned kind;
} changes[] = {
    {"splinter_store_set", a_set, CHANGES},
    {"splinter_store_unset", an_unset, CHANGES},
    {"splinter_store_append", an_append, CHANGES},
    {"splinter_store_touch", a_touch, CHANGES},
    {"splinter_store_add", an_add, CHANGES},
    {"splinter_lease_acquire", a_lease_acquired, CHANGES | LEASE},
    {"splinter_lease_renew", a_lease_renewed, CHANGES | LEASE | HELD},
    {"splinter_lease_release", a_lease_released, CHANGES | LEASE | HELD},
    {"splinter_store_trim", a_trim, 0},
    {"splinter_store_sync", splinter_store_sync, SYNCS},
    {"splinter_store_hold", splinter_store_hold, SYNCS},
    {"splinter_store_release", splinter_store_release, SYNCS},
    {"splinter_topic_open", a_topic_made, CHANGES | TOPICS},
    {"splinter_topic_remove", a_topic_removed, CHANGES | TOPICS},
    {"splinter_topic_publish", a_message, CHANGES | TOPICS},
    {"splinter_topic_read", a_lost_one_read, TOPICS},
    {"splinter_topic_wait", a_lost_one_waited_for, TOPICS},
    {"splinter_topic_stat", a_lost_one_in_stat, TOPICS},
    {"splinter_queue_open", a_queue_made, CHANGES | TOPICS},
    {"splinter_queue_remove", a_queue_removed, CHANGES | TOPICS},
    {"splinter_queue_push", an_item_pushed, CHANGES | TOPICS},
    {"splinter_queue_take", an_item_taken, CHANGES | TOPICS},
    {"splinter_queue_ack", an_item_acknowledged, CHANGES | TOPICS},
    {"splinter_queue_nack", an_item_given_back, CHANGES | TOPICS},
    {"splinter_set", a_verb_set, VERBS | CHANGES},
    {"splinter_unset", a_verb_unset, VERBS | CHANGES},
    {"splinter_sync", a_verb_sync, VERBS | SYNCS},
};

/* A store that was closed in order, so that the next handle is not attached, and has the keys. */
static void in_order(void)
{
    splinter_store *s = again(0);

    set(s, "k", 50);
    set(s, "l", 50);
    must(splinter_store_add(s, "n", 1, NULL), "add");
    topics_before(s);
    queues_before(s);
    splinter_store_close(s);
}

/* A renewal and a release need a lease, which this handle holds.  True: it has a place for that. */
static bool lease_for(const struct change *c, splinter_store *s)
{
    if (c->kind & HELD)
        lease_before(s);
    return c->kind & HELD;
}

/* The change, by a handle that is new. */
enum before { NOTHING, PLACES_LOCKED, CLOSED };
static void first_change(const struct change *c, enum before before, int error)
{
    splinter_store *s = NULL, *holder;
    int fd = -1;
    bool first;

    in_order();
    holder = again(0);
    first = lease_for(c, holder); /* the first place is the holder's */
    if (c->kind & VERBS)
        must(splinter_open(name), "open");
    else
        s = again(0);
    if (before == PLACES_LOCKED)
        fd = first ? lock(LOCK_BASE + 1, PLACES - 1, F_RDLCK) : lock_places();
    if (before == CLOSED)
        close(splinter_store_fd(s));
    returned(__LINE__, c->name, c->make(s), -error);
    splinter_store_close(s);
    splinter_close();
    close(fd);
    splinter_store_close(holder);
}

/* The same in a child that cannot open the store again, neither when it begins nor later. */
static void childs_change(const struct change *c, int fails_with, int error)
{
    splinter_store *s = NULL, *holder;
    pid_t pid;

    in_order();
    holder = again(0);
    lease_for(c, holder);
    if (c->kind & VERBS)
        must(splinter_open(name), "open");
    else
        s = again(0);
    fails(FAIL_open, 1, fails_with);
    pid = fork_child();
    if (!pid) {
        faults = 0;
        returned(__LINE__, c->name, c->make(s), -error);
        fflush(stdout);
        _exit(faults != 0);
    }
    fail_reset();
    faults += reap(pid) != 0;
    splinter_store_close(s);
    splinter_close();
    splinter_store_close(holder);
}

static void first_changes(void)
{
    splinter_store_close(make(SLOTS, MAX_VALUE));
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const struct change *c = &changes[i];

        if (!FILES && c->kind & SYNCS)
            continue;
        first_change(c, PLACES_LOCKED, EUSERS);
        if (!(c->kind & VERBS))
            first_change(c, CLOSED, EBADF);
        childs_change(c, ENOENT, ENOLCK);
        childs_change(c, ENFILE, ENFILE);
    }
    unlink(path);
    done("the first change of a handle");
}

/* ---- races that are lost, and changes that are under way ---- */

static const char *at_step;    /* or the end of its name */
static uint64_t *head;         /* of the slot of a key: it changes at that step, each time */
static int (*meanwhile)(void); /* or this is done there, once */
static void (*alone)(void);    /* or this, without a step of its own */

static void hook(const char *step)
{
    int (*act)(void) = meanwhile;
    const char *end = at_step ? strstr(step, at_step) : NULL;

    if (!end || strcmp(end, at_step))
        return;
    if (alone) {
        void (*then)(void) = alone;

        at_step = NULL;
        alone = NULL;
        then();
        return;
    }
    if (head)
        *head ^= UINT64_C(1) << 32;
    meanwhile = NULL;
    if (act)
        act();
}

void flip_at(const char *step, uint64_t *current)
{
    at_step = step;
    head = current;
}

void act_at(const char *step, void (*act)(void))
{
    at_step = step;
    head = NULL;
    alone = act;
}

static splinter_store *other;

static int checks(void)
{
    at_step = NULL;
    GIVES(EAGAIN, splinter_store_check(other, NULL, NULL));
    return 0;
}

static int syncs(void)
{
    at_step = NULL;
    GIVES(EAGAIN, splinter_store_sync(other));
    GIVES(EAGAIN, splinter_store_trim(other, NULL));
    SAYS(EAGAIN, splinter_sync());
    return 0;
}

static int snapshot(splinter_store *s)
{
    char copy[600];

    snprintf(copy, sizeof(copy), "%s/copy", support_dir());
    return splinter_store_snapshot(s, copy, 0600);
}

static int snapshot_fd(splinter_store *s)
{
    char copy[600];
    int fd, rc;

    snprintf(copy, sizeof(copy), "%s/copy_fd", support_dir());
    fd = open(copy, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        die("%s: %s", copy, strerror(errno));
    rc = splinter_store_snapshot_fd(s, fd);
    close(fd);
    unlink(copy);
    return rc;
}

static void races(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE);
    struct image image;
    uint64_t was;

    set(s, "k", LARGE);
    image_map(&image, path);
    head = image_head_of(&image, image_record(&image, "k", 0));
    was = *head;
    must(splinter_open(name), "open");
    at_step = "reading: not yet said";
    GIVES(EAGAIN, splinter_store_get(s, "k", value, sizeof(value), NULL, NULL));
    SAYS(EAGAIN, splinter_get("k", value, sizeof(value), NULL));
    returned(__LINE__, "splinter_store_snapshot", snapshot(s), -EAGAIN);
    returned(__LINE__, "splinter_store_snapshot_fd", snapshot_fd(s), -EAGAIN);
    *head = was;
    at_step = NULL;
    set(s, "n", 8);
    must(splinter_store_unset(s, "n", 0, NULL), "unset");
    must(splinter_store_add(s, "n", 1, NULL), "add");
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        const struct change *c = &changes[i];
        bool unsets = c->make == an_unset || c->make == a_verb_unset || c->make == a_lease_released;
        const char *key = c->make == an_add ? "n" : c->kind & LEASE ? "lease" : "k";

        if (!(c->kind & CHANGES) || c->kind & TOPICS)
            continue;
        if (c->kind & LEASE && !lease_for(c, s))
            lease_of_the_dead(); /* an acquire is an update then */
        image_free(&image); /* the file may have grown */
        image_map(&image, path);
        head = image_head_of(&image, image_record(&image, key, 0));
        was = *head;
        at_step = unsets ? "unset: epoch taken" : "update: epoch taken";
        returned(__LINE__, c->name, c->make(s), -EAGAIN);
        at_step = NULL;
        *head = was;
        if (c->kind & LEASE)
            splinter_store_unset(s, key, 0, NULL);
    }
    head = NULL;
    image_free(&image);

    other = again(0);
    at_step = "insert: claimed";
    meanwhile = checks;
    set(s, "new", 100);
    at_step = "insert: epoch taken"; /* it is counted, and in no slot yet */
    meanwhile = checks;
    set(s, "newer", 100);
    if (FILES) {
        at_step = "update: epoch taken";
        meanwhile = syncs;
        set(s, "k", LARGE);
    }
    splinter_store_close(other);
    splinter_close();
    splinter_store_close(s);
    unlink(path);
    done("races, and changes that are under way");
}

/* ---- a store that is damaged ---- */

static void damage(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE);
    struct image image;
    struct raw_record *record;
    uint32_t length, slabs;

    image_map(&image, path);
    slabs = image_u32(&image, AT_SLABS_USED);
    image_set_u32(&image, AT_SLABS_USED, UINT32_MAX);
    must(splinter_open(name), "open");
    GIVES(EBADMSG, splinter_store_set(s, "k", "v", 1, NULL, NULL));
    GIVES(EBADMSG, splinter_lease_acquire(s, "l", "v", 1, NULL, 0, &lease));
    SAYS(EBADMSG, splinter_set("k", "v", 1));
    image_set_u32(&image, AT_SLABS_USED, slabs);
    image_free(&image);
    set(s, "k", 100);
    image_map(&image, path);
    record = image_record(&image, "k", 0);
    length = record->value_len;
    record->value_len = UINT32_MAX;
    GIVES(EBADMSG, splinter_store_get(s, "k", NULL, 0, NULL, NULL));
    GIVES(EBADMSG, splinter_store_append(s, "k", "v", 1, NULL));
    GIVES(EBADMSG, splinter_store_touch(s, "k", NULL));
    GIVES(EBADMSG, splinter_store_add(s, "k", 1, NULL));
    returned(__LINE__, "splinter_store_snapshot", snapshot(s), -EBADMSG);
    returned(__LINE__, "splinter_store_snapshot_fd", snapshot_fd(s), -EBADMSG);
    SAYS(EBADMSG, splinter_get("k", NULL, 0, NULL));
    SAYS(EBADMSG, splinter_poll("k", 0));
    record->value_len = length;
    image_free(&image);
    lease_before(s);
    image_map(&image, path);
    record = image_record(&image, "lease", 0);
    record->value_len = UINT32_MAX;
    GIVES(EBADMSG, splinter_lease_renew(s, "lease", 0, &lease));
    GIVES(EBADMSG, splinter_lease_release(s, "lease", lease));
    record->value_len = LEASE_SIZE;
    image_free(&image);
    splinter_close();
    splinter_store_close(s);
    unlink(path);
    done("a store that is damaged");
}

/* ---- memory and disks ---- */

/* A handle that has changed nothing reads large values by its descriptor. */
static void reads_by_descriptor(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    splinter_store *s = make(SLOTS, MAX_VALUE);

    set(s, "k", LARGE);
    splinter_store_close(s);
    s = again(0);
    must(splinter_open(name), "open");
    fails(FAIL_pread, 1, EIO);
    GIVES(EIO, splinter_store_get(s, "k", value, sizeof(value), NULL, NULL));
    fails(FAIL_pread, 1, EIO);
    GIVES(EIO, splinter_store_append(s, "k", "v", 1, NULL));
    fails(FAIL_pread, 1, EIO);
    GIVES(EIO, splinter_store_touch(s, "k", NULL));
    fails(FAIL_pread, 1, EIO);
    SAYS(EIO, splinter_get("k", value, sizeof(value), NULL));
    fails(FAIL_pread, 1, EIO);
    returned(__LINE__, "splinter_store_snapshot", snapshot(s), -EIO);
    fails(FAIL_fstat, 1, ENFILE);
    GIVES(ENFILE, splinter_store_stat(s, &st));
    close(splinter_store_fd(s));
    GIVES(EBADF, splinter_store_stat(s, &st));
    GIVES(EBADF, splinter_store_get(s, "k", value, sizeof(value), NULL, NULL));
    splinter_store_close(s);
    splinter_close();
    unlink(path);
    done("values that are read by the descriptor");
}

static int a_large_set(splinter_store *s)
{
    return splinter_store_set(s, "another", value, LARGE, NULL, NULL);
}

static void no_room(void)
{
    static const int errors[] = {ENOSPC, EIO};
    splinter_store *s = make(SLOTS, MAX_VALUE);

    set(s, "k", LARGE);
    must(splinter_open(name), "open");
    must(splinter_set("l", value, LARGE), "set");
    for (int i = 0; i < 2; i++) {
        int e = errors[i];

        fails(FAIL_fallocate, 1, e);
        returned(__LINE__, "splinter_store_set", a_large_set(s), -e);
        fails(FAIL_fallocate, 1, e);
        GIVES(e, splinter_store_append(s, "k", "v", 1, NULL));
        fails(FAIL_fallocate, 1, e);
        GIVES(e, splinter_store_touch(s, "k", NULL));
        fails(FAIL_fallocate, 1, e);
        SAYS(e, splinter_set("another", value, LARGE));
        fails(FAIL_fallocate, 1, e);
        GIVES(e, splinter_lease_acquire(s, "lease", value, LARGE, NULL, 0, &lease));
    }
    must(splinter_lease_acquire(s, "lease", value, LARGE, NULL, 0, &lease), "acquire");
    for (int i = 0; i < 2; i++) {
        fails(FAIL_fallocate, 1, errors[i]);
        GIVES(errors[i], splinter_lease_renew(s, "lease", 0, &lease));
    }
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_lease_renew(s, "lease", 0, &lease));
    must(splinter_lease_release(s, "lease", lease), "release");
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_store_append(s, "k", "v", 1, NULL));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_store_touch(s, "k", NULL));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_store_check(s, NULL, NULL));
    must(splinter_store_unset(s, "k", 0, NULL), "unset");
    fails(FAIL_fallocate, 1, EOPNOTSUPP);
    GIVES(EOPNOTSUPP, splinter_store_trim(s, NULL));
    splinter_close();
    splinter_store_close(s);
    unlink(path);

    s = make(SLOTS, MAX_VALUE);
    fails(FAIL_fallocate, 1, EIO);
    GIVES(EIO, splinter_store_add(s, "n", 1, NULL));
    splinter_store_close(s);
    unlink(path);
    done("memory that is not to be had");
}

/* Disks that cannot be written. */
static void disks(void)
{
    static const int errors[] = {ENOSPC, EIO};
    struct splinter_open_options o = {.struct_size = sizeof(o), .flags = SPLINTER_SYNC_EACH};
    splinter_store *s = make(SLOTS, MAX_VALUE), *each = again(SPLINTER_SYNC_EACH);

    must(splinter_open_with(name, &o), "open");
    for (int i = 0; i < 2; i++) {
        int e = errors[i];

        set(s, "k", 50);
        fails(FAIL_msync, 1, e);
        GIVES(e, splinter_store_sync(s));
        fails(FAIL_msync, 1, e);
        GIVES(e, splinter_store_trim(s, NULL));
        fails(FAIL_msync, 1, e);
        SAYS(e, splinter_sync());
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        if (!(changes[i].kind & CHANGES))
            continue;
        set(s, "k", 50);
        lease_for(&changes[i], s);
        topics_before(s);
        item_waits(s, changes[i].make == an_item_taken);
        fails(FAIL_msync, 1, EIO);
        int rc = changes[i].make(each);
        for (unsigned n = 2; rc == -EIO && n < 50; n++) { /* more than one sync */
            fail_reset();
            topics_before(s);
            item_waits(s, changes[i].make == an_item_taken);
            fails(FAIL_msync, n, EIO);
            rc = changes[i].make(each);
        }
        returned(__LINE__, changes[i].name, rc, -EINPROGRESS);
        splinter_store_unset(s, "lease", 0, NULL);
    }
    must(splinter_store_sync(s), "sync");
    splinter_close();
    splinter_store_close(each);
    splinter_store_close(s);
    unlink(path);
    done("disks that cannot be written");
}

/* ---- copies ---- */

static splinter_store *copied;
static int given; /* a descriptor to copy it to */
static char closed[600];

static void copies_without_permission(void)
{
    char file[700];

    snprintf(file, sizeof(file), "%s/copy", closed);
    GIVES(EACCES, splinter_store_snapshot(copied, file, 0));
    GIVES(EACCES, splinter_store_snapshot_fd(copied, given));
}

static void copies(void)
{
    static const struct {
        enum fail_kind kind;
        unsigned n, n_fd;
        int error, gives;
    } cases[] = {
        {FAIL_allocation, 1, 1, ENOMEM, ENOMEM}, {FAIL_open, 1, 1, EMFILE, EMFILE},
        {FAIL_open, 1, 1, ENFILE, ENFILE},       {FAIL_open, 2, 1, ENOENT, ENOLCK},
        {FAIL_pwrite, 1, 1, EIO, EIO},           {FAIL_fallocate, 1, 1, ENOSPC, ENOSPC},
        {FAIL_fallocate, 1, 1, EOPNOTSUPP, EOPNOTSUPP},
    };
    static char longest[PATH_MAX + 1];
    char file[700];

    memset(longest, 'n', sizeof(longest) - 1);
    copied = make(SLOTS, MAX_VALUE);
    set(copied, "k", 100);
    snprintf(closed, sizeof(closed), "%s/closed", support_dir());
    snprintf(file, sizeof(file), "%s/copied", support_dir());
    if (mkdir(closed, 0500))
        die("%s: %s", closed, strerror(errno));
    given = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (given < 0 || fchmod(given, 0))
        die("%s: %s", file, strerror(errno));
    as_nobody(copies_without_permission);
    GIVES(EEXIST, splinter_store_snapshot(copied, file, 0));
    GIVES(EINVAL, splinter_store_snapshot(copied, "x", 01000));
    GIVES(ENAMETOOLONG, splinter_store_snapshot(copied, longest, 0));
    snprintf(file, sizeof(file), "%s/none/copy", support_dir());
    GIVES(ENOENT, splinter_store_snapshot(copied, file, 0));
    close(given);
    GIVES(EBADF, splinter_store_snapshot_fd(copied, 12345));
    given = open(path, O_RDONLY | O_CLOEXEC);
    GIVES(EINVAL, splinter_store_snapshot_fd(copied, given));
    close(given);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        fails(cases[i].kind, cases[i].n, cases[i].error);
        returned(__LINE__, "splinter_store_snapshot", snapshot(copied), -cases[i].gives);
        fails(cases[i].kind, cases[i].n_fd, cases[i].error);
        returned(__LINE__, "splinter_store_snapshot_fd", snapshot_fd(copied), -cases[i].gives);
    }
    splinter_store_close(copied);
    unlink(path);
    rmdir(closed);
    done("copies");
}

int main(void)
{
    support_start_in_memory();
    fault_hook = hook;
    opening();
    arguments();
    feeds();
    verbs();
    first_verbs();
    first_changes();
    races();
    damage();
    reads_by_descriptor();
    no_room();
    if (FILES)
        disks();
    copies();
    topics();
    queues();
    leases();
    watches();
    return tap_end();
}
