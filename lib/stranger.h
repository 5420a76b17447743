/* SPDX-License-Identifier: Apache-2.0 */
/* stranger.h - what a file is that is no store */
#ifndef SPLINTER_STRANGER_H
#define SPLINTER_STRANGER_H

#include "names.h"

/* Sets the sentence: the file of fd is not a store, and what it looks like instead.  Returns
 * -EBADMSG. */
int stranger_say(int fd, const char *name);

#endif
