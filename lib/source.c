/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - what all watches of a handle share */
#include <stdlib.h>

#include "source.h"

struct source *source_enter(struct source **list, struct splinter_store *s)
{
    struct source *src = *list;
    while (src && src->store != s)
        src = src->next;
    if (!src) {
        src = calloc(1, sizeof *src);
        if (!src)
            return NULL;
        src->store = s;
        src->nap = SOURCE_NAP_NS;
        src->next = *list;
        *list = src;
    }
    src->watches++;
    return src;
}

void source_leave(struct source **list, struct source *src)
{
    if (--src->watches)
        return;
    while (*list != src)
        list = &(*list)->next;
    *list = src->next;
    free(src);
}
