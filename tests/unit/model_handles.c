/* SPDX-License-Identifier: Apache-2.0 */
/* model_handles.c - random calls that concern a handle or the whole store; see model.h */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct place place; /* where the store is; of a memfd, its backing alone */
static int memfd = -1;     /* that stays open if no handle is */
static bool durable;

/* ---- handles ---- */

static void must_open(int rc)
{
    result_is(rc, 0);
    if (*splinter_last_error())
        model_wrong("step %u: after an open: %s", model->step, splinter_last_error());
}

static void open_by_name(struct handle *h, uint32_t flags)
{
    struct splinter_open_options options = {.struct_size = sizeof(options), .flags = flags};

    note("open handle %u%s%s", (unsigned)(h - handles),
         flags & SPLINTER_RDONLY ? ", to read" : "", flags & SPLINTER_REBUILD ? ", rebuild" : "");
    if (place.backing != BACKING_MEMFD) {
        options.flags |= place.flags;
        must_open(splinter_store_open(&h->store, place.name, &options));
    } else {
        must_open(splinter_store_open_fd(&h->store, memfd, &options));
    }
    h->read_only = flags & SPLINTER_RDONLY;
    h->holds = 0;
    h->number = ++model->owners;
}

/* By a copy of another handle's descriptor, which is closed again. */
static void open_by_descriptor(struct handle *h, const struct handle *from)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    int fd = dup(splinter_store_fd(from->store));

    if (one_in(3))
        options.flags = SPLINTER_RDONLY;
    note("open handle %u by the descriptor of %u%s", (unsigned)(h - handles),
         (unsigned)(from - handles), options.flags ? ", to read" : "");
    must_open(splinter_store_open_fd(&h->store, fd, one_in(2) || options.flags ? &options : NULL));
    close(fd);
    h->read_only = options.flags || from->read_only;
    h->holds = 0;
    h->number = ++model->owners;
}

static unsigned open_handles(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MODEL_HANDLES; i++)
        n += handles[i].store != NULL;
    return n;
}

static void close_handle(struct handle *h)
{
    note("close handle %u", (unsigned)(h - handles));
    splinter_store_close(h->store);
    h->store = NULL;
    model->holds -= h->holds;
    h->holds = 0;
    model_owner_gone(h->number);
}

static void close_all(void)
{
    for (unsigned i = 0; i < MODEL_HANDLES; i++)
        if (handles[i].store)
            close_handle(&handles[i]);
}

/* Nobody has the store open; those who had it may have died without a sync. */
static void open_anew(struct handle *h)
{
    open_by_name(h, durable && one_in(4) ? SPLINTER_REBUILD : one_in(3) ? SPLINTER_RDONLY : 0);
    all_is(h->store);
}

void try_handles(struct handle *h)
{
    struct handle *other = &handles[pick(MODEL_HANDLES)];

    if (!other->store) {
        if (one_in(2))
            open_by_descriptor(other, h);
        else
            open_by_name(other, one_in(3) ? SPLINTER_RDONLY : 0);
    } else if (open_handles() > 1) {
        close_handle(other);
    } else if (!model_is_child) { /* a child is not alone */
        close_all();
        open_anew(other);
    }
}

/* ---- calls for the whole store ---- */

static void try_hold(struct handle *h)
{
    bool hold = !h->holds && one_in(2);
    int want = !durable ? 0 : h->read_only ? -EROFS : hold || h->holds ? 0 : -EINVAL;
    int rc;

    note("handle %u: %s", (unsigned)(h - handles), hold ? "hold" : "release");
    rc = hold ? splinter_store_hold(h->store) : splinter_store_release(h->store);
    result_is(rc, want);
    if (rc || !durable)
        return;
    h->holds += hold ? 1 : -1u;
    model->holds += hold ? 1 : -1u;
}

static void try_sweep(struct handle *h)
{
    int rc;

    note("handle %u: sweep", (unsigned)(h - handles));
    rc = splinter_store_sweep(h->store);
    result_is(rc, h->read_only ? -EROFS : rc > 0 && rc <= (int)model->lingering ? rc : 0);
    for (unsigned i = 0; !rc && i < model->keys; i++)
        model_lingers_not(&model->key[i]);
}

static void try_trim(struct handle *h)
{
    int rc;

    note("handle %u: trim", (unsigned)(h - handles));
    rc = splinter_store_trim(h->store, NULL);
    result_is(rc, h->read_only ? -EROFS : rc == -EOPNOTSUPP ? rc : 0);
}

static void try_sync(struct handle *h)
{
    note("handle %u: sync", (unsigned)(h - handles));
    result_is(splinter_store_sync(h->store), durable && h->read_only ? -EROFS : 0);
}

static void try_check(struct handle *h)
{
    note("handle %u: check", (unsigned)(h - handles));
    result_is(check_store(h->store), 0);
}

static void try_list(struct handle *h)
{
    static const char *const prefixes[] = {"", "a/", "b/", "c/", "a/key-1", "d"};

    stat_is(h->store);
    listing_is(h->store, prefixes[pick(6)]);
}

void try_whole(struct handle *h)
{
    unsigned what = pick(100);

    if (what < 45)
        try_list(h);
    else if (what < 55)
        try_check(h);
    else if (what < 70)
        try_sweep(h);
    else if (what < 90)
        try_hold(h);
    else if (what < 95)
        try_sync(h);
    else
        try_trim(h);
}

/* ---- copies ---- */

/* What has expired is not in a copy. */
static void store_is_at(const struct place *to, int fd)
{
    close_all();
    if (place.backing != BACKING_MEMFD)
        must(splinter_store_unlink(place.name, place.flags), "unlink");
    else
        close(memfd);
    place = *to;
    memfd = fd;
    durable = true;
    for (unsigned i = 0; i < model->keys; i++)
        model_lingers_not(&model->key[i]);
}

/* Copy the store into a new one, by name or by descriptor; look at the copy, and go on with it. */
void try_snapshot(struct handle *h)
{
    struct place to;
    char path[600];
    int fd = -1;

    place_new(&to, place.backing);
    if (place.backing != BACKING_MEMFD) {
        place_path(&to, path, sizeof(path));
        note("handle %u: snapshot", (unsigned)(h - handles));
        result_is(splinter_store_snapshot(h->store, path, 0), 0);
        note("handle %u: snapshot again", (unsigned)(h - handles));
        result_is(splinter_store_snapshot(h->store, path, 0), -EEXIST);
    } else {
        fd = memfd_create(to.name, MFD_CLOEXEC);
        note("handle %u: snapshot to a descriptor", (unsigned)(h - handles));
        result_is(splinter_store_snapshot_fd(h->store, fd), 0);
        note("handle %u: snapshot to a descriptor again", (unsigned)(h - handles));
        result_is(splinter_store_snapshot_fd(h->store, fd), -EINVAL);
    }
    store_is_at(&to, fd);
    open_by_name(&handles[0], one_in(3) ? SPLINTER_RDONLY : 0);
    all_is(handles[0].store);
    try_check(&handles[0]);
}

/* ---- the store ---- */

void model_make(int backing, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    memset(handles, 0, sizeof(handles)); /* if Check does not fork, the last script is there */
    model->first_seed = model->seed = seed;
    model->keys = MODEL_KEYS;
    model->slots = one_in(4) ? MODEL_KEYS / 2 : 2 * MODEL_KEYS;
    model->max = one_in(2) ? MODEL_MAX : 700;
    for (unsigned i = 0; i < MODEL_KEYS; i++)
        snprintf(model->key[i].name, sizeof(model->key[i].name), "%c/%.*skey-%u", 'a' + i % 3,
                 (int)(i % 40), "----------------------------------------", i);
    handles[0].store = place_make(&place, backing, model->slots, model->max);
    handles[0].number = ++model->owners;
    durable = backing == BACKING_FILE;
    memfd = backing == BACKING_MEMFD ? dup(splinter_store_fd(handles[0].store)) : -1;
}

void model_end(void)
{
    close_all();
    open_by_name(&handles[0], 0);
    all_is(handles[0].store);
    try_check(&handles[0]);
    close_all();
    if (place.backing != BACKING_MEMFD)
        must(splinter_store_unlink(place.name, place.flags), "unlink");
    else
        close(memfd);
}
