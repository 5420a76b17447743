/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - a copy of a store in use, in a file of its own
 *
 * A walk meets every key that is present throughout exactly once, and each get returns a whole
 * version.  So ordinary calls of a reader make the copy, in a store that no other process knows of
 * yet.
 *
 * Invariant: in the copy a key has the epoch, revision, type and end of life that its version had,
 * and the epoch of the copy is not below that of any key in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "atomic.h"
#include "backing.h"
#include "cancel.h"
#include "descriptor.h"
#include "error.h"
#include "expiry.h"
#include "geometry.h"
#include "get.h"
#include "handle.h"
#include "key.h"
#include "set.h"
#include "store.h"
#include "topics.h"
#include "unset.h"
#include "walk.h"

/* A value on its way into the copy. */
struct parcel {
    uint8_t *bytes;
    size_t room;
    struct stored stored;
};

/* Get the value of a key, and make room for it as needed.  -ENOENT: the key is gone. */
static int get_whole(struct splinter_store *s, const struct key *key, struct parcel *p)
{
    for (;;) {
        int r = get_stored(s, key, p->bytes, p->room, &p->stored);
        if (r != -EMSGSIZE && (r || p->bytes))
            return r;
        /* If the room was too small twice, it gets the largest size, so that the loop ends. */
        size_t len = p->stored.meta.value_size;
        size_t more = !p->bytes && len * 2 < s->geo.max_value ? len * 2 : s->geo.max_value;
        uint8_t *bytes = realloc(p->bytes, more);
        if (!bytes)
            return -ENOMEM;
        p->bytes = bytes;
        p->room = more;
    }
}

/* 0, -ENOENT, or another errno.  The key may have been hashed for another store. */
static int is_there(struct splinter_store *s, const struct key *key)
{
    struct stored stored;
    struct key own = key_of_bytes(s, key->s, key->len);
    return get_stored(s, &own, NULL, 0, &stored);
}

/* The copy is full: it has keys that were removed after they had been copied, and meets those that
 * came for them.  Drop the former.  Returns how many they were, or a negative errno. */
static int drop_removed(struct splinter_store *from, struct splinter_store *to)
{
    struct walked w;
    uint64_t cursor = 0;
    int dropped = 0;
    while (walk_next(to, &cursor, &w)) {
        int r = is_there(from, &w.key);
        if (r == -ENOENT) {
            struct key key = key_of_bytes(to, w.text, w.key.len);
            r = key_unset(to, &key, &(struct unset_args){0}, NULL);
            dropped++;
        }
        if (r && r != -ENOENT)
            return r;
    }
    return dropped;
}

#define DROPS 10000 /* attempts to find a key that has gone */

static int copy_one(struct splinter_store *from, struct splinter_store *to, const struct key *name,
                    const struct parcel *p)
{
    const struct splinter_meta *m = &p->stored.meta;
    struct set_args args = {.type = m->type,
                            .epoch = m->epoch,
                            .revision = m->revision,
                            .expiry = expiry_moved(from, to, p->stored.expiry)};
    struct key key = key_of_bytes(to, name->s, name->len);
    int r = 0;
    /* At any moment the store has no more keys than fit.  But a key that comes and goes may be back
     * when it is looked for, and the one that this copies may have gone. */
    for (int tries = 0; tries < DROPS; tries++) {
        r = key_set(to, &key, p->bytes, m->value_size, &args, NULL);
        if (r != -ENOSPC || (uint32_t)load_relaxed(&to->header->keys) < to->geo.slots)
            break;
        int dropped = drop_removed(from, to);
        if (dropped < 0)
            return dropped;
        if (!dropped && is_there(from, name) == -ENOENT)
            return 0;
    }
    return r;
}

/* Make the topics and queues of the copy whole.  0, or an errno. */
static int settle(struct splinter_store *from, struct splinter_store *to)
{
    to->header->topics_left++;
    int r, dropped = 1;
    while ((r = topics_settle(to)) == -ENOSPC && dropped > 0)
        dropped = drop_removed(from, to);
    return dropped < 0 ? dropped : r;
}

/* Copy every key.  0, or an errno. */
static int copy_all(struct splinter_store *from, struct splinter_store *to)
{
    struct walked w;
    uint64_t cursor = 0, epoch = load_seq_cst(&from->header->epoch);
    struct parcel p = {0};
    int r = 0;
    enum walk met;
    while ((met = walk_next(from, &cursor, &w))) {
        if (met == WALK_EXPIRED || w.meta.owner) /* what belongs to a process is not copied */
            continue;
        r = get_whole(from, &w.key, &p);
        if (r == -ENOENT || (!r && p.stored.owner)) {
            r = 0;
            continue;
        }
        if (!r)
            r = copy_one(from, to, &w.key, &p);
        if (r)
            break;
        if (p.stored.meta.epoch > epoch)
            epoch = p.stored.meta.epoch;
    }
    free(p.bytes);
    /* The next change in the copy is later than all that it holds. */
    raise_u64(&to->header->epoch, epoch);
    return r ? r : settle(from, to);
}

#define MANY_CHUNKS 64 /* 1 MiB of the index */
#define KEYS_A_CHUNK 4 /* on average: then nearly every chunk has one */

/* Reserve the whole index at once, if it is large and nearly all of it will be used.  Chunks that
 * are reserved when the first key comes lie all over the disk, and to write them takes several
 * times as long.  If it fails, chunks are reserved as they are needed. */
static void reserve_index(int fd, const struct geometry *geo, struct splinter_store *from)
{
    uint32_t keys = (uint32_t)load_relaxed(&from->header->keys);
    uint32_t chunks = geo->buckets / CHUNK_BUCKETS;
    if (chunks >= MANY_CHUNKS && keys / KEYS_A_CHUNK >= chunks)
        (void)backing_reserve(fd, geo->index_off, (uint64_t)geo->buckets * sizeof(struct bucket));
}

/* Fill in the new file, as a process that opens it, sets keys and closes it. */
static int fill_copy(int fd, const char *path, const struct geometry *geo, void *from)
{
    splinter_store *to;
    int own = descriptor_again(fd, path, false);
    if (own < 0)
        return error_set(-own, "cannot open the new file of the snapshot a second time%s",
                         own == -ENOLCK ? ": there is no /proc" : "");
    reserve_index(fd, geo, from);
    int r = store_attach(&to, own, path, "the snapshot", geo, NULL);
    if (r)
        return r;
    r = copy_all(from, to);
    if (!r)
        r = splinter_store_sync(to);
    splinter_store_close(to);
    return r ? error_set(-r, "cannot copy the store: %s", strerror(-r)) : 0;
}

static int geometry_of_copy(struct splinter_store *s, struct geometry *geo)
{
    return geometry_make(geo, s->geo.slots, s->geo.max_value, s->geo.feed, GEOMETRY_DURABLE);
}

int splinter_store_snapshot(splinter_store *s, const char *path, uint32_t mode)
{
    not_cancelled();
    error_clear();
    struct geometry geo;
    int fd;
    if (!s)
        return error_set(EINVAL, "no store was given");
    if (mode & ~0777u)
        return error_set(EINVAL, "mode is 0%o, the highest allowed is 0777", (unsigned)mode);
    int r = geometry_of_copy(s, &geo);
    if (!r)
        r = backing_create(path, SPLINTER_FILE, mode ? mode : 0600, &geo, fill_copy, s, &fd);
    if (!r)
        close(fd);
    return r;
}

int splinter_store_snapshot_fd(splinter_store *s, int fd)
{
    not_cancelled();
    error_clear();
    struct geometry geo;
    struct stat st;
    if (!s)
        return error_set(EINVAL, "no store was given");
    int access = fcntl(fd, F_GETFL);
    if (access < 0 || fstat(fd, &st))
        return error_set(errno, "descriptor %d: %s", fd, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size || (access & (O_ACCMODE | O_APPEND)) != O_RDWR)
        return error_set(EINVAL, "descriptor %d is not an empty regular file that is open to read "
                         "and write, without O_APPEND", fd);
    int r = geometry_of_copy(s, &geo);
    if (!r)
        r = backing_fill(fd, &geo, "the snapshot");
    if (!r)
        r = fill_copy(fd, "", &geo, s);
    if (!r && (r = backing_flush(fd)))
        error_set(-r, "cannot write the snapshot to disk: %s", strerror(-r));
    if (r) {
        /* If this fails as well, part of the copy stays.  The error to report is the first one. */
        int ignored = ftruncate(fd, 0);
        (void)ignored;
    }
    return r;
}
