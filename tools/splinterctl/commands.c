/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the table of all commands, from which the help is made */
#include "commands.h"

#define NO_OPTIONS NULL

static const char value_more[] =
    "Without VALUE, --stdin or --file gives it.  A VALUE that begins with '-' comes\n"
    "after '--'.";
static const char program_more[] =
    "The exit status is that of COMMAND: 128 and the number of the signal if one\n"
    "ended it, 127 if it was not found, 126 if it could not be run.";

const struct ctl_command ctl_commands[] = {
    {"create", "", "make a new bus", ctl_run_create, ctl_create_options, 0, 0, CTL_NO_BUS, NULL,
     NULL},
    {"destroy", "", "remove the bus, with all that is in it", ctl_run_destroy,
     ctl_destroy_options, 0, 0, CTL_NO_BUS, NULL,
     "Processes that have it open keep it until they close it."},
    {"info", "", "print what the bus is and holds, and who has it open",
     ctl_run_info, NO_OPTIONS, 0, 0, CTL_READ_BUS, NULL, NULL},
    {"buses", "", "list the buses in memory that may be read", ctl_run_buses, NO_OPTIONS, 0, 0,
     CTL_NO_BUS, NULL, NULL},
    {"top", "", "watch what changes: keys, leases, queues, topics, processes", ctl_run_top,
     ctl_top_options, 0, 0, CTL_READ_BUS, NULL,
     "q leaves, and a space looks at once."},

    {"get", "KEY", "print the value of a key: its bytes as they are", ctl_run_get,
     ctl_get_options, 1, 1, CTL_READ_BUS, NULL,
     "On a terminal, bytes that it might obey are quoted, and a number is printed as\n"
     "one."},
    {"head", "KEY", "print what is known of a key, without its value", ctl_run_head, NO_OPTIONS,
     1, 1, CTL_READ_BUS, NULL, NULL},
    {"ttl", "KEY", "print how many milliseconds a key has to live, or 'none'", ctl_run_ttl,
     NO_OPTIONS, 1, 1, CTL_READ_BUS, NULL, NULL},
    {"list", "", "list the keys", ctl_run_list, ctl_list_options, 0, 0, CTL_READ_BUS, NULL, NULL},

    {"set", "KEY [VALUE] [-- COMMAND [ARGUMENT]...]", "set a key to a value", ctl_run_set,
     ctl_set_options, 1, -1, CTL_WRITE_BUS, "ephemeral", value_more},
    {"append", "KEY [VALUE]", "append to the value of a key, or set it if it is absent",
     ctl_run_append, ctl_append_options, 1, 2, CTL_WRITE_BUS, NULL, value_more},
    {"unset", "[KEY]...", "remove keys", ctl_run_unset, ctl_unset_options, 0, -1, CTL_WRITE_BUS,
     NULL, NULL},
    {"incr", "KEY [N]", "add N (default 1) to a number, and print the sum", ctl_run_incr,
     NO_OPTIONS, 1, 2, CTL_WRITE_BUS, NULL,
     "A key that is absent counts as 0.  The number has the type int64."},
    {"decr", "KEY [N]", "subtract N (default 1) from a number, and print the difference",
     ctl_run_decr, NO_OPTIONS, 1, 2, CTL_WRITE_BUS, NULL,
     "A key that is absent counts as 0.  The number has the type int64."},
    {"touch", "KEY", "give the value of a key a new epoch, so that waiters wake", ctl_run_touch,
     NO_OPTIONS, 1, 1, CTL_WRITE_BUS, NULL, NULL},

    {"lock", "NAME -- COMMAND [ARGUMENT]...", "hold the lease NAME while a command runs",
     ctl_run_lock, ctl_lock_options, 1, 1, CTL_WRITE_BUS, "", program_more},
    {"exec", "[FILE]", "run the commands in a file or from standard input, one a line",
     ctl_run_exec, ctl_exec_options, 0, 1, CTL_NO_BUS, NULL,
     "Words are split as a shell does: 'quotes', \"quotes\", a backslash, and # for a\n"
     "comment.  It stops at the first command that fails, and ends with its status."},

    /* splinterctl.c runs it. */
    {"help", "[COMMAND]", "print the commands, or what one of them does", NULL, NO_OPTIONS, 0, 2,
     CTL_NO_BUS, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, CTL_NO_BUS, NULL, NULL},
};
