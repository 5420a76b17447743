/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_recover.c - what a dead process says it held, and whatever else may stand there
 *
 * A process that dies leaves its entry of the registry: whoever comes next reads there which change
 * was under way, which lock was held, and which blocks were kept, and finishes or frees each.  Here
 * such an entry is written by hand, sensible or not.  Afterwards every key is there, the
 * entry is free, and check finds nothing.  test_steps.c has the entries of real deaths.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "format.h"
#include "support.h"
#include "tap.h"

#define SLOTS 20000 /* 10001 buckets: forty times 256, of which few are in use */
#define MAX_VALUE 2000
#define KEYS 5
#define LANE 5 /* of the dead process: one that it never used */

#define UPDATE 1
#define INSERT 2
#define UNSET 3
#define KEEP 0x80

static int backing, faults;
static char context[200];
static struct place place;
static splinter_store *store;
static struct image image; /* the store, in use */
static unsigned dead;      /* number of its entry, */
static struct raw_lane *lane; /* and its lane */

__attribute__((format(printf, 1, 2))) static void fault(const char *format, ...)
{
    va_list args;

    if (++faults > 20)
        return;
    printf("# %s: ", context);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void key_of(char key[16], int i)
{
    snprintf(key, 16, "key%d", i);
}

static size_t value_of(char value[64], int i)
{
    return (size_t)snprintf(value, 64, "the value of key %d", i);
}

/* ---- a process that dies ---- */

static void dies_attached(void)
{
    pid_t pid;
    int status;

    pid = fork_child();
    if (!pid) {
        splinter_store *s = place_again(&place, 0);

        /* So there are blocks that it keeps for its next records. */
        if (splinter_store_set(s, "its own", "MARK OF THE DEAD", 16, NULL, NULL) ||
            splinter_store_set(s, "its own", "another", 7, NULL, NULL) ||
            splinter_store_unset(s, "its own", 0, NULL))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    status = reap(pid);
    if (status != 1000 + SIGKILL)
        die("the child ended with %d", status);
    for (dead = 0; dead < 16; dead++)
        if (image_entry(&image, dead)->attached && image_entry(&image, dead)->pid == (uint32_t)pid)
            break;
    if (dead == 16)
        die("the entry of the dead process is not found");
    lane = &image_entry(&image, dead)->lane[LANE];
}

static void begin(void)
{
    char path[600], key[16], value[64];

    store = place_make(&place, backing, SLOTS, MAX_VALUE);
    for (int i = 0; i < KEYS; i++) {
        key_of(key, i);
        if (splinter_store_set(store, key, value, value_of(value, i), NULL, NULL))
            die("set");
    }
    place_path(&place, path, sizeof(path));
    image_map(&image, path);
    dies_attached();
}

static void end(void)
{
    image_free(&image);
    place_end(&place, store);
}

/* The next process comes: it looks after all that are dead, or gets the very entry. */
static void somebody_comes(bool attaches)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    if (attaches)
        splinter_store_close(place_again(&place, 0));
    else if (splinter_store_stat(store, &st) || st.attached != 1)
        fault("%u are attached", st.attached);
}

static void all_is_well(void)
{
    const struct raw_entry *entry = image_entry(&image, dead);
    struct splinter_stat st = {.struct_size = sizeof(st)};
    char key[16], value[64], got[64];
    size_t len;
    int rc;

    if (splinter_store_stat(store, &st) || st.keys != KEYS)
        fault("%llu keys", (unsigned long long)st.keys);
    for (int i = 0; i < KEYS; i++) {
        size_t want = value_of(value, i);

        key_of(key, i);
        rc = splinter_store_get(store, key, got, sizeof(got), &len, NULL);
        if (rc || len != want || memcmp(got, value, len))
            fault("%s: %s", key, rc ? strerror(-rc) : "another value");
    }
    rc = check_store(store);
    if (rc)
        fault("check: %d", rc);
    if (entry->attached)
        fault("the entry is not free");
    for (int l = 0; l < (int)LANES; l++) {
        bool held = entry->lane[l].epoch || entry->lane[l].lock || entry->lane[l].turn & 1;

        for (int k = 0; k < 8; k++)
            held |= entry->lane[l].spare[k] != 0;
        if (held)
            fault("lane %d still says something", l);
    }
    for (int i = 0; i < KEYS; i++) {
        key_of(key, i);
        rc = splinter_store_unset(store, key, 0, NULL);
        if (!rc)
            rc = splinter_store_set(store, key, value, value_of(value, i), NULL, NULL);
        if (rc)
            fault("%s cannot be set again: %s", key, strerror(-rc));
    }
}

/* ---- what is in the store ---- */

static struct raw_record *record(int i)
{
    char key[16];
    struct raw_record *r = NULL;

    key_of(key, i);
    for (unsigned n = 0; (r = image_record(&image, key, n)); n++)
        if (image_head_of(&image, r))
            return r;
    die("%s is not found", key);
}

/* The number of the slot it is in: bucket times three, and which. */
static uint64_t slot_of(int i)
{
    size_t at = (size_t)((uint8_t *)image_head_of(&image, record(i)) - image.bytes) -
                (size_t)image_u64(&image, AT_INDEX_OFF);

    return at / 64 * 3 + (at % 64 - 16) / 16;
}

static uint64_t *head_in(uint64_t slot)
{
    return &image_bucket(&image, (uint32_t)(slot / 3))->slot[slot % 3].head;
}

static uint64_t *hash_in(uint64_t slot)
{
    return &image_bucket(&image, (uint32_t)(slot / 3))->slot[slot % 3].hash;
}

static uint32_t reference(const struct raw_record *r)
{
    return (uint32_t)(((size_t)((const uint8_t *)r - image.bytes) - image.arena) / UNIT_BYTES);
}

/* A block as a lane names it. */
static uint64_t block_name(uint64_t ref)
{
    unsigned slab = (unsigned)(ref * UNIT_BYTES / image.slab_bytes);

    return ref << 32 | (slab < image.slabs ? image_slab(&image, slab)->generation : 0);
}

static uint32_t lane_number(void)
{
    return dead * 16 + LANE + 1;
}

/* A bucket whose 256 nobody has used; nothing there may be touched. */
static uint32_t unused_bucket(void)
{
    for (uint32_t chunk = 0; chunk < 40; chunk++)
        if (!(image_u64(&image, AT_INDEX_MAP) >> chunk & 1))
            return chunk * 256;
    die("every part of the index is in use");
}

static void change(uint8_t kind, uint64_t slot)
{
    lane->epoch = 3;
    lane->kind = kind;
    lane->slot = slot;
    lane->current = UINT64_MAX; /* which no slot ever holds */
    lane->expect = UINT64_MAX - 1;
    lane->old = 0;
    lane->turn = 7;
}

/* ---- changes that were under way ---- */

static void no_slot(void) { change(UPDATE, 3 * (uint64_t)image_u32(&image, AT_BUCKETS)); }
static void no_slot_at_all(void) { change(UNSET, UINT64_MAX); }
static void slot_of_no_use(void) { change(INSERT, 3 * (uint64_t)unused_bucket() + 1); }
static void no_kind(void) { change(0, slot_of(0)); }
static void another_kind(void) { change(9 | KEEP, slot_of(0)); }
static void update_that_was_not_done(void) { change(UPDATE, slot_of(0)); }
static void insert_that_was_not_done(void) { change(INSERT, slot_of(0)); }

/* What is to be freed of a change that was done, but leads nowhere. */
static void nowhere(uint64_t old)
{
    change(UPDATE, slot_of(1));
    lane->current = *head_in(slot_of(1));
    lane->old = old;
}

static void old_beyond_the_arena(void) { nowhere(UINT64_MAX); }
static void old_beyond_the_file(void)
{
    nowhere((uint64_t)(image_u32(&image, AT_SLABS) - 1) * image_u32(&image, AT_SLAB_UNITS) << 32);
}
static void old_in_a_header(void) { nowhere(UINT64_C(1) << 32); }
static void old_in_a_block(void)
{
    nowhere(((uint64_t)reference(record(0)) + 1) << 32);
}

static void update_acknowledged(void)
{
    change(UPDATE, slot_of(1));
    lane->ack = lane->epoch;
    lane->old = UINT64_MAX;
}

/* The key was claimed, and not yet to be found. */
static void insert_that_is_not_visible(void)
{
    uint64_t slot = slot_of(2);

    change(INSERT, slot);
    lane->current = *head_in(slot);
    *hash_in(slot) = 0;
    lane->spare_at = 200;
}

static void unset_that_was_not_done(void)
{
    change(UNSET, slot_of(3));
    lane->current = 0;
    lane->expect = *head_in(slot_of(3));
}

/* The slot has the key, in another version: somebody updated it before. */
static void unset_of_what_was_updated(void)
{
    change(UNSET, slot_of(3));
    lane->current = 0;
    lane->hash = *hash_in(slot_of(3));
}

static void unset_and_another_key_came(void)
{
    change(UNSET, slot_of(3));
    lane->current = 0;
    lane->hash = *hash_in(slot_of(2));
    lane->old = UINT64_MAX;
}

static void unset_and_nobody_came(void)
{
    uint64_t slot = slot_of(3) / 3 * 3;

    while (*head_in(slot))
        slot++;
    change(UNSET, slot);
    lane->current = 0;
    lane->old = UINT64_MAX;
}

static void unset_that_was_done(void)
{
    change(UNSET | KEEP, slot_of(3));
    lane->done = 1;
    lane->old = UINT64_MAX;
}

/* ---- locks ---- */

/* 18 bits of a hash, 14 of who holds it. */
static uint32_t lock_word(uint32_t number)
{
    return UINT32_C(0x2aaaa) << 14 | (number + 1);
}

static void lock_that_is_held(void)
{
    uint64_t slot = slot_of(0);

    lane->lock = (uint32_t)(slot / 3) + 1;
    image_bucket(&image, (uint32_t)(slot / 3))->lock[1] = lock_word(lane_number());
}

static void lock_that_was_not_got(void) { lane->lock = (uint32_t)(slot_of(0) / 3) + 1; }
static void lock_of_no_bucket(void) { lane->lock = UINT32_MAX; }
static void lock_of_no_use(void) { lane->lock = unused_bucket() + 1; }

/* ---- blocks that it kept ---- */

static void blocks_of_others(void)
{
    for (int i = 0; i < KEYS; i++)
        lane->spare[i] = block_name(reference(record(i)));
    lane->spare[5] = block_name(reference(record(0)) + 1);
    lane->spare[6] = block_name(1);
    lane->spare[7] = UINT64_MAX;
}

static void blocks_of_another_time(void)
{
    for (int i = 0; i < KEYS; i++) {
        record(i)->lane = (uint16_t)lane_number();
        lane->spare[i] = block_name(reference(record(i))) + 1;
    }
    lane->spare[5] = (uint64_t)image_u32(&image, AT_SLAB_UNITS) * image_u32(&image, AT_SLABS) << 32;
    lane->spare[6] = UINT64_C(0xffffffff) << 32;
    lane->spare[7] = 1;
}

/* In each lane, whatever comes. */
static void everything_at_once(void)
{
    uint64_t seed = support_seed;

    for (unsigned l = 1; l < LANES; l++) {
        struct raw_lane *at = &image_entry(&image, dead)->lane[l];

        for (unsigned i = 0; i < 15; i++)
            ((uint64_t *)(void *)at)[i] = random_next(&seed);
        at->slot = 3 * (uint64_t)image_u32(&image, AT_BUCKETS) + (at->slot >> 20);
    }
}

/* ---- counts that are too high ---- */

static void counts_too_high(void)
{
    image_set_u64(&image, AT_KEYS, image_u64(&image, AT_KEYS) + 7);
    image_bucket(&image, (uint32_t)(slot_of(0) / 3))->overflow += 3;
    image_set_u32(&image, AT_COUNTS_DIRTY, 1);
}

static void counts_that_were_being_mended(void)
{
    counts_too_high();
    image_set_u32(&image, AT_COUNTS_DIRTY, 2);
}

static const struct {
    const char *name;
    void (*leave)(void);
} cases[] = {
    {"nothing", NULL},
    {"a change of a slot behind the last", no_slot},
    {"a change of a slot that cannot be", no_slot_at_all},
    {"a change of a slot where there is no index yet", slot_of_no_use},
    {"a change of no kind", no_kind},
    {"a change of another kind", another_kind},
    {"an update that was not done", update_that_was_not_done},
    {"an insert that was not done", insert_that_was_not_done},
    {"an update of a record beyond the arena", old_beyond_the_arena},
    {"an update of a record beyond the file", old_beyond_the_file},
    {"an update of a record in the header of a slab", old_in_a_header},
    {"an update of a record within a block", old_in_a_block},
    {"an update that somebody saw", update_acknowledged},
    {"an insert that is not visible", insert_that_is_not_visible},
    {"an unset that was not done", unset_that_was_not_done},
    {"an unset of what somebody updated", unset_of_what_was_updated},
    {"an unset after which another key came", unset_and_another_key_came},
    {"an unset after which nobody came", unset_and_nobody_came},
    {"an unset that was done", unset_that_was_done},
    {"a lock", lock_that_is_held},
    {"a lock that it had not got", lock_that_was_not_got},
    {"a lock of no bucket", lock_of_no_bucket},
    {"a lock where there is no index yet", lock_of_no_use},
    {"blocks of others", blocks_of_others},
    {"blocks of another time", blocks_of_another_time},
    {"nonsense", everything_at_once},
    {"counts that are too high", counts_too_high},
    {"counts that it was mending", counts_that_were_being_mended},
};

static void every_case(void)
{
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        faults = 0;
        for (int attaches = 0; attaches < 2; attaches++) {
            snprintf(context, sizeof(context), "%s, %s, %s", backing_names[backing], cases[i].name,
                     attaches ? "an open" : "a look");
            begin();
            if (cases[i].leave)
                cases[i].leave();
            somebody_comes(attaches);
            all_is_well();
            if (memmem(image.bytes, image.size, "MARK OF THE DEAD", 16))
                fault("bytes that it removed are still there");
            end();
        }
        report(!faults, "%s: a dead process left %s", backing_names[backing], cases[i].name);
    }
}

/* ---- others, while it is cleaned up ---- */

/* A lock of an entry that there is not: no process of ours writes that.  Calls that need it are
 * told to try again, after a while; all others go on. */
static void lock_of_nobody(void)
{
    static const uint32_t numbers[BACKINGS] = {16383, 512 * 16 + 1, 400 * 16 + 1};
    struct raw_bucket *b;
    char key[16], got[64];
    int rc;

    faults = 0;
    snprintf(context, sizeof(context), "%s, a lock of lane %u",
             backing_names[backing], numbers[backing]);
    begin();
    b = image_bucket(&image, (uint32_t)(slot_of(0) / 3));
    b->lock[0] = b->lock[1] = lock_word(numbers[backing]);
    key_of(key, 0);
    rc = splinter_store_unset(store, key, 0, NULL);
    if (rc != -EAGAIN)
        fault("unset: %s", strerror(-rc));
    rc = splinter_store_get(store, key, got, sizeof(got), NULL, NULL);
    if (!rc)
        rc = splinter_store_set(store, key, "the value of key 0", 18, NULL, NULL);
    if (rc)
        fault("get or update: %s", strerror(-rc));
    b->lock[0] = b->lock[1] = 0;
    somebody_comes(false);
    all_is_well();
    end();
    report(!faults, "%s: a lock that nobody holds stops what needs it, and nothing else",
         backing_names[backing]);
}

/* Whoever holds a lock may be changing the counts: nothing is mended then. */
static void counts_while_a_lock_is_held(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    struct raw_bucket *b;

    faults = 0;
    snprintf(context, sizeof(context), "%s, counts while a lock is held", backing_names[backing]);
    begin();
    somebody_comes(false);
    counts_too_high();
    b = image_bucket(&image, (uint32_t)(slot_of(4) / 3));
    b->lock[1] = lock_word(1); /* the first lane of the first entry: ours */
    if (splinter_store_stat(store, &st) || st.keys != KEYS + 7 ||
        !image_u32(&image, AT_COUNTS_DIRTY))
        fault("%llu keys were counted", (unsigned long long)st.keys);
    b->lock[1] = 0;
    if (splinter_store_stat(store, &st) || st.keys != KEYS || image_u32(&image, AT_COUNTS_DIRTY))
        fault("%llu keys are counted", (unsigned long long)st.keys);
    all_is_well();
    end();
    report(!faults, "%s: counts are mended when no lock is held", backing_names[backing]);
}

/* Slots that lead to no record are not counted as keys, and check tells of each. */
static void slots_that_lead_nowhere(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    uint64_t slot, heads[3];
    int problems;

    faults = 0;
    snprintf(context, sizeof(context), "%s, slots that lead nowhere", backing_names[backing]);
    begin();
    heads[0] = UINT32_MAX;                          /* beyond the arena */
    heads[1] = 2;                                   /* the header of a slab */
    heads[2] = (uint64_t)reference(record(0)) + 2;  /* within a block */
    slot = slot_of(4) / 3 * 3;
    while (*head_in(slot))
        slot++;
    for (unsigned i = 0; i < 3; i++) {
        *head_in(slot) = heads[i];
        image_set_u32(&image, AT_COUNTS_DIRTY, 1);
        if (splinter_store_stat(store, &st))
            fault("stat");
        problems = splinter_store_check(store, NULL, NULL);
        if (problems < 1)
            fault("check finds %d problems with head %u", problems, i);
        *head_in(slot) = 0;
    }
    image_set_u32(&image, AT_COUNTS_DIRTY, 1);
    somebody_comes(false);
    all_is_well();
    end();
    report(!faults, "%s: a slot that leads nowhere is found, and harms no key",
           backing_names[backing]);
}

int main(void)
{
    support_start_in_memory();
    for (backing = 0; backing < BACKINGS; backing++) {
        every_case();
        lock_of_nobody();
        counts_while_a_lock_is_held();
        slots_that_lead_nowhere();
    }
    return tap_end();
}
