/* SPDX-License-Identifier: Apache-2.0 */
/* room.h - what a set does for which there is no room */
#ifndef SPLINTER_ROOM_H
#define SPLINTER_ROOM_H

#include <errno.h>
#include <stdbool.h>

#include "change.h"
#include "handle.h"
#include "names.h"

/* Can the store get no more space, because the disk fails or the descriptors were closed? */
static inline bool room_cannot_grow(int why)
{
    return why == -EIO || why == -EBADF;
}

/* Is this why a set found no room? */
static inline bool room_is_short(int why)
{
    return why == -ENOSPC || why == NO_SLOT || why == NO_PLACE || why == -EBUSY ||
           room_cannot_grow(why);
}

/* Makes room; `round` counts from 0.  False: that has been done, and to do it again would not help.
 * *sync_failed: what became of the sync that would have made room, if there was one.  The caller
 * holds no lane. */
bool room_make(struct splinter_store *s, int why, int round, int *sync_failed);

/* What the set returns then: -ENOSPC, with a sentence that says what ran out; or -EAGAIN, if
 * stopped processes hold what is free; or the error of the sync that would have freed blocks; or
 * why the store cannot grow. */
int room_say(struct splinter_store *s, int why, int sync_failed);

#endif
