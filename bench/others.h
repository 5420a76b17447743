/* SPDX-License-Identifier: Apache-2.0 */
/* others.h - what a queue is compared with: a pipe, a POSIX message queue, Redis Streams */
#ifndef BENCH_OTHERS_H
#define BENCH_OTHERS_H

#include <stdint.h>

enum others { PIPE, MQUEUE, REDIS_ONE, REDIS_MANY, OTHERS };
extern const char *const others_name[OTHERS];

/* Starts redis-server, if there is one, on a socket in a folder of its own; and ends it. */
void others_begin(void);
void others_end(void);

/* Million messages of 64 bytes a second, from one process to another; 0 if that is not there. */
double others_rate(unsigned which, uint64_t ns);

#endif
