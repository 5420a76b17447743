/* SPDX-License-Identifier: Apache-2.0 */
/* geometry.h - from slots and max_value, the place of everything in a store */
#ifndef SPLINTER_GEOMETRY_H
#define SPLINTER_GEOMETRY_H

#include <stddef.h>

#include "layout.h"
#include "names.h"

/* The geometry of a new store.  -EINVAL with a sentence: a size that is not allowed. */
int geometry_make(struct geometry *geo, size_t slots, size_t max_value, uint32_t flags);

/* Is this, read from the store `name`, the geometry of a store that this process can use?  The
 * magic was right.  -EPROTO: of another version or machine; -EBADMSG: damaged. */
int geometry_check(const struct geometry *geo, const char *name);

/* How many size classes the store has. */
uint32_t geometry_classes(const struct geometry *geo);

#endif
