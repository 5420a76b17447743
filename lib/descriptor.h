/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.h - the descriptors of a handle, which the application may close or replace */
#ifndef SPLINTER_DESCRIPTOR_H
#define SPLINTER_DESCRIPTOR_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* The descriptor of the store's file, or that for locks; -1 if the number stands for something else
 * by now, or for nothing.  A system call with -1 fails with EBADF. */
int descriptor_file(const struct splinter_store *s);
int descriptor_locks(const struct splinter_store *s);

/* Notes what s->fd stands for.  0 or a negative errno. */
int descriptor_note(struct splinter_store *s);

/* Opens the descriptor for locks, with an open file description of its own; or closes it, which
 * releases the locks.  0; -EBADF: there is no descriptor of the file any more; -ENOLCK: no /proc
 * to open it through, and no path leads to it; or another error of open(2). */
int descriptor_locks_open(struct splinter_store *s);
void descriptor_locks_close(struct splinter_store *s);

/* Is the descriptor for locks there, and not that of the parent? */
bool descriptor_locks_own(const struct splinter_store *s);

/* In a child, right after fork: gives up the parent's locks, and opens a descriptor for those of
 * the child, while that is still allowed.  Async-signal-safe. */
void descriptor_forked(struct splinter_store *s);

/* Opens the file behind a descriptor once more: through /proc, or else by its path, which may be
 * empty, if that still leads to the same file.  Errors as above. */
int descriptor_again(int fd, const char *path, bool read_only);

/* The result of a call that opens something, as a descriptor above 2: standard output, and what
 * goes to standard error, must not end up in a store.  errno stays as it was. */
int descriptor_up(int fd);

#endif
