/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extent.c - how much of the arena lies inside the file
 *
 * Invariant: known_units and fast_units of a handle never promise more than the file has.  They may
 * lag behind a file that another process has extended.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "atomic.h"
#include "descriptor.h"
#include "extent.h"
#include "handle.h"

/* Is there a page?  If the application has closed our descriptor, nothing else can tell: a system
 * call that reads its argument says EFAULT, where we would get SIGBUS.  This one fails in any case,
 * because it is not told what to do. */
static bool page_is_there(const void *p)
{
    return syscall(SYS_rt_sigprocmask, -1, p, NULL, sizeof(uint64_t)) && errno == EINVAL;
}

bool file_covers_now(struct splinter_store *s, uint64_t end_units)
{
    if (end_units <= load_relaxed(&s->known_units))
        return true;
    if (end_units > s->arena_units)
        return false;
    struct stat st;
    if (fstat(descriptor_file(s), &st))
        return page_is_there(s->arena + end_units * UNIT - sizeof(uint64_t));
    if ((uint64_t)st.st_size < s->geo.arena_off)
        return false;
    uint64_t units = ((uint64_t)st.st_size - s->geo.arena_off) / UNIT;
    if (units > s->arena_units)
        units = s->arena_units;
    store_relaxed(&s->known_units, units);
    store_relaxed(&s->fast_units, units > FAST_UNITS ? (uint32_t)(units - FAST_UNITS) : 0);
    return end_units <= units;
}
