/* SPDX-License-Identifier: Apache-2.0 */
/* perf_value.h - the keys, and values that can be verified */
#ifndef SPLINTER_PERF_VALUE_H
#define SPLINTER_PERF_VALUE_H

#include <stdbool.h>
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
/* The body is that of the key and version that it claims. */
bool perf_value_is_whole(const struct perf_value *v, size_t size);

enum perf_fault { PERF_FAULT_NONE, PERF_FAULT_TORN, PERF_FAULT_STALE, PERF_FAULT_FOREIGN };
/* Puts a fault into what a reader got; it must be found. */
void perf_break_value(struct perf_value *v, size_t size, enum perf_fault fault, uint64_t key,
                      uint64_t last_version);

#endif /* SPLINTER_PERF_VALUE_H */
