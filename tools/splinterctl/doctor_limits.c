/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_limits.c - the limits of the process, and of its memory cgroups */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <splinter.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "doctor.h"

#define LEAST_PERCENT 10
#define NO_LIMIT (UINT64_C(1) << 62) /* version 1 has a number about so large for "none" */

/* ---- limits of the process ---- */

static const char *how_to_raise(char letter, const char *option, const struct rlimit *limit)
{
    return limit->rlim_max == RLIM_INFINITY
               ? doctor_text("ulimit -S -%c unlimited", letter)
               : doctor_text("prlimit --pid $$ --%s=unlimited # as root", option);
}

/* Can a bus of the default size be made here?  One without a name is. */
static int try_to_make(void)
{
    const struct splinter_open_options options = {
        .struct_size = sizeof(options), .flags = SPLINTER_ANONYMOUS,
        .slots = CLI_DEFAULT_SLOTS, .max_value = CLI_DEFAULT_MAX_VALUE};
    splinter_store *store;
    int r = splinter_store_open(&store, "splinterctl", &options);
    if (!r)
        splinter_store_close(store);
    return r;
}

static void check_process(void)
{
    struct rlimit files, space;
    if (getrlimit(RLIMIT_FSIZE, &files) || getrlimit(RLIMIT_AS, &space))
        return;
    int r = try_to_make();
    if (files.rlim_cur != RLIM_INFINITY)
        doctor_found("limit", "ulimit -f", how_to_raise('f', "fsize", &files),
                     "from here, no bus can get a file that is longer than %s",
                     doctor_size(files.rlim_cur));
    if (space.rlim_cur != RLIM_INFINITY && r == -ENOMEM)
        doctor_found("limit", "ulimit -v", how_to_raise('v', "as", &space),
                     "a process may map %s, and a bus of the default size needs more: it maps the "
                     "longest that it can get",
                     doctor_size(space.rlim_cur));
    else if (r && files.rlim_cur == RLIM_INFINITY)
        doctor_found("make", "a bus without a name", NULL, "none can be made here: %s",
                     *splinter_last_error() ? splinter_last_error() : strerror(-r));
}

/* ---- memory cgroups ---- */

/* One hierarchy: where it is mounted, and the names of its files. */
struct hierarchy {
    const char *controller; /* in the line of /proc/self/cgroup; version 2 has none */
    const char *mounted, *limit, *usage, *caches[2];
};
static const struct hierarchy hierarchies[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", {"\nactive_file ", "\ninactive_file "}},
    {"", "/sys/fs/cgroup/unified", "memory.max", "memory.current",
     {"\nactive_file ", "\ninactive_file "}},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     {"\ntotal_active_file ", "\ntotal_inactive_file "}},
};

static bool number_in(const char *folder, const char *file, uint64_t *number)
{
    char path[1200], text[64];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    doctor_file(path, text, sizeof(text));
    return sscanf(text, "%" SCNu64, number) == 1; /* "max" is no number */
}

/* What the kernel would take back, before it kills: the cache of files, which those of a tmpfs do
 * not belong to. */
static uint64_t cache_of(const struct hierarchy *h, const char *folder)
{
    char path[1200], text[8192];
    uint64_t sum = 0, bytes;
    snprintf(path, sizeof(path), "%s/memory.stat", folder);
    doctor_file(path, text, sizeof(text));
    for (int i = 0; i < 2; i++) {
        const char *line = strstr(text, h->caches[i]);
        if (line && sscanf(line + strlen(h->caches[i]), "%" SCNu64, &bytes) == 1)
            sum += bytes;
    }
    return sum;
}

static void look_at(const struct hierarchy *h, const char *folder)
{
    uint64_t limit, usage;
    if (!number_in(folder, h->limit, &limit) || limit >= NO_LIMIT || !limit ||
        !number_in(folder, h->usage, &usage))
        return;
    uint64_t cache = cache_of(h, folder);
    usage -= cache < usage ? cache : usage;
    uint64_t left = limit > usage ? limit - usage : 0;
    if (left >= limit / (100 / LEAST_PERCENT))
        return;
    doctor_found("cgroup", doctor_text("%s", folder),
                 doctor_text("echo %" PRIu64 " >%s/%s", limit * 2, doctor_word(folder), h->limit),
                 "%s of %s are left, without the cache of files; at the limit the kernel kills a "
                 "process of this cgroup",
                 doctor_size(left), doctor_size(limit));
}

/* The path of this process, in the text of /proc/self/cgroup: lines such as "4:memory:/path" or
 * "0::/path".  NULL: it is not in this hierarchy. */
static char *path_in(char *text, const char *controller)
{
    char *rest, *line = strtok_r(text, "\n", &rest);
    for (; line; line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path = '\0';
        if (strcmp(names + 1, controller) == 0)
            return path + 1;
    }
    return NULL;
}

/* This cgroup, and all above it. */
static void check_cgroups(const struct hierarchy *h)
{
    char text[4096], folder[1100];
    char *path = path_in((char *)(uintptr_t)doctor_file("/proc/self/cgroup", text, sizeof(text)),
                         h->controller);
    size_t top = strlen(h->mounted);
    if (!path || strlen(path) >= 1024)
        return;
    snprintf(folder, sizeof(folder), "%s%s", h->mounted, strcmp(path, "/") ? path : "");
    for (char *slash = folder; slash; slash = strrchr(folder + top, '/')) {
        if (slash != folder)
            *slash = '\0';
        look_at(h, folder);
    }
}

void doctor_limits(void)
{
    check_process();
    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies); i++)
        check_cgroups(&hierarchies[i]);
}
