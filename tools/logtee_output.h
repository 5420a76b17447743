/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_output.h - where values go, as lines or as JSON */
#ifndef SPLINTER_LOGTEE_OUTPUT_H
#define SPLINTER_LOGTEE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli_bus.h"
#include "cli_follow.h"

/* file: NULL for standard output. */
void logtee_output_open(const char *file, bool as_json, bool with_timestamps);
/* Closes the file, and opens its name again: the file may have been renamed. */
void logtee_output_reopen(void);

void logtee_output_value(const char *key, const struct cli_value *v);
/* As cli_warn_missed(). */
void logtee_output_missed(const char *key, uint64_t epoch, const struct cli_missed *missed);
void logtee_output_total(void);

void logtee_output_flush(void);
/* Ends the tool if the reader has gone while there was nothing to write. */
void logtee_output_check(void);

#endif /* SPLINTER_LOGTEE_OUTPUT_H */
