/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.c - to copy a value out of a block whose memory may be given back meanwhile
 *
 * A get takes no lock, so it may still copy a record that has been replaced, and find out
 * afterwards.  If the memory has been given back by then, it would touch a hole of the file.  On a
 * disk a hole reads as zeroes.  But tmpfs allocates a page, also for a load, and raises SIGBUS if
 * it has none.  So there only the memory of large blocks is given back, and less their first page,
 * which has the header and the key; and a reader that copies more than that
 *  - says which block it copies, in its process's entry, and looks if the record is still current.
 *    This is a hazard pointer: M. Michael, "Hazard Pointers: Safe Memory Reclamation for Lock-Free
 *    Objects", IEEE TPDS 15(6), 2004.  The process that gives memory back does so after the block
 *    is free, and looks at what readers say;
 *  - or, if it has no entry, as it has changed nothing yet, copies with pread(2), which reads a
 *    hole as zeroes.  That takes half as long again.
 *
 * Invariants
 *  - A word of entry.reading belongs to the thread that changed it from 0.
 *  - A block whose number stands in one since before the block was unlinked keeps its memory.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "cancel.h"
#include "descriptor.h"
#include "extent.h"
#include "fault.h"
#include "filesystem.h"
#include "fork.h"
#include "handle.h"
#include "index.h"
#include "lane.h"
#include "reading.h"
#include "slab.h"

void reading_init(struct splinter_store *s)
{
    s->holes_harmless = s->durable && filesystem_holes_harmless(s->fd);
}

bool reading_needs_care(struct splinter_store *s, uint32_t ref, size_t end)
{
    struct block b;
    return end > PAGE && !s->holes_harmless && s->small != s->classes && block_find(s, ref, &b) &&
           class_is_large(b.class);
}

/* A word for this thread to say which block it copies, and say it.  NULL: this process has no
 * entry, or all its words are taken. */
static uint32_t *say(struct splinter_store *s, uint32_t ref)
{
    if (s->read_only || unattached(s))
        return NULL;
    uint32_t *words = s->registry[s->entry].reading;
    for (uint32_t i = 0; i < ENTRY_LANES; i++) {
        uint32_t *word = &words[(lane_preferred + i) % ENTRY_LANES], nobody = 0;
        /* Before the look at the slot. [=reading] */
        if (!load_relaxed(word) && cas_seq_cst(word, &nobody, ref + 1))
            return word;
    }
    return NULL;
}

/* The whole range at this offset of the file.  0, -EBADF at its end, or what pread(2) returned. */
static int read_all(int fd, void *to, size_t len, off_t at)
{
    for (size_t n = 0; n < len;) {
        ssize_t r = pread(fd, (uint8_t *)to + n, len - n, at + (off_t)n);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (!r)
            return -EBADF;
        n += r > 0 ? (size_t)r : 0;
    }
    return 0;
}

static int read_record(struct splinter_store *s, uint32_t ref, void *to, size_t from, size_t len)
{
    off_t at = (off_t)(s->geo.arena_off + (uint64_t)ref * UNIT + from);
    not_cancelled();
    fault_point("reading: by descriptor");
    return read_all(descriptor_file(s), to, len, at);
}

int reading_copy(struct splinter_store *s, const struct slot *slot, uint64_t current, void *to,
                 size_t from, size_t len)
{
    fault_point("reading: not yet said");
    uint32_t ref = CURRENT_REF(current), *word = say(s, ref);
    int r = 0;
    if (!word) {
        r = read_record(s, ref, to, from, len);
        return still_current(slot, current) ? r : -ESTALE;
    }
    fence_seq_cst_after_rmw(); /* [=reading] */
    fault_point("reading: said");
    if (load_acquire(&slot->current) != current)
        r = -ESTALE;
    else
        payload_copy(to, (const uint8_t *)record_at_ref(s, ref) + from, len);
    fault_point("reading: copied");
    store_release(word, 0); /* [>copied] */
    return r;
}

uint64_t reading_blocks(struct splinter_store *s, uint32_t number, const struct size_class *class)
{
    uint32_t start = (uint32_t)block_start(s, number, class, 0);
    uint32_t entries = load_acquire(&s->header->registry_used);
    uint64_t blocks = 0;
    fence_seq_cst(); /* after what told the caller that the blocks are unlinked [=reading] */
    for (uint32_t i = 0; i < entries * ENTRY_LANES && i < MAX_ENTRIES * ENTRY_LANES; i++) {
        const struct entry *e = &s->registry[i / ENTRY_LANES];
        uint32_t word = load_acquire(&e->reading[i % ENTRY_LANES]); /* [<copied] */
        uint32_t block = (word - 1 - start) / class->units;
        if (word && word > start && block < class->blocks)
            blocks |= UINT64_C(1) << block;
    }
    return blocks;
}
