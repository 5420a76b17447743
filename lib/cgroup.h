/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - how much memory the limits of the process's cgroups leave */
#ifndef SPLINTER_CGROUP_H
#define SPLINTER_CGROUP_H

#include <stdint.h>

#include "names.h"

struct memory_limit {
    uint64_t bytes; /* UINT64_MAX: there is no limit; 0: not known */
    uint64_t left;  /* of them; UINT64_MAX and 0 likewise */
};

/* Of all limits above this process, the one that leaves least.  `root` goes before the names of
 * /proc and /sys, and is empty but in tests. */
struct memory_limit cgroup_memory(const char *root);

#endif
