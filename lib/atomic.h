/* SPDX-License-Identifier: Apache-2.0 */
/*
 * atomic.h - the only place that knows the compiler's atomics; verbs with the order in their name
 *
 * A comment next to an access that orders others has a tag: [>name] where something is made visible
 * (release), [<name] where it is looked at (acquire), [=name] where a store comes before a load
 * (sequentially consistent, two places or more).  docs/guarantees.md has a table of the names; a test
 * finds those with one end only.
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
#define fetch_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define fetch_and_release(p, v) __atomic_fetch_and((p), (v), __ATOMIC_RELEASE)
#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_seq_cst() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* The same where a read-modify-write of this thread stands between the two accesses to be ordered.  On
 * x86 that is a fence already (Intel SDM volume 3, "Loads and Stores Are Not Reordered with Locked
 * Instructions"). */
#if defined(__x86_64__) || defined(__i386__)
#define fence_seq_cst_after_rmw() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define fence_seq_cst_after_rmw() fence_seq_cst()
#endif

/* *p: expected -> desired; strong; true if it was done.  *expected gets what was found. */
#define cas_seq_cst(p, expected, desired) \
    __atomic_compare_exchange_n((p), (expected), (desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/*
 * Order towards a cleaner, not towards a running reader: what stands before it is in memory when
 * the process is killed after it.  A kill is precise, and the kernel orders everything the dead
 * process did before the release of its lock; so the compiler alone has to be held.
 */
#define crash_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Have the line of p, which is about to be written, fetched while something else is done. */
static inline void prefetch_to_write(const void *p)
{
#if defined(__x86_64__)
    /* What the compiler makes of the builtin for x86-64 as such is a prefetch to read, and a line
     * that another processor has, too, would be fetched a second time.  64-bit processors that
     * do not know this instruction take it for none. */
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
 * only after the slot's current word was seen unchanged.  All such accesses go through here.
 *
 * To the C standard, and to ThreadSanitizer, a plain copy that meets a store is a race, whatever
 * is done with it afterwards.  So under ThreadSanitizer each word is loaded and stored as a
 * relaxed atomic, and every report that is left is one of something that was not meant to race.
 */
#if defined(__SANITIZE_THREAD__)
#define PAYLOAD_BY_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PAYLOAD_BY_WORDS 1
#endif
#endif

#define PAYLOAD_INLINE 128u /* bytes; a caller that excludes more has no call in it */

#ifdef PAYLOAD_BY_WORDS
static inline void payload_copy(void *dst, const void *src, size_t n)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    while (n) {
        size_t step = 1;
        if (n >= 8 && (uintptr_t)to % 8 == 0 && (uintptr_t)from % 8 == 0) {
            step = 8;
            store_relaxed((uint64_t *)(void *)to, load_relaxed((const uint64_t *)(const void *)from));
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
 * Few bytes are copied in line, by moves of one size that overlap in the middle: a call costs as
 * much as the rest of a get, and makes its caller save registers.
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

/* In line also where it is called more than once: it stands in every everyday set. */
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
