/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_topics.c - what is left of a topic when it is not made, or not removed, to the end
 *
 * The library in here has its fault points.  A child makes or removes a topic, and dies at one of
 * them.  Or the disk fills at one of the calls that need it, or another process interferes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAIL_INSIDE
#include "fail.h"
#include "fault.h"
#include "support.h"
#include "tap.h"

#define SLOTS 16
#define CAPACITY 8
#define MAX_VALUE 4000

static int backing, faults;
static struct place place;
static splinter_store *store;

/* ---- the store ---- */

static void begin(void)
{
    faults = 0;
    store = place_make(&place, backing, SLOTS, MAX_VALUE);
}

static void end(const char *what)
{
    if (store && check_store(store))
        faults++;
    report(!faults, "%s: %s", backing_names[backing], what);
    place_end(&place, store);
    store = NULL;
}

static void expect(bool that, const char *what)
{
    if (that)
        return;
    faults++;
    printf("# not so: %s (%s)\n", what, splinter_last_error());
}

static unsigned keys(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    must(splinter_store_stat(store, &st), "stat");
    return (unsigned)st.keys;
}

static int set(splinter_store *s, unsigned n)
{
    char key[16];

    snprintf(key, sizeof(key), "key %u", n);
    return splinter_store_set(s, key, "v", 1, NULL, NULL);
}

/* How many keys find room. */
static unsigned fill_up(splinter_store *s)
{
    unsigned n = 0;

    while (!set(s, n))
        n++;
    return n;
}

/* ---- topics ---- */

static int open_topic(splinter_topic **out, splinter_store *s, const char *name, uint64_t capacity)
{
    struct splinter_topic_options options = {.struct_size = sizeof(options)};

    options.flags = capacity ? SPLINTER_CREATE : 0;
    options.capacity = capacity;
    return splinter_topic_open(out, s, name, &options);
}

static int make_topic(splinter_store *s, const char *name, uint64_t capacity)
{
    splinter_topic *t = NULL;
    int rc = open_topic(&t, s, name, capacity);

    splinter_topic_close(t);
    return rc;
}

/* ---- at a step ---- */

static const char *at;
static unsigned nth, met; /* how often a process has come to it */
static void (*act)(void);

static void at_step(const char *step)
{
    void (*now)(void) = act;

    if (!now || strcmp(step, at) || ++met != nth)
        return;
    act = NULL; /* it comes to steps of its own */
    now();
}

static void meanwhile(const char *step, unsigned n, void (*what)(void))
{
    at = step;
    nth = n;
    met = 0;
    act = what;
}

static void die_here(void)
{
    kill(getpid(), SIGKILL);
}

static void stop_here(void)
{
    raise(SIGSTOP);
}

/* A child with a handle of its own makes the topic, or removes it, and dies at the nth time that it
 * comes to that step. */
static void dies(bool making, const char *step, unsigned n)
{
    pid_t pid = fork_bound_child();

    if (!pid) {
        splinter_store *own = place_again(&place, 0);

        meanwhile(step, n, die_here);
        _exit(making ? make_topic(own, "news", CAPACITY) != 0
                     : splinter_topic_remove(own, "news") != 0);
    }
    expect(reap(pid) == 1000 + SIGKILL, "the child dies at its step");
}

/* ---- what the dead leave ---- */

/* [C5] */
static void half_made_topics_give_back_their_slots(void)
{
    static const struct {
        const char *step;
        unsigned n;
    } deaths[] = {{"topic: named", 1}, {"topic: a key made", 1}, {"topic: a key made", CAPACITY}};

    for (unsigned i = 0; i < 3; i++) {
        begin();
        dies(true, deaths[i].step, deaths[i].n);
        expect(fill_up(store) == SLOTS, "every slot can be used after the maker's death");
        expect(keys() == SLOTS, "the store counts no more");
        end("a topic whose maker has died gives back its slots");
    }
}

static void half_removed_topics_give_back_their_slots(void)
{
    static const struct {
        const char *step;
        unsigned n;
    } deaths[] = {{"topic: condemned", 1}, {"topic: a key removed", 1},
                  {"topic: a key removed", CAPACITY}, {"topic: keys gone", 1}};

    for (unsigned i = 0; i < 4; i++) {
        begin();
        must(make_topic(store, "news", CAPACITY), "a topic");
        dies(false, deaths[i].step, deaths[i].n);
        expect(fill_up(store) == SLOTS, "every slot can be used after the remover's death");
        end("a topic whose remover has died gives back its slots");
    }
}

/* Whoever clears up dies, too. */
static void who_clears_up_dies(void)
{
    static const struct {
        const char *step;
        unsigned n;
    } deaths[] = {{"recover: topics left", 1}, {"topic: dropped", 1},
                  {"topic: a key removed", 3}, {"topic: all settled", 1}};

    for (unsigned i = 0; i < 4; i++) {
        pid_t pid;

        begin();
        dies(true, "topic: a key made", CAPACITY);
        pid = fork_bound_child();
        if (!pid) {
            meanwhile(deaths[i].step, deaths[i].n, die_here);
            fill_up(place_again(&place, 0));
            _exit(1);
        }
        expect(reap(pid) == 1000 + SIGKILL, "the second one dies");
        expect(fill_up(store) == SLOTS, "every slot can be used");
        end("a process that clears up after a dead maker may die as well");
    }
}

/* A topic that has lost its key is not there for its messages. */
static void no_message_outlives_its_topic(void)
{
    begin();
    dies(true, "topic: a key made", CAPACITY);
    expect(fill_up(store) == SLOTS, "every slot can be used");
    for (unsigned n = 0; n < SLOTS; n++) {
        char key[16];

        snprintf(key, sizeof(key), "key %u", n);
        must(splinter_store_unset(store, key, 0, NULL), "unset");
    }
    expect(keys() == 0, "nothing is left");
    must(make_topic(store, "news", CAPACITY), "the topic");
    end("nothing is left of a topic that was not made");
}

/* A living process that makes a topic is not disturbed. */
static void a_slow_maker_goes_on(void)
{
    pid_t pid;
    int status;

    begin();
    dies(true, "topic: named", 1); /* so that there is something to look for */
    must(splinter_topic_remove(store, "news") == -ENOENT ? 0 : -EINVAL, "remove");
    dies(true, "topic: named", 1);
    pid = fork_bound_child();
    if (!pid) {
        splinter_store *own = place_again(&place, 0);

        meanwhile("topic: a key made", 3, stop_here);
        _exit(make_topic(own, "slow", CAPACITY) != 0);
    }
    waitpid(pid, &status, WUNTRACED);
    /* 4 keys of "slow" are there, and one of "news" that goes. */
    expect(fill_up(store) == SLOTS - 4, "the slots of a living maker stay its own");
    for (unsigned n = 0; n < SLOTS; n++) {
        char key[16];

        snprintf(key, sizeof(key), "key %u", n);
        splinter_store_unset(store, key, 0, NULL);
    }
    kill(pid, SIGCONT);
    expect(reap(pid) == 0, "it makes its topic");
    expect(make_topic(store, "slow", 0) == 0, "the topic is there");
    expect(keys() == CAPACITY + 1, "and nothing else");
    end("a topic that a living process makes is left alone");
}

/* ---- no room ---- */

static unsigned made;

static void count_made(void)
{
    made++;
    meanwhile(at, 1, count_made);
}

static void a_topic_that_cannot_fit_takes_nothing(void)
{
    begin();
    for (unsigned n = 0; n < SLOTS - CAPACITY; n++)
        must(set(store, n), "set");
    made = 0;
    meanwhile("topic: a key made", 1, count_made);
    expect(make_topic(store, "news", CAPACITY) == -ENOSPC, "the topic does not fit");
    expect(strstr(splinter_last_error(), " 9 ") != NULL, "the reason says how much it needs");
    act = NULL;
    expect(made == 0, "it takes no slot");
    expect(keys() == SLOTS - CAPACITY, "nothing is left of it");
    must(splinter_store_unset(store, "key 0", 0, NULL), "unset");
    expect(make_topic(store, "news", CAPACITY) == 0, "now it fits");
    end("a topic that cannot fit takes no slot");
}

static void what_has_expired_makes_room_for_a_topic(void)
{
    struct splinter_set_options o = {.struct_size = sizeof(o), .ttl_ns = 1};

    begin();
    for (unsigned n = 0; n < SLOTS - CAPACITY; n++) {
        char key[16];

        snprintf(key, sizeof(key), "key %u", n);
        must(splinter_store_set(store, key, "v", 1, &o, NULL), "set");
    }
    expect(make_topic(store, "news", CAPACITY) == 0, "the topic fits");
    end("expired keys make room for a topic");
}

/* The disk is full from the nth call that reserves. */
static void full_from(unsigned n)
{
    fail_reset();
    fail_at[FAIL_fallocate] = n;
    fail_for_good = 1;
    fail_errno = ENOSPC;
}

/* In a store of many slots, so that nearly each key of the topic needs a part of the index. */
static void a_full_disk_leaves_nothing_of_a_topic(void)
{
    int rc = -ENOSPC;
    unsigned n;

    faults = 0;
    for (n = 0; rc && n < 200; n++) {
        bool attached = n % 2;

        store = place_make(&place, backing, 100000, MAX_VALUE);
        if (attached)
            must(set(store, 0), "set");
        full_from(n / 2 + 1);
        rc = make_topic(store, "news", CAPACITY);
        expect(rc == 0 || rc == -ENOSPC, "the topic is made, or the disk is full");
        expect(keys() == attached + (rc ? 0 : CAPACITY + 1u), "nothing of it stays");
        if (!rc)
            expect(splinter_topic_remove(store, "news") == 0, "it can be removed on a full disk");
        fail_reset();
        if (check_store(store))
            faults++;
        place_end(&place, store);
    }
    expect(!rc && n > CAPACITY, "the disk was full at some calls, and then at none");
    store = NULL;
    report(!faults, "%s: a full disk leaves nothing of a topic", backing_names[backing]);
}

/* What a dead process has left is removed on a full disk, by the call and by the opener. */
static void a_full_disk_keeps_no_half_topic(void)
{
    for (unsigned i = 0; i < 2; i++) {
        begin();
        must(set(store, 0), "set");
        dies(true, "topic: a key made", 2);
        full_from(1);
        if (i)
            expect(splinter_topic_remove(store, "news") == -ENOENT, "it can be removed");
        else
            make_topic(store, "news", CAPACITY);
        fail_reset();
        expect(keys() == 1 || (!i && keys() == CAPACITY + 2), "all of it is there, or nothing");
        end("a half-made topic is removed on a full disk");
    }
}

/* ---- several at once ---- */

static splinter_store *other;

static void other_removes(void)
{
    int rc = splinter_topic_remove(other, "news");

    expect(rc == 0 || rc == -ENOENT, "another process removes the topic");
}

static void other_makes_again(void)
{
    other_removes();
    expect(make_topic(other, "news", 2) == 0, "another process makes it again");
}

/* [C5] */
static void a_remover_is_overtaken(void)
{
    static const char *const steps[] = {"topic: condemned", "topic: a key removed",
                                        "topic: keys gone", "update: epoch taken"};

    /* A change that somebody stops half-way holds up the sync of a removal from a file. */
    for (unsigned i = 0; i < (backing == BACKING_FILE ? 6 : 8); i++) {
        splinter_topic *t;
        uint64_t number;
        int rc;

        begin();
        other = place_again(&place, 0);
        must(make_topic(store, "news", CAPACITY), "a topic");
        meanwhile(steps[i / 2], 1, i % 2 ? other_makes_again : other_removes);
        rc = splinter_topic_remove(store, "news");
        expect(!act, "the other one came in between");
        act = NULL;
        expect(rc == 0 || rc == -ENOENT, "a remover that was overtaken");
        if (i % 2 && make_topic(store, "news", 0) == 0) {
            must(open_topic(&t, store, "news", 0), "open");
            expect(splinter_topic_publish(t, "v", 1, NULL, &number) == 0 && number == 1,
                   "the topic that was made since is whole");
            splinter_topic_close(t);
            expect(keys() == 3, "it has its keys");
            must(splinter_topic_remove(store, "news"), "remove");
        }
        expect(keys() == 0, "nothing else is left");
        expect(fill_up(store) == SLOTS, "every slot can be used");
        splinter_store_close(other);
        end("a remover that is overtaken leaves nothing, and what was made since");
    }
}

/* ---- power cuts ---- */

/* Damage the record that has these bytes, as if it had not reached the disk. */
static void lose_record(const char *path, const char *bytes, size_t len)
{
    size_t size;
    uint8_t *image = raw_read(path, &size), *found = memmem(image, size, bytes, len);

    if (!found)
        die("no record");
    for (; found; found = memmem(found + 1, size - (size_t)(found + 1 - image), bytes, len))
        raw_patch(path, (uint64_t)(found - image), "?", 1);
    free(image);
}

static void copy_file(const char *from, const char *to)
{
    size_t size;
    uint8_t *bytes = raw_read(from, &size);
    FILE *f = fopen(to, "w");

    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
        die("%s", to);
    free(bytes);
}

/* The key of the topic itself did not reach the disk, those of its messages did. */
static void a_power_cut_around_a_creation(void)
{
    struct place copy;
    char from[600], to[600];
    splinter_store *was;

    begin();
    must(make_topic(store, "news", CAPACITY), "a topic");
    must(set(store, 0), "set");
    place_new(&copy, BACKING_FILE);
    place_path(&place, from, sizeof(from));
    place_path(&copy, to, sizeof(to));
    copy_file(from, to);
    lose_record(to, "\0tnews", 6);
    was = store;
    store = place_again(&copy, SPLINTER_RDONLY);
    expect(make_topic(store, "news", 0) == -ENOENT, "the topic is not there");
    splinter_store_close(store);
    store = place_again(&copy, 0);
    expect(keys() == 1, "its messages are not there");
    expect(fill_up(store) == SLOTS, "every slot can be used");
    if (check_store(store))
        faults++;
    place_end(&copy, store);
    /* And one that lacks some keys gets them. */
    must(splinter_store_sync(was), "sync");
    copy_file(from, to);
    store = place_again(&copy, 0);
    expect(keys() == CAPACITY + 2, "a whole one stays");
    place_end(&copy, store);
    store = was;
    end("a power cut leaves no message without its topic");
}

/* All processes were killed, and the file is opened again. */
static void nobody_is_left(void)
{
    pid_t pid;
    splinter_store *s;

    faults = 0;
    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    splinter_store_close(store);
    pid = fork_bound_child();
    if (!pid) {
        s = place_again(&place, 0);
        meanwhile("topic: a key made", 5, die_here);
        make_topic(s, "news", CAPACITY);
        _exit(1);
    }
    expect(reap(pid) == 1000 + SIGKILL, "the only process dies");
    store = place_again(&place, 0);
    expect(keys() == 0, "an opener finds nothing of its topic");
    end("who opens a file that nobody closed removes half a topic");
}

int main(void)
{
    support_start_in_memory();
    fault_hook = at_step;
    for (backing = 0; backing < BACKING_NAMED; backing++) {
        half_made_topics_give_back_their_slots();
        half_removed_topics_give_back_their_slots();
        who_clears_up_dies();
        no_message_outlives_its_topic();
        a_slow_maker_goes_on();
        a_topic_that_cannot_fit_takes_nothing();
        what_has_expired_makes_room_for_a_topic();
        a_full_disk_leaves_nothing_of_a_topic();
        a_full_disk_keeps_no_half_topic();
        a_remover_is_overtaken();
        if (backing == BACKING_FILE) {
            a_power_cut_around_a_creation();
            nobody_is_left();
        }
    }
    return tap_end();
}
