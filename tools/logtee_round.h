/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_round.h - round after round, the values that are new */
#ifndef SPLINTER_LOGTEE_ROUND_H
#define SPLINTER_LOGTEE_ROUND_H

#include <stddef.h>

#include <splinter.h>

#include "cli_follow.h"

struct logtee_task {
    struct cli_follow follow;
    const char *prefix; /* of the keys, if none are named */
    char **names;       /* the keys asked for */
    size_t name_count;  /* 0: all with prefix */
    const char *output; /* for a message */
};

/* Until enough values were printed, or cli_stop.  Does not return after a timeout. */
void logtee_follow(splinter_store *store, struct logtee_task *asked);

#endif /* SPLINTER_LOGTEE_ROUND_H */
