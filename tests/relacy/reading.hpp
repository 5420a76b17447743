// SPDX-License-Identifier: Apache-2.0
//
// reading.hpp - a reader says which block it copies, and memory of free blocks goes
//
// lib/reading.c say(), reading_copy() and reading_blocks(); lib/trim.c trim_large(); lib/arena.c
// arena_free_block().  Access tags: reading, copied.  get.hpp has the tag free: here the model
// would run clean without, as Relacy lets no store pass an earlier one.
//
// The bytes are a plain variable: a reader that copies them while their memory goes is a race.  The
// kernel sees to it that the hole is there when fallocate(2) returns.
struct reading_model : rl::test_suite<reading_model, 3> {
    cell<unsigned> current, bits, word;
    rl::var<unsigned> memory;

    void before()
    {
        current.begin(1 << 4);
        bits.begin(1);
        word.begin(0);
        memory($) = 1;
    }

    void thread(unsigned t)
    {
        if (t == 0) { // unsets the key, and frees block 0
            unsigned found = load(current, ACQUIRE);
            cas(current, found, 0u, SEQ_CST);
            fetch_and(bits, ~1u, RELEASE);
        } else if (t == 1) { // gives memory back
            if (load(bits, ACQUIRE) & 1)
                return;
            fence_unless(SEQ_CST, "reading: the fence of who gives memory back");
            if (!load(word, order(ACQUIRE, "copied: the load of the word")))
                memory($) = 0;
        } else { // copies
            unsigned nobody = 0, found = load(current, ACQUIRE);
            if (!found || !cas(word, nobody, 1u, SEQ_CST))
                return;
            fence_unless(SEQ_CST, "reading: the fence of the reader");
            if (without("the look at the current word") || load(current, ACQUIRE) == found)
                RL_ASSERT(memory($) == 1);
            store(word, 0u, order(RELEASE, "copied: the store of 0"));
        }
    }
};
MODEL(reading, 30000, reading_model,
      "reading: the fence of the reader",
      "reading: the fence of who gives memory back",
      "the look at the current word",
      "copied: the store of 0",
      "copied: the load of the word");
