/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - the table of all commands, from which the help is made, and what belongs to it */
#include "commands.h"

#define NO_OPTIONS NULL

static const char value_more[] =
    "Without VALUE, --stdin or --file gives it.  A VALUE that begins with '-' comes\n"
    "after '--'.";
static const char message_more[] =
    "Without VALUE, --lines, --stdin or --file says what.  A VALUE that begins with\n"
    "'-' comes after '--'.";
static const char program_more[] =
    "The exit status is that of COMMAND: 128 and the number of the signal if one\n"
    "ended it, 127 if it was not found, 126 if it could not be run.";

static const char bench_more[] =
    "It takes five seconds, and all processors.  The bus has no name, and goes with\n"
    "the command, however that ends.  splinter_perf(1) tells more.";
static const char doctor_more[] =
    "Each finding comes with the command that mends it, which may need root.\n"
    "It looks at /dev/shm, the file system of the bus, permissions, logind, buses\n"
    "that nobody uses, holders that are stopped, the kernel, and limits.  The exit\n"
    "status is 6 if it has found something.";

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

    {"doctor", "", "find what is wrong around the buses and the machine", ctl_run_doctor,
     NO_OPTIONS, 0, 0, CTL_NO_BUS, NULL, doctor_more},
    {"bench", "", "measure how fast this machine is, on a bus of its own", ctl_run_bench,
     ctl_bench_options, 0, 0, CTL_NO_BUS, NULL, bench_more},

    {"get", "KEY", "print the value of a key: its bytes as they are", ctl_run_get,
     ctl_get_options, 1, 1, CTL_READ_BUS, NULL,
     "On a terminal, bytes that it might obey are quoted, and a number is printed as\n"
     "one."},
    {"head", "KEY", "print what is known about a key, without its value", ctl_run_head, NO_OPTIONS,
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

    {"watch", "[KEY]...", "print what happens to the keys, a line an event", ctl_run_watch,
     ctl_watch_options, 0, -1, CTL_NO_BUS, NULL,
     "Without KEY and --prefix, these are all keys.  A line has the number of the\n"
     "event, its epoch, what it is (set, unset, expired, gone, gap or ready), the key,\n"
     "the size, and the value, if it is still that one.  A COMMAND gets the value on\n"
     "standard input, and the rest in SPLINTER_EVENT, SPLINTER_KEY and others: see\n"
     "the manual."},
    {"topic publish", "TOPIC [VALUE]", "publish a message, or many", ctl_run_topic_publish,
     ctl_publish_options, 1, 2, CTL_WRITE_BUS, NULL, message_more},
    {"topic tail", "TOPIC", "print the messages of a topic as they come", ctl_run_topic_tail,
     ctl_tail_options, 1, 1, CTL_NO_BUS, NULL,
     "Without --from, it begins with the message that is published next.  A newline\n"
     "follows each.  On a terminal, bytes that it might obey are quoted."},
    {"topic remove", "TOPIC", "remove a topic with all its messages", ctl_run_topic_remove,
     ctl_remove_options, 1, 1, CTL_WRITE_BUS, NULL, NULL},
    {"topic list", "", "list the topics, and what each holds", ctl_run_topic_list, NO_OPTIONS, 0, 0,
     CTL_READ_BUS, NULL, NULL},
    {"queue push", "QUEUE [VALUE]", "push an item of work, or many", ctl_run_queue_push,
     ctl_push_options, 1, 2, CTL_WRITE_BUS, NULL, message_more},
    {"queue work", "QUEUE -- COMMAND [ARGUMENT]...", "run a command for each item of a queue",
     ctl_run_queue_work, ctl_work_options, 1, 1, CTL_WRITE_BUS, "",
     "COMMAND gets the item on standard input.  Its exit status 0 acknowledges the\n"
     "item.  After any other, or if splinterctl is killed, the item goes back, and is\n"
     "handed out again.  At SIGINT or SIGTERM, splinterctl waits for the commands that\n"
     "run, and begins no other; a second one ends those as well."},
    {"queue remove", "QUEUE", "remove a queue with all its items", ctl_run_queue_remove,
     ctl_remove_options, 1, 1, CTL_WRITE_BUS, NULL, NULL},
    {"queue list", "", "list the queues, and what each holds", ctl_run_queue_list, NO_OPTIONS, 0, 0,
     CTL_READ_BUS, NULL, NULL},

    {"dump", "[FILE]", "write the keys as JSON Lines", ctl_run_dump, ctl_dump_options, 0, 1,
     CTL_READ_BUS, NULL,
     "Without FILE they go to standard output.  Ephemeral keys, topics and queues are\n"
     "left out.  A FILE that is there is replaced once the dump is whole."},
    {"restore", "[FILE]", "set the keys of a dump", ctl_run_restore, ctl_restore_options, 0, 1,
     CTL_NO_BUS, NULL,
     "Without FILE the dump comes from standard input.  It stops at the first line\n"
     "that is wrong, or whose key exists already."},
    {"snapshot", "FILE", "copy the bus as it is to a new file", ctl_run_snapshot,
     ctl_snapshot_options, 1, 1, CTL_READ_BUS, NULL,
     "The file is a store.  Ephemeral keys are left out.  The bus may be in use."},
    {"load", "FILE", "make the bus, as a copy of the store in a file", ctl_run_load,
     ctl_snapshot_options, 1, 1, CTL_NO_BUS, NULL,
     "A bus of that name that is there stays, and the status is 5."},
    {"clone", "TARGET", "copy the bus to a new one, in memory or in a file", ctl_run_clone,
     ctl_clone_options, 1, 1, CTL_READ_BUS, NULL, NULL},
    {"diff", "[LEFT] OTHER", "compare the bus, or LEFT, with another one", ctl_run_diff,
     ctl_diff_options, 1, 2, CTL_NO_BUS, NULL,
     "A name with a slash in it is that of a file.  The exit status is 0 if nothing\n"
     "differs, else 6."},
    {"check", "", "look for damage, and repair it with --repair", ctl_run_check,
     ctl_check_options, 0, 0, CTL_NO_BUS, NULL,
     "The exit status is 0 if nothing is wrong, else 6."},

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

const struct ctl_group ctl_groups[] = {
    {"Buses", "create"},
    {"Values", "get"},
    {"Changes", "watch"},
    {"Topics and queues", "topic publish"},
    {"Copies, backups and repair", "dump"},
    {"Commands that run others", "lock"},
    {NULL, NULL},
};

const struct ctl_synonym ctl_synonyms[] = {
    {"backup", "snapshot"},
    {"del", "unset"},
    {"delete", "unset"},
    {"keys", "list"},
    {"ls", "list"},
    {"monitor", "watch"},
    {"pop", "queue work"},
    {"publish", "topic publish"},
    {"push", "queue push"},
    {"put", "set"},
    {"queue create", "queue push --create"},
    {"queue delete", "queue remove"},
    {"queue pop", "queue work"},
    {"remove", "unset"},
    {"rm", "unset"},
    {"save", "snapshot"},
    {"stat", "info"},
    {"stats", "info"},
    {"status", "info"},
    {"subscribe", "topic tail"},
    {"topic create", "topic publish --create"},
    {"topic delete", "topic remove"},
    {"topic subscribe", "topic tail"},
    {NULL, NULL},
};
