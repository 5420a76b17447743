/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.c - bench: the handful of figures that a user wants from a machine
 *
 * The bus has no name, or its file loses it at once.  So nothing is left, however the command ends;
 * and the processes that it starts get a SIGKILL when it does.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cli.h"
#include "../perf_run.h"
#include "../perf_scenario.h"
#include "../perf_value.h"
#include "commands.h"
#include "output.h"

#define KEYS 20000
#define VALUE 64      /* bytes of a value */
#define HEAD 64       /* more than a message needs beside its bytes */
#define FEED 4096     /* changes that the feed keeps */
#define BATCH 256     /* calls between two looks at the clock */
#define PROCESSES_MAX 64
#define PARTS 7       /* of the time */

enum { BENCH_IN, BENCH_SECONDS };
const struct ctl_option ctl_bench_options[] = {
    [BENCH_IN] = {"in", "FOLDER", "with the bus in a file in FOLDER, not in memory"},
    [BENCH_SECONDS] = {"seconds", "N", "how long to measure (default 5)"},
    {NULL, NULL, NULL},
};

struct figures {
    unsigned processes;
    double get_ns, set_ns, gets, sets; /* a second, of all processes together */
    double messages, items, changes;   /* a second */
    struct bench_wake wake;
    double sync_ns; /* 0: in memory */
    uint64_t wrong; /* values that were read */
};

static const char *folder; /* NULL: in memory */
static splinter_store *store; /* the bus */
static uint64_t part_ms;

/* ---- the bus ---- */

/* A signal between the two calls would leave the file. */
static int make_in_folder(struct splinter_open_options *options)
{
    char path[4096];
    sigset_t every, old;
    int length = snprintf(path, sizeof(path), "%s/splinterctl-bench.%ld", folder, (long)getpid());
    if (length >= (int)sizeof(path))
        return -ENAMETOOLONG;
    options->flags = SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL;
    sigfillset(&every);
    sigprocmask(SIG_SETMASK, &every, &old);
    int r = splinter_store_open(&store, path, options);
    if (!r)
        splinter_store_unlink(path, SPLINTER_FILE);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return r;
}

static void drop_bus(void)
{
    splinter_store_close(store);
    store = NULL;
}

static void make_bus(uint64_t feed)
{
    struct splinter_open_options options = {
        .struct_size = sizeof(options), .flags = SPLINTER_ANONYMOUS,
        .slots = KEYS + KEYS / 4, .max_value = VALUE + HEAD, .feed = (size_t)feed};
    drop_bus();
    int r = folder ? make_in_folder(&options)
                   : splinter_store_open(&store, "splinterctl bench", &options);
    if (r)
        cli_die(CLI_FAILURE, "cannot make a bus to measure: %s",
                *splinter_last_error() ? splinter_last_error() : strerror(-r));
}

static void failed(const char *what, int r)
{
    cli_die(CLI_FAILURE, "cannot measure %s: %s", what,
            r == -ENOSPC ? splinter_last_error() : strerror(-r));
}

/* As the workers expect it: each key has the first version of its value. */
static void fill(void)
{
    char key[PERF_KEY_SIZE];
    _Alignas(struct perf_value) unsigned char value[VALUE];
    for (uint64_t i = 0; i < KEYS; i++) {
        perf_make_key(key, i);
        perf_make_value((struct perf_value *)value, VALUE, i, 1);
        int r = splinter_store_set(store, key, value, VALUE, NULL, NULL);
        if (r)
            failed("a set", r);
    }
}

/* ---- one process ---- */

static int get_one(const char *key, void *value)
{
    size_t size;
    return splinter_store_get(store, key, value, VALUE, &size, NULL);
}

static int set_one(const char *key, void *value)
{
    return splinter_store_set(store, key, value, VALUE, NULL, NULL);
}

/* How many ns a call takes, of random keys. */
static double time_calls(const char *what, int (*call)(const char *key, void *value))
{
    static char keys[KEYS][PERF_KEY_SIZE];
    unsigned char value[VALUE] = {1};
    uint64_t calls = 0, seed = 1;
    for (uint64_t i = 0; i < KEYS; i++)
        perf_make_key(keys[i], i);
    uint64_t begin = perf_now_ns(CLOCK_MONOTONIC), now = begin;
    for (; now - begin < part_ms * 1000000; now = perf_now_ns(CLOCK_MONOTONIC))
        for (int i = 0; i < BATCH; i++, calls++) {
            int r = call(keys[perf_mix(&seed) % KEYS], value);
            if (r && r != -EAGAIN)
                failed(what, r);
        }
    return calls ? (double)(now - begin) / (double)calls : 0;
}

/* A set, and what brings it to disk. */
static double time_syncs(void)
{
    unsigned char value[VALUE] = {1};
    uint64_t calls = 0, begin = perf_now_ns(CLOCK_MONOTONIC), now = begin;
    for (; now - begin < part_ms * 1000000; now = perf_now_ns(CLOCK_MONOTONIC)) {
        int r = set_one("synced", value);
        r = r ? r : splinter_store_sync(store);
        if (r)
            failed("a sync", r);
        calls++;
    }
    return calls ? (double)(now - begin) / (double)calls : 0;
}

/* ---- several processes ---- */

static unsigned processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) ? 2 : CPU_COUNT(&set);
    return count < 2 ? 2 : count > PROCESSES_MAX ? PROCESSES_MAX : (unsigned)count;
}

/* A writer and readers.  What they did goes to *written and *got, a second. */
static void run_workers(struct figures *f, enum perf_scenario scenario, unsigned readers,
                        double *got, double *written)
{
    struct perf_options o = {
        .scenario = scenario, .readers = readers, .keys = KEYS, .value_size = VALUE,
        .duration_ms = part_ms, .writer = true, .processes = true};
    struct perf_job job = {.options = &o, .store = store, .first = PERF_WRITER,
                           .end = PERF_WRITER + 1 + readers};
    double seconds = 0, sum = 0;
    if (scenario >= PERF_TOPIC)
        perf_scenario_make(&o, store);
    bool good = perf_run(&job, &seconds);
    perf_scenario_account(&job);
    for (unsigned i = PERF_WRITER + 1; i < job.end; i++) {
        sum += (double)job.shared->result[i].operations;
        for (int fault = PERF_TORN; fault < PERF_FAULTS; fault++)
            f->wrong += job.shared->result[i].faults[fault];
    }
    *got = seconds > 0 ? sum / seconds : 0;
    if (written)
        *written = seconds > 0 ? (double)job.shared->result[PERF_WRITER].operations / seconds : 0;
    munmap(job.shared, sizeof(*job.shared) + job.end * sizeof(struct perf_result));
    if (scenario >= PERF_TOPIC)
        perf_scenario_remove(scenario, store);
    if (!good)
        cli_die(CLI_FAILURE, "cannot measure several processes");
}

/* ---- all of it ---- */

/* Which part is measured, on a terminal. */
static void say(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s%s\033[K", *what ? "measuring " : "", what);
}

static void measure(struct figures *f)
{
    f->processes = processors();
    say("get");
    make_bus(0);
    fill();
    f->get_ns = time_calls("a get", get_one);
    say("set");
    f->set_ns = time_calls("a set", set_one);
    fill();
    run_workers(f, PERF_KEYS, f->processes - 1, &f->gets, &f->sets);
    say("wake-ups");
    f->wake = bench_wake_up(store, part_ms);
    if (folder) {
        say("sync");
        f->sync_ns = time_syncs();
    }
    make_bus(0); /* topics and queues need the room */
    run_workers(f, PERF_TOPIC, 1, &f->messages, NULL);
    make_bus(0);
    run_workers(f, PERF_QUEUE, 1, &f->items, NULL);
    make_bus(FEED);
    fill();
    run_workers(f, PERF_FEED, 1, &f->changes, NULL);
    say("");
    drop_bus();
}

/* ---- in words ---- */

#define WORDS 32

static const char *rate(char *words, double n)
{
    if (n >= 1e6)
        snprintf(words, WORDS, "%.1f million", n / 1e6);
    else if (n >= 10000)
        snprintf(words, WORDS, "%.0f thousand", n / 1e3);
    else
        snprintf(words, WORDS, "%.0f", n);
    return words;
}

static const char *duration(char *words, double ns)
{
    if (ns < 1000)
        snprintf(words, WORDS, "%.0f ns", ns);
    else if (ns < 1e6)
        snprintf(words, WORDS, "%.1f microseconds", ns / 1e3);
    else
        snprintf(words, WORDS, "%.1f milliseconds", ns / 1e6);
    return words;
}

static double per_second(double ns)
{
    return ns > 0 ? 1e9 / ns : 0;
}

static void print_words(const struct figures *f)
{
    char a[WORDS], b[WORDS], lines[8][160];
    snprintf(lines[0], 160, "%s each: %s a second in one process", duration(a, f->get_ns),
             rate(b, per_second(f->get_ns)));
    snprintf(lines[1], 160, "%s each: %s a second in one process", duration(a, f->set_ns),
             rate(b, per_second(f->set_ns)));
    snprintf(lines[2], 160, "%u, one of which sets: %s gets and %s sets a second", f->processes,
             rate(a, f->gets), rate(b, f->sets));
    snprintf(lines[3], 160, "%s from a set until a process that slept has it; 99 of 100 in %s",
             duration(a, (double)f->wake.p50), duration(b, (double)f->wake.p99));
    snprintf(lines[4], 160, "%s messages a second to another process", rate(a, f->messages));
    snprintf(lines[5], 160, "%s items a second to another process, which acknowledges each",
             rate(a, f->items));
    snprintf(lines[6], 160, "%s changes a second are told to another process",
             rate(a, f->changes));
    snprintf(lines[7], 160, "%s until a set is on disk", duration(a, f->sync_ns));
    const struct ctl_field fields[] = {
        ctl_text("get", lines[0]),     ctl_text("set", lines[1]),  ctl_text("processes", lines[2]),
        ctl_text("wake-up", lines[3]), ctl_text("topic", lines[4]), ctl_text("queue", lines[5]),
        ctl_text("feed", lines[6]),    ctl_text("sync", lines[7]),
    };
    ctl_print_record(fields, f->sync_ns > 0 ? 8 : 7);
}

static struct ctl_field whole(const char *name, double number)
{
    return ctl_number(name, (uint64_t)(number + 0.5));
}

static void print_numbers(const struct figures *f)
{
    const struct ctl_field fields[] = {
        ctl_text("where", folder ? "file" : "memory"),
        ctl_number("keys", KEYS),
        ctl_number("value_size", VALUE),
        whole("get_ns", f->get_ns),
        whole("set_ns", f->set_ns),
        ctl_number("processes", f->processes),
        whole("gets_per_second", f->gets),
        whole("sets_per_second", f->sets),
        ctl_number("wake_p50_ns", f->wake.p50),
        ctl_number("wake_p99_ns", f->wake.p99),
        whole("topic_per_second", f->messages),
        whole("queue_per_second", f->items),
        whole("feed_per_second", f->changes),
        folder ? whole("sync_ns", f->sync_ns) : ctl_none("sync_ns"),
    };
    ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
}

int ctl_run_bench(const struct ctl_call *call)
{
    const char *seconds = call->given[BENCH_SECONDS];
    struct figures figures = {0};
    folder = call->given[BENCH_IN];
    if (folder && !*folder)
        cli_usage("--in: the name of a folder cannot be empty");
    part_ms = cli_seconds("--seconds", seconds ? seconds : "5", 100, 600000) /
              (folder ? PARTS + 1 : PARTS);
    measure(&figures);
    if (ctl_json())
        print_numbers(&figures);
    else
        print_words(&figures);
    if (figures.wrong)
        cli_die(CLI_FAILURE, "%" PRIu64 " values that were read are wrong", figures.wrong);
    return CLI_OK;
}
