/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - the sentence that splinter_last_error() returns, one per thread */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"
#include "public.h"

static _Thread_local char sentence[320];

void error_clear(void)
{
    sentence[0] = '\0';
}

int error_set(int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return -err;
}

const char *splinter_last_error(void)
{
    return sentence;
}
