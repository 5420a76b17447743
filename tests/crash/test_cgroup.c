/* SPDX-License-Identifier: Apache-2.0 */
/* test_cgroup.c - how much memory the limits of cgroups leave, in trees that are made up */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup.h"
#include "support.h"
#include "tap.h"

#define NONE UINT64_MAX

static char root[600];

/* A file of this tree, with its folders. */
static void file(const char *name, const char *text)
{
    char path[1200];
    FILE *f;

    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        die("cannot write %s", path);
}

static const struct {
    const char *what;
    const char *files[20]; /* name, text, name, text, ... */
    uint64_t bytes, left;
} cases[] = {
    {"no /proc", {0}, 0, 0},
    {"no file of a cgroup", {"/proc/self/cgroup", "0::/a\n"}, 0, 0},
    {"no limit",
     {"/proc/self/cgroup", "0::/a\n", "/sys/fs/cgroup/a/memory.max", "max\n",
      "/sys/fs/cgroup/a/memory.current", "5000\n"},
     NONE, NONE},
    {"a limit of the process's own cgroup",
     {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max", "10000\n",
      "/sys/fs/cgroup/a/b/memory.current", "4000\n", "/sys/fs/cgroup/a/memory.max", "max\n",
      "/sys/fs/cgroup/a/memory.current", "70000\n"},
     10000, 6000},
    {"a tighter limit above",
     {"/proc/self/cgroup", "0::/a/b/c\n", "/sys/fs/cgroup/a/b/c/memory.max", "10000\n",
      "/sys/fs/cgroup/a/b/c/memory.current", "4000\n", "/sys/fs/cgroup/a/memory.max", "75000\n",
      "/sys/fs/cgroup/a/memory.current", "70000\n"},
     75000, 5000},
    {"more than the limit",
     {"/proc/self/cgroup", "0::/\n", "/sys/fs/cgroup/memory.max", "10000\n",
      "/sys/fs/cgroup/memory.current", "12000\n"},
     10000, 0},
    {"a container that sees its own cgroup alone",
     {"/proc/self/cgroup", "0::/host/of/it\n", "/sys/fs/cgroup/memory.max", "10000\n",
      "/sys/fs/cgroup/memory.current", "1000\n"},
     10000, 9000},
    {"version 1, among other controllers",
     {"/proc/self/cgroup", "3:cpu,cpuacct:/c\n2:memorable:/c\n1:hugetlb,memory:/a\n0::/\n",
      "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9000\n",
      "/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "2000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n",
      "/sys/fs/cgroup/memory/memory.usage_in_bytes", "90000\n"},
     9000, 7000},
    {"nonsense",
     {"/proc/self/cgroup", "\n:\n0:\n0::\n4:memory\n0::/a", "/sys/fs/cgroup/a/memory.max", "many",
      "/sys/fs/cgroup/a/memory.current", "\n"},
     0, 0},
};

int main(void)
{
    struct memory_limit own;

    support_start_in_memory();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct memory_limit is;

        snprintf(root, sizeof(root), "%s/root%zu", support_dir(), i);
        mkdir(root, 0700);
        for (size_t n = 0; cases[i].files[n]; n += 2)
            file(cases[i].files[n], cases[i].files[n + 1]);
        is = cgroup_memory(root);
        if (is.bytes != cases[i].bytes || is.left != cases[i].left)
            printf("# %llu bytes, %llu left\n", (unsigned long long)is.bytes,
                   (unsigned long long)is.left);
        report(is.bytes == cases[i].bytes && is.left == cases[i].left, "%s", cases[i].what);
    }
    own = cgroup_memory("");
    printf("# here: %llu bytes, %llu left\n", (unsigned long long)own.bytes,
           (unsigned long long)own.left);
    report(own.left <= own.bytes, "of this machine as well");
    return tap_end();
}
