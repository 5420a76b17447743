/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - info and buses: what a bus is and holds, and which ones there are */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "processes.h"
#include "value.h"

static void process_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct ctl_process *process = (const struct ctl_process *)arg + i;
    fields[0] = ctl_number("pid", (uint64_t)process->pid);
    fields[1] = ctl_text("state", process->state);
    fields[2] = ctl_text("name", process->name);
}

/* ---- keys that go with their owners ---- */

struct owned {
    char *key;
    struct splinter_meta meta;
    const struct ctl_process *owner; /* NULL: no process of that number was seen with the bus */
};
struct owned_keys {
    struct owned *owned;
    size_t count;
};

static void owned_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct owned *owned = (const struct owned *)arg + i;
    fields[0] = ctl_number("owner", owned->meta.owner);
    fields[1] = owned->owner ? ctl_text("state", owned->owner->state) : ctl_none("state");
    fields[2] = owned->owner ? ctl_text("name", owned->owner->name) : ctl_none("name");
    fields[3] = ctl_ttl_field(&owned->meta);
    fields[4] = ctl_text("key", owned->key);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct owned *)a)->key, ((const struct owned *)b)->key);
}

static const struct ctl_process *find_process(const struct ctl_process *processes, size_t count,
                                              uint32_t pid)
{
    for (size_t i = 0; i < count; i++)
        if ((uint32_t)processes[i].pid == pid)
            return &processes[i];
    return NULL;
}

static struct owned_keys find_owned(splinter_store *store, const struct ctl_process *processes,
                                    size_t process_count)
{
    struct owned_keys all = {NULL, 0};
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char key[SPLINTER_KEY_MAX];
    uint64_t cursor = 0;
    while (splinter_store_walk(store, NULL, &cursor, key, &meta) == 1) {
        if (!meta.owner)
            continue;
        all.owned = cli_need(realloc(all.owned, (all.count + 1) * sizeof(*all.owned)));
        all.owned[all.count++] = (struct owned){
            cli_need(strdup(key)), meta, find_process(processes, process_count, meta.owner)};
    }
    if (all.owned)
        qsort(all.owned, all.count, sizeof(*all.owned), by_key);
    return all;
}

static void free_owned(struct owned_keys *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->owned[i].key);
    free(all->owned);
}

/* ---- info ---- */

/* UINT64_MAX is no limit, and 0 not known. */
static struct ctl_field limit(const char *name, uint64_t bytes)
{
    return bytes && bytes != UINT64_MAX ? ctl_number(name, bytes) : ctl_none(name);
}

int ctl_run_info(const struct ctl_call *call)
{
    struct splinter_stat stat;
    cli_stat(&stat);
    size_t count;
    struct ctl_process *processes = ctl_processes(splinter_store_fd(call->store), &count);
    struct owned_keys owned = find_owned(call->store, processes, count);
    const struct ctl_table table = {count, 3, process_row, processes};
    const struct ctl_table owned_table = {owned.count, 5, owned_row, owned.owned};
    const struct ctl_field fields[] = {
        ctl_text("bus", ctl_bus_name()),
        ctl_text("where", ctl_bus_where() == SPLINTER_FILE ? "file" : "memory"),
        ctl_number("format_version", stat.format_version),
        ctl_number("slots", stat.slots),
        ctl_number("max_value", stat.max_value),
        ctl_number("capacity", stat.capacity),
        ctl_number("keys", stat.keys),
        ctl_number("percent_full", stat.slots ? stat.keys * 100 / stat.slots : 0),
        ctl_number("used_bytes", stat.used_bytes),
        ctl_number("reserved_bytes", stat.reserved_bytes),
        ctl_number("mapped_bytes", stat.mapped_bytes),
        limit("memory_limit", stat.memory_limit),
        limit("memory_left", stat.memory_left),
        ctl_number("epoch", stat.epoch),
        stat.durable ? ctl_number("synced", stat.synced) : ctl_none("synced"),
        stat.sync_error ? ctl_text("sync_error", strerror((int)stat.sync_error))
                        : ctl_none("sync_error"),
        ctl_number("damaged", stat.damaged),
        stat.feed ? ctl_number("feed", stat.feed) : ctl_none("feed"),
        stat.feed ? ctl_number("feed_number", stat.feed_number) : ctl_none("feed_number"),
        ctl_number("attached", stat.attached),
        {.name = "processes", .kind = CTL_ROWS, .table = &table},
        {.name = "owned", .kind = CTL_ROWS, .table = &owned_table},
    };
    ctl_print_record(fields, sizeof(fields) / sizeof(*fields));
    free_owned(&owned);
    free(processes);
    return CLI_OK;
}

/* ---- buses ---- */

struct bus {
    char *name;
    struct splinter_stat stat;
};
struct buses {
    struct bus *bus;
    size_t count;
};

static void bus_row(void *arg, size_t i, struct ctl_field *fields)
{
    const struct bus *bus = (const struct bus *)arg + i;
    fields[0] = ctl_number("keys", bus->stat.keys);
    fields[1] = ctl_number("slots", bus->stat.slots);
    fields[2] = ctl_number("max_value", bus->stat.max_value);
    fields[3] = ctl_number("reserved_bytes", bus->stat.reserved_bytes);
    fields[4] = bus->stat.feed ? ctl_number("feed", bus->stat.feed) : ctl_none("feed");
    fields[5] = ctl_text("bus", bus->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bus *)a)->name, ((const struct bus *)b)->name);
}

/* Is it a store that may be read? */
static bool look(const char *name, struct splinter_stat *stat)
{
    const struct splinter_open_options options = {
        .struct_size = sizeof(options), .flags = SPLINTER_MEMORY | SPLINTER_RDONLY};
    splinter_store *store;
    *stat = (struct splinter_stat){.struct_size = sizeof(*stat)};
    if (splinter_store_open(&store, name, &options))
        return false;
    int r = splinter_store_stat(store, stat);
    splinter_store_close(store);
    return !r;
}

int ctl_run_buses(const struct ctl_call *call)
{
    (void)call;
    struct buses all = {NULL, 0};
    struct dirent *entry;
    DIR *folder = opendir(CLI_MEMORY_FOLDER);
    if (!folder)
        cli_die(CLI_FAILURE, "cannot read %s: %s", CLI_MEMORY_FOLDER, strerror(errno));
    while ((entry = readdir(folder))) {
        struct bus bus;
        if (entry->d_name[0] == '.' || !look(entry->d_name, &bus.stat))
            continue;
        bus.name = cli_need(strdup(entry->d_name));
        all.bus = cli_need(realloc(all.bus, (all.count + 1) * sizeof(*all.bus)));
        all.bus[all.count++] = bus;
    }
    closedir(folder);
    if (all.bus)
        qsort(all.bus, all.count, sizeof(*all.bus), by_name);
    const struct ctl_table table = {all.count, 6, bus_row, all.bus};
    ctl_print_table(&table);
    for (size_t i = 0; i < all.count; i++)
        free(all.bus[i].name);
    free(all.bus);
    return CLI_OK;
}
