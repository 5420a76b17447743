/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_steps.c - a process dies at every step of every operation, and then a cleaner of it, too
 *
 * The library in here is compiled with its fault points (lib/fault.h).  For each operation of
 * the list below, and each n: a process begins the operation and is killed by SIGKILL at the nth
 * step it reaches.  Then others read, wait, set, unset and set again that key and its
 * neighbours, and the store is checked.  Once more with a cleaner that is killed in its turn,
 * at every step of its own.  A step of the library at which nobody died fails the test.
 *
 *     test_steps [--twice ALL|FEW|NONE] [NAME]      (NAME: that operation only)
 *
 * ALL has a cleaner die at each of its steps after each death, FEW (of everyday) after one death
 * in five, NONE after none; with SPLINTER_TEST_SHORT set, or under a sanitizer, it is NONE.
 */
#include "backing.h"
#include "fault.h"
#include "fork.h"
#include "index.h"
#include "lane.h"
#include "lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "support.h"

#undef open
#undef free
#undef malloc
#undef calloc

#define ITEMS 12
#define MAX_VALUE 4096
#define WATCHDOG 60 /* seconds; a case takes milliseconds */

/* ---- the steps ---- */

#define MAX_STEPS 256

extern const struct fault_step *const __start_fault_steps[];
extern const struct fault_step *const __stop_fault_steps[];

/* Memory of its own that the dying tell in. */
struct board {
    uint32_t died[MAX_STEPS]; /* times a process died there */
    char last[80];            /* where the last one did */
    int acked;                /* the operation came back ... */
    int result;               /* ... with this */
};
static struct board *board;
static const char *steps[MAX_STEPS];
static unsigned step_count;

/* Steps that stores in memory never come to. */
static bool durable_step(const char *step)
{
    static const char *const begins[] = {"limbo: ",   "retire: ", "sync: ", "rebuild: ",
                                         "recover: old record marked",
                                         "recover: old record in limbo", "open: session noted",
                                         "close: clean on disk"};

    for (unsigned i = 0; i < sizeof(begins) / sizeof(*begins); i++)
        if (!strncmp(step, begins[i], strlen(begins[i])))
            return true;
    return false;
}

static unsigned armed, arrivals, kill_at;

struct scene;
static void interfere(const char *step);

static void at_step(const char *step)
{
    if (!armed)
        return;
    interfere(step);
    if (++arrivals != kill_at)
        return;
    for (unsigned i = 0; i < step_count; i++)
        if (!strcmp(steps[i], step))
            board->died[i]++;
    snprintf(board->last, sizeof(board->last), "%s", step);
    kill(getpid(), SIGKILL);
}

/* False: two steps have one name.  A step that is in line in several objects is listed by each. */
static bool collect_steps(void)
{
    const struct fault_step *const *at, *const *before;

    for (at = __start_fault_steps; at < __stop_fault_steps; at++) {
        for (before = __start_fault_steps; before < at; before++)
            if (!strcmp((*before)->name, (*at)->name))
                break;
        if (before == at) {
            if (step_count == MAX_STEPS)
                die("more than %d steps", MAX_STEPS);
            steps[step_count++] = (*at)->name;
        } else if ((*before)->line != (*at)->line || strcmp((*before)->file, (*at)->file)) {
            printf("# '%s' stands at two places: %s:%d and %s:%d\n", (*at)->name,
                   (*before)->file, (*before)->line, (*at)->file, (*at)->line);
            return false;
        }
    }
    return step_count > 0;
}

/* ---- what the store should hold ---- */

/* The operation is on item 0; it may leave it as `after`.  The others never change. */
struct item {
    char key[SPLINTER_KEY_MAX];
    bool there, free; /* free: the operation may leave anything there */
    uint32_t len;
    unsigned char bytes[MAX_VALUE];
};
static struct item items[ITEMS], after;
static unsigned item_count;

static const unsigned slots_default = 16; /* 9 buckets, 27 places */
static int backing;
static struct place place;
static splinter_store *keeper; /* attached all the time, and alive */
static int tests, failed_cases;

/* The nth name whose home is this bucket. */
static void name_in(splinter_store *s, char name[SPLINTER_KEY_MAX], uint32_t bucket, unsigned n)
{
    for (unsigned i = 0;; i++) {
        struct key key;

        snprintf(name, SPLINTER_KEY_MAX, "key%u", i);
        if (!key_make(s, name, &key) && key.home == bucket && !n--)
            return;
    }
}

static void fill(struct item *item, char with, uint32_t len)
{
    item->there = true;
    item->len = len;
    memset(item->bytes, with, len);
    /* To be looked for in the raw store, when it should be gone. */
    if (len >= 8)
        memcpy(item->bytes, "MARKMARK", 8);
}

static int set_item(splinter_store *s, const struct item *item, uint64_t ttl_ns, uint32_t flags)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.ttl_ns = ttl_ns;
    options.flags = flags;
    return splinter_store_set(s, item->key, item->bytes, item->len, if_any(&options), NULL);
}

static void must(int rc, const char *what)
{
    if (rc)
        die("%s: %s", what, strerror(-rc));
}

/* One more item, set if len is not 0. */
static struct item *add_item(splinter_store *s, uint32_t bucket, unsigned n, uint32_t len)
{
    struct item *item = &items[item_count++];

    memset(item, 0, sizeof(*item));
    name_in(s, item->key, bucket, n);
    if (len) {
        fill(item, (char)('a' + item_count), len);
        must(set_item(s, item, 0, 0), "preparing");
    }
    return item;
}

static void no_more(struct item *item)
{
    item->there = false;
    item->len = 0;
}

/* ---- the operations ---- */

#define INHERIT 1u   /* by a child on its parent's handle */
#define OPENS 2u     /* the operation opens the store itself: it gets no handle */
#define LONG 4u     /* many steps, much the same: nobody dies at most of the later ones */
#define SLOW 8u     /* takes its time: cleaners do not die */
#define MAY_FAIL 16u /* the result is not looked at */
#define DURABLE 32u  /* of stores in files alone */
#define ALONE 64u    /* nobody else has the store open */
#define TORN 128u    /* and it was left by a power cut */

struct scene {
    const char *name;
    unsigned slots;
    void (*prepare)(splinter_store *s);
    int (*act)(splinter_store *s);
    int want; /* what act returns, if it lives */
    unsigned flags;
    void (*interfere)(const char *step);
};
static const struct scene *scene;
static splinter_store *second; /* of the dying process, to interfere with itself */

static void interfere(const char *step)
{
    if (scene->interfere && second) {
        armed = 0;
        scene->interfere(step);
        armed = 1;
    }
}

/* Neighbours in the same bucket, in the one before and the one behind. */
static void neighbours(splinter_store *s, uint32_t bucket)
{
    uint32_t last = s->geo.buckets - 1;

    add_item(s, bucket, 5, 40);
    add_item(s, bucket ? bucket - 1 : last, 5, 300);
    add_item(s, bucket < last ? bucket + 1 : 0, 5, 20);
}

static void absent_first(splinter_store *s)
{
    add_item(s, 0, 0, 0);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 100);
}

static void absent_long(splinter_store *s)
{
    absent_first(s);
    fill(&after, '+', MAX_VALUE);
}

/* Nothing in the store: neither index nor slab has a page. */
static void absent_empty(splinter_store *s)
{
    add_item(s, 3, 0, 0);
    after = items[0];
    fill(&after, '+', 100);
}

/* The last bucket is full: the probe goes on in the first. */
static void absent_wrapping(splinter_store *s)
{
    uint32_t last = s->geo.buckets - 1;

    add_item(s, last, 0, 0);
    for (unsigned i = 1; i <= 3; i++)
        add_item(s, last, i, 30);
    add_item(s, 0, 0, 30);
    after = items[0];
    fill(&after, '+', 100);
}

static void present_wrapped(splinter_store *s)
{
    uint32_t last = s->geo.buckets - 1;

    item_count = 1;
    for (unsigned i = 1; i <= 5; i++)
        add_item(s, last, i, 30);
    add_item(s, 0, 0, 30);
    item_count = 0;
    add_item(s, last, 0, 100);
    item_count = 7;
    after = items[0];
    fill(&after, '+', 90);
}

static void unset_wrapped(splinter_store *s)
{
    present_wrapped(s);
    no_more(&after);
}

static void present_first(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 90);
}

/* What a set takes its short way for, once its thread has a spare block of the size. */
static void present_small(splinter_store *s)
{
    add_item(s, 0, 0, 50);
    neighbours(s, 0);
    after = items[0];
    fill(&after, '+', 60);
}

static void present_last(splinter_store *s)
{
    add_item(s, s->geo.buckets - 1, 0, 100);
    neighbours(s, s->geo.buckets - 1);
    after = items[0];
    fill(&after, '+', 90);
}

static void present_grows(splinter_store *s)
{
    present_first(s);
    fill(&after, '+', MAX_VALUE);
}

static void present_goes(splinter_store *s)
{
    present_last(s);
    no_more(&after);
}

static void present_stays(splinter_store *s)
{
    present_first(s);
    after = items[0];
}

/* Items 1 and 4 .. are the operation's to play with. */
static void with_playthings(splinter_store *s)
{
    present_stays(s);
    for (unsigned i = 0; i < 5; i++)
        add_item(s, 0, 8 + i, 0)->free = true;
    items[1].free = true;
}

static void absent_with_playthings(splinter_store *s)
{
    absent_first(s);
    for (unsigned i = 0; i < 5; i++)
        add_item(s, 0, 8 + i, 0)->free = true;
}

static void expired_first(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    must(set_item(s, &items[0], 1, 0), "preparing");
    no_more(&items[0]);
    neighbours(s, 0);
    after = items[0];
}

static void expired_comes(splinter_store *s)
{
    expired_first(s);
    fill(&after, '+', 100);
}

static void appended(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    neighbours(s, 0);
    after = items[0];
    memset(after.bytes + 100, '+', 50);
    after.len = 150;
}

static void counted(splinter_store *s)
{
    int64_t n = 42;

    add_item(s, 2, 0, 0);
    must(splinter_store_add(s, items[0].key, 40, NULL), "preparing");
    neighbours(s, 2);
    items[0].there = true;
    items[0].len = sizeof(n);
    n = 40;
    memcpy(items[0].bytes, &n, sizeof(n));
    after = items[0];
    n = 42;
    memcpy(after.bytes, &n, sizeof(n));
}

static void counted_first(splinter_store *s)
{
    int64_t n = 2;

    add_item(s, 2, 0, 0);
    neighbours(s, 2);
    after = items[0];
    after.there = true;
    after.len = sizeof(n);
    memcpy(after.bytes, &n, sizeof(n));
}

static void full_absent(splinter_store *s)
{
    add_item(s, 1, 0, 0);
    for (unsigned i = 0; i < s->geo.slots; i++)
        add_item(s, i % s->geo.buckets, 5 + i, 50);
    after = items[0];
}

static void full_present(splinter_store *s)
{
    add_item(s, 1, 0, 50);
    for (unsigned i = 1; i < s->geo.slots; i++)
        add_item(s, i % s->geo.buckets, 5 + i, 50);
    after = items[0];
    fill(&after, '+', 60);
}

static void full_goes(splinter_store *s)
{
    full_present(s);
    no_more(&after);
}

/* The store is full, but one of its keys has expired. */
static void full_of_expired(splinter_store *s)
{
    struct item gone;

    add_item(s, 1, 0, 0);
    for (unsigned i = 1; i < s->geo.slots; i++)
        add_item(s, i % s->geo.buckets, 5 + i, 50);
    name_in(s, gone.key, 1, 3);
    fill(&gone, 'x', 50);
    must(set_item(s, &gone, 1, 0), "preparing");
    after = items[0];
    fill(&after, '+', 100);
}

static void one_absent(splinter_store *s)
{
    add_item(s, 0, 0, 0);
    after = items[0];
    fill(&after, '+', 100);
}

static void one_present(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    after = items[0];
    fill(&after, '+', 100);
}

static void one_goes(splinter_store *s)
{
    add_item(s, 0, 0, 100);
    after = items[0];
    no_more(&after);
}

static void one_full(splinter_store *s)
{
    item_count = 1;
    add_item(s, 0, 1, 100);
    item_count = 0;
    add_item(s, 0, 0, 0);
    item_count = 2;
    after = items[0];
}

static int act_set(splinter_store *s)
{
    return set_item(s, &after, 0, 0);
}

/* Not the first set of its thread. */
static int act_set_again(splinter_store *s)
{
    armed = 0;
    must(set_item(s, &items[1], 0, 0), "the set before");
    armed = 1;
    return set_item(s, &after, 0, 0);
}

static int act_set_any(splinter_store *s)
{
    struct item over = items[0];

    fill(&over, '+', 100);
    return set_item(s, &over, 0, 0);
}

static int act_set_for_a_while(splinter_store *s)
{
    return set_item(s, &after, UINT64_C(3600000000000), 0);
}

static int act_set_if_absent(splinter_store *s)
{
    return set_item(s, after.there ? &after : items, 0, SPLINTER_IF_ABSENT);
}

static int act_set_if_epoch(splinter_store *s)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};

    must(splinter_store_get(s, after.key, NULL, 0, NULL, &meta), "epoch");
    options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = meta.epoch;
    return splinter_store_set(s, after.key, after.bytes, after.len, &options, NULL);
}

static int act_set_if_other_epoch(splinter_store *s)
{
    struct splinter_set_options options = {.struct_size = sizeof(options)};

    options.flags = SPLINTER_IF_EPOCH;
    options.if_epoch = UINT64_C(1) << 60;
    return splinter_store_set(s, after.key, "x", 1, &options, NULL);
}

static int act_unset(splinter_store *s)
{
    return splinter_store_unset(s, items[0].key, 0, NULL);
}

static int act_get(splinter_store *s)
{
    return splinter_store_get(s, items[0].key, NULL, 0, NULL, NULL);
}

static int act_append(splinter_store *s)
{
    char plus[50];

    memset(plus, '+', sizeof(plus));
    return splinter_store_append(s, after.key, plus, sizeof(plus), NULL);
}

static int act_add(splinter_store *s)
{
    return splinter_store_add(s, after.key, 2, NULL);
}

static int act_sweep(splinter_store *s)
{
    return splinter_store_sweep(s) >= 0 ? 0 : -1;
}

static int act_wait(splinter_store *s)
{
    return splinter_store_wait(s, items[0].key, 0, 1, NULL);
}

static int act_wait_any(splinter_store *s)
{
    return splinter_store_wait_any(s, s->header->epoch, 1, NULL);
}

static int act_close(splinter_store *s)
{
    /* Blocks of several sizes are kept, to be given back. */
    for (uint32_t len = 100; len < 500; len *= 2) {
        struct item item = items[1];

        fill(&item, 'z', len);
        must(set_item(s, &item, 0, 0), "set");
    }
    must(set_item(s, &items[1], 0, 0), "set");
    splinter_store_close(s);
    return 0;
}

static int act_open(splinter_store *s)
{
    (void)s;
    return place_open(&place, 0, &s);
}

static int act_open_set_close(splinter_store *s)
{
    int rc = place_open(&place, 0, &s);

    if (!rc)
        rc = set_item(s, &after, 0, 0);
    splinter_store_close(s);
    return rc;
}

/* More sizes than a lane keeps spares of. */
static int act_many_sizes(splinter_store *s)
{
    struct item item = items[1];

    armed = 0;
    for (uint32_t units = 1; units <= 11; units++) {
        armed = units > LANE_SPARES;
        fill(&item, 'z', units * UNIT);
        must(set_item(s, &item, 0, 0), "set");
    }
    return set_item(s, &items[1], 0, 0);
}

/* Every block of a slab is in use. */
static int act_fill_slabs(splinter_store *s)
{
    for (unsigned i = 4; i < 8; i++) {
        struct item item = items[i];

        fill(&item, 'y', MAX_VALUE);
        must(set_item(s, &item, 0, 0), "set");
    }
    return set_item(s, &after, 0, 0);
}

/* Empty slabs change their size, where new ones are not to be had. */
static int act_other_size(splinter_store *s)
{
    struct item item = items[4];

    for (uint32_t len = 4000; len > 10; len /= 2) {
        fill(&item, '+', len);
        must(set_item(s, &item, 0, 0), "set");
        must(splinter_store_unset(s, item.key, 0, NULL), "unset");
    }
    splinter_store_close(s);
    must(place_open(&place, 0, &s), "open");
    return set_item(s, &after, 0, 0);
}

/* ---- those in which others interfere ---- */

static unsigned interfered;

/* The key changes between the look at it and the compare-and-swap. */
static void other_updates(const char *step)
{
    if (!strcmp(step, "open: described") && !interfered++)
        must(set_item(second, &items[0], 0, 0), "interfering");
}

static const struct lane *not_done;
static splinter_store *acting;

/* The record to be replaced is of somebody who has published it, but not closed the change. */
static void other_is_not_done(void)
{
    struct lane *lane = NULL;
    struct record *rec = NULL;

    must(set_item(second, &items[0], 0, 0), "interfering");
    for (uint32_t i = 0; i < second->geo.buckets * BUCKET_SLOTS; i++) {
        struct slot *slot = &second->index[i / BUCKET_SLOTS].slot[i % BUCKET_SLOTS];

        rec = slot->current ? record_at(second, slot->current) : NULL;
        if (rec && !memcmp(rec + 1, items[0].key, rec->key_len))
            break;
    }
    lane = rec ? lane_shared(second, rec->lane) : NULL;
    if (!lane)
        die("the record is not found");
    lane->epoch = rec->epoch;
    not_done = lane;
}

/* Who replaces such a record tells its writer's cleaner that it was published. */
static int acknowledged(int rc)
{
    return rc ? rc : not_done && not_done->ack == not_done->epoch ? 0 : -EPROTO;
}

static int act_set_acknowledging(splinter_store *s)
{
    return acknowledged(act_set(s));
}

static int act_set_again_acknowledging(splinter_store *s)
{
    acting = s;
    return acknowledged(act_set_again(s));
}

static void other_not_done(const char *step)
{
    if (!strcmp(step, "write: value") && !interfered++)
        other_is_not_done();
}

static void other_not_done_before(const char *step)
{
    if (!strcmp(step, "fast: begun") && !interfered++) {
        other_is_not_done();
        /* Else the short way ends at a record beyond what the handle has seen of the file. */
        file_covers(acting, acting->arena_units);
    }
}

static void other_takes_the_slot(const char *step)
{
    if (!strcmp(step, "open: described") && !interfered++) {
        must(splinter_store_set(second, items[4].key, "other", 5, NULL, NULL), "interfering");
    }
}

/* Two take a word each for the same key: as if the other had looked before we took ours. */
static void other_locks_too(const char *step)
{
    struct key key;
    uint32_t *word;

    must(key_make(second, items[0].key, &key), "key");
    word = &second->index[key.home].lock[1];
    if (!strcmp(step, "lock: taken") && !interfered) {
        second->lane[0].shared->lock = key.home + 1;
        *word = (uint32_t)(key.hash & 0x3ffff) << 14 | (second->lane[0].number + 1);
        interfered = 1;
    } else if (!strcmp(step, "lock: backed out") && interfered == 1) {
        *word = 0;
        second->lane[0].shared->lock = 0;
        interfered = 2;
    }
}

/* The key is held by somebody who lives, and goes on only when we gave up. */
static void other_holds_the_lock(const char *step)
{
    struct key key;

    must(key_make(second, items[0].key, &key), "key");
    if (!strcmp(step, "lock: named") && !interfered++)
        must(key_lock(second, &second->lane[0], &key, true), "lock");
    else if (!strcmp(step, "lock: given up"))
        key_unlock(second, &second->lane[0], &key);
}

/* Somebody sleeps on the key, and somebody on anything. */
static void somebody_sleeps(const char *step)
{
    struct key key;

    if (strcmp(step, "announce: begun"))
        return;
    must(key_make(second, items[0].key, &key), "key");
    second->index[key.home].wait |= 1;
    second->header->any_wait |= 1;
}

/* The reserve of the slab cannot grow when it is adopted. */
static void no_pages(const char *step)
{
    if (!strcmp(step, "adopt: owned") && !interfered++) {
        fail_reset();
        fail_for_good = 1;
        fail_errno = ENOSPC;
        fail_at[FAIL_fallocate] = 1;
    } else if (!strcmp(step, "adopt: given back")) {
        fail_reset();
    }
}

/* Every place in the registry looks attached; all but the keeper are dead. */
static void registry_full(splinter_store *s)
{
    present_first(s);
    must(backing_reserve(s->fd, s->geo.registry_off, MAX_ENTRIES * sizeof(struct entry)),
         "reserve");
    for (uint32_t i = 0; i < MAX_ENTRIES; i++)
        if (i != keeper->entry && i != s->entry)
            s->registry[i].attached = 1;
    s->header->registry_used = MAX_ENTRIES;
    after = items[0];
}

/* What others find who count anew. */
static void counts_wrong(splinter_store *s)
{
    present_wrapped(s);
    after = items[0];
    s->header->keys += 3;
    s->index[2].overflow += 2;
    s->index[3].overflow += 1;
    s->header->counts_dirty = 1;
}

/* ---- stores in files ---- */

/* The records are on disk: they are to be kept until the next sync. */
static void synced_present(splinter_store *s)
{
    present_first(s);
    must(splinter_store_sync(s), "sync");
}

static void synced_small(splinter_store *s)
{
    present_small(s);
    must(splinter_store_sync(s), "sync");
}

static void synced_goes(splinter_store *s)
{
    present_goes(s);
    must(splinter_store_sync(s), "sync");
}

/* Old versions wait for a sync: of an update, and of an unset. */
static void with_limbo(splinter_store *s)
{
    struct item gone = {.there = true};

    present_stays(s);
    add_item(s, 0, 9, 0);
    fill(&gone, 'g', 500);
    memcpy(gone.key, items[item_count - 1].key, sizeof(gone.key));
    must(set_item(s, &gone, 0, 0), "preparing");
    must(splinter_store_sync(s), "sync");
    must(splinter_store_unset(s, gone.key, 0, NULL), "preparing");
    for (int i = 0; i < 3; i++)
        must(set_item(s, &items[1], 0, 0), "preparing");
}

static int act_sync(splinter_store *s)
{
    return splinter_store_sync(s);
}

static int act_stat(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    return splinter_store_stat(s, &st);
}

static const struct scene scenes[] = {
    {"insert into an empty store", 0, absent_empty, act_set, 0, 0, NULL},
    {"insert, first bucket", 0, absent_first, act_set, 0, 0, NULL},
    {"insert, the chain wraps around", 0, absent_wrapping, act_set, 0, 0, NULL},
    {"insert with an end of life", 0, absent_first, act_set_for_a_while, 0, 0, NULL},
    {"insert if absent", 0, absent_first, act_set_if_absent, 0, 0, NULL},
    {"update, first bucket", 0, present_first, act_set, 0, 0, NULL},
    {"update, last bucket", 0, present_last, act_set, 0, 0, NULL},
    {"update of a key behind the wrap", 0, present_wrapped, act_set, 0, 0, NULL},
    {"update by a longer value", 0, present_grows, act_set, 0, 0, NULL},
    {"update if the epoch is the same", 0, present_first, act_set_if_epoch, 0, 0, NULL},
    {"update the short way", 0, present_small, act_set_again, 0, 0, NULL},
    {"update refused: another epoch", 0, present_stays, act_set_if_other_epoch, -ESTALE, 0, NULL},
    {"set refused: not absent", 0, present_stays, act_set_if_absent, -EEXIST, 0, NULL},
    {"unset, last bucket", 0, present_goes, act_unset, 0, 0, NULL},
    {"unset of a key behind the wrap", 0, unset_wrapped, act_unset, 0, 0, NULL},
    {"get of an expired key", 0, expired_first, act_get, -ENOENT, 0, NULL},
    {"sweep of an expired key", 0, expired_first, act_sweep, 0, 0, NULL},
    {"unset of an expired key", 0, expired_first, act_unset, -ENOENT, 0, NULL},
    {"set of an expired key", 0, expired_comes, act_set, 0, 0, NULL},
    {"set if absent of an expired key", 0, expired_comes, act_set_if_absent, 0, 0, NULL},
    {"append", 0, appended, act_append, 0, 0, NULL},
    {"add", 0, counted, act_add, 0, 0, NULL},
    {"add to nothing", 0, counted_first, act_add, 0, 0, NULL},
    {"insert into a full store", 8, full_absent, act_set_any, -ENOSPC, 0, NULL},
    {"update in a full store", 8, full_present, act_set, 0, 0, NULL},
    {"unset in a full store", 8, full_goes, act_unset, 0, 0, NULL},
    {"insert into a store full of expired keys", 8, full_of_expired, act_set, 0, 0, NULL},
    {"insert into a store of one slot", 1, one_absent, act_set, 0, 0, NULL},
    {"update in a store of one slot", 1, one_present, act_set, 0, 0, NULL},
    {"unset in a store of one slot", 1, one_goes, act_unset, 0, 0, NULL},
    {"insert into a full store of one slot", 1, one_full, act_set_any, -ENOSPC, 0, NULL},
    {"insert when the slab is full", 0, absent_with_playthings, act_fill_slabs, 0, 0, NULL},
    {"sets of more sizes than spares", 0, with_playthings, act_many_sizes, 0, 0, NULL},
    {"slabs change their size", 0, absent_with_playthings, act_other_size, 0, LONG, NULL},
    {"wait for a key", 0, absent_first, act_wait, -ETIMEDOUT, 0, NULL},
    {"wait for anything", 0, present_stays, act_wait_any, -ETIMEDOUT, 0, NULL},
    {"set that wakes", 0, present_first, act_set, 0, 0, somebody_sleeps},
    {"open", 0, present_stays, act_open, 0, OPENS, NULL},
    {"open with a registry full of the dead", 0, registry_full, act_open, 0, OPENS | LONG | SLOW, NULL},
    {"close", 0, with_playthings, act_close, 0, 0, NULL},
    {"counts are mended", 0, counts_wrong, act_stat, 0, 0, NULL},
    {"update after a sync", 0, synced_present, act_set, 0, DURABLE, NULL},
    {"unset after a sync", 0, synced_goes, act_unset, 0, DURABLE, NULL},
    {"update the short way after a sync", 0, synced_small, act_set_again, 0, DURABLE, NULL},
    {"update the short way after a sync that is overtaken", 0, synced_small, act_set_again, 0, DURABLE,
     other_updates},
    {"update after a sync that is overtaken", 0, synced_present, act_set, 0, DURABLE, other_updates},
    {"sync", 0, with_limbo, act_sync, 0, DURABLE, NULL},
    {"open after a power cut", 0, with_limbo, act_open, 0,
     DURABLE | OPENS | ALONE | TORN, NULL},
    {"open, update, close, alone", 0, present_first, act_open_set_close, 0,
     DURABLE | OPENS | ALONE, NULL},
    {"update by a child of fork", 0, present_first, act_set, 0, INHERIT, NULL},
    {"unset by a child of fork", 0, present_goes, act_unset, 0, INHERIT, NULL},
    {"update that is overtaken", 0, present_first, act_set, 0, 0, other_updates},
    {"update the short way that is overtaken", 0, present_small, act_set_again, 0, 0, other_updates},
    {"update the short way that wakes", 0, present_small, act_set_again, 0, 0, somebody_sleeps},
    {"update the short way while the last one is not done", 0, present_small,
     act_set_again_acknowledging, 0, 0, other_not_done_before},
    {"unset that is overtaken", 0, present_goes, act_unset, 0, 0, other_updates},
    {"update while the last one is not done", 0, present_first, act_set_acknowledging, 0, 0,
     other_not_done},
    {"insert whose slot is taken", 0, absent_with_playthings, act_set, 0, 0, other_takes_the_slot},
    {"insert while another wants the same lock", 0, absent_first, act_set, 0, 0, other_locks_too},
    {"insert while another holds the lock", 0, absent_first, act_set, -EAGAIN, SLOW,
     other_holds_the_lock},
    {"insert when there are no pages", 0, absent_long, act_set, 0, MAY_FAIL, no_pages},
};

/* ---- one case ---- */

static bool same(const struct item *a, const struct item *b)
{
    return a->there == b->there && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

static int failures; /* in this process */

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list args;

    failures++;
    printf("# FAULT in '%s', dead at '%s': ", scene->name, board->last);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* What item 0 is: 0 as before, 1 as after, 2 both (they are the same); else a fault. */
static int outcome(splinter_store *s, const char *who)
{
    struct item is = {.there = true};
    size_t len = 0;
    int rc = splinter_store_get(s, items[0].key, is.bytes, sizeof(is.bytes), &len, NULL);

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
    int rc = splinter_store_get(s, item->key, buf, sizeof(buf), &len, NULL);

    if (item->free && (rc == 0 || rc == -ENOENT)) {
        item->there = rc == 0;
        item->len = rc ? 0 : (uint32_t)len;
        memcpy(item->bytes, buf, item->len);
    } else if (rc != (item->there ? 0 : -ENOENT))
        fault("%s: get %s: %s", when, item->key, strerror(-rc));
    else if (!rc && !item->free && (len != item->len || memcmp(buf, item->bytes, len)))
        fault("%s: %s has another value of %zu bytes", when, item->key, len);
}

static void say(void *arg, const char *problem)
{
    fault("%s: check: %s", (const char *)arg, problem);
}

static void check_all(splinter_store *s, const char *when)
{
    char text[100];
    int rc;

    snprintf(text, sizeof(text), "%s", when);
    rc = splinter_store_check(s, say, text);
    if (rc < 0)
        fault("%s: check: %s", when, strerror(-rc));
}

static unsigned count_there(bool first)
{
    unsigned n = first;

    for (unsigned i = 1; i < item_count; i++)
        n += items[i].there;
    return n;
}

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
    if (splinter_store_stat(s, &st) || st.keys != want)
        fault("%s: the store counts %llu keys, there are %u", when, (unsigned long long)st.keys,
              want);
}

/* A waiter in a process of its own, which is asleep, or nearly so, when this returns. */
static pid_t start_waiter(uint64_t since)
{
    int ready[2];
    char c;
    pid_t pid;

    if (pipe(ready))
        die("pipe");
    fflush(stdout);
    pid = fork();
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

/* The blocks of the arena hold no byte of a value any more. */
static void look_for_remains(splinter_store *s)
{
    uint64_t units;

    file_covers(s, s->arena_units);
    units = s->known_units;
    if (memmem(s->arena, units * UNIT, "MARKMARK", 8))
        fault("bytes of a value are left behind");
}

/* The survivors.  `after_seen`: the change was seen, or acknowledged, and may not go away. */
static int survive(bool with_waiter, int *seen)
{
    splinter_store *reads = NULL, *s = NULL;
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    struct item is;
    unsigned present;
    pid_t waiter = 0;
    int first, again, rc;

    alarm(WATCHDOG);
    armed = 0;
    if (place_open(&place, SPLINTER_RDONLY, &reads))
        fault("open read-only: %s", splinter_last_error());
    first = outcome(reads, "a reader");
    for (unsigned i = 1; i < item_count; i++)
        expect(reads, &items[i], "a reader");
    if (place_open(&place, 0, &s)) {
        fault("open: %s", splinter_last_error());
        return failures;
    }
    again = outcome(s, "a survivor");
    if (first == 1 && again == 0)
        fault("what a reader saw is gone");
    if (board->acked && scene->want == 0 && again == 0)
        fault("what was acknowledged is lost");
    if (*seen == 1 && again == 0)
        fault("a step before this one it was done, now it is not");
    if (again != 2)
        *seen = again;
    if (outcome(reads, "the reader, later") != again)
        fault("reader and survivor disagree");
    is = again == 1 ? after : items[0];
    rc = splinter_store_wait(s, is.key, 0, 0, NULL);
    if (rc != (is.there ? 0 : -ETIMEDOUT))
        fault("a look by wait: %s", strerror(-rc));
    for (unsigned i = 1; i < item_count; i++) {
        expect(s, &items[i], "a survivor");
        items[i].free = false;
    }
    check_all(s, "after the death");
    present = count_there(is.there);
    count_keys(s, present, "after the death");

    /* Room for it, if the store is full of others. */
    if (!is.there && present == s->geo.slots) {
        rc = splinter_store_unset(s, items[1].key, 0, NULL);
        if (rc)
            fault("unset %s: %s", items[1].key, strerror(-rc));
        no_more(&items[1]);
    }
    rc = splinter_store_get(s, is.key, NULL, 0, NULL, &meta);
    if (with_waiter)
        waiter = start_waiter(rc ? 0 : meta.epoch);
    fill(&is, 'n', 200);
    rc = set_item(s, &is, 0, 0);
    if (rc)
        fault("set: %s", strerror(-rc));
    if (waiter && (rc = reap(waiter)) != 0)
        fault("the waiter was not woken: %d", rc);
    expect(s, &is, "set by a survivor");
    expect(reads, &is, "set by a survivor, read-only");
    rc = splinter_store_unset(s, is.key, 0, NULL);
    if (rc)
        fault("unset: %s", strerror(-rc));
    no_more(&is);
    expect(reads, &is, "unset by a survivor, read-only");
    fill(&is, 'm', 100);
    rc = set_item(s, &is, 0, SPLINTER_IF_ABSENT);
    if (rc)
        fault("set again: %s", strerror(-rc));
    expect(s, &is, "set again");

    /* The neighbours can be changed, and are not touched by each other. */
    for (unsigned i = 1; i < item_count; i++) {
        if (items[i].there && (rc = splinter_store_unset(s, items[i].key, 0, NULL)) != 0)
            fault("unset %s: %s", items[i].key, strerror(-rc));
        no_more(&items[i]);
        expect(s, &items[i], "a neighbour was unset");
    }
    for (unsigned i = 1; i < item_count && i < s->geo.slots; i++) {
        fill(&items[i], 'o', 10 + 300 * i);
        rc = set_item(s, &items[i], 0, 0);
        if (rc)
            fault("set %s again: %s", items[i].key, strerror(-rc));
    }
    for (unsigned i = 1; i < item_count; i++)
        expect(s, &items[i], "the neighbours were set again");
    expect(s, &is, "the neighbours were set again");
    check_all(s, "after new changes");
    count_keys(s, count_there(true), "after new changes");

    /* Nothing is left of anybody, when everybody has gone. */
    splinter_store_unset(s, is.key, 0, NULL);
    for (unsigned i = 1; i < item_count; i++)
        if (items[i].there)
            splinter_store_unset(s, items[i].key, 0, NULL);
    count_keys(s, 0, "at the end");
    check_all(s, "at the end");
    rc = splinter_store_sync(s);
    if (rc)
        fault("sync: %s", strerror(-rc));
    look_for_remains(s);
    splinter_store_close(s);
    splinter_store_close(reads);
    return failures;
}

/* A process that works until step n of its life.  True: it was killed there. */
static bool run(unsigned n, bool cleaner)
{
    int status;
    pid_t pid;

    board->acked = 0;
    arrivals = interfered = 0;
    kill_at = n;
    fflush(stdout);
    pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (!pid) {
        splinter_store *s = keeper;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(WATCHDOG);
        if (cleaner) {
            struct splinter_stat st = {.struct_size = sizeof(st)};

            armed = 1;
            if (place_open(&place, 0, &s) || splinter_store_stat(s, &st))
                _exit(3);
            splinter_store_close(s);
            _exit(0);
        }
        if (!(scene->flags & (INHERIT | OPENS)))
            s = place_again(&place, 0);
        if (scene->interfere)
            second = place_again(&place, 0);
        armed = 1;
        board->result = scene->act(s);
        board->acked = 1;
        fail_reset();
        armed = 0;
        _exit(scene->flags & MAY_FAIL || board->result == scene->want ? 0 : 2);
    }
    status = reap(pid);
    if (status == 1000 + SIGKILL)
        return true;
    if (status)
        fault("%s ended with %d, result %d", cleaner ? "the cleaner" : "who should have lived",
              status, board->result);
    return false;
}

/* Leave the store as a death would. */
static void abandon(splinter_store *s)
{
    fork_unwatch(s);
    close(s->lock_fd);
    munmap(s->base, s->mapped);
    close(s->fd);
    free(s);
}

/* A new store, prepared by the keeper, or by a process that is gone in order. */
static void stage(bool by_keeper)
{
    item_count = 0;
    memset(items, 0, sizeof(items));
    keeper = place_make(&place, backing, scene->slots ? scene->slots : slots_default, MAX_VALUE);
    if (by_keeper) {
        scene->prepare(keeper);
    } else {
        splinter_store *s = place_again(&place, 0);

        scene->prepare(s);
        splinter_store_close(s);
    }
    if (scene->flags & ALONE) {
        char path[600];
        uint8_t other[16] = "another kernel";

        if (scene->flags & TORN && !by_keeper) /* else it was closed in order */
            must(set_item(keeper, &items[1], 0, 0), "preparing");
        if (scene->flags & TORN)
            items[4].free = true; /* that it was unset was not synced */
        if (scene->flags & TORN) {
            abandon(keeper);
            place_path(&place, path, sizeof(path));
            raw_patch(path, offsetof(struct header, boot), other, sizeof(other));
        } else {
            splinter_store_close(keeper);
        }
        keeper = NULL;
    }
}

static void strike(void)
{
    if (!keeper)
        keeper = place_again(&place, 0);
    check_all(keeper, "the keeper at the end");
    splinter_store_close(keeper);
    if (backing != BACKING_MEMFD)
        must(splinter_store_unlink(place.name, place.flags), "unlink");
}

/* The survivors, in a process of their own. */
static void aftermath(bool with_waiter, int *seen)
{
    static int *shared;
    int status;
    pid_t pid;

    if (!shared)
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    *shared = *seen;
    fflush(stdout);
    pid = fork();
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        status = survive(with_waiter, shared);
        fflush(stdout);
        _exit(status ? 1 : 0);
    }
    status = reap(pid);
    if (status > 1)
        fault("the survivor ended with %d", status);
    else
        failures += status;
    *seen = *shared;
}

/* Deaths at every step; one in `every` is cleaned up after by processes that die, too; 0: none. */
static unsigned play(bool by_keeper, unsigned every, unsigned *twice)
{
    int seen = 0;
    unsigned n = 0, deaths = 0;
    bool died;

    do {
        n += !(scene->flags & LONG) || n < 80 ? 1 : 1 + n / 10;
        stage(by_keeper);
        died = run(n, false);
        deaths += died;
        if (!died)
            snprintf(board->last, sizeof(board->last), "the end");
        aftermath(true, &seen);
        strike();
    } while (died);
    if (scene->flags & LONG)
        every *= 1 + n / 40;
    for (unsigned k = 1 + (every ? n % every : n); k < n; k += every) {
        bool cleaner_died = true;

        for (unsigned m = 1; cleaner_died; m++) {
            int dont_care = 0;
            char first[80];

            stage(by_keeper);
            if (!run(k, false)) { /* the last one to be tried was beyond the end */
                strike();
                break;
            }
            memcpy(first, board->last, sizeof(first));
            cleaner_died = run(m, true);
            if (cleaner_died) {
                char then[80];

                memcpy(then, board->last, sizeof(then));
                snprintf(board->last, sizeof(board->last), "%.30s', then '%.30s", first, then);
                ++*twice;
                aftermath(false, &dont_care);
            }
            strike();
        }
    }
    return deaths;
}

/* ---- creation ---- */

static unsigned files_in(const char *folder, const char *begin)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    unsigned n = 0;

    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.' && !strncmp(e->d_name, begin, strlen(begin));
    if (d)
        closedir(d);
    return n;
}

/* A creator that dies leaves a whole store or none, and is in nobody's way. */
static unsigned play_creation(void)
{
    unsigned n = 0;
    bool died;
    int seen = 0;

    do {
        struct splinter_open_options options = {.struct_size = sizeof(options)};
        splinter_store *s = NULL;
        int status, rc;
        pid_t pid;

        n++;
        place_new(&place, backing);
        options.flags = place.flags | SPLINTER_CREATE;
        options.slots = slots_default;
        options.max_value = MAX_VALUE;
        arrivals = 0;
        kill_at = n;
        fflush(stdout);
        pid = fork();
        if (!pid) {
            alarm(WATCHDOG);
            armed = 1;
            _exit(splinter_store_open(&s, place.name, &options) ? 1 : 0);
        }
        status = reap(pid);
        died = status == 1000 + SIGKILL;
        if (!died && status)
            fault("creation ended with %d", status);
        rc = place_open(&place, SPLINTER_RDONLY, &s);
        if (rc && rc != -ENOENT)
            fault("a reader: %s", splinter_last_error());
        if (rc == 0 ? seen < 0 : seen > 0)
            fault("the name came and went");
        seen = rc == 0;
        splinter_store_close(s);
        rc = splinter_store_open(&keeper, place.name, &options);
        if (rc) {
            fault("a second creator: %s", splinter_last_error());
            continue;
        }
        item_count = 0;
        present_first(keeper);
        after = items[0];
        rc = 2;
        aftermath(true, &rc);
        strike();
    } while (died);
    if (!fail_tmpfile && backing == BACKING_FILE && files_in(support_dir(), "store-"))
        fault("%u files are left behind", files_in(support_dir(), "store-"));
    return n - 1;
}

/* ---- all of them ---- */

__attribute__((format(printf, 2, 3))) static void report(bool ok, const char *format, ...)
{
    va_list args;

    printf("%sok %d - ", ok ? "" : "not ", ++tests);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    failed_cases += !ok;
}

int main(int argc, char **argv)
{
    static const char *const backing_names[BACKINGS] = {"memory", "file", "memfd"};
    static const struct scene creation = {.name = "create"};
    static const struct scene creation_named = {.name = "create without O_TMPFILE"};
    const char *only = NULL;
    /* One in `every` deaths is looked at by cleaners that die. */
    unsigned every = SANITIZED || getenv("SPLINTER_TEST_SHORT") ? 0 : 5, unreached = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--twice") && i + 1 < argc) {
            i++;
            every = !strcmp(argv[i], "ALL") ? 1 : !strcmp(argv[i], "FEW") ? 5 : 0;
            if (!every && strcmp(argv[i], "NONE")) {
                fprintf(stderr, "%s: --twice is '%s', allowed are ALL, FEW and NONE\n", argv[0],
                        argv[i]);
                return 2;
            }
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: %s [--twice ALL|FEW|NONE] [NAME]\n", argv[0]);
            return 2;
        } else {
            only = argv[i];
        }
    }
    /* Thousands of stores are made and removed: not on a disk, unless it is asked for. */
    if (!getenv("SPLINTER_TEST_DISK"))
        setenv("TMPDIR", "/dev/shm", 1);
    support_start();
    fault_hook = at_step;
    fail_seed = UINT64_C(0x123456789abcdef); /* keys lie in the same buckets every time */
    board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        die("mmap: %s", strerror(errno));
#ifdef TEST_PERSISTENT
    backing = BACKING_FILE;
#else
    backing = BACKING_MEMORY;
#endif
    report(collect_steps(), "every step has a name of its own");
    for (unsigned i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        unsigned deaths = 0, twice = 0;

        scene = &scenes[i];
        if ((only && strcmp(only, scene->name)) ||
            (scene->flags & DURABLE && backing != BACKING_FILE))
            continue;
        failures = 0;
        for (int by_keeper = 0; by_keeper < 2; by_keeper++)
            deaths += play(by_keeper, scene->flags & SLOW ? 0 : every, &twice);
        report(!failures && deaths, "%s: %s (%u deaths, %u of cleaners)", backing_names[backing],
               scene->name, deaths, twice);
    }
    for (int named = 0; named < 2; named++) {
        unsigned deaths;

        scene = named ? &creation_named : &creation;
        if (only && strcmp(only, scene->name))
            continue;
        fail_tmpfile = named;
        failures = 0;
        deaths = play_creation();
        fail_tmpfile = 0;
        report(!failures && deaths, "%s: %s (%u deaths)", backing_names[backing], scene->name,
               deaths);
    }
    for (unsigned i = 0; i < step_count && every && !only; i++)
        if (!board->died[i] && !(backing != BACKING_FILE && durable_step(steps[i]))) {
            printf("# nobody died at '%s'\n", steps[i]);
            unreached++;
        }
    if (!every)
        report(true, "somebody died at each step # SKIP no cleaner dies in a short run");
    else if (!only)
        report(!unreached, "somebody died at each of the %u steps%s", step_count,
               backing == BACKING_FILE ? "" : ", but those of stores in files");
    printf("1..%d\n", tests);
    return failed_cases ? 1 : 0;
}
