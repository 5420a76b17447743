/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.h - the items of a queue that this worker has, and the commands that run for them */
#ifndef SPLINTERCTL_JOBS_H
#define SPLINTERCTL_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include <splinter.h>

#include "message.h"

#define CTL_JOBS_MAX 256

struct ctl_work {
    struct ctl_named of;
    splinter_store *store;
    splinter_queue *queue, *dead; /* dead: NULL if there is none */
    const char *dead_name;
    char **program;
    uint64_t jobs;     /* at the same time */
    uint64_t retries;  /* with dead: so often an item is handed out again */
    uint64_t delay_ms; /* before one that failed is given back */
    uint64_t limit_ms; /* for each command; 0: none */
    bool failed;       /* something went wrong for which the worker ends */
};

/* An item was taken: its bytes are in buf, which the call takes, and gives another for.  Returns
 * whether a command runs for it; else it goes to the dead at once. */
bool ctl_job_begin(struct ctl_work *work, const struct splinter_item *item, unsigned char **buf,
                   size_t *room);
/* Looks which commands have ended, and which are to be ended, and gives back what is due. */
void ctl_jobs_look(struct ctl_work *work);
/* Items that this worker has. */
uint64_t ctl_jobs_held(void);
/* Milliseconds until ctl_jobs_look() has something to do, if no command ends before; at most ms. */
uint64_t ctl_jobs_due(uint64_t ms);
/* Ends all commands, and gives back all items, at once. */
void ctl_jobs_abandon(struct ctl_work *work);

#endif /* SPLINTERCTL_JOBS_H */
