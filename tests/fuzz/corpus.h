/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.h - attacks to begin with */
#ifndef SPLINTER_TEST_CORPUS_H
#define SPLINTER_TEST_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#define SEED_BYTES_MAX 300

/* Seed number n into bytes; its length, or 0 if there are no more. */
size_t corpus_seed(unsigned n, uint8_t bytes[SEED_BYTES_MAX]);

#endif
