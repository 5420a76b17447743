/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.h - what the files of test_steps share
 *
 *     test_steps.c      the command line, and what is reported
 *     steps_harness.c   forks a process, kills it at a step, and has others look at what is left
 *     steps_survive.c   what these others do, and what they must find
 *     steps_items.c     what the store should hold, and how most scenes begin
 *     steps_changes.c   scenes: one key is changed
 *     steps_room.c      scenes: the store is full, or blocks are short
 *     steps_handles.c   scenes: open, close, wait, a child of fork
 *     steps_files.c     scenes: stores in files alone
 *     steps_owners.c    scenes: ephemeral keys
 *     steps_others.c    scenes: others interfere
 *     steps_topics.c    scenes: a topic is made, published to, removed
 *     steps_queues.c    scenes: an item is pushed, taken, acknowledged, given back
 *     steps_inside.c    all that reaches into the library
 */
#ifndef SPLINTER_TEST_STEPS_H
#define SPLINTER_TEST_STEPS_H

#include "support.h"

#define MAX_VALUE 12000 /* a block of its own */
#define LONG_VALUE 4096 /* the longest in the other scenes */

/* ---- what the store should hold: steps_items.c ---- */

#define ITEMS 12

struct item {
    char key[SPLINTER_KEY_MAX];
    bool there, free; /* free: the operation may leave anything there */
    uint32_t len;
    unsigned char bytes[MAX_VALUE];
};

/* The operation is on item 0; it may leave it as `after`.  The others never change. */
extern struct item items[ITEMS], after;
extern unsigned item_count;

void fill(struct item *item, char with, uint32_t len);
void no_more(struct item *item);
/* With a life or a flag a set is slow in any case; if it asks for nothing, slow_sets decides. */
int set_item(splinter_store *s, const struct item *item, uint64_t ttl_ns, uint32_t flags);
/* One more item, the nth name whose home is this bucket; it is set if len is not 0. */
struct item *add_item(splinter_store *s, uint32_t bucket, unsigned n, uint32_t len);
/* Neighbours in the same bucket, in the one before and the one behind. */
void neighbours(splinter_store *s, uint32_t bucket);

/* How more than one file of scenes begins: with a key that is not there, or is there. */
void absent_first(splinter_store *s);
void absent_with_playthings(splinter_store *s);
void present_first(splinter_store *s);
void present_small(splinter_store *s);
void present_wrapped(splinter_store *s);
void present_last(splinter_store *s);
void present_goes(splinter_store *s);
void present_stays(splinter_store *s);
void with_playthings(splinter_store *s);

/* And what it does. */
int act_set(splinter_store *s);
int act_unset(splinter_store *s);
int act_open(splinter_store *s);

/* ---- scenes ---- */

#define INHERIT 1u   /* by a child on its parent's handle */
#define OPENS 2u     /* the operation opens the store itself: it gets no handle */
#define LONG 4u      /* many steps, much the same: nobody dies at most of the later ones */
#define SLOW 8u      /* takes its time: cleaners do not die */
#define MAY_FAIL 16u /* the result is not looked at */
#define DURABLE 32u  /* of stores in files alone */
#define ALONE 64u    /* nobody else has the store open */
#define TORN 128u    /* and it was left by a power cut */
#define TOPIC 512u   /* of a topic */
#define LEFT 1024u   /* topics are left half made */
#define QUEUE 2048u  /* of a queue */
#define FAST 256u    /* a set of it takes the fast path, unless every set is slow */

struct scene {
    const char *name;
    unsigned slots; /* 0: SLOTS_DEFAULT */
    void (*prepare)(splinter_store *s);
    int (*act)(splinter_store *s);
    int want; /* what act returns, if it lives */
    unsigned flags;
    void (*interfere)(const char *step); /* called at each step of act */
};

#define SLOTS_DEFAULT 16 /* 9 buckets, 27 places */

/* For scenes in which the key changes between the look at it and the compare-and-swap. */
void other_updates(const char *step);

/* Lists, each of which ends with a scene without a name. */
extern const struct scene change_scenes[], room_scenes[], handle_scenes[], file_scenes[],
    owner_scenes[], other_scenes[], topic_scenes[], queue_scenes[];

/* ---- the harness: steps_harness.c ---- */

#define WATCHDOG 60 /* seconds; a case takes milliseconds */

/* Memory of its own that the dying tell in. */
struct board {
    char last[80];  /* the step at which the last one died */
    int acked;      /* the operation came back ... */
    int result;     /* ... with this */
    int plain_sets; /* sets of the operation that asked for nothing; since the scene began */
    int fast_sets;  /* those of them that took the fast path, if only at first */
};

extern struct board *board;
extern const struct scene *scene; /* the one that is played */
extern int backing;
extern struct place place;
extern splinter_store *keeper; /* attached all the time, and alive */
extern splinter_store *second; /* of the dying process, to interfere with itself */
extern bool slow_sets;         /* every set takes the slow path */
extern unsigned stride;        /* 1: each step is played, with both ways to prepare a store */
extern unsigned armed;         /* steps are counted */
extern unsigned interfered;    /* how often; counted by the scene */
extern int failures;           /* in this process */

/* Begin.  False: two steps have one name. */
bool harness_start(int in_backing);
/* Says what is wrong; the case fails. */
__attribute__((format(printf, 1, 2))) void fault(const char *format, ...);
/* Deaths at every step, or at every other; one in `every` is cleaned up after by processes that die
 * as well; 0: none.  The number of deaths; that of dead cleaners is added to `twice`. */
unsigned play(const struct scene *what, bool by_keeper, unsigned every, unsigned *twice);
/* A creator dies at every step: it leaves a whole store or none, and is in nobody's way.  Also on
 * a file system that has no O_TMPFILE.  The number of deaths. */
unsigned play_creation(const struct scene *what, bool without_tmpfile);
/* The number of steps at which nobody has died; they are printed. */
unsigned unreached_steps(unsigned *of_steps);

/* ---- topics: steps_topics.c ---- */

/* What a survivor of a scene of a topic does: read it, publish to it.  Makes it if it is gone.
 * Returns how many keys of the store are the topic's. */
unsigned use_the_topic(splinter_store *reads, splinter_store *s);
/* And at the end. */
void remove_the_topic(splinter_store *s);

/* ---- queues: steps_queues.c ---- */

/* The same of a scene of a queue: take all that is there, and see that nothing is lost. */
unsigned use_the_queue(splinter_store *reads, splinter_store *s);
void remove_the_queue(splinter_store *s);

/* ---- the survivors: steps_survive.c ---- */

/* Read, wait, set, unset and set again that key and its neighbours; the number of failures.
 * `seen` is 1 if the change was seen, or acknowledged, and may not go away. */
int survive(bool with_waiter, int *seen);
void check_all(splinter_store *s, const char *when);

#endif
