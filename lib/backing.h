/* SPDX-License-Identifier: Apache-2.0 */
/* backing.h - where a store lives: /dev/shm, an anonymous memfd, or a file */
#ifndef SPLINTER_BACKING_H
#define SPLINTER_BACKING_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "layout.h"
#include "names.h"

/* SPLINTER_MEMORY or SPLINTER_FILE: the only thing in which the two libraries differ. */
extern const uint32_t splinter__default_backing;

/* Fills in a new store beyond its header, before the store has its name.  `path` is that of the
 * file until then, or empty.  Returns 0 or an error, which undoes the creation. */
typedef int backing_filler(int fd, const char *path, const struct geometry *geo, void *arg);

/* The path of a store.  -EINVAL or -ENAMETOOLONG, with a sentence. */
int backing_path(const char *name, uint32_t flags, char path[PATH_MAX]);

/* These six set a sentence when they fail.  Their errors are -EINVAL and -ENAMETOOLONG for a bad
 * name, -EBADMSG and -EPROTO for a file that is not a store, is damaged, or is of another version,
 * -ENOSPC, -EOPNOTSUPP for an unfit file system, and what the kernel returned.
 *
 * backing_create() makes a store under a name that does not exist yet (-EEXIST).  backing_fill()
 * reserves and writes what comes before the registry, in an empty file.  backing_open() sets
 * *read_only if the caller asked to write, and the file may only be read; otherwise it leaves it
 * alone.  backing_open_fd() opens the file of a descriptor, with no more rights than that has, and
 * sets *read_only if the handle may only read; name is for sentences.  backing_unlink()
 * removes nothing but a store. */
int backing_create(const char *name, uint32_t flags, uint32_t mode, const struct geometry *geo,
                   backing_filler *filler, void *arg, int *out_fd);
int backing_fill(int fd, const struct geometry *geo, const char *name);
int backing_open(const char *name, uint32_t flags, bool *read_only, int *out_fd);
int backing_open_fd(int fd, uint32_t flags, bool *read_only, const char *name, int *out_fd);
int backing_unlink(const char *name, uint32_t flags);
int backing_read_geometry(int fd, const char *name, struct geometry *geo);

/* Do these flags, or else the library's default, stand for a store in memory? */
bool backing_is_memory(uint32_t flags);

/* Reserves `length` bytes from `offset`, and what else is in their pages, and makes the file at
 * least that long.  Signals do not keep it from that.  -ENOSPC, or what fallocate(2) returned. */
int backing_reserve(int fd, uint64_t offset, uint64_t length);

/* Makes a range of the file a hole.  -EOPNOTSUPP, or what fallocate(2) returned. */
int backing_punch(int fd, uint64_t offset, uint64_t length);

/* The same; or writes zeroes to the range, if the file system has no holes.
 * -ENOSPC, or another error of pwrite(2). */
int backing_clear(int fd, uint64_t offset, uint64_t length);

/* Maps pages that are reserved, of which the process will write to most; a hint. */
void backing_populate(void *from, size_t bytes);

/* Writes changes to disk: those of the whole file, or those in a part of its mapping.  -ENOSPC,
 * -EIO. */
int backing_flush(int fd);
int backing_flush_range(void *from, size_t bytes);

#endif
