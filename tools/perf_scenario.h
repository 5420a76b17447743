/* SPDX-License-Identifier: Apache-2.0 */
/* perf_scenario.h - messages through a feed, a topic or a queue, each of them accounted for */
#ifndef SPLINTER_PERF_SCENARIO_H
#define SPLINTER_PERF_SCENARIO_H

#include "perf_options.h"
#include "perf_worker.h"

extern const char *const perf_scenario_names[PERF_SCENARIOS];

/* Makes the topic or queue of the scenario; does not return if that is not possible. */
void perf_scenario_make(const struct perf_options *o, splinter_store *store);
/* Removes it again. */
void perf_scenario_remove(enum perf_scenario scenario, splinter_store *store);

/* The worker's part: the writer sends until it is told to stop, the others receive until they have
 * all that was sent.  0, or what ended it early. */
int perf_scenario_work(const struct perf_job *job, unsigned number, struct perf_value *v,
                       uint64_t *revisions);

/* All have ended: counts items of a queue that nobody got, or that came twice, as faults of the
 * first reader. */
void perf_scenario_account(const struct perf_job *job);

#endif /* SPLINTER_PERF_SCENARIO_H */
