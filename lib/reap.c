/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap.c - find dead processes: lock an entry, clean up after its last holder, release the entry
 *
 * Invariant: a process that gets the lock of an entry which still says "attached" is the only
 * cleaner of what the dead process held (recover.c).
 */
#include "atomic.h"
#include "fault.h"
#include "handle.h"
#include "reap.h"
#include "recover.h"
#include "registry.h"
#include "syncpoint.h"

bool reap_entry(struct splinter_store *s, uint32_t entry)
{
    if (entry >= MAX_ENTRIES || entry == s->entry ||
        entry >= load_acquire(&s->header->registry_used))
        return false;
    struct entry *e = &s->registry[entry];
    if (!load_acquire(&e->attached))
        return true;
    /* The threads of a process share the open file description, so its lock does not keep them
     * apart. */
    pthread_mutex_lock(&s->mutex);
    /* Looked at again: another thread may just have got this entry. */
    bool dead = entry != s->entry && registry_lock_entry(s, entry) == 0;
    if (dead) {
        fault_point("reap: locked");
        if (load_acquire(&e->attached)) { /* [<attached] */
            recover_entry(s, entry);
            fault_point("reap: cleaned");
            store_release(&e->incarnation, load_relaxed(&e->incarnation) + 1); /* [>over] */
            fault_point("reap: incarnation over");
            store_release(&e->attached, 0); /* [>attached] */
            fault_point("reap: detached");
        }
        registry_unlock_entry(s, entry);
    }
    pthread_mutex_unlock(&s->mutex);
    if (dead)
        sync_after_death(s);
    return dead;
}

void reap_all(struct splinter_store *s)
{
    uint32_t used = load_acquire(&s->header->registry_used);
    for (uint32_t i = 0; i < used && i < MAX_ENTRIES; i++)
        if (load_relaxed(&s->registry[i].attached))
            reap_entry(s, i);
}
