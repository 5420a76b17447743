/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - named steps where tests may kill, nothing in a normal build
 *
 * A step stands between two effects on shared memory, or on files, that a death could part.  The
 * crash tests compile the library with SPLINTER_FAULT, hang a function on fault_hook, and die
 * at each step that an operation reaches (tests/crash).  They also demand that every step is
 * reached, so its name is unique, and a new effect brings a new step.
 */
#ifndef SPLINTER_FAULT_H
#define SPLINTER_FAULT_H

#include "names.h"

#ifdef SPLINTER_FAULT
#include <stdint.h>

/* Called at every step, where it is set.  Written before any thread is started. */
extern void (*fault_hook)(const char *step);
void fault_reached(const char *step);

/* All steps also stand in a section of their own, for the test that none was left out: one that is
 * in line in several objects as often, from one place. */
struct fault_step {
    const char *name, *file, *function;
    int line;
};
#define fault_point(step) \
    do { \
        static const struct fault_step fault_here = {(step), __FILE__, __func__, __LINE__}; \
        static const struct fault_step *const fault_listed \
            __attribute__((section("fault_steps"), used)) = &fault_here; \
        fault_reached(fault_here.name); \
    } while (0)

/* Mistakes that a test can make the library make, to see that it would find them. */
#define BUG_CHECKSUM 1u    /* a record counts whatever its checksum says */
#define BUG_ZERO_EARLY 2u  /* a superseded record is zeroed before a sync has ended */
#define BUG_POINT_FIRST 4u /* the sync point is written with the data, not after it */
#define BUG_NO_GRACE 8u    /* a sync does not wait for changes that are under way */
#define BUG_KEEP_LESS 16u  /* during a sync only records are kept that it acknowledges */
extern unsigned fault_bugs;

/* How long an open waits for another one that does not go on; a test need not wait five minutes. */
extern uint64_t open_patience_ns;
#define fault_bug(bug) (fault_bugs & (bug))

#else
#define fault_point(name) ((void)0)
#define fault_bug(bug) 0
#endif

#endif
