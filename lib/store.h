/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - handles: attach to a store that is open */
#ifndef SPLINTER_STORE_H
#define SPLINTER_STORE_H

#include "handle.h"
#include "names.h"

/* Make a handle of the store in the file fd, whose geometry was checked.  The handle closes fd; if
 * this fails, it is closed already.  path may be empty; name is for sentences.  options may be
 * NULL, and is used only during the call.  Returns 0, or -ENOMEM or an error of attach_join() or
 * rebuild(), with a sentence. */
int store_attach(splinter_store **out, int fd, const char *path, const char *name,
                 const struct geometry *geo, const struct splinter_open_options *options);

#endif
