/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - snapshot, load and clone: a store becomes another one */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "commands.h"
#include "copy.h"
#include "progress.h"
#include "unfinished.h"

enum { COPY_MODE, COPY_FILE };
#define MODE_OPTION {"mode", "MODE", "permissions MODE, less the umask (default: those\n" \
                     "                       of the original)"}
const struct ctl_option ctl_snapshot_options[] = {
    [COPY_MODE] = MODE_OPTION,
    {NULL, NULL, NULL},
};
const struct ctl_option ctl_clone_options[] = {
    [COPY_MODE] = MODE_OPTION,
    [COPY_FILE] = {"to-file", NULL, "TARGET is a file, even if its name has no slash"},
    {NULL, NULL, NULL},
};

struct original {
    splinter_store *store;
    const char *name;
    struct splinter_stat stat;
};

static void look_at(struct original *from, splinter_store *store, const char *name)
{
    *from = (struct original){store, name, {.struct_size = sizeof(from->stat)}};
    int r = splinter_store_stat(store, &from->stat);
    if (r)
        cli_die(CLI_FAILURE, "cannot get the state of '%s': %s", name, strerror(-r));
}

static uint32_t mode_of(const struct original *from, const struct ctl_call *call)
{
    return call->given[COPY_MODE] ? cli_mode("--mode", call->given[COPY_MODE])
                                  : (uint32_t)ctl_mode_of(from->store);
}

/* ---- to a file ---- */

#define FDS 256 /* descriptors that are looked at */

/* Which descriptors there were.  The one more that the library makes is the new file. */
struct fds {
    bool open[FDS];
};

static uint64_t bytes_written(void *arg)
{
    const struct fds *before = arg;
    struct stat st;
    for (int fd = 0; fd < FDS; fd++)
        if (!before->open[fd] && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            return (uint64_t)st.st_blocks * 512;
    return 0;
}

static void copy_to_file(const struct original *from, const char *path, uint32_t mode)
{
    static struct fds before;
    struct stat st;
    for (int fd = 0; fd < FDS; fd++)
        before.open[fd] = fstat(fd, &st) == 0;
    ctl_progress_begin("copying", "bytes", from->stat.used_bytes, false);
    ctl_progress_watch(bytes_written, &before, ctl_unfinished_abandon);
    int r = splinter_store_snapshot(from->store, path, mode);
    ctl_progress_unwatch();
    ctl_progress_end();
    if (r == -EEXIST)
        cli_die(CLI_REFUSED, "'%s' exists already", path);
    if (r)
        cli_die(CLI_FAILURE, "cannot copy '%s' to '%s': %s", from->name, path,
                splinter_last_error());
}

/* ---- to memory ---- */

static void copy_to_memory(const struct original *from, const char *name, uint32_t mode)
{
    const struct splinter_open_options options = {.struct_size = sizeof(options),
                                                  .mode = mode,
                                                  .slots = (size_t)from->stat.slots,
                                                  .max_value = (size_t)from->stat.max_value,
                                                  .feed = (size_t)from->stat.feed};
    const struct ctl_copy copy = {
        .from = from->store, .from_name = from->name, .to_name = name,
        .to = ctl_unfinished_store(name, SPLINTER_MEMORY, &options)};
    ctl_progress_begin("copying", "keys", from->stat.keys, false);
    ctl_copy_topics(&copy); /* they take their slots all at once */
    ctl_copy_queues(&copy);
    ctl_copy_keys(&copy);
    ctl_progress_end();
    ctl_unfinished_store_done();
}

static void copy_to(const struct original *from, const char *name, uint32_t where, uint32_t mode)
{
    if (where == SPLINTER_FILE)
        copy_to_file(from, name, mode);
    else
        copy_to_memory(from, name, mode);
}

/* ---- the commands ---- */

int ctl_run_snapshot(const struct ctl_call *call)
{
    struct original from;
    ctl_unfinished_begin();
    look_at(&from, call->store, ctl_bus_name());
    copy_to_file(&from, call->arguments[0], mode_of(&from, call));
    return CLI_OK;
}

int ctl_run_load(const struct ctl_call *call)
{
    struct original from;
    const char *path = call->arguments[0];
    ctl_unfinished_begin();
    look_at(&from, ctl_open_other(path, SPLINTER_FILE), path);
    copy_to(&from, ctl_bus_name(), ctl_bus_where(), mode_of(&from, call));
    return CLI_OK;
}

int ctl_run_clone(const struct ctl_call *call)
{
    struct original from;
    const char *target = call->arguments[0];
    if (!*target)
        cli_usage("the name of TARGET cannot be empty");
    ctl_unfinished_begin();
    look_at(&from, call->store, ctl_bus_name());
    copy_to(&from, target, cli_where(target, call->given[COPY_FILE]), mode_of(&from, call));
    return CLI_OK;
}
