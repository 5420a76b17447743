/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h - durable stores: sync now, or if the options of the handle ask for it */
#ifndef SPLINTER_SYNC_H
#define SPLINTER_SYNC_H

#include "handle.h"
#include "names.h"

/* When it returns 0, everything that was acknowledged before the call is on disk.  -EAGAIN: a live
 * process does not go on with a change or with a sync; or an error of sync_write_out().  The
 * process has an entry of its own, and the thread holds no lane, since a sync waits for lanes. */
int sync_now(struct splinter_store *s);

/* trim_all(), in a durable store with the sync lock.  Errors of both, and -EAGAIN as above. */
int sync_trim(struct splinter_store *s, uint64_t *bytes);

/* trim_much(), unless a sync of a durable store is under way. */
void sync_trim_much(struct splinter_store *s);

/* After a change that succeeded: sync_now() if the options ask for it.  0, or -EINPROGRESS with a
 * sentence if the sync failed. */
int sync_if_due(struct splinter_store *s);

#endif
