/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - what happens at a step; empty in a normal build */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#ifdef SPLINTER_FAULT

void (*fault_hook)(const char *step);
unsigned fault_bugs;

/* A build with --enable-fault-points has no test that sets the hook: there the environment
 * names the step at which any program that uses the library dies. */
void fault_reached(const char *step)
{
    if (fault_hook) {
        fault_hook(step);
        return;
    }
    const char *at = getenv("SPLINTER_FAULT_AT");
    if (at && !strcmp(at, step))
        kill(getpid(), SIGKILL);
}

#else
extern int splinter__no_fault_points; /* ISO C wants a declaration */
#endif
