/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.h - to run a COMMAND of the user for one event, or one item */
#ifndef SPLINTERCTL_SPAWN_H
#define SPLINTERCTL_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* In a child, of which parent was the process before fork(): it gets the signal when that ends, and
 * ends at once if it has ended by now. */
void ctl_die_with(pid_t parent, int number);

/* In the environment of a command. */
struct ctl_variable {
    const char *name; /* NULL: after the last one */
    const char *value;
};

struct ctl_child {
    char **program;
    const void *input; /* its standard input */
    size_t size;
    const struct ctl_variable *environment;
    bool group; /* it is the leader of a process group */
};

/*
 * Starts it; SPLINTER_BUS leads it to the bus that is open.  If we are killed, it gets SIGTERM.
 * Returns its process id, or a negative errno value.  *cannot_run is set if the program itself
 * could not be run.
 */
pid_t ctl_spawn(const struct ctl_child *child, bool *cannot_run);

/* What became of a command, as words: "exit status 1", say.  A static string. */
const char *ctl_how_it_ended(int wait_status);

#endif /* SPLINTERCTL_SPAWN_H */
