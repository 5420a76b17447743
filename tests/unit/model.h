/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - random calls of a store through several handles, and what each of them should do
 *
 * model.c has what the store should hold, and compares; model_keys.c has the calls that concern a
 * key, model_handles.c those that concern a handle or the whole store; store_model.c mixes them.
 * All that a script does follows from its seed.  A script that finds a mistake prints its seed and
 * the last calls.
 */
#ifndef SPLINTER_TEST_MODEL_H
#define SPLINTER_TEST_MODEL_H

#include "unit.h"

#define MODEL_KEYS 100
#define MODEL_MAX 20000
#define MODEL_HANDLES 5
#define MODEL_LOG 40

/* What a key should be. */
struct model_key {
    char name[SPLINTER_KEY_MAX];
    bool there;
    bool lingers; /* it has expired, or its owner is gone, and perhaps nobody has removed it yet */
    unsigned owner;    /* of an ephemeral key: the handle's number; else 0 */
    uint32_t owner_pid;
    uint32_t type, revision;
    size_t len;
    uint64_t epoch;
    uint64_t end_from, end_to; /* its life ends between these, by CLOCK_BOOTTIME; 0: never */
    unsigned char val[MODEL_MAX];
};

/* What the store should be.  A child of fork() changes it as its parent does. */
struct model {
    uint64_t first_seed, seed; /* that the script began with, and now */
    unsigned keys;             /* that the script knows */
    unsigned slots;
    size_t max;
    unsigned there, lingering; /* how many of the keys are so */
    unsigned holds;
    unsigned owners; /* numbers of handles that were given out */
    uint64_t epoch; /* of the last change whose epoch is known */
    unsigned step;
    char log[MODEL_LOG][200]; /* the last calls; that of a step is at step % MODEL_LOG */
    struct model_key key[MODEL_KEYS];
};

/* A handle.  Each process has its own. */
struct handle {
    splinter_store *store; /* NULL: it is closed */
    bool read_only;
    unsigned holds;
    unsigned number; /* no other handle has it, in this process or another */
};

extern struct model *model; /* in memory that children share */
extern struct handle handles[MODEL_HANDLES];
extern bool model_is_child;

/* A number below n. */
unsigned pick(unsigned n);
bool one_in(unsigned n);
struct handle *pick_handle(void); /* an open one */
uint64_t boot_ns(void);           /* CLOCK_BOOTTIME: ends of life go by it */

/* The call that comes now, for the log; and what it returned. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);
void result_is(int rc, int want);
/* Ends the script: prints the seed, the last calls and this. */
__attribute__((noreturn, format(printf, 1, 2))) void model_wrong(const char *format, ...);

/* A set of the key succeeded, with this epoch; what else is new of it the caller has filled in. */
void model_changed(struct model_key *k, uint64_t epoch);
/* The key was unset, or its life has ended. */
void model_gone(struct model_key *k, bool expired);
/* Those of the handle with that number were closed with it. */
void model_owner_gone(unsigned number);
void model_lingers_not(struct model_key *k);

/* Compare what a call said of a key; of the whole store; and its listing and all its values. */
void meta_is(const struct model_key *k, const struct splinter_meta *meta, uint64_t before);
void stat_is(splinter_store *s);
void listing_is(splinter_store *s, const char *prefix);
void all_is(splinter_store *s);

/* Each makes one call, or a few, and compares. */
void try_set(struct handle *h, struct model_key *k);
void try_append(struct handle *h, struct model_key *k);
void try_touch(struct handle *h, struct model_key *k);
void try_add(struct handle *h, struct model_key *k);
void try_unset(struct handle *h, struct model_key *k);
void try_get(struct handle *h, struct model_key *k);
void try_wait(struct handle *h, struct model_key *k);

void try_whole(struct handle *h); /* sync, trim, sweep, hold, release, check */
void try_handles(struct handle *h); /* open one, close one, close all and open */
void try_snapshot(struct handle *h);

/* A new store, and one handle; and the end of both. */
void model_make(int backing, uint64_t seed);
void model_end(void);

#endif
