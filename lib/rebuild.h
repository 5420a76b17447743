/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.h - durable stores: the index made again from the records */
#ifndef SPLINTER_REBUILD_H
#define SPLINTER_REBUILD_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* In the file, or, if it may not be written, in a private copy of it (not in_place).  The caller has
 * the store alone.  progress, if not NULL, is told bytes done and bytes in all.  Fails with a
 * sentence. */
int rebuild(struct splinter_store *s, bool in_place, void (*progress)(void *, uint64_t, uint64_t),
            void *arg);

#endif
