/* SPDX-License-Identifier: Apache-2.0 */
/* processes.h - which processes have a bus open */
#ifndef SPLINTERCTL_PROCESSES_H
#define SPLINTERCTL_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct ctl_process {
    pid_t pid;
    char name[32];
    const char *state; /* "running", "stopped" or "ending" */
    bool traced;       /* it was stopped by a debugger */
};

/* Those that have the file behind the descriptor open, except this one, by their numbers; of the
 * others than those of this user the kernel tells only root.  Memory of the caller. */
struct ctl_process *ctl_processes(int fd, size_t *count);

/* Each process but this one, as far as /proc shows them. */
typedef void ctl_process_seen(void *arg, pid_t pid);
void ctl_each_process(ctl_process_seen *seen, void *arg);
/* Each regular file that one of them has open, as often as it has; all of a process in a row. */
typedef void ctl_open_file(void *arg, pid_t pid, const struct stat *file);
void ctl_each_open_file(ctl_open_file *found, void *arg);
/* Fills in the name and the state of process->pid.  Returns false if there is none such. */
bool ctl_describe(struct ctl_process *process);

#endif /* SPLINTERCTL_PROCESSES_H */
