/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the kernel's locks on bytes of the store: who is alive, whose turn it is */
#ifndef SPLINTER_REGISTRY_H
#define SPLINTER_REGISTRY_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Does the process that has the entry live? */
bool registry_alive(struct splinter_store *s, uint32_t entry);

/* Does anybody but us have the store open to write? */
bool registry_anybody(struct splinter_store *s);

/* Locks that vanish with the process.  0; -EAGAIN: somebody has it; else what fcntl(2) said. */
int registry_lock_entry(struct splinter_store *s, uint32_t entry);
void registry_unlock_entry(struct splinter_store *s, uint32_t entry);
int registry_lock_repair(struct splinter_store *s);
void registry_unlock_repair(struct splinter_store *s);
int registry_lock_sync(struct splinter_store *s);
void registry_unlock_sync(struct splinter_store *s);

/* That of openers of a durable store: waits for a rebuild, but not for ever for a process that is
 * stopped.  Readers share it.  Fails with a sentence. */
int registry_lock_open(struct splinter_store *s);
void registry_unlock_open(struct splinter_store *s);

#endif
