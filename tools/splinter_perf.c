/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_perf - many readers, one writer, and every value that is read verified
 *
 * Workers are threads, or processes forked before the measurement, and share one small piece of
 * memory: two flags and a result for each worker, written by that worker alone and read when it
 * has ended.
 */
#include "cli.h"
#include "perf_options.h"
#include "perf_report.h"
#include "perf_run.h"
#include "perf_scenario.h"
#include "perf_store.h"

int main(int argc, char **argv)
{
    struct perf_options o;

    cli_start("splinter_perf");
    perf_options_read(&o, argc, argv);
    cli_catch_signals(false);
    struct perf_job job = {
        .options = &o,
        .store = perf_store_open(&o),
        .first = o.writer ? PERF_WRITER : PERF_WRITER + 1,
        .end = PERF_WRITER + 1 + (unsigned)o.readers,
    };
    perf_store_fill(&o);
    double seconds = 0;
    bool good = !cli_stop && perf_run(&job, &seconds);
    if (cli_stop && seconds <= 0) { /* nothing was measured */
        perf_store_close();
        cli_die_of_signal();
    }
    perf_scenario_account(&job);
    uint64_t failures = perf_report(&job, seconds);
    cli_stdout_done();
    return good && !failures ? CLI_OK : CLI_FAILURE;
}
