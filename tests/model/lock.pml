/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.pml - the insert lock of a bucket: two words, each for one key (lib/index.c)
 *
 * Contenders, the last of them with a key of its own, lock, do something, and unlock.  They may be
 * killed between any two steps; the cleaner releases what the dead held, and may die, too.
 *
 *   process    mirrors
 *   contender  key_lock(), try_lock(), key_unlock()
 *   cleaner    reap_entry(), recover_entry(): release_lock()
 *
 * Checked: two living holders of one key's lock there never are, the dead included until they
 * are cleaned up after; nobody waits for ever for the dead; in the end no word is taken.
 *
 * Abstracted: the bounded wait and its EAGAIN: contenders try again for ever.  That one who is
 * stopped holds up only his own key is what the second word is for; three keys at once would
 * need a third.  Memory is sequentially consistent, as the accesses of try_lock() are.
 *
 * Bounds: CONTENDERS, ROUNDS of each, KILLS.  Seeded bugs: see run.sh.
 */
#ifndef CONTENDERS
#define CONTENDERS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef KILLS
#define KILLS 2
#endif

#define KEYS 2
#define KEY_OF(me) ((me) == CONTENDERS - 1 -> 1 : 0)
#define WORD(me) (KEY_OF(me) * 16 + (me) + 1)

byte word[2];              /* bucket.lock: key * 16 + lane + 1; the key is 0 or 1 */
bool noted[CONTENDERS];    /* lane.lock */
byte holder[KEYS];         /* checked: whose the key is */
bool dead[CONTENDERS], attached[CONTENDERS], finished[CONTENDERS];
bool cleaner_dies, over;
byte kills = KILLS;

#define SAME(w, me) ((w) && (w) / 16 == KEY_OF(me))

/* CAS of word i, then the look at the other one */
inline take(i)
{
    if
    :: d_step { word[i] == 0 -> word[i] = WORD(me) };
#ifdef BUG_LOOK
       got = 1 /* the other word is as it was */
#else
       if
       :: SAME(word[1 - i], me) -> word[i] = 0; tried = 1
       :: d_step { !SAME(word[1 - i], me) -> got = 1 }
       fi
#endif
    :: word[i] != 0
    fi
}

inline try_lock()
{
    d_step { got = 0; tried = 0; seen0 = word[0] };
    seen1 = word[1];
    if
    :: SAME(seen0, me) || SAME(seen1, me)
    :: else ->
       if
       :: !seen0 -> take(0)
       :: seen0
       fi;
       if
       :: !got && !tried && !seen1 -> take(1)
       :: else
       fi
    fi;
    d_step { seen0 = 0; seen1 = 0; tried = 0 }
}

proctype contender(byte me)
{
    byte n, seen0, seen1;
    bool got, tried;
    {
        do
        :: n == ROUNDS -> break
        :: n < ROUNDS ->
#ifdef BUG_NOTE
           skip; /* a cleaner is not told where to look until the lock is there */
#else
           noted[me] = 1;
#endif
           do
           :: try_lock();
              if
              :: got -> break
              :: else -> /* what it waits for */
                 !SAME(word[0], me) && !SAME(word[1], me) && (!word[0] || !word[1])
              fi
           od;
#ifdef BUG_NOTE
           noted[me] = 1;
#endif
           atomic { assert(!holder[KEY_OF(me)]); holder[KEY_OF(me)] = me + 1 };
           holder[KEY_OF(me)] = 0;
           if
           :: d_step { word[0] == WORD(me) -> word[0] = 0 }
           :: word[0] != WORD(me)
           fi;
           if
           :: d_step { word[1] == WORD(me) -> word[1] = 0 }
           :: word[1] != WORD(me)
           fi;
           d_step { noted[me] = 0; n++ }
        od;
        finished[me] = 1
    } unless {
        dead[me]
    }
}

/* release_lock(); what the dead held is free with it */
inline release(i)
{
    if
    :: d_step {
           word[i] % 16 == d + 1 ->
           word[i] = 0;
           holder[KEY_OF(d)] = (holder[KEY_OF(d)] == d + 1 -> 0 : holder[KEY_OF(d)])
       }
    :: word[i] % 16 != d + 1
    fi
}

inline recover_entry()
{
    if
    :: noted[d] ->
#ifdef BUG_FORGET
       noted[d] = 0; /* before the words are released */
#endif
       release(0);
       release(1);
       noted[d] = 0
    :: !noted[d]
    fi;
    d_step { attached[d] = 0; d = 0 }
}

#define LEFT(w) (dead[w] && attached[w])
#define OVER(w) (finished[w] || dead[w])

proctype cleaner()
{
    byte d;
again:
    {
        do
        :: LEFT(0) -> d = 0; recover_entry()
        :: LEFT(1) -> d = 1; recover_entry()
        :: LEFT(CONTENDERS - 1) -> d = CONTENDERS - 1; recover_entry()
        :: d_step {
               OVER(0) && OVER(1) && OVER(CONTENDERS - 1) &&
               !LEFT(0) && !LEFT(1) && !LEFT(CONTENDERS - 1) ->
               over = 1
           };
           break
        od
    } unless {
        cleaner_dies -> d_step { cleaner_dies = 0; d = 0 }; goto again
    };
    assert(!word[0] && !word[1])
}

proctype killer()
{
end:
    do
    :: d_step { kills && !over && !dead[0] -> kills--; dead[0] = 1 }
    :: d_step { kills && !over && !dead[CONTENDERS - 1] -> kills--; dead[CONTENDERS - 1] = 1 }
    :: d_step {
           kills && !over && !cleaner_dies && (LEFT(0) || LEFT(CONTENDERS - 1)) ->
           kills--; cleaner_dies = 1
       }
    od
}

init {
    byte w;
    atomic {
        do
        :: w == CONTENDERS -> break
        :: else -> attached[w] = 1; run contender(w); w++
        od;
        run cleaner();
        run killer()
    }
}
