/* SPDX-License-Identifier: Apache-2.0 */
/* topics.h - what a snapshot needs of topics */
#ifndef SPLINTER_TOPICS_H
#define SPLINTER_TOPICS_H

#include "handle.h"
#include "names.h"

/* Bring into order what a copy of a store has of topics that were made or removed meanwhile.  0, or
 * an errno. */
int topics_settle(struct splinter_store *s);

#endif
