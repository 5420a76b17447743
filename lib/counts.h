/* SPDX-License-Identifier: Apache-2.0 */
/* counts.h - mend the counts that a death left too high */
#ifndef SPLINTER_COUNTS_H
#define SPLINTER_COUNTS_H

#include "handle.h"
#include "names.h"

/* 0: the counts are right; -EAGAIN: never quiet enough, or somebody else does it. */
int counts_mend(struct splinter_store *s);

#endif
