/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed.h - what the files of test_listed share: what a call returned, and a store to call
 *
 * Compiled twice: all stores are where the library in question keeps them by default.
 */
#ifndef SPLINTER_TEST_LISTED_H
#define SPLINTER_TEST_LISTED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define FAIL_INSIDE
#include "fail.h"
#include "format.h"
#include "support.h"
#include "tap.h"

#ifdef TEST_PERSISTENT
#define FILES true
#else
#define FILES false
#endif

#define SLOTS 16
#define MAX_VALUE 100000

/* The locks of a store, after lib/registry.c. */
#define LOCK_BASE ((off_t)1 << (sizeof(off_t) == 8 ? 62 : 30))
#define PLACES 512
#define LOCK_OPEN (LOCK_BASE + PLACES + 2)

extern int faults;
extern char name[512], path[600]; /* the store of a scene, and its file */
extern char value[MAX_VALUE + 1];

/* The call, whose name `call` begins with, returned rc: says so, and if it is what was wanted.  No
 * more calls of the library fail after that. */
void returned(int line, const char *call, int rc, int want);
#define GIVES(error, call) returned(__LINE__, #call, (call), -(error))
/* Of the bus verbs. */
#define VERB(call) (errno = 0, (call) < 0 ? -errno : 0)
#define SAYS(error, call) returned(__LINE__, #call, VERB(call), -(error))

/* The end of a scene. */
void done(const char *what);

/* The nth use of something fails, and so do all later ones. */
void fails(enum fail_kind kind, unsigned n, int error);

/* Run `body` as somebody who owns nothing here. */
void as_nobody(void (*body)(void));

/* A store under a new name; one more handle for it; a key in it. */
splinter_store *make(size_t slots, size_t max_value);
splinter_store *again(uint32_t flags);
void set(splinter_store *s, const char *key, size_t len);

/* A file under a new name, with these bytes. */
void write_file(const void *bytes, size_t len);

/* Locks on bytes of the store, until the descriptor is closed; by a description that is nobody's
 * handle. */
int lock(off_t from, off_t count, short type);

/* The places of writers.  The writer that has one locks it to write.  To read, anybody who may read
 * can lock it. */
int lock_places(void);

/* The scenes of listed_open.c. */
void opening(void);

/* The scenes of listed_topic.c; and calls that change something, for a store that the first of them
 * has prepared. */
void topics(void);
void topics_before(splinter_store *s);
int a_topic_made(splinter_store *s);
int a_topic_removed(splinter_store *s);
int a_message(splinter_store *s);
int a_lost_one_read(splinter_store *s);
int a_lost_one_waited_for(splinter_store *s);
int a_lost_one_in_stat(splinter_store *s);

/* The same of listed_queue.c. */
void queues(void);
void queues_before(splinter_store *s);
void item_waits(splinter_store *s, bool free); /* the same; if `free`, nobody has the item */
int a_queue_made(splinter_store *s);
int a_queue_removed(splinter_store *s);
int an_item_pushed(splinter_store *s);
int an_item_taken(splinter_store *s);
int an_item_acknowledged(splinter_store *s);
int an_item_given_back(splinter_store *s);

/* The scenes of listed_lease.c; and calls that change something.  Those that renew and release need
 * a lease that a handle holds, whose token is `lease`. */
#define LEASE_SIZE 50
extern uint64_t lease;
void leases(void);
void lease_before(splinter_store *s);
void lease_of_the_dead(void);
int a_lease_acquired(splinter_store *s);
int a_lease_renewed(splinter_store *s);
int a_lease_released(splinter_store *s);

/* The scenes of listed_watch.c. */
void watches(void);

/* From now on this current word of a slot changes whenever a process reaches the step, or one whose
 * name ends so. */
void flip_at(const char *step, uint64_t *current);

/* This is done when a process reaches the step next; its own steps do not count. */
void act_at(const char *step, void (*act)(void));

#endif
