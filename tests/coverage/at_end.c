/* SPDX-License-Identifier: Apache-2.0 */
/*
 * at_end.c - a process that ends without exit() writes its counts of coverage first
 *
 * Linked into every program of the build for coverage, and into nothing else.  gcc's counts are in
 * memory until a process calls exit(); the crash tests have hundreds of children that end by
 * _exit(), or kill themselves at a step of the library.  What such a child went through is what
 * those tests are for, so the two calls are replaced by ones that write the counts first.
 *
 * A process that is killed by another one writes nothing: nobody can do that for it.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

void __gcov_dump(void);

/* A test of limits may have left none for the files of the counts. */
static void lift_limits(void)
{
    static const int which[] = {RLIMIT_FSIZE, RLIMIT_NOFILE};
    struct rlimit limit;

    for (unsigned i = 0; i < sizeof which / sizeof *which; i++)
        if (!getrlimit(which[i], &limit)) {
            limit.rlim_cur = limit.rlim_max;
            setrlimit(which[i], &limit);
        }
}

/* exit() writes the counts after it has called this. */
__attribute__((constructor)) static void begin(void)
{
    atexit(lift_limits);
}

static void write_counts(void)
{
    lift_limits();
    __gcov_dump();
}

int kill(pid_t pid, int sig)
{
    if (pid == getpid() && sig == SIGKILL)
        write_counts();
    return (int)syscall(SYS_kill, pid, sig);
}

void _exit(int status)
{
    write_counts();
    for (;;)
        syscall(SYS_exit_group, status);
}

/* Another name of the same call, which the first one does not stand in for. */
void _Exit(int status)
{
    _exit(status);
}
