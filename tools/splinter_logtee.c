/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_logtee - copy what is set on a bus to standard output or a file, consuming nothing
 *
 * Each round reads the epochs of the keys, and prints the values that are newer than what was
 * seen of their key, the oldest first.  Between rounds the tool sleeps until the epoch of the
 * store is another than before the round, so nothing that happens during a round is missed.
 *
 * If the bus has a feed, the tool looks at the keys once, and then goes to each change in turn.
 *
 * A key holds its last value only.  The tool knows from the revision how many were replaced before
 * a round could read them, and reports it.  Of a key that was unset meanwhile it does not know how
 * many it had before, and reports that.
 */
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_follow.h"
#include "logtee_output.h"
#include "logtee_round.h"
#include "logtee_seen.h"

static const char help[] =
    "Usage: splinter_logtee [OPTION]... [BUS] [KEY]...\n"
    "       splinter_logtee [OPTION]... --bus BUS [KEY]...\n"
    "Copy each new value of the KEYs (default: of all keys) of BUS (default $SPLINTER_BUS, or\n"
    CLI_DEFAULT_BUS ") to standard output, as lines of the key, a tab and the value.\n"
    "Nothing is consumed.  A BUS with a '/' other than a leading one is the path of a file.\n"
    "\n"
    "  -b, --bus BUS        the bus; all arguments are then KEYs\n"
    "  -p, --prefix P       of all keys that begin with P\n"
    "  -o, --output FILE    append to FILE; SIGHUP reopens it\n"
    "  -T, --timestamps     print the time at which each value was read\n"
    "  -F, --format FORMAT  plain (the default), or json: an object a line\n"
    "  -n, --count N        end after N values\n"
    "  -t, --timeout MS     give up when no value has come for MS milliseconds\n"
    "  -c, --current        begin with the values that are there\n"
    "  -w, --wait           wait for a bus or named keys that do not exist yet\n"
    "  -f, --file           BUS is the path of a file, whatever it looks like\n"
    "      --file=FILE      the bus in this file, as --bus does\n"
    "  -v, --verbose        say on standard error when following begins, and if by a feed\n"
    "  -h, --help           print this and exit\n"
    "  -V, --version        print the version and exit\n"
    "\n"
    "Values that were overwritten before they could be read are counted and reported.\n"
    "Exit status: 0 done (also after SIGINT or SIGTERM, unless --count is not yet fulfilled),\n"
    "1 failure, 2 wrong arguments, 3 no such bus or key, 4 timeout.\n";

static struct logtee_task task = {.prefix = ""};
static bool json, timestamps;

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"prefix", required_argument, NULL, 'p'},
        {"output", required_argument, NULL, 'o'},
        {"timestamps", no_argument, NULL, 'T'},
        {"format", required_argument, NULL, 'F'},
        CLI_FOLLOW_OPTIONS,
        CLI_OPTIONS,
    };
    static const struct cli_syntax syntax = {help, "p:o:TF:" CLI_FOLLOW_LETTERS, options};
    int option;

    cli_follow_init(&task.follow);
    while ((option = cli_option(&syntax, argc, argv)) != -1)
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
        default:
            cli_follow_option(&task.follow, option);
        }
}

static void read_arguments(int count, char **arguments)
{
    if (!task.follow.chosen.bus && count > 0) {
        task.follow.chosen.bus = *arguments++;
        count--;
    }
    if (!task.follow.chosen.bus)
        task.follow.chosen.bus = cli_default_bus();
    task.names = arguments;
    task.name_count = (size_t)count;
    for (size_t i = 0; i < task.name_count; i++)
        cli_key("KEY", task.names[i]);
    if (task.name_count && *task.prefix)
        cli_usage("--prefix and named keys exclude each other");
}

int main(int argc, char **argv)
{
    cli_start("splinter_logtee");
    read_options(argc, argv);
    read_arguments(argc - optind, argv + optind);

    cli_catch_signals(task.output != NULL);
    logtee_output_open(task.output, json, timestamps);
    splinter_store *store = cli_follow_open(&task.follow);
    if (store)
        logtee_follow(store, &task);
    logtee_output_total();
    logtee_seen_free();
    cli_follow_end(&task.follow);
    return CLI_OK;
}
