/* SPDX-License-Identifier: Apache-2.0 */
/* recover.h - clean up after a process that died at any instruction */
#ifndef SPLINTER_RECOVER_H
#define SPLINTER_RECOVER_H

#include "handle.h"
#include "names.h"

/* Finish or undo the changes that the last holder of the entry had under way, and free what it
 * held.  The caller holds the kernel's lock on the entry. */
void recover_entry(struct splinter_store *s, uint32_t entry);

#endif
