/* SPDX-License-Identifier: Apache-2.0 */
/* perf_report.h - what a run came to, as a table or as JSON */
#ifndef SPLINTER_PERF_REPORT_H
#define SPLINTER_PERF_REPORT_H

#include <stdint.h>

#include "perf_worker.h"

/* To standard output.  Returns the number of values that were wrong. */
uint64_t perf_report(const struct perf_job *job, double seconds);

#endif /* SPLINTER_PERF_REPORT_H */
