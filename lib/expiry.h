/* SPDX-License-Identifier: Apache-2.0 */
/* expiry.h - has a record expired? */
#ifndef SPLINTER_EXPIRY_H
#define SPLINTER_EXPIRY_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Has this time of expiry (nanoseconds of CLOCK_REALTIME, 0: never) passed?  A time that a writable
 * handle has once seen as passed stays passed, even if the clock is set back. */
bool expiry_passed(struct splinter_store *s, uint64_t expiry);

#endif
