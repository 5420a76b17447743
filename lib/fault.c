/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - what happens at a step; nothing in a normal build */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#ifdef SPLINTER_FAULT

void (*fault_hook)(const char *step);
unsigned fault_bugs;

/* A library built with --enable-fault-points serves programs that set no hook.  There the variable
 * SPLINTER_FAULT_AT names the step at which the program dies. */
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
extern int splinter__no_fault_points; /* ISO C does not allow an empty file */
#endif
