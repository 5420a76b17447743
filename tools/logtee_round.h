/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_round.h - round after round, the values that are new */
#ifndef SPLINTER_LOGTEE_ROUND_H
#define SPLINTER_LOGTEE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <splinter.h>

struct logtee_task {
    const char *bus;
    const char *prefix; /* of the keys, if none are named */
    char **names;       /* the keys asked for */
    size_t name_count;  /* 0: all with prefix */
    const char *output; /* for a message */
    bool current, wait, verbose;
    uint64_t count, timeout_ms;
};

/* existed: the bus did so when we began; else whatever is in it is new. */
void logtee_follow(splinter_store *store, const struct logtee_task *asked, uint64_t deadline,
                   bool existed);

#endif /* SPLINTER_LOGTEE_ROUND_H */
