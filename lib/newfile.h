/* SPDX-License-Identifier: Apache-2.0 */
/* newfile.h - a new file for a store, before it has its name */
#ifndef SPLINTER_NEWFILE_H
#define SPLINTER_NEWFILE_H

#include <limits.h>
#include <stdint.h>

#include "names.h"

/* A new file in the directory of a store, not yet under the store's name. */
struct new_file {
    int fd;
    char proc[64];       /* the name that /proc has for the descriptor, */
    char temp[PATH_MAX]; /* and a temporary one; empty if the file has none */
};

/* Each returns 0 or a negative errno, without a sentence.
 *
 * newfile_open() makes a file in the directory dir, that of path; newfile_anonymous() makes one in
 * memory, for which label is shown in /proc.  Until newfile_restrict() the owner may read and write
 * the file, because it is opened once more to be filled in.  From then on it has the mode that was
 * asked for, less the umask.  newfile_link() gives the file its name. */
int newfile_open(struct new_file *file, const char *dir, const char *path, uint32_t mode);
int newfile_anonymous(struct new_file *file, const char *label);
int newfile_restrict(const struct new_file *file, uint32_t mode);
int newfile_link(const struct new_file *file, const char *path);

#endif
