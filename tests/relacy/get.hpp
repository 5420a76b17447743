// SPDX-License-Identifier: Apache-2.0
//
// get.hpp - a get, and writers that replace the record, and use its block again
//
// lib/get.c get_fast(), lib/index.h index_find() and still_current(); lib/set.c write_record() and
// replace(); lib/change.h recycle(); lib/arena.c arena_free_block() and take_block().  Access tags:
// publish, unlinked, free.
//
// One writer updates key 0, and frees the old block.  Another writer gets that block for key 1, and
// updates it once more with the spare that it then has.  A reader gets key 0 twice.  The words of a
// record are loaded and stored as under ThreadSanitizer (lib/atomic.h, PAYLOAD_BY_WORDS), relaxed.
//
// Left out: the hash of the slot (insert.hpp), the journal, hints.
struct get_model : rl::test_suite<get_model, 3> {
    enum { WORDS = 2, BLOCKS = 3 };
    cell<unsigned> current[2]; // of two keys: epoch << 4 | block
    cell<unsigned> epoch, bits;
    cell<unsigned> block[BLOCKS][WORDS]; // each word is the epoch of the record; 0: zeroed
    rl::var<unsigned> mine[BLOCKS];      // written by who has the block: two at once are a race

    void before()
    {
        epoch.begin(2);
        bits.begin(3); // blocks 0 and 1 are in use
        for (unsigned k = 0; k < 2; k++)
            current[k].begin((k + 1) << 4 | (k ? 2 : 0));
        for (unsigned b = 0; b < BLOCKS; b++)
            for (unsigned w = 0; w < WORDS; w++)
                block[b][w].begin(b == 0 ? 1 : b == 2 ? 2 : 0);
        for (unsigned b = 0; b < BLOCKS; b++)
            mine[b]($) = 0;
    }

    // Returns the old block, zeroed.
    unsigned update(unsigned key, unsigned spare)
    {
        unsigned found = load(current[key], ACQUIRE);
        fence_unless(RELEASE, "unlinked: before a record is written");
        unsigned e = fetch_add(epoch, 1u, SEQ_CST) + 1;
        mine[spare]($) = e;
        for (unsigned w = 0; w < WORDS; w++)
            store(block[spare][w], e, RELAXED);
        RL_ASSERT(cas(current[key], found, e << 4 | spare,
                      order(SEQ_CST, "publish: the swap of the current word")));
        unsigned old = found & 15;
        fence_unless(RELEASE, "unlinked: before a record is zeroed");
        mine[old]($) = 0;
        for (unsigned w = 0; w < WORDS; w++)
            store(block[old][w], 0u, RELAXED);
        return old;
    }

    void get()
    {
        unsigned found = load(current[0], order(ACQUIRE, "publish: the load of the current word"));
        unsigned seen[WORDS];
        for (unsigned w = 0; w < WORDS; w++)
            seen[w] = load(block[found & 15][w], RELAXED);
        fence_unless(ACQUIRE, "unlinked: after a record was copied");
        if (!without("the second look at the current word") &&
            load(current[0], RELAXED) != found)
            return;
        for (unsigned w = 0; w < WORDS; w++)
            RL_ASSERT(seen[w] == found >> 4);
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            unsigned old = update(0, 1);
            fetch_and(bits, ~(1u << old), order(RELEASE, "free: the clearing of the bit"));
        } else if (t == 1) {
            for (unsigned i = 0; i < 4; i++, pause()) {
                unsigned used = load(bits, order(ACQUIRE, "free: the load of the bits"));
                if (used & 1)
                    continue;
                mine[0]($) = 1; // name_block(): the lane's number, before the bit is set
                fetch_or(bits, 1u, ACQ_REL);
                unsigned spare = update(1, 0);
                update(1, spare);
                break;
            }
        } else {
            get();
            get();
        }
    }
};
MODEL(get, 30000, get_model,
      "publish: the swap of the current word",
      "publish: the load of the current word",
      "unlinked: before a record is written",
      "unlinked: before a record is zeroed",
      "unlinked: after a record was copied",
      "the second look at the current word",
      "free: the clearing of the bit",
      "free: the load of the bits");
