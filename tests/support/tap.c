/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c - TAP, for the tests that do without Check; see tap.h */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static int results, bad;

void report(bool ok, const char *format, ...)
{
    va_list args;

    printf("%sok %d - ", ok ? "" : "not ", ++results);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    bad += !ok;
}

int tap_end(void)
{
    printf("1..%d\n", results);
    return bad ? 1 : 0;
}
