/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_seen.h - what was seen of each key */
#ifndef SPLINTER_LOGTEE_SEEN_H
#define SPLINTER_LOGTEE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli_follow.h"

struct logtee_seen {
    char *key;      /* NULL: a free place of the table */
    uint64_t round; /* the last one in which the key was there */
    bool absent;    /* it was not there in the last one */
    struct cli_seen last;
};

/* What was seen of key; all zero if nothing.  It moves at the next call. */
struct logtee_seen *logtee_seen_of(const char *key);
/* What was not there in this round is absent.  gone: also nobody will tell of its removal. */
void logtee_seen_round_over(uint64_t round, bool gone);
/* Says what was passed over of each key, and not said yet. */
void logtee_seen_say_passed(void);
/* Nothing was seen: of another store, or at the end. */
void logtee_seen_free(void);

#endif /* SPLINTER_LOGTEE_SEEN_H */
