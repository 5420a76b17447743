/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room.h - what the tests of room in a store share: items, and processes that stay attached
 *
 * An item is a key and its value.  The value follows from the number of the key, the version and
 * the size.  So a process that knows these three can tell whether it is the right one, and whole.
 */
#ifndef SPLINTER_TEST_ROOM_H
#define SPLINTER_TEST_ROOM_H

#include <splinter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support.h"

struct item {
    uint32_t size, version; /* of the value; size 0: the key is absent */
};

/* What calls came to.  The threads of all processes may count in one, in shared memory. */
struct tally {
    uint64_t sets, refused, failed, torn; /* refused: -ENOSPC; failed: any other error */
    int64_t first_failure;
    char first_refusal[300]; /* of whom and what, and what splinter_last_error() said of it */
};

/* A thread at work, or the test itself. */
struct worker {
    unsigned process, thread;
    unsigned first, keys; /* it works on the keys from `first` on */
    bool common;          /* other threads work on them, too: their values keep version 0 */
    bool locked_out;      /* EAGAIN is no failure: a stopped process may have the lock of its key */
    bool tired;           /* it was refused something, and does no more */
    uint64_t seed;
    splinter_store *store;
    struct tally *tally;
    struct item *items; /* by the number of the key */
    uint32_t longest;   /* no value is longer, and `bytes` is that long */
    unsigned char *bytes;
};

/* So many; fewer if SPLINTER_TEST_SHORT or SPLINTER_TEST_DIVISOR asks for that, but no fewer than
 * `least`. */
unsigned many(unsigned times, unsigned least);
/* So many; others if SPLINTER_TEST_LONG is set. */
unsigned more(unsigned times, unsigned if_long);

/* A worker for the calls of the test itself, with items of its own; worker_free(). */
struct worker *worker_make(splinter_store *store, unsigned keys, uint32_t longest);
void worker_free(struct worker *w);
/* No call of it, or of others with the same tally, was refused or failed, and each value was right.
 * What is not so is printed. */
bool tally_is_good(const struct tally *tally);

/* Set the key number k.  True: it was set.  Else that is counted, and the item is as before. */
bool item_set(struct worker *w, unsigned k, uint32_t size);
void item_unset(struct worker *w, unsigned k);
/* Is the value what the item says?  If not, that is counted. */
void item_look(struct worker *w, unsigned k);

/* 1 to most, each doubling as often as any other. */
uint32_t random_size(uint64_t *seed, uint32_t most);

/*
 * Processes that work, and then stay attached, with all of their threads and whatever their lanes
 * keep, until they are dismissed.
 */
#define CREW_MOST 511 /* and the test itself: a store has 512 places */

struct crew {
    int leave[2]; /* everybody waits for the end of this pipe */
    unsigned threads, keys, all_keys, count;
    bool common;
    uint32_t longest;
    const struct place *place;
    void (*work)(struct worker *w);
    struct tally *tally; /* both in shared memory */
    struct item *items;
    struct {
        pid_t pid;
        int done; /* at the end of this pipe the process has done its work, or is dead */
    } member[CREW_MOST];
};

/* Each thread works on `keys` keys of its own, or, if `common`, all threads on the same. */
struct crew *crew_make(const struct place *place, unsigned processes, unsigned threads,
                       unsigned keys, bool common, uint32_t longest);
/* One more process begins to work. */
void crew_hire(struct crew *crew, void (*work)(struct worker *w));
/* Wait until a process has done its work. */
void crew_wait(struct crew *crew, unsigned which);
/* Kill a process, whatever it does. */
void crew_kill(struct crew *crew, unsigned which);
/* Half of them detach in order, half are killed.  True: each ended so. */
bool crew_dismiss(struct crew *crew);
void crew_free(struct crew *crew);

/* Unset every key.  The number of keys that could not be unset. */
unsigned unset_all(splinter_store *store);
/* Unset every key; then no key is there, check finds nothing, and no byte is in use.  What is not
 * so is printed. */
bool leaves_nothing(splinter_store *store);
/* There is so much memory, or space on the disk, for the store. */
bool there_is_memory(const splinter_store *store, uint64_t bytes);

#endif
