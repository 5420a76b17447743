/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - the kernel's locks on bytes of the store: which process is alive, and may do what */
#ifndef SPLINTER_REGISTRY_H
#define SPLINTER_REGISTRY_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Is there a process that has the entry, and is it alive? */
bool registry_alive(struct splinter_store *s, uint32_t entry);

/* Is there an entry whose process died, and after which nobody has cleaned up? */
bool registry_any_dead(struct splinter_store *s);

/* Does another handle, of any process, have an entry?  Of those that have none nothing is known. */
bool registry_anybody(struct splinter_store *s);

/* Locks that the kernel releases when the process ends.  They exclude other handles, not other
 * threads with this one: those take the handle's mutex first, or its sync_mutex for the sync lock.
 * 0; -EAGAIN: another handle has the lock; else an error of fcntl(2). */
int registry_lock_entry(struct splinter_store *s, uint32_t entry);
void registry_unlock_entry(struct splinter_store *s, uint32_t entry);
int registry_lock_repair(struct splinter_store *s);
void registry_unlock_repair(struct splinter_store *s);
int registry_lock_sync(struct splinter_store *s);
void registry_unlock_sync(struct splinter_store *s);

/* The byte that a process locks when it owns ephemeral keys, and that nobody else locks: a cleaner
 * locks the entry.  registry_lives(): 1: the byte is locked; 0: it is not; or the kernel could not
 * be asked: an error of fcntl(2). */
int registry_lock_life(struct splinter_store *s);
void registry_unlock_life(struct splinter_store *s);
int registry_lives(struct splinter_store *s, uint32_t entry);

/* Durable stores: this process copies the file, so nobody is to zero old versions.  Several may.
 * registry_held() asks for the other handles.  0, or an error of fcntl(2). */
int registry_hold(struct splinter_store *s);
int registry_unhold(struct splinter_store *s);
bool registry_held(struct splinter_store *s);

/* Durable stores: from now on, until the mapping of the file goes, this handle has it open; or does
 * any other handle?  A child of fork that has the mapping counts.  The caller has the lock of
 * openers.  registry_be_present() fails with a sentence. */
int registry_be_present(struct splinter_store *s);
bool registry_others_present(struct splinter_store *s);

/* The lock of processes that open or close a durable store; read-only handles share it.  The call
 * waits for a rebuild as long as that goes on, and five minutes for a process that does not go on
 * (-EAGAIN).  The store is mapped.  Fails with a sentence. */
int registry_lock_open(struct splinter_store *s);
void registry_unlock_open(struct splinter_store *s);

#endif
