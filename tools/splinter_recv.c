/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_recv - print each new value of a key as it arrives
 *
 * A key holds its last value only.  After each value printed we wait for anything newer than its
 * epoch, so the last one is always seen; what was replaced before we looked is known from the
 * revision, and told by --verbose.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_out.h"

static const char help[] =
    "Usage: splinter_recv [OPTION]... [BUS] [KEY]\n"
    "Print each new value of KEY (default " CLI_DEFAULT_KEY ") of\n"
    "BUS (default " CLI_DEFAULT_BUS ") as it arrives, each followed by a newline.\n"
    "A BUS with a '/' other than a leading one is the path of a file.\n"
    "\n"
    "  -1, --oneshot        end after one value\n"
    "  -n, --count N        end after N values\n"
    "  -t, --timeout MS     give up when no value has come for MS milliseconds\n"
    "  -c, --current        begin with the value that is there\n"
    "  -w, --wait           wait for a bus or key that does not exist (yet, or any more)\n"
    "  -e, --epoch          print the value's epoch and a tab before it\n"
    "  -0, --null           end each value with a zero byte instead of a newline\n"
    "  -r, --raw            print nothing but the values\n"
    "  -f, --file           BUS is the path of a file, whatever it looks like\n"
    "  -v, --verbose        say on standard error when it begins, and what was missed\n"
    "      --help           print this and exit\n"
    "      --version        print the version and exit\n"
    "\n"
    "Exit status: 0 done (also after SIGINT or SIGTERM), 1 failure, 2 wrong arguments,\n"
    "3 no such bus or key, 4 timeout.\n";

static const char *bus = CLI_DEFAULT_BUS;
static const char *key = CLI_DEFAULT_KEY;
static bool current, wait_for, show_epoch, verbose;
static int terminator = '\n'; /* -1: none */
static uint64_t count = UINT64_MAX, timeout_ms = CLI_NEVER;

static struct cli_out out;

/* What of the key has been seen. */
static uint64_t seen_epoch;    /* 0: it was not there, anything is new */
static uint32_t seen_revision; /* of that epoch */

static void key_absent(const char *how)
{
    if (!wait_for) {
        cli_out_flush(&out); /* what was received before */
        cli_die(CLI_ABSENT, "key '%s' %s bus '%s'", key, how, bus);
    }
    seen_epoch = 0;
    seen_revision = 0;
}

/* Where "new" begins. */
static void begin(splinter_store *store)
{
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    int r;
    do
        r = splinter_store_get(store, key, NULL, 0, NULL, &meta);
    while (r == -EAGAIN && !cli_stop);
    if (r == -ENOENT) {
        key_absent("does not exist in");
    } else if (r && r != -EAGAIN) {
        cli_die(CLI_FAILURE, "cannot read key '%s' of bus '%s': %s", key, bus, strerror(-r));
    } else if (!r && !current) {
        seen_epoch = meta.epoch;
        seen_revision = meta.revision;
    } else if (!r) {
        seen_revision = meta.revision - 1; /* the value that is there is the next, not missed */
    }
}

static void tell_missed(const struct splinter_meta *meta)
{
    uint32_t steps = meta->revision - seen_revision; /* revisions wrap */
    if (meta->revision <= seen_revision) {
        /* It was unset meanwhile; how often it had been set before that, nobody knows. */
        cli_warn("key '%s' was removed and set again: %" PRIu32 " values missed since, and maybe "
                 "some before",
                 key, meta->revision - 1);
    } else if (steps > 1) {
        cli_warn("%" PRIu32 " values of key '%s' missed before epoch %" PRIu64, steps - 1, key,
                 meta->epoch);
    }
}

static void print_value(const struct cli_value *v)
{
    if (show_epoch)
        cli_out_printf(&out, "%" PRIu64 "\t", v->meta.epoch);
    cli_out_put(&out, v->buf, v->size);
    if (terminator >= 0) {
        char end = (char)terminator;
        cli_out_put(&out, &end, 1);
    }
    cli_out_flush(&out);
}

static void follow(splinter_store *store, uint64_t deadline)
{
    static struct cli_value v;
    while (count && !cli_stop) {
        uint64_t ms = cli_slice(deadline);
        int r = splinter_store_wait(store, key, seen_epoch, ms, NULL);
        if (!r)
            r = cli_get(store, key, &v);
        if (r == -ETIMEDOUT) {
            cli_out_check(&out);
            if (!ms)
                cli_die(CLI_TIMEOUT, "no new value of key '%s' within %" PRIu64 " ms", key,
                        timeout_ms);
        } else if (r == -ENOENT) {
            key_absent("was removed from");
        } else if (r && r != -EAGAIN) {
            cli_die(CLI_FAILURE, "cannot wait for key '%s' of bus '%s': %s", key, bus,
                    strerror(-r));
        } else if (!r && v.meta.epoch > seen_epoch) {
            if (verbose)
                tell_missed(&v.meta);
            seen_epoch = v.meta.epoch;
            seen_revision = v.meta.revision;
            print_value(&v);
            count--;
            deadline = cli_deadline(timeout_ms);
        }
    }
    free(v.buf);
}

enum { OPT_HELP = 256, OPT_VERSION };

int main(int argc, char **argv)
{
    static char name[] = "splinter_recv";
    static const struct option options[] = {
        {"oneshot", no_argument, NULL, '1'},
        {"count", required_argument, NULL, 'n'},
        {"timeout", required_argument, NULL, 't'},
        {"current", no_argument, NULL, 'c'},
        {"wait", no_argument, NULL, 'w'},
        {"epoch", no_argument, NULL, 'e'},
        {"null", no_argument, NULL, '0'},
        {"raw", no_argument, NULL, 'r'},
        {"file", no_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    bool file = false, null = false, raw = false;
    int option;

    cli_start(name, argv);
    while ((option = getopt_long(argc, argv, "1n:t:cwe0rfv", options, NULL)) != -1)
        switch (option) {
        case '1':
            count = 1;
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
        case 'e':
            show_epoch = true;
            break;
        case '0':
            null = true;
            terminator = '\0';
            break;
        case 'r':
            raw = true;
            terminator = -1;
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
    if (argc > 2)
        cli_usage("too many arguments: it takes BUS and KEY");
    if (null && raw)
        cli_usage("--null and --raw exclude each other");
    if (argc > 0)
        bus = argv[0];
    if (argc > 1)
        key = argv[1];
    cli_key("KEY", key);

    cli_catch_signals(false);
    cli_out_init(&out, STDOUT_FILENO, "standard output");
    struct cli_follow f = {.bus = bus,
                           .file = file,
                           .wait = wait_for,
                           .verbose = verbose,
                           .deadline = cli_deadline(timeout_ms)};
    splinter_store *store = cli_open_to_follow(&f);
    if (store) {
        if (!f.came) /* else whatever is in it is new */
            begin(store);
        if (verbose)
            cli_warn("following key '%s' of bus '%s'", key, bus);
        follow(store, f.deadline);
    }
    cli_out_flush(&out);
    return CLI_OK;
}
