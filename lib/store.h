/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - handles: open, create, close, stat */
#ifndef SPLINTER_STORE_H
#define SPLINTER_STORE_H

#include "handle.h"
#include "names.h"

/* A handle of the store in the file fd, which becomes the handle's, also if this fails. */
int store_attach(splinter_store **out, int fd, const char *name, const struct geometry *geo,
                 const struct splinter_open_options *options);

#endif
