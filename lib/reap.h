/* SPDX-License-Identifier: Apache-2.0 */
/* reap.h - the dead: lock an entry, clean up after its last holder, release it */
#ifndef SPLINTER_REAP_H
#define SPLINTER_REAP_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* If the holder of the entry is dead, clean up after it.  True if the entry is free now. */
bool reap_entry(struct splinter_store *s, uint32_t entry);
void reap_all(struct splinter_store *s);

#endif
