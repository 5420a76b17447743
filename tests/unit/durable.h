/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable.h - the groups of test_durable, and what they share
 *
 * A copy of the raw file, made while the store is in use, is what a power cut could leave: no
 * process has it open, and it is not the file it says it is.  fdatasync(), msync(), fstatfs() and
 * clock_gettime() are this program's own, in front of the C library's.
 */
#ifndef SPLINTER_TEST_DURABLE_H
#define SPLINTER_TEST_DURABLE_H

#include "unit.h"

#define SLOTS 3000
#define MAX_VALUE 4096

extern struct place place;
extern splinter_store *store;

/* In front of the C library. */
extern int syncs;              /* calls of fdatasync() and msync() */
extern int sync_errno;         /* they fail with this, unless it is 0 */
extern long fs_type;           /* as f_type of struct statfs; 0: that of the file system */

/* A store in a file; end_store() removes it. */
void make_store(void);
void end_store(void);

void set(splinter_store *s, const char *key, const char *val);
bool has(splinter_store *s, const char *key, const char *val);
/* Set n keys, to "TAG of NUMBER"; how many have such a value. */
void fill(splinter_store *s, int n, const char *tag);
int count_of(splinter_store *s, int n, const char *tag);

/* A new file with these bytes. */
void write_file(const char *path, const uint8_t *bytes, size_t size);
/* A copy of the bytes as they are now, under a name of its own. */
void copy_to(const char *from, struct place *to);
/* Where in a file this text is; it must be there. */
uint64_t offset_in(const char *path, const char *marker);

/* Open, and see what the opener is told of a rebuild. */
extern int progress_calls;
extern uint64_t progress_done, progress_total;
int open_with_progress(const struct place *p, uint32_t flags, splinter_store **out);

/* Each makes the group of its file. */
TCase *sync_tests(void);
TCase *copy_tests(void);
TCase *damage_tests(void);
TCase *snapshot_tests(void);
TCase *backup_tests(void);
TCase *durable_topic_tests(void);

#endif
