// SPDX-License-Identifier: Apache-2.0
//
// feed.hpp - writers that describe and number their changes, and followers that read them
//
// lib/feed.c feed_prepare() and feed_tell(); lib/rings.c word_at(), take(), over_of(), give_up()
// and look_again().  Access tags: over-written, skipped.
//
// A lane whose ring has two lines makes three changes, so that it goes round; another lane makes
// one.  A follower reads them in the order of their numbers, and passes a number that is not there
// after it has raised `skipped` and looked once more.  It looks through the rings each time, where
// the library remembers places.
//
// Not left out: the release of `over`, for the fence behind it orders as much for who reads the
// line; and the order in which `skipped` is raised, for a fence follows.
struct feed_model : rl::test_suite<feed_model, 4> {
    enum { LANES = 2, LINES = 2, NUMBERS = 16 };
    cell<unsigned> published, skipped, over[LANES];
    cell<unsigned> word[LANES][LINES];    // the number
    cell<unsigned> body[LANES][LINES][2]; // the change, twice
    unsigned next[LANES];
    unsigned change_of[NUMBERS]; // which change got the number last; what really happened
    bool counts[NUMBERS];        // and the writer stayed with it
    bool told[2][NUMBERS], lost[2][NUMBERS];
    unsigned at[2]; // of each follower

    void before()
    {
        published.begin(0);
        skipped.begin(0);
        for (unsigned l = 0; l < LANES; l++) {
            over[l].begin(0);
            next[l] = 0;
            for (unsigned i = 0; i < LINES; i++) {
                word[l][i].begin(0);
                body[l][i][0].begin(0);
                body[l][i][1].begin(0);
            }
        }
        for (unsigned n = 0; n < NUMBERS; n++)
            change_of[n] = counts[n] = told[0][n] = told[1][n] = lost[0][n] = lost[1][n] = 0;
        at[0] = at[1] = 0;
    }

    void change(unsigned l, unsigned what)
    {
        unsigned line = next[l] % LINES, had = load(word[l][line], RELAXED);
        unsigned raised = load(over[l], RELAXED);
        store(over[l], had > raised ? had : raised, RELEASE);
        fence_unless(RELEASE, "over-written: before a line is written");
        store(body[l][line][0], what, RELAXED);
        store(body[l][line][1], what, RELAXED);
        for (;;) {
            unsigned n = fetch_add(published, 1u, SEQ_CST) + 1;
            change_of[n] = what;
            exchange(word[l][line], n,
                     order(SEQ_CST, "skipped: the exchange of the word", ACQ_REL));
            if (load(skipped, order(SEQ_CST, "skipped: the load of the writer", ACQUIRE)) < n) {
                counts[n] = true;
                break;
            }
        }
        next[l]++;
    }

    unsigned over_of(unsigned l)
    {
        unsigned o = load(over[l], ACQUIRE);
        return o <= load(published, RELAXED) ? o : 0;
    }

    void tell_gap(unsigned f, unsigned to)
    {
        while (at[f] < to)
            lost[f][++at[f]] = true;
    }

    // Looks for the next number.  True: the follower has got on.
    bool look(unsigned f)
    {
        fence_unless(SEQ_CST, "skipped: the fence of the follower");
        for (unsigned l = 0; l < LANES; l++) {
            for (unsigned i = 0; i < LINES; i++) {
                unsigned n = load(word[l][i], ACQUIRE);
                if (n != at[f] + 1)
                    continue;
                unsigned seen[2] = {load(body[l][i][0], RELAXED), load(body[l][i][1], RELAXED)};
                fence_unless(ACQUIRE, "over-written: after a line was read");
                if (!without("the look at what is overwritten") && over_of(l) >= n)
                    break;
                RL_ASSERT(seen[0] == change_of[n] && seen[1] == change_of[n]);
                told[f][n] = true;
                at[f]++;
                return true;
            }
            unsigned o = over_of(l);
            if (o > at[f]) {
                tell_gap(f, o);
                return true;
            }
        }
        return false;
    }

    void follow(unsigned f)
    {
        for (unsigned i = 0; i < 5; i++, pause()) {
            if (at[f] >= load(published, SEQ_CST) || look(f))
                continue;
            if (load(skipped, SEQ_CST) <= at[f]) {
                unsigned expected = load(skipped, RELAXED);
                while (expected < at[f] + 1 && !cas(skipped, expected, at[f] + 1, SEQ_CST))
                    ;
            }
            if (without("the look after `skipped` was raised") || !look(f))
                at[f]++;
        }
    }

    void thread(unsigned t)
    {
        if (t == 0)
            for (unsigned i = 1; i <= 3; i++)
                change(0, i);
        else if (t == 1)
            change(1, 4);
        else
            follow(t - 2);
    }

    void after()
    {
        for (unsigned f = 0; f < 2; f++)
            for (unsigned n = 1; n <= at[f]; n++)
                RL_ASSERT(!counts[n] || told[f][n] || lost[f][n]);
    }
};
MODEL(feed, 100000, feed_model,
      "over-written: before a line is written",
      "over-written: after a line was read",
      "the look at what is overwritten",
      "skipped: the exchange of the word",
      "skipped: the load of the writer",
      "skipped: the fence of the follower",
      "the look after `skipped` was raised");

// One change, and a follower that is told of it and looks at the key at once.  Access tag: number.
// lib/feed.c feed_prepare() and feed_tell(); lib/rings.c word_at() and read_line().
struct number_model : rl::test_suite<number_model, 2> {
    cell<unsigned> current, over, word, body;

    void before()
    {
        current.begin(0);
        over.begin(0);
        word.begin(0);
        body.begin(0);
    }

    void thread(unsigned t)
    {
        if (t == 0) {
            unsigned found = 0;
            store(over, 0u, RELEASE);
            fence(RELEASE, $);
            store(body, 1u, RELAXED);
            cas(current, found, 1u, SEQ_CST);
            exchange(word, 1u, order(SEQ_CST, "number: the exchange of the word"));
        } else if (load(word, order(ACQUIRE, "number: the load of the word"))) {
            RL_ASSERT(load(body, RELAXED) == 1);
            RL_ASSERT(load(current, ACQUIRE) == 1);
        }
    }
};
MODEL(number, 10000, number_model,
      "number: the exchange of the word",
      "number: the load of the word");

// Two writers change one key, and number their changes.  lib/feed.c feed_tell(): the number is
// taken after the change is visible, and before the look whether it is still the latest one.  Any
// order would do: both writers step `published`, and both swap the current word.
struct old_model : rl::test_suite<old_model, 2> {
    cell<unsigned> current, published;
    unsigned number[2], changed[2], changes;
    bool old[2];

    void before()
    {
        current.begin(0);
        published.begin(0);
        changes = 0;
    }

    void thread(unsigned t)
    {
        unsigned found = load(current, ACQUIRE), becomes = t + 1;
        while (!cas(current, found, becomes, SEQ_CST))
            ;
        changed[t] = ++changes;
        if (without("the look after the number was taken"))
            old[t] = load(current, SEQ_CST) != becomes;
        number[t] = fetch_add(published, 1u, SEQ_CST) + 1;
        if (!without("the look after the number was taken"))
            old[t] = load(current, SEQ_CST) != becomes;
    }

    void after()
    {
        unsigned first = changed[0] < changed[1] ? 0 : 1;
        RL_ASSERT(number[first] < number[!first] || old[first]);
        RL_ASSERT(!old[!first]);
    }
};
MODEL(old, 10000, old_model,
      "the look after the number was taken");
