/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the sentence that splinter_last_error() returns, one per thread */
#ifndef SPLINTER_ERROR_H
#define SPLINTER_ERROR_H

#include <errno.h>

#include "names.h"

/* Makes the sentence of this thread empty. */
void error_clear(void);

/* Sets the sentence of this thread.  Returns -err, so that a failure takes one line:
 * return error_set(EINVAL, ...); */
__attribute__((format(printf, 2, 3)))
int error_set(int err, const char *format, ...);

#endif
