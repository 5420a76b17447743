/* SPDX-License-Identifier: Apache-2.0 */
/* processes.c - which processes have a bus open: those with a descriptor of it in /proc */
#include "processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"

static pid_t pid_of(const char *name)
{
    int64_t pid;
    return cli_parse_int64(name, strlen(name), &pid) && pid > 0 ? (pid_t)pid : 0;
}

/* Of one process. */
static void each_open_file(pid_t pid, ctl_open_file *found, void *arg)
{
    char path[64];
    struct dirent *entry;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return; /* another user's, or it has ended */
    while ((entry = readdir(folder))) {
        struct stat st;
        if (entry->d_name[0] != '.' && !fstatat(dirfd(folder), entry->d_name, &st, 0) &&
            S_ISREG(st.st_mode))
            found(arg, pid, &st);
    }
    closedir(folder);
}

void ctl_each_process(ctl_process_seen *seen, void *arg)
{
    struct dirent *entry;
    DIR *proc = opendir("/proc");
    while (proc && (entry = readdir(proc))) {
        pid_t pid = pid_of(entry->d_name);
        if (pid && pid != getpid())
            seen(arg, pid);
    }
    if (proc)
        closedir(proc);
}

struct finder {
    ctl_open_file *found;
    void *arg;
};

static void look_into(void *arg, pid_t pid)
{
    const struct finder *finder = arg;
    each_open_file(pid, finder->found, finder->arg);
}

void ctl_each_open_file(ctl_open_file *found, void *arg)
{
    struct finder finder = {found, arg};
    ctl_each_process(look_into, &finder);
}

/* The name and the state are in /proc/PID/stat: "PID (NAME) STATE ...", with any NAME. */
bool ctl_describe(struct ctl_process *process)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, line, sizeof(line) - 1);
    close(fd);
    line[n < 0 ? 0 : n] = '\0';
    char *begin = strchr(line, '('), *end = strrchr(line, ')');
    if (!begin || !end || end < begin || !end[1] || !end[2])
        return false;
    snprintf(process->name, sizeof(process->name), "%.*s", (int)(end - begin - 1), begin + 1);
    process->state = strchr("Tt", end[2]) ? "stopped" : strchr("ZX", end[2]) ? "ending" : "running";
    process->traced = end[2] == 't';
    return true;
}

static int by_pid(const void *a, const void *b)
{
    pid_t left = ((const struct ctl_process *)a)->pid, right = ((const struct ctl_process *)b)->pid;
    return (left > right) - (left < right);
}

struct holders {
    struct stat file;
    struct ctl_process *process;
    size_t count;
};

static void add_holder(void *arg, pid_t pid, const struct stat *file)
{
    struct holders *all = arg;
    struct ctl_process process = {.pid = pid};
    if (file->st_dev != all->file.st_dev || file->st_ino != all->file.st_ino ||
        (all->count && all->process[all->count - 1].pid == pid) || !ctl_describe(&process))
        return;
    all->process = cli_need(realloc(all->process, (all->count + 1) * sizeof(process)));
    all->process[all->count++] = process;
}

struct ctl_process *ctl_processes(int fd, size_t *count)
{
    struct holders all = {.process = NULL};
    if (!fstat(fd, &all.file))
        ctl_each_open_file(add_holder, &all);
    if (all.process)
        qsort(all.process, all.count, sizeof(*all.process), by_pid);
    *count = all.count;
    return all.process;
}
