/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - TAP, for the tests that do without Check */
#ifndef SPLINTER_TEST_TAP_H
#define SPLINTER_TEST_TAP_H

#include <stdbool.h>

/* One result.  "# SKIP why" at the end says that it was left out. */
__attribute__((format(printf, 2, 3))) void report(bool ok, const char *format, ...);

/* The plan, for a test that has not printed one before its first result.  What main() returns: 1 if
 * a result was bad. */
int tap_end(void);

#endif
