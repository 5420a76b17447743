// SPDX-License-Identifier: Apache-2.0
//
// ack.hpp - a cleaner decides whether a change was made whose record another writer has replaced
//
// lib/change.h open_change(); lib/set.c replace(); lib/change.c acknowledge(); lib/recover.c
// finish_change().  Access tags: journal, ack.
//
// The writer dies after it has published.  The kernel releases its lock after all that it did, and
// gives it to the cleaner (lib/registry.c): a release and an acquire of a word of the kernel's.
struct ack_model : rl::test_suite<ack_model, 3> {
    cell<unsigned> current, journal, ack, kernel;

    void before()
    {
        current.begin(1);
        journal.begin(0);
        ack.begin(0);
        kernel.begin(0);
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            unsigned found = 1;
            store(journal, 2u, RELEASE);
            cas(current, found, 2u, order(SEQ_CST, "journal: the swap that publishes"));
            store(kernel, 1u, RELEASE);
        } else if (t == 1) {
            unsigned found = load(current, order(ACQUIRE, "journal: the load of the word"));
            if (found != 2)
                return;
            if (load(journal, RELAXED) == 2 && !without("the acknowledgement")) {
                unsigned expected = load(ack, RELAXED);
                cas(ack, expected, 2u, SEQ_CST);
            }
            cas(current, found, 3u, order(SEQ_CST, "ack: the swap after it"));
        } else if (load(kernel, ACQUIRE)) {
            bool done = load(current, order(ACQUIRE, "ack: the load of the cleaner")) == 2;
            RL_ASSERT(done || load(ack, ACQUIRE) == 2);
        }
    }
};
MODEL(ack, 50000, ack_model,
      "journal: the swap that publishes",
      "journal: the load of the word",
      "the acknowledgement",
      "ack: the swap after it",
      "ack: the load of the cleaner");
