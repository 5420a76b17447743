/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinterctl.c - look into a bus, and work with it
 *
 * commands.c names all commands.  What a command line says becomes a struct ctl_call (parse.c), and
 * the command's function gets that.  An error ends the function, by way of cli_die(), and brings us
 * back here; so exec can go on with the next line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../cli.h"
#include "bus.h"
#include "command.h"
#include "help.h"
#include "output.h"
#include "parse.h"

static int run(int argc, char **argv);

static const struct ctl_command *find(const char *name)
{
    const struct ctl_command *command = ctl_find(ctl_commands, name);
    const char *nearest = command ? NULL : ctl_nearest(ctl_commands, name);
    if (nearest)
        cli_usage("there is no command '%s'; do you mean '%s'?", name, nearest);
    if (!command)
        cli_usage("there is no command '%s'", name);
    return command;
}

static int run_call(struct ctl_call *call)
{
    if (call->help) {
        ctl_help_of(call->command);
    } else if (!call->command->run) { /* help */
        if (call->count)
            ctl_help_of(find(call->arguments[0]));
        else
            ctl_help(ctl_commands);
    } else {
        if (call->command->need != CTL_NO_BUS)
            call->store = ctl_open(call->command->need == CTL_WRITE_BUS);
        return call->command->run(call);
    }
    return CLI_OK;
}

static int run_words(int argc, char **argv)
{
    static char usage_of[64];
    const struct ctl_command *command = find(argv[0]);
    struct ctl_call call;
    snprintf(usage_of, sizeof(usage_of), "splinterctl %s", command->name);
    cli_usage_of = usage_of;
    ctl_parse(&call, command, argc, argv);
    call.again = run;
    return run_call(&call);
}

/* Runs a command line, and returns its status, also if it failed. */
static int run(int argc, char **argv)
{
    jmp_buf here, *before = cli_catcher;
    bool json = ctl_json();
    int status = setjmp(here) - 1;
    if (status < 0) {
        cli_catcher = &here;
        status = run_words(argc, argv);
    }
    cli_catcher = before;
    cli_usage_of = NULL;
    ctl_set_json(json);
    return status;
}

static int read_options(int argc, char **argv)
{
    enum { OPT_JSON = CLI_OPT_OWN };
    static const struct option options[] = {
        {"bus", required_argument, NULL, 'b'},
        {"file", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, OPT_JSON},
        CLI_OPTIONS,
    };
    static const struct cli_syntax syntax = {NULL, "+b:f:" CLI_LETTERS, options};
    int option;
    while ((option = cli_option(&syntax, argc, argv)) != -1)
        switch (option) {
        case 'b':
            ctl_choose_bus(optarg, false);
            break;
        case 'f':
            ctl_choose_bus(optarg, true);
            break;
        case OPT_JSON:
            ctl_want_json();
            break;
        case 'h':
            ctl_help(ctl_commands);
            cli_out_flush(&ctl_out);
            exit(CLI_OK);
        }
    if (optind == argc)
        cli_usage("COMMAND is missing");
    return optind;
}

int main(int argc, char **argv)
{
    cli_start("splinterctl");
    ctl_output_init();
    int first = read_options(argc, argv);
    int status = run(argc - first, argv + first);
    cli_out_flush(&ctl_out);
    return status;
}
