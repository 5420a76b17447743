/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the sentence behind splinter_last_error(), one per thread */
#ifndef SPLINTER_ERROR_H
#define SPLINTER_ERROR_H

#include <errno.h>

#include "names.h"

void error_clear(void);

/* Sets the sentence.  Returns -err, so that a failure is one line: return error_set(EINVAL, ...). */
__attribute__((format(printf, 2, 3))) int error_set(int err, const char *format, ...);

#endif
