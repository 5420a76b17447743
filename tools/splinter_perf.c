/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_perf - many readers, one writer, and every value that is read verified
 *
 * A value says which key it belongs to and which version it is, and its body is computed from
 * the two; so a reader can tell alone whether what it got is
 *   torn     not one value: the body is not the one of the key and version that it claims
 *   foreign  another key's value
 *   stale    older than what this reader had seen of this key before
 *   missing  no value, or one of another length, though every key is always set
 *
 * Workers are threads, or processes forked before the measurement, and share one small piece of
 * memory: two flags and a result for each worker, written by that worker alone and read when it
 * has ended.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"

static const char help[] =
    "Usage: splinter_perf [OPTION]...\n"
    "Measure reads of many readers beside one writer, verifying every value read.\n"
    "\n"
    "  -r, --readers N        number of readers (default 15)\n"
    "      --no-writer        no writer: the values do not change\n"
    "  -P, --processes        workers are processes instead of threads\n"
    "  -k, --keys N           number of keys (default 20000)\n"
    "  -s, --value-size BYTES size of each value, 32 or more (default 64)\n"
    "  -d, --duration SECONDS how long to measure (default 3; up to three decimals)\n"
    "  -b, --bus NAME         use this memory store, created if it does not exist (default:\n"
    "                         a store without a name); what was made is removed afterwards\n"
    "  -j, --json             print one JSON object instead of the table\n"
    "      --self-test=FAULT  put a fault into what every 1000th read got, so that verification\n"
    "                         must fail: torn, stale or foreign\n"
    "      --help             print this and exit\n"
    "      --version          print the version and exit\n"
    "\n"
    "Exit status: 0 every value read was right, 1 a failure or a wrong value, 2 wrong arguments.\n";

#define SAMPLE_EVERY 64 /* operations; reading the clock costs about as much as a get */
#define FAULT_EVERY 1000
#define READERS_MAX 4096
#define KEYS_MAX 10000000
#define WRITER 0 /* the worker's number; readers follow */

enum fault { FAULT_NONE, FAULT_TORN, FAULT_STALE, FAULT_FOREIGN };

/* ---- what was asked for ---- */

static uint64_t readers = 15, key_count = 20000, value_size = 64, duration_ms = 3000;
static bool writer = true, processes, json;
static enum fault self_test;
static const char *bus;
static splinter_store *store;

/* ---- latencies: a histogram with 32 steps in each power of two, so 3% wide ---- */

#define STEP_BITS 5
#define STEPS (1u << STEP_BITS)
#define OCTAVES 40
#define PLACES (OCTAVES * STEPS)

static unsigned place_of(uint64_t ns)
{
    if (ns < STEPS)
        return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    unsigned place = (shift + 1) * STEPS + (unsigned)(ns >> shift & (STEPS - 1));
    return place < PLACES ? place : PLACES - 1;
}

/* The middle of the place. */
static uint64_t value_of(unsigned place)
{
    if (place < STEPS)
        return place;
    unsigned shift = place / STEPS - 1;
    return ((uint64_t)(STEPS + place % STEPS) << shift) + (UINT64_C(1) << shift) / 2;
}

/* ---- the shared piece of memory ---- */

struct result {
    _Alignas(64) uint64_t operations;
    uint64_t cpu_ns;
    uint64_t retries; /* races that gets lost, each tried again inside the library */
    uint64_t again;   /* calls that gave up and were made again */
    uint64_t torn, stale, foreign, missing;
    int error; /* what ended the worker early, a negative errno */
    uint64_t histogram[PLACES];
};

static struct shared {
    atomic_uint ready; /* workers that wait for go */
    atomic_bool go, stop;
    struct result result[]; /* of each worker */
} *shared;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* ---- keys and values ---- */

static char key_prefix[40] = "k"; /* on a named bus the process id is part of it */
static size_t key_prefix_len = 1;

/* snprintf() would take longer than the get that follows. */
static void make_key(char *key, uint64_t number)
{
    memcpy(key, key_prefix, key_prefix_len);
    char *digit = key + key_prefix_len + 8;
    *digit = '\0';
    for (int i = 0; i < 8; i++, number /= 10)
        *--digit = (char)('0' + number % 10);
}

struct value {
    uint64_t key, version;
    unsigned char body[]; /* value_size - 16 bytes */
};

static uint64_t mix(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t body_seed(uint64_t key, uint64_t version)
{
    uint64_t state = key * UINT64_C(0xd6e8feb86659fd93) + version;
    return mix(&state);
}

static void fill(unsigned char *body, size_t len, uint64_t key, uint64_t version)
{
    uint64_t state = body_seed(key, version);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = mix(&state);
        memcpy(body + i, &word, len - i < 8 ? len - i : 8);
    }
}

static bool filled(const unsigned char *body, size_t len, uint64_t key, uint64_t version)
{
    uint64_t state = body_seed(key, version);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = mix(&state);
        if (memcmp(body + i, &word, len - i < 8 ? len - i : 8) != 0)
            return false;
    }
    return true;
}

static void make_value(struct value *v, uint64_t key, uint64_t version)
{
    v->key = key;
    v->version = version;
    fill(v->body, value_size - sizeof(*v), key, version);
}

/* Puts a fault into what a reader got; it must be found. */
static void break_value(struct value *v, uint64_t key, uint64_t last_version)
{
    size_t len = value_size - sizeof(*v), half = len / 2;
    switch (self_test) {
    case FAULT_NONE:
        break;
    case FAULT_TORN: /* the end is not what the begin says */
        for (size_t i = half; i < len; i++)
            v->body[i] ^= 0x55;
        break;
    case FAULT_STALE: /* perfectly right, but of before */
        make_value(v, key, last_version - 1);
        break;
    case FAULT_FOREIGN:
        make_value(v, key + 1, v->version);
        break;
    }
}

/* ---- workers ---- */

static void wait_for_go(void)
{
    atomic_fetch_add(&shared->ready, 1);
    while (!atomic_load(&shared->go) && !atomic_load(&shared->stop)) {
        struct timespec nap = {0, 1000000};
        nanosleep(&nap, NULL);
    }
}

static void verify(struct result *r, const struct value *v, size_t size, uint64_t key,
                   uint64_t *last_version)
{
    if (size != value_size)
        r->missing++;
    else if (!filled(v->body, value_size - sizeof(*v), v->key, v->version))
        r->torn++;
    else if (v->key != key)
        r->foreign++;
    else if (v->version < *last_version)
        r->stale++;
    else
        *last_version = v->version;
}

static int read_on(struct result *r, struct value *v, uint64_t *last_versions, uint64_t seed)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char key[sizeof(key_prefix) + 8];
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        uint64_t number = mix(&seed) % key_count;
        bool sample = r->operations % SAMPLE_EVERY == 0;
        size_t size = 0;
        make_key(key, number);
        uint64_t begin = sample ? now_ns(CLOCK_MONOTONIC) : 0;
        int e = splinter_store_get(store, key, v, value_size, &size, &meta);
        if (sample)
            r->histogram[place_of(now_ns(CLOCK_MONOTONIC) - begin)]++;
        if (e == -EAGAIN) {
            r->again++;
            continue;
        }
        if (e && e != -ENOENT && e != -EMSGSIZE)
            return e;
        r->retries += meta.retries;
        if (e) {
            r->missing++;
        } else {
            if (self_test && r->operations % FAULT_EVERY == 0)
                break_value(v, number, last_versions[number]);
            verify(r, v, size, number, &last_versions[number]);
        }
        r->operations++;
    }
    return 0;
}

static int write_on(struct result *r, struct value *v, uint64_t *versions, uint64_t seed)
{
    char key[sizeof(key_prefix) + 8];
    while (!atomic_load_explicit(&shared->stop, memory_order_relaxed)) {
        uint64_t number = mix(&seed) % key_count;
        bool sample = r->operations % SAMPLE_EVERY == 0;
        make_key(key, number);
        make_value(v, number, versions[number] + 1);
        uint64_t begin = sample ? now_ns(CLOCK_MONOTONIC) : 0;
        int e = splinter_store_set(store, key, v, value_size, NULL, NULL);
        if (sample)
            r->histogram[place_of(now_ns(CLOCK_MONOTONIC) - begin)]++;
        if (e == -EAGAIN) {
            r->again++;
            continue;
        }
        if (e)
            return e;
        versions[number]++;
        r->operations++;
    }
    return 0;
}

static void work(unsigned number)
{
    struct result *r = &shared->result[number];
    struct value *v = malloc(value_size);
    uint64_t *versions = malloc((size_t)key_count * sizeof(*versions));
    if (!v || !versions) {
        r->error = -ENOMEM;
    } else {
        for (uint64_t i = 0; i < key_count; i++)
            versions[i] = 1; /* every key was set once before we began */
        wait_for_go();
        uint64_t begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
        r->error = (number == WRITER ? write_on : read_on)(r, v, versions, number);
        r->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    if (r->error)
        atomic_store(&shared->stop, true);
    free(v);
    free(versions);
}

static void *thread_main(void *argument)
{
    work((unsigned)(uintptr_t)argument);
    return NULL;
}

/* ---- the store ---- */

static bool created;         /* the store is ours to remove */
static uint64_t keys_set;    /* as are these keys */
static pid_t main_process;   /* and that is for the first process alone to do */

static void clean_up(void)
{
    char key[sizeof(key_prefix) + 8];
    if (!bus || !store || getpid() != main_process)
        return;
    if (created)
        splinter_store_unlink(bus, SPLINTER_MEMORY);
    else
        for (uint64_t i = 0; i < keys_set; i++) {
            make_key(key, i);
            splinter_store_unset(store, key, 0, NULL);
        }
}

static void open_store(void)
{
    struct splinter_open_options options = {
        .struct_size = sizeof(options),
        .slots = (size_t)(key_count + key_count / 4 + 16),
        .max_value = (size_t)value_size,
    };
    int r;
    if (!bus) {
        options.flags = SPLINTER_ANONYMOUS;
        r = cli_open(&store, "splinter_perf", &options);
        if (r)
            cli_open_failed("(without a name)", r);
    } else {
        do { /* in between somebody may create or remove it */
            options.flags = SPLINTER_MEMORY;
            r = cli_open(&store, bus, &options);
            if (r == -ENOENT) {
                options.flags = SPLINTER_MEMORY | SPLINTER_CREATE | SPLINTER_EXCL;
                r = cli_open(&store, bus, &options);
                created = !r;
            }
        } while (r == -EEXIST);
        if (r)
            cli_open_failed(bus, r);
        key_prefix_len = (size_t)snprintf(key_prefix, sizeof(key_prefix), "__perf.%ld.",
                                          (long)getpid());
    }
    main_process = getpid();
    atexit(clean_up); /* runs before the store is closed */

    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    r = splinter_store_stat(store, &stat);
    if (r)
        cli_die(CLI_FAILURE, "cannot look at the store: %s", strerror(-r));
    if (stat.max_value < value_size)
        cli_die(CLI_FAILURE, "bus '%s' takes values of at most %" PRIu64 " bytes, not %" PRIu64,
                bus, stat.max_value, value_size);
    if (stat.slots - stat.keys < key_count)
        cli_die(CLI_FAILURE, "bus '%s' has room for %" PRIu64 " more keys, not %" PRIu64, bus,
                stat.slots - stat.keys, key_count);
}

static void set_all_keys(void)
{
    char key[sizeof(key_prefix) + 8];
    struct value *v = malloc(value_size);
    if (!v)
        cli_die(CLI_FAILURE, "out of memory");
    for (; keys_set < key_count && !cli_stop; keys_set++) {
        make_key(key, keys_set);
        make_value(v, keys_set, 1);
        int r = splinter_store_set(store, key, v, value_size, NULL, NULL);
        if (r)
            cli_die(CLI_FAILURE, "cannot set the keys: %s", strerror(-r));
    }
    free(v);
}

/* ---- the run ---- */

static unsigned first_worker, worker_end; /* numbers of the workers that there are */
static pthread_t *threads;
static pid_t *children;

static int start_worker(unsigned number)
{
    if (!processes)
        return pthread_create(&threads[number], NULL, thread_main, (void *)(uintptr_t)number);
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return errno;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* else it would go on for ever */
        if (getppid() != parent)
            _exit(CLI_FAILURE);
        work(number);
        _exit(CLI_OK);
    }
    children[number] = child;
    return 0;
}

/* Returns how many ended otherwise than by themselves. */
static unsigned end_workers(unsigned end)
{
    unsigned lost = 0;
    atomic_store(&shared->stop, true);
    for (unsigned i = first_worker; i < end; i++) {
        int status;
        if (!processes) {
            pthread_join(threads[i], NULL);
            continue;
        }
        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (status) {
            cli_warn("worker %u ended by %s %d", i, WIFSIGNALED(status) ? "signal" : "status",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            lost++;
        }
    }
    return lost;
}

static void nap_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Runs the workers; *seconds is how long they did.  Returns false if something went wrong. */
static bool run(double *seconds)
{
    bool progress = isatty(STDERR_FILENO);
    size_t bytes = sizeof(*shared) + worker_end * sizeof(struct result);
    shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    threads = calloc(worker_end, sizeof(*threads));
    children = calloc(worker_end, sizeof(*children));
    if (shared == MAP_FAILED || !threads || !children)
        cli_die(CLI_FAILURE, "out of memory");

    /* Signals are the main thread's business: workers end when it says stop. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    unsigned end = first_worker;
    int error = 0;
    while (end < worker_end && !(error = start_worker(end)))
        end++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        end_workers(end);
        cli_die(CLI_FAILURE, "cannot start worker %u: %s", end, strerror(error));
    }

    while (atomic_load(&shared->ready) < worker_end - first_worker &&
           !atomic_load(&shared->stop) && !cli_stop)
        nap_ms(1);
    uint64_t begin = cli_now_ms(), begin_ns = now_ns(CLOCK_MONOTONIC), now = begin;
    uint64_t deadline = begin + duration_ms;
    atomic_store(&shared->go, true);
    while ((now = cli_now_ms()) < deadline && !cli_stop && !atomic_load(&shared->stop)) {
        if (progress)
            fprintf(stderr, "\r%.1f of %.1f s ", (double)(now - begin) / 1000,
                    (double)duration_ms / 1000);
        nap_ms(cli_slice(deadline));
    }
    atomic_store(&shared->stop, true);
    *seconds = (double)(now_ns(CLOCK_MONOTONIC) - begin_ns) / 1e9;
    if (progress)
        fputs("\r\033[K", stderr);
    bool good = end_workers(end) == 0;
    for (unsigned i = first_worker; i < worker_end; i++)
        if (shared->result[i].error) {
            cli_warn("%s failed: %s", i == WRITER ? "the writer" : "a reader",
                     strerror(-shared->result[i].error));
            good = false;
        }
    free(threads);
    free(children);
    return good;
}

/* ---- the report ---- */

struct summary {
    struct result sum;
    uint64_t samples;
    double per_second, ns;
    uint64_t p50, p99, p999;
};

static uint64_t percentile(const struct summary *s, double part)
{
    uint64_t rank = (uint64_t)((double)s->samples * part), below = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        below += s->sum.histogram[i];
        if (below > rank)
            return value_of(i);
    }
    return 0;
}

static void sum_up(struct summary *s, unsigned from, unsigned to, double seconds)
{
    memset(s, 0, sizeof(*s));
    for (unsigned n = from; n < to; n++) {
        const struct result *r = &shared->result[n];
        s->sum.operations += r->operations;
        s->sum.cpu_ns += r->cpu_ns;
        s->sum.retries += r->retries;
        s->sum.again += r->again;
        s->sum.torn += r->torn;
        s->sum.stale += r->stale;
        s->sum.foreign += r->foreign;
        s->sum.missing += r->missing;
        for (unsigned i = 0; i < PLACES; i++) {
            s->sum.histogram[i] += r->histogram[i];
            s->samples += r->histogram[i];
        }
    }
    s->per_second = seconds > 0 ? (double)s->sum.operations / seconds : 0;
    s->ns = s->sum.operations ? (double)s->sum.cpu_ns / (double)s->sum.operations : 0;
    s->p50 = percentile(s, 0.5);
    s->p99 = percentile(s, 0.99);
    s->p999 = percentile(s, 0.999);
}

static void print_row(const char *what, const struct summary *s)
{
    printf("%-8s %14.0f %9.1f %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", what, s->per_second, s->ns,
           s->p50, s->p99, s->p999);
}

static void print_json(const char *what, const struct summary *s)
{
    printf(",\"%s\":{\"operations\":%" PRIu64 ",\"per_second\":%.0f,\"ns_per_operation\":%.1f,"
           "\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"p999_ns\":%" PRIu64
           ",\"gave_up\":%" PRIu64 "}",
           what, s->sum.operations, s->per_second, s->ns, s->p50, s->p99, s->p999, s->sum.again);
}

/* Returns the number of values that were wrong. */
static uint64_t report(double seconds)
{
    static struct summary reads, writes;
    sum_up(&reads, WRITER + 1, worker_end, seconds);
    sum_up(&writes, WRITER, writer ? WRITER + 1 : WRITER, seconds);
    const struct result *r = &reads.sum;
    uint64_t failures = r->torn + r->stale + r->foreign + r->missing;
    double per_1000 = r->operations ? (double)r->retries * 1000 / (double)r->operations : 0;

    if (json) {
        printf("{\"version\":\"%s\",\"readers\":%" PRIu64 ",\"writers\":%d,\"workers\":\"%s\","
               "\"keys\":%" PRIu64 ",\"value_size\":%" PRIu64 ",\"seconds\":%.3f",
               splinter_version(), readers, writer, processes ? "processes" : "threads", key_count,
               value_size, seconds);
        print_json("reads", &reads);
        print_json("writes", &writes);
        printf(",\"retries\":%" PRIu64 ",\"retries_per_1000_reads\":%.4f", r->retries, per_1000);
        printf(",\"integrity_failures\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"stale\":%" PRIu64
               ",\"foreign\":%" PRIu64 ",\"missing\":%" PRIu64 "}\n",
               failures, r->torn, r->stale, r->foreign, r->missing);
    } else {
        printf("%" PRIu64 " readers, %s, as %s; %" PRIu64 " keys of %" PRIu64 " bytes; %.2f s\n\n",
               readers, writer ? "1 writer" : "no writer", processes ? "processes" : "threads",
               key_count, value_size, seconds);
        printf("%-8s %14s %9s %9s %9s %9s\n", "", "operations/s", "ns/op", "p50 ns", "p99 ns",
               "p99.9 ns");
        print_row("reads", &reads);
        if (writer)
            print_row("writes", &writes);
        printf("\nns/op: processor time, making the key and verifying the value included;\n"
               "p50 to p99.9: the call alone, as long as it took on the clock\n\n");
        printf("retries             %" PRIu64 " (%.4f per 1000 reads)\n", r->retries, per_1000);
        if (r->again + writes.sum.again)
            printf("gave up, repeated   %" PRIu64 " reads, %" PRIu64 " writes\n", r->again,
                   writes.sum.again);
        printf("integrity failures  %" PRIu64 "\n", failures);
        if (failures)
            printf("  torn %" PRIu64 ", stale %" PRIu64 ", foreign %" PRIu64 ", missing %" PRIu64
                   "\n",
                   r->torn, r->stale, r->foreign, r->missing);
    }
    return failures;
}

enum { OPT_HELP = 256, OPT_VERSION, OPT_NO_WRITER, OPT_SELF_TEST };

int main(int argc, char **argv)
{
    static char name[] = "splinter_perf";
    static const struct option options[] = {
        {"readers", required_argument, NULL, 'r'},
        {"no-writer", no_argument, NULL, OPT_NO_WRITER},
        {"processes", no_argument, NULL, 'P'},
        {"keys", required_argument, NULL, 'k'},
        {"value-size", required_argument, NULL, 's'},
        {"duration", required_argument, NULL, 'd'},
        {"bus", required_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},
        {"self-test", required_argument, NULL, OPT_SELF_TEST},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    int option;

    cli_start(name, argv);
    while ((option = getopt_long(argc, argv, "r:Pk:s:d:b:j", options, NULL)) != -1)
        switch (option) {
        case 'r':
            readers = cli_number("--readers", optarg, 1, READERS_MAX);
            break;
        case OPT_NO_WRITER:
            writer = false;
            break;
        case 'P':
            processes = true;
            break;
        case 'k':
            key_count = cli_number("--keys", optarg, 1, KEYS_MAX);
            break;
        case 's':
            value_size = cli_number("--value-size", optarg, 32, SPLINTER_VALUE_MAX);
            break;
        case 'd':
            duration_ms = cli_seconds("--duration", optarg, 1, 86400000);
            break;
        case 'b':
            bus = optarg;
            break;
        case 'j':
            json = true;
            break;
        case OPT_SELF_TEST:
            if (strcmp(optarg, "torn") == 0)
                self_test = FAULT_TORN;
            else if (strcmp(optarg, "stale") == 0)
                self_test = FAULT_STALE;
            else if (strcmp(optarg, "foreign") == 0)
                self_test = FAULT_FOREIGN;
            else
                cli_usage("--self-test: '%s' is not allowed; it takes torn, stale or foreign",
                          optarg);
            break;
        case OPT_HELP:
            cli_help(help);
        case OPT_VERSION:
            cli_version();
        default:
            cli_bad_option();
        }
    if (optind < argc)
        cli_usage("too many arguments: it takes options only");
    if (bus && cli_where(bus, false) != SPLINTER_MEMORY)
        cli_usage("--bus: '%s' is not allowed; it takes the name of a memory store", bus);

    cli_catch_signals(false);
    open_store();
    set_all_keys();
    first_worker = writer ? WRITER : WRITER + 1;
    worker_end = WRITER + 1 + (unsigned)readers;
    if (cli_stop)
        exit(CLI_OK);
    double seconds;
    bool good = run(&seconds);
    uint64_t failures = report(seconds);
    cli_stdout_done();
    return good && !failures ? CLI_OK : CLI_FAILURE;
}
