/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup.c - how much memory the limits of the process's cgroups leave
 *
 * A process whose cgroup reaches its limit is killed; no call fails with ENOSPC.  So whoever writes
 * much to a store in memory may want to look.  The limit of every cgroup above counts as well.  In
 * a container, the names that the kernel gives may lead nowhere; then the container sees its own
 * cgroup as the topmost one.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"

#define NAME_BYTES 1024
#define TEXT_BYTES 4096
#define NO_LIMIT (UINT64_C(1) << 62) /* version 1 has a number about so large for "none" */

/* The beginning of a small file, as a string.  False: it cannot be read. */
static bool read_text(const char *name, char *text, size_t room)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The number in a file of a cgroup; UINT64_MAX for "max".  False: there is none. */
static bool number_in(const char *dir, const char *file, uint64_t *out)
{
    char name[NAME_BYTES + 64], text[32], *end;
    snprintf(name, sizeof name, "%s/%s", dir, file);
    if (!read_text(name, text, sizeof text))
        return false;
    *out = strncmp(text, "max", 3) ? strtoull(text, &end, 10) : UINT64_MAX;
    return *out == UINT64_MAX || end != text;
}

/* One hierarchy: where it is mounted, and the names of its files. */
struct hierarchy {
    const char *controller; /* in the line of /proc/self/cgroup; version 2 has none */
    const char *mounted[2], *limit, *usage;
};
static const struct hierarchy hierarchies[] = {
    {"", {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}, "memory.max", "memory.current"},
    {"memory", {"/sys/fs/cgroup/memory", NULL}, "memory.limit_in_bytes", "memory.usage_in_bytes"}};

/* Looks at the cgroup in dir, and at all above it, up to `top` bytes of the name. */
static void climb(const struct hierarchy *h, char *dir, size_t top, struct memory_limit *least)
{
    for (;;) {
        uint64_t limit = UINT64_MAX, usage;
        if (number_in(dir, h->usage, &usage)) { /* the topmost one may have no limit to read */
            if (!number_in(dir, h->limit, &limit) || limit >= NO_LIMIT)
                limit = UINT64_MAX;
            uint64_t left = limit == UINT64_MAX ? limit : limit > usage ? limit - usage : 0;
            if (!least->bytes || left < least->left)
                *least = (struct memory_limit){.bytes = limit, .left = left};
        }
        char *slash = strrchr(dir + top, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

/* The path of the process in this hierarchy, in the text of /proc/self/cgroup: lines such as
 * "4:memory:/path" or "0::/path".  It is cut off there.  NULL: it is not in it. */
static char *path_in(char *text, const char *controller)
{
    for (char *line = text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        size_t n = strlen(controller);
        bool is = !n && !names[1];
        for (char *at = names + 1; n && at; at = strchr(at, ',')) {
            at += *at == ',';
            is |= !strncmp(at, controller, n) && (at[n] == ',' || !at[n]);
        }
        if (is)
            return path;
    }
    return NULL;
}

struct memory_limit cgroup_memory(const char *root)
{
    struct memory_limit least = {0};
    char text[TEXT_BYTES], dir[NAME_BYTES];
    for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++) {
        const struct hierarchy *h = &hierarchies[i];
        snprintf(dir, sizeof dir, "%s/proc/self/cgroup", root);
        char *path = read_text(dir, text, sizeof text) ? path_in(text, h->controller) : NULL;
        for (int m = 0; path && m < 2 && h->mounted[m]; m++) {
            int top = snprintf(dir, sizeof dir, "%s%s", root, h->mounted[m]);
            if (top < 0 || (size_t)top + strlen(path) >= NAME_BYTES)
                continue;
            snprintf(dir + top, sizeof dir - (size_t)top, "%s", strcmp(path, "/") ? path : "");
            climb(h, dir, (size_t)top, &least);
        }
    }
    return least;
}
