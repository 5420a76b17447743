/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_structs.c - structures that a program and the library know in different versions
 *
 * Each call that takes a structure gets it in every size: shorter ones, as a program has that was
 * built with an older header, and longer ones, as from a newer header.  Each ends where its page
 * ends, and the next page is out of reach: a call that looks or writes beyond dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"
#include "tap.h"

#define MORE 24      /* bytes by which a longer structure is longer */
#define TOO_LONG 4097 /* no version of any structure is that long */
#define UNTOUCHED 0xa5

#define SLOTS 10
#define MAX_VALUE 1000
#define LONG_VALUE 500 /* which the fast path of a get leaves to the slow one */
#define LIFE_NS UINT64_C(3600000000000)

static int faults;

static void is(int line, size_t size, int64_t got, int64_t want)
{
    if (got == want)
        return;
    if (faults++ < 20)
        printf("# line %d, %zu bytes: %" PRId64 " instead of %" PRId64 "\n", line, size, got, want);
}
#define IS(size, got, want) is(__LINE__, (size), (got), (want))

/* Bytes before the page that is out of reach. */
static uint8_t *page_end;

static void make_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);

    if (pages == MAP_FAILED || mprotect(pages + 2 * page, page, PROT_NONE))
        die("pages");
    page_end = pages + 2 * page;
}

/* A structure of `size` bytes at the end of the page: as much of `from` as fits, then zeroes.
 * The place is right for a size_t only if the size is. */
static void *ends_here(const void *from, size_t known, size_t size)
{
    uint8_t *at = page_end - size;

    memset(at, 0, size);
    memcpy(at, from, known < size ? known : size);
    memcpy(at, &size, sizeof(size) < size ? sizeof(size) : size);
    return at;
}

/* ---- options: the library reads them ---- */

/* A call that takes options.  0 if it did what they ask for. */
typedef int (*call_fn)(const void *options);

static struct place place;
static splinter_store *store;
static int descriptor;

static int call_set(const void *options)
{
    return splinter_store_set(store, "key", "value", 5, options, NULL);
}

static int call_open(const void *options)
{
    splinter_store *s = (splinter_store *)&place;
    int rc = splinter_store_open(&s, place.name, options);

    if (rc && s)
        IS(0, 1, 0); /* a call that fails gives no handle */
    if (!rc)
        splinter_store_close(s);
    return rc;
}

static int call_open_fd(const void *options)
{
    splinter_store *s = (splinter_store *)&place;
    int rc = splinter_store_open_fd(&s, descriptor, options);

    if (rc && s)
        IS(0, 1, 0);
    if (!rc)
        splinter_store_close(s);
    return rc;
}

/* What is so for every structure of options: `full`, of `known` bytes, is allowed as it is. */
static void options_of_any_size(call_fn call, const void *full, size_t known)
{
    IS(known, call(ends_here(full, known, known)), 0);
    for (size_t size = known + 1; size <= known + MORE; size++) {
        uint8_t *at = ends_here(full, known, size);

        IS(size, call(at), 0);
        for (size_t i = known; i < size; i++) {
            at[i] = i & 1 ? 1 : 0x80;
            IS(size, call(at), -E2BIG);
            at[i] = 0;
        }
    }
    IS(4096, call(ends_here(full, known, 4096)), 0);
    /* One of a size that cannot be is not looked at. */
    for (size_t size = 0; size < sizeof(size_t); size++) {
        uint8_t *at = ends_here(full, known, known);

        memcpy(at, &size, sizeof(size));
        IS(size, call(at), -EINVAL);
    }
    for (size_t size = TOO_LONG; size; size *= 2) {
        uint8_t *at = ends_here(full, known, known);

        memcpy(at, &size, sizeof(size));
        IS(size, call(at), -E2BIG);
    }
}

/* Where a member ends: a structure of that size is one of a version without the next ones. */
#define END(type, member) (offsetof(struct type, member) + sizeof(((struct type *)0)->member))
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void set_options(int backing)
{
    struct splinter_set_options full = {.type = 700, .ttl_ns = LIFE_NS};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    const size_t ends[] = {
        END(splinter_set_options, struct_size), END(splinter_set_options, flags),
        END(splinter_set_options, type),        END(splinter_set_options, ttl_ns),
        sizeof(full),                           sizeof(full) + MORE,
    };
    uint64_t epoch;

    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    for (unsigned i = 0; i < COUNT(ends); i++) {
        size_t size = ends[i];

        IS(size, call_set(ends_here(&full, sizeof(full), size)), 0);
        IS(size, splinter_store_get(store, "key", NULL, 0, NULL, &meta), 0);
        IS(size, meta.type, size >= END(splinter_set_options, type) ? 700 : 0);
        IS(size, meta.ttl_ns > 0, size >= END(splinter_set_options, ttl_ns));
    }
    /* The epoch is compared with 0 if the structure ends before it. */
    full.flags = SPLINTER_IF_EPOCH;
    for (size_t size = offsetof(struct splinter_set_options, if_epoch); size <= sizeof(full);
         size += sizeof(full.if_epoch)) {
        IS(size, splinter_store_get(store, "key", NULL, 0, NULL, &meta), 0);
        full.if_epoch = meta.epoch;
        IS(size, call_set(ends_here(&full, sizeof(full), size)),
           size < sizeof(full) ? -ESTALE : 0);
    }
    full = (struct splinter_set_options){.type = 700};
    options_of_any_size(call_set, &full, sizeof(full));
    /* What is refused changes nothing. */
    IS(0, splinter_store_get(store, "key", NULL, 0, NULL, &meta), 0);
    epoch = meta.epoch;
    uint8_t *at = ends_here(&full, sizeof(full), sizeof(full) + 1);
    at[sizeof(full)] = 1;
    IS(0, call_set(at), -E2BIG);
    IS(0, splinter_store_get(store, "key", NULL, 0, NULL, &meta), 0);
    IS(0, (int64_t)meta.epoch, (int64_t)epoch);
    place_end(&place, store);
    report(!faults, "%s: options of a set have any size", backing_names[backing]);
    faults = 0;
}

static unsigned progresses;

static void progress(void *arg, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    progresses += arg == &progresses;
}

/* By how much they reach, what an open with these options does. */
static void open_shorter(int backing)
{
    struct splinter_open_options full = {.flags = place.flags, .slots = SLOTS,
                                         .max_value = MAX_VALUE};
    const size_t ends[] = {
        END(splinter_open_options, struct_size),   END(splinter_open_options, flags),
        END(splinter_open_options, mode),          END(splinter_open_options, slots),
        END(splinter_open_options, max_value),     END(splinter_open_options, sync_every_ms),
        END(splinter_open_options, progress),      END(splinter_open_options, progress_arg),
        sizeof(full),                              sizeof(full) + MORE,
    };
    struct splinter_stat st = {.struct_size = sizeof(st)};
    splinter_store *s;

    full.flags |= backing == BACKING_MEMFD ? 0 : SPLINTER_CREATE | SPLINTER_EXCL;
    for (unsigned i = 0; i < COUNT(ends); i++) {
        size_t size = ends[i];
        int rc = splinter_store_open(&s, place.name, ends_here(&full, sizeof(full), size));

        /* Without the flags it is to be opened, and is not there; without a limit that is 0. */
        if (size >= END(splinter_open_options, max_value))
            IS(size, rc, 0);
        else if (size >= END(splinter_open_options, flags))
            IS(size, rc, -EINVAL);
        else
            IS(size, rc < 0, 1);
        if (rc)
            continue;
        IS(size, splinter_store_stat(s, &st), 0);
        IS(size, (int64_t)st.slots, SLOTS);
        IS(size, (int64_t)st.max_value, MAX_VALUE);
        place_end(&place, s);
    }
}

/* An open that rebuilds tells how far it is, if the options reach that far. */
static void rebuild_shorter(bool by_descriptor)
{
    struct splinter_open_options full = {.flags = SPLINTER_FILE | SPLINTER_REBUILD,
                                         .progress = progress, .progress_arg = &progresses};

    for (size_t size = offsetof(struct splinter_open_options, progress); size <= sizeof(full);
         size += sizeof(full.progress)) {
        const void *at = ends_here(&full, sizeof(full), size);

        progresses = 0;
        IS(size, by_descriptor ? call_open_fd(at) : call_open(at), 0);
        IS(size, progresses > 0, size >= END(splinter_open_options, progress_arg));
    }
}

static void open_options(int backing)
{
    struct splinter_open_options full;

    place_new(&place, backing);
    open_shorter(backing);
    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    must(splinter_store_set(store, "key", "value", 5, NULL, NULL), "set");
    full = (struct splinter_open_options){.flags = place.flags, .slots = SLOTS,
                                          .max_value = MAX_VALUE};
    options_of_any_size(call_open, &full, sizeof(full));
    descriptor = splinter_store_fd(store);
    full.flags = 0;
    options_of_any_size(call_open_fd, &full, sizeof(full));
    if (backing == BACKING_FILE) {
        int own = open(place.name, O_RDWR | O_CLOEXEC); /* a duplicate would keep it open */

        splinter_store_close(store);
        descriptor = own;
        rebuild_shorter(false);
        rebuild_shorter(true);
        close(own);
        store = place_again(&place, 0);
    }
    place_end(&place, store);
    report(!faults, "%s: options of an open have any size", backing_names[backing]);
    faults = 0;
}

/* ---- structures that the library fills in ---- */

static const char *asked_key;
static char value[LONG_VALUE];
static size_t room; /* for it; 0: a get of the size alone */

static int call_get(void *meta)
{
    return splinter_store_get(store, asked_key, room ? value : NULL, room, NULL, meta);
}

static int call_walk(void *meta)
{
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;

    return splinter_store_walk(store, asked_key, &cursor, key, meta) - 1;
}

static int call_stat(void *stat)
{
    return splinter_store_stat(store, stat);
}

/* Fills in a structure of every size: `full`, of `known` bytes, is what the call fills in. */
static void filled_in(int (*call)(void *), const void *full, size_t known, int want)
{
    for (size_t size = sizeof(size_t); size <= known + MORE; size++) {
        uint8_t *at = page_end - size;
        size_t both = size < known ? size : known, said;

        memset(at, UNTOUCHED, size);
        memcpy(at, &size, sizeof(size));
        IS(size, call(at), want);
        memcpy(&said, at, sizeof(said));
        IS(size, (int64_t)said, (int64_t)both);
        IS(size, memcmp(at + sizeof(said), (const uint8_t *)full + sizeof(said),
                        both - sizeof(said)), 0);
        for (size_t i = both; i < size; i++)
            IS(size, at[i], UNTOUCHED);
        /* Given again as it is. */
        IS(size, call(at), want);
        memcpy(&said, at, sizeof(said));
        IS(size, (int64_t)said, (int64_t)both);
    }
    for (size_t size = 0; size < sizeof(size_t); size++) {
        uint8_t *at = page_end - known;

        memset(at, UNTOUCHED, known);
        memcpy(at, &size, sizeof(size));
        IS(size, call(at) < 0, 1);
        for (size_t i = sizeof(size); i < known; i++)
            IS(size, at[i], UNTOUCHED);
    }
}

static void metas(int backing)
{
    static const struct {
        const char *key;
        size_t room;
        int want;
    } gets[] = {
        {"short", LONG_VALUE, 0}, {"long", LONG_VALUE, 0}, {"short", 0, 0}, {"long", 0, 0},
        {"short", 1, -EMSGSIZE},
    };
    struct splinter_set_options o = {.struct_size = sizeof(o), .type = 700};
    struct splinter_meta full = {.struct_size = sizeof(full)}, none = full;
    uint64_t epoch;

    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    must(splinter_store_set(store, "long", value, LONG_VALUE, &o, NULL), "set");
    must(splinter_store_set(store, "short", value, 10, &o, NULL), "set");
    must(splinter_store_set(store, "short", value, 20, &o, &epoch), "set");
    for (unsigned i = 0; i < COUNT(gets); i++) {
        bool is_short = gets[i].key[0] == 's';

        asked_key = gets[i].key;
        room = gets[i].room;
        IS(i, call_get(&full), gets[i].want);
        IS(i, full.type, 700);
        IS(i, full.revision, is_short ? 2 : 1);
        IS(i, (int64_t)full.value_size, is_short ? 20 : LONG_VALUE);
        IS(i, is_short ? (int64_t)full.epoch : 0, is_short ? (int64_t)epoch : 0);
        filled_in(call_get, &full, sizeof(full), gets[i].want);
        IS(i, call_walk(&full), 0);
        filled_in(call_walk, &full, sizeof(full), 0);
    }
    /* A call that finds nothing leaves it as it was. */
    memset((uint8_t *)&none + sizeof(size_t), UNTOUCHED, sizeof(none) - sizeof(size_t));
    full = none;
    asked_key = "none";
    IS(0, call_get(&full), -ENOENT);
    IS(0, call_walk(&full), -1);
    IS(0, memcmp(&full, &none, sizeof(full)), 0);
    place_end(&place, store);
    report(!faults, "%s: what is known of a value is filled in as far as both reach",
           backing_names[backing]);
    faults = 0;
}

static void stats(int backing)
{
    struct splinter_stat full = {.struct_size = sizeof(full)};

    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    must(splinter_store_set(store, "key", "value", 5, NULL, NULL), "set");
    IS(0, call_stat(&full), 0);
    IS(0, (int64_t)full.slots, SLOTS);
    IS(0, (int64_t)full.keys, 1);
    IS(0, (int64_t)full.capacity, SLOTS);
    IS(0, full.memory_left <= full.memory_limit, 1);
    filled_in(call_stat, &full, sizeof(full), 0);
    place_end(&place, store);
    report(!faults, "%s: what a store is is filled in as far as both reach",
           backing_names[backing]);
    faults = 0;
}

static splinter_topic *topic;

static int call_topic_open(const void *options)
{
    splinter_topic *t = NULL;
    int rc = splinter_topic_open(&t, store, "topic", options);

    splinter_topic_close(t);
    return rc;
}

static int call_topic_stat(void *out)
{
    return splinter_topic_stat(topic, out);
}

static int call_topic_read(void *out)
{
    uint64_t position = 1;
    char text[10];

    return splinter_topic_read(topic, &position, text, sizeof(text), out);
}

/* What an older program leaves out is 0; what a newer one asks for is refused. */
static void topics(int backing)
{
    struct splinter_topic_options full = {.flags = SPLINTER_CREATE, .capacity = 4,
                                          .max_message = 100};
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    struct splinter_message m = {.struct_size = sizeof(m)};

    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    full.struct_size = sizeof(full);
    IS(0, splinter_topic_open(&topic, store, "topic", &full), 0);
    IS(0, splinter_topic_publish(topic, "message", 7, NULL, NULL), 0);
    full = (struct splinter_topic_options){.id = UINT64_MAX};
    options_of_any_size(call_topic_open, &(struct splinter_topic_options){.capacity = 4},
                        sizeof(full));
    full.struct_size = offsetof(struct splinter_topic_options, id);
    IS(0, call_topic_open(&full), 0);
    full.struct_size = sizeof(full);
    IS(0, call_topic_open(&full), -EIDRM);
    IS(0, call_topic_stat(&st), 0);
    filled_in(call_topic_stat, &st, sizeof(st), 0);
    IS(0, call_topic_read(&m), 0);
    filled_in(call_topic_read, &m, sizeof(m), 0);
    splinter_topic_close(topic);
    place_end(&place, store);
    report(!faults, "%s: what a topic is is filled in as far as both reach",
           backing_names[backing]);
    faults = 0;
}

int main(void)
{
    support_start();
    make_pages();
    for (int backing = 0; backing < BACKINGS; backing++) {
        set_options(backing);
        open_options(backing);
        metas(backing);
        stats(backing);
        topics(backing);
    }
    return tap_end();
}
