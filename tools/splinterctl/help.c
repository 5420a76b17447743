/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - the help, made from the table of commands */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "../cli_bus.h"
#include "output.h"
#include "parse.h"

static void say(const char *text)
{
    cli_out_put(&ctl_out, text, strlen(text));
}

static void say_heading(const char *text)
{
    ctl_print_heading(text, strlen(text));
    say("\n");
}

static void say_summary(const struct ctl_command *c)
{
    cli_out_printf(&ctl_out, "  %-13s  %s\n", c->name, c->summary);
}

static void say_heading_of(const struct ctl_command *c)
{
    for (const struct ctl_group *group = ctl_groups; group->heading; group++)
        if (strcmp(c->name, group->first) == 0)
            cli_out_printf(&ctl_out, " %s\n", group->heading);
}

void ctl_help(const struct ctl_command *commands)
{
    say("Usage: splinterctl [-b BUS | -f FILE] [--json] COMMAND [ARGUMENT]...\n"
        "Look into a bus, and work with it.\n"
        "\n");
    say_heading("Options");
    say("  -b, --bus BUS        the bus (default $SPLINTER_BUS, or " CLI_DEFAULT_BUS ");\n"
        "                       with a '/' other than a leading one, the path of a file\n"
        "  -f, --file FILE      the bus is in this file\n"
        "      --json           print JSON, an object a line\n"
        "  -h, --help           print this and exit\n"
        "  -V, --version        print the version and exit\n"
        "\n");
    say_heading("Commands");
    for (const struct ctl_command *c = commands; c->name; c++) {
        say_heading_of(c);
        say_summary(c);
    }
    say("\n"
        "'splinterctl help COMMAND' tells more about one.\n"
        "\n"
        "Exit status: 0 done, 1 failure, 2 wrong arguments, 3 no such bus or key,\n"
        "4 timed out, 5 refused: a condition did not hold, it exists already, or the\n"
        "lock is held, 6 a check found something.\n");
}

void ctl_help_of_family(const struct ctl_command *commands, const char *family)
{
    for (const struct ctl_command *c = commands; c->name; c++)
        if (ctl_is_of_family(c, family))
            say_summary(c);
    say("\n'splinterctl help COMMAND' tells more about one.\n");
}

void ctl_help_of(const struct ctl_command *c)
{
    const char *space = *c->arguments ? " " : "";
    cli_out_printf(&ctl_out, "Usage: splinterctl %s%s%s%s\n", c->name,
                   c->options ? " [OPTION]..." : "", space, c->arguments);
    /* The summary as a sentence. */
    cli_out_printf(&ctl_out, "%c%s.\n", c->summary[0] - 'a' + 'A', c->summary + 1);
    if (c->more)
        cli_out_printf(&ctl_out, "%s\n", c->more);
    if (c->options)
        say("\n");
    for (const struct ctl_option *o = c->options; o && o->name; o++) {
        char option[64];
        snprintf(option, sizeof(option), "--%s%s%s", o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        const char *gap = strlen(option) > 20 ? "\n                       " : " ";
        cli_out_printf(&ctl_out, "  %-20s%s%s\n", option, gap, o->help);
    }
    say("\n'splinterctl --help' has the options -b, -f and --json, and the exit statuses.\n");
}
