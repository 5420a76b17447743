/* SPDX-License-Identifier: Apache-2.0 */
/* sync.h - durable stores: a sync now, or if the options of the handle ask for one */
#ifndef SPLINTER_SYNC_H
#define SPLINTER_SYNC_H

#include "handle.h"
#include "names.h"

/* Everything that was acknowledged before the call is on disk when it returns 0. */
int sync_now(struct splinter_store *s);

/* After a change that succeeded. */
int sync_if_due(struct splinter_store *s);

#endif
