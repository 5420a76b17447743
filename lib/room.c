/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room.c - what a set does for which there is no room
 *
 * What dead processes held, counted or left half made, what has expired, and old versions that wait
 * for a sync can all make room.  Only if none of that helps does the set fail, and says what ran
 * out.
 */
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "atomic.h"
#include "change.h"
#include "counts.h"
#include "descriptor.h"
#include "error.h"
#include "handle.h"
#include "lane.h"
#include "reap.h"
#include "room.h"
#include "settle.h"
#include "sync.h"

#define ROOM_ROUNDS 64 /* of making room for a set, if another one may help */
#define SYNC_ROUNDS 4  /* of them, if each takes a sync */
#define COUNT_EVERY 8  /* rounds; to count the keys takes time in a large store */

bool room_make(struct splinter_store *s, int why, int round, int *sync_failed)
{
    /* Writers in the middle of an insert can hide what the dead have counted, and others may take
     * what a sync has made room for. */
    bool again = why == NO_SLOT ? load_relaxed(&s->header->counts_dirty) || lane_any_lock(s)
                                : why == -EBUSY || (s->durable && round < SYNC_ROUNDS);
    /* What hid them may have gone between the attempt and this look: so one round more. */
    if (round == ROOM_ROUNDS || (round > 1 && !again))
        return false;
    reap_all(s);
    if (round < 2 || round % COUNT_EVERY == 0)
        counts_mend(s);
    if (round < 2) {
        topics_settle_dead(s);
        splinter_store_sweep(s);
    } else {
        sched_yield(); /* slots come free while others change their keys */
    }
    if (s->durable && (why == NO_PLACE || why == -ENOSPC || room_cannot_grow(why)))
        *sync_failed = sync_now(s);
    if (!round && why == -ENOSPC)
        sync_trim(s, &(uint64_t){0});
    if (round % COUNT_EVERY == 1 && why == NO_SLOT)
        counts_lower(s);
    return true;
}

int room_say(struct splinter_store *s, int why, int sync_failed)
{
    if (why == NO_PLACE && sync_failed) /* what it would have freed may be enough */
        return sync_failed;
    struct stat st;
    int fd = descriptor_file(s);
    unsigned long long bytes = fstat(fd, &st) ? 0 : (unsigned long long)st.st_blocks * 512;
    if (fd < 0 && why != NO_SLOT && why != -EBUSY) /* nothing can be reserved any more */
        return error_set(EBADF, "the descriptors of the handle were closed or replaced");
    switch (why) {
    case -EBUSY:
        return -EAGAIN;
    case -EIO:
    case -EBADF:
        return error_set(-why, "the system cannot give the store more room: %s", strerror(-why));
    case NO_SLOT:
        if (s->geo.slots == 1)
            return error_set(ENOSPC, "no room: the only slot of the store has a key");
        return error_set(ENOSPC, "no room: all %u slots of the store have a key", s->geo.slots);
    case NO_PLACE:
        return error_set(ENOSPC, "no room: the store has no place for one more value of this size; "
                         "it surely holds %u key%s of %u bytes", s->geo.capacity,
                         s->geo.capacity == 1 ? "" : "s", s->geo.max_value);
    default:
        return error_set(ENOSPC, "no room: the system gives the store no more memory than its "
                         "%llu bytes (its file system is full, or a limit is reached); %u of %u "
                         "slots are taken", bytes, (uint32_t)load_relaxed(&s->header->keys),
                         s->geo.slots);
    }
}
