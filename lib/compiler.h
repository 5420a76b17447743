/* SPDX-License-Identifier: Apache-2.0 */
/* compiler.h - what is said to the compiler about a function */
#ifndef SPLINTER_COMPILER_H
#define SPLINTER_COMPILER_H

/* In line, whatever the compiler's own judgement: a step of a path whose every instruction counts. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Never in line: what is rare must not cost registers where it is called from. */
#define NOINLINE __attribute__((noinline))

#endif
