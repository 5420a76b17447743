/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - every structure that processes share, as it lies in the store
 *
 *     header | two sync points | index map | registry | index | groups | feed | arena
 *
 * All of it is untrusted when it is read: a hostile process may write anything anywhere at any
 * time.  Positions come from the private copy of the geometry (struct splinter_store), never from
 * the store itself.
 *
 * The comment of a field says who writes it, who reads it, and in which order.  The owner of a lane
 * is the thread that holds it, and the owner of a slab is the lane that its header names.
 */
#ifndef SPLINTER_LAYOUT_H
#define SPLINTER_LAYOUT_H

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_MAGIC "SPLINTER" /* eight bytes, no terminator */
#define STORE_BYTE_ORDER UINT32_C(0x01020304)
#define STORE_FORMAT 3u
#define STORE_WORD_BITS ((uint32_t)(8 * sizeof(void *)))

#define UNIT 64u            /* bytes; references count in units from the start of the arena */
#define PAGE 4096u          /* step of reservation; the kernel rounds up to its own pages */
#define CHUNK_BUCKETS 256u  /* buckets per bit of the index map: 16 KiB */
#define BUCKET_SLOTS 3u
#define MAX_ENTRIES 512u    /* processes attached to write */
#define ENTRY_LANES 15u     /* threads of one process that write at the same time */
#define LANE_SPARES 8u      /* blocks a lane keeps for its next records, */
#define LANE_SPARES_OF_CLASS 3u
#define SPARE_UNITS 32u     /* and none that is larger: 2 KiB */
#define SLAB_WORDS 32u
#define SLAB_BLOCKS (SLAB_WORDS * 64u)
#define SLAB_HEADER_UNITS 9u
#define GROUP_SLABS 64u
#define SMALL_UNITS 128u /* the largest block that shares a slab with blocks of other classes */
#define LARGE_BLOCKS 64u /* most blocks of a slab of large ones */
#define MAX_CLASSES 30u

/* The part of the header that never changes after the creation.  Every opener copies it, and checks
 * the copy (geometry.c). */
struct geometry {
    char magic[8];
    uint32_t byte_order;
    uint32_t format;
    uint32_t word_bits;
    uint32_t slots;     /* limit of keys */
    uint32_t max_value; /* limit of a value, bytes */
    uint32_t buckets;
    uint32_t slab_units; /* a power of two */
    uint32_t slabs;
    uint32_t flags;    /* GEOMETRY_* */
    uint32_t capacity; /* keys of max_value bytes that the arena has room for, whatever was there
                          before; `slots`, unless the references do not reach as far */
    uint64_t seed;     /* of the hash of keys */
    uint64_t registry_off; /* bytes from the start of the store, as are all that follow */
    uint64_t index_off;
    uint64_t groups_off;
    uint64_t feed_off;
    uint64_t arena_off;
    uint32_t feed; /* lines of each lane's ring, a power of two; 0: the store has no feed */
    uint32_t reserved;
    uint64_t checksum; /* XXH3 of everything before it */
};

#define GEOMETRY_DURABLE 1u /* in a file: what a sync has acknowledged outlives the machine */

struct header {
    struct geometry geometry;
    uint8_t pad0[256 - sizeof(struct geometry)];

    /* A writer adds 1 twice per change: once to number the change, before it is published, and once
     * after it, so that a waiter which read the counter in between is woken.  The cleaner of a dead
     * process adds 1 also.  Read by waiters of wait_any, after they set any_wait. */
    alignas(64) uint64_t epoch;
    uint64_t published; /* of a store with a feed: the last number of a change; a writer adds 1 when
                           the change is visible (feed.c) */
    uint8_t pad1[48];

    /* Low 32 bits: keys that are present, or about to be.  High 32 bits: how often that number
     * changed.  A writer raises it before it claims a slot, and lowers it after it has vacated one.
     * The process that mends the counts subtracts what a death left (counts.c). */
    alignas(64) uint64_t keys;
    uint8_t pad2[56];

    /* Every writer reads these, and hardly any writes them. */
    alignas(64) uint32_t any_wait; /* futex of wait_any, used like bucket.wait */
    uint32_t counts_dirty;  /* COUNTS_*: a death may have left keys or an overflow count too high;
                               set by a cleaner, cleared by the process that mends them */
    uint32_t registry_used; /* entries below this number are reserved; raised by an opener */
    uint32_t slabs_used;    /* slabs below this number exist (arena.c); raised by writers */
    uint64_t clock_offset;  /* what the store's time is ahead of CLOCK_BOOTTIME, modulo 2^64; of
                               durable stores written before clock_boot, by an opener that holds
                               the lock of openers while nobody has the store open to write (else
                               0); read by all who judge an end of life (expiry.c) */
    uint32_t ttl_used;      /* TTL_*: what some record has had; set before that record is */
    uint32_t lives;         /* how often a record with an end of life was set; stepped after that */
    uint64_t keep;     /* durable stores: a record up to this epoch is kept, when it is replaced,
                          until a sync has ended; written by the holder of the sync lock, read by a
                          writer after it has taken its epoch */
    uint64_t synced;   /* the epoch up to which everything is on disk; written as `keep`, after the
                          sync point */
    uint64_t clock_boot; /* durable stores: session_boot() of the boot of clock_offset; 0: none */
    uint64_t soonest; /* UINT64_MAX less the next end of life that nobody has been told of, or an
                         earlier time; raised by a setter, after `lives`; lowered by a sweep, which
                         then looks at `lives`; read by waiters of wait_any */

    /* Of durable stores.  Written by the holder of the sync lock, or by an opener or closer that
     * holds the lock of openers while nobody has the store open to write. */
    alignas(64) uint8_t boot[16]; /* random id of the kernel that the mapped pages belong to */
    uint64_t device, inode;       /* of the file: a copy has others */
    uint64_t last_sync_ns;        /* CLOCK_MONOTONIC, for syncs at intervals; also set by a writer
                                     that begins one (compare-and-swap) */
    uint32_t sync_error;          /* errno of the last sync if it failed, until one succeeds */
    uint32_t damaged;             /* records that the last rebuild could not save */
    uint32_t rebuilt;             /* records that it found */
    uint32_t limbo_at;            /* slab + 1 whose bit of the limbo map has been cleared, while it
                                     is looked through; 0: none */
    uint64_t born_ns;             /* birth of the inode, as the number of an inode is reused */

    /* Written and read by writers that look for room. */
    alignas(64) uint64_t ahead; /* slabs that are reserved whole before they exist: the first << 32
                                   | the one after the last */
    uint64_t class_slabs[MAX_CLASSES]; /* low 32 bits: slabs of each class, or more, as a writer
                                          counts one before the slab has the class, and may die in
                                          between; high 32 bits: how often that number changed */
    uint8_t pad4[8];

    /* Of durable stores, written as `boot` is. */
    alignas(64) uint64_t mount; /* number of the mount, which this boot gives to no other; 0: not
                                   known */
    uint64_t filesystem;        /* number of the mounted file system, which other mounts of it
                                   share; 0: not known */
    uint8_t pad5[48];

    /* Of a store with a feed.  Every writer reads these, and hardly anybody writes them. */
    alignas(64) uint64_t skipped; /* followers have given up waiting for numbers up to this one;
                                     raised by them, read by a writer after it has stored its
                                     number */
    uint64_t feed_base; /* changes up to this number are in no ring; written by a rebuild */
    uint32_t feed_rings; /* stepped after a lane was marked in entry.feed_lanes */
    uint32_t era;        /* at random, from a rebuild, so that a copy has another; 0: none yet */

    /* Topics may be half made, or half removed, if these two differ.  The first one is stepped by
     * the cleaner of a process that died at a topic, by a process that gives up, and by a rebuild.
     * The second one is then made the same by the process that has looked at all topics. */
    uint32_t topics_left, topics_settled;
    uint8_t pad6[32];
};
#define TTL_END 1u   /* an end of life */
#define TTL_OWNER 2u /* an owner */
#define COUNTS_DIRTY 1u
#define COUNTS_BEING_MENDED 2u /* still dirty, if the process that mends them dies */
static_assert(offsetof(struct header, epoch) == 256, "header");
static_assert(offsetof(struct header, boot) == 448, "header");
static_assert(offsetof(struct header, ahead) == 512, "header");
static_assert(offsetof(struct header, mount) == 768, "header");
static_assert(offsetof(struct header, skipped) == 832, "header");
static_assert(sizeof(struct header) <= PAGE, "header");

/* Pages 1 and 2 of the store, written alternately, so that one of them is whole at any moment.  The
 * valid one with the higher sequence counts.  Written as `boot` is; read by openers as well. */
struct sync_point {
    char magic[8];
    uint64_t sequence;
    uint64_t epoch;       /* everything up to it is on disk, */
    uint64_t clock_now;   /* the store's time, */
    uint64_t file_bytes;  /* and the length of the file, then */
    uint64_t clean;       /* 1: closed in order, and not opened to write since */
    uint64_t keys;        /* that the store had, or about as many */
    uint64_t blocks;      /* if clean: how many of 512 bytes the file had, holes left out */
    uint64_t clock_real;  /* CLOCK_REALTIME when it was clock_now */
    uint64_t checksum;    /* XXH3 of everything before it, seeded with that of the geometry */
};
static_assert(sizeof(struct sync_point) == 80, "sync point");
#define SYNC_MAGIC "SYNCED.."
#define SYNC_POINT_OFF(i) ((1 + (i)) * PAGE)
#define INDEX_MAP_OFF (3 * PAGE)

/*
 * A lane: what one thread of one process is about to do.  The thread writes it before it acts, so
 * that after a kill the cleaner knows exactly what the thread held (recover.c).  Only the owner
 * writes it, except for `ack`; after its death, the cleaner does.  A cleaner reads all of it.
 * Other writers read `epoch` (acknowledge), and a sync reads `change_seq`.
 */
struct lane {
    uint64_t epoch;     /* of the change under way, written after what describes it; 0: none */
    uint64_t ack;       /* the highest epoch of this lane whose record another writer found
                           published; raised by that writer before it replaces the record */
    uint64_t expect;    /* the current word that the change replaces, */
    uint64_t current;   /* and the one that it publishes; 0 for an unset */
    uint64_t old;       /* id of the block (see below) of the record that it replaces */
    uint64_t slot;      /* number of the slot: bucket * BUCKET_SLOTS + i */
    uint32_t lock;      /* bucket + 1 whose insert lock it holds or tries to get */
    uint8_t kind;       /* LANE_* */
    uint8_t done;       /* 1: the unset succeeded */
    uint8_t spare_at;   /* place of the spare that is published, or that receives the old block */
    uint8_t change_seq; /* of durable stores: odd while a change may be under way (sync.c) */
    /* Ids of the lane's blocks: reference << 32 | generation of the slab; 0 is none.  The block is
     * the lane's if the generation is still the slab's, the block's bit is set, and the number in
     * its record is the lane's. */
    uint64_t spare[LANE_SPARES];
    uint64_t hash; /* of the key whose insert lock it holds or tries to get */
};
static_assert(sizeof(struct lane) == 128, "lane");
#define LANE_UPDATE 1
#define LANE_INSERT 2
#define LANE_UNSET 3
#define LANE_KEEP 0x80 /* the record that is replaced is kept until a sync has ended */

/* Written by the holder of the kernel's lock on the entry: its process, or the cleaner. */
struct entry {
    uint64_t incarnation; /* one more each time a process gets, leaves or loses the entry; read by
                             a writer that wants to adopt a slab */
    uint32_t attached;    /* 1: a process has the entry; the kernel's lock tells if it is alive */
    uint32_t pid;         /* for people */
    uint32_t feed_lanes;  /* a bit for each lane whose ring is reserved; read by followers */
    uint32_t topics;      /* how many threads make or remove a topic; written by them */
    uint64_t owned; /* low 32 bits: ephemeral keys of this incarnation, or more; high 32 bits: the
                       low bits of it.  Raised before such a record is published, and lowered after
                       it is gone, both by the writer that does that; read by a cleaner, and by
                       waiters of wait_any (owner.c). */
    uint8_t pad[32];
    uint32_t reading[ENTRY_LANES]; /* references + 1 of large blocks that threads of this process
                                      copy; 0: none.  Written by them, read by who gives memory
                                      back (reading.c). */
    uint8_t more_pad[4];
    struct lane lane[ENTRY_LANES];
};
static_assert(sizeof(struct entry) == 2048, "entry");

/* Written by writers, and by the cleaner of a dead one; read by all. */
struct slot {
    uint64_t hash;    /* of the key, stored after `current`; stale while `current` is 0, and while
                         the key is being inserted */
    uint64_t current; /* low 32 bits of the record's epoch << 32 | reference + 1; 0: vacant.  While
                         the store is in use, only compare-and-swap changes it. */
};

struct bucket {
    uint32_t lock[2];  /* insert locks: 18 bits of the key's hash << 14 | lane number + 1 */
    uint32_t overflow; /* keys that went past this bucket, raised before such a key is inserted and
                          lowered after it is unset; a probe stops at 0 */
    uint32_t wait;     /* futex: generation << 1 | somebody may be asleep; a waiter sets the bit,
                          the writer that wakes clears it and steps the generation */
    struct slot slot[BUCKET_SLOTS];
};
static_assert(sizeof(struct bucket) == 64, "bucket");

/* The writer writes it once, before a slot leads to it; then it does not change while a slot does.
 * Key and value follow.  The checksum does not cover superseded, checksum, marks and lane. */
struct record {
    uint64_t epoch;
    uint64_t superseded; /* durable stores: epoch of the change that replaced or removed it, written
                            by that writer; else 0 */
    uint64_t expiry;     /* end of life, in nanoseconds of the store's time; 0: none */
    uint32_t checksum;   /* durable stores: record_checksum(); else 0 */
    uint32_t marks;      /* durable stores: RECORD_*; else 0.  Of an ephemeral key, in any store,
                            also, << 2: low bits of its owner's incarnation << 9 | its entry */
    uint32_t value_len;
    uint32_t revision;
    uint16_t key_len;
    uint16_t type;
    uint16_t lane; /* number of the lane that published it, or that has the block */
    uint16_t flags; /* of an ephemeral key: the next bits of the incarnation << 1 | 1; else 0 */
};
static_assert(sizeof(struct record) == 48, "record");
#define RECORD_OLDER 1u /* an older record of the key was kept when this one replaced it, or when
                           one before it did; set by its writer */
#define RECORD_UNSET 2u /* an unset removed it; set by the unset, before `superseded` */

/* A topic of capacity N is 1 + N internal keys (key.h).  The value of the first one, which has the
 * topic's name, is this.  A process that makes or removes the topic sets it, and everybody reads
 * it.  The others hold the messages; see struct message_key in message.h. */
struct topic {
    uint64_t id;       /* an epoch of the store, so no two topics ever have the same */
    uint32_t capacity; /* messages; the topic has as many keys */
    uint32_t longest;  /* bytes of a message */
    uint32_t kind;     /* TOPIC_KIND, TOPIC_KIND_QUEUE */
    uint32_t state;    /* TOPIC_* */
    uint64_t maker;    /* incarnation << 16 | entry of the process that began to make it */
};
static_assert(sizeof(struct topic) == 32, "topic");
#define TOPIC_KIND 1u
#define TOPIC_KIND_QUEUE 2u
#define TOPIC_MAKING 1u /* it may lack some keys; whoever opens it makes them */
#define TOPIC_READY 2u
#define TOPIC_REMOVING 3u /* it may have some keys still; whoever opens it removes them */

/* The value of the key of a position of a queue: this, and the message.  Before the first item it
 * is 8 bytes of 0. */
struct queue_item {
    uint64_t turn;     /* the highest number whose turn at this position is over */
    uint64_t number;   /* of the item that is here; 0: none */
    uint64_t owner;    /* owner_word() of the worker that has it; 0: none */
    uint64_t until;    /* end of that, in nanoseconds of the store's time; 0: none */
    uint32_t era;      /* item_era() of the time when the worker got it */
    uint32_t delivery; /* how often it was handed out */
};
static_assert(sizeof(struct queue_item) == 40, "item");

/* The first units of a slab.  Blocks of one size follow.  Unless a comment says otherwise the owner
 * writes a field, and every process reads it. */
struct slab {
    uint64_t owner;          /* incarnation << 16 | lane number + 1: only that lane sets `bits` */
    uint32_t block_units;    /* size of the blocks; 0 before the first use */
    uint32_t generation;     /* one more with each change of size, stored before the new size */
    uint32_t reserved_units; /* of the slab, its header included; of a large one, its header only;
                                perhaps with TRIM_BEGUN */
    uint8_t pad[4];
    /* Of durable stores: a sync that covered this epoch has zeroed records in this slab, or in the
     * one before; written by the holder of the sync lock, before it zeroes, and read by a rebuild
     * (slab_stamp()). */
    uint64_t cleaned;
    uint64_t cleaned_check; /* XXH3 of it and of the number of the slab, seeded with the seed */
    uint8_t pad1[24];
    uint64_t bits[SLAB_WORDS];  /* blocks in use; set by the owner, cleared by the process that
                                   frees the block, after it has zeroed it */
    uint64_t limbo[SLAB_WORDS]; /* those of them that hold a replaced record which is kept until a
                                   sync has ended; set by the writer that replaced it, cleared by
                                   the process that frees it, before the bit in `bits` */
};
static_assert(sizeof(struct slab) == SLAB_HEADER_UNITS * UNIT, "slab");

/* A slab of large blocks, which are as long as the largest value of their class, and of which only
 * the beginning is reserved.  The header has a page of its own. */
struct large_slab {
    struct slab slab;
    uint32_t have[LARGE_BLOCKS]; /* units of each block that are reserved, perhaps with TRIM_BEGUN;
                                    changed by the owner while the block is free */
};
#define TRIM_BEGUN 0x80000000u /* what follows may still be reserved as well (trim.c) */
#define LARGE_FIRST (PAGE / UNIT) /* the unit of a large slab at which its first block begins */
static_assert(sizeof(struct large_slab) <= PAGE, "large slab");

/* What is known of 64 slabs.  Bits are hints for writers that look for room: whoever follows one
 * looks at the slab itself.  See arena.c. */
struct group {
    uint64_t limbo; /* slabs that have records waiting for a sync (limbo.c) */
    uint64_t empty; /* small slabs that may have no block in use */
    uint64_t free[MAX_CLASSES]; /* for each class, slabs of it that may have a free block */
    uint32_t slab[GROUP_SLABS]; /* kind << 27 | number of the slab whose header, or part, is here;
                                   0: none yet.  Written once, by a writer. */
};
static_assert(sizeof(struct group) == 512, "group");
#define SLAB_KIND_SHIFT 27
#define SLAB_NUMBER_MASK ((1u << SLAB_KIND_SHIFT) - 1)
#define SLAB_KIND_SMALL 1u /* the kind of a large slab is SLAB_KIND_SMALL + 1 and up */

/* Of a store with a feed: where a lane is in its ring.  All of these, one for each lane of each
 * entry, come first; then the rings in the same order.  Written by the owner of the lane or its
 * cleaner, also across owners; read by followers (feed.c). */
struct feed_lane {
    uint64_t next; /* the line of the next change, modulo the length of the ring */
    uint64_t over; /* the highest number that was overwritten */
    uint8_t pad[48];
};
static_assert(sizeof(struct feed_lane) == UNIT, "feed lane");

/* A line of a ring: the first one of a change, or another one with more of a long key. */
#define FEED_KEY 40u  /* bytes of a key in the first line, */
#define FEED_REST 48u /* and in each further one, which has an epoch of 0 */
struct feed_line {
    uint64_t word; /* number of the change << 2 | FEED_IS_*; 0: none yet.  In a further line it is
                      FEED_IS_MORE. */
    uint64_t epoch;
    uint32_t revision;
    uint16_t type;
    uint8_t what; /* SPLINTER_EVENT_* */
    uint8_t key_len;
    char key[FEED_KEY];
};
static_assert(sizeof(struct feed_line) == UNIT, "feed line");
static_assert(offsetof(struct feed_line, revision) + FEED_REST == UNIT, "feed line");
#define FEED_IS_OLD 1u  /* a later change of the key was visible before this one had its number */
#define FEED_IS_MORE 2u
#define FEED_NUMBER(word) ((word) >> 2)
#define FEED_LANES (MAX_ENTRIES * ENTRY_LANES)

/* The lines of a change whose key has this length. */
static inline uint32_t feed_lines(uint32_t key_len)
{
    return 1 + (key_len > FEED_KEY ? (key_len - FEED_KEY + FEED_REST - 1) / FEED_REST : 0);
}

/* The owner of an ephemeral key: its record has the flag, the entry, and 36 bits of the incarnation
 * in its flags and in its marks (owner.h).  So an owner does not come back within 2^35 times that
 * the entry is taken.  An ephemeral key has an end of life, if only UINT64_MAX, so that a get takes
 * its slow path. */
#define RECORD_EPHEMERAL 1u
#define OWNER_MARKS_SHIFT 2
#define OWNER_ENTRY_BITS 9
#define OWNER_LOW_BITS 21
#define OWNER_INCARNATION_BITS 36
static_assert(MAX_ENTRIES == 1u << OWNER_ENTRY_BITS, "owner");
static_assert(OWNER_MARKS_SHIFT + OWNER_ENTRY_BITS + OWNER_LOW_BITS == 32, "owner");

#define CURRENT(epoch, ref) ((uint64_t)(epoch) << 32 | (uint32_t)((ref) + 1))
#define CURRENT_REF(current) ((uint32_t)(current) - 1)

/* The id of a block, as lane.spare and lane.old hold it. */
static inline uint64_t block_id(uint32_t ref, uint32_t generation)
{
    return (uint64_t)ref << 32 | generation;
}

static inline uint32_t block_id_ref(uint64_t id)
{
    return (uint32_t)(id >> 32);
}

/* Lanes are numbered from 1, over all entries; 0 is nobody's number.  A lock word, and the owner
 * word of a slab, hold the number + 1. */
static inline uint32_t lane_number_of(uint32_t entry, uint32_t lane)
{
    return entry * 16 + lane + 1;
}

static inline uint32_t lane_entry(uint32_t lane_number)
{
    return lane_number >> 4;
}

static inline uint32_t lane_in_entry(uint32_t lane_number)
{
    return (lane_number & 15) - 1;
}

#define LOCK_HASH_BITS 18
#define LOCK_LANE_BITS 14

static inline uint32_t lock_word(uint64_t hash, uint32_t lane_number)
{
    return (uint32_t)(hash & ((1u << LOCK_HASH_BITS) - 1)) << LOCK_LANE_BITS | (lane_number + 1);
}

/* Do two words lock the same key, as far as their bits of the hash can tell? */
static inline bool lock_same_key(uint32_t a, uint32_t b)
{
    return a >> LOCK_LANE_BITS == b >> LOCK_LANE_BITS;
}

/* The number of the lane that holds the lock; UINT32_MAX if none does. */
static inline uint32_t lock_holder(uint32_t word)
{
    return (word & ((1u << LOCK_LANE_BITS) - 1)) - 1;
}

/* The owner word of a slab: the lane owns it as long as this incarnation of the entry lasts. */
static inline uint64_t slab_owner(uint64_t incarnation, uint32_t lane_number)
{
    return incarnation << 16 | (lane_number + 1);
}

static inline uint64_t slab_owner_incarnation(uint64_t owner)
{
    return owner >> 16;
}

static inline uint32_t slab_owner_lane(uint64_t owner)
{
    return (uint32_t)(owner & 0xffff) - 1;
}

/* The offset of the value in a record whose key has this length. */
static inline uint32_t value_offset(uint32_t key_len)
{
    return (uint32_t)(sizeof(struct record) + key_len + 15) & ~15u;
}

/* Size classes of small blocks: each of 1 to 8 units, then four per doubling.  Those of large ones
 * follow from the geometry (geometry.c). */
static inline uint32_t class_of_units(uint32_t units)
{
    if (units <= 8)
        return units - 1;
    uint32_t m = units - 1, lg = 31 - (uint32_t)__builtin_clz(m);
    return 8 + (lg - 3) * 4 + ((m >> (lg - 2)) & 3);
}

static inline uint32_t class_units(uint32_t class)
{
    if (class < 8)
        return class + 1;
    return (5 + (class - 8) % 4) << ((class - 8) / 4 + 1);
}

#endif
