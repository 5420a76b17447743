/* SPDX-License-Identifier: Apache-2.0 */
/* steps_survive.c - what the survivors of a death do, and what they must find; see steps.h */
#include "account.h"
#include "steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "steps_inside.h"

/* What a survivor has: two handles, and what it knows of item 0. */
struct survivor {
    splinter_store *reads, *s; /* the first one is read-only */
    bool torn;                 /* it opened a torn file, and shows it as it was then */
    struct item is;
};

static bool same(const struct item *a, const struct item *b)
{
    return a->there == b->there && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* A get by both paths, and by the fast one with the meta. */
static int get(splinter_store *s, const char *who, const char *key, unsigned char *buf, size_t *len)
{
    static unsigned char slow_buf[MAX_VALUE], fast_buf[MAX_VALUE];
    struct splinter_meta meta = {.struct_size = SHORT_META}, fast = {.struct_size = sizeof(fast)};
    size_t slow_len = 0;
    int rc = splinter_store_get(s, key, buf, MAX_VALUE, len, NULL);
    int slow_rc = splinter_store_get(s, key, slow_buf, MAX_VALUE, &slow_len, &meta);
    int fast_rc = splinter_store_get(s, key, fast_buf, MAX_VALUE, NULL, &fast);

    if (rc != fast_rc || (!rc && (fast.epoch != meta.epoch || fast.revision != meta.revision ||
                                  fast.type != meta.type || fast.value_size != *len ||
                                  memcmp(buf, fast_buf, *len))))
        fault("%s: a fast get of %s with its meta: %s, and something else", who, key,
              strerror(-fast_rc));
    if (rc != slow_rc)
        fault("%s: a fast get of %s: %s; a slow one: %s", who, key, strerror(-rc),
              strerror(-slow_rc));
    else if (!rc && (*len != slow_len || meta.value_size != slow_len ||
                     memcmp(buf, slow_buf, slow_len)))
        fault("%s: a fast get of %s finds another value than a slow one", who, key);
    return rc;
}

/* What item 0 is: 0 as before, 1 as after, 2 both (they are the same); else a fault. */
static int outcome(splinter_store *s, const char *who)
{
    struct item is = {.there = true};
    size_t len = 0;
    int rc = get(s, who, items[0].key, is.bytes, &len);

    if (rc == -ENOENT)
        is.there = false;
    else if (rc)
        fault("%s: get: %s", who, strerror(-rc));
    is.len = is.there ? (uint32_t)len : 0;
    if (same(&is, items))
        return same(items, &after) ? 2 : 0;
    if (same(&is, &after))
        return 1;
    fault("%s: %s of %u bytes that was neither before nor after", who,
          is.there ? "a value" : "no value", is.len);
    return 2;
}

/* An item that is free becomes what is found. */
static void expect(splinter_store *s, struct item *item, const char *when)
{
    static unsigned char buf[MAX_VALUE];
    size_t len = 0;
    int rc = get(s, when, item->key, buf, &len);

    if (item->free && (rc == 0 || rc == -ENOENT)) {
        item->there = rc == 0;
        item->len = rc ? 0 : (uint32_t)len;
        memcpy(item->bytes, buf, item->len);
    } else if (rc != (item->there ? 0 : -ENOENT))
        fault("%s: get %s: %s", when, item->key, strerror(-rc));
    else if (!rc && !item->free && (len != item->len || memcmp(buf, item->bytes, len)))
        fault("%s: %s has another value of %zu bytes", when, item->key, len);
}

static void works(int rc, const char *what, const char *key)
{
    if (rc)
        fault("%s %s: %s", what, key, strerror(-rc));
}

static void say(void *arg, const char *problem)
{
    fault("%s: check: %s", (const char *)arg, problem);
}

void check_all(splinter_store *s, const char *when)
{
    char text[100];
    int rc;

    snprintf(text, sizeof(text), "%s", when);
    rc = splinter_store_check(s, say, text);
    if (rc < 0)
        fault("%s: check: %s", when, strerror(-rc));
    if (account_of(s)) /* [P10] */
        fault("%s: the feed tells something else", when);
}

static unsigned topic_keys; /* that the store counts, and no walk meets */

static unsigned count_there(bool first)
{
    unsigned n = first;

    for (unsigned i = 1; i < item_count; i++)
        n += items[i].there;
    return n;
}

/* [P3] */
static void count_keys(splinter_store *s, unsigned want, const char *when)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    unsigned met = 0;

    while (splinter_store_walk(s, NULL, &cursor, key, NULL) == 1 && met < 1000)
        met++;
    if (met != want)
        fault("%s: a walk meets %u keys, there are %u", when, met, want);
    splinter_store_sweep(s);
    if (splinter_store_stat(s, &st) || st.keys != want + topic_keys)
        fault("%s: the store counts %llu keys, there are %u", when, (unsigned long long)st.keys,
              want + topic_keys);
}

/* A waiter in a process of its own, which is asleep, or nearly so, when this returns. */
static pid_t start_waiter(uint64_t since)
{
    int ready[2];
    char c;
    pid_t pid;

    if (pipe(ready))
        die("pipe");
    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        if (write(ready[1], "r", 1) != 1)
            _exit(2);
        _exit(splinter_store_wait(s, items[0].key, since, 1000 * WATCHDOG, NULL) ? 1 : 0);
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1)
        fault("the waiter did not start");
    close(ready[0]);
    return pid;
}

/* Opens, and looks: what is there is as before or as after, and stays so.  False: no handle. */
static bool look(struct survivor *v, int *seen)
{
    char path[600];
    int first, again, rc;

    if (backing == BACKING_FILE) {
        place_path(&place, path, sizeof(path));
        v->torn = is_torn(path);
    }
    if (place_open(&place, SPLINTER_RDONLY, &v->reads))
        fault("open read-only: %s", splinter_last_error());
    first = outcome(v->reads, "a reader");
    for (unsigned i = 1; i < item_count; i++)
        expect(v->reads, &items[i], "a reader");
    if (place_open(&place, 0, &v->s)) {
        fault("open: %s", splinter_last_error());
        return false;
    }
    again = outcome(v->s, "a survivor");
    if (first == 1 && again == 0)
        fault("what a reader saw is gone");
    if (board->acked && scene->want == 0 && again == 0)
        fault("what was acknowledged is lost");
    if (*seen == 1 && again == 0)
        fault("a step before this one it was done, now it is not");
    if (again != 2)
        *seen = again;
    if (outcome(v->reads, "the reader, later") != again)
        fault("reader and survivor disagree");
    v->is = again == 1 ? after : items[0];
    rc = splinter_store_wait(v->s, v->is.key, 0, 0, NULL);
    if (rc != (v->is.there ? 0 : -ETIMEDOUT))
        fault("a look by wait: %s", strerror(-rc));
    for (unsigned i = 1; i < item_count; i++) {
        expect(v->s, &items[i], "a survivor");
        items[i].free = false;
    }
    if (scene->flags & LEFT && !settle_topics(v->s))
        fault("something is left of a topic");
    topic_keys = scene->flags & TOPIC   ? use_the_topic(v->reads, v->s)
                 : scene->flags & QUEUE ? use_the_queue(v->reads, v->s)
                                        : 0;
    check_all(v->s, "after the death");
    count_keys(v->s, count_there(v->is.there), "after the death");
    return true;
}

/* Of a torn file the reader goes on to see what it saw.  Opened again, it sees the store. */
static void reader_follows(struct survivor *v, struct item *was)
{
    if (!v->torn)
        return;
    expect(v->reads, was, "the reader of a torn file");
    splinter_store_close(v->reads);
    v->reads = place_again(&place, SPLINTER_RDONLY);
}

/* [P8] The key of the operation can be set, unset and set again, and its waiter is woken. */
static void use_the_key(struct survivor *v, bool with_waiter)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    struct item *is = &v->is, was;
    pid_t waiter = 0;
    int rc;

    /* Room for it, if the store is full of others. */
    if (!is->there && count_there(false) == slots_of(v->s)) {
        works(splinter_store_unset(v->s, items[1].key, 0, NULL), "unset", items[1].key);
        no_more(&items[1]);
    }
    rc = splinter_store_get(v->s, is->key, NULL, 0, NULL, &meta);
    if (with_waiter)
        waiter = start_waiter(rc ? 0 : meta.epoch);
    was = *is;
    fill(is, 'n', 200);
    works(set_item(v->s, is, 0, 0), "set", is->key);
    if (waiter && (rc = reap(waiter)) != 0)
        fault("the waiter was not woken: %d", rc);
    expect(v->s, is, "set by a survivor");
    reader_follows(v, &was);
    expect(v->reads, is, "set by a survivor, read-only");
    works(splinter_store_unset(v->s, is->key, 0, NULL), "unset", is->key);
    no_more(is);
    expect(v->reads, is, "unset by a survivor, read-only");
    fill(is, 'm', 100);
    works(set_item(v->s, is, 0, SPLINTER_IF_ABSENT), "set again", is->key);
    expect(v->s, is, "set again");
}

/* The neighbours can be changed, and are not touched by each other. */
static void use_the_neighbours(struct survivor *v)
{
    for (unsigned i = 1; i < item_count; i++) {
        if (items[i].there)
            works(splinter_store_unset(v->s, items[i].key, 0, NULL), "unset", items[i].key);
        no_more(&items[i]);
        expect(v->s, &items[i], "a neighbour was unset");
    }
    for (unsigned i = 1; i < item_count && i < slots_of(v->s); i++) {
        fill(&items[i], 'o', 10 + 300 * i);
        works(set_item(v->s, &items[i], 0, 0), "set again", items[i].key);
    }
    for (unsigned i = 1; i < item_count; i++)
        expect(v->s, &items[i], "the neighbours were set again");
    expect(v->s, &v->is, "the neighbours were set again");
    check_all(v->s, "after new changes");
    count_keys(v->s, count_there(true), "after new changes");
}

/* [P4] Nothing is left of anybody, when everybody has gone. */
static void leave_nothing(struct survivor *v)
{
    if (scene->flags & TOPIC)
        remove_the_topic(v->s);
    if (scene->flags & QUEUE)
        remove_the_queue(v->s);
    topic_keys = 0;
    splinter_store_unset(v->s, v->is.key, 0, NULL);
    for (unsigned i = 1; i < item_count; i++)
        if (items[i].there)
            splinter_store_unset(v->s, items[i].key, 0, NULL);
    count_keys(v->s, 0, "at the end");
    check_all(v->s, "at the end");
    works(splinter_store_sync(v->s), "sync", "at the end");
    if (arena_contains(v->s, "MARKMARK"))
        fault("bytes of a value are left behind");
    splinter_store_close(v->s);
    splinter_store_close(v->reads);
}

int survive(bool with_waiter, int *seen)
{
    struct survivor v = {.s = NULL};

    alarm(WATCHDOG);
    armed = 0;
    if (look(&v, seen)) {
        use_the_key(&v, with_waiter);
        use_the_neighbours(&v);
        leave_nothing(&v);
    }
    return failures;
}
