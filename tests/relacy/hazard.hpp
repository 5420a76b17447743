// SPDX-License-Identifier: Apache-2.0
//
// hazard.hpp - a call uses the store of the process, and another thread closes it
//
// lib/default.c enter(), leave() and replace(); lib/hazard.c hazard_drain().  Access tag: hazard.
//
// This is the way without membarrier(2).  With it, the thread has no fence: the call makes each
// thread of the process pass one (membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED), so the kernel
// is in the place of the fence in enter().  Relacy cannot show that.
struct hazard_model : rl::test_suite<hazard_model, 2> {
    cell<unsigned> current, used;
    rl::var<unsigned> mapped;

    void before()
    {
        current.begin(1);
        used.begin(0);
        mapped($) = 1;
    }

    void call()
    {
        unsigned s;
        for (;;) {
            s = load(current, ACQUIRE);
            store(used, s, RELAXED);
            fence_unless(SEQ_CST, "hazard: the fence of the call");
            if (without("the second look at the current store") || load(current, ACQUIRE) == s)
                break;
            pause();
        }
        if (s)
            RL_ASSERT(mapped($) == 1);
        store(used, 0u, order(RELEASE, "hazard: the end of the call"));
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            call();
            call();
        } else {
            unsigned old = exchange(current, 0u, SEQ_CST);
            fence_unless(SEQ_CST, "hazard: the fence of who closes");
            while (load(used, order(ACQUIRE, "hazard: the load of what is used")) == old)
                pause();
            mapped($) = 0;
        }
    }
};
MODEL(hazard, 30000, hazard_model,
      "hazard: the fence of the call",
      "hazard: the fence of who closes",
      "the second look at the current store",
      "hazard: the end of the call",
      "hazard: the load of what is used");
