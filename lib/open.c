/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - stores by name or descriptor: open, create, unlink
 *
 * Invariant: a store gets its name when it is complete and its creator is attached.  So a name
 * never leads to half a store, and a creation that fails leaves none.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backing.h"
#include "cancel.h"
#include "descriptor.h"
#include "error.h"
#include "geometry.h"
#include "handle.h"
#include "sized.h"
#include "store.h"

#define OPEN_FLAGS 0x7ffu /* all SPLINTER_* flags of the options */

static int open_existing(splinter_store **out, const char *name, struct splinter_open_options *o)
{
    struct geometry geo;
    char path[PATH_MAX];
    bool read_only = false;
    int fd, r = backing_path(name, o->flags, path);
    if (!r)
        r = backing_open(name, o->flags, &read_only, &fd);
    if (r)
        return r;
    r = backing_read_geometry(fd, name, &geo);
    if (r) {
        close(fd);
        return r;
    }
    if (read_only)
        o->flags |= SPLINTER_RDONLY;
    return store_attach(out, fd, path, name, &geo, o);
}

/* What attach_new() is told, and returns. */
struct creation {
    splinter_store *store; /* the handle of the creator; NULL: it did not attach */
    const char *name;
    const struct splinter_open_options *options;
};

/* Attach the creator, before the store gets its name. */
static int attach_new(int fd, const char *path, const struct geometry *geo, void *arg)
{
    struct creation *c = arg;
    int own = descriptor_again(fd, path, false);
    if (own < 0)
        return error_set(-own, own == -ENOLCK ? "cannot open '%.200s' a second time: there is no "
                         "/proc" : "cannot open '%.200s' a second time", c->name);
    return store_attach(&c->store, own, path, c->name, geo, c->options);
}

/* The caller's options, or none, as this library knows them.  Fails with a sentence. */
static int take_options(struct splinter_open_options *own,
                        const struct splinter_open_options *theirs)
{
    *own = (struct splinter_open_options){.struct_size = sizeof *own};
    int r = theirs ? sized_take(own, sizeof *own, theirs) : 0;
    if (r == -EINVAL)
        return error_set(EINVAL, "struct_size is %zu, at least %zu is expected",
                         sized_bytes(theirs), sizeof(size_t));
    if (r == -E2BIG)
        return error_set(E2BIG, "struct_size is %zu, and the options ask for something beyond the "
                         "%zu bytes that this library knows", sized_bytes(theirs), sizeof *own);
    return r;
}

/* Does this library know all flags?  Fails with a sentence. */
static int check_flags(const struct splinter_open_options *o)
{
    uint32_t unknown = o->flags & ~OPEN_FLAGS;
    return unknown ? error_set(EINVAL, "unknown flags 0x%x", (unsigned)unknown) : 0;
}

/* Are the options allowed, each and together?  Fails with a sentence. */
static int check_options(const struct splinter_open_options *o)
{
    int r = check_flags(o);
    if (r)
        return r;
    if (o->mode & ~0777u)
        return error_set(EINVAL, "mode is 0%o, the highest allowed is 0777", (unsigned)o->mode);
    uint32_t where = o->flags & (SPLINTER_MEMORY | SPLINTER_FILE | SPLINTER_ANONYMOUS);
    if (where & (where - 1))
        return error_set(EINVAL, "a store is in memory, in a file or anonymous; choose one");
    bool create = o->flags & (SPLINTER_CREATE | SPLINTER_ANONYMOUS);
    if ((o->flags & SPLINTER_RDONLY) && create)
        return error_set(EINVAL, "a store that is to be created cannot be read-only");
    if ((o->flags & SPLINTER_EXCL) && !create)
        return error_set(EINVAL, "SPLINTER_EXCL needs SPLINTER_CREATE");
    return 0;
}

/* Open the store of this name if there is one, unless the options say otherwise; else create it. */
static int open_or_create(splinter_store **out, const char *name, struct splinter_open_options *o)
{
    /* Checks the sizes even if an existing store is opened, so that a mistake shows at once. */
    struct geometry geo;
    bool durable = !(o->flags & SPLINTER_ANONYMOUS) && !backing_is_memory(o->flags);
    int fd, r = geometry_make(&geo, o->slots, o->max_value, o->feed,
                              durable ? GEOMETRY_DURABLE : 0);
    if (r)
        return r;
    /* Another process may create or remove the store between our steps.  Each round means that one
     * more did. */
    for (int i = 0; i < 1000; i++) {
        if (!(o->flags & (SPLINTER_EXCL | SPLINTER_ANONYMOUS))) {
            r = open_existing(out, name, o);
            if (r != -ENOENT)
                return r;
        }
        error_clear();
        struct creation made = {.name = name ? name : "(anonymous)", .options = o};
        r = backing_create(name, o->flags, o->mode ? o->mode : 0600, &geo, attach_new, &made, &fd);
        if (!r) {
            close(fd);
            if (!(o->flags & SPLINTER_ANONYMOUS))
                backing_path(name, o->flags, made.store->path);
            *out = made.store;
            return 0;
        }
        splinter_store_close(made.store); /* it got no name */
        if (r != -EEXIST || (o->flags & SPLINTER_EXCL))
            return r;
    }
    return r;
}

int splinter_store_open(splinter_store **out, const char *name,
                        const struct splinter_open_options *options)
{
    not_cancelled();
    error_clear();
    if (!out)
        return error_set(EINVAL, "no place for the handle was given");
    *out = NULL;
    struct splinter_open_options o;
    int r = take_options(&o, options);
    if (!r)
        r = check_options(&o);
    if (r)
        return r;
    if (o.flags & (SPLINTER_CREATE | SPLINTER_ANONYMOUS))
        return open_or_create(out, name, &o);
    return open_existing(out, name, &o);
}

int splinter_store_open_fd(splinter_store **out, int fd,
                           const struct splinter_open_options *options)
{
    not_cancelled();
    error_clear();
    if (!out)
        return error_set(EINVAL, "no place for the handle was given");
    *out = NULL;
    struct splinter_open_options o;
    int own, r = take_options(&o, options);
    if (!r)
        r = check_flags(&o);
    if (r)
        return r;
    bool read_only;
    char name[32];
    snprintf(name, sizeof name, "descriptor %d", fd);
    struct geometry geo;
    r = backing_open_fd(fd, o.flags, &read_only, name, &own);
    if (r)
        return r;
    r = backing_read_geometry(own, name, &geo);
    if (r) {
        close(own);
        return r;
    }
    if (read_only)
        o.flags |= SPLINTER_RDONLY;
    return store_attach(out, own, "", name, &geo, &o);
}

int splinter_store_unlink(const char *name, uint32_t flags)
{
    not_cancelled();
    error_clear();
    uint32_t where = flags & (SPLINTER_MEMORY | SPLINTER_FILE);
    if (where != flags || where == (SPLINTER_MEMORY | SPLINTER_FILE))
        return error_set(EINVAL, "flags is 0x%x, allowed are SPLINTER_MEMORY, SPLINTER_FILE or 0",
                         (unsigned)flags);
    return backing_unlink(name, flags);
}
