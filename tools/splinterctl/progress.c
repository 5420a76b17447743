/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - how far a long piece of work is */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"

#define FIRST_MS 1000
#define EVERY_MS 200
#define LOOK_MS 100

static struct {
    bool on, shown;
    const char *doing, *unit;
    uint64_t total, began, due;
} work;

void ctl_progress_begin(const char *doing, const char *unit, uint64_t total, bool quiet)
{
    work.on = !quiet && isatty(STDERR_FILENO);
    work.shown = false;
    work.doing = doing;
    work.unit = unit;
    work.total = total;
    work.began = cli_now_ms();
    work.due = work.began + FIRST_MS;
}

/* 1234567 as "1.2M" */
static void shorten(char *text, size_t room, double n)
{
    const char *letter = " kMGT";
    while (n >= 1000 && letter[1]) {
        n /= 1000;
        letter++;
    }
    snprintf(text, room, *letter == ' ' ? "%.0f" : "%.1f%c", n, *letter);
}

static void show(uint64_t done, uint64_t now)
{
    char line[160], amount[16], rate[16], left[48] = "";
    double seconds = (double)(now - work.began) / 1000;
    double each = seconds > 0 ? (double)done / seconds : 0;
    uint64_t percent = work.total ? done * 100 / work.total : 0;
    if (percent > 99)
        percent = 99;
    if (work.total > done && each > 0)
        snprintf(left, sizeof(left), ", %" PRIu64 "%%, %.0f s left", percent,
                 (double)(work.total - done) / each);
    else if (work.total) /* what remains is not counted, such as to go to disk */
        snprintf(left, sizeof(left), ", %" PRIu64 "%%", percent);
    shorten(amount, sizeof(amount), (double)done);
    shorten(rate, sizeof(rate), each);
    int n = done ? snprintf(line, sizeof(line), "%s: %s %s, %s/s%s\033[K\r", work.doing, amount,
                            work.unit, rate, left)
                 : snprintf(line, sizeof(line), "%s: %.0f s\033[K\r", work.doing, seconds);
    if (n > 0)
        fwrite(line, 1, (size_t)n, stderr);
    work.shown = true;
}

void ctl_progress(uint64_t done)
{
    if (!work.on)
        return;
    uint64_t now = cli_now_ms();
    if (now < work.due)
        return;
    work.due = now + EVERY_MS;
    show(done, now);
}

void ctl_progress_clear(void)
{
    if (work.shown)
        fputs("\033[K", stderr);
    work.shown = false;
}

void ctl_progress_end(void)
{
    ctl_progress_clear();
    work.on = false;
}

/* ---- while one call of the library runs ---- */

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool runs, over;
    uint64_t (*done)(void *arg);
    void *arg;
    void (*stop)(void);
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void *look(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&watch.mutex);
    while (!watch.over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&watch.cond, &watch.mutex, &until);
        if (watch.over)
            break;
        if (cli_stop) /* the call of the library does not notice */
            watch.stop();
        ctl_progress(watch.done ? watch.done(watch.arg) : 0);
    }
    pthread_mutex_unlock(&watch.mutex);
    return NULL;
}

void ctl_progress_watch(uint64_t (*done)(void *arg), void *arg, void (*stop)(void))
{
    watch.over = false;
    watch.done = done;
    watch.arg = arg;
    watch.stop = stop;
    /* Without a thread there is no progress to be seen, and the work is done all the same. */
    watch.runs = pthread_create(&watch.thread, NULL, look, NULL) == 0;
}

void ctl_progress_unwatch(void)
{
    if (!watch.runs)
        return;
    pthread_mutex_lock(&watch.mutex);
    watch.over = true;
    pthread_cond_signal(&watch.cond);
    pthread_mutex_unlock(&watch.mutex);
    pthread_join(watch.thread, NULL);
    watch.runs = false;
}
