/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.c - the items of a queue that this worker has, and the commands that run for them
 *
 * A command is the leader of a process group, so that a Ctrl-C at the terminal reaches this worker
 * alone, and a signal to the group all that the command has started.  An item is given back when
 * its command has ended, and not before: no two run for the same item.
 */
#include "jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../cli.h"
#include "bus.h"
#include "lasting.h"
#include "line.h"
#include "spawn.h"
#include "value.h"

#define GRACE_MS 2000 /* for a command between SIGTERM and SIGKILL */

static struct job {
    bool held;       /* it has an item */
    pid_t pid;       /* of the command; 0: it has ended, and the item is to be given back */
    bool over_limit; /* it got SIGTERM: its time was over, */
    bool ended;      /* or it got that because this worker ends at once */
    uint64_t at_ms;  /* when to give back the item, or to end the command, or to kill it */
    struct splinter_item item;
    unsigned char *buf; /* the item's bytes */
    size_t room;
} jobs[CTL_JOBS_MAX];

/* ---- what becomes of an item ---- */

static void give_back(struct ctl_work *work, struct job *job)
{
    int r = splinter_queue_nack(work->queue, &job->item);
    job->held = false;
    if (r && r != -ESTALE && r != -EIDRM) { /* the end of this process gives it back, too */
        cli_warn("cannot give back item %" PRIu64 " of queue '%s': %s", job->item.number,
                 work->of.name, strerror(-r));
        work->failed = true;
    }
}

static void acknowledge(struct ctl_work *work, struct job *job)
{
    int r = splinter_queue_ack(work->queue, &job->item);
    job->held = false;
    if (r == -ESTALE) {
        cli_warn("item %" PRIu64 " of queue '%s' had been handed to another worker meanwhile",
                 job->item.number, work->of.name);
    } else if (r && r != -EIDRM) {
        cli_warn("cannot acknowledge item %" PRIu64 " of queue '%s': %s", job->item.number,
                 work->of.name, strerror(-r));
        work->failed = true;
    }
}

/* First it is there, and then no longer here: a worker that is killed in between leaves both. */
static void bury(struct ctl_work *work, struct job *job)
{
    const struct splinter_publish_options options = {.struct_size = sizeof(options),
                                                     .type = job->item.type};
    int r = splinter_queue_push(work->dead, job->buf, (size_t)job->item.size, &options, 0, NULL);
    if (!r) {
        cli_warn("item %" PRIu64 " of queue '%s' goes to queue '%s': it was handed out %" PRIu32
                 " times",
                 job->item.number, work->of.name, work->dead_name, job->item.delivery);
        acknowledge(work, job);
        return;
    }
    cli_warn("cannot put item %" PRIu64 " of queue '%s' into queue '%s': %s", job->item.number,
             work->of.name, work->dead_name, r == -ETIMEDOUT ? "that is full" : strerror(-r));
    work->failed = true; /* else it would come back at once, and again */
    give_back(work, job);
}

static void command_failed(struct ctl_work *work, struct job *job, int status)
{
    bool last = work->dead && job->item.delivery > work->retries;
    cli_warn("item %" PRIu64 " of queue '%s' failed with %s%s", job->item.number, work->of.name,
             ctl_how_it_ended(status), job->over_limit ? ", as its time was over" : "");
    if (last) {
        bury(work, job);
    } else if (cli_stop || work->failed) {
        give_back(work, job);
    } else {
        job->pid = 0;
        job->at_ms = cli_deadline(work->delay_ms);
    }
}

static void command_ended(struct ctl_work *work, struct job *job, int status)
{
    if (!status)
        acknowledge(work, job);
    else if (job->ended)
        give_back(work, job);
    else
        command_failed(work, job, status);
}

/* ---- the beginning ---- */

static void start(struct ctl_work *work, struct job *job)
{
    char number[24], size[24], delivery[16], type[CTL_TYPE_ROOM];
    const struct splinter_item *item = &job->item;
    snprintf(number, sizeof(number), "%" PRIu64, item->number);
    snprintf(size, sizeof(size), "%" PRIu64, item->size);
    snprintf(delivery, sizeof(delivery), "%" PRIu32, item->delivery);
    const struct ctl_variable environment[] = {
        {"SPLINTER_QUEUE", work->of.name},
        {"SPLINTER_NUMBER", number},
        {"SPLINTER_SIZE", size},
        {"SPLINTER_TYPE", ctl_type_text(item->type, type)},
        {"SPLINTER_DELIVERY", delivery},
        {NULL, NULL},
    };
    const struct ctl_child child = {work->program, job->buf, (size_t)item->size, environment, true};
    bool cannot_run;
    pid_t pid = ctl_spawn(&child, &cannot_run);
    if (pid < 0) {
        give_back(work, job);
        cli_die(pid == -ENOENT && cannot_run ? 127
                : cannot_run                 ? 126
                                             : CLI_FAILURE,
                "cannot run '%s': %s", work->program[0], strerror((int)-pid));
    }
    job->pid = pid;
    job->at_ms = work->limit_ms ? cli_deadline(work->limit_ms) : CLI_NEVER;
}

bool ctl_job_begin(struct ctl_work *work, const struct splinter_item *item, unsigned char **buf,
                   size_t *room)
{
    struct job *job = jobs;
    while (job->held)
        job++;
    struct job before = *job;
    *job = (struct job){.held = true, .item = *item, .buf = *buf, .room = *room};
    *buf = before.buf;
    *room = before.room;
    if (work->dead && item->delivery > work->retries + 1) {
        bury(work, job); /* its workers have been killed, perhaps by it */
        return false;
    }
    start(work, job);
    return true;
}

/* ---- the end ---- */

static void signal_group(const struct job *job, int number)
{
    if (kill(-job->pid, number)) /* it may have left its group */
        kill(job->pid, number);
}

static void look_at(struct ctl_work *work, struct job *job)
{
    int status;
    if (job->pid && waitpid(job->pid, &status, WNOHANG) == job->pid) {
        command_ended(work, job, status);
        return;
    }
    if (job->pid && ctl_stops > 1 && !job->ended) {
        job->ended = true;
        signal_group(job, SIGTERM);
        job->at_ms = cli_deadline(GRACE_MS);
        return;
    }
    if (!job->pid && (cli_stop || work->failed))
        job->at_ms = 0;
    if (cli_now_ms() < job->at_ms)
        return;
    if (!job->pid) {
        give_back(work, job);
    } else if (job->ended || job->over_limit) {
        signal_group(job, SIGKILL);
        job->at_ms = cli_deadline(GRACE_MS);
    } else {
        job->over_limit = true;
        signal_group(job, SIGTERM);
        job->at_ms = cli_deadline(GRACE_MS);
    }
}

void ctl_jobs_look(struct ctl_work *work)
{
    for (struct job *job = jobs; job < jobs + work->jobs; job++)
        if (job->held)
            look_at(work, job);
}

uint64_t ctl_jobs_held(void)
{
    uint64_t held = 0;
    for (size_t i = 0; i < CTL_JOBS_MAX; i++)
        held += jobs[i].held;
    return held;
}

uint64_t ctl_jobs_due(uint64_t ms)
{
    uint64_t now = cli_now_ms();
    for (size_t i = 0; i < CTL_JOBS_MAX; i++) {
        if (!jobs[i].held || jobs[i].at_ms >= now + ms)
            continue;
        ms = jobs[i].at_ms > now ? jobs[i].at_ms - now : 0;
    }
    return ms;
}

void ctl_jobs_abandon(struct ctl_work *work)
{
    for (struct job *job = jobs; job < jobs + CTL_JOBS_MAX; job++)
        if (job->held && job->pid)
            signal_group(job, SIGTERM);
    uint64_t give_up = cli_deadline(GRACE_MS);
    for (struct job *job = jobs; job < jobs + CTL_JOBS_MAX; job++) {
        while (job->held && job->pid && waitpid(job->pid, NULL, WNOHANG) == 0) {
            if (cli_now_ms() >= give_up)
                signal_group(job, SIGKILL);
            poll(NULL, 0, 10);
        }
        if (job->held)
            give_back(work, job);
        free(job->buf);
        *job = (struct job){.held = false};
    }
}
