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

/* What is between the threads of the test is nobody's load of a store. */
#undef __atomic_load_n

#ifdef PAYLOAD_BY_WORDS
#define FLIP_IMAGES 0 /* ThreadSanitizer has nothing to say to one thread, and takes minutes */
#define ROUNDS 1
#define BENT_SCRIPTS 0
#else
#define FLIP_IMAGES 2
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
    if ((number / 4 + number) % r->step)
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

/* [P7] */
static void flip_part(const struct image *image, enum part part, const char *name)
{
    static const char *const how[] = {"read-write", "read-only"};
    uint32_t count = part == PART_RECORD || part == PART_PAYLOAD ? 1 : part_count(image, part);
    /* The lanes of an entry are alike, and those of the next entries as well. */
    if (part == PART_LANE && count > 2 * (image->entries + 1) && !thorough)
        count = 2 * (image->entries + 1);
    if (part == PART_SLAB && count > 2 && !thorough)
        count = 2;
    for (int read_only = 0; read_only < 2; read_only++) {
        unsigned failures = 0;
        progress->done = 0;
        for (uint32_t n = 0; n < count; n++) {
            struct range r = {.image = image, .flags = read_only ? SPLINTER_RDONLY : 0};
            r.at = part_at(image, part, n, &r.length);
            r.step = thorough || part == PART_RECORD ? 1 : part == PART_HEADER ? 1 + read_only
                     : read_only ? 4 : 2;
            r.step *= 1000 / repeated(1000);
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

/* [P7] */
static void race_all(void)
{
    for (unsigned i = 1; i < image_count; i++) {
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
    printf("1..%u\n", FLIP_IMAGES * FLIP_TESTS + (image_count - 1) + 1);
    for (unsigned i = 0; i < image_count && FLIP_IMAGES > 0; i++)
        if (!strcmp(images[i].name, "used, and left by a kill") ||
            !strcmp(images[i].name, "durable, killed"))
            flip_all(&images[i]);
    race_all();
    scripts();
    return 0;
}
