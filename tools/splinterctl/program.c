/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - to run a COMMAND of the user */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"
#include "bus.h"
#include "output.h"
#include "spawn.h"

enum { NOT_RUN = 126, NOT_FOUND = 127, OF_SIGNAL = 128 };

/* What the program does not inherit from us. */
struct before {
    sigset_t mask;
    struct sigaction interrupt, quit;
};

static noreturn void become(char **program, const struct ctl_keeper *keeper, pid_t parent,
                            const struct before *before)
{
    sigaction(SIGINT, &before->interrupt, NULL);
    sigaction(SIGQUIT, &before->quit, NULL);
    signal(SIGPIPE, SIG_DFL); /* cli_start() ignores these two */
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before->mask, NULL);
    ctl_die_with(parent, SIGTERM);
    if (ctl_stdin_taken) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        dup2(null, STDIN_FILENO);
    }
    setenv("SPLINTER_BUS", ctl_bus_variable(), 1);
    if (keeper->token)
        setenv("SPLINTER_TOKEN", keeper->token, 1);
    execvp(program[0], program);
    int error = errno;
    cli_warn("cannot run '%s': %s", program[0], strerror(error));
    _exit(error == ENOENT ? NOT_FOUND : NOT_RUN);
}

/* Passes signals on until the program has ended.  Returns its status as wait(2) has it. */
static int attend(pid_t pid, const sigset_t *signals, const struct ctl_keeper *keeper)
{
    const struct timespec pause = {(time_t)(keeper->every_ms / 1000),
                                   (long)(keeper->every_ms % 1000) * 1000000};
    bool kept = keeper->every_ms;
    int status;
    for (;;) {
        int number = sigtimedwait(signals, NULL, kept ? &pause : NULL);
        if (number == SIGTERM || number == SIGHUP)
            kill(pid, number);
        if (number < 0 && errno == EAGAIN && !keeper->keep(keeper->arg)) {
            kept = false;
            kill(pid, SIGTERM);
        }
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return status;
        if (ended < 0 && errno != EINTR)
            cli_die(CLI_FAILURE, "cannot wait for the command: %s", strerror(errno));
    }
}

int ctl_run_program(char **program, const struct ctl_keeper *keeper)
{
    struct before before;
    sigset_t signals;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    cli_out_flush(&ctl_out);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before.mask);
    sigaction(SIGINT, &ignore, &before.interrupt);
    sigaction(SIGQUIT, &ignore, &before.quit);

    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(program, keeper, parent, &before);
    int error = errno;
    int status = pid < 0 ? 0 : attend(pid, &signals, keeper);
    sigaction(SIGINT, &before.interrupt, NULL);
    sigaction(SIGQUIT, &before.quit, NULL);
    sigprocmask(SIG_SETMASK, &before.mask, NULL);
    if (pid < 0)
        cli_die(CLI_FAILURE, "cannot run '%s': %s", program[0], strerror(error));
    return WIFSIGNALED(status) ? OF_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
