/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - what the unit tests share: Check's main, and words for a store
 *
 * A program of unit tests has groups, each of one subject.  Check runs every test in a process of
 * its own; CK_RUN_CASE=wait tests/unit/test_store runs one group alone.
 */
#ifndef SPLINTER_TEST_UNIT_H
#define SPLINTER_TEST_UNIT_H

#include <check.h>

#include "support.h"

/* For each assertion that holds, Check writes to a file where that was, for the case that a signal
 * ends the test.  Loops of many thousands spend most of their time on it; from the MARKS_ALL-th on
 * one in so many is written. */
#define MARKS_ALL 1000
void mark_some(const char *file, int line);
#define _mark_point(file, line) mark_some(file, line)

/* A group, whose tests may take so many seconds each. */
TCase *group(const char *name, double seconds);

/* Add a test to `tcase`: once for each backing, or for each that has a name; _i says which. */
#define ADD(test) tcase_add_loop_test(tcase, test, 0, BACKINGS)
#define ADD_NAMED(test) tcase_add_loop_test(tcase, test, 0, BACKING_NAMED)

/* Runs the groups, of which the last is followed by NULL, and prints TAP.  What main() returns. */
int run_groups(const char *suite_name, TCase *const *groups);

struct splinter_stat stat_of(splinter_store *s);

/* Run `body` as somebody who owns nothing here; its exit status, or -1 if that is not possible. */
int as_nobody(int (*body)(void));

#endif
