/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomic.h - the only place that knows the compiler's atomics; verbs with the order in their name
 *
 * The builtins of gcc and clang are used rather than <stdatomic.h>, so that a shared structure
 * keeps plain types, whose size and alignment layout.h asserts.
 */
#ifndef SPLINTER_ATOMIC_H
#define SPLINTER_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define fetch_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fetch_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_release(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELEASE)
#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* *p: expected -> desired; strong; true if it was done.  *expected gets what was found. */
#define cas_seq_cst(p, expected, desired) \
    __atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/*
 * Order towards a reaper, not towards a running reader: what stands before it is in memory when
 * the process is killed after it.  A kill is precise, and the kernel orders everything the dead
 * process did before the release of its lock; so the compiler alone has to be held.
 */
#define crash_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#else
    crash_order();
#endif
}

/* Raise *p to v, if it is lower. */
static inline void raise_u64(uint64_t *p, uint64_t v)
{
    uint64_t seen = load_relaxed(p);
    while (seen < v && !cas_seq_cst(p, &seen, v))
        ;
}

static inline void raise_u32(uint32_t *p, uint32_t v)
{
    uint32_t seen = load_relaxed(p);
    while (seen < v && !cas_seq_cst(p, &seen, v))
        ;
}

/*
 * Bytes of keys and values, which a reader may copy while a writer zeroes them: the copy counts
 * only after the slot's head was seen unchanged.  All such accesses go through here.
 */
static inline void payload_copy(void *dst, const void *src, size_t n)
{
    memcpy(dst, src, n);
}

static inline bool payload_equal(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

#endif
