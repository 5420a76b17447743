// SPDX-License-Identifier: Apache-2.0
//
// insert.hpp - a key is inserted into a slot that another key has left
//
// lib/insert.c claim_slot(); lib/unset.c unset_found(); lib/index.h slot_with_hash() and
// index_find().  Access tags: visible, publish, unlinked.
//
// The slot begins with key 1, which a writer unsets.  That writer inserts key 2, another one key 3;
// one of them gets the slot.  A reader looks for both by the hash, and then as the handle of a
// topic does, which knows the slot (lib/message.c glance(), lib/position.c record_in()).  That a
// key is inserted once is the work of its lock (lock.hpp).
struct insert_model : rl::test_suite<insert_model, 3> {
    cell<unsigned> hash, current;  // current: epoch << 4 | block
    cell<unsigned> block[3][2];    // key, value: both are the number of the key
    cell<unsigned> epoch;

    void before()
    {
        hash.begin(1);
        current.begin(1 << 4);
        epoch.begin(1);
        for (unsigned b = 0; b < 3; b++)
            for (unsigned w = 0; w < 2; w++)
                block[b][w].begin(b ? 0 : 1);
    }

    void insert(unsigned key)
    {
        unsigned vacant = 0, spare = key - 1;
        fence(RELEASE, $);
        store(block[spare][0], key, RELAXED);
        store(block[spare][1], key, RELAXED);
        if (load(current, RELAXED))
            return;
        unsigned becomes = (fetch_add(epoch, 1u, SEQ_CST) + 1) << 4 | spare;
        if (without("the claim"))
            store(current, becomes, SEQ_CST);
        else if (!cas(current, vacant, becomes, order(SEQ_CST, "publish: the claim")))
            return;
        store(hash, key, order(SEQ_CST, "visible: the store of the hash"));
    }

    void look_for(unsigned key)
    {
        if (load(hash, order(ACQUIRE, "visible: the load of the hash")) != key)
            return;
        unsigned found = load(current, ACQUIRE);
        RL_ASSERT((found & 15) == key - 1); // not what stood there before: nobody unsets the key
        read(found);
    }

    void read(unsigned found)
    {
        unsigned key = (found & 15) + 1;
        unsigned name = load(block[found & 15][0], RELAXED);
        unsigned value = load(block[found & 15][1], RELAXED);
        fence(ACQUIRE, $);
        if (load(current, RELAXED) == found)
            RL_ASSERT(name == key && value == key);
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            unsigned found = load(current, ACQUIRE);
            if (cas(current, found, 0u, SEQ_CST)) {
                fence(RELEASE, $);
                store(block[0][0], 0u, RELAXED);
                store(block[0][1], 0u, RELAXED);
            }
            insert(2);
        } else if (t == 1) {
            insert(3);
        } else {
            look_for(2);
            look_for(3);
            unsigned found = load(current, order(ACQUIRE, "publish: the load of the current word"));
            if (found)
                read(found);
        }
    }

    void after()
    {
        unsigned key = load(hash, RELAXED), found = load(current, RELAXED);
        RL_ASSERT(!found || key == (found & 15) + 1);
    }
};
MODEL(insert, 30000, insert_model,
      "visible: the store of the hash",
      "visible: the load of the hash",
      "publish: the claim",
      "publish: the load of the current word",
      "the claim");
