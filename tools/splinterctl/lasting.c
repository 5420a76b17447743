/* SPDX-License-Identifier: Apache-2.0 */
/* lasting.c - what commands share that go on until they are stopped, or hold something */
#include "lasting.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "output.h"

#define LOOK_MS 500 /* how often to look where the name of the bus leads */

volatile sig_atomic_t ctl_stops;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

static void (*at_end)(void);
static splinter_store *volatile interrupted; /* NULL: no signals are caught */
static struct sigaction before[SIGNALS];

/* ---- the end ---- */

static void release_signals(void)
{
    splinter_store *store = interrupted;
    int number = cli_stop;
    if (!store)
        return;
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    interrupted = NULL;
    splinter_store_resume(store);
    ctl_stops = 0;
    cli_stop = 0;
    if (number && cli_place) { /* it was for exec, too, which would go on with the next line */
        cli_out_flush(&ctl_out);
        cli_close();
        signal(number, SIG_DFL); /* ncurses leaves a handler of its own */
        raise(number);
    }
}

void ctl_command_ended(void)
{
    void (*clean_up)(void) = at_end;
    at_end = NULL;
    if (clean_up)
        clean_up();
    release_signals();
}

static void also_at_exit(void)
{
    static bool set;
    cli_close_at_exit(); /* which exit() calls after this one */
    if (!set)
        atexit(ctl_command_ended);
    set = true;
}

void ctl_at_end(void (*clean_up)(void))
{
    also_at_exit();
    at_end = clean_up;
}

/* ---- signals ---- */

static void on_signal(int number)
{
    splinter_store *store = interrupted;
    if (number != SIGCHLD) {
        ctl_stops++;
        cli_stop = number;
    }
    if (store)
        splinter_store_interrupt(store);
}

void ctl_catch_signals(splinter_store *store)
{
    struct sigaction new = {.sa_handler = on_signal};
    also_at_exit();
    sigemptyset(&new.sa_mask);
    interrupted = store;
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &before[i]);
        /* What was ignored when we were started (nohup) stays ignored, but for the last one. */
        if (before[i].sa_handler != SIG_IGN || signals[i] == SIGCHLD)
            sigaction(signals[i], &new, NULL);
    }
}

int ctl_stopped(bool unfinished)
{
    return cli_stop && unfinished ? 128 + cli_stop : CLI_OK;
}

/* ---- the bus ---- */

void ctl_look_for_bus(splinter_store *store)
{
    static uint64_t look_ms;
    static struct cli_file told; /* the store of which it was said */
    struct stat st;
    uint64_t ms = cli_now_ms();
    if (ms < look_ms)
        return;
    look_ms = ms + LOOK_MS;
    if (fstat(splinter_store_fd(store), &st) ||
        (st.st_dev == told.dev && st.st_ino == told.ino))
        return;
    if (!ctl_bus_was_replaced(store))
        return;
    told = (struct cli_file){st.st_dev, st.st_ino};
    cli_warn("bus '%s' was removed; this goes on with what was open, and with no new one",
             ctl_bus_name());
}
