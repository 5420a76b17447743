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
#include <getopt.h>
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "logtee_output.h"
#include "logtee_round.h"
#include "logtee_seen.h"

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
    struct logtee_task task = {
        .bus = CLI_DEFAULT_BUS,
        .prefix = "",
        .count = UINT64_MAX,
        .timeout_ms = CLI_NEVER,
    };
    bool file = false, json = false, timestamps = false;
    int option;

    cli_start(name, argv);
    while ((option = getopt_long(argc, argv, "p:o:TF:n:t:cwfv", options, NULL)) != -1)
        switch (option) {
        case 'p':
            task.prefix = cli_key("--prefix", optarg);
            break;
        case 'o':
            task.output = optarg;
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
            task.count = cli_number("--count", optarg, 1, UINT64_MAX - 1);
            break;
        case 't':
            task.timeout_ms = cli_number("--timeout", optarg, 0, CLI_MS_MAX);
            break;
        case 'c':
            task.current = true;
            break;
        case 'w':
            task.wait = true;
            break;
        case 'f':
            file = true;
            break;
        case 'v':
            task.verbose = true;
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
        task.bus = argv[0];
    for (int i = 1; i < argc; i++)
        cli_key("KEY", argv[i]);
    if (argc > 1) {
        task.names = argv + 1;
        task.name_count = (size_t)argc - 1;
    }
    if (task.name_count && *task.prefix)
        cli_usage("--prefix and named keys exclude each other");

    cli_catch_signals(task.output != NULL);
    logtee_output_open(task.output, json, timestamps);
    struct cli_follow f = {.bus = task.bus,
                           .file = file,
                           .wait = task.wait,
                           .verbose = task.verbose,
                           .deadline = cli_deadline(task.timeout_ms)};
    splinter_store *store = cli_open_to_follow(&f);
    if (store)
        logtee_follow(store, &task, f.deadline, !f.came);
    logtee_output_total();
    logtee_seen_free();
    return CLI_OK;
}
