/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.h - durable stores: build the index again from the records */
#ifndef SPLINTER_REBUILD_H
#define SPLINTER_REBUILD_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* in_place: in the file; else in a private copy of a file that the process may not write.  The
 * caller holds the lock of openers, and nobody has the store open to write; or the copy is its own.
 * progress, if not NULL, is told the bytes done and the bytes in all.  Returns 0; or, with a
 * sentence, -ENOMEM, -ENOSPC, or an error of fallocate(2), pwrite(2) or msync(2). */
int rebuild(struct splinter_store *s, bool in_place, void (*progress)(void *, uint64_t, uint64_t),
            void *arg);

#endif
