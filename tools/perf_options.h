/* SPDX-License-Identifier: Apache-2.0 */
/* perf_options.h - what splinter_perf was asked for */
#ifndef SPLINTER_PERF_OPTIONS_H
#define SPLINTER_PERF_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli_bus.h"
#include "perf_value.h"

/* What is measured. */
enum perf_scenario { PERF_KEYS, PERF_FEED, PERF_TOPIC, PERF_QUEUE, PERF_SCENARIOS };

struct perf_options {
    enum perf_scenario scenario;
    uint64_t readers, keys, value_size, duration_ms; /* keys: of a topic or queue, its capacity */
    bool writer, processes, json;
    enum perf_fault fault; /* --self-test; PERF_RIGHT: none */
    struct cli_choice chosen; /* no bus: a store without a name */
    uint64_t feed;         /* of a store that is created: the changes that it keeps */
    uint32_t mode;         /* of a store that is created; 0: the library's default */
};

/* From the command line; does not return if that is wrong, or asks for help. */
void perf_options_read(struct perf_options *o, int argc, char **argv);

#endif /* SPLINTER_PERF_OPTIONS_H */
