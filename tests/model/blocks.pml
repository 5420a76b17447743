/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.pml - who has a block, with death at every step (lib/arena.c, slab.c, lane.c, recover.c)
 *
 * Lanes take blocks of two sizes from one slab, publish them, get them back when they replace or
 * remove a record, give them up, detach, and may be killed between any two steps.  A lane owns the
 * slab only while it takes a block or two, and first cuts it anew if it is empty and has the other
 * size.  The cleaner frees what the dead had; it may die, too, and another begins from the start,
 * one at a time (the kernel's lock, reap_entry()).
 *
 *   process   mirrors
 *   lane      arena_alloc(): take_from(), change_class(), take_block(), name_more(),
 *             take_hinted(), slab_unhint(); arena_free_block(), is_lanes(), slab_hint();
 *             give_up_spare(); recycle() of change.h; attach_leave()
 *   cleaner   reap_entry(), recover_entry(): recover_old(), zero_spare(), arena_free_block()
 *
 * Checked
 *   - Whoever writes to a unit of memory, notes its lane in it or frees it has it: each unit is the slab's,
 *     a lane's or the index's, and never two's.
 *   - A block that is taken was free, and clean (P4).
 *   - When all is over and the dead are cleaned up after, a block in use is named by exactly one
 *     living lane or published, and every other one is free.
 *   - Then a slab with a free block has the hint that says so.  A hint is lost only with a lane
 *     that dies (hint_lost)
 *       1. in slab_unhint(), after it has removed the hint and before it has looked again;
 *       2. after it has given the slab another size, and before it has named a block of it.
 *
 * Abstracted
 *   - Two units: two small blocks, or one large block, in the middle of which stands, where the
 *     second small block's lane number would be, whatever its record has there.  Of the large blocks
 *     there is a second one, outside of these units; a stranger has it all the time.
 *   - The index is one cell; publishing and unlinking are one step each, which also enters the
 *     old block into the lane's journal.  Whether a change was made is kv.pml's business.
 *   - A lane that looks for a block may come to the slab at any time, hinted at or not, and which
 *     free block it takes is open: the C code does both in fewer ways.
 *   - Hints at empty slabs, the number of slabs and what is reserved of them are left out.
 *   - Sequentially consistent memory; blocks in limbo, of stores in files, are left out.
 *
 * Bounds: OPS of each of two lanes, KILLS of lanes and cleaners; if only one dies it is the first.
 * Seeded bugs: see run.sh.
 */
#ifndef OPS
#define OPS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define LANES 2
#define PLACES 2
#define INDEX 9 /* has a unit, as LANE does */
#define LANE(l) ((l) + 1)
#ifdef BUG_LANE0
#define NUMBER(l) (l)
#else
#define NUMBER(l) ((l) + 1)
#endif
#define OWNER(l) (incarnation[l] * 4 + (l) + 1)

/* struct slab */
byte owner, block_units = 1, generation;
bool bits[2];

bool hint[2] = { 1, 0 }; /* group.free: for each class, the slab may have free blocks of it */
bool hint_lost;          /* a lane died where a hint may be lost */

byte rec_lane[2];   /* what stands in a unit where a record has the number of its lane */
bool dirty[2]; /* a unit has something in it of a key or a value */

typedef lane_t {
    byte ref[PLACES], gen[PLACES]; /* spare: unit + 1, generation */
    byte old, old_gen, at;         /* journal: open if old is not 0 */
}
lane_t lane[LANES];
byte incarnation[LANES]; /* of the entry */
bool attached[LANES];

byte cell, cell_gen; /* the record in the index: unit + 1 */

bool doomed[LANES], dead[LANES], finished[LANES]; /* a lane that is doomed dies at its next step */
bool cleaner_dies, over;
byte kills = KILLS;

/* ---- what is checked on the way ---- */

byte has[2]; /* LANE(), INDEX, or 0: the slab */

/* The unit, and the one behind it where the block is large, is `who`'s */
#define IS(u, who) (has[u] == (who) && (block_units == 1 || has[1] == (who)))
#define GIVE(u, who) has[u] = who; has[1] = (block_units == 2 -> who : has[1])

#define SMALL_OR_ONE (3 - block_units) /* blocks that are modelled */
#define EMPTY (!bits[0] && (block_units == 2 || !bits[1]))
#define FULL (bits[0] && bits[1])

/* ---- steps that several share ---- */

/* is_lanes(): yes gets 1 if the block r, g is the lane's.  b is its number; 9: none begins there. */
inline is_lanes(who)
{
    yes = 0;
    d_step { b = (r && (r - 1) % block_units == 0 -> (r - 1) / block_units : 9) };
    if
    :: b == 9
    :: b != 9 ->
#ifdef BUG_GENERATION
       if
       :: generation == g ->
#endif
       if
       :: bits[b] ->
          if
          :: rec_lane[r - 1] == NUMBER(who) ->
#ifdef BUG_GENERATION
             yes = 1
#else
             yes = generation == g
#endif
          :: rec_lane[r - 1] != NUMBER(who)
          fi
       :: !bits[b]
       fi
#ifdef BUG_GENERATION
       :: generation != g
       fi
#endif
    fi
}

/* The class may change after it was read.  The look and the setting are one step: a hint that is
 * set later can only be there for longer. */
inline slab_hint()
{
    b = block_units;
    d_step { hint[b - 1] = hint[b - 1] || !FULL; b = 0; away = 0 }
}

/* The removal of a hint that promised what the slab did not have */
inline slab_unhint(units)
{
    d_step { away = hint[units - 1]; hint[units - 1] = 0 };
#ifdef BUG_LOOK
    away = 0
#else
    slab_hint()
#endif
}

/* If the block is no longer the lane's, the lane may have freed it, or another cleaner, and died
 * before it gave the hint. */
inline arena_free_block(who)
{
    is_lanes(who);
#ifdef BUG_HINT
    if
    :: yes -> hint[block_units - 1] = 1
    :: !yes
    fi;
#endif
    if
    :: d_step {
           yes ->
           assert(bits[b] && IS(r - 1, LANE(who)) && b < SMALL_OR_ONE);
           assert(!dirty[r - 1] && (block_units == 1 || !dirty[1]));
           bits[b] = 0;
           GIVE(r - 1, 0)
       }
    :: !yes
    fi;
    if
#ifndef BUG_HINT
    :: yes -> slab_hint()
#endif
#ifndef BUG_REHINT
    :: !yes && b != 9 -> slab_hint()
#endif
    :: else
    fi
}

/* The bytes of a block, lane number included, as in recycle() and recover_old() */
inline zero_all(who)
{
    d_step {
        assert(IS(r - 1, LANE(who)));
        dirty[r - 1] = 0; rec_lane[r - 1] = 0;
        dirty[1] = (block_units == 2 -> 0 : dirty[1]); rec_lane[1] = (block_units == 2 -> 0 : rec_lane[1])
    };
    d_step { assert(IS(r - 1, LANE(who))); rec_lane[r - 1] = NUMBER(who) }
}

/* ---- a lane ---- */

#define TAKE(b) \
    assert(!bits[b] && IS(b, 0) && !dirty[b] && (block_units == 1 || !dirty[1])); \
    bits[b] = 1; \
    GIVE(b, LANE(me))

/* With what name_more() adds: both bits are set at once. */
inline take_block(place)
{
    if
    :: d_step { !bits[0] -> b = 0; yes = 1 }
    :: d_step { block_units == 1 && !bits[1] -> b = 1; yes = 1 }
    :: d_step { FULL -> yes = 0 }
    fi;
#ifdef BUG_RELEASE_EARLY
    owner = 0;
#endif
    if
    :: yes ->
       d_step { assert(IS(b, 0)); rec_lane[b] = NUMBER(me) };
#ifdef BUG_NAME
       d_step { assert(!bits[b] && IS(b, 0)); bits[b] = 1; GIVE(b, LANE(me)) };
       d_step { lane[me].ref[place] = b + 1; lane[me].gen[place] = generation }
#else
       /* The cleaner of a lane that has named a block of the slab gives the hint. */
       d_step { lane[me].ref[place] = b + 1; lane[me].gen[place] = generation; away = 0 };
       if
       :: d_step {
              block_units == 1 && !bits[1 - b] && !lane[me].ref[1 - place] ->
              assert(IS(1 - b, 0)); rec_lane[1 - b] = NUMBER(me); more = 1
          };
          d_step { lane[me].ref[1 - place] = 2 - b; lane[me].gen[1 - place] = generation }
       :: skip
       fi;
       d_step {
           TAKE(b);
           if
           :: more -> TAKE(1 - b)
           :: else
           fi
       }
#endif
    :: else
    fi
}

inline change_class(units)
{
    generation++;
    d_step { assert(has[0] == 0); rec_lane[0] = 0 };
    d_step { assert(has[1] == 0); rec_lane[1] = 0 };
    d_step { block_units = units; bits[1] = units == 2; changed = 1; away = 1 }
}

/* An incarnation that is over stays so, and its owner word is not used again.  So it makes no
 * difference that the look and the compare-and-swap are one step. */
#define ADOPTABLE \
    (owner == 0 || incarnation[(owner - 1) % 4] != owner / 4)

/* take_from(), then what take_hinted() does if the slab has nothing.  The lane may see that before
 * it owns the slab, or after. */
inline alloc(units, place)
{
    yes = 0;
#ifdef BUG_CONVERT_LOOK
    b = EMPTY;
#endif
    if
    :: d_step { ADOPTABLE -> owner = OWNER(me) };
       if
       :: block_units != units &&
#ifdef BUG_CONVERT_LOOK
          b /* it was empty before it was ours */
#else
          EMPTY
#endif
          -> change_class(units)
       :: else
       fi;
       if
       :: block_units == units -> take_block(place)
       :: else
       fi;
#ifndef BUG_RELEASE_EARLY
       owner = 0;
#endif
       none = !yes
    :: (block_units == units -> FULL : !EMPTY) -> none = 1
    :: else /* another lane owns it */
    fi;
    if
#ifndef BUG_CONVERT_HINT
    :: changed -> slab_hint() /* nobody has freed the blocks that it has now */
#endif
    :: none && hint[units - 1] -> slab_unhint(units)
    :: else
    fi
}

inline give_up_spare(place)
{
#ifdef BUG_UNNAME
    d_step { r = lane[me].ref[place]; g = lane[me].gen[place]; lane[me].ref[place] = 0; lane[me].gen[place] = 0 };
    arena_free_block(me)
#else
    d_step { r = lane[me].ref[place]; g = lane[me].gen[place] };
    arena_free_block(me);
    d_step { lane[me].ref[place] = 0; lane[me].gen[place] = 0 }
#endif
}

/* The spare is filled in and published; what was there before, if anything, becomes the spare. */
inline publish(place)
{
    d_step {
        o = lane[me].ref[place];
        assert(IS(o - 1, LANE(me)));
        dirty[o - 1] = 1; dirty[1] = dirty[1] || block_units == 2;
    };
    if
    :: block_units == 2 -> rec_lane[1] = 0
    :: block_units == 2 -> rec_lane[1] = NUMBER(0)
    :: block_units == 2 -> rec_lane[1] = NUMBER(1)
    :: block_units == 1
    fi;
    d_step {
        lane[me].old = cell; lane[me].old_gen = cell_gen; lane[me].at = place;
        GIVE(lane[me].ref[place] - 1, INDEX);
        if
        :: cell -> GIVE(cell - 1, LANE(me))
        :: else -> lane[me].ref[place] = 0; lane[me].gen[place] = 0; lane[me].at = 0
        fi;
        cell = o; cell_gen = generation
    };
    if
    :: lane[me].old -> recycle(place)
    :: else
    fi
}

inline remove(place)
{
    if
    :: d_step {
           cell ->
           lane[me].old = cell; lane[me].old_gen = cell_gen; lane[me].at = place;
           GIVE(cell - 1, LANE(me));
           cell = 0
       };
       recycle(place)
    :: !cell
    fi
}

inline recycle(place)
{
    r = lane[me].old;
    zero_all(me);
    d_step { lane[me].ref[place] = lane[me].old; lane[me].gen[place] = lane[me].old_gen };
    d_step { lane[me].old = 0; lane[me].old_gen = 0; lane[me].at = 0 }
}

#define NEXT atomic { o = 0; r = 0; b = 0; g = 0; yes = 0; more = 0; changed = 0; none = 0; n++ }

proctype lane_of(byte me)
{
    byte n, b, o, r, g;
    bool yes, more, changed, none;
    bool away; /* a hint may be lost if the lane dies here */
    {
        do
        :: n == OPS -> break
        :: n < OPS && !lane[me].ref[0] -> alloc(1, 0); NEXT
        :: n < OPS && !lane[me].ref[0] -> alloc(2, 0); NEXT
        :: n < OPS && lane[me].ref[0] && !lane[me].ref[1] -> alloc(1, 1); NEXT
        :: n < OPS && lane[me].ref[0] -> give_up_spare(0); NEXT
        :: n < OPS && lane[me].ref[0] -> publish(0); NEXT
        :: n < OPS && !lane[me].ref[0] -> remove(0); NEXT
        :: n < OPS && lane[me].ref[0] && !lane[me].ref[1] -> remove(1); NEXT
        od;
        if
        :: skip
        :: /* attach_leave() */
           give_up_spare(0);
           give_up_spare(1);
           incarnation[me]++;
           attached[me] = 0
        fi;
        finished[me] = 1
    } unless {
        d_step {
            doomed[me] ->
            doomed[me] = 0; dead[me] = 1; hint_lost = hint_lost || away;
            o = 0; r = 0; b = 0; g = 0; yes = 0; more = 0; changed = 0; none = 0; n = 0; away = 0
        }
    }
}

/* ---- the cleaner, and death ---- */

inline zero_spare()
{
#ifdef BUG_ORDER
    /* as it was: the lane number before the bit */
    d_step { b = (r && (r - 1) % block_units == 0 -> (r - 1) / block_units : 9); yes = 0 };
    if
    :: b != 9 && generation == g && rec_lane[r - 1] == NUMBER(d) -> yes = bits[b]
    :: else
    fi;
#else
    is_lanes(d);
#endif
    if
    :: d_step {
           yes -> /* the lane number stays */
           assert(IS(r - 1, LANE(d)));
           dirty[r - 1] = 0;
           dirty[1] = (block_units == 2 -> 0 : dirty[1]); rec_lane[1] = (block_units == 2 -> 0 : rec_lane[1])
       }
    :: !yes
    fi
}

inline recover_entry()
{
    if
    :: lane[d].old ->
       r = lane[d].old;
       zero_all(d);
       d_step { lane[d].ref[lane[d].at] = lane[d].old; lane[d].gen[lane[d].at] = lane[d].old_gen };
       d_step { lane[d].old = 0; lane[d].old_gen = 0; lane[d].at = 0 }
    :: else
    fi;
    k = 0;
    do
    :: k == PLACES -> break
    :: k < PLACES ->
       d_step { r = lane[d].ref[k]; g = lane[d].gen[k] };
       zero_spare();
       arena_free_block(d);
       d_step { lane[d].ref[k] = 0; lane[d].gen[k] = 0; k++ }
    od;
    incarnation[d]++;
    attached[d] = 0
}

#define OVER(l) (finished[l] || dead[l])
#define NONE_LEFT (!(dead[0] && attached[0]) && !(dead[1] && attached[1]))

#define TIDY d = 0; r = 0; g = 0; b = 0; k = 0; yes = 0

proctype cleaner()
{
    byte d, b, k, n, r, g;
    bool yes, away;
again:
    {
        do
        :: dead[0] && attached[0] -> d = 0; recover_entry(); atomic { TIDY }
        :: dead[1] && attached[1] -> d = 1; recover_entry(); atomic { TIDY }
        :: d_step { !doomed[0] && !doomed[1] && OVER(0) && OVER(1) && NONE_LEFT -> over = 1 }; break
        od
    } unless {
        cleaner_dies -> d_step { cleaner_dies = 0; TIDY }; goto again
    };
    skip; /* all is over */
    d_step {
        b = 0;
        do
        :: b == 2 -> break
        :: else ->
           n = 0;
           if
           :: b == 1 && block_units == 2
           :: bits[b] && b < SMALL_OR_ONE ->
              k = b * block_units;
              n = (cell == k + 1) + (lane[0].ref[0] == k + 1) + (lane[0].ref[1] == k + 1) +
                  (lane[1].ref[0] == k + 1) + (lane[1].ref[1] == k + 1);
              assert(n == 1)
           :: else -> assert(block_units == 2 || (has[b] == 0 && !dirty[b]))
           fi;
           b++
        od;
        assert(bits[0] || (has[0] == 0 && !dirty[0]));
        assert(FULL || hint[block_units - 1] || hint_lost)
    }
}

#define DOOM(l) kills--; doomed[l] = !finished[l]; dead[l] = finished[l]

proctype killer()
{
end:
    do
    :: d_step { kills && !over && !doomed[0] && !dead[0] -> DOOM(0) }
#if KILLS > 1
    :: d_step { kills && !over && !doomed[1] && !dead[1] -> DOOM(1) }
#endif
    :: d_step { kills && !over && !cleaner_dies && !NONE_LEFT -> kills--; cleaner_dies = 1 }
    od
}

init {
    atomic {
        /* A record is there already, or none. */
        attached[0] = 1; attached[1] = 1;
        if
        :: cell = 2; bits[1] = 1; has[1] = INDEX; dirty[1] = 1; rec_lane[1] = 7
        :: skip
        fi;
        run lane_of(0);
        run lane_of(1);
        run cleaner();
        run killer()
    }
}
