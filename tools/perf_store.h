/* SPDX-License-Identifier: Apache-2.0 */
/* perf_store.h - the store that is measured, and removed again */
#ifndef SPLINTER_PERF_STORE_H
#define SPLINTER_PERF_STORE_H

#include <splinter.h>

#include "perf_options.h"

/* Does not return if there is no store with enough room.  What is made is removed at exit. */
splinter_store *perf_store_open(const struct perf_options *o);
/* Changes that its feed keeps of each writer; 0: it has none. */
uint64_t perf_store_feed(void);
/* Sets every key once; ends early if cli_stop says so. */
void perf_store_fill(const struct perf_options *o);

/* Removes now what is else removed at exit. */
void perf_store_close(void);

#endif /* SPLINTER_PERF_STORE_H */
