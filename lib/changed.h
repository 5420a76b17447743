/* SPDX-License-Identifier: Apache-2.0 */
/* changed.h - which keys with a prefix have changed, in a store without a feed */
#ifndef SPLINTER_CHANGED_H
#define SPLINTER_CHANGED_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"
#include "public.h"

struct changed;

/* `state`: tell first of all keys that are there, and then that these were all.  NULL: there is no
 * memory. */
struct changed *changed_begin(struct splinter_store *s, const char *prefix, bool state);
void changed_end(struct changed *c);

/* The next key that is not as it was told last; buf is as for splinter_feed_next().  `anyway`:
 * something may have changed, whatever header.epoch is.
 * CHANGED_NOTHING: the next look is due when header.epoch is above *epoch.  CHANGED_MORE: there may
 * be one, but the call has looked at very many.  One thread at a time. */
enum changed_found { CHANGED_NOTHING, CHANGED_EVENT, CHANGED_MORE, CHANGED_NO_MEMORY };
enum changed_found changed_next(struct changed *c, bool anyway, struct splinter_event *e, void *buf,
                                size_t size, uint64_t *epoch);

#endif
