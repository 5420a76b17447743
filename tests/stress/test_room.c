/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_room.c - a store holds what it was made for, whoever writes and whatever was there before
 *
 * TAP by hand; loops are counted, the seed is printed.  Each test ends with an account: once
 * everybody has detached or died, and all keys are unset, no byte is in use.
 * SPLINTER_TEST_LONG=1 takes every place in the registry, and each lane in it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "room.h"
#include "tap.h"

#ifdef TEST_PERSISTENT
static const int backings[] = {BACKING_FILE};
#else
static const int backings[] = {BACKING_MEMORY, BACKING_MEMFD};
#endif

static struct place place;
static splinter_store *store;

/* ---- what a worker does ---- */

/* Sets the common keys, in rounds, so that each thread gives each key a value of each size. */
static void eight_sizes(struct worker *w)
{
    static const uint32_t sizes[8] = {1, 100, 220, 330, 450, 600, 800, 1000};

    for (unsigned round = 0; round < 16; round++)
        for (unsigned k = 0; k < w->keys && !w->tired; k++) {
            item_set(w, k, sizes[(w->thread + round + k) % 8]);
            item_look(w, k);
        }
}

static void random_sizes(struct worker *w)
{
    unsigned rounds = many(100, 25);

    for (unsigned round = 0; round < rounds; round++)
        for (unsigned k = w->first; k < w->first + w->keys && !w->tired; k++) {
            item_set(w, k, random_size(&w->seed, w->longest));
            item_look(w, k);
        }
}

static void one_short_value(struct worker *w)
{
    item_set(w, w->first, 10);
}

static void large_values_come_and_go(struct worker *w)
{
    for (unsigned round = 0; round < 24 && !w->tired; round++)
        if (item_set(w, w->first, w->longest / 8 * (round % 8 + 1))) {
            item_look(w, w->first);
            item_unset(w, w->first);
        }
}

/* Changes, looks at, unsets and syncs, at random; in the end each of its keys is there. */
static void random_walk(struct worker *w)
{
    unsigned steps = w->longest > 1 << 20 ? many(400, 50) : many(4000, 400);

    for (unsigned k = w->first; k < w->first + w->keys && !w->tired; k++)
        item_set(w, k, random_size(&w->seed, w->longest));
    for (unsigned i = 0; i < steps && !w->tired; i++) {
        uint64_t r = random_next(&w->seed) >> 16;
        unsigned k = w->first + (unsigned)(r % w->keys), what = (unsigned)(r >> 8) % 100;

        if (what < 25 && w->items[k].size)
            item_unset(w, k);
        else if (what < 45)
            item_look(w, k);
        else if (what < 46)
            splinter_store_sync(w->store);
        else if (what < 55)
            item_set(w, k, w->longest);
        else
            item_set(w, k, random_size(&w->seed, w->longest));
    }
    for (unsigned k = w->first; k < w->first + w->keys && !w->tired; k++)
        if (!w->items[k].size)
            item_set(w, k, random_size(&w->seed, w->longest));
}

/* ---- scenes: many writers, of whom all stay attached ---- */

struct scene {
    const char *name;
    unsigned slots; /* more, if there are more keys */
    uint32_t max_value;
    unsigned processes, long_processes, threads;
    unsigned keys; /* of each thread */
    bool common;   /* all threads have the same keys */
    bool in_turn;  /* each process works when the one before has done its work */
    bool deaths;   /* every second process is killed over its work */
    void (*work)(struct worker *w);
};

static const struct scene scenes[] = {
    /* [P9] */
    {"eight common keys of eight sizes",
     64, 1024, 10, 40, 15, 8, true, true, false, eight_sizes},
    /* [P9] The limits are those of a store that the tools make. */
    {"a key of many sizes from each of many processes",
     1024, 65536, 64, 256, 1, 1, false, false, false, random_sizes},
    /* [P9] */
    {"a short key from each of hundreds of processes",
     2000, 100, 400, 511, 1, 1, false, true, false, one_short_value},
    /* [P9] */
    {"as many keys as slots from 120 threads",
     960, 4096, 8, 8, 15, 8, false, false, false, random_sizes},
    /* [P9] */
    {"a key from each of hundreds of threads, as many as slots",
     300, 1000, 20, 511, 15, 1, false, true, false, random_sizes},
    /* [P9] */
    {"large values that come and go, in turn",
     120, 65536, 10, 40, 12, 1, false, true, false, large_values_come_and_go},
    /* [P9] */
    {"a random walk with as many keys as slots",
     480, 40000, 4, 4, 6, 20, false, false, false, random_walk},
    /* [P9] */
    {"a random walk through large values",
     24, 2 << 20, 2, 4, 3, 4, false, false, false, random_walk},
    /* [P9] */
    {"a random walk over which half of them die",
     400, 20000, 10, 40, 4, 10, false, false, true, random_walk},
};

static void tell(bool ok, const char *scene, const char *what)
{
    report(ok, "%s, %s: %s", backing_names[place.backing], scene, what);
}

/* As many keys as slots, each with the longest value; and then not one more. */
static bool fills_up(struct worker *w, unsigned slots, uint32_t max_value)
{
    unsigned k = 0;
    bool as_told;

    while (k < slots && item_set(w, k, max_value))
        k++;
    for (unsigned i = 0; i < k; i++)
        item_look(w, i);
    as_told = tally_is_good(w->tally);
    if (as_told && splinter_store_set(store, "one more", "v", 1, NULL, NULL) != -ENOSPC) {
        printf("# there are more slots than %u\n", slots);
        as_told = false;
    }
    return as_told;
}

static void play(int backing, const struct scene *scene)
{
    unsigned processes = more(scene->processes, scene->long_processes);
    unsigned all = scene->common ? scene->keys : processes * scene->threads * scene->keys;
    unsigned slots = all > scene->slots ? all : scene->slots;
    uint32_t most = scene->max_value;
    struct worker *w, look;
    struct crew *crew;

    store = place_make(&place, backing, slots, most);
    w = worker_make(store, slots, most);
    crew = crew_make(&place, processes, scene->threads, scene->keys, scene->common, most);
    w->common = scene->common;
    for (unsigned k = 0; w->common && k < scene->keys; k++)
        item_set(w, k, most);
    for (unsigned i = 0; i < processes; i++) {
        crew_hire(crew, scene->work);
        if (scene->in_turn)
            crew_wait(crew, i);
    }
    for (unsigned i = 1; scene->deaths && i < processes; i += 2) {
        nap(&w->seed, 4000);
        crew_kill(crew, i);
    }
    for (unsigned i = 0; i < processes; i++)
        crew_wait(crew, i);
    tell(tally_is_good(crew->tally), scene->name, "no set is refused, and no value is wrong");

    look = *w; /* with the items of the crew; what a killed process set last is not known */
    look.items = crew->items;
    for (unsigned k = 0; k < all; k++)
        if (!scene->deaths || k / (scene->threads * scene->keys) % 2 == 0)
            item_look(&look, k);
    tell(tally_is_good(w->tally), scene->name, "another process finds every value as it was set");

    /* What is in a file is kept from now on until the next sync. */
    must(splinter_store_sync(store), "sync");
    if (there_is_memory(store, (uint64_t)slots * most * 2)) {
        bool full;

        unset_all(store);
        full = fills_up(w, slots, most);
        /* [P9] */
        tell(full, scene->name, "while everybody stays, every slot takes the longest value");
    } else {
        tell(true, scene->name, "every slot takes the longest value # SKIP too little memory");
    }
    tell(crew_dismiss(crew), scene->name, "everybody ends well");
    /* [P9] */
    tell(leaves_nothing(store), scene->name, "nothing is in use when all is over");
    crew_free(crew);
    worker_free(w);
    place_end(&place, store);
}

/* ---- one writer, and limits ---- */

/* 1 to most, each as often as any other. */
static uint32_t any_size(uint64_t *seed, uint32_t most)
{
    return (uint32_t)((random_next(seed) >> 16) % most) + 1;
}

static void all_sizes_change(int backing)
{
    const char *scene = "one writer changes all sizes";
    unsigned slots = many(20000, 2000), *order = calloc(slots, sizeof(*order));
    struct worker *w;

    if (!order)
        die("no memory");
    store = place_make(&place, backing, slots, 1000);
    w = worker_make(store, slots, 1000);
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < slots; i++) {
            unsigned j = (unsigned)((random_next(&w->seed) >> 16) % (i + 1));

            order[i] = order[j];
            order[j] = i;
        }
        for (unsigned i = 0; i < slots && !w->tired; i++)
            item_set(w, order[i], round == 1 || round == 11 ? 1000 : any_size(&w->seed, 1000));
    }
    free(order);
    for (unsigned k = 0; k < slots; k++)
        item_look(w, k);
    /* [P9] */
    tell(tally_is_good(w->tally), scene, "each key takes any size again and again");
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    worker_free(w);
    place_end(&place, store);
}

/* Short values, and one large one beside them. */
static void a_large_limit(int backing, uint32_t max_value, unsigned slots, uint32_t large)
{
    char scene[100];
    struct worker *w;

    snprintf(scene, sizeof(scene), "%u slots of up to %u MiB", slots, max_value >> 20);
    store = place_make(&place, backing, slots, max_value);
    w = worker_make(store, slots, large);
    for (unsigned k = 0; k < slots && !w->tired; k++)
        item_set(w, k, 1);
    /* [P9] */
    tell(tally_is_good(w->tally), scene, "a short value in each slot, however long one may be");
    if (there_is_memory(store, (uint64_t)large * 2)) {
        item_set(w, 7, large);
        for (unsigned k = 0; k < slots; k++)
            item_look(w, k);
        /* [P9] */
        tell(tally_is_good(w->tally), scene, "a large value finds room beside them");
    } else {
        tell(true, scene, "a large value finds room beside them # SKIP too little memory");
    }
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    worker_free(w);
    place_end(&place, store);
}

/* As many slots as the store was made for, or, if the arena cannot have them, how many it can. */
static void what_surely_fits(int backing)
{
    static const struct {
        unsigned slots;
        uint32_t max_value;
    } stores[] = {{1, 1}, {37, 1000}, {1024, 65536}, {20000, 1000}, {200, 1 << 20},
                  {4000000, UINT32_C(1) << 30}};
    const size_t count = sizeof(stores) / sizeof(*stores) - (sizeof(void *) < 8);
    bool all = true, fewer = true;

    for (size_t i = 0; i < count; i++) {
        struct splinter_stat st = {.struct_size = sizeof(st)};
        bool ordinary = stores[i].max_value < UINT32_C(1) << 30;

        store = place_make(&place, backing, stores[i].slots, stores[i].max_value);
        must(splinter_store_stat(store, &st), "stat");
        place_end(&place, store);
        if (ordinary ? st.capacity == st.slots : st.capacity && st.capacity < st.slots)
            continue;
        printf("# %u slots of %u bytes: %llu fit\n", stores[i].slots, stores[i].max_value,
               (unsigned long long)st.capacity);
        *(ordinary ? &all : &fewer) = false;
    }
    /* [P9] */
    tell(all, "what surely fits", "the capacity of a store is its slots");
    /* [P9] */
    tell(fewer, "what surely fits", "the capacity says if an arena cannot have all that");
}

/* ---- what is said of it ---- */

static bool says(const char *sentence, const char *what)
{
    return strstr(sentence, what) != NULL;
}

static void slots_are_taken(int backing)
{
    const char *scene = "37 slots that are taken";
    bool refused, told = true;
    struct worker *w;

    store = place_make(&place, backing, 37, 1000);
    w = worker_make(store, 38, 1000);
    for (unsigned k = 0; k < 37; k++)
        item_set(w, k, any_size(&w->seed, 1000));
    refused = tally_is_good(w->tally);
    for (int call = 0; call < 3; call++) {
        int64_t sum;
        int rc = call == 0   ? splinter_store_set(store, "one more", "v", 1, NULL, NULL)
                 : call == 1 ? splinter_store_append(store, "one more", "v", 1, NULL)
                             : splinter_store_add(store, "one more", 1, &sum);
        const char *sentence = splinter_last_error();

        refused &= rc == -ENOSPC;
        if (!says(sentence, "slots") || !says(sentence, "37") || says(sentence, "memory")) {
            printf("# call %d: \"%s\"\n", call, sentence);
            told = false;
        }
    }
    tell(refused, scene, "every call refuses one more key");
    /* [P9] */
    tell(told, scene, "the sentence says that slots ran out, and how many there are");
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    worker_free(w);
    place_end(&place, store);
}

/* In a process of its own, whose files may not grow much further. */
static void fill_memory(char *sentence, size_t size)
{
    struct rlimit limit;
    struct worker *w;
    splinter_store *s;
    struct stat st;
    unsigned k = 0;

    must(place_open(&place, 0, &s), "open");
    w = worker_make(s, 10000, 4096);
    item_set(w, k++, 4096);
    if (fstat(splinter_store_fd(s), &st))
        die("fstat: %s", strerror(errno));
    limit.rlim_cur = (rlim_t)st.st_size + (100 << 10);
    limit.rlim_max = RLIM_INFINITY;
    if (setrlimit(RLIMIT_FSIZE, &limit))
        die("setrlimit: %s", strerror(errno));
    while (k < 10000 && item_set(w, k, 4096))
        k++;
    snprintf(sentence, size, "%s", splinter_last_error());
    for (unsigned i = 0; i < k; i++)
        item_look(w, i);
    printf("# %u values\n", k);
    fflush(stdout);
    _exit(k == 10000 || w->tally->refused != 1 || w->tally->failed || w->tally->torn);
}

static void memory_is_not_given(int backing)
{
    const char *scene = "a limit of memory";
    char *sentence = shared_memory(4096);
    bool told;
    pid_t pid;

    store = place_make(&place, backing, 10000, 4096);
    pid = fork_bound_child();
    if (!pid)
        fill_memory(sentence, 4096);
    tell(!reap(pid), scene, "a set is refused, and what was there is there");
    /* A sentence about slots has not this word, see slots_are_taken(). */
    told = says(sentence, "memory");
    if (!told)
        printf("# \"%s\"\n", sentence);
    /* [P9] */
    tell(told, scene, "the sentence says that memory ran out, and not slots");
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    place_end(&place, store);
}

/* ---- deaths ---- */

#define STOPPED 2 /* of three processes, of which the other two are killed */

/* A key that comes and goes, until the process is killed. */
static void come_and_go(unsigned k, struct tally *tally, uint64_t seed)
{
    static const uint32_t sizes[4] = {1, 100, 300, 1000};
    struct worker *w;
    splinter_store *s;
    char key[24];

    must(place_open(&place, 0, &s), "open");
    w = worker_make(s, k + 1, 1000);
    w->process = k;
    w->tally = tally;
    snprintf(key, sizeof(key), "key-%u", k);
    while (item_set(w, k, sizes[random_next(&seed) >> 62]))
        splinter_store_unset(s, key, 0, NULL);
    for (;;)
        pause();
}

static pid_t goer(unsigned k, struct tally *tally, uint64_t *seed)
{
    uint64_t its = random_next(seed) | 1;
    pid_t pid = fork_bound_child();

    if (!pid)
        come_and_go(k, tally, its);
    return pid;
}

/*
 * As many names as slots, and four of them come and go: nobody ever finds all slots taken.  Some of
 * the processes that die leave the count of keys too high; and the one that is stopped may keep the
 * others from counting again.
 */
static void a_stop_and_deaths(int backing)
{
    const char *scene = "one is stopped and two are killed";
    struct tally *others = shared_memory(sizeof(*others));
    uint64_t seed = support_seed + 5;
    struct worker *w;
    pid_t pid[3];

    store = place_make(&place, backing, 64, 1000);
    w = worker_make(store, 64, 1000);
    for (unsigned k = 4; k < 64; k++)
        item_set(w, k, any_size(&w->seed, 1000));
    w->locked_out = true; /* two keys may have one lock */
    for (unsigned i = 0; i < 3; i++)
        pid[i] = goer(i, others, &seed);
    for (unsigned round = 0; round < many(200, 30) && !w->tired; round++) {
        int status;

        nap(&seed, 2000);
        kill(pid[STOPPED], SIGSTOP);
        while (waitpid(pid[STOPPED], &status, WUNTRACED) < 0 && errno == EINTR)
            ;
        for (unsigned death = 0; death < 6; death++) {
            nap(&seed, 1000);
            kill(pid[death % 2], SIGKILL);
            reap(pid[death % 2]);
            for (unsigned i = 0; i < 10 && !w->tired; i++)
                if (item_set(w, 3, any_size(&w->seed, 1000)))
                    item_unset(w, 3);
            pid[death % 2] = goer(death % 2, others, &seed);
        }
        kill(pid[STOPPED], SIGCONT);
    }
    for (unsigned i = 0; i < 3; i++) {
        kill(pid[i], SIGKILL);
        reap(pid[i]);
    }
    w->locked_out = false;
    for (unsigned k = 4; k < 64; k++)
        item_look(w, k);
    /* [P9] */
    tell(tally_is_good(w->tally), scene, "a third key finds the slot that is free");
    /* [P9] */
    tell(tally_is_good(others), scene, "each of them finds the slot of its own key");
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    munmap(others, sizeof(*others));
    worker_free(w);
    place_end(&place, store);
}

/* ---- a copy ---- */

#define STAY 6 /* keys that are there all the time */

static uint32_t *stop;

/* Of its two keys one is there, or none, at any time. */
static void keys_take_turns(struct worker *w)
{
    for (unsigned n = 0; !__atomic_load_n(stop, __ATOMIC_RELAXED) && !w->tired; n++) {
        if (n)
            item_unset(w, w->first + (n - 1) % 2);
        item_set(w, w->first + n % 2, random_size(&w->seed, w->longest));
    }
}

/* True: the copy was made, or failed for another reason than room, which is printed. */
static bool copy_finds_room(unsigned number, unsigned *wrong)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *copy;
    char path[400];
    int rc;

    snprintf(path, sizeof(path), "%s/copy-%u", support_dir(), number);
    rc = splinter_store_snapshot(store, path, 0);
    if (rc) {
        printf("# copy %u: %s (%s)\n", number, strerror(-rc), splinter_last_error());
        *wrong += rc != -ENOSPC;
        return rc != -ENOSPC;
    }
    options.flags = SPLINTER_FILE | SPLINTER_RDONLY;
    must(splinter_store_open(&copy, path, &options), "open the copy");
    *wrong += check_store(copy) != 0;
    splinter_store_close(copy);
    unlink(path);
    return true;
}

/* The copy meets both keys of the pair now and then, one after the other, though there is a slot
 * for one; and the one that was copied first may have come back when the copy is full. */
static void copies(int backing)
{
    const char *scene = "a writer of a full store";
    unsigned refused = 0, wrong = 0, rounds = many(500, 50);
    struct crew *crew;

    store = place_make(&place, backing, STAY + 1, 1000);
    for (unsigned i = 0; i < STAY; i++) {
        char key[24];

        snprintf(key, sizeof(key), "stays-%u", i);
        must(splinter_store_set(store, key, key, strlen(key), NULL, NULL), "set");
    }
    stop = shared_memory(sizeof(*stop));
    crew = crew_make(&place, 1, 1, 2, false, 1000);
    crew_hire(crew, keys_take_turns);
    for (unsigned i = 0; i < rounds; i++)
        refused += !copy_finds_room(i, &wrong);
    __atomic_store_n(stop, 1, __ATOMIC_RELAXED);
    tell(crew_dismiss(crew) && tally_is_good(crew->tally) && !wrong, scene, "all goes well");
    /* [P9] */
    tell(!refused, scene, "a copy has room for what is there at any time");
    tell(leaves_nothing(store), scene, "nothing is in use when all is over");
    munmap(stop, sizeof(*stop));
    crew_free(crew);
    place_end(&place, store);
}

int main(void)
{
    support_start_in_memory();
    for (size_t b = 0; b < sizeof(backings) / sizeof(*backings); b++) {
        int backing = backings[b];

        for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
            play(backing, &scenes[i]);
        all_sizes_change(backing);
        if (sizeof(void *) == 8) { /* else there are not so many addresses */
            a_large_limit(backing, UINT32_C(1) << 30, many(200000, 100000), 100 << 20);
            /* An arena of slabs that are as long as that has 4.2 million of them. */
            a_large_limit(backing, 16 << 20, more(many(200000, 100000), 5000000), 16 << 20);
        }
        what_surely_fits(backing);
        slots_are_taken(backing);
        memory_is_not_given(backing);
        a_stop_and_deaths(backing);
        copies(backing);
    }
    return tap_end();
}
