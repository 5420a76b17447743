/* SPDX-License-Identifier: Apache-2.0 */
/* trim.h - memory that no key needs goes back to the system */
#ifndef SPLINTER_TRIM_H
#define SPLINTER_TRIM_H

#include "handle.h"
#include "names.h"

/* How many bytes are worth the system calls. */
#ifndef SPLINTER_FAULT
#define MUCH (UINT64_C(64) << 20)
#else
#define MUCH (UINT64_C(64) << 10) /* so that small tests come to it */
#endif

/* Gives back what no key needs.  The caller has called attach_own(), and has the sync lock of a
 * durable store.  Adds to *bytes.  0; -EOPNOTSUPP: the file system has no holes; -EBADF: the
 * descriptor is closed; or what fallocate(2) returned. */
int trim_all(struct splinter_store *s, uint64_t *bytes);

/* The same, but only if that is much.  After many keys have gone. */
void trim_much(struct splinter_store *s);

#endif
