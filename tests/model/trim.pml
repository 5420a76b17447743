/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim.pml - memory of free blocks goes back while readers copy (lib/reading.c, lib/trim.c)
 *
 * One key, whose record a writer moves from one block of a slab to another, or removes.  A reader
 * copies it.  A process trims the slab.  Reader and trimmer may be killed between any two steps,
 * and a cleaner comes for them.
 *
 *   process  mirrors
 *   writer   take_from(), reserve_large(), the CAS of a change, arena_free_block()
 *   reader   reading_copy() with a word of its entry
 *   trimmer  trim_slab(), reading_blocks(), give_back()
 *   cleaner  recover_entry(), for entry.reading; the end of an incarnation, for the slab's owner
 *
 * Checked: a reader never touches a hole, nor does the writer; in the end the slab has no owner
 * that is dead, and no word says that a dead reader copies.
 *
 * Abstracted: the epoch in the slot's word only has to differ between two publications.  Memory is
 * sequentially consistent, as the accesses tagged [=reading] are.
 *
 * Bounds: OPS of the writer, TRIMS, GETS, KILLS.  Seeded bugs: see the file cases.
 */
#ifndef OPS
#define OPS 3
#endif
#ifndef TRIMS
#define TRIMS 2
#endif
#ifndef GETS
#define GETS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define NOBODY 0
#define WRITER 1
#define TRIMMER 2

byte current;               /* epoch * 4 + block + 1; 0: no record */
bool used[2], have[2], hole[2] = 1;
byte owner;                 /* of the slab */
byte reading;               /* block + 1 */
bool reader_dead, trimmer_dead, reader_done, trimmer_done, writer_done;
byte kills = KILLS;

#define BLOCK(word) ((word) % 4 - 1)

inline die(flag) { d_step { kills > 0 -> kills--; flag = 1 }; goto dead }

active proctype writer()
{
    byte ops = OPS, b, epoch, old;
    do
    :: ops == 0 -> break
    :: ops > 0 && current != 0 -> /* unset */
       ops--;
       d_step { old = current; current = 0 };
       used[BLOCK(old)] = 0
    :: ops > 0 -> /* set */
       ops--;
       d_step { owner == NOBODY -> owner = WRITER };
       b = (used[0] -> 1 : 0);
       if
       :: !have[b] -> hole[b] = 0; have[b] = 1
       :: have[b]
       fi;
       used[b] = 1;
       owner = NOBODY;
       assert(!hole[b]);
       epoch++;
       d_step { old = current; current = epoch * 4 + b + 1 };
       if
       :: old -> used[BLOCK(old)] = 0
       :: !old
       fi
    od;
    writer_done = 1
}

active proctype reader()
{
    byte gets = GETS, word;
    do
    :: gets == 0 -> break
    :: gets > 0 ->
       gets--;
       word = current;
       if
       :: word == 0
       :: word ->
          if
          :: reading = BLOCK(word) + 1
          :: die(reader_dead)
          fi;
#ifndef BUG_RECHECK
          if
          :: current != word
          :: current == word ->
#endif
             assert(!hole[BLOCK(word)]);
             if
             :: assert(!hole[BLOCK(word)])
             :: die(reader_dead)
             fi
#ifndef BUG_RECHECK
          fi
#endif
          ;
          reading = 0
       fi
    od;
    reader_done = 1;
dead:
    skip
}

active proctype trimmer()
{
    byte trims = TRIMS, b, said;
    do
    :: trims == 0 -> break
    :: trims > 0 ->
       trims--;
       d_step { owner == NOBODY -> owner = TRIMMER };
       b = 0;
       do
       :: b == 2 -> break
       :: b < 2 ->
#ifdef BUG_EARLY
          said = reading;
#endif
          if
          :: used[b]
          :: !used[b] ->
#ifndef BUG_EARLY
             said = reading;
#endif
#ifdef BUG_SAID
             said = 0;
#endif
             if
             :: said == b + 1
             :: said != b + 1 ->
#ifdef BUG_HOLE
                hole[b] = 1;
                if
                :: have[b] = 0
                :: die(trimmer_dead)
                fi
#else
                have[b] = 0;
                if
                :: hole[b] = 1
                :: die(trimmer_dead)
                fi
#endif
             fi
          fi;
          b++
       od;
       owner = NOBODY
    od;
    trimmer_done = 1;
dead:
    skip
}

active proctype cleaner()
{
    do
    :: d_step { reader_dead && reading -> reading = 0 }
    :: d_step { trimmer_dead && owner == TRIMMER -> owner = NOBODY }
#ifdef BUG_CLEAN
    :: reading && !reader_done -> reading = 0
#endif
    :: writer_done && (reader_done || reader_dead && !reading) &&
       (trimmer_done || trimmer_dead && owner != TRIMMER) -> break
    od;
    assert(owner == NOBODY && reading == 0)
}
