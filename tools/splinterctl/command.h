/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - what a command is, and how it is called: the one description of all of them */
#ifndef SPLINTERCTL_COMMAND_H
#define SPLINTERCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <splinter.h>

#define CTL_OPTIONS_MAX 12 /* options of a command */

struct ctl_option {
    const char *name;     /* without "--" */
    const char *argument; /* its name in the help; NULL: the option takes none */
    const char *help;
};

enum ctl_need {
    CTL_NO_BUS,   /* the command opens what it needs itself */
    CTL_READ_BUS, /* the bus has to exist */
    CTL_WRITE_BUS /* and to be open to write */
};

struct ctl_call;

struct ctl_command {
    const char *name;      /* of one word, or of two: that of a family, and its own */
    const char *arguments; /* as the help prints them */
    const char *summary;   /* one line */
    int (*run)(const struct ctl_call *call); /* returns an exit status */
    const struct ctl_option *options;        /* NULL: none; else its last one has no name */
    int least, most;       /* arguments; most -1: any number */
    enum ctl_need need;
    const char *program_if; /* "--" begins a COMMAND to run: with this option, or "": always;
                             * NULL: after "--" come arguments */
    const char *more;       /* what else the help says; NULL: nothing */
};

/* The table of all commands, in commands.c; the last one has no name. */
extern const struct ctl_command ctl_commands[];

/* The headings of the help, each with the first command below it; the last one has no heading. */
struct ctl_group {
    const char *heading, *first;
};
extern const struct ctl_group ctl_groups[];

/* What other programs call a command; the last one has no word. */
struct ctl_synonym {
    const char *word, *command;
};
extern const struct ctl_synonym ctl_synonyms[];

/* A command line that was understood. */
struct ctl_call {
    const struct ctl_command *command;
    char **arguments;
    int count;
    char **program;                     /* a COMMAND to run, which ends with NULL; NULL: none */
    const char *given[CTL_OPTIONS_MAX]; /* by the place of the option: its argument, or "" if it
                                         * takes none; NULL: the option was not given */
    bool help;                          /* --help was given */
    splinter_store *store;              /* if the command needs one */
    int (*again)(int argc, char **argv); /* runs a command line, as main() does */
};

#endif /* SPLINTERCTL_COMMAND_H */
