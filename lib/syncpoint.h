/* SPDX-License-Identifier: Apache-2.0 */
/* syncpoint.h - durable stores: what is on disk, and how the store was left */
#ifndef SPLINTER_SYNCPOINT_H
#define SPLINTER_SYNCPOINT_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

#define KEEP_ALL UINT64_MAX /* header.keep during a sync: every record that is replaced is kept */

/* *out is the valid sync point with the highest sequence.  False: there is none. */
bool sync_point_read(const struct splinter_store *s, struct sync_point *out);

/* Write the data to disk, and then a sync point which says that everything up to `epoch` is there.
 * clean: the store is being closed, and the whole file is written, not the arena alone.  Notes the
 * error in the header.  0, or an error of fstat(2), fdatasync(2) or msync(2).  The caller holds the
 * sync lock, or has the store alone. */
int sync_write_out(struct splinter_store *s, uint64_t epoch, bool clean);

/* Keep each record that there is now until a sync has ended, if it is replaced: it may be the one
 * that the disk has.  The caller holds the sync lock. */
void sync_keep_now(struct splinter_store *s);

/* A process died.  If it was in the middle of a sync, undo KEEP_ALL.  Only tries
 * sync_mutex: it may be called from inside a sync of this thread. */
void sync_after_death(struct splinter_store *s);

/* The rest is for openers and for the last closer.  The caller holds the lock of openers, and no
 * other handle has the store open to write.  The calls that write to disk return 0, or an error of
 * sync_write_out(). */

/* How the store was left. */
enum left {
    LEFT_CLEAN,   /* closed in order, and it is still this file */
    LEFT_RUNNING, /* its processes were killed, and what they left is in this kernel's memory, as
                     its file system has been mounted all the time */
    LEFT_TORN,    /* its pages may be of different moments, or a copy has holes where space was
                     reserved: it has to be rebuilt */
};
enum left sync_state(struct splinter_store *s);

/* Let the store's time go on: expiry_begin() with the last sync point. */
void sync_clock(struct splinter_store *s);

/* After LEFT_CLEAN: say on disk, before the first change, that the store is open. */
int sync_mark_open(struct splinter_store *s);

/* After LEFT_RUNNING: note the mount, and write both sync points to disk again. */
int sync_go_on(struct splinter_store *s);

/* At the last close, after the handle has left its entry: write everything to disk, and say there
 * that the store was closed in order. */
int sync_close(struct splinter_store *s);

/* After a rebuild: write what it made to disk, as the new state. */
int sync_rebuilt(struct splinter_store *s);

#endif
