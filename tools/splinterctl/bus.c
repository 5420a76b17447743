/* SPDX-License-Identifier: Apache-2.0 */
/* bus.c - the bus that commands work on */
#include "bus.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"

bool ctl_stdin_taken;

static struct cli_choice chosen; /* no bus: the default */

static splinter_store *store;
static bool writable;

void ctl_choose_bus(const char *name, bool file)
{
    if (cli_place)
        cli_usage("-b and -f come before exec: all its commands work on one bus");
    if (chosen.bus)
        cli_usage("only one bus is allowed, and '%s' was named before '%s'", chosen.bus, name);
    cli_choose(&chosen, name, file);
}

const char *ctl_bus_name(void)
{
    return chosen.bus ? chosen.bus : cli_default_bus();
}

bool ctl_bus_is_named(void)
{
    const char *bus = getenv("SPLINTER_BUS");
    return chosen.bus || (bus && *bus);
}

uint32_t ctl_bus_where(void)
{
    return cli_where(ctl_bus_name(), chosen.file);
}

const char *ctl_bus_variable(void)
{
    static char name[PATH_MAX];
    const char *bus = ctl_bus_name();
    if (ctl_bus_where() == cli_where(bus, false))
        return bus;
    snprintf(name, sizeof(name), "%s/%s", *bus == '/' ? "/" : ".", bus + (*bus == '/'));
    return name;
}

bool ctl_bus_was_replaced(splinter_store *open)
{
    struct cli_file named;
    struct stat st;
    return !cli_file_of(ctl_bus_name(), ctl_bus_where(), &named) ||
           fstat(splinter_store_fd(open), &st) || st.st_dev != named.dev || st.st_ino != named.ino;
}

splinter_store *ctl_open(bool to_write)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    if (store && (writable || !to_write))
        return store;
    options.flags = ctl_bus_where() | (to_write ? 0 : SPLINTER_RDONLY);
    int r = cli_open(&store, ctl_bus_name(), &options);
    if (r == -ENOENT && to_write)
        cli_die(CLI_ABSENT, "bus '%s' does not exist; 'splinterctl create' makes one",
                ctl_bus_name());
    if (r)
        cli_open_failed(ctl_bus_name(), r);
    writable = to_write;
    return store;
}

splinter_store *ctl_open_to_follow(void)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    splinter_store *opened;
    if (store && writable)
        return store;
    options.flags = ctl_bus_where();
    int r = cli_open(&opened, ctl_bus_name(), &options);
    if (r == -EACCES || r == -EPERM || r == -EROFS)
        return ctl_open(false);
    if (r)
        cli_open_failed(ctl_bus_name(), r);
    writable = true;
    return store = opened;
}

void ctl_create(const struct splinter_open_options *options)
{
    struct splinter_open_options o = *options;
    const char *name = ctl_bus_name();
    o.flags = ctl_bus_where() | SPLINTER_CREATE | SPLINTER_EXCL;
    int r = cli_open(&store, name, &o);
    if (r == -EEXIST)
        cli_die(CLI_REFUSED, "bus '%s' exists already", name);
    if (r)
        cli_die(CLI_FAILURE, "%s", cli_why_not_open(name, r));
    writable = true;
}

void ctl_forget(void)
{
    cli_close();
    store = NULL;
}

void ctl_failed(const char *to, const char *key, int r)
{
    const char *bus = ctl_bus_name();
    switch (r) {
    case -ENOENT:
        cli_die(CLI_ABSENT, "key '%s' does not exist in bus '%s'", key, bus);
    case -EEXIST:
        cli_die(CLI_REFUSED, "key '%s' exists already in bus '%s'", key, bus);
    case -ESTALE:
        cli_die(CLI_REFUSED, "key '%s' of bus '%s' has another epoch by now", key, bus);
    case -ENOSPC:
        cli_die(CLI_FAILURE, "bus '%s' is full: %s", bus, cli_what_ran_out());
    case -EROFS:
        cli_die(CLI_FAILURE, "bus '%s' is in a file that may only be read", bus);
    case -EAGAIN:
        cli_die(CLI_FAILURE, "key '%s' is held by a process that is stopped; try again", key);
    case -EMSGSIZE: {
        struct splinter_stat stat;
        cli_stat(&stat);
        cli_die(CLI_FAILURE, "cannot %s key '%s': bus '%s' takes values of at most %llu bytes", to,
                key, bus, (unsigned long long)stat.max_value);
    }
    default:
        cli_die(CLI_FAILURE, "cannot %s key '%s' of bus '%s': %s", to, key, bus, strerror(-r));
    }
}

void ctl_confirm(const char *format, ...)
{
    char question[512], shown[CLI_SHOWN_MAX(sizeof(question))];
    va_list args;
    va_start(args, format);
    vsnprintf(question, sizeof(question), format, args);
    va_end(args);
    if (ctl_stdin_taken || !isatty(STDIN_FILENO))
        cli_usage("there is no terminal to ask on: '%s'; --force does not ask", question);

    size_t len = cli_show(shown, question, strlen(question));
    fprintf(stderr, "%.*s [y/N] ", (int)len, shown);
    char answer[64];
    ssize_t n = read(STDIN_FILENO, answer, sizeof(answer)); /* a terminal gives a line */
    if (n < 1 || (answer[0] != 'y' && answer[0] != 'Y'))
        cli_die(CLI_REFUSED, "nothing was done");
}
