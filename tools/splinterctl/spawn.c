/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.c - to run a COMMAND of the user for one event, or one item */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cli.h"
#include "bus.h"
#include "output.h"

void ctl_die_with(pid_t parent, int number)
{
    prctl(PR_SET_PDEATHSIG, number);
    if (getppid() != parent) /* it was killed before the prctl() */
        _exit(CLI_FAILURE);
}

/* All that a command reads, so that nobody has to write while it does.  -1: errno. */
static int input_of(const struct ctl_child *child)
{
    const char *bytes = child->input;
    if (!child->size)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("splinterctl", MFD_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < child->size) {
        ssize_t n = pwrite(fd, bytes + done, child->size - done, (off_t)done);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            int error = errno;
            close(fd);
            errno = error;
            return -1;
        }
    }
    return fd;
}

/* In the child.  The parent reads the cause from the pipe if there is no program. */
static noreturn void become(const struct ctl_child *child, int input, int failure, pid_t parent)
{
    static const int reset[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGXFSZ};
    sigset_t none;
    for (size_t i = 0; i < sizeof(reset) / sizeof(*reset); i++) {
        struct sigaction now;
        /* cli_start() ignores the last two; what else is ignored was so before. */
        if (!sigaction(reset[i], NULL, &now) &&
            (now.sa_handler != SIG_IGN || reset[i] == SIGPIPE || reset[i] == SIGXFSZ))
            signal(reset[i], SIG_DFL);
    }
    sigemptyset(&none);
    if (child->group)
        setpgid(0, 0);
    ctl_die_with(parent, SIGTERM);
    dup2(input, STDIN_FILENO);
    setenv("SPLINTER_BUS", ctl_bus_variable(), 1);
    for (const struct ctl_variable *v = child->environment; v->name; v++)
        setenv(v->name, v->value, 1);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(child->program[0], child->program);
    int error = errno;
    (void)!write(failure, &error, sizeof(error));
    _exit(CLI_FAILURE);
}

/* The errno of the exec, or 0. */
static int failure_of(int fd)
{
    int error = 0;
    ssize_t n;
    do
        n = read(fd, &error, sizeof(error));
    while (n < 0 && errno == EINTR);
    return n == sizeof(error) ? error : 0;
}

pid_t ctl_spawn(const struct ctl_child *child, bool *cannot_run)
{
    int ends[2], input = input_of(child);
    sigset_t all, before;
    *cannot_run = false;
    if (input < 0)
        return -errno;
    if (pipe2(ends, O_CLOEXEC)) {
        int error = errno;
        close(input);
        return -error;
    }
    cli_out_flush(&ctl_out);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* no handler of ours runs in the child */
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(child, input, ends[1], parent);
    int error = errno;
    if (pid > 0 && child->group)
        setpgid(pid, pid); /* whoever is first; both need it to be so */
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(input);
    close(ends[1]);
    if (pid > 0) {
        error = failure_of(ends[0]);
        *cannot_run = error;
        if (error)
            while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
    }
    close(ends[0]);
    return error && (pid < 0 || *cannot_run) ? -error : pid;
}

const char *ctl_how_it_ended(int wait_status)
{
    static char words[64];
    if (WIFSIGNALED(wait_status))
        snprintf(words, sizeof(words), "signal %d", WTERMSIG(wait_status));
    else
        snprintf(words, sizeof(words), "exit status %d", WEXITSTATUS(wait_status));
    return words;
}
