/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.pml - the feed: every change, in order, or a gap, with death and stops (lib/feed.c, rings.c)
 *
 * Up to three writers, each with a lane and its ring, set and unset keys, and sweep them when they
 * have expired.  Followers put the rings together by number.  A writer may be killed or stopped
 * between any two steps; the cleaner finishes what the dead left, and may be killed as well.
 *
 *   process   mirrors
 *   writer    the steps of a change as in kv.pml, with feed_ready_now(), feed_prepare() and feed_tell()
 *   cleaner   reap_entry(), recover_entry(): finish_change(), feed_recover(), release_lock()
 *   follower  follower_next(): list_rings(), look_at(), try_place(), read_line(), is_latest(),
 *             give_up(), pass(), follower_gap(), follower_position(); and the walk of a state
 *
 * Checked
 *   - Each change is told to each follower, or is in a gap that the follower was told of, unless
 *     its writer is stopped in the middle of it; also if a follower resumes from the position of
 *     another one.
 *   - An event is whole, and is that of a change that was made.
 *   - An event that is marked as superseded was followed by another change of its key.  When all is
 *     over, the last event of a key that is not marked is the key's last change.
 *
 * Abstracted
 *   - Memory is sequentially consistent, but for the store of a number and of `skipped` if a seeded
 *     bug leaves the fence out (TSO): these then wait in a buffer.
 *   - A key has a slot of its own and one insert lock.  Blocks and records are those of kv.pml.
 *   - A body is two words: `a` the epoch, `b` what the length and the key are read from.
 *   - A follower's wait for a number ends when the writer that has taken it is done with it, is
 *     stopped or dead; SPUR times earlier.
 *   - Who was told of a gap walks the keys at once.
 *   - COARSE: the steps of feed_prepare() are one, those of try_place() too, and a body is read in
 *     one; 2: a look at one ring as well.  Other cases have these steps one by one.
 *
 * Bounds
 *   LANES, R (lines of a ring), KEYS, OPS0 to OPS2 (changes by each writer); WHAT0 to WHAT2 (which:
 *   1 set, 2 unset, 4 sweep; a sum), WHICH0 to WHICH2 (of which key: 1, 2; a sum; 4:
 *   as the bits of ORDER say, the lowest first), LONG (the key that takes two lines), FIRST (only the
 *   first lane dies); START (which keys are there at first; a sum); KILLS, STOPS, SPUR; KILLANY
 *   (also while no journal is open and no lock held), REBORN (another process gets the lane of the
 *   dead); LIST (lanes are not known in the beginning); MODE and READONLY (the followers, below)
 * Seeded bugs, which have to be found: see run.sh.
 */
#ifndef LANES
#define LANES 2
#endif
#ifndef R
#define R 2
#endif
#ifndef KEYS
#define KEYS 1
#endif
#ifndef OPS0
#define OPS0 1
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef OPS2
#define OPS2 1
#endif
#ifndef WHAT0
#define WHAT0 1
#endif
#ifndef WHAT1
#define WHAT1 1
#endif
#ifndef WHAT2
#define WHAT2 1
#endif
#ifndef WHICH0
#define WHICH0 1
#endif
#ifndef WHICH1
#define WHICH1 1
#endif
#ifndef WHICH2
#define WHICH2 1
#endif
#ifndef ORDER
#define ORDER 0
#endif
#ifndef LONG
#define LONG 9
#endif
#ifndef START
#define START 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef COARSE
#define COARSE 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef SPUR
#define SPUR 0
#endif
#ifndef MODE
#define MODE 1 /* 1: a follower from the beginning; 2: two; 3: the first saves its position and ends, the
                  second resumes there; 4: one that begins at any time, with the state first */
#endif
#ifndef READONLY
#define READONLY 0 /* which followers are: 1 the first, 2 the second; a sum */
#endif

#define SET 1
#define UNSET 2
#define SWEEP 3
#define BY_LANE(w, x, y, z) ((w) == 0 -> (x) : ((w) == 1 -> (y) : (z)))
#define OPS(w) BY_LANE(w, OPS0, OPS1, OPS2)
#define WHAT(w) BY_LANE(w, WHAT0, WHAT1, WHAT2)
#define WHICH(w) BY_LANE(w, WHICH0, WHICH1, WHICH2)

/* feed_line.word */
#define WORD(n, old) ((n) * 4 + (old))
#define MORE 2
#define NUMBER(w) ((w) >> 2)

#define LINES(k) ((k) == LONG -> 2 : 1)
#define AFTER(i, n) (((i) + (n)) % R)
#define BEFORE(i) (((i) + R - 1) % R)
#define MAX(x, y) ((x) > (y) -> (x) : (y))
#define EPOCHS 15
#define ANY 15 /* what a further line has where the first one has its epoch: any bytes */

/* struct header */
byte epoch = KEYS, published, skipped, rings;

/* A slot for each key: the epoch of its record; 0 when vacant. */
byte current[KEYS];
bool hash[KEYS];
byte locked[KEYS]; /* the lane's number + 1 */
#define PRESENT(k) (hash[k] -> current[k] : 0)

/* struct lane, struct feed_lane and the ring */
typedef lane_t {
    byte epoch, key, kind, ack, lock, next, over;
    bool done, insert, marked;
    byte word[R], a[R], b[R];
};
lane_t lane[LANES];

bool attached[LANES], dead[LANES], stopped[LANES], finished[LANES];
bool cleaner_dies, cleaning, over;
bool dying; /* nobody else has a step before that is done */
byte kills = KILLS, stops = STOPS, spur = SPUR;
#ifdef TSO
byte sb_word[LANES + 1], sb_line[LANES + 1], sb_lane[LANES + 1], fb[2];
#define FENCE(i) !sb_word[i]
#define DRAINED (!sb_word[0] && !sb_word[1] && !sb_word[LANES])
#else
#define FENCE(i) true
#define DRAINED true
#endif

/* ---- what is checked: no part of the protocol ---- */

/* by epoch */
byte key_of[EPOCHS], kind_of[EPOCHS], who[EPOCHS]; /* lane + 1 */
short numbers[EPOCHS]; /* bits */
short made;
byte last[KEYS];
byte pending[LANES + 1]; /* the number that a writer, or the cleaner, has taken and not finished with */
/* by follower */
short told[2];
byte word_of[2 * KEYS]; /* the key's last event that was not marked: its epoch, 0 for an unset */
byte saved;
bool is_saved;

#define OWNED(n, w) (pending[w] == (n) && !stopped[w])
#if LANES == 1
#define IN_HANDS(n) (OWNED(n, 0) || pending[1] == (n))
#elif LANES == 2
#define IN_HANDS(n) (OWNED(n, 0) || OWNED(n, 1) || pending[2] == (n))
#else
#define IN_HANDS(n) (OWNED(n, 0) || OWNED(n, 1) || OWNED(n, 2) || pending[3] == (n))
#endif
#ifdef REBORN
#define OVER(w) (finished[w] || stopped[w])
#else
#define OVER(w) (finished[w] || stopped[w] || (dead[w] && !attached[w]))
#endif
#if LANES == 1
#define QUIET (OVER(0) && DRAINED)
#elif LANES == 2
#define QUIET (OVER(0) && OVER(1) && DRAINED)
#else
#define QUIET (OVER(0) && OVER(1) && OVER(2) && DRAINED)
#endif
#ifdef KILLANY
#define KILLABLE(w) (!finished[w])
#else
#define KILLABLE(w) (lane[w].epoch || lane[w].lock)
#endif

/* ---- a writer ---- */

/* What is left over in the variables is of no use to anybody; forgotten, it makes no states differ. */
#define IDLE k = 0; kind = 0; h = 0; e = 0; n = 0; c = 0; old = 0

inline acknowledge()
{
    if
    :: h && who[h] && who[h] != me + 1 && lane[who[h] - 1].epoch == h ->
       if
       :: d_step { current[k] == h -> lane[who[h] - 1].ack = MAX(lane[who[h] - 1].ack, h) }
       :: current[k] != h
       fi
    :: else
    fi
}

inline raise_over()
{
    d_step {
        lane[me].over = MAX(lane[me].over, NUMBER(lane[me].word[c]));
        lane[me].over = (LINES(k) == 2 -> MAX(lane[me].over, NUMBER(lane[me].word[AFTER(c, 1)])) :
                         lane[me].over)
    }
}

#ifdef BUG_REST_BYTES
#define BYTES ANY
#else
#define BYTES 0
#endif

inline prepare()
{
    c = lane[me].next;
#ifndef BUG_OVER_LATE
    raise_over();
#endif
    lane[me].b[c] = e;
    if
    :: LINES(k) == 2 ->
#ifndef BUG_REST_KEPT
       lane[me].word[AFTER(c, 1)] = MORE;
#endif
       lane[me].a[AFTER(c, 1)] = BYTES;
       lane[me].b[AFTER(c, 1)] = e
    :: else
    fi;
    lane[me].a[c] = e
#ifdef BUG_OVER_LATE
    ;raise_over()
#endif
}

/* By i (a writer, or LANES: the cleaner) for lane q: the line c gets its number. */
inline tell(i, q)
{
    do
    :: d_step {
           published++; n = published; pending[i] = n; assert(n < 15);
           numbers[e] = numbers[e] | (1 << n)
       };
#ifdef BUG_UNSET_MARKED
       old = current[k] != e;
#elif !defined(BUG_NOT_MARKED)
       old = kind == SET && current[k] != e;
#endif
#ifdef BUG_NO_FENCE
       atomic {
           !sb_word[i] -> sb_word[i] = WORD(n, old); sb_line[i] = c; sb_lane[i] = q
       };
#else
       lane[q].word[c] = WORD(n, old);
#endif
#ifdef BUG_NOT_AGAIN
       pending[i] = 0; break
#else
       if
       :: d_step { skipped < n -> pending[i] = 0 }; break
       :: d_step { skipped >= n -> pending[i] = 0 }
       fi
#endif
    od;
    atomic { n = 0; old = 0 };
    atomic { FENCE(i) -> lane[q].next = AFTER(c, LINES(k)) }
}

inline unlock()
{
    locked[k] = 0;
    lane[me].lock = 0
}

inline take_epoch()
{
    d_step {
        epoch++; e = epoch; assert(e < EPOCHS);
        who[e] = me + 1; key_of[e] = k; kind_of[e] = kind
    }
}

/* Read by nobody before the journal is open. */
inline describe()
{
    d_step {
        lane[me].key = k; lane[me].kind = kind; lane[me].done = 0;
        lane[me].insert = kind == SET && !h
    }
}

/* Up to the compare-and-swap */
inline begin_change()
{
    acknowledge();
    take_epoch();
    prepare();
    describe();
    lane[me].epoch = e
}

#define MADE current[k] = (kind == SET -> e : 0); last[k] = e; made = made | (1 << e)

inline change()
{
    do
    :: kind != SET && (!PRESENT(k) || kind == SWEEP && PRESENT(k) > KEYS) -> goto nothing_to_do
    :: kind == SET && PRESENT(k) && lane[me].lock -> unlock()
    :: d_step {
           !lane[me].lock && (kind == SET && !PRESENT(k) || kind == UNSET && PRESENT(k) ||
                              kind == SWEEP && PRESENT(k) && PRESENT(k) <= KEYS) -> lane[me].lock = k + 1
       };
       atomic { !locked[k] -> locked[k] = me + 1 }
    :: atomic {
           kind == SET && PRESENT(k) && !lane[me].lock ||
           lane[me].lock && (kind == SET && !PRESENT(k) || kind == UNSET && PRESENT(k) ||
                             kind == SWEEP && PRESENT(k) && PRESENT(k) <= KEYS) -> h = PRESENT(k);
#if COARSE
           begin_change()
#endif
       };
#if !COARSE
       begin_change();
#endif
#ifdef BUG_NUMBER_FIRST
       d_step {
           published++; n = published; pending[me] = n; numbers[e] = numbers[e] | (1 << n)
       };
#endif
       if
       :: d_step { current[k] == h && kind == SET && h -> MADE }; break
       :: d_step { current[k] == h && kind == SET && !h -> MADE }; hash[k] = 1; break
       :: d_step { current[k] == h && kind != SET -> MADE; hash[k] = 0 }; lane[me].done = 1; break
       :: d_step { current[k] != h -> lane[me].epoch = 0; h = 0; e = 0; c = 0 }
       fi
    od;
#ifdef BUG_UNLOCK
    if
    :: lane[me].lock -> unlock()
    :: else
    fi;
#endif
#ifdef BUG_CLOSE
    lane[me].epoch = 0;
#endif
#ifdef BUG_NUMBER_FIRST
    lane[me].word[c] = WORD(n, 0);
    d_step { pending[me] = 0; lane[me].next = AFTER(c, LINES(k)) };
#else
    tell(me, me);
#endif
nothing_to_do:
    if
    :: d_step { lane[me].lock -> lane[me].epoch = 0 }; unlock(); d_step { IDLE }
    :: atomic { !lane[me].lock -> lane[me].epoch = 0; IDLE }
    fi
}

inline mark()
{
#ifdef BUG_COUNT_FIRST
    rings++;
    lane[me].marked = 1
#elif defined(BUG_COUNT_ONCE)
    if
    :: lane[me].marked
    :: else -> lane[me].marked = 1; rings++
    fi
#else
    lane[me].marked = 1;
    rings++
#endif
}

proctype writer(byte me)
#if KILLS || STOPS
    provided ((!stopped[me] || over) && (!dying || dead[me]))
#endif
{
    byte k, kind, h, e, n, c, j;
    bool old;
begin:
    {
#ifdef LIST
        mark();
#endif
        do
        :: atomic { j == OPS(me) -> finished[me] = 1; break }
        :: atomic {
               j < OPS(me) -> j++;
               if
               :: WHAT(me) & 1 -> kind = SET
               :: WHAT(me) & 2 -> kind = UNSET
               :: WHAT(me) & 4 -> kind = SWEEP
               fi;
               if
               :: WHICH(me) & 1 -> k = 0
               :: WHICH(me) & 2 -> k = 1
               :: WHICH(me) & 4 -> k = (ORDER >> (j - 1)) & 1
               fi
           };
           change()
        od
    }
#if KILLS || STOPS
    unless {
        d_step { dead[me] || (stopped[me] && over) -> IDLE; dying = 0 }
    }
#endif
#ifdef REBORN
    ;
    if
    :: atomic { dead[me] && !attached[me] && !over -> dead[me] = 0; attached[me] = 1 };
       goto begin
    :: over
    :: finished[me]
    fi
#endif
}

/* ---- the cleaner, and death ---- */

inline recover_feed()
{
    c = lane[d].next;
    if
    :: lane[d].a[c] == e || lane[d].a[c] == ANY ->
       n = NUMBER(lane[d].word[c]);
       if
#ifdef BUG_TRUST
       :: n > lane[d].over -> n = 0; lane[d].next = AFTER(c, LINES(k))
#else
       :: n > lane[d].over && skipped < n -> n = 0; lane[d].next = AFTER(c, LINES(k))
#endif
       :: else -> n = 0; tell(LANES, d)
       fi
    :: else
    fi
}

inline release_lock()
{
    if
    :: lane[d].lock && locked[lane[d].lock - 1] == d + 1 -> locked[lane[d].lock - 1] = 0
    :: else
    fi;
    lane[d].lock = 0
}

inline recover_lane()
{
    if
    :: lane[d].epoch ->
       d_step { e = lane[d].epoch; k = lane[d].key; kind = lane[d].kind };
       h = current[k];
       if
       :: kind == SET && (h == e || lane[d].ack == e) || kind != SET && (lane[d].done || !h) ->
          if
          :: lane[d].insert && current[k] && !hash[k] -> hash[k] = 1
          :: else
          fi;
          lane[d].done = 1;
#ifdef BUG_CLEAN_UNLOCK
          release_lock();
#endif
#ifndef BUG_CLEAN_SILENT
          recover_feed()
#endif
       :: else
       fi;
       lane[d].epoch = 0
    :: else
    fi;
    release_lock()
}

#define FORGET d = 0; e = 0; k = 0; kind = 0; h = 0; n = 0; c = 0; old = 0
#define CLEAN(w) \
    atomic { dead[w] && attached[w] && FENCE(w) -> cleaning = 1; d = w }; \
    recover_lane(); \
    atomic { attached[w] = 0; FORGET; cleaning = 0 }

proctype cleaner()
    provided (!dying || cleaner_dies)
{
    byte d, e, k, kind, h, n, c;
    bool old;
endagain:
    {
enddo:
        do
        :: CLEAN(0)
#if LANES > 1
        :: CLEAN(1)
#endif
#if LANES > 2
        :: CLEAN(2)
#endif
        od
    } unless {
        atomic {
            cleaner_dies && FENCE(LANES) -> cleaner_dies = 0; dying = 0; pending[LANES] = 0;
            FORGET; cleaning = 0
        };
        goto endagain
    }
}

#define KILL(w) \
    d_step { \
        kills && !over && KILLABLE(w) && !dead[w] -> \
        kills--; dead[w] = 1; dying = 1; stopped[w] = 0; pending[w] = 0 \
    }
#define STOP(w) \
    d_step { stops && !over && lane[w].epoch && !dead[w] && !stopped[w] -> stops--; stopped[w] = 1 }
#define CONTINUE(w) d_step { stopped[w] && !over -> stopped[w] = 0 }

proctype killer()
    provided (!dying)
{
end:
    do
    :: KILL(0)
    :: STOP(0)
    :: CONTINUE(0)
#if LANES > 1 && !defined(FIRST)
    :: KILL(1)
    :: STOP(1)
    :: CONTINUE(1)
#endif
#if LANES > 2 && !defined(FIRST)
    :: KILL(2)
    :: STOP(2)
    :: CONTINUE(2)
#endif
    :: d_step { kills && !over && cleaning && !cleaner_dies -> kills--; cleaner_dies = 1; dying = 1 }
    od
}

#ifdef TSO
#define DRAIN(i) \
    d_step { sb_word[i] -> lane[sb_lane[i]].word[sb_line[i]] = sb_word[i]; sb_word[i] = 0; \
             sb_line[i] = 0; sb_lane[i] = 0 }
proctype memory()
{
end:
    do
    :: DRAIN(0)
    :: DRAIN(1)
    :: DRAIN(LANES)
    :: d_step { fb[0] -> skipped = MAX(skipped, fb[0]); fb[0] = 0 }
    od
}
#endif

/* ---- a follower ---- */

#define RO ((READONLY >> f) & 1)

/* try_place(), until it is found */
inline find_place()
{
    do
    :: d_step { i = 0; x = 0; y = 0; z = 0; v = 0 };
       do
       :: i == R -> break
       :: i < R ->
          d_step {
              w = lane[l].word[i];
              if
              :: NUMBER(w) > N && (!x || w < x) -> x = w; y = i
              :: else
              fi;
              if
              :: NUMBER(w) && w > z -> z = w; v = i
              :: else
              fi;
#ifdef BUG_PLACE_REST
              t[i] = w;
#endif
              w = 0; i++
          }
       od;
       if
       :: x -> /* y: the first one above N */
          i = BEFORE(y);
          do
#ifdef BUG_PLACE_REST
          :: d_step { (t[i] & MORE) && i != y -> i = BEFORE(i) }
          :: d_step { !(t[i] & MORE) || i == y -> w = t[i] }; break
#elif defined(BUG_REST_BEFORE)
          :: d_step { w = lane[l].word[i] }; break
#else
          :: d_step { (lane[l].word[i] & MORE) && i != y -> i = BEFORE(i) }
          :: d_step { !(lane[l].word[i] & MORE) || i == y -> w = lane[l].word[i] }; break
#endif
          od;
          if
#ifdef BUG_PLACE_REST
          :: lane[l].word[i] != w
          :: lane[l].word[i] == w && lane[l].word[y] != x
          :: d_step {
                 lane[l].word[i] == w && lane[l].word[y] == x && !(NUMBER(w) > N && w < x) ->
                 at[l] = y; before_at[l] = i; before[l] = w
             };
             break
#else
          :: lane[l].word[y] != x
          :: d_step {
                 lane[l].word[y] == x && !(NUMBER(w) > N && w < x) ->
                 at[l] = y; before_at[l] = i; before[l] = w
             };
             break
#endif
          :: NUMBER(w) > N && w < x /* it came after the loop had passed it */
          fi
       :: !x && !z -> /* nothing yet */
          d_step { at[l] = 0; before_at[l] = R - 1; before[l] = lane[l].word[R - 1] };
          if
          :: NUMBER(lane[l].word[0]) > N
          :: NUMBER(lane[l].word[0]) <= N -> break
          fi
       :: !x && z -> /* v: the last one; none is above N */
          y = AFTER(v, (lane[l].b[v] -> LINES(key_of[lane[l].b[v]]) : 1));
          o = lane[l].over;
          if
#ifndef BUG_LENGTH
          :: o >= NUMBER(z)
#endif
          :: lane[l].word[v] != z
#ifdef BUG_LENGTH
          :: lane[l].word[v] == z ->
#else
          :: o < NUMBER(z) && lane[l].word[v] == z ->
#endif
             if
             :: NUMBER(lane[l].word[y]) > N
             :: d_step {
                    NUMBER(lane[l].word[y]) <= N ->
                    at[l] = y; before_at[l] = v; before[l] = z
                };
                break
             fi
          fi
       fi
    od;
    atomic {
        i = 0;
#ifdef BUG_PLACE_REST
        do
        :: i == R -> break
        :: else -> t[i] = 0; i++
        od;
#endif
        i = 0; x = 0; y = 0; z = 0; v = 0; w = 0; o = 0; placed[l] = 1
    }
}

/* The body of the line: y its epoch, z and v the rest, o what was overwritten. */
inline read_body()
{
    y = lane[l].a[at[l]];
    z = lane[l].b[at[l]];
    if
    :: z && LINES(key_of[z]) == 2 -> v = lane[l].b[AFTER(at[l], 1)]
    :: else -> v = z
    fi;
#ifdef BUG_NO_OVER
    o = 0
#else
    o = lane[l].over
#endif
}

inline read_line()
{
#if COARSE
    atomic { read_body() }
#else
    read_body()
#endif
}

inline event()
{
    assert(y == z && v == z);
    assert(y && (made & (1 << y)));
    told[f] = told[f] | (1 << y);
    if
    :: w & 1 -> assert(last[key_of[y]] != y)
    :: else -> word_of[f * KEYS + key_of[y]] = (kind_of[y] == SET -> y : 0)
    fi
}

#ifdef BUG_REST_BEFORE
#define STEP \
    at[l] = AFTER(at[l], LINES(key_of[z])); before_at[l] = BEFORE(at[l]); \
    before[l] = (LINES(key_of[z]) == 2 -> MORE : x)
#else
#define STEP before_at[l] = at[l]; before[l] = x; at[l] = AFTER(at[l], LINES(key_of[z]))
#endif
#ifdef BUG_READONLY_GAP
#define LOST(n) false
#else
/* What came late, after it had been passed, is overwritten. */
#define LOST(n) (hole && (n) > NUMBER(before[l]) && (n) >= hole)
#endif

#define NOTHING 0
#define CHANGE 1
#define GAP 2
#define LATE 3
#define NO_MORE 4

#ifdef BUG_STUCK
#define IS_LATE (RO && NUMBER(x) && NUMBER(x) <= N && NUMBER(x) > NUMBER(before[l]))
#else
#define IS_LATE (NUMBER(x) && NUMBER(x) <= N && NUMBER(x) > NUMBER(before[l]))
#endif
#ifdef BUG_LATE_SKIPPED
#define IS_OWED (RO && hole && NUMBER(x) >= hole && skipped < NUMBER(x))
#else
#define IS_OWED (RO && hole && NUMBER(x) >= hole)
#endif

inline late()
{
    read_line();
    if
    :: o >= NUMBER(x) ->
       if
       :: LOST(o) -> found = GAP
       :: else -> placed[l] = 0
       fi
    :: o < NUMBER(x) ->
       if
       :: !IS_OWED -> d_step { STEP }
       :: IS_OWED ->
          w = x;
#ifdef BUG_LATE_UNSET
          w = w | (PRESENT(key_of[y]) != y);
#elif !defined(BUG_LATE_NOT_MARKED)
          w = w | (PRESENT(key_of[y]) != (kind_of[y] == SET -> y : 0));
#endif
          d_step { event(); STEP; found = LATE }
       fi
    fi;
    d_step { x = 0; y = 0; z = 0; v = 0; w = 0; o = 0 }
}

/* The word x is at[l], and the one before it has not changed. */
inline ordinary()
{
    if
    :: NUMBER(x) == N + 1 ->
       read_line();
       if
       :: o > N || LOST(o) -> found = GAP
       :: else -> d_step { w = x; event(); STEP; N++; found = CHANGE }
       fi
    :: else ->
#ifdef BUG_NO_OVER
       found = NO_MORE
#else
       o = lane[l].over;
       d_step {
           if
           :: o > N || LOST(o) -> found = GAP
           :: !(o > N || LOST(o)) && NUMBER(x) <= N && o > NUMBER(before[l]) -> placed[l] = 0
           :: else -> found = NO_MORE
           fi
       }
#endif
    fi;
    d_step { x = 0; y = 0; z = 0; v = 0; w = 0; o = 0; moved = 0 }
}

inline look_at()
{
    do
    :: found -> break
    :: !found && !placed[l] ->
#if COARSE
       atomic { find_place() }
#else
       find_place()
#endif
    :: !found && placed[l] ->
       moved = lane[l].word[before_at[l]] != before[l];
#ifdef BUG_LATE_AFTER
       x = (moved -> 0 : lane[l].word[at[l]]);
#else
       x = lane[l].word[at[l]];
#endif
       if
       :: IS_LATE -> moved = 0; late()
#ifndef BUG_NO_BEFORE
       :: !IS_LATE && moved && RO && hole ->
          o = lane[l].over;
          d_step {
              if
              :: LOST(o) -> found = GAP
              :: else -> placed[l] = 0
              fi;
              o = 0; moved = 0; x = 0
          }
       :: !IS_LATE && moved && !(RO && hole) -> d_step { placed[l] = 0; moved = 0; x = 0 }
#endif
       :: else -> ordinary()
       fi
    od;
    found = (found == NO_MORE -> NOTHING : found)
}

inline list_rings()
{
#ifdef LIST
    if
#ifdef BUG_LIST_ONCE
    :: d_step { rings != known && !known -> x = rings; l = 0 };
#else
    :: d_step { rings != known -> x = rings; l = 0 };
#endif
       do
       :: l == LANES -> break
       :: l < LANES && lane[l].marked -> d_step { listed[l] = 1; l++ }
       :: l < LANES && !lane[l].marked -> l++
       od;
       atomic { known = x; x = 0; l = 0 }
#ifdef BUG_LIST_ONCE
    :: known
#endif
    :: rings == known
    fi
#else
    skip
#endif
}

inline walk()
{
    word_of[f * KEYS] = PRESENT(0)
#if KEYS > 1
    ;word_of[f * KEYS + 1] = PRESENT(1)
#endif
}

/* Nobody can say any more that he was not told of what had a number from first to N. */
inline cover(first)
{
    i = 1;
    do
    :: i == EPOCHS -> break
    :: else ->
       told[f] = (numbers[i] & ((1 << (N + 1)) - (1 << (first))) -> told[f] | (1 << i) : told[f]);
       i++
    od;
    i = 0
}

inline check_all()
{
    d_step {
        i = 1;
        do
        :: i == EPOCHS -> break
        :: else ->
           assert(!(made & (1 << i)) || (told[f] & (1 << i)) || stopped[who[i] - 1]);
           i++
        od;
        i = 0;
        assert(word_of[f * KEYS] == current[0] || stopped[who[last[0]] - 1]);
#if KEYS > 1
        assert(word_of[f * KEYS + 1] == current[1] || stopped[who[last[1]] - 1])
#endif
    }
}

#define POSITION (hole -> hole - 1 : N)

proctype follower(byte f)
#if KILLS
    provided (!dying)
#endif
{
    byte N, l, i, v, w, x, y, z, o, found, hole, hole_last, known;
    byte at[LANES], before_at[LANES], before[LANES];
    bool placed[LANES], moved, second, seen, final, clear;
#ifdef BUG_PLACE_REST
    byte t[R];
#endif
#ifdef LIST
    bool listed[LANES];
#define LISTED(l) listed[l]
#else
#define LISTED(l) true
#endif

#if MODE < 3 && !defined(LIST)
    /* It is there before the first change. */
    atomic {
        do
        :: l == LANES -> break
        :: else -> before_at[l] = R - 1; placed[l] = 1; l++
        od;
        l = 0
    }
#elif MODE == 3
    if
    :: f == 1 -> d_step { is_saved -> N = saved }
    :: else
    fi;
#elif MODE == 4
#ifdef BUG_WALK_FIRST
    walk();
    d_step { N = published; cover(0) };
#else
    d_step { N = published; cover(0) };
    walk();
#endif
#endif
    do
#if MODE == 3
    :: atomic {
           f == 0 && !is_saved -> saved = POSITION; is_saved = 1; told[1] = told[0];
           word_of[KEYS] = word_of[0];
#if KEYS > 1
           word_of[KEYS + 1] = word_of[1];
#endif
           break
       }
#define MAY_END (is_saved)
#else
#define MAY_END true
#endif
    :: atomic { N == published && QUIET && MAY_END && (final || !RO) -> over = 1; check_all(); break }
    :: atomic { N == published && QUIET && MAY_END && !final && RO -> over = 1; final = 1 }; goto look
    :: N < published || (RO && hole) ->
look:  if
       :: RO && hole ->
#ifdef BUG_FORGET
          d_step {
              hole = (skipped >= hole_last -> 0 : hole); hole_last = (hole -> hole_last : 0)
          }
#else
          clear = skipped >= hole_last
#endif
       :: else
       fi;
again: list_rings();
       l = 0;
       do
       :: d_step { l == LANES || found -> l = 0 }; break
       :: l < LANES && !found && LISTED(l) ->
#if COARSE > 1
          atomic { look_at(); l++ }
#else
          look_at();
          l++
#endif
       :: l < LANES && !found && !LISTED(l) -> l++
       od;
       if
       :: d_step { found == CHANGE -> found = 0; second = 0; seen = 0; clear = 0; final = 0 }
       :: d_step { found == LATE -> found = 0; clear = 0 }; goto look
       :: d_step { found == GAP -> x = POSITION + 1 };
          do
          :: l == LANES -> break
          :: else -> d_step { N = MAX(N, lane[l].over); placed[l] = 0; l++ }
          od;
          atomic {
              l = 0; cover(x);
              x = 0; found = 0; second = 0; seen = 0; clear = 0; hole = 0; hole_last = 0; final = 0
          };
          walk()
       :: d_step { /* nobody has it */
              !found -> hole = (clear -> 0 : hole); hole_last = (clear -> 0 : hole_last); clear = 0
          };
          if
          :: d_step { N >= published -> second = 0; seen = 0 }
          :: d_step {
                 N < published && second -> N++;
                 if
#ifdef BUG_HOLE_LATE
                 :: RO && skipped < N -> hole = (hole -> hole : N); hole_last = N
#else
                 :: RO && !seen -> hole = (hole -> hole : N); hole_last = N
#endif
                 :: else
                 fi;
                 second = 0; seen = 0
             }
          :: N < published && !second ->
             if
#ifdef BUG_ONE_LOOK
             :: skipped > N -> N++ /* another follower has given up the number */
#else
             :: d_step { skipped > N -> seen = 1; second = 1 }; goto look
#endif
             :: d_step {
                    skipped <= N && (!IN_HANDS(N + 1) || spur) ->
                    spur = (IN_HANDS(N + 1) -> spur - 1 : spur);
#ifdef BUG_FOLLOWER_FENCE
                    fb[f] = N + 1;
#else
                    skipped = (RO -> skipped : N + 1);
#endif
                    second = 1
                };
#ifdef BUG_NO_SECOND
                d_step { second = 0; N++ }
#else
                goto look
#endif
             fi
          fi
       fi
    od;
    atomic {
        N = 0; final = 0; hole = 0; hole_last = 0; l = 0; known = 0;
        do
        :: l == LANES -> break
        :: else -> at[l] = 0; before_at[l] = 0; before[l] = 0; placed[l] = 0; l++
        od;
        l = 0
    }
}

init {
    byte w;
    atomic {
        do
        :: w == LANES -> break
        :: else -> attached[w] = 1; w++
        od;
        w = 0;
        do
        :: w == KEYS -> break
        :: else ->
           key_of[w + 1] = w; kind_of[w + 1] = SET;
           if
           :: START & (1 << w) ->
              current[w] = w + 1; hash[w] = 1; last[w] = w + 1; word_of[w] = w + 1;
              word_of[KEYS + w] = w + 1
           :: else
           fi;
           w++
        od;
        w = 0;
        do
        :: w == LANES -> break
        :: else -> run writer(w); w++
        od;
        run follower(0);
#if MODE == 2 || MODE == 3
        run follower(1);
#endif
#if KILLS || STOPS
        run cleaner();
        run killer();
#endif
#ifdef TSO
        run memory();
#endif
    }
}
