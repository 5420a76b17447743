/* SPDX-License-Identifier: Apache-2.0 */
/* syncpoint.h - durable stores: what is on disk, and how the store was left */
#ifndef SPLINTER_SYNCPOINT_H
#define SPLINTER_SYNCPOINT_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

#define KEEP_ALL UINT64_MAX /* header.keep while a sync is under way */

/* The valid sync point with the highest sequence; false: there is none. */
bool sync_point_read(const struct splinter_store *s, struct sync_point *out);

/* The data to disk, then a sync point that says so.  By the holder of the sync lock. */
int sync_write_out(struct splinter_store *s, uint64_t epoch, bool clean);

/* All that is there now may be what the disk has: a record that is replaced is kept. */
void sync_keep_now(struct splinter_store *s);

/* Somebody died, perhaps in the middle of a sync. */
void sync_after_death(struct splinter_store *s);

/* The rest is for openers, under their lock, while nobody has the store open to write. */
enum left { LEFT_CLEAN, LEFT_RUNNING, LEFT_TORN };
enum left sync_state(struct splinter_store *s);
int sync_mark_open(struct splinter_store *s);
int sync_points_to_disk(struct splinter_store *s);
int sync_close(struct splinter_store *s);
int sync_rebuilt(struct splinter_store *s);

#endif
