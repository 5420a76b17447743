/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meanwhile.h - what the files of test_meanwhile share: a call during which somebody else acts
 *
 * The library in here counts its loads of shared memory (tests/fuzz/watch.h), and time passes only
 * when it is looked at.  So a test can let another handle act right before the nth load of a call,
 * for every n, and the same happens on every machine.
 */
#ifndef SPLINTER_TEST_MEANWHILE_H
#define SPLINTER_TEST_MEANWHILE_H

#include <splinter.h>
#include <stdbool.h>
#include <stdint.h>

/* The store of a round, and handles for it. */
extern splinter_store *store, *other, *third;
void round_begin(int backing, size_t slots, size_t max_value, size_t feed);
void round_end(void);
splinter_store *another(uint32_t flags);

/* `what` is done right before the nth load from now on, and has no such event of its own. */
void at_load(uint64_t n, void (*what)(void));
/* A child ends, or dies at its nth load.  True: it has died, which is a moment of the scene. */
bool dies_at_load(uint64_t n, void (*call)(splinter_store *s));

/* Has it been done?  Now it is not any more. */
bool was_done(void);

/* The rounds of a scene: round(n) for n = 1, 2, ..., until what is to happen at its nth load does
 * not happen, as the call has fewer.  Later ones are further apart. */
void rounds(void (*round)(uint64_t n), const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says what is wrong in this round, unless `that`. */
void expect(bool that, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The scenes of the other files. */
void feeds(void);
void topics(void);
void queues(void);
void owners(void);

#endif
