/* SPDX-License-Identifier: Apache-2.0 */
/* follow.h - feeds: a look that does not wait */
#ifndef SPLINTER_FOLLOW_H
#define SPLINTER_FOLLOW_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"
#include "public.h"

enum feed_found {
    FEED_NOTHING,
    FEED_EVENT,
    FEED_MORE, /* there may well be an event, but the call has looked at very many changes */
    FEED_NO_MEMORY
};

/* As splinter_feed_next() with a timeout of 0.  If there is nothing, the next look is due when
 * header.published is above *number, and after *again_ns unless that is 0. */
enum feed_found feed_look(struct splinter_feed *f, struct splinter_event *e, void *buf, size_t size,
                          uint64_t *number, uint64_t *again_ns);

struct splinter_store *feed_store(const struct splinter_feed *f);

/* Copy the value, if it is still the one of the event.  False: a key of the state is gone again, so
 * there is nothing to tell.  *home becomes the home bucket of the key. */
bool event_add_value(struct splinter_store *s, struct splinter_event *e, void *buf, size_t size,
                     uint32_t *home);

#endif
