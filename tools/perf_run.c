/* SPDX-License-Identifier: Apache-2.0 */
/* perf_run.c - the workers, from their start to their end */
#include "perf_run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "perf_latency.h"

struct start {
    const struct perf_job *job;
    unsigned number;
};

static pthread_t *threads;
static struct start *starts;
static pid_t *children;

static void *thread_main(void *argument)
{
    const struct start *start = argument;
    perf_work(start->job, start->number);
    return NULL;
}

static int start_worker(const struct perf_job *job, unsigned number)
{
    if (!job->options->processes) {
        starts[number] = (struct start){job, number};
        return pthread_create(&threads[number], NULL, thread_main, &starts[number]);
    }
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return errno;
    if (child == 0) {
        /* Else it would go on for ever if the parent were killed. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(CLI_FAILURE);
        perf_work(job, number);
        _exit(CLI_OK);
    }
    children[number] = child;
    return 0;
}

/* Ends the workers before number end.  Returns how many were killed or failed. */
static unsigned end_workers(const struct perf_job *job, unsigned end)
{
    unsigned lost = 0;
    atomic_store(&job->shared->stop, true);
    for (unsigned i = job->first; i < end; i++) {
        int status;
        if (!job->options->processes) {
            pthread_join(threads[i], NULL);
            continue;
        }
        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (i == PERF_WRITER) /* even if it was killed, the others are to end */
            atomic_store(&job->shared->writer_ended, true);
        if (status) {
            cli_warn("worker %u ended with %s %d", i, WIFSIGNALED(status) ? "signal" : "status",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            lost++;
        }
    }
    return lost;
}

static void nap_ms(uint64_t ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static void make_shared(struct perf_job *job)
{
    size_t bytes = sizeof(*job->shared) + job->end * sizeof(struct perf_result);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    job->shared = cli_need(memory == MAP_FAILED ? NULL : memory);
    threads = cli_need(calloc(job->end, sizeof(*threads)));
    starts = cli_need(calloc(job->end, sizeof(*starts)));
    children = cli_need(calloc(job->end, sizeof(*children)));
}

/* Signals are the main thread's business: workers end when it says stop. */
static void start_workers(const struct perf_job *job)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    unsigned end = job->first;
    int error = 0;
    while (end < job->end && !(error = start_worker(job, end)))
        end++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error) {
        end_workers(job, end);
        cli_die(CLI_FAILURE, "cannot start worker %u: %s", end, strerror(error));
    }
    while (atomic_load(&job->shared->ready) < job->end - job->first &&
           !atomic_load(&job->shared->stop) && !cli_stop)
        nap_ms(1);
}

/* Lets the workers work for as long as was asked.  Returns how many seconds that was. */
static double let_them_work(const struct perf_job *job)
{
    uint64_t duration_ms = job->options->duration_ms;
    bool progress = isatty(STDERR_FILENO);
    uint64_t begin = cli_now_ms(), begin_ns = perf_now_ns(CLOCK_MONOTONIC), now = begin;
    uint64_t deadline = begin + duration_ms;
    atomic_store(&job->shared->go, true);
    while ((now = cli_now_ms()) < deadline && !cli_stop && !atomic_load(&job->shared->stop)) {
        if (progress)
            fprintf(stderr, "\r%.1f of %.1f s ", (double)(now - begin) / 1000,
                    (double)duration_ms / 1000);
        nap_ms(cli_slice(deadline));
    }
    atomic_store(&job->shared->stop, true);
    double seconds = (double)(perf_now_ns(CLOCK_MONOTONIC) - begin_ns) / 1e9;
    if (progress)
        fputs("\r\033[K", stderr);
    return seconds;
}

/* Returns false if one of them met an error. */
static bool workers_succeeded(const struct perf_job *job)
{
    bool good = true;
    for (unsigned i = job->first; i < job->end; i++)
        if (job->shared->result[i].error) {
            cli_warn("%s failed: %s", i == PERF_WRITER ? "the writer" : "a reader",
                     strerror(-job->shared->result[i].error));
            good = false;
        }
    return good;
}

bool perf_run(struct perf_job *job, double *seconds)
{
    make_shared(job);
    start_workers(job);
    if (!cli_stop)
        *seconds = let_them_work(job);
    bool good = end_workers(job, job->end) == 0;
    good &= workers_succeeded(job);
    free(threads);
    free(starts);
    free(children);
    return good;
}
