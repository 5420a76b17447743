/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_buses.c - the buses in memory, and the one that was named: who may use them, who does */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "doctor.h"
#include "processes.h"

#define STALE_DAYS 1
#define DAY (24 * 60 * 60)
static const char folder[] = CLI_MEMORY_FOLDER;

struct bus {
    const char *name, *path;
    struct stat file;
    bool in_memory, open; /* open: a process was seen to have it open */
};
struct buses {
    struct bus *bus;
    size_t count;
    pid_t stopped; /* the last one that was found */
};

/* ---- who has it open ---- */

static void note_holder(void *arg, pid_t pid, const struct stat *file)
{
    struct buses *all = arg;
    for (size_t i = 0; i < all->count; i++) {
        struct bus *bus = &all->bus[i];
        struct ctl_process process = {.pid = pid};
        if (bus->file.st_dev != file->st_dev || bus->file.st_ino != file->st_ino)
            continue;
        bus->open = true;
        if (pid == all->stopped || !ctl_describe(&process) || strcmp(process.state, "stopped"))
            continue;
        all->stopped = pid;
        doctor_found("holder", doctor_text("process %d", (int)pid),
                     process.traced ? "let the debugger that has stopped it go on"
                                    : doctor_text("kill -CONT %d", (int)pid),
                     "'%s' has bus '%s' open, and is stopped; whoever needs what it was changing "
                     "waits for it",
                     process.name, bus->name);
    }
}

/* ---- one bus ---- */

static const char *option_of(const struct bus *bus)
{
    return doctor_text("-%c %s", bus->in_memory ? 'b' : 'f',
                       doctor_word(bus->in_memory ? bus->name : bus->path));
}

/* Nobody knows of readers of other users but root, so of their buses nothing is said. */
static void find_stale(const struct bus *bus)
{
    time_t age = time(NULL) - bus->file.st_mtime;
    if (bus->open || !bus->in_memory || age < STALE_DAYS * DAY ||
        (geteuid() && geteuid() != bus->file.st_uid))
        return;
    doctor_found("stale", bus->path, doctor_text("splinterctl %s destroy", option_of(bus)),
                 "no process that this user can see has bus '%s' open, and its file has not grown "
                 "for %ld day%s; it takes %s",
                 bus->name, (long)(age / DAY), CLI_S(age / DAY),
                 doctor_size((uint64_t)bus->file.st_blocks * 512));
}

static void find_open_to_all(const struct bus *bus)
{
    if (bus->file.st_mode & S_IWOTH)
        doctor_found("permission", bus->path, doctor_text("chmod o-w %s", doctor_word(bus->path)),
                     "any user may change bus '%s', and destroy what is in it: its mode is %03o",
                     bus->name, (unsigned)bus->file.st_mode & 0777);
}

/* ---- the buses in memory ---- */

/* What cannot be read is none, as far as we know. */
static bool is_store(int folder_fd, const char *name, struct stat *file)
{
    char magic[8];
    if (fstatat(folder_fd, name, file, 0) || !S_ISREG(file->st_mode))
        return false;
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool is = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
              memcmp(magic, "SPLINTER", sizeof(magic)) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

static void add(struct buses *all, const struct bus *bus)
{
    all->bus = cli_need(realloc(all->bus, (all->count + 1) * sizeof(*bus)));
    all->bus[all->count++] = *bus;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bus *)a)->path, ((const struct bus *)b)->path);
}

static void collect(struct buses *all)
{
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        struct bus bus = {.in_memory = true};
        if (!is_store(dirfd(dir), entry->d_name, &bus.file))
            continue;
        bus.name = doctor_text("%s", entry->d_name);
        bus.path = doctor_text("%s/%s", folder, bus.name);
        add(all, &bus);
    }
    if (dir)
        closedir(dir);
    if (all->bus)
        qsort(all->bus, all->count, sizeof(*all->bus), by_name);
}

void doctor_buses(void)
{
    struct buses all = {NULL, 0, 0};
    struct bus named = {.name = ctl_bus_name(), .path = ctl_bus_name()};
    uid_t *owners;
    collect(&all);
    size_t in_memory = all.count;
    owners = cli_need(malloc((in_memory + 1) * sizeof(*owners)));
    for (size_t i = 0; i < in_memory; i++)
        owners[i] = all.bus[i].file.st_uid;
    if (ctl_bus_where() == SPLINTER_FILE && is_store(AT_FDCWD, named.path, &named.file))
        add(&all, &named);

    ctl_each_open_file(note_holder, &all);
    for (size_t i = 0; i < all.count; i++) {
        find_stale(&all.bus[i]);
        find_open_to_all(&all.bus[i]);
    }
    doctor_logind(owners, in_memory);
    free(owners);
    free(all.bus);
}

/* ---- the bus that was named ---- */

/* The first folder of the path that this user cannot go through, or NULL. */
static const char *closed_folder(const char *path)
{
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *part = doctor_text("%.*s", (int)(slash - path), path);
        if (access(part, X_OK))
            return part;
    }
    return NULL;
}

/* An entry for the owner would not count. */
static const char *let_in(const char *rights, const char *path)
{
    struct stat st;
    if (!stat(path, &st) && st.st_uid == geteuid())
        return doctor_text("chmod u+%s %s", rights, doctor_word(path));
    return doctor_text("setfacl -m u:%s:%s %s", doctor_word(doctor_user(geteuid())), rights,
                       doctor_word(path));
}

static void find_closed(const char *path, const char *may_not, const char *rights, const char *why)
{
    struct stat st;
    const char *where = closed_folder(path);
    if (where)
        doctor_found("permission", where, let_in("x", where),
                     "user %s may not go through this folder, to bus '%s'",
                     doctor_user(geteuid()), path);
    else if (!stat(path, &st))
        doctor_found("permission", path, let_in(rights, path),
                     "user %s may not %s bus '%s', which belongs to user %s and has the mode %03o",
                     doctor_user(geteuid()), may_not, ctl_bus_name(), doctor_user(st.st_uid),
                     (unsigned)st.st_mode & 0777);
    else
        doctor_found("open", path, NULL, "%s", why);
}

static void find_read_only(const char *path)
{
    doctor_found("permission", path,
                 doctor_text("mount -o remount,rw \"$(findmnt -n -o TARGET -T %s)\"",
                             doctor_word(path)),
                 "bus '%s' is on a file system that is mounted read-only", ctl_bus_name());
}

static void look_into(splinter_store *store, const char *path)
{
    struct splinter_stat stat = {.struct_size = sizeof(stat)};
    if (ctl_bus_where() == SPLINTER_FILE)
        doctor_room(path, false);
    if (!splinter_store_stat(store, &stat) && stat.sync_error)
        doctor_found("sync", path, NULL,
                     "the last sync of bus '%s' failed, so what was set since is not on disk: %s",
                     ctl_bus_name(), strerror((int)stat.sync_error));
    if (access(path, W_OK)) {
        if (errno == EROFS)
            find_read_only(path);
        else
            find_closed(path, "change", "rw", "it cannot be opened to write");
    }
}

void doctor_bus(void)
{
    const struct splinter_open_options options = {
        .struct_size = sizeof(options), .flags = ctl_bus_where() | SPLINTER_RDONLY};
    const char *name = ctl_bus_name(), *path = name;
    splinter_store *store;
    if (ctl_bus_where() == SPLINTER_MEMORY)
        path = doctor_text("%s/%s", folder, name + (*name == '/'));
    int r = splinter_store_open(&store, name, &options);
    const char *why = r ? doctor_text("%s", cli_why_not_open(name, r)) : NULL;
    if (!r) {
        look_into(store, path);
        splinter_store_close(store);
    } else if (r == -EACCES || r == -EPERM) {
        find_closed(path, "read", "rw", why);
    } else if (r != -ENOENT || ctl_bus_is_named()) {
        if (r == -ENOENT)
            cli_open_failed(name, r);
        doctor_found("open", path, NULL, "%s", why);
    }
}
