/* SPDX-License-Identifier: Apache-2.0 */
/*
 * perf_value.h - the keys, and values that can be verified
 *
 * A value says which key it belongs to and which version it is, and its body is computed from
 * the two; so a reader needs nothing else to see whether what it got is right.
 */
#ifndef SPLINTER_PERF_VALUE_H
#define SPLINTER_PERF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#define PERF_KEY_SIZE 48

/* On a bus that others use: the process id is part of each key from now on. */
void perf_keys_of_our_own(void);
/* key has PERF_KEY_SIZE bytes. */
void perf_make_key(char *key, uint64_t number);

/* The next of a sequence of random numbers. */
uint64_t perf_mix(uint64_t *state);

struct perf_value {
    uint64_t key, version;
    unsigned char body[]; /* computed from the two; the whole value has the size asked for */
};

void perf_make_value(struct perf_value *v, size_t size, uint64_t key, uint64_t version);
/* What can be wrong with a value that was read. */
enum perf_fault {
    PERF_RIGHT,
    PERF_TORN,    /* not one value: the body is not the one of the key and version it claims */
    PERF_STALE,   /* older than what this reader had seen of this key before */
    PERF_FOREIGN, /* another key's value */
    PERF_MISSING, /* no value, or one of another length, though every key is always set */
    PERF_FAULTS
};
extern const char *const perf_fault_names[PERF_FAULTS];

/* Of what was read for key; last_version: what this reader had seen of it before. */
enum perf_fault perf_verify_value(const struct perf_value *v, size_t size, uint64_t key,
                                  uint64_t last_version);
/* Puts a fault, torn, stale or foreign, into what a reader got; verification must find it. */
void perf_break_value(struct perf_value *v, size_t size, enum perf_fault fault, uint64_t key,
                      uint64_t last_version);

#endif /* SPLINTER_PERF_VALUE_H */
