/* SPDX-License-Identifier: Apache-2.0 */
/* expiry.h - is a record over? */
#ifndef SPLINTER_EXPIRY_H
#define SPLINTER_EXPIRY_H

#include <stdbool.h>

#include "handle.h"
#include "names.h"

/* Has this end of life (nanoseconds of CLOCK_REALTIME, 0: none) passed?  Once seen as passed, it has
 * for good, whatever the clock does. */
bool expiry_passed(struct splinter_store *s, uint64_t expiry);

#endif
