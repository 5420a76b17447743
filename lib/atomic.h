/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomic.h - verbs with the memory order in their name
 *
 * This is the only file of lib/ that uses the compiler's atomic builtins.
 *
 * A comment next to an access that orders others has a tag: [>name] at the access that makes
 * something visible (release), [<name] at the one that looks at it (acquire), and [=name] at each
 * access of a pattern in which a store must come before a load (sequentially consistent, at two
 * places or more).  docs/guarantees.md has a table of the names.  A test finds a tag that has only
 * one end.
 *
 * The builtins of gcc and clang stand here instead of <stdatomic.h> because a shared structure then
 * keeps plain types, whose sizes and offsets layout.h asserts.
 */
#ifndef SPLINTER_ATOMIC_H
#define SPLINTER_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
#define exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define fetch_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fetch_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define add_fetch_seq_cst(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define fetch_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or_seq_cst(p, v) __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_release(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELEASE)
#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* fence_seq_cst() for a place where this thread has done a read-modify-write between the two
 * accesses.  On x86 that instruction is the fence (Intel SDM volume 3, "Loads and Stores Are Not
 * Reordered with Locked Instructions"). */
#if defined(__x86_64__) || defined(__i386__)
#define fence_seq_cst_after_rmw() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define fence_seq_cst_after_rmw() fence_seq_cst()
#endif

/* Strong compare-and-swap: if *p equals *expected, store `desired` in *p and return true.
 * Otherwise store the value found in *expected and return false. */
#define cas_seq_cst(p, expected, desired) \
    __atomic_compare_exchange_n((p), (expected), (desired), false, \
                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/*
 * Order towards the cleaner of this process, not towards a running reader: if the process is
 * killed after crash_order(), the cleaner sees the stores that stand before it.  A kill is precise,
 * and the kernel releases the lock of a dead process after everything that the process did.  So
 * only the compiler has to be kept from moving a store.
 */
#define crash_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Start to fetch the cache line of p, which the caller will soon write. */
static inline void prefetch_to_write(const void *p)
{
#if defined(__x86_64__)
    /* For plain x86-64 the compiler turns the builtin into a prefetch to read.  A line that another
     * processor also holds would then be fetched twice.  A 64-bit processor without prefetchw
     * executes it as a no-op. */
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
    __builtin_prefetch(p, 1);
#endif
}

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

/* Raise *p to v if it is lower. */
static inline void raise_u64(uint64_t *p, uint64_t v)
{
    uint64_t expected = load_relaxed(p);
    while (expected < v && !cas_seq_cst(p, &expected, v))
        ;
}

static inline void raise_u32(uint32_t *p, uint32_t v)
{
    uint32_t expected = load_relaxed(p);
    while (expected < v && !cas_seq_cst(p, &expected, v))
        ;
}

/*
 * Bytes of keys and values.  A reader may copy them while a writer zeroes them; the copy counts
 * only if the reader then finds the slot's current word unchanged.  All such accesses go through
 * the functions below.
 *
 * For the C standard, and for ThreadSanitizer, a plain copy that meets a store is a race, whatever
 * happens to the copy afterwards.  So under ThreadSanitizer these functions load and store each
 * word as a relaxed atomic, and every report that remains is about a race that nobody intended.
 */
#if defined(__SANITIZE_THREAD__)
#define PAYLOAD_BY_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAYLOAD_BY_WORDS 1
#endif
#endif

#define PAYLOAD_INLINE 128u /* bytes; up to this length no function is called */

#ifdef PAYLOAD_BY_WORDS
static inline void payload_copy(void *dst, const void *src, size_t n)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    while (n) {
        size_t step = 1;
        if (n >= 8 && (uintptr_t)to % 8 == 0 && (uintptr_t)from % 8 == 0) {
            step = 8;
            uint64_t word = load_relaxed((const uint64_t *)(const void *)from);
            store_relaxed((uint64_t *)(void *)to, word);
        } else {
            store_relaxed(to, load_relaxed(from));
        }
        to += step;
        from += step;
        n -= step;
    }
}

static inline bool payload_equal(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    uint8_t differ = 0;
    for (size_t i = 0; i < n; i++)
        differ |= load_relaxed(x + i) ^ load_relaxed(y + i);
    return !differ;
}

static inline void payload_zero(void *dst, size_t n)
{
    for (uint8_t *to = dst; n; n--)
        store_relaxed(to++, 0);
}
#else
typedef uint64_t payload_piece __attribute__((vector_size(16)));

/*
 * Copies up to PAYLOAD_INLINE bytes without a call, by moves of one size that overlap in the
 * middle.  A call would cost as much as the rest of a get, and would make its caller save
 * registers.
 */
static inline void payload_copy(void *dst, const void *src, size_t n)
{
    char *d = dst, *d_end = d + n;
    const char *s = src, *s_end = s + n;
#define PAYLOAD_MOVE(to, from, type) \
    do { \
        type piece; \
        memcpy(&piece, (from), sizeof piece); \
        memcpy((to), &piece, sizeof piece); \
    } while (0)
    if (n > PAYLOAD_INLINE) {
        memcpy(dst, src, n);
    } else if (n >= 16) {
        if (n > 32) {
            if (n > 64) {
                PAYLOAD_MOVE(d + 32, s + 32, payload_piece);
                PAYLOAD_MOVE(d + 48, s + 48, payload_piece);
                PAYLOAD_MOVE(d_end - 64, s_end - 64, payload_piece);
                PAYLOAD_MOVE(d_end - 48, s_end - 48, payload_piece);
            }
            PAYLOAD_MOVE(d + 16, s + 16, payload_piece);
            PAYLOAD_MOVE(d_end - 32, s_end - 32, payload_piece);
        }
        PAYLOAD_MOVE(d, s, payload_piece);
        PAYLOAD_MOVE(d_end - 16, s_end - 16, payload_piece);
    } else if (n >= 8) {
        PAYLOAD_MOVE(d, s, uint64_t);
        PAYLOAD_MOVE(d_end - 8, s_end - 8, uint64_t);
    } else if (n >= 4) {
        PAYLOAD_MOVE(d, s, uint32_t);
        PAYLOAD_MOVE(d_end - 4, s_end - 4, uint32_t);
    } else if (n) {
        PAYLOAD_MOVE(d + n / 2, s + n / 2, char);
        PAYLOAD_MOVE(d, s, char);
        PAYLOAD_MOVE(d_end - 1, s_end - 1, char);
    }
#undef PAYLOAD_MOVE
}

static inline bool payload_equal(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

/* Inlined at each of its call sites: every common set runs it. */
ALWAYS_INLINE
void payload_zero(void *dst, size_t n)
{
    const payload_piece none = {0, 0};
    char *d = dst, *end = d + n;
    if (n < 64 || n > PAYLOAD_INLINE) {
        memset(dst, 0, n);
        return;
    }
    memcpy(d, &none, 16);
    memcpy(d + 16, &none, 16);
    memcpy(d + 32, &none, 16);
    memcpy(d + 48, &none, 16);
    memcpy(end - 64, &none, 16);
    memcpy(end - 48, &none, 16);
    memcpy(end - 32, &none, 16);
    memcpy(end - 16, &none, 16);
}
#endif

#endif
