/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the groups of test_store, and the store that a test of it works on
 *
 * A test begins with make_store() and ends with end_store().
 */
#ifndef SPLINTER_TEST_STORE_H
#define SPLINTER_TEST_STORE_H

#include "unit.h"

#define SLOTS 64
#define MAX_VALUE 4096

extern struct place place;
extern splinter_store *store;

void make_store(int backing, size_t slots, size_t max_value);
/* What the test did must have left a sound store. */
void end_store(void);

/* These act on `store`. */
int set(const char *key, const char *val);
int set_with(const char *key, const char *val, uint32_t flags, uint64_t if_epoch, uint64_t ttl_ns,
             uint64_t *epoch);
int set_typed(const char *key, const void *val, size_t len, uint32_t type);
struct splinter_meta meta_of(const char *key);
int absent(const char *key);
/* A thread that sets "busy" all the time, until the bool is true; what it returns is an error. */
void *sets_others(void *until);

/* And these on any handle. */
void has(splinter_store *s, const char *key, const char *val);
unsigned walk_count(splinter_store *s, const char *prefix);

/* Each makes the group of its file. */
TCase *open_tests(void);
TCase *access_tests(void);
TCase *value_tests(void);
TCase *condition_tests(void);
TCase *expiry_tests(void);
TCase *ephemeral_tests(void);
TCase *lease_tests(void);
TCase *walk_tests(void);
TCase *wait_tests(void);
TCase *many_tests(void);
TCase *watch_tests(void);
TCase *feed_tests(void);
TCase *topic_tests(void);
TCase *queue_tests(void);
TCase *memory_tests(void);
TCase *model_tests(void);
TCase *path_tests(void);

#endif
