/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - to run a COMMAND of the user */
#ifndef SPLINTERCTL_PROGRAM_H
#define SPLINTERCTL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* What is to be done while the program runs.  keep() returns false once there is nothing to keep
 * any more; then the program gets SIGTERM. */
struct ctl_keeper {
    uint64_t every_ms; /* 0: never */
    bool (*keep)(void *arg);
    void *arg;
    const char *token; /* for SPLINTER_TOKEN in its environment; NULL: none */
};

/*
 * Runs it to its end and returns the exit status as a shell has it: 128 and the number of a signal
 * that ended it, 127 if it was not found, 126 if it could not be run.  SIGTERM and SIGHUP are
 * passed on; SIGINT and SIGQUIT come from the terminal to both, and leave us waiting.  If we are
 * killed, the program gets SIGTERM.  SPLINTER_BUS leads it to the bus.
 */
int ctl_run_program(char **program, const struct ctl_keeper *keeper);

#endif /* SPLINTERCTL_PROGRAM_H */
