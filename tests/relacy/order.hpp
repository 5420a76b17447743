// SPDX-License-Identifier: Apache-2.0
//
// order.hpp - the verbs of lib/atomic.h for Relacy, and the orders that a model leaves out
//
// Relacy (https://github.com/dvyukov/relacy) runs the threads of a model in random order.  A load
// gets any value that the C++11 memory model allows, of the last three of its location.  C11 has
// the same model, and lib/ asks the compiler for its orders.
//
// Relacy knows sequentially consistent operations among each other, and fences among each other.
// It does not know C++11 29.3p4: a load behind a sequentially consistent fence sees the last
// sequentially consistent store before that fence.  Several protocols of lib/ rest on that.  So a
// cell notes where its first such store stands in the order in which the threads run, and a thread
// notes its fences.  An acquire load of a cell that had such a store before the fence is made as a
// sequentially consistent load.  The models feed, sleep and chunk would not run clean without.
//
// What Relacy does not show: a store that becomes visible before a load that stands before it.  All
// threads run in one order, and a location has its stores in that order.
#ifndef RELACY_ORDER_HPP
#define RELACY_ORDER_HPP

#include <cstring>
#include <relacy/relacy.hpp>

enum { THREADS_MOST = 4 };

static const char *left_out = ""; // the order that this run is without

static bool without(const char *name)
{
    return !std::strcmp(left_out, name);
}

// What lib/ does, or what stands there if the order of this name is left out.
static rl::memory_order order(rl::memory_order ours, const char *name,
                              rl::memory_order weaker = rl::mo_relaxed)
{
    return without(name) ? weaker : ours;
}

static unsigned this_thread(void)
{
    return (unsigned)rl::ctx().threadx_->index_;
}

static unsigned long now;                     // a step in the order in which the threads run
static unsigned long fenced_at[THREADS_MOST]; // the last sequentially consistent fence of each

template <typename T> class cell
{
    rl::atomic<T> value;
    unsigned long ordered_at; // the first sequentially consistent store

    void wrote(rl::memory_order mo)
    {
        if (mo == rl::mo_seq_cst && ordered_at == ~0ul)
            ordered_at = ++now;
    }

public:
    void begin(T v)
    {
        ordered_at = ~0ul;
        value.store(v, rl::mo_relaxed, $);
    }

    T load(rl::memory_order mo, rl::debug_info_param info) const
    {
        if (mo == rl::mo_acquire && ordered_at <= fenced_at[this_thread()])
            mo = rl::mo_seq_cst;
        return value.load(mo, info);
    }

    void store(T v, rl::memory_order mo, rl::debug_info_param info)
    {
        value.store(v, mo, info);
        wrote(mo);
    }

    // The order of a failure is that of lib/atomic.h, or as strong as `mo` allows.
    bool cas(T &expected, T desired, rl::memory_order mo, rl::debug_info_param info)
    {
        bool done = value.compare_exchange_strong(expected, desired, mo, info);
        if (done)
            wrote(mo);
        return done;
    }

    T exchange(T v, rl::memory_order mo, rl::debug_info_param info)
    {
        T before = value.exchange(v, mo, info);
        wrote(mo);
        return before;
    }

    T add(T v, rl::memory_order mo, rl::debug_info_param info)
    {
        T before = value.fetch_add(v, mo, info);
        wrote(mo);
        return before;
    }

    T set_bits(T v, rl::memory_order mo, rl::debug_info_param info)
    {
        T before = value.fetch_or(v, mo, info);
        wrote(mo);
        return before;
    }

    T keep_bits(T v, rl::memory_order mo, rl::debug_info_param info)
    {
        T before = value.fetch_and(v, mo, info);
        wrote(mo);
        return before;
    }
};

static void fence(rl::memory_order mo, rl::debug_info_param info)
{
    rl::atomic_thread_fence(mo, info);
    if (mo == rl::mo_seq_cst)
        fenced_at[this_thread()] = ++now;
}

#define ACQUIRE rl::mo_acquire
#define RELEASE rl::mo_release
#define ACQ_REL rl::mo_acq_rel
#define RELAXED rl::mo_relaxed
#define SEQ_CST rl::mo_seq_cst

// `mo` may be order(ORDER, NAME, WEAKER).
#define load(c, mo) (c).load((mo), $)
#define store(c, v, mo) (c).store((v), (mo), $)
#define cas(c, expected, desired, mo) (c).cas((expected), (desired), (mo), $)
#define exchange(c, v, mo) (c).exchange((v), (mo), $)
#define fetch_add(c, v, mo) (c).add((v), (mo), $)
#define fetch_or(c, v, mo) (c).set_bits((v), (mo), $)
#define fetch_and(c, v, mo) (c).keep_bits((v), (mo), $)

// A fence that is there unless the order of this name is left out.
#define fence_unless(mo, name) \
    do { \
        if (!without(name)) \
            fence((mo), $); \
    } while (0)

#define pause() rl::yield(1, $)

#endif
