/* SPDX-License-Identifier: Apache-2.0 */
/* unfinished.c - a file or a store in the making */
#include "unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "lasting.h"
#include "progress.h"

#define OTHERS 3 /* stores that a command has open besides the bus and the new one */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define SIGNALS (sizeof(signals) / sizeof(*signals))

static struct sigaction before[SIGNALS];

/* The names before and after it is whole; "": there is none. */
static char temporary[PATH_MAX], final[PATH_MAX];
static const char *final_name; /* for messages */
static int file = -1;
static splinter_store *store, *others[OTHERS];

static void remove_temporary(void)
{
    if (*temporary)
        unlink(temporary);
    *temporary = '\0';
}

void ctl_unfinished_abandon(void)
{
    remove_temporary();
    ctl_progress_end();
    cli_die_of_signal();
}

/* The signal that was noted, now that all is in order, does what it would have done before. */
static void obey(void)
{
    int number = cli_stop;
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], &before[i], NULL);
        if (signals[i] == number && before[i].sa_handler == SIG_DFL)
            cli_close();
    }
    cli_stop = 0;
    if (number)
        raise(number);
}

static void end(void)
{
    ctl_progress_end();
    splinter_store_close(store);
    store = NULL;
    for (size_t i = 0; i < OTHERS; i++) {
        splinter_store_close(others[i]);
        others[i] = NULL;
    }
    if (file >= 0)
        close(file);
    file = -1;
    remove_temporary();
    obey();
}

void ctl_unfinished_begin(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], NULL, &before[i]);
    cli_catch_signals(false);
    ctl_at_end(end);
}

void ctl_unfinished_check(void)
{
    int number = cli_stop;
    if (!number)
        return;
    ctl_command_ended();
    cli_die(128 + number, "interrupted"); /* whoever reads commands has a handler of its own */
}

static noreturn void cannot_make(int error)
{
    cli_die(CLI_FAILURE, "cannot make '%s': %s", final_name, strerror(error));
}

/* Takes path as the final name, and one beside it, with as much of it as fits before `more`. */
static void name_it(const char *path, const char *more)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t folder = (size_t)(name - path), len = strlen(name), most = NAME_MAX - strlen(more);
    if (folder + len >= sizeof(final) || len > NAME_MAX)
        cannot_make(ENAMETOOLONG);
    memcpy(final, path, folder + len + 1);
    if (len > most)
        len = most;
    if (folder + len + strlen(more) >= sizeof(temporary))
        cannot_make(ENAMETOOLONG);
    snprintf(temporary, sizeof(temporary), "%.*s%s", (int)(folder + len), path, more);
}

/* The new name outlives a power cut.  Not every file system can sync a directory. */
static void sync_folder(void)
{
    char folder[PATH_MAX];
    memcpy(folder, final, sizeof(folder));
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

/* ---- files ---- */

static mode_t umask_now(void)
{
    mode_t mask = umask(077);
    umask(mask);
    return mask;
}

int ctl_unfinished_file(const char *path, mode_t mode)
{
    char target[PATH_MAX]; /* a symbolic link stays, and what it leads to is replaced */
    struct stat st;
    final_name = path;
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        cannot_make(EISDIR);
    if (there && !S_ISREG(st.st_mode)) {
        file = open(path, O_WRONLY | O_CLOEXEC);
        if (file < 0)
            cannot_make(errno);
        return file;
    }
    name_it(there && realpath(path, target) ? target : path, ".XXXXXX");
    file = mkostemp(temporary, O_CLOEXEC);
    if (file < 0) {
        int error = errno;
        *temporary = '\0';
        cannot_make(error);
    }
    if (fchmod(file, mode & 0666 & ~umask_now()))
        cannot_make(errno);
    return file;
}

void ctl_unfinished_file_done(void)
{
    if (*temporary && (fsync(file) || rename(temporary, final)))
        cannot_make(errno);
    if (*temporary)
        sync_folder();
    *temporary = '\0';
    if (close(file))
        cli_warn("closing '%s': %s", final_name, strerror(errno));
    file = -1;
}

/* ---- stores ---- */

splinter_store *ctl_unfinished_store(const char *name, uint32_t where,
                                     const struct splinter_open_options *options)
{
    struct splinter_open_options o = *options;
    char more[40], path[PATH_MAX];
    struct cli_file exists;
    final_name = name;
    if (cli_file_of(name, where, &exists))
        cli_die(CLI_REFUSED, "'%s' exists already", name);
    snprintf(path, sizeof(path), "%s%s", where == SPLINTER_MEMORY ? CLI_MEMORY_FOLDER "/" : "",
             name + (where == SPLINTER_MEMORY && name[0] == '/'));
    snprintf(more, sizeof(more), ".new-%ld-%llx", (long)getpid(), (unsigned long long)cli_now_ms());
    name_it(path, more);
    size_t folder = where == SPLINTER_MEMORY ? strlen(CLI_MEMORY_FOLDER "/") : 0;
    o.flags |= where | SPLINTER_CREATE | SPLINTER_EXCL;
    int r = splinter_store_open(&store, temporary + folder, &o);
    if (r) {
        *temporary = '\0';
        cli_die(CLI_FAILURE, "cannot make '%s': %s", name, splinter_last_error());
    }
    return store;
}

void ctl_unfinished_store_done(void)
{
    int r = splinter_store_sync(store);
    if (r)
        cannot_make(-r);
    splinter_store_close(store);
    store = NULL;
    if (link(temporary, final)) {
        if (errno == EEXIST)
            cli_die(CLI_REFUSED, "'%s' exists already", final_name);
        cannot_make(errno);
    }
    remove_temporary();
    sync_folder();
}

/* A place for one more. */
static splinter_store **other_place(void)
{
    size_t i = 0;
    while (others[i])
        i++;
    return &others[i];
}

splinter_store *ctl_open_other(const char *name, uint32_t where)
{
    const struct splinter_open_options options = {.struct_size = sizeof(options),
                                                  .flags = where | SPLINTER_RDONLY};
    splinter_store **other = other_place();
    int r = splinter_store_open(other, name, &options);
    if (r) {
        *other = NULL;
        if (r == -ENOENT && where == SPLINTER_FILE)
            cli_die(CLI_ABSENT, "file '%s' does not exist", name);
        if (r == -ENOENT && where == SPLINTER_MEMORY && access(name, F_OK) == 0)
            cli_die(CLI_ABSENT, "bus '%s' does not exist in memory; the file is './%s'", name,
                    name);
        cli_open_failed(name, r);
    }
    if (*splinter_last_error())
        cli_warn("%s", splinter_last_error());
    return *other;
}

splinter_store *ctl_private_copy(splinter_store *of, const char *name)
{
    splinter_store **other = other_place();
    int fd = memfd_create("splinterctl", MFD_CLOEXEC), r = fd < 0 ? -errno : 0;
    if (!r)
        r = splinter_store_snapshot_fd(of, fd);
    if (!r)
        r = splinter_store_open_fd(other, fd, NULL);
    if (fd >= 0)
        close(fd);
    if (r) {
        *other = NULL;
        if (fd >= 0) /* else the library has not been asked */
            cli_warn("%s", splinter_last_error());
        cli_die(CLI_FAILURE, "cannot copy '%s' in memory: %s", name, strerror(-r));
    }
    return *other;
}

mode_t ctl_mode_of(splinter_store *of)
{
    struct stat st;
    return fstat(splinter_store_fd(of), &st) ? 0600 : st.st_mode & 0777;
}
