/* SPDX-License-Identifier: Apache-2.0 */
/* reap.h - find dead processes, and clean up after them */
#ifndef SPLINTER_REAP_H
#define SPLINTER_REAP_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* If the holder of the entry is dead, clean up after it.  True if the entry is free now.  The
 * process has an entry of its own, and the calling thread does not hold the handle's mutex. */
bool reap_entry(struct splinter_store *s, uint32_t entry);

/* The same for every entry. */
void reap_all(struct splinter_store *s);

#endif
