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

/* folder is its /proc/PID/fd. */
static bool has_open(DIR *folder, const struct stat *file)
{
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        struct stat st;
        if (entry->d_name[0] != '.' && !fstatat(dirfd(folder), entry->d_name, &st, 0) &&
            st.st_dev == file->st_dev && st.st_ino == file->st_ino)
            return true;
    }
    return false;
}

static bool is_holder(pid_t pid, const struct stat *file)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return false; /* another user's, or it has ended */
    bool found = has_open(folder, file);
    closedir(folder);
    return found;
}

/* The name and the state are in /proc/PID/stat: "PID (NAME) STATE ...", with any NAME. */
static bool describe(struct ctl_process *process)
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
    return true;
}

static int by_pid(const void *a, const void *b)
{
    pid_t left = ((const struct ctl_process *)a)->pid, right = ((const struct ctl_process *)b)->pid;
    return (left > right) - (left < right);
}

struct ctl_process *ctl_processes(int fd, size_t *count)
{
    struct ctl_process *found = NULL;
    struct dirent *entry;
    struct stat file;
    DIR *proc = opendir("/proc");
    *count = 0;
    while (proc && !fstat(fd, &file) && (entry = readdir(proc))) {
        struct ctl_process process = {.pid = pid_of(entry->d_name)};
        if (!process.pid || process.pid == getpid() || !is_holder(process.pid, &file) ||
            !describe(&process))
            continue;
        found = cli_need(realloc(found, (*count + 1) * sizeof(*found)));
        found[(*count)++] = process;
    }
    if (proc)
        closedir(proc);
    if (found)
        qsort(found, *count, sizeof(*found), by_pid);
    return found;
}
