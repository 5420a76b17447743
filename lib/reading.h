/* SPDX-License-Identifier: Apache-2.0 */
/* reading.h - to copy a value out of a block whose memory may be given back meanwhile */
#ifndef SPLINTER_READING_H
#define SPLINTER_READING_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Finds out if it matters that a reader touches a hole of the file.  At the open. */
void reading_init(struct splinter_store *s);

/* May the memory of this record be given back while it is copied up to offset `end`, if the record
 * is replaced meanwhile? */
bool reading_needs_care(struct splinter_store *s, uint32_t ref, size_t end);

/* Copies `len` bytes from offset `from` of such a record, to which the slot leads.  0: they are
 * those of the record.  -ESTALE: the record is not current any more.  -EBADF: the descriptor of the
 * handle, which this process needs for that, is closed or is something else by now; or what
 * pread(2) returned. */
int reading_copy(struct splinter_store *s, const struct slot *slot, uint64_t current, void *to,
                 size_t from, size_t len);

/* Which blocks of the slab do readers copy from?  One bit for each.  What was unlinked before the
 * call, and is not among them, will be copied by nobody. */
uint64_t reading_blocks(struct splinter_store *s, uint32_t number, const struct size_class *class);

#endif
