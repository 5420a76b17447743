/* SPDX-License-Identifier: Apache-2.0 */
/* candidates.h - words that may come next in a command line */
#ifndef SPLINTERCTL_CANDIDATES_H
#define SPLINTERCTL_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

struct ctl_candidate {
    char *word;        /* in place of the one that was begun */
    const char *about; /* a few words, or "" */
};

struct ctl_candidates {
    struct ctl_candidate *item;
    size_t count, room;
    bool files, programs; /* the name of a file, or of a program, may come too */
    bool begun;           /* what comes of the one candidate is not a whole word */
};

/* Adds keep and word, if word begins with what was typed of it. */
void ctl_offer(struct ctl_candidates *out, const char *typed, const char *keep, const char *word,
               const char *about);
void ctl_candidates_sort(struct ctl_candidates *out);
/* How many bytes all of them begin with. */
size_t ctl_candidates_common(const struct ctl_candidates *candidates);
/* Leaves of too many what all begin with; nothing if that was typed already. */
void ctl_candidates_shorten(struct ctl_candidates *out, size_t typed);
void ctl_candidates_free(struct ctl_candidates *out);

/* For the completion scripts of shells: a line for each candidate, with a tab and a few words; and
 * the lines "files", "programs" and "begun", which have no tab. */
void ctl_candidates_print(const struct ctl_candidates *all);

#endif /* SPLINTERCTL_CANDIDATES_H */
