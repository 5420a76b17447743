/* SPDX-License-Identifier: Apache-2.0 */
/* perf_run.h - the workers, from their start to their end */
#ifndef SPLINTER_PERF_RUN_H
#define SPLINTER_PERF_RUN_H

#include <stdbool.h>

#include "perf_worker.h"

/*
 * Makes the shared memory, starts the workers, lets them work for as long as was asked, and waits
 * for their end; *seconds is how long they worked, and is left alone if a signal came before they
 * began.  Returns false if something went wrong.
 */
bool perf_run(struct perf_job *job, double *seconds);

#endif /* SPLINTER_PERF_RUN_H */
