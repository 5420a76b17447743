/* SPDX-License-Identifier: Apache-2.0 */
/* geometry.h - where everything in a store lies, computed from slots, max_value and feed */
#ifndef SPLINTER_GEOMETRY_H
#define SPLINTER_GEOMETRY_H

#include <stddef.h>

#include "handle.h"
#include "layout.h"
#include "names.h"

/* Computes the geometry of a new store; max_value is in bytes, feed is the least number of lines of
 * a ring, flags are GEOMETRY_*.  -EINVAL with a sentence: a size is out of range. */
int geometry_make(struct geometry *geo, size_t slots, size_t max_value, size_t feed,
                  uint32_t flags);

/* Can this process use a store with this geometry, which was read from the store `name` and has the
 * right magic?  -EPROTO: it belongs to another version or kind of machine; -EBADMSG: it is damaged.
 * Both with a sentence. */
int geometry_check(const struct geometry *geo, const char *name);

/* Fills in the size classes of the store, and returns how many there are. */
uint32_t geometry_classes(const struct geometry *geo, struct size_class classes[MAX_CLASSES]);

#endif
