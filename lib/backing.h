/* SPDX-License-Identifier: Apache-2.0 */
/* backing.h - where a store lives: /dev/shm, an anonymous memfd, or a file */
#ifndef SPLINTER_BACKING_H
#define SPLINTER_BACKING_H

#include <stdbool.h>
#include <stddef.h>

#include "layout.h"
#include "names.h"

extern const uint32_t splinter__default_backing; /* SPLINTER_MEMORY or SPLINTER_FILE */

/* Fills in a new store beyond its header, before its name is there. */
typedef int backing_filler(int fd, const struct geometry *geo, void *arg);

/* All but the last five fail with a sentence. */
int backing_create(const char *name, uint32_t flags, uint32_t mode, const struct geometry *geo,
                   backing_filler *filler, void *arg, int *out_fd);
int backing_fill(int fd, const struct geometry *geo, const char *name);
/* *read_only becomes true if nothing else is allowed. */
int backing_open(const char *name, uint32_t flags, bool *read_only, int *out_fd);
int backing_unlink(const char *name, uint32_t flags);
int backing_read_geometry(int fd, const char *name, struct geometry *geo);

/* Do these flags, or the library's default, mean a store in memory? */
bool backing_is_memory(uint32_t flags);

/* A second open file description of the same file. */
int backing_reopen(int fd, bool read_only);

/* Reserve so many bytes from there, and make the file that long.  -ENOSPC. */
int backing_reserve(int fd, uint64_t offset, uint64_t length);

/* Write to disk what was changed: all of the file, or the pages of a part of its mapping. */
int backing_flush(int fd);
int backing_flush_range(void *from, size_t bytes);

#endif
