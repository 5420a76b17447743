/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_hostile.c - a store whose bytes are anybody's: every byte flipped, a process that scribbles
 * while calls are made, and scripts of both; each call is tried, read-only and read-write
 *
 * The attacked calls run in children, so a signal is a failure of one case and not of the test.
 * SPLINTER_TEST_LONG=1 leaves nothing out; SPLINTER_TEST_SCRIPTS is how many scripts are bent.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "calls.h"
#include "corpus.h"
#include "image.h"
#include "script.h"
#include "support.h"
#include "tap.h"
#include "watch.h"

/* What is between the threads of the test is nobody's load of a store. */
#undef __atomic_load_n

#ifdef PAYLOAD_BY_WORDS
#define FEED_IMAGES 0
#define FLIP_IMAGES 0 /* ThreadSanitizer has nothing to say to one thread, and takes minutes */
#define ROUNDS 1
#define BENT_SCRIPTS 0
#else
#define FLIP_IMAGES 2
#define FEED_IMAGES 2
#define ROUNDS 12
#define BENT_SCRIPTS 1000
#endif

#define PATIENCE_S 120 /* for a hundred cases; one takes milliseconds */
#define FAILURES_TOLD 5

/* How far a child got; shared with its parent. */
static struct progress {
    uint64_t number;   /* of the case */
    uint64_t done;
    const char *volatile step;
    size_t length; /* of the script */
    uint8_t script[SEED_BYTES_MAX];
} *progress;

static bool thorough;

/* Does the cases from 0 up to `count`, goes on behind one that ends the child, and says how many
 * did.  `one` does a case, `tell` says which it is. */
static unsigned in_children(uint64_t count, void (*one)(uint64_t number, void *arg),
                            void (*tell)(uint64_t number, void *arg), void *arg)
{
    unsigned failures = 0;
    progress->number = 0;
    while (progress->number < count) {
        pid_t pid = fork_child();
        if (!pid) {
            attack_step = &progress->step;
            for (; progress->number < count; progress->number++) {
                if (progress->number % 100 == 0)
                    alarm(PATIENCE_S);
                one(progress->number, arg);
            }
            _exit(0);
        }
        int status = reap(pid);
        if (!status)
            break;
        if (failures++ < FAILURES_TOLD) {
            fprintf(stderr, "# in '%s' %s %d: ", progress->step ? progress->step : "",
                    status < 1000 ? "status" : "signal", status % 1000);
            tell(progress->number, arg);
        }
        progress->number++;
    }
    return failures;
}

/* ---- flips ---- */

struct range {
    const struct image *image;
    uint64_t at, length;
    uint32_t flags;
    unsigned step; /* one mask in so many */
    unsigned salt; /* so that those of like parts are not the same ones */
};

static void make_store(const struct range *r, uint64_t offset, unsigned mask)
{
    static const uint8_t masks[] = {0xff, 0x01, 0x80, 0};
    uint8_t was = (uint8_t)image_read(offset, 1), is = was ^ masks[mask];
    if (!masks[mask])
        is = 0;
    image_restore(r->image);
    image_write(offset, &is, 1);
}

static void flip(uint64_t number, void *arg)
{
    const struct range *r = arg;
    uint64_t offset = r->at + number / 4;
    struct attack attack = {.image = r->image};
    if ((number / 4 + number + r->salt) % r->step)
        return;
    progress->done++;
    make_store(r, offset, number % 4);
    attack_open(&attack, r->flags);
    attack_each(&attack, (unsigned)number);
    attack_close(&attack);
}

static void tell_flip(uint64_t number, void *arg)
{
    const struct range *r = arg;
    fprintf(stderr, "byte %llu of '%s' with mask %llu%s\n",
            (unsigned long long)(r->at + number / 4), r->image->name,
            (unsigned long long)number % 4,
            r->flags & SPLINTER_RDONLY ? ", read-only" : "");
}

/* How many of the part are hit: those that are unlike the others. */
static uint32_t parts_of(const struct image *image, enum part part)
{
    uint32_t count = part_count(image, part);
    if (part == PART_RECORD || part == PART_PAYLOAD) /* and all of topics and queues */
        return 1 + image->internal;
    if (thorough)
        return count;
    /* The lanes of an entry are alike, and those of the next entries as well. */
    if (part == PART_LANE && count > 2 * (image->entries + 1))
        return 2 * (image->entries + 1);
    if (part == PART_SLAB && count > 2)
        return 2;
    if (part == PART_FEED_LINE && count > 8 * image->rings) /* the longest key has six lines */
        return 8 * image->rings;
    return count;
}

/* A store with a feed has the same parts, which others are hit for. */
static unsigned step_of(const struct image *image, enum part part, bool read_only)
{
    unsigned by = 1000 / repeated(1000);
    if (thorough)
        return by;
    if (part == PART_FEED_LANE || part == PART_FEED_LINE)
        return by * (read_only ? 16 : 8);
    if (image->rings)
        return by * (read_only ? 32 : 16);
    return by * (part == PART_RECORD ? 1u : part == PART_HEADER ? 1u + read_only
                 : read_only ? 4u : 2u);
}

/* [P7] */
static void flip_part(const struct image *image, enum part part, const char *name)
{
    static const char *const how[] = {"read-write", "read-only"};
    uint32_t count = parts_of(image, part);
    for (int read_only = 0; read_only < 2; read_only++) {
        unsigned failures = 0;
        progress->done = 0;
        for (uint32_t n = 0; n < count; n++) {
            struct range r = {.image = image, .flags = read_only ? SPLINTER_RDONLY : 0};
            r.at = part_at(image, part, n, &r.length);
            r.step = step_of(image, part, read_only);
            r.salt = image->rings ? n * 5 : 0;
            failures += in_children(4 * r.length, flip, tell_flip, &r);
        }
        report(!failures, "%s: %s, %s", image->name, name, how[read_only]);
        printf("# %llu cases\n", (unsigned long long)progress->done);
    }
}

/* [P7] The pages between header and registry that have something in them; of each the beginning. */
static void flip_maps(const struct image *image)
{
    unsigned failures = 0;
    progress->done = 0;
    for (uint64_t at = PAGE; at < image->geo.registry_off; at += PAGE) {
        struct range r = {.image = image, .at = at, .length = thorough ? PAGE : 64, .step = 1};
        failures += in_children(4 * r.length, flip, tell_flip, &r);
        r.flags = SPLINTER_RDONLY;
        failures += in_children(4 * r.length, flip, tell_flip, &r);
    }
    report(!failures, "%s, maps and sync points", image->name);
    printf("# %llu cases\n", (unsigned long long)progress->done);
}

#define FLIP_TESTS (9 * 2 + 1)

static void flip_all(const struct image *image)
{
    flip_part(image, PART_GEOMETRY, "geometry");
    flip_part(image, PART_HEADER, "header");
    flip_maps(image);
    flip_part(image, PART_ENTRY, "registry");
    flip_part(image, PART_LANE, "lanes");
    flip_part(image, PART_BUCKET, "index");
    flip_part(image, PART_SLAB, "slabs");
    flip_part(image, PART_GROUP, "groups of slabs");
    flip_part(image, PART_RECORD, "a record's header");
    flip_part(image, PART_PAYLOAD, "a record's key and value");
}

/* ---- keys of topics and queues that would end ---- */

#define FEW_LOADS UINT64_C(1000000) /* a call that loses all races it may makes more */

/* [P7] One of them has an end of life, which this library never gives it, and a topic any state. */
static void mortal(uint64_t number, void *arg)
{
    const struct image *image = arg;
    struct attack attack = {.image = image};
    const uint64_t end = number % 2 ? 1 : UINT64_MAX;
    uint64_t length, at = part_at(image, PART_RECORD, (uint32_t)(number / 8), &length);
    const struct record *rec = (const void *)(image->bytes + at);
    uint32_t state = (uint32_t)(number / 2 % 4);
    image_restore(image);
    image_write(at + offsetof(struct record, expiry), &end, sizeof end);
    if (state && rec->value_len == sizeof(struct topic))
        image_write(at + value_offset(rec->key_len) + offsetof(struct topic, state), &state,
                    sizeof state);
    attack_open(&attack, 0);
    for (unsigned i = 0; i < 6; i++) { /* the last ones remove it */
        uint64_t loads = watch_loads;
        attack_call(&attack, i % 2 ? 33 : 34, 0, i / 2 + 2);
        if (watch_loads - loads > FEW_LOADS)
            die("'%s' made %llu loads", *attack_step, (unsigned long long)(watch_loads - loads));
    }
    attack_close(&attack);
}

static void tell_mortal(uint64_t number, void *arg)
{
    fprintf(stderr, "case %llu of '%s'\n", (unsigned long long)number,
            ((const struct image *)arg)->name);
}

#define FEED_FLIP_TESTS (7 * 2 + 1)

/* Of stores with a feed, a topic and a queue. */
static void flip_feed(struct image *image)
{
    flip_part(image, PART_FEED_LANE, "places in the rings");
    flip_part(image, PART_FEED_LINE, "lines of the rings");
    flip_part(image, PART_RECORD, "records of a topic and a queue");
    flip_part(image, PART_PAYLOAD, "messages and items");
    flip_part(image, PART_HEADER, "header");
    flip_part(image, PART_ENTRY, "registry");
    flip_part(image, PART_LANE, "lanes");
    unsigned failures = in_children(8 * image->internal, mortal, tell_mortal, image);
    report(!failures, "%s: an end of life", image->name);
}

/* ---- somebody scribbles meanwhile ---- */

struct race {
    const struct image *image;
    uint64_t seed;
    uint32_t flags;
    int stop;
};

static void *scribble(void *arg)
{
    struct race *race = arg;
    uint64_t seed = race->seed * 3 + 1;
    uint64_t words[3];
    while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
        for (int i = 0; i < 3; i++)
            words[i] = random_next(&seed);
        /* The geometry was read when the store was opened; hit what is read now. */
        uint8_t *bytes = (uint8_t *)words;
        bytes[0] = (uint8_t)(PART_HEADER + bytes[0] % (PART_ANYTHING - PART_HEADER));
        script_write(race->image, bytes, sizeof words);
    }
    return NULL;
}

/* A round: a fresh store, some hundred calls. */
static void race_round(uint64_t number, void *arg)
{
    struct race *race = arg;
    struct attack attack = {.image = race->image};
    pthread_t thread;
    uint64_t seed = race->seed + number + 1;
    random_next(&seed);
    image_restore(race->image);
    race->stop = 0;
    attack_open(&attack, race->flags);
    if (pthread_create(&thread, NULL, scribble, race))
        die("cannot start a thread");
    for (int i = 0; i < 150; i++) {
        uint64_t r = random_next(&seed);
        attack_call(&attack, (unsigned)(r >> 20), (unsigned)(r >> 30),
                    (unsigned)(r >> 40) & 0xffff);
    }
    attack_close(&attack);
    __atomic_store_n(&race->stop, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
}

static void tell_race(uint64_t number, void *arg)
{
    const struct race *race = arg;
    fprintf(stderr, "round %llu on '%s'%s\n", (unsigned long long)number, race->image->name,
            race->flags & SPLINTER_RDONLY ? ", read-only" : "");
}

/* [P7] Of a store with a feed only with SPLINTER_TEST_LONG: there a call now and then loses as many
 * races as it may, each of which looks at all buckets, and that takes it seconds. */
static void race_all(void)
{
    for (unsigned i = 1; i < image_count; i++) {
        if (images[i].geo.feed && !thorough) {
            report(true, "%s, written to meanwhile # SKIP only in a long run", images[i].name);
            continue;
        }
        struct race race = {.image = &images[i], .seed = support_seed};
        unsigned rounds = thorough ? 400 : repeated(ROUNDS);
        unsigned failures = in_children(rounds, race_round, tell_race, &race);
        race.flags = SPLINTER_RDONLY;
        failures += in_children(rounds, race_round, tell_race, &race);
        report(!failures, "%s, written to meanwhile", images[i].name);
    }
}

/* ---- scripts ---- */

static void script(uint64_t number, void *arg)
{
    uint64_t seed = support_seed + number + 1, seeds = *(uint64_t *)arg;
    progress->length = corpus_seed((unsigned)(number % seeds), progress->script);
    if (number >= seeds) { /* bent a little */
        random_next(&seed);
        for (uint64_t n = 1 + random_next(&seed) % 6; n--;) {
            uint64_t r = random_next(&seed);
            progress->script[(r >> 20) % progress->length] = (uint8_t)(r >> 40);
        }
    }
    script_run(progress->script, progress->length);
}

static void tell_script(uint64_t number, void *arg)
{
    (void)arg;
    fprintf(stderr, "script %llu:", (unsigned long long)number);
    for (size_t i = 0; i < progress->length; i++)
        fprintf(stderr, " %02x", progress->script[i]);
    fprintf(stderr, "\n");
}

/* [P7] */
static void scripts(void)
{
    const char *many = getenv("SPLINTER_TEST_SCRIPTS");
    uint64_t seeds = 0, bent = many ? strtoull(many, NULL, 0) : BENT_SCRIPTS;
    uint8_t bytes[SEED_BYTES_MAX];
    while (corpus_seed((unsigned)seeds, bytes))
        seeds++;
    if (!FLIP_IMAGES && seeds > 40)
        seeds = 40;
    unsigned failures = in_children(seeds + bent, script, tell_script, &seeds);
    report(!failures, "scripts, the corpus, and bent");
    printf("# %llu scripts, and %llu bent ones\n", (unsigned long long)seeds,
           (unsigned long long)bent);
}

int main(void)
{
    const char *name = getenv("SPLINTER_TEST_LONG");
    thorough = name && *name && *name != '0';
    support_start();
    progress = shared_memory(sizeof *progress);
    images_make();
    image_file();
    unsigned flips = FLIP_IMAGES * FLIP_TESTS + FEED_IMAGES * FEED_FLIP_TESTS;
    printf("1..%u\n", flips + (image_count - 1) + 1);
    for (unsigned i = 0; i < image_count && FLIP_IMAGES > 0; i++) /* and FEED_IMAGES as well */
        if (!strcmp(images[i].name, "used, and left by a kill") ||
            !strcmp(images[i].name, "durable, killed"))
            flip_all(&images[i]);
        else if (images[i].rings)
            flip_feed(&images[i]);
    race_all();
    scripts();
    return 0;
}
