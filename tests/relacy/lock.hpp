// SPDX-License-Identifier: Apache-2.0
//
// lock.hpp - the insert lock: a bucket has two words, and a key has at most one of them
//
// lib/lock.c try_lock() and key_unlock().  Access tags: lock, two-words.  The swap acquires as
// well, but so do the loads before it, and it cannot be sequentially consistent without; so that is
// not left out alone.
//
// Two threads want the lock of key 1, and do something under it.  A third one holds word 0 for key
// 2 as all begin, and frees it, so that the two find different words free.
struct lock_model : rl::test_suite<lock_model, 3> {
    cell<unsigned> word[2]; // key << 4 | holder
    rl::var<unsigned> done; // under the lock of key 1: two at once are a race

    void before()
    {
        word[0].begin(2 << 4 | 3);
        word[1].begin(0);
        done($) = 0;
    }

    bool try_lock(unsigned mine)
    {
        unsigned seen[2] = {load(word[0], ACQUIRE), load(word[1], ACQUIRE)};
        for (unsigned i = 0; i < 2; i++)
            if (seen[i] >> 4 == mine >> 4)
                return false;
        for (unsigned i = 0; i < 2; i++) {
            unsigned expected = 0;
            if (seen[i] || !cas(word[i], expected, mine,
                                order(SEQ_CST, "two-words: the swap", ACQ_REL)))
                continue;
            if (without("the look at the other word"))
                return true;
            unsigned other = load(word[!i], order(SEQ_CST, "two-words: the load of the other",
                                                  ACQUIRE));
            if (other >> 4 == mine >> 4) {
                store(word[i], 0u, RELEASE);
                return false;
            }
            return true;
        }
        return false;
    }

    void unlock(unsigned mine)
    {
        for (unsigned i = 0; i < 2; i++)
            if (load(word[i], RELAXED) == mine)
                store(word[i], 0u, order(RELEASE, "lock: the store that frees"));
    }

    void thread(unsigned t)
    {
        if (t == 2) {
            unlock(2 << 4 | 3);
            return;
        }
        unsigned mine = 1 << 4 | (t + 1);
        for (unsigned tries = 0; tries < 3; tries++, pause())
            if (try_lock(mine)) {
                done($) = done($) + 1;
                unlock(mine);
            }
    }
};
MODEL(lock, 30000, lock_model,
      "two-words: the swap",
      "two-words: the load of the other",
      "the look at the other word",
      "lock: the store that frees");
