/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.pml - sleep and wake, with death at every step, and with store buffers (lib/wait.c)
 *
 * Writers change something, a key or the store's epoch, and then wake whoever may be asleep;
 * waiters each wait for something newer than they saw, again and again.  Both may be killed.
 *
 *   process   mirrors
 *   writer    the compare-and-swap of a current word in lib/set.c or unset.c, or the step of the epoch in
 *             announce(); then wake(), which is wake_key() and wake_any()
 *   waiter    sleep_on_key() and the loop of splinter_store_wait_any(): wake_ask(), wake_sleep()
 *   memory    store buffers becoming visible; the kernel's end of a slice
 *
 * Checked: when nothing moves any more, nobody sleeps whose change has come.  A slice (SLICE_NS)
 * ends only if a writer was killed, so a wake that is lost in any other way is found.
 *
 * Abstracted
 *   - `version` is the current word and the epoch in one: it grows with each change.
 *   - A sequentially consistent store or compare-and-swap is at once in memory.  A plain store
 *     (the seeded bugs have one) waits in a buffer of its process, behind which the process
 *     goes on reading: what x86 does, and weaker machines, too.
 *   - FUTEX_WAIT compares and goes to sleep in one step, as the kernel promises.
 *   - The spinning before the first sleep, timeouts, and read-only stores, which set no bit and
 *     look again and again instead.
 *
 * Bounds: WRITERS, CHANGES by each, WAITERS, KILLS.  Seeded bugs: see run.sh.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif

#ifdef BUG_SLEEP
#define SLEEPS true /* does not look once more */
#else
#define SLEEPS false
#endif

byte version;
byte word; /* bucket.wait, header.any_wait: generation << 1 | somebody may be asleep */

bool asleep[WAITERS];
byte since[WAITERS];
bool dead_writer[WRITERS], dead_waiter[WAITERS];
bool pending[WRITERS];   /* a change that is in the writer's buffer */
bool pending_bit[WAITERS];
bool lapse; /* a writer died: slices end */
byte kills = KILLS;

inline wake_all()
{
    d_step {
        i = 0;
        do
        :: i == WAITERS -> break
        :: else -> asleep[i] = 0; i++
        od;
        i = 0
    }
}

proctype writer(byte me)
{
    byte n, seen, i;
    {
        do
        :: n == CHANGES -> break
        :: else ->
#ifdef BUG_FENCE
           /* a plain store; the next one, like the next CAS, comes after it */
           !pending[me] -> pending[me] = 1;
#else
           version++;
#endif
#ifdef BUG_FLAG
           /* wake_any() as it was: a flag, cleared after it was seen, and the epoch for a futex */
           if
           :: word -> word = 0; wake_all()
           :: !word
           fi;
#else
           seen = word;
           do
           :: seen % 2 == 0 -> break
           :: else ->
#ifdef BUG_FENCE
              d_step { version = version + pending[me]; pending[me] = 0 };
#endif
              /* the compare-and-swap; if it was too late, with what it found */
              if
#ifdef BUG_GENERATION
              :: d_step { word == seen -> word = seen - 1 };
#else
              :: d_step { word == seen -> word = seen + 1 };
#endif
                 wake_all();
                 break
              :: d_step { word != seen -> seen = word }
              fi
           od;
           seen = 0;
#endif
           n++
        od
    } unless {
        dead_writer[me]
    }
}

proctype waiter(byte me)
{
    byte seen;
    {
end:    do
        :: version > since[me] -> since[me] = version
        :: version <= since[me] ->
#ifdef BUG_FLAG
           word = 1;
           seen = version;
           if
           :: seen > since[me]
           :: seen <= since[me] ->
              if
              :: d_step { version == seen -> asleep[me] = 1 };
endasleep:       !asleep[me]
              :: version != seen
              fi
           fi;
#else
           /* wake_ask() */
           seen = word;
           do
           :: seen % 2 -> break
           :: seen % 2 == 0 ->
#ifdef BUG_BIT
              pending_bit[me] = 1; /* a plain store */
              seen = seen + 1;
              break
#else
              if
              :: d_step { word == seen -> word = seen + 1; seen = seen + 1 }; break
              :: d_step { word != seen -> seen = word }
              fi
#endif
           od;
           if
           :: !SLEEPS && version > since[me]
           :: SLEEPS || version <= since[me] ->
              /* wake_sleep() */
#ifdef BUG_BIT
              d_step {
                  if
                  :: pending_bit[me] -> word = word / 2 * 2 + 1; pending_bit[me] = 0
                  :: else
                  fi
              };
#endif
              if
              :: d_step { word == seen -> asleep[me] = 1 };
endasleep:       !asleep[me]
              :: word != seen
              fi
           fi;
#endif
           seen = 0
        od
    } unless {
        dead_waiter[me]
    }
}

proctype memory()
{
    byte i;
end:
    do
    :: d_step { pending[0] -> pending[0] = 0; version++ }
    :: d_step { pending[WRITERS - 1] -> pending[WRITERS - 1] = 0; version++ }
    :: d_step { pending_bit[0] -> pending_bit[0] = 0; word = word / 2 * 2 + 1 }
    :: d_step { pending_bit[WAITERS - 1] -> pending_bit[WAITERS - 1] = 0; word = word / 2 * 2 + 1 }
    :: d_step { lapse && asleep[0] -> asleep[0] = 0 }
    :: d_step { lapse && asleep[WAITERS - 1] -> asleep[WAITERS - 1] = 0 }
    od
}

proctype killer()
{
end:
    do
    :: d_step { kills && !dead_writer[0] -> kills--; dead_writer[0] = 1; lapse = 1 }
    :: d_step { kills && !dead_waiter[0] -> kills--; dead_waiter[0] = 1; asleep[0] = 0 }
    od
}

proctype monitor()
{
    byte i;
    timeout;
    do
    :: i == WAITERS -> break
    :: else -> assert(dead_waiter[i] || (asleep[i] && version <= since[i])); i++
    od
}

init {
    byte i;
    atomic {
        do
        :: i == WRITERS -> break
        :: else -> run writer(i); i++
        od;
        i = 0;
        do
        :: i == WAITERS -> break
        :: else -> run waiter(i); i++
        od;
        run memory();
        run killer();
        run monitor()
    }
}
