/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.c - what writers tell those who follow the changes of a store
 *
 * One ring for all writers would stop at a writer that is stopped between taking its place and
 * filling it.  So each lane has a ring of its own, which only its owner writes, or the cleaner; and
 * followers put the rings together by number (follow.c).  tests/model/feed.pml is the model.
 *
 * A writer describes its change in the next line of its ring before it opens its journal.  When the
 * change is visible, it takes a number and stores it in that line.  A follower that waits for a
 * number gives up on it after a while; it says so in header.skipped, and looks once more.  The
 * writer stores its number, and then looks at header.skipped; if followers have given up on the
 * number, it takes another one.  Both pairs of accesses are sequentially consistent, so at least
 * one of the two sees the other.
 *
 * Invariants
 *  - The numbers in a ring rise, from the oldest line to the newest one.  It has room for several
 *    changes, however long their keys are.
 *  - Before a line is written, feed_lane.over is at least the number that it had.  So a follower
 *    that has read a line, and then finds that `over` is lower, has read it whole.
 *  - A change has its number before its journal is closed, and before the lock of its key is
 *    released.  So the cleaner of a dead writer gives it one, if the writer did not.
 *  - A change that has a lower number than an earlier one of its key does not exist; one that has a
 *    higher number than a later one says so (FEED_IS_OLD).
 */
#include "feed.h"
#include "atomic.h"
#include "clock.h"
#include "backing.h"
#include "descriptor.h"
#include "fault.h"

static size_t place_of(uint32_t lane_number)
{
    return (size_t)lane_entry(lane_number) * ENTRY_LANES + lane_in_entry(lane_number);
}

static struct feed_line *line_at(const struct splinter_store *s, const struct feed_lane *lane,
                                 uint64_t n)
{
    size_t place = (size_t)(lane - s->feed_lanes);
    return feed_ring(s, place) + (n & (s->geo.feed - 1));
}

int feed_ready_now(struct splinter_store *s, struct lane_private *lane)
{
    size_t place = place_of(lane->number);
    struct feed_lane *feed = s->feed_lanes + place;
    uint64_t ring = (uint64_t)s->geo.feed * sizeof(struct feed_line);
    int fd = descriptor_file(s), r = backing_reserve(fd, s->geo.feed_off + place * sizeof *feed,
                                                     sizeof *feed);
    if (!r)
        r = backing_reserve(fd, s->geo.feed_off + FEED_LANES * sizeof *feed + place * ring, ring);
    if (r)
        return r;
    fault_point("feed: reserved");
    uint32_t *lanes = &s->registry[lane_entry(lane->number)].feed_lanes;
    fetch_or_acq_rel(lanes, UINT32_C(1) << lane_in_entry(lane->number));
    fault_point("feed: lane marked");
    /* Sequentially consistent, as is the step of `published`: a follower that reads a number of
     * this lane there has the lane in its list. */
    fetch_add_seq_cst(&s->header->feed_rings, 1);
    fault_point("feed: lane told");
    lane->feed = feed;
    return 0;
}

NOINLINE
void feed_prepare(struct splinter_store *s, const struct lane_private *lane,
                  const struct feed_news *news)
{
    struct feed_lane *feed = lane->feed;
    uint64_t next = load_relaxed(&feed->next), over = load_relaxed(&feed->over);
    uint32_t lines = feed_lines(news->key_len);
    for (uint32_t i = 0; i < lines; i++) {
        uint64_t number = FEED_NUMBER(load_relaxed(&line_at(s, feed, next + i)->word));
        over = number > over ? number : over;
    }
    store_release(&feed->over, over); /* a follower that reads it finds the number published */
    fence_release(); /* a follower that reads any of what follows sees that also [>over-written] */
    fault_point("feed: over");
    struct feed_line *line = line_at(s, feed, next);
    const char *key = news->key;
    uint32_t len = news->key_len < FEED_KEY ? news->key_len : FEED_KEY;
    store_relaxed(&line->revision, news->revision);
    store_relaxed(&line->type, news->type);
    store_relaxed(&line->what, news->what);
    store_relaxed(&line->key_len, (uint8_t)news->key_len);
    payload_copy(line->key, key, len);
    for (uint32_t i = 1; i < lines; i++) {
        uint32_t rest = news->key_len - len < FEED_REST ? news->key_len - len : FEED_REST;
        struct feed_line *more = line_at(s, feed, next + i);
        store_relaxed(&more->word, FEED_IS_MORE);
        store_relaxed(&more->epoch, 0); /* feed_recover() must not take it for a change */
        payload_copy((char *)more + offsetof(struct feed_line, revision), key + len, rest);
        len += rest;
    }
    crash_order();
    fault_point("feed: described");
    store_relaxed(&line->epoch, news->epoch);
    crash_order();
}

NOINLINE
void feed_prepare_set(struct splinter_store *s, const struct lane_private *lane,
                      const struct record *rec, const char *key, uint32_t key_len)
{
    feed_prepare(s, lane, &(struct feed_news){.epoch = rec->epoch,
                                              .key = key,
                                              .key_len = key_len,
                                              .revision = rec->revision,
                                              .type = rec->type,
                                              .what = SPLINTER_EVENT_SET});
}

/* Have followers given up waiting for this number?  They do so only with numbers that were taken:
 * what a program may have written there instead must not keep a writer. */
static bool is_skipped(const struct splinter_store *s, uint64_t number)
{
    uint64_t skipped = load_seq_cst(&s->header->skipped); /* [=skipped] */
    return skipped >= number && skipped <= load_relaxed(&s->header->published);
}

NOINLINE
void feed_tell(struct splinter_store *s, struct feed_lane *lane, const struct slot *slot,
               uint64_t becomes)
{
    struct feed_line *line = line_at(s, lane, load_relaxed(&lane->next));
    uint64_t number;
    do {
        number = fetch_add_seq_cst(&s->header->published, 1) + 1;
        fault_point("feed: numbered");
        bool old = slot && load_seq_cst(&slot->current) != becomes;
        fault_point("feed: looked");
        /* Sequentially consistent, and so is the load that follows. [>number] [=skipped] */
        exchange_seq_cst(&line->word, number << 2 | (old ? FEED_IS_OLD : 0));
        fault_point("feed: told");
    } while (is_skipped(s, number));
    crash_order();
    store_relaxed(&lane->next, lane->next + feed_lines(load_relaxed(&line->key_len)));
    crash_order();
    fault_point("feed: next");
}

void feed_recover(struct splinter_store *s, uint32_t lane_number, uint64_t epoch,
                  const struct slot *slot, uint64_t becomes)
{
    uint32_t bit = UINT32_C(1) << lane_in_entry(lane_number);
    if (!s->has_feed || !(load_relaxed(&s->registry[lane_entry(lane_number)].feed_lanes) & bit))
        return;
    struct feed_lane *lane = s->feed_lanes + place_of(lane_number);
    struct feed_line *line = line_at(s, lane, load_relaxed(&lane->next));
    if (load_relaxed(&line->epoch) != epoch)
        return; /* it was told: `next` has moved on */
    uint64_t number = FEED_NUMBER(load_seq_cst(&line->word));
    if (number <= load_relaxed(&lane->over) || is_skipped(s, number))
        feed_tell(s, lane, slot, becomes);
    else
        store_relaxed(&lane->next, lane->next + feed_lines(load_relaxed(&line->key_len)));
    crash_order();
    fault_point("recover: told");
}

void feed_restart(struct splinter_store *s, uint64_t ahead)
{
    struct header *h = s->header;
    /* The file may be a copy, and go on beside the other one with the same numbers. */
    uint64_t era = now_realtime() ^ now_monotonic() << 32;
    h->era = (uint32_t)(era * UINT64_C(0x9E3779B97F4A7C15) >> 32);
    if (!s->has_feed)
        return;
    h->published += ahead;
    /* What the header says may be older, or nonsense.  No more numbers are taken than epochs, but
     * for those that followers give up. */
    if (h->published < h->epoch || h->published / 2 > h->epoch)
        h->published = h->epoch;
    h->feed_base = h->published;
    h->skipped = 0;
    h->feed_rings = 0;
}

void feed_each_part(struct splinter_store *s, void (*what)(uint8_t *from, uint64_t bytes))
{
    uint32_t entries = load_acquire(&s->header->registry_used);
    for (size_t i = 0; s->has_feed && i < entries * ENTRY_LANES && i < FEED_LANES; i++) {
        if (!(load_acquire(&s->registry[i / ENTRY_LANES].feed_lanes) >> i % ENTRY_LANES & 1))
            continue;
        what((uint8_t *)(s->feed_lanes + i), sizeof *s->feed_lanes);
        what((uint8_t *)feed_ring(s, i), s->geo.feed * sizeof(struct feed_line));
    }
}
