/* SPDX-License-Identifier: Apache-2.0 */
/* compiler.h - what a function tells the compiler about itself */
#ifndef SPLINTER_COMPILER_H
#define SPLINTER_COMPILER_H

/* Inlined whatever the compiler judges: for steps of a path in which every instruction counts. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Never inlined: code that rarely runs must not cost its caller registers. */
#define NOINLINE __attribute__((noinline))

#endif
