/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv.pml - get, set, unset of one key, with death at every step (lib/change.c, set.c, unset.c, get.c, recover.c)
 *
 * Two or three writers, each with a lane, change one key, or its neighbour, which shares the
 * bucket; a reader gets the key.  A writer may be killed between any two steps.  The cleaner
 * finishes what the dead left; it may die between any two steps, too, and then another begins
 * from the start: the kernel's lock lets only one of them be at work (reap_entry()).
 *
 *   process   mirrors
 *   writer    key_set(): set_once(), update(), insert(), insert_somewhere(), claim_slot(), recycle(), clean_spare(),
 *             set_fast(), whose steps are those of update();
 *             acknowledge(), open_change(), close_change(); key_unset(): unset_locked();
 *             index_find_anywhere(), look_at()
 *   reader    splinter_store_get(): get_fast(); get_slow(), index_find_anywhere(),
 *             look_at(), still_current()
 *   cleaner   reap_entry(), recover_entry(): finish_change(), unset_happened(),
 *             index_current_hash(), recover_old(), release_lock(), zero_spare(), arena_free_block()
 *
 * Checked
 *   - A reader returns a value, or "not found", that was current at some moment of its call.
 *   - At most one slot holds a key.
 *   - A record is not written to while a slot refers to it: nothing is torn, nothing lost.
 *   - When all is over and the dead are cleaned up after: each block is in exactly one place or
 *     free, unreferenced blocks hold no key and no value (P4), each slot's hash is that of its
 *     key, no lock is held.
 *   - Nobody waits for ever (spin's search for invalid end states).
 *
 * Abstracted
 *   - Memory is sequentially consistent, but a kill is a step of its own, so the order of two
 *     stores of one process matters as far as a cleaner or another process sees it.  The
 *     fences are argued in docs/guarantees.md; wait.pml has store buffers.
 *   - One bucket of two slots for two keys: a vacant slot is always found, and nothing is
 *     counted.  The hash is the key.  The insert lock is one word a key (lock.pml).
 *   - A writer that has no spare of its own does not set: where blocks come from is blocks.pml.
 *     SPARES places a lane.
 *   - A value is one word, a record is three: epoch, key, value; they are written and zeroed one
 *     by one, key first.
 *
 * Bounds: WRITERS, OPS (changes by each writer), GETS, KILLS (of writers and cleaners), NEIGHBOUR
 * (whether that key is changed, too), START (what the index has in the beginning).
 * Seeded bugs, which have to be found: see run.sh.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef GETS
#define GETS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef START
#define START 0 /* any; 1 to 4: see init */
#endif
#ifndef NEIGHBOUR
#define NEIGHBOUR 1
#endif

#define SLOTS 2
#define SPARES 2
#define BLOCKS (WRITERS + 1)
#define KEY 1       /* the key; 2 is its neighbour */
#define INITIAL 15  /* the value the key has at the start, if it is there */

#define UPDATE 1
#define INSERT 2
#define UNSET 3

/* As in layout.h: the epoch, and the reference + 1; 0 when vacant. */
#define CURRENT(e, ref) ((e) * 8 + (ref) + 1)
#define REF(h) ((h) % 8 - 1)

/* struct slot */
byte slot_hash[SLOTS];
byte slot_current[SLOTS];

/* struct record, by block; lane numbers and names count from 1 */
byte rec_epoch[BLOCKS], rec_key[BLOCKS], rec_val[BLOCKS], rec_lane[BLOCKS];
bool used[BLOCKS]; /* slab.bits */

/* struct lane; a spare or old block is named by its number + 1 */
typedef lane_t {
    byte epoch, ack, expect, current, old, slot, lock, kind, at, hash;
    bool done;
    byte spare[SPARES];
};
lane_t lane[WRITERS];
bool attached[WRITERS];

byte locked[3];  /* by key: the lane's number + 1 */
byte epoch;      /* header.epoch */

bool dead[WRITERS], finished[WRITERS];
bool cleaner_dies, over;
byte kills = KILLS;

/* ---- what is checked on the way: no part of the protocol ---- */

short window; /* values of KEY that were current since the reader's call began: bits */
byte holders, scan_i;

#define VISIBLE(i, k) (slot_current[i] && slot_hash[i] == (k) && rec_key[REF(slot_current[i])] == (k))
#define HOLDS(i, k) (slot_current[i] && rec_key[REF(slot_current[i])] == (k))
#define VALUE_NOW (VISIBLE(0, KEY) -> rec_val[REF(slot_current[0])] : \
                 (VISIBLE(1, KEY) -> rec_val[REF(slot_current[1])] : 0))
#define PUBLISHED(b) (REF(slot_current[0]) == (b) || REF(slot_current[1]) == (b))

/* After each store to a slot. */
#define NOTE \
    window = (window -> window | (1 << VALUE_NOW) : 0); \
    assert(!(HOLDS(0, KEY) && HOLDS(1, KEY))); \
    assert(!(HOLDS(0, 2) && HOLDS(1, 2)))

/* ---- steps that several share ---- */

/* index_find(): found gets 1 or 0, s and h slot and current.  All hashes are read before the first
 * record is looked at; where both match, both are looked at with their hashes read again.
 * A guard that reads shared memory is a step, so most of these are. */
inline look_at(k, i)
{
    do
    :: d_step { slot_current[i] == 0 -> h = 0 }; break
    :: d_step { slot_current[i] != 0 -> h = slot_current[i] };
       if
       :: d_step { rec_key[REF(h)] == k -> found = 1; s = i }; break
       :: rec_key[REF(h)] != k ->
#ifdef BUG_LOOK
          break /* a record that was replaced while we looked is taken for another key's */
#endif
          if
          :: d_step { slot_current[i] == h -> h = 0 }; break
          :: d_step { slot_current[i] != h -> h = 0 }
          fi
       fi
    od
}

inline index_find(k)
{
    d_step { found = 0; is0 = slot_hash[0] == k };
    if
    :: is0 && slot_hash[1] != k -> look_at(k, 0)
    :: !is0 && slot_hash[1] == k -> look_at(k, 1)
    :: !is0 && slot_hash[1] != k
    :: is0 && slot_hash[1] == k ->
       look_at(k, 0);
       if
       :: !found && slot_hash[0] == k -> look_at(k, 0)
       :: else
       fi;
       if
       :: !found && slot_hash[1] == k -> look_at(k, 1)
       :: else
       fi
    fi;
    is0 = 0
}

/* memset() of a block, in pieces; a slot must not refer to it */
inline zero(b)
{
    d_step { assert(!PUBLISHED(b)); rec_key[b] = 0 };
    d_step { assert(!PUBLISHED(b)); rec_val[b] = 0; rec_epoch[b] = 0 }
}

inline kv_acknowledge()
{
#ifndef BUG_ACKNOWLEDGE
    e = rec_epoch[REF(h)];
    x = rec_lane[REF(h)];
    if
    :: e && x && lane[x - 1].epoch == e ->
       if
       :: slot_current[s] == h ->
          d_step { lane[x - 1].ack = (lane[x - 1].ack < e -> e : lane[x - 1].ack); e = 0; x = 0 }
       :: d_step { slot_current[s] != h -> e = 0; x = 0 }
       fi
    :: d_step { else -> e = 0; x = 0 }
    fi
#else
    skip
#endif
}

/* What stands in the lane before its epoch is read by nobody, so that is one step. */
inline open_change(what, where, was, becomes, replaces, place)
{
    d_step {
        lane[me].slot = where; lane[me].expect = was; lane[me].current = becomes;
        lane[me].old = replaces; lane[me].kind = what; lane[me].done = 0; lane[me].at = place
    };
    lane[me].epoch = mine
}

inline recycle(place)
{
#ifndef BUG_EARLY
    zero(REF(h));
#endif
    rec_lane[REF(h)] = me + 1;
#ifdef BUG_RECYCLE
    lane[me].epoch = 0; /* closed before the old block is named */
    lane[me].spare[place] = REF(h) + 1
#else
    lane[me].spare[place] = REF(h) + 1;
    lane[me].epoch = 0
#endif
}

/* ---- a writer ---- */

/* done gets 1 if the value was published, 0 to look again */
inline update(place)
{
    kv_acknowledge();
    d_step { epoch++; mine = epoch; rec_epoch[mb] = mine };
#ifdef BUG_EARLY
    zero(REF(h)); /* before the current has moved on */
#endif
    open_change(UPDATE, s, h, CURRENT(mine, mb), REF(h) + 1, place);
    if
    :: d_step { slot_current[s] == h -> slot_current[s] = CURRENT(mine, mb); done = 1; NOTE };
       recycle(place)
    :: slot_current[s] != h -> lane[me].epoch = 0
    fi
}

inline key_lock(k)
{
    lane[me].lock = k;
    atomic { locked[k] == 0 -> locked[k] = me + 1 }
}

inline key_unlock(k)
{
    locked[k] = 0;
    lane[me].lock = 0
}

inline insert_at(k, place)
{
    s = 0;
    do
    :: s == SLOTS -> assert(false) /* there is a slot for each key */
    :: s < SLOTS && slot_current[s] == 0 ->
       open_change(INSERT, s, 0, CURRENT(mine, mb), 0, place);
#ifdef BUG_HASH
       slot_hash[s] = k; /* before the slot is claimed */
#endif
       if
       :: d_step { slot_current[s] == 0 -> slot_current[s] = CURRENT(mine, mb); done = 1; NOTE };
#ifndef BUG_HASH
          d_step { slot_hash[s] = k; NOTE };
#endif
          lane[me].spare[place] = 0;
          lane[me].epoch = 0;
          break
       :: slot_current[s] != 0 -> d_step { lane[me].epoch = 0; s++ }
       fi
    :: d_step { s < SLOTS && slot_current[s] -> s++ }
    od
}

inline insert(k, place)
{
#ifndef BUG_NOLOCK
    key_lock(k);
#endif
#ifdef BUG_PROBE
    found = 0; /* the probe of before the lock is trusted */
#else
    index_find(k);
#endif
    if
    :: !found ->
       d_step { epoch++; mine = epoch; rec_epoch[mb] = mine };
       insert_at(k, place)
    :: else
    fi;
#ifndef BUG_NOLOCK
    key_unlock(k)
#endif
}

inline key_set(k, v, place)
{
    d_step {
        mb = lane[me].spare[place] - 1;
        assert(!PUBLISHED(mb));
        rec_key[mb] = k;
        rec_val[mb] = v
    };
    do
    :: index_find(k);
       if
       :: found -> update(place)
       :: else -> insert(k, place)
       fi;
       if
       :: done -> break
       :: else
       fi
    od
}

/* unset_locked() and what is around it; to unset what is not there does nothing */
inline key_unset(k, place)
{
    key_lock(k);
    lane[me].hash = k;
    do
    :: index_find(k);
       if
       :: !found -> break
       :: else
       fi;
       if
       :: slot_current[s] != h /* once more */
       :: slot_current[s] == h ->
          kv_acknowledge();
          d_step { epoch++; mine = epoch };
          open_change(UNSET, s, h, 0, REF(h) + 1, place);
          if
          :: d_step { slot_current[s] == h -> slot_current[s] = 0; NOTE };
             lane[me].done = 1;
             recycle(place);
             break
          :: slot_current[s] != h -> lane[me].epoch = 0
          fi
       fi
    od;
    key_unlock(k)
}

/* The end of a change.  What is left over in the variables is of no use to anybody; forgotten, it
 * makes no states differ.  In the lane it stays, for there it could be of use to a bug. */
#define FORGET \
    atomic { s = 0; h = 0; x = 0; e = 0; mb = 0; mine = 0; found = 0; is0 = 0; done = 0; n++ }

proctype writer(byte me)
{
    byte s, h, x, e, mb, mine, n;
    bool found, is0, done;
    {
        do
        :: n == OPS -> break
        :: n < OPS && lane[me].spare[0] -> key_set(KEY, me * OPS + n + 1, 0); FORGET
        :: n < OPS && !lane[me].spare[0] -> key_unset(KEY, 0); FORGET
        :: n < OPS && !lane[me].spare[1] -> key_unset(KEY, 1); FORGET
#if NEIGHBOUR
        /* the last of them also changes the neighbour, which takes and leaves slots */
        :: n < OPS && me == WRITERS - 1 && lane[me].spare[0] -> key_set(2, 14, 0); FORGET
        :: n < OPS && me == WRITERS - 1 && !lane[me].spare[1] -> key_unset(2, 1); FORGET
#endif
        od;
        finished[me] = 1
    } unless {
        dead[me]
    }
}

/* ---- a reader ---- */

/* get_fast(): the last slot with this hash, looked at once; x gets 1 if that was enough */
inline get_fast(k)
{
    d_step { x = 0; s = slot_hash[1] == k };
    if
#ifdef BUG_FAST
    :: d_step { slot_hash[s] != k -> x = 1; v = 0 }
#else
    :: slot_hash[s] != k ->
       if
       :: slot_hash[0] == k
       :: slot_hash[0] != k ->
          if
          :: slot_hash[1] == k
          :: d_step { slot_hash[1] != k -> x = 1; v = 0 }
          fi
       fi
#endif
    :: slot_hash[s] == k ->
       if
       :: slot_current[s] == 0
       :: d_step { slot_current[s] != 0 -> h = slot_current[s] };
          if
          :: rec_key[REF(h)] != k
          :: rec_key[REF(h)] == k ->
             v = rec_val[REF(h)];
             if
             :: d_step { slot_current[s] == h -> x = 1 }
             :: slot_current[s] != h
             fi
          fi
       fi
    fi
}

proctype reader()
{
    byte s, h, x, v, n;
    bool found, is0;
    do
    :: n == GETS -> break
    :: else ->
       n++;
       d_step { window = 1 << VALUE_NOW };
       get_fast(KEY);
       do
       :: x -> break
       :: else ->
          index_find(KEY);
          if
          :: !found -> v = 0; break
          :: else
          fi;
          v = rec_val[REF(h)];
#ifdef BUG_RECHECK
          break;
#endif
          if
          :: slot_current[s] == h -> break
          :: else
          fi
       od;
       atomic { assert(window & (1 << v)); window = 0; s = 0; h = 0; x = 0; v = 0; found = 0; is0 = 0 }
    od
}

/* ---- the cleaner, and death ---- */

/* x gets the hash, 0 if the slot is vacant */
inline current_hash()
{
    do
    :: d_step { slot_current[lane[d].slot] == 0 -> x = 0 }; break
    :: d_step { slot_current[lane[d].slot] != 0 -> h = slot_current[lane[d].slot] };
       x = rec_key[REF(h)];
       if
       :: slot_current[lane[d].slot] == h -> break
       :: slot_current[lane[d].slot] != h
       fi
    od
}

inline recover_old()
{
    zero(lane[d].old - 1);
    rec_lane[lane[d].old - 1] = d + 1;
    lane[d].spare[lane[d].at] = lane[d].old
}

inline finish_change()
{
    h = slot_current[lane[d].slot];
    done = h == lane[d].current || lane[d].ack == lane[d].epoch;
    if
    :: lane[d].kind == UPDATE && done -> recover_old()
    :: lane[d].kind == INSERT && done ->
       current_hash();
       if
       :: x && slot_hash[lane[d].slot] != x -> d_step { slot_hash[lane[d].slot] = x; NOTE }
       :: else
       fi;
       lane[d].spare[lane[d].at] = 0
    :: lane[d].kind == UNSET ->
       done = lane[d].done;
       if
       :: !done && slot_current[lane[d].slot] != lane[d].expect ->
          current_hash();
          done = x != lane[d].hash
       :: else
       fi;
       if
       :: done -> lane[d].done = 1; recover_old()
       :: else
       fi
    :: else
    fi
}

inline recover_entry()
{
    if
    :: lane[d].epoch -> finish_change(); lane[d].epoch = 0
    :: else
    fi;
#ifdef BUG_UNLOCK
    /* nothing: the dead keep their locks */
#else
    if
    :: lane[d].lock && locked[lane[d].lock] == d + 1 -> locked[lane[d].lock] = 0
    :: else
    fi;
#endif
    lane[d].lock = 0;
    k = 0;
    do
    :: k == SPARES -> break
    :: else ->
       x = lane[d].spare[k];
       if
       :: x && used[x - 1] && rec_lane[x - 1] == d + 1 ->
          zero(x - 1);
          used[x - 1] = 0
       :: else
       fi;
       lane[d].spare[k] = 0;
       k++
    od
}

#define OVER(w) (finished[w] || dead[w])
#if WRITERS == 2
#define ALL_OVER (OVER(0) && OVER(1))
#define NONE_LEFT (!(dead[0] && attached[0]) && !(dead[1] && attached[1]))
#else
#define ALL_OVER (OVER(0) && OVER(1) && OVER(2))
#define NONE_LEFT \
    (!(dead[0] && attached[0]) && !(dead[1] && attached[1]) && !(dead[2] && attached[2]))
#endif

#define TIDY(w) atomic { attached[w] = 0; d = 0; h = 0; x = 0; k = 0; done = 0 }

proctype cleaner()
{
    byte d, h, x, k, n;
    bool done;
again:
    {
        do
        :: dead[0] && attached[0] -> d = 0; recover_entry(); TIDY(0)
        :: dead[1] && attached[1] -> d = 1; recover_entry(); TIDY(1)
#if WRITERS > 2
        :: dead[2] && attached[2] -> d = 2; recover_entry(); TIDY(2)
#endif
        :: d_step { ALL_OVER && NONE_LEFT -> over = 1 }; break
        od
    } unless {
        cleaner_dies -> d_step { cleaner_dies = 0; d = 0; h = 0; x = 0; k = 0; done = 0 }; goto again
    };
    skip; /* all is over */
    d_step {
        k = 0;
        do
        :: k == BLOCKS -> break
        :: else ->
           n = (slot_current[0] && REF(slot_current[0]) == k) + (slot_current[1] && REF(slot_current[1]) == k);
           assert(n || (rec_key[k] == 0 && rec_val[k] == 0));
           d = 0;
           do
           :: d == WRITERS -> break
           :: else ->
              assert(attached[d] != dead[d]);
              assert(attached[d] || (!lane[d].spare[0] && !lane[d].spare[1]));
              n = n + (lane[d].spare[0] == k + 1) + (lane[d].spare[1] == k + 1);
              d++
           od;
           assert(n == used[k]);
           k++
        od;
        assert(!slot_current[0] || slot_hash[0] == rec_key[REF(slot_current[0])]);
        assert(!slot_current[1] || slot_hash[1] == rec_key[REF(slot_current[1])]);
        assert(!locked[1] && !locked[2])
    }
}

proctype killer()
{
end:
    do
    :: d_step { kills && !over && !dead[0] -> kills--; dead[0] = 1 }
    :: d_step { kills && !over && !dead[1] -> kills--; dead[1] = 1 }
#if WRITERS > 2
    :: d_step { kills && !over && !dead[2] -> kills--; dead[2] = 1 }
#endif
    /* a death of the cleaner matters while it is at work */
    :: d_step { kills && !over && !cleaner_dies && !NONE_LEFT -> kills--; cleaner_dies = 1 }
    od
}

init {
    byte w;
    d_step {
        do
        :: w == WRITERS -> break
        :: else ->
           attached[w] = 1; used[w] = 1; rec_lane[w] = w + 1; lane[w].spare[0] = w + 1; w++
        od;
        epoch = 1
    };
    atomic {
        if
#if START == 0 || START == 1
        /* The key is there, set by nobody who lives on. */
        :: rec_epoch[WRITERS] = 1; rec_key[WRITERS] = KEY; rec_val[WRITERS] = INITIAL;
           used[WRITERS] = 1; slot_hash[0] = KEY; slot_current[0] = CURRENT(1, WRITERS)
#endif
#if START == 0 || START == 4
        /* It is there, and its hash is left over in the slot beside it, too. */
        :: rec_epoch[WRITERS] = 1; rec_key[WRITERS] = KEY; rec_val[WRITERS] = INITIAL;
           used[WRITERS] = 1; slot_hash[0] = KEY; slot_current[0] = CURRENT(1, WRITERS);
           slot_hash[1] = KEY
#endif
#if START == 0 || START == 2
        /* It is not, and the hash in the slot is left over. */
        :: slot_hash[0] = KEY
#endif
#if START == 0 || START == 3
        :: slot_hash[0] = 2
        :: skip
#endif
        fi;
        w = 0;
        do
        :: w == WRITERS -> break
        :: else -> run writer(w); w++
        od;
        run reader();
        run cleaner();
        run killer()
    }
}
