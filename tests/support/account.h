/* SPDX-License-Identifier: Apache-2.0 */
/* account.h - what a feed has told of each key, and whether that is what the store holds */
#ifndef SPLINTER_TEST_ACCOUNT_H
#define SPLINTER_TEST_ACCOUNT_H

#include <splinter.h>
#include <stdbool.h>

#define ACCOUNT_KEYS 512

/* Begins as {0}. */
struct account {
    unsigned keys;
    struct {
        char key[SPLINTER_KEY_MAX];
        uint64_t epoch; /* of the last change that was not superseded, */
        uint32_t what;  /* and what it was */
        bool of_state;  /* no change, but how the key was found */
    } last[ACCOUNT_KEYS];
    uint64_t number;   /* of the last change */
    uint64_t changes, gaps, superseded, late;
    bool ready;        /* the state was told; or it was not asked for */
    char problem[400]; /* "": none */
};

/* What an event does to the account. */
void account_add(struct account *a, const struct splinter_event *e);

/* All events up to this number, which was given out.  0, or what splinter_feed_next() returned. */
int account_follow(struct account *a, splinter_feed *feed, uint64_t number);

/* The store is quiet: does the account, which began with the first change or with the state, tell
 * of each key what the store has?  The number of differences; they are printed. */
unsigned account_differs(struct account *a, splinter_store *store);

/* All of this with a feed of its own, that begins at number 0 and goes on with the state after a
 * gap.  The number of differences; 0 also if the store has no feed. */
unsigned account_of(splinter_store *store);

#endif
