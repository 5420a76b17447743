/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_logtee - copy what is set on a bus to standard output or a file, consuming nothing
 *
 * Each round reads the epochs of the keys, and prints the values that are newer than what was
 * seen of their key, the oldest first.  Between rounds it sleeps until the epoch of the store has
 * moved since before the round, so nothing that happens during one is missed.
 *
 * A key holds its last value only.  How many were replaced before a round could read them is
 * known from the revision and reported, but for the values of a key that was unset meanwhile:
 * then it is reported that this happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_out.h"

static const char help[] =
    "Usage: splinter_logtee [OPTION]... [BUS] [KEY]...\n"
    "Copy each new value of the KEYs (default: of all keys) of BUS (default " CLI_DEFAULT_BUS ")\n"
    "to standard output, as lines of the key, a tab and the value.  Nothing is consumed.\n"
    "A BUS with a '/' other than a leading one is the path of a file.\n"
    "\n"
    "  -p, --prefix P       of all keys that begin with P\n"
    "  -o, --output FILE    append to FILE; SIGHUP reopens it\n"
    "  -T, --timestamps     tell the time at which each value was read\n"
    "  -F, --format FORMAT  plain (the default), or json: an object a line\n"
    "  -n, --count N        end after N values\n"
    "  -t, --timeout MS     give up when no value has come for MS milliseconds\n"
    "  -c, --current        begin with the values that are there\n"
    "  -w, --wait           wait for a bus or named keys that do not exist yet\n"
    "  -f, --file           BUS is the path of a file, whatever it looks like\n"
    "  -v, --verbose        say on standard error when it begins\n"
    "      --help           print this and exit\n"
    "      --version        print the version and exit\n"
    "\n"
    "Values that were overwritten before they could be read are counted and reported.\n"
    "Exit status: 0 done (also after SIGINT or SIGTERM), 1 failure, 2 wrong arguments,\n"
    "3 no such bus or key, 4 timeout.\n";

static const char *bus = CLI_DEFAULT_BUS;
static const char *prefix = "";
static const char *output; /* NULL: standard output */
static char **names;       /* the keys asked for */
static size_t name_count;  /* 0: all with prefix */
static bool json, timestamps, current, wait_for, verbose;
static uint64_t count = UINT64_MAX, timeout_ms = CLI_NEVER;

static struct cli_out out;
static uint64_t total_values, total_missed;

static void *grow(void *old, size_t n, size_t size)
{
    void *new = n > SIZE_MAX / size ? NULL : realloc(old, n * size);
    if (!new)
        cli_die(CLI_FAILURE, "out of memory");
    return new;
}

/* ---- what was seen of each key: a hash table, open addressing ---- */

struct seen {
    char *key; /* NULL: a free place */
    uint64_t epoch;
    uint64_t round;    /* the last one in which the key was there */
    uint32_t revision; /* of that epoch */
    bool gone;         /* it was there, and then was not */
};

static struct seen *table;
static size_t table_size, table_used; /* the size is a power of two */
static uint64_t round_number;

static struct seen *place_of(struct seen *in, size_t size, const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const unsigned char *p = (const unsigned char *)key; *p; p++)
        hash = (hash ^ *p) * UINT64_C(1099511628211);
    size_t i = (size_t)hash & (size - 1);
    while (in[i].key && strcmp(in[i].key, key) != 0)
        i = (i + 1) & (size - 1);
    return &in[i];
}

/* Makes room; keys that are gone are forgotten, or a bus of ever new keys would fill us up. */
static void table_rebuild(void)
{
    size_t present = 0, size = 64;
    for (size_t i = 0; i < table_size; i++)
        present += table[i].key && !table[i].gone;
    while (size < present * 4)
        size *= 2;
    struct seen *new = calloc(size, sizeof(*new));
    if (!new)
        cli_die(CLI_FAILURE, "out of memory");
    for (size_t i = 0; i < table_size; i++)
        if (table[i].key && !table[i].gone)
            *place_of(new, size, table[i].key) = table[i];
        else
            free(table[i].key);
    free(table);
    table = new;
    table_size = size;
    table_used = present;
}

/* What was seen of key; epoch 0 if nothing. */
static struct seen *seen_of(const char *key)
{
    if (table_used * 2 >= table_size)
        table_rebuild();
    struct seen *s = place_of(table, table_size, key);
    if (!s->key) {
        s->key = strdup(key);
        if (!s->key)
            cli_die(CLI_FAILURE, "out of memory");
        table_used++;
    }
    return s;
}

/* ---- output ---- */

static void open_output(void)
{
    /* Private, as the stores are: this is a copy of what is in one. */
    int fd = open(output, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        cli_die(CLI_FAILURE, "cannot open '%s': %s", output, strerror(errno));
    cli_out_init(&out, fd, output);
}

static void reopen_output(void)
{
    cli_hup = 0;
    cli_out_flush(&out);
    if (close(out.fd) && errno != EINTR)
        cli_die(CLI_FAILURE, "cannot write to %s: %s", out.name, strerror(errno));
    open_output();
    if (verbose)
        cli_warn("reopened '%s'", output);
}

/* The length of the UTF-8 character at p, 0 if there is none; no overlong forms, no surrogates. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > left || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

static bool is_utf8(const unsigned char *p, size_t len)
{
    for (size_t i = 0, n; i < len; i += n)
        if (!(n = utf8_length(p + i, len - i)))
            return false;
    return true;
}

static void put_escaped(const unsigned char *p, size_t len)
{
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' && p[i] != 0x7f)
            continue;
        cli_out_put(&out, p + done, i - done);
        if (p[i] == '"' || p[i] == '\\')
            cli_out_printf(&out, "\\%c", p[i]);
        else if (p[i] == '\n')
            cli_out_put(&out, "\\n", 2);
        else
            cli_out_printf(&out, "\\u%04x", (unsigned)p[i]);
        done = i + 1;
    }
    cli_out_put(&out, p + done, len - done);
}

static void put_base64(const unsigned char *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (n > 2 ? (uint32_t)p[i + 2] : 0);
        char group[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                         digits[bits & 63]};
        memset(group + n + 1, '=', 3 - n);
        cli_out_put(&out, group, 4);
    }
}

/* "name":"..." or, if the bytes are no text, "name_base64":"..." */
static void put_member(const char *member, const void *bytes, size_t len)
{
    bool text = is_utf8(bytes, len);
    cli_out_printf(&out, "\"%s%s\":\"", member, text ? "" : "_base64");
    if (text)
        put_escaped(bytes, len);
    else
        put_base64(bytes, len);
    cli_out_put(&out, "\"", 1);
}

/* RFC 3339, UTC */
static void time_text(char *text, size_t room)
{
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    size_t n = strftime(text, room, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, room - n, ".%06ldZ", t.tv_nsec / 1000);
}

static void put_value(const char *key, const struct cli_value *v)
{
    char when[64] = "";
    if (timestamps)
        time_text(when, sizeof(when));
    if (json) {
        cli_out_put(&out, "{", 1);
        if (timestamps)
            cli_out_printf(&out, "\"time\":\"%s\",", when);
        put_member("key", key, strlen(key));
        cli_out_printf(&out, ",\"epoch\":%" PRIu64 ",\"revision\":%" PRIu32 ",", v->meta.epoch,
                       v->meta.revision);
        put_member("value", v->buf, v->size);
        cli_out_put(&out, "}\n", 2);
    } else {
        if (timestamps)
            cli_out_printf(&out, "%s\t", when);
        cli_out_put(&out, key, strlen(key));
        cli_out_put(&out, "\t", 1);
        cli_out_put(&out, v->buf, v->size);
        cli_out_put(&out, "\n", 1);
    }
}

/* recreated: the key was unset and set again, so more values may have been missed. */
static void report_missed(const char *key, uint32_t missed, bool recreated)
{
    total_missed += missed;
    if (json) {
        cli_out_put(&out, "{", 1);
        put_member("key", key, strlen(key));
        cli_out_printf(&out, ",\"missed\":%" PRIu32 "%s}\n", missed,
                       recreated ? ",\"recreated\":true" : "");
    } else if (recreated) {
        cli_warn("key '%s' was removed and set again: %" PRIu32 " values missed since, and maybe "
                 "some before",
                 key, missed);
    } else {
        cli_warn("%" PRIu32 " values of key '%s' missed", missed, key);
    }
}

static void report_total(void)
{
    if (json)
        cli_out_printf(&out, "{\"values\":%" PRIu64 ",\"missed\":%" PRIu64 "}\n", total_values,
                       total_missed);
    cli_out_flush(&out);
    if (!json)
        cli_warn("%" PRIu64 " values, %" PRIu64 " missed", total_values, total_missed);
}

/* ---- rounds ---- */

/* The keys with something new, in this round. */
struct change {
    uint64_t epoch;
    char *key;
};
static struct change *changes;
static size_t change_count, change_room;

static int by_epoch(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    return x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

/* The key is there.  first: before we began; that is not new, unless --current asks for it. */
static void met(const char *key, const struct splinter_meta *meta, bool first)
{
    struct seen *s = seen_of(key);
    s->round = round_number;
    if (first) {
        s->revision = meta->revision;
        if (!current) {
            s->epoch = meta->epoch;
            return;
        }
        s->revision--; /* the value that is there comes next, and is not missed */
    }
    if (meta->epoch <= s->epoch)
        return;
    if (change_count == change_room) {
        change_room = change_room ? change_room * 2 : 64;
        changes = grow(changes, change_room, sizeof(*changes));
    }
    changes[change_count++] = (struct change){meta->epoch, strdup(key)};
    if (!changes[change_count - 1].key)
        cli_die(CLI_FAILURE, "out of memory");
}

static void look_at_named(splinter_store *store, bool first)
{
    for (size_t i = 0; i < name_count; i++) {
        struct splinter_meta meta = {.struct_size = sizeof(meta)};
        int r;
        do
            r = splinter_store_get(store, names[i], NULL, 0, NULL, &meta);
        while (r == -EAGAIN && !cli_stop);
        if (!r)
            met(names[i], &meta, first);
        else if (r == -ENOENT && first && !wait_for)
            cli_die(CLI_ABSENT, "key '%s' does not exist in bus '%s'", names[i], bus);
        else if (r != -ENOENT && r != -EAGAIN)
            cli_die(CLI_FAILURE, "cannot read key '%s' of bus '%s': %s", names[i], bus,
                    strerror(-r));
    }
}

static void look_at_all(splinter_store *store, bool first)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int r;
    while ((r = splinter_store_walk(store, prefix, &cursor, key, &meta)) == 1 && !cli_stop)
        met(key, &meta, first);
    if (r < 0)
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", bus, strerror(-r));
}

/* false: somebody else was faster; the next round tells. */
static bool print_change(splinter_store *store, const char *key, struct cli_value *v)
{
    int r;
    do
        r = cli_get(store, key, v);
    while (r == -EAGAIN && !cli_stop);
    struct seen *s = seen_of(key);
    if (r || v->meta.epoch <= s->epoch)
        return false;
    /* Revisions wrap after 2^32 sets; to see one that is lower mostly means a new life. */
    bool known = s->epoch || s->revision;
    bool recreated = s->gone || (known && v->meta.revision <= s->revision);
    uint32_t missed = v->meta.revision - 1 - (recreated ? 0 : s->revision);
    if (missed || recreated)
        report_missed(key, missed, recreated);
    s->epoch = v->meta.epoch;
    s->revision = v->meta.revision;
    s->gone = false;
    put_value(key, v);
    total_values++;
    count--;
    return true;
}

/* One look at everything.  true: something was printed. */
static bool look(splinter_store *store, struct cli_value *v, bool first)
{
    bool printed = false;
    round_number++;
    change_count = 0;
    if (name_count)
        look_at_named(store, first);
    else
        look_at_all(store, first);
    for (size_t i = 0; i < table_size && !cli_stop; i++) /* stopped: maybe not all was met */
        if (table[i].key && table[i].round != round_number)
            table[i].gone = true;
    if (change_count) /* else there may be no array */
        qsort(changes, change_count, sizeof(*changes), by_epoch);
    for (size_t i = 0; i < change_count; i++) {
        if (count && !cli_stop)
            printed |= print_change(store, changes[i].key, v);
        free(changes[i].key);
    }
    cli_out_flush(&out);
    return printed;
}

/* existed: the bus did so when we began; else whatever is in it is new. */
static void drain(splinter_store *store, uint64_t deadline, bool existed)
{
    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    static struct cli_value v;
    int r = splinter_store_stat(store, &stat);
    if (r)
        cli_die(CLI_FAILURE, "cannot look at bus '%s': %s", bus, strerror(-r));

    uint64_t epoch = stat.epoch;
    if (look(store, &v, existed))
        deadline = cli_deadline(timeout_ms);
    if (verbose)
        cli_warn("following bus '%s'", bus);
    while (count && !cli_stop) {
        if (cli_hup && output)
            reopen_output();
        uint64_t ms = cli_slice(deadline);
        r = splinter_store_wait_any(store, epoch, ms, &epoch);
        if (r == -ETIMEDOUT) {
            cli_out_check(&out);
        } else if (r) {
            cli_die(CLI_FAILURE, "cannot wait for bus '%s': %s", bus, strerror(-r));
        } else if (look(store, &v, false)) {
            deadline = cli_deadline(timeout_ms);
            continue;
        }
        if (!ms) {
            report_total();
            cli_die(CLI_TIMEOUT, "no new value within %" PRIu64 " ms", timeout_ms);
        }
    }
    free(v.buf);
}

enum { OPT_HELP = 256, OPT_VERSION };

int main(int argc, char **argv)
{
    static char name[] = "splinter_logtee";
    static const struct option options[] = {
        {"prefix", required_argument, NULL, 'p'},
        {"output", required_argument, NULL, 'o'},
        {"timestamps", no_argument, NULL, 'T'},
        {"format", required_argument, NULL, 'F'},
        {"count", required_argument, NULL, 'n'},
        {"timeout", required_argument, NULL, 't'},
        {"current", no_argument, NULL, 'c'},
        {"wait", no_argument, NULL, 'w'},
        {"file", no_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    bool file = false;
    int option;

    cli_start(name, argv);
    while ((option = getopt_long(argc, argv, "p:o:TF:n:t:cwfv", options, NULL)) != -1)
        switch (option) {
        case 'p':
            prefix = cli_key("--prefix", optarg);
            break;
        case 'o':
            output = optarg;
            break;
        case 'T':
            timestamps = true;
            break;
        case 'F':
            json = strcmp(optarg, "json") == 0;
            if (!json && strcmp(optarg, "plain") != 0)
                cli_usage("--format: '%s' is not allowed; it takes plain or json", optarg);
            break;
        case 'n':
            count = cli_number("--count", optarg, 1, UINT64_MAX - 1);
            break;
        case 't':
            timeout_ms = cli_number("--timeout", optarg, 0, CLI_MS_MAX);
            break;
        case 'c':
            current = true;
            break;
        case 'w':
            wait_for = true;
            break;
        case 'f':
            file = true;
            break;
        case 'v':
            verbose = true;
            break;
        case OPT_HELP:
            cli_help(help);
        case OPT_VERSION:
            cli_version();
        default:
            cli_bad_option();
        }
    argv += optind;
    argc -= optind;
    if (argc > 0)
        bus = argv[0];
    for (int i = 1; i < argc; i++)
        cli_key("KEY", argv[i]);
    if (argc > 1) {
        names = argv + 1;
        name_count = (size_t)argc - 1;
    }
    if (name_count && *prefix)
        cli_usage("--prefix and named keys exclude each other");

    cli_catch_signals(output != NULL);
    if (output)
        open_output();
    else
        cli_out_init(&out, STDOUT_FILENO, "standard output");
    struct cli_follow f = {.bus = bus,
                           .file = file,
                           .wait = wait_for,
                           .verbose = verbose,
                           .deadline = cli_deadline(timeout_ms)};
    splinter_store *store = cli_open_to_follow(&f);
    if (store)
        drain(store, f.deadline, !f.came);
    report_total();
    for (size_t i = 0; i < table_size; i++)
        free(table[i].key);
    free(table);
    free(changes);
    return CLI_OK;
}
