/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed_open.c - each error of the calls that open, create or remove a store
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "listed.h"

#define MAGIC_NFS 0x6969u

/* ---- the ways to open a store ---- */

enum opener { CREATE, OPEN, OPEN_OR_CREATE, CREATE_OR_OPEN, OPEN_WITH, STORE, STORE_FD, OPENERS };
static const char *const openers[OPENERS] = {
    "splinter_create",         "splinter_open",      "splinter_open_or_create",
    "splinter_create_or_open", "splinter_open_with", "splinter_store_open",
    "splinter_store_open_fd"};

#define ONE(opener) (1u << (opener))
#define NAMED (ONE(STORE_FD) - 1)
#define ALL (NAMED | ONE(STORE_FD))
#define CREATORS (NAMED & ~ONE(OPEN))   /* if they are told so */
#define LOOKERS (ALL & ~ONE(CREATE))    /* of a store that is there */
#define WITH_OPTIONS (ONE(OPEN_WITH) | ONE(STORE) | ONE(STORE_FD))

static struct splinter_open_options with; /* for those */
static int given;                         /* to STORE_FD */

static void no_options(void)
{
    with = (struct splinter_open_options){.struct_size = sizeof(with)};
    given = -1;
}

static int opens(enum opener how, const char *at)
{
    splinter_store *s = NULL;
    bool create = with.flags & SPLINTER_CREATE;
    size_t slots = create ? with.slots : SLOTS;
    int rc = -1;

    switch (how) {
    case CREATE: rc = VERB(splinter_create(at, slots, MAX_VALUE)); break;
    case OPEN: rc = VERB(splinter_open(at)); break;
    case OPEN_OR_CREATE: rc = VERB(splinter_open_or_create(at, slots, MAX_VALUE)); break;
    case CREATE_OR_OPEN: rc = VERB(splinter_create_or_open(at, slots, MAX_VALUE)); break;
    case OPEN_WITH: rc = VERB(splinter_open_with(at, &with)); break;
    case STORE: rc = splinter_store_open(&s, at, &with); break;
    default: rc = splinter_store_open_fd(&s, given, &with); break;
    }
    splinter_close();
    splinter_store_close(s);
    return rc;
}

/* Each of them fails so. */
static void each_gives(int line, unsigned which, int error, const char *at)
{
    unsigned failing[FAIL_COUNT];
    int for_good = fail_for_good, with_error = fail_errno;
    uint32_t magic = fail_magic;

    memcpy(failing, fail_at, sizeof(failing));
    for (enum opener how = 0; how < OPENERS; how++) {
        if (!(which & ONE(how)))
            continue;
        if (how == STORE_FD && given < 0 && error != EBADF)
            given = open(path, O_RDWR | O_CLOEXEC);
        fail_reset();
        memcpy(fail_at, failing, sizeof(failing));
        fail_for_good = for_good;
        fail_errno = with_error;
        fail_magic = magic;
        returned(line, openers[how], opens(how, at), -error);
    }
    if (given >= 0 && error != EBADF)
        close(given);
    no_options();
}
#define EACH(which, error, at) each_gives(__LINE__, which, error, at)

static void to_create(size_t slots)
{
    with.flags |= SPLINTER_CREATE;
    with.slots = slots;
    with.max_value = MAX_VALUE;
}
/* ---- scenes ---- */

static void names_and_options(void)
{
    static char longest[PATH_MAX + 1];
    const char *link = FILES ? name : path;
    uint32_t zero = 0;

    no_options();
    memset(longest, 'n', sizeof(longest) - 1);
    EACH(NAMED, EINVAL, "");
    given = 0;
    with.flags = UINT32_C(1) << 31;
    EACH(ONE(STORE_FD), EINVAL, NULL);
    EACH(NAMED, ENAMETOOLONG, longest);
    given = 0;
    with.struct_size = 5000;
    EACH(WITH_OPTIONS, E2BIG, "x");
    given = 12345;
    EACH(ONE(STORE_FD), EBADF, NULL);
    bus_name(name, sizeof(name));
    EACH(ONE(OPEN) | ONE(OPEN_WITH) | ONE(STORE), ENOENT, name);
    bus_path(path, sizeof(path), name);
    splinter_store_close(make(SLOTS, MAX_VALUE));
    to_create(SLOTS);
    with.flags |= SPLINTER_EXCL;
    EACH(ONE(CREATE) | ONE(OPEN_WITH) | ONE(STORE), EEXIST, name);
    raw_patch(path, AT_FORMAT, &zero, sizeof(zero));
    EACH(LOOKERS, EPROTO, name);
    unlink(path);
    write_file("no store", 8);
    EACH(LOOKERS, EBADMSG, name);
    unlink(path);
    if (symlink("/nowhere/at/all", link))
        die("symlink: %s", strerror(errno));
    to_create(SLOTS);
    EACH(CREATORS & ~ONE(CREATE), FILES ? EEXIST : ELOOP, name);
    unlink(path);
    if (FILES) {
        snprintf(longest, sizeof(longest), "%s/none/store", support_dir());
        to_create(SLOTS);
        EACH(CREATORS, ENOENT, longest);
    }
    done("names and options");
}

static void without_permission(void)
{
    char closed[600];
    unsigned files = FILES ? CREATORS : 0;

    no_options();
    EACH(LOOKERS & ~ONE(STORE_FD), EACCES, name);
    snprintf(closed, sizeof(closed), "%s/closed/store", support_dir());
    to_create(SLOTS);
    EACH(files, EACCES, closed);
    GIVES(EACCES, splinter_store_unlink(name, 0));
}

static void permissions(void)
{
    char closed[600];

    splinter_store_close(make(SLOTS, MAX_VALUE));
    snprintf(closed, sizeof(closed), "%s/closed", support_dir());
    if (chmod(path, 0) || mkdir(closed, 0500))
        die("%s: %s", closed, strerror(errno));
    as_nobody(without_permission);
    chmod(path, 0600);
    no_options();
    given = open(path, O_WRONLY | O_CLOEXEC);
    EACH(ONE(STORE_FD), EACCES, NULL);
    rmdir(closed);
    unlink(path);
    done("permissions");
}

/* What the system has no more of, or cannot do. */
static void the_system(void)
{
    char fresh[512];

    no_options();
    splinter_store_close(make(SLOTS, MAX_VALUE));
    fails(FAIL_allocation, 1, ENOMEM);
    EACH(LOOKERS, ENOMEM, name);
    fails(FAIL_open, 1, EMFILE);
    EACH(LOOKERS, EMFILE, name);
    fails(FAIL_open, 1, ENFILE);
    EACH(LOOKERS, ENFILE, name);
    fails(FAIL_pread, 1, EIO);
    EACH(LOOKERS, EIO, name);
    fails(FAIL_open, 2, ENOENT); /* that of /proc */
    EACH(LOOKERS & ~ONE(STORE_FD), ENOLCK, name);
    fails(FAIL_open, 1, ENOENT);
    EACH(ONE(STORE_FD), ENOLCK, NULL);
    fail_magic = MAGIC_NFS;
    EACH(FILES ? LOOKERS : ONE(STORE_FD), EOPNOTSUPP, name);
    if (FILES) {
        fails(FAIL_fallocate, 1, ENOSPC);
        EACH(LOOKERS, ENOSPC, name);
    }
    unlink(path);

    bus_name(fresh, sizeof(fresh));
    to_create(SLOTS);
    fails(FAIL_allocation, 1, ENOMEM);
    EACH(ONE(CREATE), ENOMEM, fresh);
    fails(FAIL_open, 1, EMFILE);
    EACH(ONE(CREATE), EMFILE, fresh);
    fails(FAIL_open, 1, ENFILE);
    EACH(ONE(CREATE), ENFILE, fresh);
    fails(FAIL_open, 2, ENOENT);
    EACH(ONE(CREATE), ENOLCK, fresh);
    to_create(SLOTS);
    fails(FAIL_pwrite, 1, EIO);
    EACH(CREATORS, EIO, fresh);
    to_create(SLOTS);
    fails(FAIL_fallocate, 1, ENOSPC);
    EACH(CREATORS, ENOSPC, fresh);
    to_create(SLOTS);
    fails(FAIL_fallocate, 1, EOPNOTSUPP);
    EACH(CREATORS, EOPNOTSUPP, fresh);
    done("what the system cannot do for an open");
}

/* A file of which somebody else has the lock of openers, or has all places of writers. */
static void files_in_use(void)
{
    uint64_t patience = open_patience_ns;
    splinter_store *s = make(SLOTS, MAX_VALUE);
    size_t size;
    uint8_t *bytes;
    int fd;

    no_options();
    set(s, "k", 5);
    must(splinter_store_sync(s), "sync");
    bytes = raw_read(path, &size);
    fd = lock(LOCK_OPEN, 1, F_WRLCK);
    open_patience_ns = 1000000;
    EACH(LOOKERS, EAGAIN, name);
    close(fd);
    splinter_store_close(s);
    unlink(path);
    for (enum opener how = 0; how < OPENERS; how++) {
        if (!(LOOKERS & ONE(how)))
            continue;
        write_file(bytes, size); /* a copy has to be brought into order */
        fd = lock_places();
        EACH(ONE(how), EUSERS, name);
        close(fd);
        unlink(path);
    }
    free(bytes);
    open_patience_ns = patience;
    done("files that others have");
}

static void unlinks(void)
{
    static char longest[PATH_MAX + 1];

    memset(longest, 'n', sizeof(longest) - 1);
    GIVES(EINVAL, splinter_store_unlink("", 0));
    GIVES(ENAMETOOLONG, splinter_store_unlink(longest, 0));
    bus_name(name, sizeof(name));
    GIVES(ENOENT, splinter_store_unlink(name, 0));
    write_file("no store", 8);
    GIVES(EBADMSG, splinter_store_unlink(name, 0));
    fails(FAIL_open, 1, ENFILE);
    GIVES(ENFILE, splinter_store_unlink(name, 0));
    unlink(path);
    done("names to remove");
}
void opening(void)
{
    names_and_options();
    permissions();
    the_system();
    if (FILES)
        files_in_use();
    unlinks();
}
