/* SPDX-License-Identifier: Apache-2.0 */
/* lasting.h - what commands share that go on until they are stopped, or hold something */
#ifndef SPLINTERCTL_LASTING_H
#define SPLINTERCTL_LASTING_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <splinter.h>

/* clean_up() is called once, when the command has ended, also by an error or by exit(), and before
 * the store that is open is closed.  A command has one. */
void ctl_at_end(void (*clean_up)(void));
/* The command has ended. */
void ctl_command_ended(void);

/* From now on, until the command has ended, SIGINT, SIGTERM and SIGHUP set cli_stop.  They and
 * SIGCHLD end the waits of the store, until splinter_store_resume(). */
void ctl_catch_signals(splinter_store *store);
/* How many of the first three came. */
extern volatile sig_atomic_t ctl_stops;
/* The status of a command that has ended in order.  unfinished: not all that it was to do is done;
 * if a signal was the reason, the status is that of a process which a signal has ended. */
int ctl_stopped(bool unfinished);

/* The name of the bus may lead to another store than the one that is open, or to none.  Says so,
 * once.  To be called again and again. */
void ctl_look_for_bus(splinter_store *store);

#endif /* SPLINTERCTL_LASTING_H */
