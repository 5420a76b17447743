/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unfinished.h - a file or a store in the making, which gets its name once it is whole
 *
 * Until then it has another name, or none, beside the place of its own.  If the command ends before
 * that, by an error or a signal, it goes.  Only SIGKILL leaves it, under that other name.
 */
#ifndef SPLINTERCTL_UNFINISHED_H
#define SPLINTERCTL_UNFINISHED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include <splinter.h>

/* From now on a signal that would end the process is noted, until the command ends. */
void ctl_unfinished_begin(void);
/* Ends the process if a signal was noted. */
void ctl_unfinished_check(void);
/* Ends it by that signal, also in the middle of another thread's call; the store that is open is
 * not closed. */
noreturn void ctl_unfinished_abandon(void);

/* A new file for path, which takes the place of one that is there, with that mode less the umask.
 * What is there and is no file, such as a pipe, is opened itself.  Returns a descriptor to write
 * to. */
int ctl_unfinished_file(const char *path, mode_t mode);
/* It is whole: it goes to disk and gets its name. */
void ctl_unfinished_file_done(void);

/* A new store for a name that nothing has.  where is from cli_where(). */
splinter_store *ctl_unfinished_store(const char *name, uint32_t where,
                                     const struct splinter_open_options *options);
/* It is whole: it is synced, closed, and gets its name. */
void ctl_unfinished_store_done(void);

/* Another store than the bus, open to read until the command ends. */
splinter_store *ctl_open_other(const char *name, uint32_t where);

/* A copy of a store without a name, to read and write until the command ends. */
splinter_store *ctl_private_copy(splinter_store *store, const char *name);

/* The mode of the store's file, for a copy of what is in it. */
mode_t ctl_mode_of(splinter_store *store);

#endif /* SPLINTERCTL_UNFINISHED_H */
