/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_hot.c - the keys that changed last */
#include "logtee_hot.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static char *hot[LOGTEE_HOT_MAX];
static size_t hot_count;

void logtee_hot_add(const char *key)
{
    size_t n = 0;
    while (n < hot_count && strcmp(hot[n], key) != 0)
        n++;
    char *first;
    if (n < hot_count) {
        first = hot[n];
    } else {
        first = cli_need(strdup(key));
        if (hot_count < LOGTEE_HOT_MAX)
            hot_count++;
        else
            free(hot[--n]);
    }
    memmove(hot + 1, hot, n * sizeof(*hot));
    hot[0] = first;
}

const char *logtee_hot(size_t n)
{
    return n < hot_count ? hot[n] : NULL;
}

void logtee_hot_free(void)
{
    while (hot_count)
        free(hot[--hot_count]);
}
