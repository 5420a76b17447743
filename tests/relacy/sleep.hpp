// SPDX-License-Identifier: Apache-2.0
//
// sleep.hpp - waiters that sleep, and writers that wake them
//
// lib/wake.c wake_ask() and wake(); lib/change.h announce(); lib/wait.c sleep_on_key() and
// wait_above().  Access tag: sleep.
//
// A writer changes the key once.  Two waiters wait for that, on the same futex word, and one waits
// for the epoch of the store.  Nobody may be asleep in the end: the slice of 0.1 s after which a
// waiter looks again is for writers that die, and is not there.
//
// futex(2) compares the word and goes to sleep in one step, and a wake is one step, for the kernel
// holds a lock over each.
struct sleep_model : rl::test_suite<sleep_model, 4> {
    cell<unsigned> current, epoch, wait, any_wait;
    cell<unsigned> *asleep[4]; // on which word each thread sleeps

    void before()
    {
        current.begin(0);
        epoch.begin(0);
        wait.begin(0);
        any_wait.begin(0);
        for (unsigned t = 0; t < 4; t++)
            asleep[t] = NULL;
    }

    void wake(cell<unsigned> &word)
    {
        unsigned expected = load(word, SEQ_CST);
        unsigned step = without("the generation") ? 0 : 2;
        while (expected & 1)
            if (cas(word, expected, (expected & ~1u) + step, SEQ_CST)) {
                load(word, RELAXED); // others may run between the swap and the system call
                for (unsigned t = 0; t < 4; t++)
                    if (asleep[t] == &word)
                        asleep[t] = NULL;
                return;
            }
    }

    void change()
    {
        unsigned found = load(current, ACQUIRE);
        cas(current, found, found + 1, order(SEQ_CST, "sleep: the swap of the current word",
                                             ACQ_REL));
        fetch_add(epoch, 1u, order(SEQ_CST, "sleep: the step of the epoch", ACQ_REL));
        if (load(wait, order(SEQ_CST, "sleep: the load of the key's word", ACQUIRE)) & 1)
            wake(wait);
        if (load(any_wait, order(SEQ_CST, "sleep: the load of the store's word", ACQUIRE)) & 1)
            wake(any_wait);
    }

    void wait_for(cell<unsigned> &what, cell<unsigned> &word)
    {
        for (unsigned i = 0; i < 3; i++) {
            if (load(what, ACQUIRE))
                return;
            unsigned expected = load(word, RELAXED);
            while (!(expected & 1) && !cas(word, expected, expected | 1, SEQ_CST))
                ;
            expected |= 1;
            fence_unless(SEQ_CST, "sleep: the fence of the waiter");
            if (!without("the look after the bit") && load(what, ACQUIRE))
                return;
            if (fetch_add(word, 0u, RELAXED) == expected) {
                asleep[this_thread()] = &word;
                return;
            }
        }
    }

    void thread(unsigned t)
    {
        if (t == 0)
            change();
        else if (t == 3)
            wait_for(epoch, any_wait);
        else
            wait_for(current, wait);
    }

    void after()
    {
        for (unsigned t = 0; t < 4; t++)
            RL_ASSERT(!asleep[t]);
    }
};
MODEL(sleep, 100000, sleep_model,
      "sleep: the swap of the current word",
      "sleep: the step of the epoch",
      "sleep: the load of the key's word",
      "sleep: the load of the store's word",
      "sleep: the fence of the waiter",
      "the look after the bit",
      "the generation");
