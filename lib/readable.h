/* SPDX-License-Identifier: Apache-2.0 */
/* readable.h - a descriptor that is readable, or not */
#ifndef SPLINTER_READABLE_H
#define SPLINTER_READABLE_H

#include <stdbool.h>

#include "names.h"

struct readable {
    int fd;      /* -1: the program has closed it, and something else of ours got the number */
    bool marked; /* it has the mark by which it is told from what else may get its number */
    bool is;     /* it is readable, unless the program has read it */
};

/* Make one that is not readable.  0 or a negative errno. */
int readable_open(struct readable *r);
void readable_close(struct readable *r);

/* The number was given to another one. */
void readable_lost(struct readable *r);

/* Is the number still that of the descriptor, as far as that can be told? */
bool readable_is_ours(const struct readable *r);

/* If it is, make it readable, or not.  One thread at a time. */
void readable_set(struct readable *r);
void readable_clear(struct readable *r);

/* It is readable and stays so: tell who waits for an edge (EPOLLET) once more. */
void readable_again(struct readable *r);

#endif
