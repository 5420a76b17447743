/* SPDX-License-Identifier: Apache-2.0 */
/* readable.h - a descriptor that is readable, or not */
#ifndef SPLINTER_READABLE_H
#define SPLINTER_READABLE_H

#include <stdbool.h>

#include "names.h"

struct readable {
    int fd;
    int owner; /* the process that has marked it; 0: it could not be marked */
    bool is;   /* it is readable, unless the program has read it */
};

/* Make one that is not readable.  0 or a negative errno. */
int readable_open(struct readable *r);
void readable_close(struct readable *r);

/* Is the number still that of the descriptor, as far as that can be told? */
bool readable_is_ours(const struct readable *r);

/* If it is, make it readable, or not.  One thread at a time. */
void readable_set(struct readable *r);
void readable_clear(struct readable *r);

#endif
