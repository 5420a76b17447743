/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - what the files of the benchmark share */
#ifndef BENCH_H
#define BENCH_H

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
extern const char *dir; /* for the stores that are files */

extern bool torn; /* a value was wrong */

/* A message and exit status 2. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
void *need(void *p);
uint64_t now_ns(void);
uint64_t rnd(void);
double median(double *v, size_t n);

/* report.c: a figure is a ratio, and the two that it is of, in `unit`. */
void progress(const char *what); /* NULL: over */
void result(const char *name, double ratio, double limit, double ours, double floor,
            const char *unit, bool at_least);
void print_results(void);
void write_plot(FILE *f);

/* file.c */
void bench_file_calls(void);
void bench_file_sync(void);
void bench_file_space(void);
void bench_file_rebuild(void);

#endif
