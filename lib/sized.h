/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sized.h - structures of the public interface, which say their own size and grow at their end
 *
 * A program and the library may have been built with different versions of splinter.h.  A later
 * version only adds members at the end, and 0 in such a member means what was so before it existed.
 * So the part that both know is copied, and of the rest one thing is looked at: a caller must not
 * ask for what this library does not know.  clone3(2) does it in the same way.
 */
#ifndef SPLINTER_SIZED_H
#define SPLINTER_SIZED_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "public.h"

/* No version has a structure of more bytes, so a larger struct_size is a mistake. */
#define SIZED_MOST ((size_t)4096)

#define SIZED_FIRST(type) \
    static_assert(offsetof(struct type, struct_size) == 0 && sizeof(struct type) <= SIZED_MOST, \
                  "struct_size comes first")
SIZED_FIRST(splinter_open_options);
SIZED_FIRST(splinter_set_options);
SIZED_FIRST(splinter_meta);
SIZED_FIRST(splinter_stat);
SIZED_FIRST(splinter_feed_options);
SIZED_FIRST(splinter_event);
SIZED_FIRST(splinter_topic_options);
SIZED_FIRST(splinter_topic_stat);
SIZED_FIRST(splinter_publish_options);
SIZED_FIRST(splinter_message);
SIZED_FIRST(splinter_item);
SIZED_FIRST(splinter_queue_stat);

/* The struct_size of the caller's structure. */
static inline size_t sized_bytes(const void *theirs)
{
    size_t bytes;
    memcpy(&bytes, theirs, sizeof bytes);
    return bytes;
}

/* Copy the caller's options to `own`, of `size` bytes.  What the caller's structure does not reach
 * becomes 0.  -EINVAL: it does not even reach over struct_size; -E2BIG: it has something that is
 * not 0 where this library knows nothing. */
static inline int sized_take(void *own, size_t size, const void *theirs)
{
    size_t bytes = sized_bytes(theirs);
    if (bytes < sizeof bytes)
        return -EINVAL;
    if (bytes > SIZED_MOST)
        return -E2BIG;
    for (size_t i = size; i < bytes; i++)
        if (((const uint8_t *)theirs)[i])
            return -E2BIG;
    memset(own, 0, size);
    memcpy(own, theirs, bytes < size ? bytes : size);
    memcpy(own, &size, sizeof size);
    return 0;
}

/* May this structure be filled in?  NULL is one that nobody wants. */
static inline bool sized_may_give(const void *theirs)
{
    return !theirs || sized_bytes(theirs) >= sizeof(size_t);
}

/* Fill in the caller's structure from `own`, of `size` bytes, as far as both reach.  Its
 * struct_size then says how far that is; what lies beyond stays as it was. */
static inline void sized_give(void *theirs, const void *own, size_t size)
{
    size_t bytes = sized_bytes(theirs);
    if (bytes > size)
        bytes = size;
    memcpy(theirs, own, bytes);
    memcpy(theirs, &bytes, sizeof bytes);
}

#endif
