// SPDX-License-Identifier: Apache-2.0
//
// pairs.hpp - the other pairs in which a store must come before a load: hint, keep, chunk-absent

// A block is freed while a lane removes the hint at its slab, in which it has found nothing.
// lib/slab.c slab_hint_free(), slab_unhint() and slab_hint(); lib/arena.c arena_free_block().
struct hint_model : rl::test_suite<hint_model, 2> {
    cell<unsigned> bits, hint;

    void before()
    {
        bits.begin(1);
        hint.begin(1);
    }

    void give_hint()
    {
        if (!load(hint, RELAXED))
            fetch_or(hint, 1u, ACQ_REL);
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            fetch_and(bits, 0u, RELEASE);
            fence_unless(SEQ_CST, "hint: the fence of who frees");
            give_hint();
        } else {
            fetch_and(hint, 0u, ACQ_REL);
            fence_unless(SEQ_CST, "hint: the fence of who removes the hint");
            if (!without("the look after the hint is gone") && !load(bits, RELAXED))
                give_hint();
        }
    }

    void after()
    {
        RL_ASSERT(load(hint, RELAXED));
    }
};
MODEL(hint, 10000, hint_model,
      "hint: the fence of who frees",
      "hint: the fence of who removes the hint",
      "the look after the hint is gone");

// A writer replaces a record while a sync begins that relies on it.  lib/lane.h lane_change_begin()
// and lane_change_end(); lib/change.h must_keep(); lib/sync.c sync_locked() and
// wait_grace_period().
struct keep_model : rl::test_suite<keep_model, 2> {
    cell<unsigned> change_seq, keep;
    rl::var<unsigned> record; // that the sync reads after the grace period

    void before()
    {
        change_seq.begin(0);
        keep.begin(0);
        record($) = 1;
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            store(change_seq, 1u, RELAXED);
            fence_unless(SEQ_CST, "keep: the fence of the writer");
            if (load(keep, ACQUIRE) < 1)
                record($) = 0;
            store(change_seq, 2u, order(RELEASE, "change-seq: the end of the change"));
        } else {
            store(keep, 1u, SEQ_CST);
            fence_unless(SEQ_CST, "keep: the fence of the sync");
            while (!without("the grace period") &&
                   load(change_seq, order(ACQUIRE, "change-seq: the load of the sync")) == 1)
                pause();
            (void)(unsigned)record($);
        }
    }
};
MODEL(keep, 10000, keep_model,
      "keep: the fence of the writer",
      "keep: the fence of the sync",
      "the grace period",
      "change-seq: the end of the change",
      "change-seq: the load of the sync");

// A key of a topic is made in a chunk that was absent while the topic is removed.  lib/index.c
// index_ensure(); lib/insert.c insert_locked(), only_while; lib/unset.c key_unset(), in_any_case.
struct chunk_model : rl::test_suite<chunk_model, 2> {
    cell<unsigned> map, topic;
    bool inserted, absent;

    void before()
    {
        map.begin(0);
        topic.begin(1);
        inserted = absent = false;
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            fetch_or(map, 1u, order(SEQ_CST, "chunk-absent: the bit of the map", ACQ_REL));
            inserted = load(topic, order(SEQ_CST, "chunk-absent: the look at the topic",
                                         ACQUIRE)) == 1;
        } else {
            unsigned found = 1;
            cas(topic, found, 2u, SEQ_CST);
            fence_unless(SEQ_CST, "chunk-absent: the fence of who removes");
            absent = !load(map, ACQUIRE);
        }
    }

    void after()
    {
        RL_ASSERT(!(inserted && absent));
    }
};
MODEL(chunk, 10000, chunk_model,
      "chunk-absent: the bit of the map",
      "chunk-absent: the look at the topic",
      "chunk-absent: the fence of who removes");
