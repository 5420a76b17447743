/* SPDX-License-Identifier: Apache-2.0 */
/* steps_inside.c - where test_steps reaches into the library; see steps_inside.h */
#include "steps_inside.h"

#include "attach.h"
#include "backing.h"
#include "extent.h"
#include "fork.h"
#include "index.h"
#include "lane.h"
#include "lock.h"
#include "set.h"
#include "settle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

const uint32_t spares_of_a_lane = LANE_SPARES, bytes_of_a_unit = UNIT;

/* ---- to look ---- */

uint32_t block_of(uint32_t len)
{
    return (value_offset(KEY_SHORT) + len + UNIT - 1) / UNIT;
}

uint32_t buckets_of(const splinter_store *s)
{
    return s->geo.buckets;
}

uint32_t slots_of(const splinter_store *s)
{
    return s->geo.slots;
}

uint64_t epoch_of(const splinter_store *s)
{
    return s->header->epoch;
}

static struct key key_of(splinter_store *s, const char *name)
{
    struct key key;

    must(key_make(s, name, &key), "key");
    return key;
}

void name_in(splinter_store *s, char name[SPLINTER_KEY_MAX], uint32_t bucket, unsigned n)
{
    for (unsigned i = 0;; i++) {
        snprintf(name, SPLINTER_KEY_MAX, "key%u", i);
        if (key_of(s, name).home == bucket && !n--)
            return;
    }
}

bool arena_contains(splinter_store *s, const char *text)
{
    know_whole_file(s);
    return memmem(s->arena, s->known_units * UNIT, text, strlen(text));
}

/* ---- to leave things as a death or a writer that is slow would ---- */

void abandon(splinter_store *s)
{
    attach_locks_close(s);
    fork_unwatch(s);
    munmap(s->base, s->mapped);
    close(s->fd);
    free(s);
}

static const uint8_t other[16] = "another kernel";

void make_torn(const char *path)
{
    raw_patch(path, offsetof(struct header, boot), other, sizeof(other));
    raw_patch(path, offsetof(struct header, clock_boot), other, sizeof(uint64_t));
}

bool is_torn(const char *path)
{
    static const uint8_t none[sizeof(other)];
    uint8_t boot[sizeof(other)];
    int fd = open(path, O_RDONLY); /* not all of the file: that of a store with a feed is long */

    if (fd < 0 || pread(fd, boot, sizeof(boot), offsetof(struct header, boot)) != sizeof(boot))
        die("%s: cannot read it", path);
    close(fd);
    return !memcmp(boot, other, sizeof(other)) || !memcmp(boot, none, sizeof(none));
}

void fill_registry(splinter_store *s, const splinter_store *keeper)
{
    must(backing_reserve(s->fd, s->geo.registry_off, MAX_ENTRIES * sizeof(struct entry)),
         "reserve");
    for (uint32_t i = 0; i < MAX_ENTRIES; i++)
        if (i != keeper->entry && i != s->entry)
            s->registry[i].attached = 1;
    s->header->registry_used = MAX_ENTRIES;
}

void spoil_counts(splinter_store *s)
{
    s->header->keys += 3;
    s->index[2].overflow += 2;
    s->index[3].overflow += 1;
    s->header->counts_dirty = 1;
}

void spoil_keys(splinter_store *s)
{
    s->header->keys += s->geo.slots - (uint32_t)s->header->keys;
    s->header->counts_dirty = COUNTS_DIRTY;
}

void spoil_hints(splinter_store *s)
{
    for (uint32_t n = 0; n < s->header->slabs_used; n++) {
        struct group *group = &s->groups[n / GROUP_SLABS];
        uint64_t bit = UINT64_C(1) << n % GROUP_SLABS;

        group->empty |= bit;
        for (uint32_t i = 0; i < MAX_CLASSES; i++)
            group->free[i] |= bit;
    }
}

void spoil_slab_counts(splinter_store *s)
{
    for (uint32_t i = 0; i < MAX_CLASSES; i++)
        s->header->class_slabs[i] += UINT64_C(1) << 24;
}

static const struct lane *reopened;

static void leave(splinter_store *s, const char *text, uint32_t state, unsigned keys)
{
    const struct set_args args = {.unsynced = true};
    const struct topic is = {.id = 2 * state + 1, .capacity = 3, .longest = 8, .kind = TOPIC_KIND,
                             .state = state, .maker = MAX_ENTRIES};

    if (state) {
        struct key own = key_of_bytes(s, text, 3);

        must(key_set(s, &own, &is, sizeof(is), &args, NULL), "preparing");
    }
    for (unsigned i = 0; i < keys; i++) {
        struct message_key k;
        uint64_t none = 0;

        message_key_make(s, &is, i, &k);
        must(key_set(s, &k.key, &none, sizeof(none), &args, NULL), "preparing");
    }
}

unsigned leave_topic(splinter_store *s)
{
    leave(s, "\0ta", TOPIC_MAKING, 2);
    s->header->topics_left++;
    return 3;
}

unsigned leave_topics(splinter_store *s)
{
    leave(s, "\0tb", TOPIC_REMOVING, 1);
    leave(s, NULL, 0, 1); /* a message without a topic */
    return 3 + leave_topic(s);
}

bool settle_topics(splinter_store *s)
{
    struct walked w;
    uint64_t cursor = 0;

    must(attach_own(s), "attach");
    topics_settle_dead(s);
    while (walk_next(s, &cursor, &w))
        if (key_is_internal(w.text, w.key.len))
            return false;
    return true;
}

void reopen_change(splinter_store *s, const char *key)
{
    struct lane *lane = NULL;
    struct record *rec = NULL;

    for (uint32_t i = 0; i < s->geo.buckets * BUCKET_SLOTS; i++) {
        struct slot *slot = &s->index[i / BUCKET_SLOTS].slot[i % BUCKET_SLOTS];

        rec = slot->current ? record_at(s, slot->current) : NULL;
        if (rec && !memcmp(rec + 1, key, rec->key_len))
            break;
    }
    lane = rec ? lane_shared(s, rec->lane) : NULL;
    if (!lane)
        die("the record is not found");
    lane->epoch = rec->epoch;
    reopened = lane;
}

bool change_was_acknowledged(void)
{
    return reopened && reopened->ack == reopened->epoch;
}

void know_whole_file(splinter_store *s)
{
    file_covers(s, s->arena_units);
}

void believe_in_holes(splinter_store *s)
{
    s->holes_harmless = true;
}

void hold_lock(splinter_store *s, const char *name)
{
    struct key key = key_of(s, name);

    must(key_lock(s, &s->lane[0], &key, true), "lock");
}

void let_go_of_lock(splinter_store *s, const char *name)
{
    struct key key = key_of(s, name);

    key_unlock(s, &s->lane[0], &key);
}

void take_lock_as_well(splinter_store *s, const char *name)
{
    struct key key = key_of(s, name);

    s->lane[0].shared->lock = key.home + 1;
    s->index[key.home].lock[1] = (uint32_t)(key.hash & 0x3ffff) << 14 | (s->lane[0].number + 1);
}

void drop_lock_as_well(splinter_store *s, const char *name)
{
    s->index[key_of(s, name).home].lock[1] = 0;
    s->lane[0].shared->lock = 0;
}

void mark_sleepers(splinter_store *s, const char *name)
{
    s->index[key_of(s, name).home].wait |= 1;
    s->header->any_wait |= 1;
}
