/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - every call of the library, on a store of which nothing is known; see calls.h */
#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "watch.h"

#define BEHIND 16
#define MARK 0xA5

static const char *volatile step = "";
const char *volatile *attack_step = &step;

static struct attack *now; /* whose loads are counted */
static uint64_t allowed;

/* ---- loads ---- */

/* The next load at which something is to happen. */
static void arm(void)
{
    uint64_t strike = now && now->when > watch_loads ? now->when : UINT64_MAX;
    watch_event = strike < allowed ? strike : allowed;
}

void watch_reached(void)
{
    struct attack *attack = now;
    if (attack && attack->when == watch_loads) {
        attack->when = 0;
        watch_event = 0; /* what the attacker does is not counted against the call */
        attack->strike(attack);
    } else if (watch_loads >= allowed) {
        fprintf(stderr, "# %s goes round in circles\n", *attack_step);
        abort();
    }
    arm();
}

static void begin(struct attack *attack, const char *what)
{
    *attack_step = what;
    now = attack;
    allowed = watch_loads + LOADS_MAX;
    arm();
}

/* ---- results ---- */

static void may_be(int r, const int *errors)
{
    if (r >= 0)
        return;
    for (; *errors; errors++)
        if (r == -*errors)
            return;
    fprintf(stderr, "# %s returned %d (%s), which it may not\n", *attack_step, r, strerror(-r));
    abort();
}

#define MAY_BE(r, ...) may_be((r), (const int[]){__VA_ARGS__, 0})
/* The first change or sync attaches, and so has the errors of an open as well. */
#define ATTACH_ERRORS ENOSPC, EAGAIN, EROFS, EBADMSG
#define WRITE_ERRORS ATTACH_ERRORS, EINPROGRESS

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "# %s: %s\n", *attack_step, what);
    abort();
}

static void meta_is_sane(const struct splinter_meta *m)
{
    must(m->struct_size == sizeof *m && m->type <= 65535, "meta is no meta");
}

/* ---- opening ---- */

#define OPEN_ERRORS EBADMSG, EPROTO, ENOSPC, ENOMEM, EUSERS

int attack_open(struct attack *attack, uint32_t flags)
{
    struct splinter_open_options o = {.struct_size = sizeof o, .flags = flags};
    begin(attack, "open");
    attack->read_only = flags & SPLINTER_RDONLY;
    int r = splinter_store_open_fd(&attack->store, image_file(), &o);
    MAY_BE(r, OPEN_ERRORS);
    must(!r || *splinter_last_error(), "there is no sentence for the error");
    must(!r == !!attack->store, "a handle without success, or the other way round");
    return r;
}

void attack_close(struct attack *attack)
{
    begin(attack, "close");
    splinter_feed_close(attack->feed);
    splinter_store_close(attack->second);
    splinter_store_close(attack->store);
    attack->feed = NULL;
    attack->second = attack->store = NULL;
    now = NULL;
    allowed = UINT64_MAX;
    arm();
}

/* ---- calls ---- */

/* With a meta of that size; 0: without one. */
static void get(struct attack *attack, const char *key, size_t size, size_t meta_size)
{
    uint8_t *buf = malloc(size + BEHIND);
    size_t got = SIZE_MAX;
    struct splinter_meta m = {.struct_size = meta_size};
    if (!buf)
        return;
    memset(buf, MARK, size + BEHIND);
    begin(attack, meta_size ? "get with meta" : "get");
    int r = splinter_store_get(attack->store, key, buf, size, &got, meta_size ? &m : NULL);
    MAY_BE(r, ENOENT, EMSGSIZE, EAGAIN, EBADMSG, EBADF);
    for (size_t i = 0; i < BEHIND; i++)
        must(buf[size + i] == MARK, "bytes behind the buffer were written");
    if (!r || r == -EMSGSIZE) {
        must(got <= geometry_of(attack->store)->max_value, "a value longer than the store allows");
        must((got <= size) == !r, "the length does not fit the result");
        if (meta_size) {
            must(m.struct_size == meta_size, "a meta of another size");
            m.struct_size = sizeof m;
            meta_is_sane(&m);
            must(m.value_size == got, "two lengths");
            attack->epoch = m.epoch;
        }
    }
    free(buf);
}

static void size_only(struct attack *attack, const char *key)
{
    size_t got = SIZE_MAX;
    begin(attack, "get of the size");
    int r = splinter_store_get(attack->store, key, NULL, 0, &got, NULL);
    MAY_BE(r, ENOENT, EAGAIN, EBADMSG);
    must(r || got <= geometry_of(attack->store)->max_value, "a value longer than the store allows");
}

static size_t length_for(const struct attack *attack, unsigned number)
{
    uint32_t most = geometry_of(attack->store)->max_value;
    static const uint32_t some[] = {1, 8, 15, 16, 17, 40, 100, 255, 1000, 5000, UINT32_MAX};
    uint32_t length = some[number % (sizeof some / sizeof *some)];
    return length < most ? length : most;
}

static void set(struct attack *attack, const char *key, unsigned number, uint32_t flags,
                uint64_t ttl_ns)
{
    size_t length = length_for(attack, number);
    uint8_t *value = malloc(length);
    struct splinter_set_options o = {.struct_size = sizeof o,
                                     .flags = flags,
                                     .type = number % 65536,
                                     .ttl_ns = ttl_ns,
                                     .if_epoch = attack->epoch};
    if (!value)
        return;
    memset(value, (int)number, length);
    begin(attack, "set");
    int r = splinter_store_set(attack->store, key, value, length, &o, &attack->epoch);
    MAY_BE(r, WRITE_ERRORS, EEXIST, ENOENT, ESTALE);
    flags &= SPLINTER_IF_ABSENT | SPLINTER_IF_EPOCH;
    must(!r || flags || (r != -EEXIST && r != -ENOENT && r != -ESTALE), "no condition was asked");
    must(r != -EROFS || attack->read_only, "read-only it is not");
    must(r || !attack->read_only, "read-only it is");
    free(value);
}

static void unset(struct attack *attack, const char *key, uint64_t if_epoch)
{
    size_t length = 0;
    begin(attack, "unset");
    int r = splinter_store_unset(attack->store, key, if_epoch, &length);
    MAY_BE(r, WRITE_ERRORS, ENOENT, ESTALE);
}

static void append(struct attack *attack, const char *key, unsigned number)
{
    uint8_t value[300];
    size_t length = length_for(attack, number);
    memset(value, (int)number, sizeof value);
    begin(attack, "append");
    int r = splinter_store_append(attack->store, key, value,
                                  length < sizeof value ? length : sizeof value, NULL);
    MAY_BE(r, WRITE_ERRORS, EMSGSIZE, ENOMEM);
}

static void touch(struct attack *attack, const char *key)
{
    begin(attack, "touch");
    int r = splinter_store_touch(attack->store, key, NULL);
    MAY_BE(r, WRITE_ERRORS, ENOENT, ENOMEM);
}

static void add(struct attack *attack, const char *key, unsigned number)
{
    int64_t sum;
    begin(attack, "add");
    int r = splinter_store_add(attack->store, key, (int64_t)number - 100, &sum);
    MAY_BE(r, WRITE_ERRORS, EINVAL, ERANGE, EMSGSIZE);
}

/* A lease that this handle got it may lose, as everything in the store changes. */
static void lease(struct attack *attack, const char *key, unsigned number)
{
    uint64_t token = attack->epoch ? attack->epoch : 1;
    begin(attack, "lease");
    int r = splinter_lease_acquire(attack->store, key, NULL, 0, NULL, number % 3, &token);
    MAY_BE(r, WRITE_ERRORS, EEXIST, ETIMEDOUT, EMSGSIZE);
    r = splinter_lease_renew(attack->store, key, number % 2, &token);
    MAY_BE(r, WRITE_ERRORS, ESTALE, ENOMEM, EINVAL);
    r = splinter_lease_release(attack->store, key, token);
    MAY_BE(r, WRITE_ERRORS, ESTALE, EINVAL);
}

static void walk(struct attack *attack, const char *prefix, uint64_t cursor)
{
    char key[SPLINTER_KEY_MAX + BEHIND];
    struct splinter_meta m = {.struct_size = sizeof m};
    uint64_t slots = (uint64_t)geometry_of(attack->store)->buckets * BUCKET_SLOTS;
    int r;
    begin(attack, "walk");
    memset(key, MARK, sizeof key);
    uint64_t met = 0;
    while ((r = splinter_store_walk(attack->store, prefix, &cursor, key, &m)) == 1) {
        must(met++ < slots, "more keys than slots");
        must(strnlen(key, SPLINTER_KEY_MAX) < SPLINTER_KEY_MAX, "a key without an end");
        meta_is_sane(&m);
        for (size_t k = SPLINTER_KEY_MAX; k < sizeof key; k++)
            must((uint8_t)key[k] == MARK, "bytes behind the key were written");
    }
    must(!r, "an error that walk does not have");
}

static void wait_for(struct attack *attack, const char *key, uint64_t epoch, uint64_t timeout_ms)
{
    begin(attack, "wait");
    int r = splinter_store_wait(attack->store, key, epoch, timeout_ms, &attack->epoch);
    MAY_BE(r, ETIMEDOUT, ENOENT);
}

static void wait_any(struct attack *attack, uint64_t epoch, uint64_t timeout_ms)
{
    begin(attack, "wait for anything");
    int r = splinter_store_wait_any(attack->store, epoch, timeout_ms, &epoch);
    MAY_BE(r, ETIMEDOUT);
}

static void wait_many(struct attack *attack, const char *key, uint64_t timeout_ms)
{
    const char *keys[] = {"k", key};
    uint64_t epochs[] = {UINT64_MAX, attack->epoch}, epoch;
    size_t which = 2, count = strcmp(key, keys[0]) ? 2 : 1;
    begin(attack, "wait for many");
    int r = splinter_store_wait_many(attack->store, keys, epochs, count, timeout_ms, &which,
                                     &epoch);
    MAY_BE(r, ETIMEDOUT, ENOENT);
    must(r == -ETIMEDOUT || which < count, "which key it was");
}

static void stat_of(struct attack *attack)
{
    struct splinter_stat st = {.struct_size = sizeof st};
    begin(attack, "stat");
    int r = splinter_store_stat(attack->store, &st);
    must(!r && st.slots == geometry_of(attack->store)->slots && st.attached <= MAX_ENTRIES, "stat");
}

static void problem(void *arg, const char *text)
{
    ++*(int *)arg;
    must(strlen(text) < 1000, "a sentence without an end");
}

static void check(struct attack *attack)
{
    int told = 0;
    begin(attack, "check");
    int r = splinter_store_check(attack->store, problem, &told);
    MAY_BE(r, EAGAIN, ENOMEM);
    must(r < 0 || told == r, "problems without a sentence, or the other way round");
}

static void sweep(struct attack *attack)
{
    begin(attack, "sweep");
    int r = splinter_store_sweep(attack->store);
    MAY_BE(r, EROFS);
    must(r < 0 || (uint32_t)r <= geometry_of(attack->store)->buckets * BUCKET_SLOTS, "too many");
}

static void trim(struct attack *attack)
{
    begin(attack, "trim");
    int r = splinter_store_trim(attack->store, NULL);
    MAY_BE(r, ATTACH_ERRORS);
}

static void reopen(struct attack *attack, uint32_t flags)
{
    if (attack->read_only)
        flags |= SPLINTER_RDONLY;
    attack_close(attack);
    attack_open(attack, flags);
}

static void sync_it(struct attack *attack)
{
    begin(attack, "sync");
    int r = splinter_store_sync(attack->store);
    MAY_BE(r, ATTACH_ERRORS);
}

static void hold(struct attack *attack)
{
    begin(attack, "hold");
    int r = splinter_store_hold(attack->store);
    MAY_BE(r, ATTACH_ERRORS);
    begin(attack, "release");
    r = splinter_store_release(attack->store);
    MAY_BE(r, ATTACH_ERRORS, EINVAL);
}

#define EVENTS 30 /* at most read of a feed in one call */

static void event_is_sane(const struct splinter_event *e, const char *prefix, size_t size)
{
    must(e->struct_size == sizeof *e, "an event of another size");
    must(e->what >= SPLINTER_EVENT_SET && e->what <= SPLINTER_EVENT_READY, "no such event");
    must(!(e->flags & ~7u), "an event with other flags");
    must(strnlen(e->key, SPLINTER_KEY_MAX) < SPLINTER_KEY_MAX, "a key without an end");
    must(!(e->flags & SPLINTER_EVENT_VALUE) || e->value_size <= size, "a value longer than fits");
    if (e->what == SPLINTER_EVENT_GAP || e->what == SPLINTER_EVENT_READY)
        must(!*e->key, "a key of no change");
    else
        must(*e->key && !strncmp(e->key, prefix, strlen(prefix)), "a key that was not asked for");
}

static void read_feed(struct attack *attack, splinter_feed *f, const char *prefix, unsigned number)
{
    struct splinter_event e;
    uint8_t buf[64 + BEHIND];
    size_t size = number % 2 ? 64 : 8;
    for (int i = 0; i < EVENTS; i++) {
        memset(&e, MARK, sizeof e);
        e.struct_size = sizeof e;
        memset(buf, MARK, sizeof buf);
        begin(attack, "read of a feed");
        int r = splinter_feed_next(f, &e, number % 3 ? buf : NULL, size, number % 30);
        MAY_BE(r, ETIMEDOUT, ENOMEM);
        for (size_t k = size; k < sizeof buf; k++)
            must(buf[k] == MARK, "bytes behind a value were written");
        if (r)
            break;
        event_is_sane(&e, prefix, size);
    }
}

/* One that begins here, or goes on from where another one was; and one that stays open. */
static void feeds(struct attack *attack, unsigned number)
{
    struct splinter_feed_options o = {.struct_size = sizeof o};
    splinter_feed *f;
    begin(attack, "open a feed");
    if (!attack->feed) {
        int r = splinter_feed_open(&attack->feed, attack->store, NULL);
        MAY_BE(r, EOPNOTSUPP, ENOMEM);
        must(!r == !!geometry_of(attack->store)->feed, "a feed of a store without, or none");
        if (r)
            return;
    }
    int r = splinter_feed_position(attack->feed, &o.from);
    must(!r, "position");
    o.flags = number % 4;
    o.prefix = number % 5 ? NULL : "k";
    if (number % 7) /* nearly always this far back; else from before the store was rebuilt */
        o.from.number -= o.from.number < number * 2 ? o.from.number : number * 2;
    else
        o.from.store ^= 1;
    begin(attack, "open another feed");
    r = splinter_feed_open(&f, attack->store, &o);
    MAY_BE(r, ESTALE, ERANGE, ENOMEM);
    if (!r) {
        read_feed(attack, f, o.prefix ? o.prefix : "", number);
        splinter_feed_close(f);
    }
    read_feed(attack, attack->feed, "", number + 1);
}

/* Messages that are read are no longer than the topic allows, and nothing behind the buffer is
 * written. */
static void use_topic(struct attack *attack, splinter_topic *t, unsigned number)
{
    struct splinter_topic_stat st = {.struct_size = sizeof st};
    struct splinter_message m = {.struct_size = sizeof m};
    uint64_t position = number % 3 ? number : SPLINTER_TOPIC_OLDEST - (uint64_t)(number / 3 % 3);
    uint8_t buf[64 + BEHIND];
    begin(attack, "publish");
    int r = splinter_topic_publish(t, "a message", 1 + number % 9, NULL, NULL);
    MAY_BE(r, WRITE_ERRORS, EIDRM, EMSGSIZE);
    begin(attack, "stat of a topic");
    r = splinter_topic_stat(t, &st);
    MAY_BE(r, ATTACH_ERRORS, EIDRM);
    must(r || st.oldest <= st.next, "a topic that ends before it begins");
    for (int i = 0; i < 8; i++) {
        memset(buf, MARK, sizeof buf);
        begin(attack, "read of a topic");
        r = splinter_topic_read(t, &position, buf, 64, &m);
        MAY_BE(r, ATTACH_ERRORS, EOVERFLOW, ERANGE, EIDRM, EMSGSIZE);
        for (size_t k = r ? 0 : m.size; k < sizeof buf; k++)
            must(k < 64 || buf[k] == MARK, "bytes behind a message were written");
        if (r && r != -EOVERFLOW)
            break;
    }
    begin(attack, "wait for a topic");
    r = splinter_topic_wait(t, &position, number % 5);
    MAY_BE(r, ATTACH_ERRORS, ETIMEDOUT, ERANGE, EIDRM);
}

static void topics(struct attack *attack, unsigned number)
{
    struct splinter_topic_options o = {.struct_size = sizeof o, .flags = SPLINTER_CREATE};
    uint64_t cursor = number;
    char name[SPLINTER_TOPIC_NAME_MAX];
    splinter_topic *t;
    o.capacity = 2;
    begin(attack, "open a topic");
    int r = splinter_topic_open(&t, attack->store, "topic", number % 3 ? NULL : &o);
    if (r == -ENOENT && number % 3)
        r = splinter_topic_open(&t, attack->store, "topic", &o);
    MAY_BE(r, WRITE_ERRORS, EINVAL, EMSGSIZE, EPROTO);
    if (!r) {
        use_topic(attack, t, number);
        splinter_topic_close(t);
    }
    begin(attack, "walk over topics");
    uint64_t slots = (uint64_t)geometry_of(attack->store)->buckets * BUCKET_SLOTS, met = 0;
    while ((r = splinter_topic_walk(attack->store, &cursor, name)) == 1)
        must(met++ < slots, "more topics than slots");
    must(!r, "an error that a walk does not have");
    if (number % 4)
        return;
    begin(attack, "remove a topic");
    r = splinter_topic_remove(attack->store, "topic");
    MAY_BE(r, WRITE_ERRORS, ENOENT, EPROTO);
}

/* Items are no longer than the queue allows, nothing behind the buffer is written, and there are no
 * more of them than fit. */
static void use_queue(struct attack *attack, splinter_queue *q, unsigned number)
{
    struct splinter_queue_stat st = {.struct_size = sizeof st};
    struct splinter_item item = {.struct_size = sizeof item};
    uint8_t buf[64 + BEHIND];
    begin(attack, "push");
    int r = splinter_queue_push(q, "an item", 1 + number % 7, NULL, number % 3, NULL);
    MAY_BE(r, WRITE_ERRORS, EIDRM, EMSGSIZE, ETIMEDOUT);
    begin(attack, "stat of a queue");
    r = splinter_queue_stat(q, &st);
    MAY_BE(r, ATTACH_ERRORS, EIDRM);
    must(r || st.waiting + st.taken <= st.capacity, "more items than fit");
    for (int i = 0; i < 4; i++) {
        memset(buf, MARK, sizeof buf);
        begin(attack, "take");
        r = splinter_queue_take(q, buf, 64, number % 2, number % 3, &item);
        MAY_BE(r, WRITE_ERRORS, EIDRM, EMSGSIZE, ETIMEDOUT);
        for (size_t k = r ? 0 : item.size; k < sizeof buf; k++)
            must(k < 64 || buf[k] == MARK, "bytes behind an item were written");
        if (r) { /* what somebody else has, with a ticket that is as good as his */
            item = (struct splinter_item){.struct_size = sizeof item, .number = 1 + number % 8,
                                          .delivery = 1};
            r = splinter_queue_ack(q, &item);
            MAY_BE(r, WRITE_ERRORS, EIDRM, ESTALE);
            break;
        }
        begin(attack, "the end of a hand-out");
        r = i % 2 ? splinter_queue_nack(q, &item) : splinter_queue_ack(q, &item);
        MAY_BE(r, WRITE_ERRORS, EIDRM, ESTALE);
    }
}

static void queues(struct attack *attack, unsigned number)
{
    struct splinter_topic_options o = {.struct_size = sizeof o, .flags = SPLINTER_CREATE};
    uint64_t cursor = number;
    char name[SPLINTER_TOPIC_NAME_MAX];
    splinter_queue *q;
    o.capacity = 2;
    begin(attack, "open a queue");
    const char *which = number % 5 ? "queue" : "topic";
    int r = splinter_queue_open(&q, attack->store, which, number % 3 ? NULL : &o);
    if (r == -ENOENT && number % 3)
        r = splinter_queue_open(&q, attack->store, which, &o);
    MAY_BE(r, WRITE_ERRORS, EINVAL, EMSGSIZE, EPROTO);
    if (!r) {
        use_queue(attack, q, number);
        splinter_queue_close(q);
    }
    begin(attack, "walk over queues");
    uint64_t slots = (uint64_t)geometry_of(attack->store)->buckets * BUCKET_SLOTS, met = 0;
    while ((r = splinter_queue_walk(attack->store, &cursor, name)) == 1)
        must(met++ < slots, "more queues than slots");
    must(!r, "an error that a walk does not have");
    if (number % 4)
        return;
    begin(attack, "remove a queue");
    r = splinter_queue_remove(attack->store, "queue");
    MAY_BE(r, WRITE_ERRORS, ENOENT, EPROTO);
}

static void say_problem(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "# check: %s\n", text);
}

/* And what is in it is a store, whatever it was made from. */
static void snapshot(struct attack *attack)
{
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    splinter_store *copy;
    if (fd < 0 || watch_refuse) {
        close(fd);
        return;
    }
    begin(attack, "snapshot");
    int r = splinter_store_snapshot_fd(attack->store, fd);
    MAY_BE(r, ENOSPC, ENOMEM, EAGAIN, EBADMSG);
    if (!r) {
        r = splinter_store_open_fd(&copy, fd, NULL);
        must(!r, "the snapshot cannot be opened");
        r = splinter_store_check(copy, say_problem, NULL);
        must(!r, "something is wrong with the snapshot");
        splinter_store_close(copy);
    }
    close(fd);
}

/* Another handle comes, changes the key, and goes, or stays. */
static void another(struct attack *attack, const char *key, bool stays)
{
    if (watch_refuse)
        return;
    begin(attack, "a second handle");
    if (!attack->second)
        MAY_BE(splinter_store_open_fd(&attack->second, image_file(), NULL), OPEN_ERRORS);
    if (!attack->second)
        return;
    int r = splinter_store_set(attack->second, key, "another", 1, NULL, NULL);
    MAY_BE(r, WRITE_ERRORS);
    if (!stays) {
        splinter_store_close(attack->second);
        attack->second = NULL;
    }
}

/* The bus verbs, on a store of their own. */
static void verbs(struct attack *attack, const char *key)
{
    char path[64], buf[100];
    char *keys[8];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", image_file());
    begin(attack, "the bus verbs");
    if (splinter_open(path)) {
        MAY_BE(-errno, OPEN_ERRORS);
        return;
    }
    if (splinter_get(key, buf, sizeof buf, &n))
        MAY_BE(-errno, ENOENT, EMSGSIZE, EAGAIN, EBADMSG);
    if (splinter_get(key, NULL, 0, &n))
        MAY_BE(-errno, ENOENT, EAGAIN, EBADMSG);
    if (splinter_set(key, "v", 1))
        MAY_BE(-errno, WRITE_ERRORS);
    must(!splinter_list(NULL, 0, &n) &&
             n <= geometry_of(attack->store)->buckets * BUCKET_SLOTS,
         "list");
    must(!splinter_list(keys, 8, &n) && n <= 8, "list");
    for (size_t i = 0; i < n; i++)
        must(strlen(keys[i]) < SPLINTER_KEY_MAX, "a key without an end");
    if (splinter_sync())
        MAY_BE(-errno, ATTACH_ERRORS);
    if (splinter_poll(key, 1))
        MAY_BE(-errno, ETIMEDOUT, ENOENT, EAGAIN, EBADMSG);
    int r = splinter_unset(key);
    if (r < 0)
        MAY_BE(-errno, WRITE_ERRORS, ENOENT);
    splinter_close();
}

/* It has no name to remove; but it is looked at first. */
static void unlink_of(struct attack *attack)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image_file());
    begin(attack, "unlink");
    int r = splinter_store_unlink(path, SPLINTER_FILE);
    must(r < 0 && *splinter_last_error(), "unlink");
}

/* Longer than a function should be: it is a table of what each number calls. */
void attack_call(struct attack *attack, unsigned call, unsigned key_number, unsigned number)
{
    const char *key = image_key(key_number);
    if (!attack->store)
        return;
    uint32_t most = geometry_of(attack->store)->max_value;
    switch (call % CALLS) {
    case 0:
        get(attack, key, most, 0);
        break;
    case 1:
        get(attack, key, most, sizeof(struct splinter_meta));
        break;
    case 2:
        get(attack, key, number % (most + 1),
            !(number & 1) ? 0 : sizeof(struct splinter_meta) - (number & 2 ? 4 : 0));
        break;
    case 3:
        size_only(attack, key);
        break;
    default:
    case 4:
        set(attack, key, number, 0, 0);
        break;
    case 5:
        set(attack, key, number, SPLINTER_IF_ABSENT, 0);
        break;
    case 6:
        set(attack, key, number, SPLINTER_IF_EPOCH, 0);
        break;
    case 7:
        set(attack, key, number, number & 2 ? SPLINTER_EPHEMERAL : 0,
            number % 2 ? 1 : UINT64_MAX);
        break;
    case 8:
        unset(attack, key, 0);
        break;
    case 9:
        unset(attack, key, attack->epoch);
        break;
    case 10:
        append(attack, key, number);
        touch(attack, key);
        break;
    case 11:
        add(attack, key, number);
        lease(attack, key, number);
        break;
    case 12:
        walk(attack, NULL, 0);
        if (number % 4 == 1)
            topics(attack, number / 4);
        else if (number % 4 == 3)
            queues(attack, number / 4);
        break;
    case 13:
        walk(attack, "k", number);
        break;
    case 14:
        wait_for(attack, key, 0, 0);
        break;
    case 15:
        wait_for(attack, key, attack->epoch, number % 300);
        wait_many(attack, key, number % 30);
        break;
    case 16:
        wait_any(attack, 0, 0);
        break;
    case 17:
        wait_any(attack, UINT64_MAX, number * 10);
        break;
    case 18:
        stat_of(attack);
        break;
    case 19:
        check(attack);
        break;
    case 20:
        sweep(attack);
        trim(attack);
        break;
    case 21:
        reopen(attack, 0);
        break;
    case 22:
        another(attack, key, false);
        break;
    case 23:
        another(attack, key, true);
        break;
    case 24:
        verbs(attack, key);
        break;
    case 25:
        unlink_of(attack);
        break;
    case 32:
        feeds(attack, number);
        break;
    case 33:
        topics(attack, number);
        break;
    case 34:
        queues(attack, number);
        break;
    case 35:
        hold(attack);
        break;
    case 28:
        sync_it(attack);
        break;
    case 29:
        snapshot(attack);
        break;
    case 30:
        reopen(attack, SPLINTER_REBUILD);
        break;
    case 31:
        reopen(attack, SPLINTER_SYNC_EACH);
        break;
    case 26: /* fill it up */
        for (unsigned k = 0; k < IMAGE_KEYS; k++)
            set(attack, image_key(k), number + k, 0, 0);
        break;
    case 27: /* and empty it */
        for (unsigned k = 0; k < IMAGE_KEYS; k++)
            unset(attack, image_key(k), 0);
        break;
    }
}

void attack_all(struct attack *attack)
{
    static const uint8_t keys[] = {0, 5, 3, 16, 18, 23};
    for (unsigned i = 0; i < sizeof keys; i++)
        for (unsigned call = 0; call < 12; call++)
            attack_call(attack, call, keys[i], call + i);
    for (unsigned call = 12; call < CALLS; call++)
        attack_call(attack, call, call % 5, call + 1);
    attack_call(attack, 4, 0, 5);
    attack_call(attack, 19, 0, 0);
}

void attack_each(struct attack *attack, unsigned n)
{
    static const uint8_t keys[] = {0, 1, 3, 5, 4, 18, 23};
    bool feed = attack->store && geometry_of(attack->store)->feed;
    if (feed) /* those that begin later follow what the other calls do */
        attack_call(attack, 32, 0, n);
    for (unsigned call = 0; call < CALLS; call++)
        if (call != 21 && call != 25 && call != 29 &&
            (call < 30 || n % 16 == 0 || (feed && call >= 32)))
            attack_call(attack, call, keys[(call + n) % sizeof keys], call + n);
    attack_call(attack, n % 16 ? 19 : 29, 0, 0);
    attack_call(attack, 21, 0, 0);
    attack_call(attack, 4, n % 5, n);
}
