/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - how far a long piece of work is, with its rate and the time left
 *
 * All of it goes to standard error, if that is a terminal, and only once the work has taken a
 * second.
 */
#ifndef SPLINTERCTL_PROGRESS_H
#define SPLINTERCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* The work begins.  doing is such as "dumping"; unit is what is counted, such as "keys"; total is
 * how many there are, 0: not known.  quiet: the terminal is in use for the output itself. */
void ctl_progress_begin(const char *doing, const char *unit, uint64_t total, bool quiet);
/* So many are done. */
void ctl_progress(uint64_t done);
/* Something else is to be printed: the line goes until the next one is due. */
void ctl_progress_clear(void);
/* The work is over; the line goes.  May be called when nothing has begun. */
void ctl_progress_end(void);

/*
 * For one call of the library that is all of the work: a thread looks every 100 ms how much is
 * done, until ctl_progress_unwatch(), and calls stop() if a signal has come.  done may be NULL.
 */
void ctl_progress_watch(uint64_t (*done)(void *arg), void *arg, void (*stop)(void));
void ctl_progress_unwatch(void);

#endif /* SPLINTERCTL_PROGRESS_H */
