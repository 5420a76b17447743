/* SPDX-License-Identifier: Apache-2.0 */
/* filesystem.h - is the file system fit for a store, and can its space be relied on? */
#ifndef SPLINTER_FILESYSTEM_H
#define SPLINTER_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"

/* Is it known that a hole reads as zeroes through a mapping, and takes no memory or space for that?
 * Or that it takes a page?  Of other file systems neither is known. */
bool filesystem_holes_harmless(int fd);
bool filesystem_holes_cost(int fd);

/* Is the file in memory, as those in /dev/shm are? */
bool filesystem_in_memory(int fd);

/* Tells the file system to overwrite this empty file in place; a hint, which most do not need. */
void filesystem_overwrite(int fd);

/* May a process write to a store in this file?  0; or -EOPNOTSUPP with a sentence if the file is on
 * a network file system, or is copied when it is overwritten, unless the flags (SPLINTER_NETWORK,
 * SPLINTER_COW) allow that.  To read only, the second does not matter. */
int filesystem_fit(int fd, const char *name, uint32_t flags);

/* May `length` more bytes be reserved?  If the file is copied when it is overwritten, as much as it
 * has stays free beside them. */
bool filesystem_has(int fd, uint64_t length);

/* Gives the file blocks of its own for those that it shares with a copy (cp --reflink), because to
 * overwrite such a block takes a new one.  `alone`: nobody else writes to the file meanwhile.  0;
 * or -ENOSPC, or what the kernel returned.  A file that others write to keeps the blocks that it
 * shares if the file system cannot part them (btrfs). */
int filesystem_unshare(int fd, bool alone);

#endif
