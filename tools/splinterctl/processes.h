/* SPDX-License-Identifier: Apache-2.0 */
/* processes.h - which processes have a bus open */
#ifndef SPLINTERCTL_PROCESSES_H
#define SPLINTERCTL_PROCESSES_H

#include <stddef.h>
#include <sys/types.h>

struct ctl_process {
    pid_t pid;
    char name[32];
    const char *state; /* "running", "stopped" or "ending" */
};

/* Those that have the file behind the descriptor open, except this one, by their numbers; of the
 * others than those of this user the kernel tells only root.  Memory of the caller. */
struct ctl_process *ctl_processes(int fd, size_t *count);

#endif /* SPLINTERCTL_PROCESSES_H */
