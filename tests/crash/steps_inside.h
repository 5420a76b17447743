/* SPDX-License-Identifier: Apache-2.0 */
/* steps_inside.h - where test_steps reaches into the library */
#ifndef SPLINTER_TEST_STEPS_INSIDE_H
#define SPLINTER_TEST_STEPS_INSIDE_H

#include <splinter.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- to look ---- */

extern const uint32_t spares_of_a_lane, bytes_of_a_unit;

/* The size of the block of a value of so many bytes, whose key is short. */
uint32_t block_of(uint32_t len);
uint32_t buckets_of(const splinter_store *s);
uint32_t slots_of(const splinter_store *s);
uint64_t epoch_of(const splinter_store *s);
/* The nth name whose home is this bucket. */
void name_in(splinter_store *s, char name[SPLINTER_KEY_MAX], uint32_t bucket, unsigned n);
/* The blocks of the arena hold this text. */
bool arena_contains(splinter_store *s, const char *text);

/* ---- to leave things as a death or a writer that is slow would ---- */

/* Let go of a store as a death would. */
void abandon(splinter_store *s);
/* The file says that it was open in another kernel. */
void make_torn(const char *path);
/* It says so, or that a rebuild has begun and not ended. */
bool is_torn(const char *path);
/* Every place in the registry looks attached; all but those of these two handles are dead. */
void fill_registry(splinter_store *s, const splinter_store *keeper);
/* Counts are wrong, and known to be. */
void spoil_counts(splinter_store *s);
/* There seem to be as many keys as slots, and it is known that this may be wrong. */
void spoil_keys(splinter_store *s);
/* Every slab seems to have a free block of any class, and to be empty. */
void spoil_hints(splinter_store *s);
/* Each class seems to have more slabs than it may. */
void spoil_slab_counts(splinter_store *s);

/* A topic is half made, and also one half removed, and a message has no topic; their processes are
 * dead.  Returns how many keys that are. */
unsigned leave_topic(splinter_store *s);
unsigned leave_topics(splinter_store *s);
/* False: something of that is still there. */
bool settle_topics(splinter_store *s);

/* The key's record, which `s` has just set, is published, but its change is not closed.
 * Whoever replaces it has to acknowledge that to the writer's cleaner. */
void reopen_change(splinter_store *s, const char *key);
bool change_was_acknowledged(void);
/* The handle has seen all of the file. */
void know_whole_file(splinter_store *s);

/* The handle believes that its file is where a hole is harmless. */
void believe_in_holes(splinter_store *s);

/* The insert lock of a key: the usual way, or as if `s` had looked before another one took it. */
void hold_lock(splinter_store *s, const char *key);
void let_go_of_lock(splinter_store *s, const char *key);
void take_lock_as_well(splinter_store *s, const char *key);
void drop_lock_as_well(splinter_store *s, const char *key);

/* Somebody sleeps on the key, and somebody on anything. */
void mark_sleepers(splinter_store *s, const char *key);

#endif
