/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - named steps at which a test may kill the process; nothing in a normal build
 *
 * A step stands between two effects on shared memory, or on files, that a death could separate.
 * The crash tests (tests/crash) compile the library with SPLINTER_FAULT, set fault_hook, and die at
 * each step that an operation reaches.  They also demand that every step is reached.  So the name
 * of a step is unique, and each new effect needs a new step.
 */
#ifndef SPLINTER_FAULT_H
#define SPLINTER_FAULT_H

#include "names.h"

#ifdef SPLINTER_FAULT
#include <stdint.h>

/* If it is set, called at every step.  A test sets it before it starts any thread. */
extern void (*fault_hook)(const char *step);
void fault_reached(const char *step);

/* A linker section lists all steps, so that a test can see whether it left one out.  A step inside
 * an inlined function is listed once per copy, each time with the same place in the source. */
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

/* Bugs that a test can switch on, to see that it would find them. */
#define BUG_CHECKSUM 1u    /* a record counts, whatever its checksum is */
#define BUG_ZERO_EARLY 2u  /* a superseded record is zeroed before a sync has ended */
#define BUG_POINT_FIRST 4u /* the sync point is written with the data, not after it */
#define BUG_NO_GRACE 8u    /* a sync does not wait for changes that are under way */
#define BUG_KEEP_LESS 16u  /* a sync keeps only the records that it acknowledges */
extern unsigned fault_bugs;

/* How long an opener waits for another one that makes no progress: five minutes, less in a test. */
extern uint64_t open_patience_ns;
#define fault_bug(bug) (fault_bugs & (bug))

#else
#define fault_point(name) ((void)0)
#define fault_bug(bug) 0
#endif

#endif
