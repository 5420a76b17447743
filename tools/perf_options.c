/* SPDX-License-Identifier: Apache-2.0 */
/* perf_options.c - what splinter_perf was asked for */
#include "perf_options.h"

#include <splinter.h>
#include <string.h>

#include "cli.h"
#include "cli_bus.h"
#include "perf_scenario.h"

#define READERS_MAX 4096
#define KEYS_MAX 10000000

static const char help[] =
    "Usage: splinter_perf [OPTION]...\n"
    "Measure many readers beside one writer, verifying every value that arrives.\n"
    "\n"
    "  -S, --scenario NAME    what is measured: keys, gets beside sets (the default); feed, sets\n"
    "                         and followers that are told of each; topic, messages and readers\n"
    "                         that get each; queue, items and workers that take and acknowledge\n"
    "  -r, --readers N        number of readers (default 15)\n"
    "      --no-writer        no writer: the values do not change\n"
    "  -P, --processes        workers are processes instead of threads\n"
    "  -k, --keys N           number of keys; of a topic or a queue, its capacity (default 20000)\n"
    "  -s, --value-size BYTES size of each value, 32 or more (default 64)\n"
    "  -d, --duration SECONDS how long to measure (default 3; up to three decimals)\n"
    "  -b, --bus BUS          use this bus, created if it does not exist (default: a store\n"
    "                         without a name, whatever $SPLINTER_BUS says); what was made is\n"
    "                         removed afterwards\n"
    "  -f, --file FILE        the same, of the bus in this file\n"
    "      --mode MODE        permissions of a new bus, less the umask (default 600)\n"
    "      --feed N           keep the last N changes of each writer of a new bus (default 0; in\n"
    "                         the scenario feed 4096)\n"
    "  -j, --json             print one JSON object instead of the table\n"
    "      --self-test=FAULT  put a fault into what every 1000th read got, so that verification\n"
    "                         must fail: torn, stale or foreign\n"
    "  -h, --help             print this and exit\n"
    "  -V, --version          print the version and exit\n"
    "\n"
    "Exit status: 0 every value read was right, 1 a failure or a wrong value, 2 wrong arguments.\n";

enum { OPT_NO_WRITER = CLI_OPT_OWN, OPT_MODE, OPT_FEED, OPT_SELF_TEST };

static enum perf_fault fault_named(const char *text)
{
    for (enum perf_fault fault = PERF_TORN; fault <= PERF_FOREIGN; fault++)
        if (strcmp(text, perf_fault_names[fault]) == 0)
            return fault;
    cli_usage("--self-test: '%s' is not allowed; it takes torn, stale or foreign", text);
}

static enum perf_scenario scenario_named(const char *text)
{
    for (enum perf_scenario s = PERF_KEYS; s < PERF_SCENARIOS; s++)
        if (strcmp(text, perf_scenario_names[s]) == 0)
            return s;
    cli_usage("--scenario: '%s' is not allowed; it takes keys, feed, topic or queue", text);
}

static void check(const struct perf_options *o, int argument_count)
{
    if (argument_count)
        cli_usage("too many arguments: only options are allowed");
    if (!o->writer && o->scenario != PERF_KEYS)
        cli_usage("--no-writer: the scenario '%s' needs a writer",
                  perf_scenario_names[o->scenario]);
    if (o->scenario == PERF_FEED && !o->feed)
        cli_usage("--feed: '0' is not allowed in the scenario feed; it takes a number from 1");
}

static const struct option options[] = {
    {"scenario", required_argument, NULL, 'S'},
    {"readers", required_argument, NULL, 'r'},
    {"no-writer", no_argument, NULL, OPT_NO_WRITER},
    {"processes", no_argument, NULL, 'P'},
    {"keys", required_argument, NULL, 'k'},
    {"value-size", required_argument, NULL, 's'},
    {"duration", required_argument, NULL, 'd'},
    CLI_BUS_ONLY_OPTIONS,
    {"mode", required_argument, NULL, OPT_MODE},
    {"feed", required_argument, NULL, OPT_FEED},
    {"json", no_argument, NULL, 'j'},
    {"self-test", required_argument, NULL, OPT_SELF_TEST},
    CLI_OPTIONS,
};
static const struct cli_syntax syntax = {
    help, CLI_BUS_ONLY_LETTERS "S:r:Pk:s:d:j" CLI_LETTERS, options};

void perf_options_read(struct perf_options *o, int argc, char **argv)
{
    int option;
    bool feed_given = false;

    *o = (struct perf_options){
        .readers = 15,
        .keys = 20000,
        .value_size = 64,
        .duration_ms = 3000,
        .writer = true,
    };
    while ((option = cli_option(&syntax, argc, argv)) != -1)
        switch (option) {
        case 'S':
            o->scenario = scenario_named(optarg);
            break;
        case 'r':
            o->readers = cli_number("--readers", optarg, 1, READERS_MAX);
            break;
        case OPT_NO_WRITER:
            o->writer = false;
            break;
        case 'P':
            o->processes = true;
            break;
        case 'k':
            o->keys = cli_number("--keys", optarg, 1, KEYS_MAX);
            break;
        case 's':
            o->value_size = cli_number("--value-size", optarg, 32, SPLINTER_VALUE_MAX);
            break;
        case 'd':
            o->duration_ms = cli_seconds("--duration", optarg, 1, 86400000);
            break;
        case 'b':
        case 'f':
            cli_choose(&o->chosen, optarg, option == 'f');
            break;
        case OPT_MODE:
            o->mode = cli_mode("--mode", optarg);
            break;
        case OPT_FEED:
            o->feed = cli_number("--feed", optarg, 0, CLI_FEED_MAX);
            feed_given = true;
            break;
        case 'j':
            o->json = true;
            break;
        case OPT_SELF_TEST:
            o->fault = fault_named(optarg);
            break;
        }
    if (o->scenario == PERF_FEED && !feed_given)
        o->feed = CLI_FEED_MAX < 4096 ? CLI_FEED_MAX : 4096;
    check(o, argc - optind);
}
