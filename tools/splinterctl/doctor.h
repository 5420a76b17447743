/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - the checks of doctor; what they find goes to doctor_findings.h */
#ifndef SPLINTERCTL_DOCTOR_H
#define SPLINTERCTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "doctor_findings.h"

/* The machine: /dev/shm, /proc, the kernel (doctor_machine.c), */
void doctor_machine(void);
/* its memory cgroups and the limits of this process (doctor_limits.c), */
void doctor_limits(void);
/* the buses in memory (doctor_buses.c), and logind, which removes them (doctor_logind.c), */
void doctor_buses(void);
void doctor_logind(const uid_t *owners, size_t count);
/* and the bus that the command line or SPLINTER_BUS names, if one does. */
void doctor_bus(void);

/* Is there room on the file system of a path?  memory: it is a tmpfs. */
void doctor_room(const char *path, bool memory);

#endif /* SPLINTERCTL_DOCTOR_H */
