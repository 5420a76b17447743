/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.c - a copy of a store in use, in a file of its own
 *
 * A walk meets every key that is present throughout exactly once, and each get returns a whole
 * version.  So ordinary calls of a reader make the copy, in a store that no other process knows of
 * yet.
 *
 * Invariant: in the copy a key has the epoch, revision and type that its version had in the store,
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
#include "clock.h"
#include "error.h"
#include "geometry.h"
#include "handle.h"
#include "key.h"
#include "set.h"
#include "store.h"

/* Get the value of a key into *buf, which is made larger as needed.  -ENOENT: the key is gone. */
static int get_whole(struct splinter_store *s, const char *name, uint8_t **buf, size_t *room,
                     size_t *len, struct splinter_meta *meta)
{
    for (;;) {
        meta->struct_size = sizeof *meta;
        int r = splinter_store_get(s, name, *buf, *room, len, meta);
        if (r != -EMSGSIZE && (r || *buf))
            return r;
        /* If the buffer was too small twice, it gets the largest size, so that the loop ends. */
        size_t more = !*buf && *len * 2 < s->geo.max_value ? *len * 2 : s->geo.max_value;
        uint8_t *p = realloc(*buf, more);
        if (!p)
            return -ENOMEM;
        *buf = p;
        *room = more;
    }
}

/* Copy every key.  0, or an errno. */
static int copy_all(struct splinter_store *from, struct splinter_store *to)
{
    char name[SPLINTER_KEY_MAX];
    uint64_t cursor = 0, epoch = load_seq_cst(&from->header->epoch);
    uint8_t *buf = NULL;
    size_t room = 0, len = 0;
    int r;
    while ((r = splinter_store_walk(from, NULL, &cursor, name, NULL)) == 1) {
        struct splinter_meta m;
        struct key key;
        r = get_whole(from, name, &buf, &room, &len, &m);
        if (r == -ENOENT)
            continue;
        if (!r)
            r = key_make(to, name, &key);
        if (r)
            break;
        struct set_args args = {.type = m.type, .epoch = m.epoch, .revision = m.revision};
        if (m.ttl_ns)
            args.expiry = now_realtime() + m.ttl_ns;
        if (m.epoch > epoch)
            epoch = m.epoch;
        r = key_set(to, &key, buf, len, &args, NULL);
        if (r)
            break;
    }
    free(buf);
    /* The next change in the copy is later than all that it holds. */
    raise_u64(&to->header->epoch, epoch);
    raise_u64(&to->header->clock_floor, load_relaxed(&from->header->clock_floor));
    return r;
}

/* Fill in the new file, as a process that opens it, sets keys and closes it. */
static int fill_copy(int fd, const struct geometry *geo, void *from)
{
    splinter_store *to;
    int own = backing_reopen(fd, false);
    if (own < 0)
        return error_set(-own, "cannot open the new file of the snapshot through /proc/self/fd");
    int r = store_attach(&to, own, "the snapshot", geo, NULL);
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
    return geometry_make(geo, s->geo.slots, s->geo.max_value, GEOMETRY_DURABLE);
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
    if (!S_ISREG(st.st_mode) || st.st_size || (access & O_ACCMODE) != O_RDWR)
        return error_set(EINVAL, "descriptor %d is not an empty regular file that is open to read "
                         "and write", fd);
    int r = geometry_of_copy(s, &geo);
    if (!r)
        r = backing_fill(fd, &geo, "the snapshot");
    if (!r)
        r = fill_copy(fd, &geo, s);
    if (!r && (r = backing_flush(fd)))
        error_set(-r, "cannot write the snapshot to disk: %s", strerror(-r));
    if (r) {
        /* If this fails as well, part of the copy stays.  The error to report is the first one. */
        int ignored = ftruncate(fd, 0);
        (void)ignored;
    }
    return r;
}
