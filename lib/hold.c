/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.c - keep old versions in the file while somebody copies it
 *
 * A lock of the kernel says so, which ends with its process.  limbo_clean() asks for it.
 */
#include <errno.h>

#include "atomic.h"
#include "attach.h"
#include "cancel.h"
#include "handle.h"
#include "registry.h"

/* Add to the holds of the handle; -1 takes one back. */
static int change_holds(struct splinter_store *s, int by)
{
    if (!s)
        return -EINVAL;
    if (!s->durable)
        return 0;
    not_cancelled();
    int r = attach_own(s);
    if (r)
        return r;
    pthread_mutex_lock(&s->mutex);
    if (by < 0 && !s->holds)
        r = -EINVAL;
    if (by > 0 && !s->holds)
        r = registry_hold(s);
    if (by < 0 && !r && s->holds == 1)
        r = registry_unhold(s);
    if (!r)
        store_relaxed(&s->holds, s->holds + (uint32_t)by);
    pthread_mutex_unlock(&s->mutex);
    return r;
}

int splinter_store_hold(splinter_store *s)
{
    return change_holds(s, 1);
}

int splinter_store_release(splinter_store *s)
{
    return change_holds(s, -1);
}
