/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinterctl.c - look into a bus, and work with it
 *
 * commands.c names all commands.  What a command line says becomes a struct ctl_call (parse.c), and
 * the command's function gets that.  An error ends the function, by way of cli_die(), and brings us
 * back here; so exec can go on with the next line.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "bus.h"
#include "command.h"
#include "complete.h"
#include "help.h"
#include "lasting.h"
#include "output.h"
#include "parse.h"
#ifdef HAVE_LIBEDIT
#include "prompt.h"
#endif

static int run(int argc, char **argv);

/* What a word that names no command may stand for, or NULL. */
static const char *meant_by(const char *name)
{
    for (const struct ctl_synonym *s = ctl_synonyms; s->word; s++)
        if (strcmp(s->word, name) == 0)
            return s->command;
    return ctl_nearest(ctl_commands, name);
}

static const struct ctl_command *find(const char *name)
{
    const struct ctl_command *command = ctl_find(ctl_commands, name);
    const char *nearest = command ? NULL : meant_by(name);
    if (nearest)
        cli_usage("there is no command '%s'; did you mean '%s'?", name, nearest);
    if (!command)
        cli_usage("there is no command '%s'", name);
    return command;
}

/* The command that the first words name: *words of them, one or two. */
static const struct ctl_command *find_words(int argc, char **argv, int *words)
{
    char name[64];
    *words = 1;
    if (!ctl_is_family(ctl_commands, argv[0]))
        return find(argv[0]);
    if (argc == 1)
        cli_usage("%s: its command is missing; 'splinterctl help %s' lists them", argv[0], argv[0]);
    *words = 2;
    snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]);
    return find(name);
}

static void help(const struct ctl_call *call)
{
    char **words = call->arguments;
    int used;
    if (!call->count) {
        ctl_help(ctl_commands);
    } else if (call->count == 1 && ctl_is_family(ctl_commands, words[0])) {
        ctl_help_of_family(ctl_commands, words[0]);
    } else {
        const struct ctl_command *command = find_words(call->count, words, &used);
        if (used < call->count)
            cli_usage("help: too many arguments: it takes [COMMAND]");
        ctl_help_of(command);
    }
}

static int run_call(struct ctl_call *call)
{
    if (call->help) {
        ctl_help_of(call->command);
    } else if (!call->command->run) { /* help */
        help(call);
    } else {
        if (call->command->need != CTL_NO_BUS)
            call->store = ctl_open(call->command->need == CTL_WRITE_BUS);
        return call->command->run(call);
    }
    return CLI_OK;
}

/* What the completion scripts of shells ask: of the words, the last one was begun. */
static int complete(int count, char **words)
{
    struct ctl_candidates all;
    ctl_complete(ctl_commands, words, count, &all);
    ctl_candidates_print(&all);
    ctl_candidates_free(&all);
    return CLI_OK;
}

/* "topic --help" is "help topic". */
static bool is_help_of_family(int argc, char **argv)
{
    return argc == 2 && ctl_is_family(ctl_commands, argv[0]) &&
           (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

static int run_words(int argc, char **argv)
{
    static char usage_of[64];
    struct ctl_call call;
    int words;
    if (is_help_of_family(argc, argv)) {
        ctl_help_of_family(ctl_commands, argv[0]);
        return CLI_OK;
    }
    if (strcmp(argv[0], "__complete") == 0)
        return complete(argc - 1, argv + 1);
    cli_usage_of = NULL; /* of exec, which runs this */
    if (argv[0][0] == '-') /* of exec, or at the prompt */
        cli_usage("'%s': options come after the command here", argv[0]);
    const struct ctl_command *command = find_words(argc, argv, &words);
    snprintf(usage_of, sizeof(usage_of), "splinterctl %s", command->name);
    cli_usage_of = usage_of;
    ctl_parse(&call, command, argc - words + 1, argv + words - 1);
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
    ctl_command_ended();
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
    return optind;
}

/* Without a command: a person at a terminal is asked for some. */
static int no_command(void)
{
#ifdef HAVE_LIBEDIT
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        return ctl_prompt(ctl_commands, run);
#endif
    cli_usage("COMMAND is missing");
}

int main(int argc, char **argv)
{
    cli_start("splinterctl");
    ctl_output_init();
    int first = read_options(argc, argv);
    int status = first < argc ? run(argc - first, argv + first) : no_command();
    cli_out_flush(&ctl_out);
    return status;
}
