/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the files of the benchmark share */
#ifndef BENCH_H
#define BENCH_H

#include <math.h>
#include <splinter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SLOTS 50000u
#define MAX_VALUE 4096u
#define KEYS 20000u
#define VALUE 64u

/* What was asked for on the command line. */
extern bool quick, json;
extern const char *left_out; /* a figure that is missing, and why; NULL: none */
extern const char *dir; /* for the stores that are files */

extern bool torn; /* a value was wrong */

/* A message and exit status 2. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *need(void *p);
uint64_t now_ns(void);
uint64_t cpu_ns(void); /* that this thread had a processor */
void sleep_ns(uint64_t ns);
uint64_t rnd(void);
double median(double *v, size_t n);

/* The compiler must assume that the bytes at p are read. */
static inline void used(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* What a floor works on: the hash of a key, a line of the index, a record. */
static inline uint64_t fnv1a(const char *key)
{
    uint64_t h = UINT64_C(14695981039346656037);

    while (*key) {
        h ^= (unsigned char)*key++;
        h *= UINT64_C(1099511628211);
    }
    return h;
}

typedef char key_t16[16];

struct line {
    uint64_t word[8];
};

struct packed_record {
    char key[16];
    char value[VALUE];
};

key_t16 *new_keys(size_t n); /* in order, to be freed */
void shuffle(key_t16 *keys, size_t n);
void *shared(size_t size); /* in pages of the same kind as a store's */
splinter_store *new_store(size_t slots, size_t max_value); /* without a name */

/* report.c: a figure is a ratio, and the two that it is of, in `unit`.  A figure that explains
 * another one has no limit. */
#define NO_LIMIT NAN
void progress(const char *what); /* NULL: over */
void result(const char *name, double ratio, double limit, double ours, double floor,
            const char *unit, bool at_least);
void print_results(void);
void write_plot(FILE *f);

/* room.c */
void bench_first(void);
void bench_again(void);
void bench_large(void);
void bench_sizes(void);

/* writers.c */
void bench_processes(void);
void bench_writers(void);

/* coordination.c */
void bench_feed(void);
void bench_watch(void);
void bench_topic(void);
void bench_queue(void);

/* file.c */
void bench_file_calls(void);
void bench_file_sync(void);
void bench_file_space(void);
void bench_file_rebuild(void);

#endif
