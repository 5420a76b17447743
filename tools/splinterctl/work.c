/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - queue work: a command for each item of a queue */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "jobs.h"
#include "lasting.h"
#include "output.h"

#define DELAY_MS 100
#define RETRIES 3
/* A worker ends its command at the limit.  From one that hangs the item goes so much later. */
#define LIMIT_GRACE_MS 10000

enum { WORK_JOBS, WORK_RETRIES, WORK_DEAD, WORK_DELAY, WORK_LIMIT, WORK_COUNT, WORK_TIMEOUT };
const struct ctl_option ctl_work_options[] = {
    [WORK_JOBS] = {"jobs", "N", "run up to N commands at the same time (default 1)"},
    [WORK_RETRIES] = {"retries", "N", "with --dead: try an item N more times (default 3)"},
    [WORK_DEAD] = {"dead", "QUEUE",
                   "then put it into this queue, which is made if it is\n"
                   "                       absent; without --dead, items come back for ever"},
    [WORK_DELAY] = {"delay", "MS", "wait MS milliseconds before a failed item goes back\n"
                                   "                       (default 100)"},
    [WORK_LIMIT] = {"limit", "MS", "end a command by SIGTERM after MS milliseconds"},
    [WORK_COUNT] = {"count", "N", "end after N commands"},
    [WORK_TIMEOUT] = {"timeout", "MS", "end with status 4 if no item comes for MS milliseconds;\n"
                                       "                       0: when the queue is empty"},
    {NULL, NULL, NULL},
};

static struct ctl_work work;
static struct {
    uint64_t count; /* commands that may still begin */
    uint64_t timeout_ms, deadline;
    unsigned char *buf;
    size_t room;
    sigset_t caught, before; /* signals are blocked but while it waits */
} now;

static void end_work(void)
{
    ctl_jobs_abandon(&work);
    splinter_queue_close(work.queue);
    splinter_queue_close(work.dead);
    work.queue = work.dead = NULL;
    sigprocmask(SIG_SETMASK, &now.before, NULL);
}

/* ---- the beginning ---- */

static uint64_t number_of(const struct ctl_call *call, int option, uint64_t min, uint64_t max,
                          uint64_t none)
{
    char name[16] = "--";
    const char *text = call->given[option];
    strncat(name, ctl_work_options[option].name, sizeof(name) - 3);
    return text ? cli_number(name, text, min, max) : none;
}

static void read_options(const struct ctl_call *call)
{
    const char *dead = call->given[WORK_DEAD];
    work = (struct ctl_work){
        .of = {"queue", ctl_name_of("QUEUE", call->arguments[0])},
        .store = call->store,
        .program = call->program,
        .dead_name = dead,
        .jobs = number_of(call, WORK_JOBS, 1, CTL_JOBS_MAX, 1),
        .retries = number_of(call, WORK_RETRIES, 0, UINT32_MAX - 2, RETRIES),
        .delay_ms = number_of(call, WORK_DELAY, 0, CLI_MS_MAX, DELAY_MS),
        .limit_ms = number_of(call, WORK_LIMIT, 1, CLI_MS_MAX - LIMIT_GRACE_MS, 0),
    };
    now.count = number_of(call, WORK_COUNT, 1, UINT64_MAX - 1, UINT64_MAX);
    now.timeout_ms = number_of(call, WORK_TIMEOUT, 0, CLI_MS_MAX, CLI_NEVER);
    if (call->given[WORK_RETRIES] && !dead)
        cli_usage("--retries needs --dead, which says where an item goes after them");
    if (dead && strcmp(ctl_name_of("--dead", dead), work.of.name) == 0)
        cli_usage("--dead: it has to be another queue than '%s'", dead);
}

/* What does not fit there would be lost, or never leave. */
static void open_dead(const struct splinter_queue_stat *stat)
{
    const struct ctl_named of = {"queue", work.dead_name};
    struct splinter_queue_stat there = {.struct_size = sizeof(there)};
    int r = splinter_queue_open(&work.dead, work.store, work.dead_name, NULL);
    if (r == -ENOENT) {
        const struct splinter_topic_options options = {
            .struct_size = sizeof(options), .flags = SPLINTER_CREATE, .capacity = stat->capacity,
            .max_message = stat->max_message};
        r = splinter_queue_open(&work.dead, work.store, work.dead_name, &options);
    }
    if (!r)
        r = splinter_queue_stat(work.dead, &there);
    if (r)
        ctl_named_failed(&of, "open", r);
    if (there.max_message < stat->max_message)
        cli_die(CLI_REFUSED, "queue '%s' takes items of at most %" PRIu64 " bytes, and '%s' of %"
                PRIu64, work.dead_name, there.max_message, work.of.name, stat->max_message);
}

static void open_queues(void)
{
    struct splinter_queue_stat stat = {.struct_size = sizeof(stat)};
    int r = splinter_queue_open(&work.queue, work.store, work.of.name, NULL);
    if (!r)
        r = splinter_queue_stat(work.queue, &stat);
    if (r)
        ctl_named_failed(&work.of, "open", r);
    if (work.dead_name)
        open_dead(&stat);
}

/* ---- item by item ---- */

/* Until a command ends, a signal comes, or something is due. */
static void wait_for_commands(void)
{
    uint64_t ms = ctl_jobs_due(cli_slice(CLI_NEVER));
    const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    ppoll(NULL, 0, &pause, &now.before);
}

static void no_item(void)
{
    ctl_look_for_bus(work.store);
    if (ctl_jobs_held() || cli_now_ms() < now.deadline)
        return;
    if (!now.timeout_ms)
        cli_die(CLI_TIMEOUT, "no item waits in queue '%s' of bus '%s'", work.of.name,
                ctl_bus_name());
    cli_die(CLI_TIMEOUT, "no item came to queue '%s' of bus '%s' within %" PRIu64 " ms",
            work.of.name, ctl_bus_name(), now.timeout_ms);
}

static void take(void)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    uint64_t ms = ctl_jobs_due(ctl_jobs_held() ? cli_slice(CLI_NEVER) : cli_slice(now.deadline));
    uint64_t limit_ns = work.limit_ms ? (work.limit_ms + LIMIT_GRACE_MS) * 1000000 : 0;
    if (!now.buf) {
        now.room = now.room ? now.room : 4096;
        now.buf = cli_need(malloc(now.room));
    }
    sigprocmask(SIG_SETMASK, &now.before, NULL);
    int r = splinter_queue_take(work.queue, now.buf, now.room, limit_ns, ms, &item);
    sigprocmask(SIG_BLOCK, &now.caught, NULL);
    switch (r) {
    case 0:
        now.count -= ctl_job_begin(&work, &item, &now.buf, &now.room);
        break;
    case -EMSGSIZE:
        now.buf = cli_need(realloc(now.buf, (size_t)item.size));
        now.room = (size_t)item.size;
        break;
    case -ETIMEDOUT:
        no_item();
        break;
    case -EINTR:
        break;
    case -EAGAIN: /* very many races were lost */
        poll(NULL, 0, 10);
        break;
    default:
        ctl_named_failed(&work.of, "take from", r);
    }
}

static void go_on(void)
{
    now.deadline = cli_deadline(now.timeout_ms);
    for (;;) {
        splinter_store_resume(work.store); /* what ends a wait from here on is seen below */
        ctl_jobs_look(&work);
        uint64_t held = ctl_jobs_held();
        bool more = now.count && !cli_stop && !work.failed;
        if (held)
            now.deadline = cli_deadline(now.timeout_ms);
        else if (!more)
            return;
        if (more && held < work.jobs)
            take();
        else
            wait_for_commands();
    }
}

int ctl_run_queue_work(const struct ctl_call *call)
{
    read_options(call);
    sigprocmask(SIG_BLOCK, NULL, &now.before);
    ctl_at_end(end_work);
    open_queues();
    cli_out_flush(&ctl_out);
    sigemptyset(&now.caught);
    sigaddset(&now.caught, SIGINT);
    sigaddset(&now.caught, SIGTERM);
    sigaddset(&now.caught, SIGHUP);
    sigaddset(&now.caught, SIGCHLD);
    sigprocmask(SIG_BLOCK, &now.caught, NULL);
    ctl_catch_signals(work.store);
    go_on();
    if (work.failed)
        return CLI_FAILURE;
    return ctl_stopped(now.count && call->given[WORK_COUNT]);
}
