/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.h - durable stores: build the index again from the records */
#ifndef SPLINTER_REBUILD_H
#define SPLINTER_REBUILD_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* in_place: in the file; else in a private copy of a file that the process may not write.  The
 * caller holds the lock of openers, and nobody has the store open to write; or the copy is its own.
 * Of the options, which may be NULL, progress and SPLINTER_REBUILD count: also a copy that was made
 * while a sync ended is rebuilt, and the keys that may be missing count as damaged.  Returns 0; or,
 * with a sentence, -EBADMSG (such a copy; it is left as it is), -ENOMEM, -ENOSPC, or an error of
 * fallocate(2), pwrite(2) or msync(2). */
int rebuild(struct splinter_store *s, bool in_place, const struct splinter_open_options *o);

#endif
