/* SPDX-License-Identifier: Apache-2.0 */
/* topics.h - what a snapshot, and an open after a power cut, need of topics */
#ifndef SPLINTER_TOPICS_H
#define SPLINTER_TOPICS_H

#include "handle.h"
#include "names.h"

/* If header.topics_left says that there may be something to do: bring into order what a copy of a
 * store has of topics that were made or removed meanwhile, or what a power cut, or the death of all
 * processes, has left of topics.  0, or an errno. */
int topics_settle(struct splinter_store *s);

#endif
